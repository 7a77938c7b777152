/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sessions on one link do to each other: shared reads, turns, exclusive use. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Suite *suite_sharing(void);

static struct harness h;

static size_t attach(uint32_t session)
{
	return harness_attach(&h, session, false, HARNESS_DEVICE(0));
}

static uint32_t send_write_for(size_t seat, uint8_t value, uint32_t timeout_ms)
{
	Bh__Write write = BH__WRITE__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, 0xfff3, space);
	write.target = &target;
	write.has_value = 1;
	write.value.data = &value;
	write.value.len = 1;
	write.has_timeout_ms = timeout_ms > 0;
	write.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__WRITE, &write.base);
}

static uint32_t send_write(size_t seat, uint8_t value)
{
	return send_write_for(seat, value, 0);
}

static uint32_t send_connect(size_t seat, bool is_exclusive, uint32_t timeout_ms)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = connect.has_exclusive = 1;
	connect.timeout_ms = timeout_ms;
	connect.exclusive = is_exclusive;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

static void text_of(const struct harness_frame *f, char out[256])
{
	Bh__Error *error = bh__error__unpack(NULL, f->len, f->body);

	ck_assert_ptr_nonnull(error);
	(void)snprintf(out, 256, "%s", error->text);
	bh__error__free_unpacked(error, NULL);
}

/* --- together --- */

/* What is sent between these two meets in the worker. */
static void hold_worker(void)
{
	ck_assert(kill(h.worker, SIGSTOP) == 0);
}

static void let_worker_go(void)
{
	ck_assert(kill(h.worker, SIGCONT) == 0);
}

START_TEST(reads_are_shared)
{
	const char *const options[] = { "--gatt-ms", "50", NULL };
	unsigned before;
	uint32_t id[3];
	size_t seat[3];
	int i;

	harness_begin(&h, 1, options);
	for (i = 0; i < 3; i++)
		seat[i] = attach((uint32_t)i + 1);
	ck_assert_uint_eq(harness_connect(&h, seat[0])->type, BH__TYPE__CONNECTED);
	before = harness_stat(&h, "reads");
	hold_worker();
	for (i = 0; i < 3; i++)
		id[i] = harness_send_read(&h, seat[i], 0x2a19, 10000);
	let_worker_go();
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(harness_answer(&h, seat[i], id[i])->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_stat(&h, "reads") - before, 1);
	harness_stop(&h);
}
END_TEST

/* The values that were written, in that order. */
static size_t written(const char *path, uint8_t *out, size_t max)
{
	FILE *f = fopen(path, "re");
	char line[512];
	size_t n = 0;

	ck_assert_ptr_nonnull(f);
	while (n < max && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "\"hex\":\"");

		ck_assert_ptr_nonnull(at);
		out[n++] = (uint8_t)strtoul(at + 7, NULL, 16);
	}
	(void)fclose(f);
	return n;
}

/* One session has 60 writes open; another one's waits for one turn, and all keep their order. */
START_TEST(writes_take_turns)
{
	char path[] = "/tmp/bhw-writes.XXXXXX";
	const char *const options[] = { "--gatt-ms", "10", "--write-log", path, NULL };
	const uint8_t other = 0xff;
	uint8_t order[64];
	uint32_t last = 0;
	size_t a, b, n, before;
	size_t at = 0;
	uint8_t i;

	ck_assert(close(mkstemp(path)) == 0);
	harness_begin(&h, 1, options);
	a = attach(1);
	b = attach(2);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	last = send_write(a, 0);
	for (i = 1; i < 60; i++)
		(void)send_write(a, i);
	ck_assert_uint_eq(harness_answer(&h, a, last)->type, BH__TYPE__DONE);
	hold_worker();
	before = written(path, order, sizeof(order));
	(void)send_write(b, other);
	let_worker_go();
	last += 59;
	ck_assert_uint_eq(harness_answer(&h, a, last)->type, BH__TYPE__DONE);
	n = written(path, order, sizeof(order));
	ck_assert_uint_eq(n, 61);
	while (order[at] != other)
		at++;
	/* One was under way, and its turn may have ended meanwhile. */
	ck_assert_msg(at <= before + 2, "%zu writes of another session came first", at - before);
	memmove(order + at, order + at + 1, n - at - 1);
	for (i = 0; i < 60; i++)
		ck_assert_uint_eq(order[i], i);
	(void)unlink(path);
	harness_stop(&h);
}
END_TEST

/* --- exclusive --- */

START_TEST(exclusive)
{
	uint32_t late, waits, notes, second;
	char text[256];
	size_t a, b, c;

	harness_begin(&h, 1, (const char *const[]){ "--notify-ms", "20", NULL });
	a = attach(11);
	b = attach(12);
	c = attach(13);
	notes = harness_subscribe(&h, b, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, b, notes)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_answer(&h, a, send_connect(a, true, 10000))->type,
			  BH__TYPE__CONNECTED);
	late = harness_send_read(&h, b, 0x2a19, 300);
	waits = harness_send_read(&h, b, 0x2a19, 10000);
	second = send_connect(c, true, 10000);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	text_of(harness_wait(&h, &h.seats[b], BH__TYPE__ERROR, late), text);
	ck_assert_ptr_nonnull(strstr(text, "session 11's exclusive use"));
	/* Its notifications go on. */
	ck_assert_uint_eq(harness_wait(&h, &h.seats[b], BH__TYPE__NOTIFIED, notes)->id, notes);
	ck_assert_uint_eq(harness_count(&h.seats[b], BH__TYPE__VALUE, waits), 0);
	ck_assert_uint_eq(harness_count(&h.seats[c], BH__TYPE__CONNECTED, second), 0);
	/* One by one: each of them once the one before has let go. */
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_answer(&h, c, second)->type, BH__TYPE__CONNECTED);
	late = harness_send_read(&h, a, 0x2a19, 300);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, late)), CLASS_DEADLINE);
	if (_i == 0) {
		ck_assert_uint_eq(harness_disconnect(&h, c)->type, BH__TYPE__DONE);
	} else {
		h.seats[c].chan = chan_free(h.seats[c].chan);
		h.seats[c].is_over = true;
	}
	ck_assert_uint_eq(harness_wait(&h, &h.seats[b], BH__TYPE__VALUE, waits)->id, waits);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	harness_stop(&h);
}
END_TEST

/* It ends with the link; and one that was given up before it was had keeps nobody waiting. */
START_TEST(exclusive_ends)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	Bh__LinkLost *said;
	uint32_t id;
	size_t a, b;

	harness_begin(&h, 1, (const char *const[]){ "--gatt-ms", "1000", NULL });
	a = attach(1);
	b = attach(2);
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	id = harness_send_read(&h, b, 0x2a19, 10000);
	/* What is served behind it says that it is under way; it is waited for, in vain. */
	ck_assert_uint_eq(harness_wait(&h, &h.seats[b], BH__TYPE__DONE,
				       harness_send(&h, b, BH__TYPE__SERVICES_REQUEST, &empty.base))
				  ->type,
			  BH__TYPE__DONE);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, send_connect(a, true, 200))),
			 CLASS_DEADLINE);
	ck_assert_uint_eq(harness_wait(&h, &h.seats[b], BH__TYPE__VALUE, id)->id, id);
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	id = send_connect(a, true, 10000);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	said = harness_lost(&h, a);
	bh__link_lost__free_unpacked(said, NULL);
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* BlueZ goes on with what was given up: it is asked now and then whether it is free. */
START_TEST(behind_what_was_given_up)
{
	enum { WAIT_MS = 400, EVERY_MS = 20 };
	enum err_class class;
	unsigned busy;
	size_t a;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "mute C0:AA:BB:00:00:00 on");
	ck_assert_int_eq(harness_class(harness_answer(&h, a, send_write_for(a, 1, 100))),
			 CLASS_DEADLINE);
	class = harness_class(harness_answer(&h, a, send_write_for(a, 2, WAIT_MS)));
	/* BlueZ may be slow with its last answer: then nobody knows. */
	ck_assert(class == CLASS_BUSY_SAME_DEVICE || class == CLASS_DEADLINE);
	busy = harness_stat(&h, "busy");
	ck_assert_uint_ge(busy, 2);
	ck_assert_uint_le(busy, WAIT_MS / EVERY_MS + 1);
	harness_stop(&h);
}
END_TEST

Suite *suite_sharing(void)
{
	Suite *s = suite_create("sharing");
	TCase *c = tcase_create("sharing");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, reads_are_shared);
	tcase_add_test(c, writes_take_turns);
	tcase_add_test(c, behind_what_was_given_up);
	tcase_add_loop_test(c, exclusive, 0, 2);
	tcase_add_test(c, exclusive_ends);
	suite_add_tcase(s, c);
	return s;
}
