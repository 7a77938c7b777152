/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values by signal: worker/notify_signals.c. */
#include "tests/unit/worker/stranger.h"

#include <check.h>
#include <string.h>

Suite *suite_signals(void);

enum { SESSION = 1, OTHER = 2 };

static struct harness h; /* too large for a stack; each test is a process of its own */

/* It resumes. */
static struct harness_stream subscribed(void)
{
	struct harness_stream stream = { .seat = harness_attach(&h, SESSION, false,
								HARNESS_DEVICE(0)) };
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, 0xfff4, space);
	subscribe.target = &target;
	subscribe.has_resume = subscribe.resume = 1;
	stream.id = harness_send(&h, stream.seat, BH__TYPE__SUBSCRIBE, &subscribe.base);
	ck_assert_uint_eq(harness_answer(&h, stream.seat, stream.id)->type, BH__TYPE__DONE);
	return stream;
}

/* Where the rules say so values are had by signals, and one of an older link is none. */
START_TEST(late_value)
{
	const char *const options[] = { "--notify-ms", "3600000", NULL };
	const struct harness_frame *f;
	struct harness_stream a;
	Bh__Notified *n;

	harness_begin(&h, 1, options);
	a.seat = harness_attach(&h, SESSION, false, HARNESS_DEVICE(0));
	harness_by_signals(&h);
	ck_assert_uint_eq(harness_connect(&h, a.seat)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "late-value C0:AA:BB:00:00:00");
	a.id = harness_subscribe(&h, a.seat, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a.seat, a.id)->type, BH__TYPE__DONE);
	harness_fault(&h, "burst C0:AA:BB:00:00:00 1");
	f = harness_answer(&h, a.seat, a.id);
	n = bh__notified__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(n->first_seq, 1);
	ck_assert_uint_eq(n->n_values, 1);
	ck_assert(n->values[0].len != 3 || memcmp(n->values[0].data, "old", 3) != 0);
	bh__notified__free_unpacked(n, NULL);
	harness_stop(&h);
}
END_TEST

static void take_some(const struct harness_stream *stream)
{
	uint32_t count = 0;
	unsigned i;

	for (i = 0; i < 5; i++)
		count = harness_take_counted(&h, stream, count);
}

/*
 * Another program has it on, by signals, as it is to be had here. Each value comes once; also when
 * that program ends it, and when it is had on the next link. [1]: rule `any`.
 */
START_TEST(beside_a_program)
{
	const char *const options[] = { "--notify-ms", "10", NULL };
	const struct harness_peer *seat;
	struct harness_stream stream;
	sd_bus *bus;

	harness_begin(&h, 1, options);
	stream.seat = harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));
	if (_i == 0)
		harness_by_signals(&h);
	ck_assert_uint_eq(harness_connect(&h, stream.seat)->type, BH__TYPE__CONNECTED);
	bus = stranger_open(&h);
	stranger_notifies(bus, true);
	stream = subscribed();
	seat = &h.seats[stream.seat];
	take_some(&stream);
	ck_assert_uint_eq(harness_count(seat, BH__TYPE__LINK_BACK, 0), 0);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	while (harness_count(seat, BH__TYPE__LINK_BACK, 0) == 0)
		(void)harness_take_counted(&h, &stream, 0);
	take_some(&stream);
	stranger_notifies(bus, false);
	while (harness_count(seat, BH__TYPE__LINK_BACK, 0) == 1)
		(void)harness_take_counted(&h, &stream, 0);
	take_some(&stream);
	sd_bus_flush_close_unref(bus);
	take_some(&stream);
	harness_stop(&h);
}
END_TEST

/* Nobody else has it: the session that BlueZ keeps without a link is gone on with. */
START_TEST(alone)
{
	const char *const options[] = { "--notify-ms", "10", NULL };
	char calls[STRANGER_CALLS_LEN];
	struct harness_stream stream;
	sd_bus *listener;

	harness_begin(&h, 1, options);
	(void)harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));
	harness_by_signals(&h);
	stream = subscribed();
	take_some(&stream);
	listener = stranger_listen(&h);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	while (harness_count(&h.seats[stream.seat], BH__TYPE__LINK_BACK, 0) == 0)
		(void)harness_take_counted(&h, &stream, 0);
	take_some(&stream);
	stranger_calls(&h, listener, calls);
	ck_assert_ptr_nonnull(strstr(calls, "StartNotify"));
	ck_assert_ptr_null(strstr(calls, "StopNotify"));
	sd_bus_flush_close_unref(listener);
	harness_stop(&h);
}
END_TEST

/* A worker that died under its StartNotify left it behind: the same. */
START_TEST(beside_the_dead)
{
	const char *const options[] = { "--notify-ms", "10", "--gatt-ms", "50", NULL };
	struct harness_stream stream;

	harness_begin(&h, 1, options);
	stream.seat = harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));
	harness_by_signals(&h);
	ck_assert_uint_eq(harness_connect(&h, stream.seat)->type, BH__TYPE__CONNECTED);
	stranger_leaves_behind(&h);
	stream = subscribed();
	take_some(&stream);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	while (harness_count(&h.seats[stream.seat], BH__TYPE__LINK_BACK, 0) == 0)
		(void)harness_take_counted(&h, &stream, 0);
	take_some(&stream);
	harness_stop(&h);
}
END_TEST

Suite *suite_signals(void)
{
	Suite *s = suite_create("signals");
	TCase *c = tcase_create("signals");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, late_value);
	tcase_add_loop_test(c, beside_a_program, 0, 2);
	tcase_add_test(c, beside_the_dead);
	tcase_add_test(c, alone);
	suite_add_tcase(s, c);
	return s;
}
