/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subscriptions that outlive links, are acknowledged, watched, and cleaned up after. */
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "worker/notify.h"
#include "worker/resume.h"

#include <check.h>
#include <signal.h>
#include <string.h>

Suite *suite_notify(void);

enum { SESSION = 1, OTHER = 2 };

static struct harness h; /* too large for a stack; each test is a process of its own */

static void begin(const char *notify_ms)
{
	const char *const options[] = { "--notify-ms", notify_ms, NULL };

	harness_begin(&h, 2, options);
}

static uint32_t send_subscribe(size_t seat, Bh__Subscribe subscribe)
{
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, 0xfff4, space);
	subscribe.target = &target;
	return harness_send(&h, seat, BH__TYPE__SUBSCRIBE, &subscribe.base);
}

static struct harness_stream subscribed(uint32_t session, bool resume, uint32_t silence_ms)
{
	struct harness_stream stream = { .seat = harness_attach(&h, session, false,
								HARNESS_DEVICE(0)) };
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;

	subscribe.has_resume = subscribe.has_silence_ms = 1;
	subscribe.resume = resume;
	subscribe.silence_ms = silence_ms;
	stream.id = send_subscribe(stream.seat, subscribe);
	ck_assert_uint_eq(harness_answer(&h, stream.seat, stream.id)->type, BH__TYPE__DONE);
	return stream;
}

static void take_up_to(struct harness_stream *stream, uint64_t number)
{
	while (stream->last < number)
		harness_take(&h, stream);
}

/* Its class. */
static int lost(struct harness_stream *stream, bool resumes)
{
	Bh__LinkLost *msg = harness_stream_lost(&h, stream);
	int class = (int)msg->class_;

	ck_assert_int_eq(msg->resumes, resumes);
	bh__link_lost__free_unpacked(msg, NULL);
	return class;
}

static void back(const struct harness_stream *stream)
{
	(void)harness_wait(&h, &h.seats[stream->seat], BH__TYPE__LINK_BACK, 0);
}

/* The numbers go on; one that does not resume is told its end. */
START_TEST(resumes)
{
	struct harness_stream a, b;
	unsigned i;

	begin("10");
	a = subscribed(SESSION, true, 0);
	b = subscribed(OTHER, false, 0);
	for (i = 0; i < 2; i++) {
		take_up_to(&a, a.last + 3);
		harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
		ck_assert_int_eq(lost(&a, true), CLASS_LINK_LOST);
		back(&a);
	}
	ck_assert_int_eq(harness_class(harness_wait(&h, &h.seats[b.seat], BH__TYPE__ERROR, b.id)),
			 CLASS_LINK_LOST);
	ck_assert_int_eq(lost(&b, false), CLASS_LINK_LOST);
	take_up_to(&a, a.last + 3);
	ck_assert_uint_eq(a.lost, 0);
	harness_stop(&h);
}
END_TEST

/* What it takes to subscribe is told, as of any other request. */
START_TEST(takes_time)
{
	const char *const options[] = { "--gatt-ms", "100", NULL };
	const struct harness_frame *f;
	size_t seat;
	Bh__Done *done;

	harness_begin(&h, 1, options);
	seat = harness_attach(&h, SESSION, false, HARNESS_DEVICE(0));
	f = harness_answer(&h, seat, harness_subscribe(&h, seat, 0xfff4));
	ck_assert_uint_eq(f->type, BH__TYPE__DONE);
	done = bh__done__unpack(NULL, f->len, f->body);
	ck_assert_uint_ge(done->timings->query_ms, 90);
	ck_assert_uint_le(done->timings->query_ms, done->timings->total_ms);
	bh__done__free_unpacked(done, NULL);
	harness_stop(&h);
}
END_TEST

/* Nobody answers for a while; it is there again later, by itself. */
START_TEST(rests)
{
	struct harness_stream a;
	uint64_t at_ms;

	begin("10");
	a = subscribed(SESSION, true, 0);
	harness_take(&h, &a);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	(void)lost(&a, true);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	at_ms = clock_now_ms();
	if (_i == 0) {
		back(&a);
		ck_assert_uint_ge(clock_now_ms() - at_ms, RESUME_BASE_MS * 3 / 4);
	} else {
		/* Somebody else's link is as good. */
		size_t seat = harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));

		ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
		back(&a);
	}
	harness_take(&h, &a);
	harness_stop(&h);
}
END_TEST

/* A bluetoothd that dies says nothing of the device: no rest is longer than the first for it. */
START_TEST(bluez_died)
{
	enum { DEATHS = 4 }; /* else the fourth link is rested for 8 s */
	struct harness_stream a;
	uint64_t at_ms;
	unsigned i;

	begin("10");
	a = subscribed(SESSION, true, 0);
	for (i = 0; i < DEATHS; i++) {
		at_ms = clock_now_ms();
		harness_fault(&h, "restart-bluetoothd 50 kill");
		(void)lost(&a, true);
		back(&a);
		ck_assert_uint_lt(clock_now_ms() - at_ms, RESUME_BASE_MS * 4);
	}
	harness_stop(&h);
}
END_TEST

/* While it waits for the link its program gives it up: nobody connects any more. */
START_TEST(given_up)
{
	Bh__Unsubscribe unsubscribe = BH__UNSUBSCRIBE__INIT;
	struct harness_stream a;
	uint32_t id;

	begin("10");
	a = subscribed(SESSION, true, 0);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	(void)lost(&a, true);
	harness_stat_wait(&h, "connecting", 1);
	if (_i == 0) {
		ck_assert_uint_eq(harness_disconnect(&h, a.seat)->type, BH__TYPE__DONE);
	} else {
		unsubscribe.has_subscription = 1;
		unsubscribe.subscription = a.id;
		id = harness_send(&h, a.seat, BH__TYPE__UNSUBSCRIBE, &unsubscribe.base);
		ck_assert_uint_eq(harness_answer(&h, a.seat, id)->type, BH__TYPE__DONE);
	}
	harness_stat_wait(&h, "connecting", 0);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	/* A barrier: it connects for that, and not to stay. */
	ck_assert_uint_eq(harness_read(&h, a.seat, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stat_wait(&h, "links", 0);
	ck_assert_uint_eq(harness_count(&h.seats[a.seat], BH__TYPE__LINK_BACK, 0), 0);
	harness_stop(&h);
}
END_TEST

/* On another adapter it was there before: as such it waits for the link without a deadline. */
START_TEST(comes_from_elsewhere)
{
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	struct harness_stream a = { 0 };

	begin("10");
	a.seat = harness_attach(&h, SESSION, false, HARNESS_DEVICE(0));
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	subscribe.has_resume = subscribe.resume = 1;
	subscribe.has_resumed = subscribe.resumed = 1;
	subscribe.has_timeout_ms = 1;
	subscribe.timeout_ms = 100;
	a.id = send_subscribe(a.seat, subscribe);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	ck_assert_uint_eq(harness_answer(&h, a.seat, a.id)->type, BH__TYPE__DONE);
	back(&a);
	take_up_to(&a, 3);
	harness_stop(&h);
}
END_TEST

static void silent(void)
{
	const struct harness_frame *f;
	Bh__Event *event;
	bool is_it = false;

	while (!is_it) {
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
		event = bh__event__unpack(NULL, f->len, f->body);
		is_it = strcmp(event->kind, "silent") == 0;
		bh__event__free_unpacked(event, NULL);
	}
}

/* No value: the link is ended and had again, once; a value arms it again. */
START_TEST(watched)
{
	enum { LIMIT_MS = 1500 };
	struct harness_stream a;
	uint64_t at_ms;
	unsigned i;

	begin("3600000");
	a = subscribed(SESSION, true, LIMIT_MS);
	for (i = 1; i <= 2; i++) {
		harness_fault(&h, "burst C0:AA:BB:00:00:00 1");
		harness_take(&h, &a);
		at_ms = clock_now_ms();
		silent();
		/* The value is a little older than its news. */
		ck_assert_uint_ge(clock_now_ms() - at_ms, LIMIT_MS * 9 / 10);
		ck_assert_int_eq(lost(&a, true), CLASS_ZOMBIE);
		back(&a);
		/* That it stays as it is takes time to show. */
		harness_pump(&h, 2 * LIMIT_MS);
		ck_assert_uint_eq(harness_stat(&h, "links"), 1);
		ck_assert_uint_eq(harness_stat(&h, "connects"), i + 1);
	}
	harness_stop(&h);
}
END_TEST

/* A value every third of the limit: nothing happens. The device's rule counts as its own. */
START_TEST(watched_by_rule)
{
	Bh__Ctl__DeviceRules rules = BH__CTL__DEVICE_RULES__INIT;
	struct harness_stream a;

	begin("400");
	a = subscribed(SESSION, true, 0);
	rules.has_address = rules.has_silence_ms = 1;
	rules.address = HARNESS_DEVICE(0);
	rules.silence_ms = 1200;
	harness_up(&h, BH__CTL__TYPE__DEVICE_RULES, &rules.base);
	take_up_to(&a, 12);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	harness_fault(&h, "mute C0:AA:BB:00:00:00 on");
	silent();
	ck_assert_int_eq(lost(&a, true), CLASS_ZOMBIE);
	harness_stop(&h);
}
END_TEST

/* Who acknowledges nothing gets his credit, loses what is too much, and is told how much. */
START_TEST(credit)
{
	enum { BURST = 100, BURSTS = 10 };
	struct harness_stream slow, quick;
	unsigned i;

	begin("3600000");
	slow = subscribed(SESSION, false, 0);
	quick = subscribed(OTHER, false, 0);
	for (i = 1; i <= BURSTS; i++) {
		harness_fault(&h, "burst C0:AA:BB:00:00:00 100");
		take_up_to(&quick, quick.last + BURST);
		harness_acknowledge(&h, &quick, quick.last);
	}
	ck_assert_uint_eq(quick.lost, 0);
	take_up_to(&slow, NOTIFY_CREDIT);
	ck_assert_uint_eq(slow.lost, 0);
	/* More than it was given: no mistake gives it more. */
	harness_acknowledge(&h, &slow, 100000);
	harness_acknowledge(&h, &slow, slow.last / 2);
	take_up_to(&slow, slow.last + 1);
	ck_assert_uint_eq(slow.lost, quick.last - NOTIFY_CREDIT - NOTIFY_BACKLOG_MAX);
	take_up_to(&slow, quick.last);
	ck_assert_uint_eq(slow.last, quick.last);
	harness_stop(&h);
}
END_TEST

/*
 * What an earlier worker left behind in BlueZ is ended, and the subscription is had: on the link
 * that it had, and where its program says so. Otherwise it is some program's, which keeps it.
 */
static const struct left_over {
	const char *fault;
	bool is_adopted;
	bool is_again;
	bool is_had;
} LEFT_OVER[] = {
	{ "notify-stuck C0:AA:BB:00:00:00 progress", false, false, true },
	{ "notify-stuck C0:AA:BB:00:00:00 acquired", true, true, true },
	{ "notify-stuck C0:AA:BB:00:00:00 acquired", true, false, false },
	{ "notify-stuck C0:AA:BB:00:00:00 acquired", false, true, false },
};

START_TEST(left_over)
{
	const struct left_over *row = &LEFT_OVER[_i];
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	const struct harness_frame *f;
	size_t seat;
	uint32_t id;

	begin("10");
	seat = harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	if (row->is_adopted) {
		ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
		h.up.n_taken = h.up.n_frames;
		stranger_connects(&h);
		stranger_shown(&h, true);
		ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	}
	harness_fault(&h, row->fault);
	subscribe.has_resumed = subscribe.resumed = row->is_again;
	id = send_subscribe(seat, subscribe);
	f = harness_answer(&h, seat, id);
	if (row->is_had) {
		ck_assert_uint_eq(f->type, BH__TYPE__DONE);
		ck_assert_uint_eq(harness_answer(&h, seat, id)->type, BH__TYPE__NOTIFIED);
	} else {
		ck_assert_int_eq(harness_class(f), CLASS_BUSY_SAME_DEVICE);
	}
	harness_stop(&h);
}
END_TEST

START_TEST(pace)
{
	static const uint32_t base_ms[] = { 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	uint32_t least = UINT32_MAX;
	uint32_t most = 0;
	uint32_t rest_ms;
	uint32_t random;
	unsigned n;

	for (n = 0; n < ARRAY_LEN(base_ms); n++)
		for (random = 0; random < 100; random++) {
			rest_ms = resume_rest_ms(n, random);
			ck_assert_uint_ge(rest_ms, base_ms[n] / 100 * 80);
			ck_assert_uint_le(rest_ms, base_ms[n] / 100 * 120);
			least = n == 0 && rest_ms < least ? rest_ms : least;
			most = n == 0 && rest_ms > most ? rest_ms : most;
		}
	ck_assert_uint_lt(least, 1700);
	ck_assert_uint_gt(most, 2300);
	ck_assert_uint_eq(resume_rest_ms(UINT32_MAX, 20), RESUME_MAX_MS);
}
END_TEST

/*
 * The bus connection changes, more often than a socket may be lost: no value comes twice, none is
 * missing. [1]: by signals.
 */
START_TEST(other_bus)
{
	struct harness_stream stream;
	uint32_t count = 0;
	unsigned renewed;

	begin("1");
	if (_i == 1) {
		(void)harness_attach(&h, OTHER, false, HARNESS_DEVICE(0));
		harness_by_signals(&h);
	}
	stream = subscribed(SESSION, false, 0);
	for (renewed = 0; renewed < 6; renewed++) {
		uint32_t end = count + NOTIFY_CREDIT / 8;

		/* What it has not read by then counts, too. */
		ck_assert_int_eq(kill(h.worker, SIGSTOP), 0);
		harness_fault(&h, "burst C0:AA:BB:00:00:00 30");
		harness_send_bus(&h);
		ck_assert_int_eq(kill(h.worker, SIGCONT), 0);
		while (count < end)
			count = harness_take_counted(&h, &stream, count);
	}
	ck_assert_uint_eq(harness_count(&h.seats[stream.seat], BH__TYPE__ERROR, 0), 0);
	ck_assert_uint_eq(harness_count(&h.seats[stream.seat], BH__TYPE__LINK_LOST, 0), 0);
	/* bluetoothd may have dropped some in between: said, each time. */
	ck_assert_uint_eq(harness_count(&h.seats[stream.seat], BH__TYPE__LINK_BACK, 0), renewed);
	harness_stop(&h);
}
END_TEST

Suite *suite_notify(void)
{
	Suite *s = suite_create("notify");
	TCase *c = tcase_create("notify");

	tcase_set_timeout(c, 40);
	tcase_add_loop_test(c, other_bus, 0, 2);
	tcase_add_test(c, takes_time);
	tcase_add_test(c, resumes);
	tcase_add_loop_test(c, rests, 0, 2);
	tcase_add_test(c, bluez_died);
	tcase_add_loop_test(c, given_up, 0, 2);
	tcase_add_test(c, comes_from_elsewhere);
	tcase_add_test(c, watched);
	tcase_add_test(c, watched_by_rule);
	tcase_add_test(c, credit);
	tcase_add_loop_test(c, left_over, 0, (int)(sizeof(LEFT_OVER) / sizeof(LEFT_OVER[0])));
	tcase_add_test(c, pace);
	suite_add_tcase(s, c);
	return s;
}
