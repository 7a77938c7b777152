/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions without a program: they hold links and try them, and the supervisor is told. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <string.h>

Suite *suite_keep(void);

enum { KEEPER = 7 };

static struct harness h;

static void begin(const char *const *options)
{
	harness_start(&h, 2, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

static void keep(bool is_held, uint32_t linger_ms)
{
	Bh__Ctl__DeviceRules rules = BH__CTL__DEVICE_RULES__INIT;
	Bh__Ctl__Keep msg = BH__CTL__KEEP__INIT;

	rules.has_linger_ms = 1;
	rules.linger_ms = linger_ms;
	msg.has_session = msg.has_epoch = msg.has_address = msg.has_random = msg.has_hold = 1;
	msg.session = KEEPER;
	msg.epoch = 1;
	msg.address = HARNESS_DEVICE(0);
	msg.random = 1;
	msg.hold = is_held;
	msg.rules = &rules;
	harness_up(&h, BH__CTL__TYPE__KEEP, &msg.base);
}

static void send_check(uint32_t token, unsigned uuid16, uint32_t timeout_ms)
{
	uint8_t uuid[16] = { 0,
			     0,
			     (uint8_t)(uuid16 >> 8),
			     (uint8_t)uuid16,
			     0,
			     0,
			     0x10,
			     0,
			     0x80,
			     0,
			     0,
			     0x80,
			     0x5f,
			     0x9b,
			     0x34,
			     0xfb };
	Bh__Ctl__Check msg = BH__CTL__CHECK__INIT;

	msg.has_session = msg.has_timeout_ms = 1;
	msg.session = KEEPER;
	msg.timeout_ms = timeout_ms;
	msg.has_uuid = uuid16 != 0;
	msg.uuid.data = uuid;
	msg.uuid.len = sizeof(uuid);
	ck_assert(chan_send(h.up.chan, BH__CTL__TYPE__CHECK, token, 0, &msg.base, NULL, 0) == 0);
}

/* The class of its answer. */
static int checked(uint32_t token)
{
	const struct harness_frame *f = harness_wait(&h, &h.up, BH__CTL__TYPE__CHECKED, token);
	Bh__Ctl__Checked *said = bh__ctl__checked__unpack(NULL, f->len, f->body);
	int class;

	ck_assert_ptr_nonnull(said);
	class = (int)said->class_;
	bh__ctl__checked__free_unpacked(said, NULL);
	return class;
}

/* The next LINK_STATE: whether it is up; *out_class: why not. */
static bool link_state(int *out_class)
{
	const struct harness_frame *f = harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	Bh__Ctl__Link *link = bh__ctl__link__unpack(NULL, f->len, f->body);
	bool is_up;

	ck_assert_ptr_nonnull(link);
	is_up = link->up;
	*out_class = (int)link->class_;
	bh__ctl__link__free_unpacked(link, NULL);
	return is_up;
}

static void detach(void)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;

	ref.has_session = 1;
	ref.session = KEEPER;
	harness_up(&h, BH__CTL__TYPE__SESSION_DETACH, &ref.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_GIVEN_UP, 0);
}

START_TEST(holds)
{
	size_t a;
	int class;

	begin(NULL);
	keep(true, 0);
	ck_assert(link_state(&class));
	/* Programs share it, and do not end it. */
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	keep(true, 0);
	send_check(31, 0x2a19, 5000);
	ck_assert_int_eq(checked(31), CLASS_NONE);
	send_check(32, 0, 5000);
	ck_assert_int_eq(checked(32), CLASS_NONE);
	send_check(33, 0x1234, 5000);
	ck_assert_int_eq(checked(33), CLASS_GATT_MISSING);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	if (_i == 0)
		keep(false, 0);
	else
		detach();
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* That it went, and that it cannot be had, is told; it is held again when it is said again. */
START_TEST(told)
{
	int class;

	begin(NULL);
	keep(true, 0);
	ck_assert(link_state(&class));
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	ck_assert(!link_state(&class));
	ck_assert_int_eq(class, CLASS_LINK_LOST);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1");
	keep(true, 0);
	ck_assert(!link_state(&class));
	ck_assert_int_ne(class, CLASS_NONE);
	ck_assert_int_ne(class, CLASS_LINK_LOST);
	/* A barrier: nothing is tried by itself. */
	send_check(41, 0x2a19, 5000);
	ck_assert_int_eq(checked(41), CLASS_NONE);
	harness_stat_wait(&h, "links", 0);
	keep(true, 0);
	harness_stat_wait(&h, "links", 1);
	harness_stop(&h);
}
END_TEST

/* A poll without a hold is on demand, lingers like anybody's, and has its own deadline. */
START_TEST(polls)
{
	begin((const char *const[]){ "--gatt-ms", "300", NULL });
	keep(false, 0);
	send_check(51, 0x2a19, 20000);
	ck_assert_int_eq(checked(51), CLASS_NONE);
	harness_stat_wait(&h, "links", 0);
	keep(false, 60000);
	send_check(52, 0x2a19, 20000);
	ck_assert_int_eq(checked(52), CLASS_NONE);
	send_check(53, 0x2a19, 20000);
	ck_assert_int_eq(checked(53), CLASS_NONE);
	send_check(54, 0x2a19, 100);
	ck_assert_int_eq(checked(54), CLASS_DEADLINE);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 2);
	/* Of nobody; of a program's. */
	detach();
	send_check(55, 0x2a19, 5000);
	ck_assert_int_eq(checked(55), CLASS_INVALID);
	(void)harness_attach(&h, KEEPER, false, HARNESS_DEVICE(1));
	send_check(56, 0x2a19, 5000);
	ck_assert_int_eq(checked(56), CLASS_INVALID);
	harness_stop(&h);
}
END_TEST

/* A check that is open when its session is taken away, or held link let go, leaves nothing. */
START_TEST(taken_away)
{
	begin((const char *const[]){ "--gatt-ms", "2000", NULL });
	keep(true, 0);
	send_check(61, 0x2a19, 20000);
	harness_stat_wait(&h, "links", 1);
	detach();
	harness_stat_wait(&h, "links", 0);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	keep(true, 0);
	harness_stat_wait(&h, "connecting", 1);
	keep(false, 0);
	harness_stat_wait(&h, "connecting", 0);
	harness_stop(&h);
}
END_TEST

Suite *suite_keep(void)
{
	Suite *s = suite_create("keep");
	TCase *c = tcase_create("keep");

	tcase_set_timeout(c, 40);
	tcase_add_loop_test(c, holds, 0, 2);
	tcase_add_test(c, told);
	tcase_add_test(c, polls);
	tcase_add_test(c, taken_away);
	suite_add_tcase(s, c);
	return s;
}
