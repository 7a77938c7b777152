/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random requests of many sessions under random faults: each is answered exactly once. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_storm(void);

enum { SEATS = 8, DEVICES = 3, ROUNDS = 1200 };

static struct harness h;
static uint32_t seed;
static bool is_sub[65536]; /* by request id */

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

static void set_uuid(Bh__Target *target, uint8_t space[16])
{
	static const uint8_t SHORT[4][2] = {
		{ 0xff, 0xf3 }, { 0x2a, 0x19 }, { 0xff, 0xf4 }, { 0x12, 0x34 }
	};
	static const uint8_t TAIL[12] = { 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb };

	memset(space, 0, 4);
	memcpy(space + 2, SHORT[dice(4)], 2);
	memcpy(space + 4, TAIL, sizeof(TAIL));
	bh__target__init(target);
	target->has_uuid = 1;
	target->uuid.data = space;
	target->uuid.len = 16;
}

static void send_one(size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	Bh__Write write = BH__WRITE__INIT;
	Bh__Read read = BH__READ__INIT;
	Bh__Empty empty = BH__EMPTY__INIT;
	Bh__Target target;
	uint8_t uuid[16];

	set_uuid(&target, uuid);
	read.target = write.target = subscribe.target = &target;
	read.has_timeout_ms = write.has_timeout_ms = connect.has_timeout_ms = 1;
	read.timeout_ms = write.timeout_ms = connect.timeout_ms = dice(4) ? 3000 : 1 + dice(20);
	write.has_value = 1;
	write.value.data = uuid;
	write.value.len = 16;
	switch (dice(8)) {
	case 0:
		(void)harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
		break;
	case 1:
		(void)harness_send(&h, seat, BH__TYPE__DISCONNECT, &empty.base);
		break;
	case 2:
		(void)harness_send(&h, seat, BH__TYPE__SERVICES_REQUEST, &empty.base);
		break;
	case 3:
		is_sub[harness_send(&h, seat, BH__TYPE__SUBSCRIBE, &subscribe.base)] = true;
		break;
	case 4:
	case 5:
		(void)harness_send(&h, seat, BH__TYPE__WRITE, &write.base);
		break;
	default:
		(void)harness_send(&h, seat, BH__TYPE__READ, &read.base);
	}
}

static void send_fault(void)
{
	char line[64];

	(void)snprintf(line, sizeof(line),
		       dice(2) ? "drop C0:AA:BB:00:00:0%u 0x13" : "refuse C0:AA:BB:00:00:0%u 1",
		       dice(DEVICES));
	/* A link that is not there cannot be dropped. */
	(void)harness_try_fault(&h, line);
}

/* Final answers of an id; a subscription that was established may end with one ERROR more. */
static void check_answers(uint32_t last_id)
{
	static uint8_t finals[65536];
	size_t s;
	size_t i;

	for (s = 0; s < SEATS; s++)
		for (i = 0; i < h.seats[s].n_frames; i++) {
			const struct harness_frame *f = &h.seats[s].frames[i];

			ck_assert_uint_eq(f->epoch, 1);
			if (f->type == BH__TYPE__DONE || f->type == BH__TYPE__ERROR ||
			    f->type == BH__TYPE__VALUE || f->type == BH__TYPE__CONNECTED)
				finals[f->id]++;
		}
	for (i = 1; i <= last_id; i++) {
		ck_assert_msg(finals[i] >= 1, "request %zu was not answered", i);
		ck_assert_msg(finals[i] == 1 || (is_sub[i] && finals[i] == 2),
			      "request %zu was answered %u times", i, finals[i]);
	}
}

START_TEST(storm)
{
	const char *const options[] = { "--notify-ms",	"1", "--gatt-ms", "1",
					"--connect-ms", "3", NULL };
	struct wpage_view view;
	int i;

	harness_start(&h, DEVICES, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	seed = (uint32_t)_i * 7919u + 1u;
	h.retries = UINT32_MAX;
	for (i = 0; i < SEATS; i++)
		(void)harness_attach(&h, (uint32_t)i + 1, false, HARNESS_DEVICE(i % DEVICES));
	for (i = 0; i < ROUNDS; i++) {
		send_one(dice(SEATS));
		if (dice(60) == 0)
			send_fault();
		if (dice(12) == 0)
			harness_pump(&h, dice(10));
	}
	harness_pump(&h, 4000);
	check_answers(h.last_id);
	wpage_read(h.page, &view);
	ck_assert_uint_eq(view.n_issued, 0);
	ck_assert_uint_eq(view.handling_session, 0);
	ck_assert_int_eq((int)view.op, WPAGE_OP_NONE);
	harness_stop(&h);
}
END_TEST

Suite *suite_storm(void)
{
	Suite *s = suite_create("storm");
	TCase *c = tcase_create("storm");

	tcase_set_timeout(c, 40);
	tcase_add_loop_test(c, storm, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
