/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scanning against the fake bluetoothd: what interrupts it, what disturbs it, what it costs. */
#include "tests/unit/worker/harness.h"
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_scan(void);

static struct harness h; /* too large for a stack; each test is a process of its own */

static void begin(unsigned devices, const char *pace, const char *const *sim_options)
{
	h.pace = pace;
	harness_begin(&h, devices, sim_options);
}

/* The next event that the supervisor is told of. */
static void event_is(const char *kind, enum err_class class)
{
	Bh__Event *event = harness_event(&h);

	ck_assert_str_eq(event->kind, kind);
	ck_assert_int_eq((int)event->class_, (int)class);
	ck_assert_ptr_nonnull(event->text);
	bh__event__free_unpacked(event, NULL);
}

/* bluetoothd restarts, or the adapter's power: a device that speaks up later is heard. */
START_TEST(goes_on_after)
{
	uint32_t id;
	size_t s;

	begin(2, NULL, NULL);
	harness_silence(&h, 1, true);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_stat_wait(&h, "discoveries", 1);
	harness_fault(&h, HARNESS_INTERRUPTIONS[_i][0]);
	harness_stat_wait(&h, "discovering", 0);
	if (HARNESS_INTERRUPTIONS[_i][1])
		harness_fault(&h, HARNESS_INTERRUPTIONS[_i][1]);
	harness_stat_wait(&h, "discovering", 1);
	harness_silence(&h, 1, false);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_stat(&h, "discovering"), 1);
	harness_stop(&h);
}
END_TEST

/* A program that reads late hears of each device all the same, though each is told only once. */
START_TEST(slow_reader)
{
	enum { DEVICES = 900 };
	Bh__Scan scan = BH__SCAN__INIT;
	bool is_heard[DEVICES] = { false };
	const struct harness_frame *f;
	Bh__Advert *advert;
	size_t n = 0;
	size_t s, quick, all;
	uint32_t id;

	begin(DEVICES, NULL, NULL);
	s = harness_attach(&h, 1, true, 0);
	h.seats[s].is_over = true; /* it does not read */
	id = harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	quick = harness_scan_for(&h, 2, DEVICES - 1, &id);
	harness_hears(&h, quick, id);
	harness_stat_wait(&h, "discovering", 1);
	/* Another one has heard all of them, so they were told to this one, too. */
	all = harness_attach(&h, 3, true, 0);
	id = harness_send(&h, all, BH__TYPE__SCAN, &scan.base);
	while (harness_count(&h.seats[all], BH__TYPE__ADVERT, id) < DEVICES)
		(void)harness_wait(&h, &h.seats[all], BH__TYPE__ADVERT, id);
	h.seats[s].is_over = false;
	while (n < DEVICES) {
		f = harness_wait(&h, &h.seats[s], BH__TYPE__ADVERT, 0);
		advert = bh__advert__unpack(NULL, f->len, f->body);
		ck_assert_uint_lt(advert->address - HARNESS_DEVICE(0), DEVICES);
		n += !is_heard[advert->address - HARNESS_DEVICE(0)];
		is_heard[advert->address - HARNESS_DEVICE(0)] = true;
		bh__advert__free_unpacked(advert, NULL);
	}
	harness_stop(&h);
}
END_TEST

/* BlueZ does not answer StopDiscovery: its session ends with the connection, and only with that. */
START_TEST(stuck)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t s;

	begin(2, NULL, NULL);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 StopDiscovery 1");
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	event_is("scan-stuck", CLASS_BUSY_DISCOVERY);
	harness_stat_wait(&h, "discovering", 0);
	s = harness_scan_for(&h, 2, 1, &id);
	harness_hears(&h, s, id);
	harness_stat_wait(&h, "discovering", 1);
	harness_stop(&h);
}
END_TEST

/* Another program discovers: that is said, once, and is no obstacle. */
START_TEST(shared)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t s;
	int i;

	begin(2, NULL, NULL);
	harness_fault(&h, "discovery 0 on");
	for (i = 0; i < 2; i++) {
		s = harness_scan_for(&h, 1 + (uint32_t)i, 1, &id);
		harness_hears(&h, s, id);
		harness_stat_wait(&h, "discovering", 2);
		harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
		if (i == 0)
			event_is("scan-shared", CLASS_BUSY_DISCOVERY);
	}
	harness_stat_wait(&h, "discovering", 1);
	harness_pump(&h, 1500);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 1);
	harness_stop(&h);
}
END_TEST

/* Somebody scans past BlueZ: no evidence against the adapter, and no cause to change the bus. */
START_TEST(external)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t s;

	begin(2, NULL, NULL);
	harness_fault(&h, "raw-scan 0 on");
	s = harness_scan_for(&h, 1, 1, &id);
	event_is("scan-external", CLASS_BUSY_DISCOVERY);
	/* What BlueZ hears all the same is passed on. */
	harness_fault(&h, "discovery 0 on");
	harness_hears(&h, s, id);
	/* In this order: a start that is under way is not refused once more, for half a minute. */
	harness_fault(&h, "raw-scan 0 off");
	harness_fault(&h, "discovery 0 off");
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	(void)harness_wait(&h, &h.seats[s], BH__TYPE__ERROR, id);
	s = harness_scan_for(&h, 2, 1, &id);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__BUS_WANTED, 0), 0);
	harness_stop(&h);
}
END_TEST

/*
 * The controller answers nothing: that is evidence. Who has a deadline is answered then, without
 * the five seconds more of F21.
 */
START_TEST(F21_hung)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint64_t began_ms;
	uint32_t id;
	size_t s;

	begin(1, NULL, NULL);
	harness_fault(&h, "hang-adapter 0 on");
	s = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	connect.has_timeout_ms = 1;
	connect.timeout_ms = 3000;
	began_ms = clock_now_ms();
	id = harness_send(&h, s, BH__TYPE__CONNECT, &connect.base);
	ck_assert_int_eq(harness_class(harness_answer(&h, s, id)), CLASS_DEADLINE);
	ck_assert_uint_ge(clock_now_ms() - began_ms, 3000);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 5000);
	event_is("adapter-silent", CLASS_NO_REPLY);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__BUS_WANTED, 0), 0);
	harness_stop(&h);
}
END_TEST

/* bluetoothd never answers StartDiscovery: that is said, and another connection is tried. */
START_TEST(F21_never_answered)
{
	uint32_t id;
	size_t s;

	begin(1, NULL, NULL);
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 StartDiscovery 2");
	s = harness_scan_for(&h, 1, 0, &id);
	event_is("scan-stuck", CLASS_BUSY_DISCOVERY);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__BUS_WANTED, 0), 1);
	harness_stop(&h);
}
END_TEST

/* Nothing is heard, or only adverts without data: discovery is restarted, then it is said. */
static const char *const SILENCES[] = { "deaf-adapter 0 on", "bare C0:AA:BB:00:00:00 on" };

START_TEST(silent)
{
	const char *const options[] = { "--rescan-ms", "200", NULL };
	uint32_t id;

	begin(1, "100", options); /* 0.9 s */
	harness_fault(&h, SILENCES[_i]);
	(void)harness_scan_for(&h, 1, 0, &id);
	event_is("adapter-silent", CLASS_NO_REPLY);
	ck_assert_uint_ge(harness_stat(&h, "discoveries"), 2);
	harness_stop(&h);
}
END_TEST

START_TEST(not_silent)
{
	const char *const options[] = { "--rescan-ms", "100", NULL };
	uint32_t id;

	begin(5, "100", options);
	(void)harness_scan_for(&h, 1, 0, &id);
	harness_pump(&h, 2500);
	/* Once more for those that were heard too early, and not again. */
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), 2);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	harness_stop(&h);
}
END_TEST

static void find(unsigned device)
{
	Bh__Ctl__Find msg = BH__CTL__FIND__INIT;

	msg.has_address = 1;
	msg.address = HARNESS_DEVICE(device);
	harness_up(&h, BH__CTL__TYPE__FIND, &msg.base);
}

/* What was heard just now is found without discovery, though that is over. */
START_TEST(F20_found_in_the_cache)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	char calls[STRANGER_CALLS_LEN];
	sd_bus *listener;
	uint32_t id;
	size_t s;

	begin(2, NULL, NULL);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	harness_stat_wait(&h, "discovering", 0);
	listener = stranger_listen(&h);
	find(1);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__FIND_DONE, 0);
	/* Nothing is asked, so nothing is waited for. */
	stranger_calls(&h, listener, calls);
	ck_assert_str_eq(calls, "");
	sd_bus_flush_close_unref(listener);
	harness_stop(&h);
}
END_TEST

/* What was heard long ago is looked for, though BlueZ still shows an RSSI. */
START_TEST(not_found_in_the_cache)
{
	uint32_t id;
	size_t s;

	begin(2, "100", NULL); /* 0.3 s */
	harness_fault(&h, "discovery 0 on");
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	harness_silence(&h, 1, true);
	harness_pump(&h, 400);
	find(1);
	harness_pump(&h, 300);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__FIND_DONE, 0), 0);
	harness_silence(&h, 1, false);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__FIND_DONE, 0);
	harness_stop(&h);
}
END_TEST

/* Two programs connect in turn, so that one always does: a scan still hears who comes. */
START_TEST(slice)
{
	const char *const options[] = { "--connect-ms", "150", "--resolve-ms", "150", NULL };
	Bh__Connect connect = BH__CONNECT__INIT;
	uint64_t until_ms;
	uint32_t ids[2];
	size_t seats[2];
	uint32_t id;
	unsigned turn;
	size_t s;

	begin(3, "20", options); /* owed after 0.5 s */
	seats[0] = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	seats[1] = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	harness_silence(&h, 2, true);
	ck_assert_uint_eq(harness_connect(&h, seats[0])->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_connect(&h, seats[1])->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, seats[0])->type, BH__TYPE__DONE);
	ids[0] = harness_send(&h, seats[0], BH__TYPE__CONNECT, &connect.base);
	s = harness_scan_for(&h, 3, 2, &id);
	harness_silence(&h, 2, false);
	until_ms = clock_now_ms() + 15000;
	for (turn = 1; harness_count(&h.seats[s], BH__TYPE__ADVERT, id) == 0; turn++) {
		size_t mine = seats[turn % 2];

		ck_assert_msg(clock_now_ms() < until_ms, "the scan gets no air");
		ck_assert_uint_eq(harness_disconnect(&h, mine)->type, BH__TYPE__DONE);
		ids[turn % 2] = harness_send(&h, mine, BH__TYPE__CONNECT, &connect.base);
		ck_assert_uint_eq(harness_answer(&h, seats[1 - turn % 2], ids[1 - turn % 2])->type,
				  BH__TYPE__CONNECTED);
	}
	harness_stop(&h);
}
END_TEST

/* Where a connect beside discovery takes no longer, it is paused no more. */
START_TEST(pauses_no_more)
{
	unsigned before;
	uint32_t id;
	size_t a, s;
	int i;

	begin(2, NULL, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	s = harness_scan_for(&h, 2, 1, &id);
	harness_hears(&h, s, id);
	for (i = 0; i < 42; i++) {
		ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
		ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
		harness_stat_wait(&h, "discovering", 1);
	}
	before = harness_stat(&h, "discoveries");
	ck_assert_uint_ge(before, 20);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
		ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	}
	/* One for those that were heard too early, perhaps. */
	ck_assert_uint_le(harness_stat(&h, "discoveries"), before + 1);
	harness_stop(&h);
}
END_TEST

/*
 * The advert comes in the moment before discovery has begun, and is lost; the controller holds back
 * those that follow, for longer than anybody waits here.
 */
static const char *const WITHHELD[] = { "--rescan-ms", "60000", NULL };

START_TEST(scanned_too_early)
{
	uint32_t id;
	size_t s;

	begin(2, NULL, WITHHELD);
	harness_fault(&h, "early-advert C0:AA:BB:00:00:01 1");
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	harness_stop(&h);
}
END_TEST

/* The same for whoever connects, between two attempts: a failed one makes BlueZ forget it. */
START_TEST(sought_too_early)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;
	size_t s;

	begin(1, NULL, WITHHELD);
	h.retries = 1;
	h.rest_ms = 500;
	s = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1");
	id = harness_send(&h, s, BH__TYPE__CONNECT, &connect.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	harness_fault(&h, "early-advert C0:AA:BB:00:00:00 1");
	ck_assert_uint_eq(harness_answer(&h, s, id)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* A program scans; BlueZ forgets the peripheral between two attempts, when that has heard it. */
START_TEST(sought_in_a_running_discovery)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;
	size_t a, s;

	begin(2, NULL, WITHHELD);
	h.retries = 1;
	h.rest_ms = 3000;
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	a = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	/* Past the second start of the discovery that went on then. */
	harness_pump(&h, 2000);
	stranger_removes(&h);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

Suite *suite_scan(void)
{
	Suite *s = suite_create("scan");
	TCase *c = tcase_create("scan");

	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, goes_on_after, 0, (int)ARRAY_LEN(HARNESS_INTERRUPTIONS));
	tcase_add_test(c, slow_reader);
	tcase_add_test(c, stuck);
	tcase_add_test(c, shared);
	tcase_add_test(c, external);
	tcase_add_test(c, F21_hung);
	tcase_add_test(c, F21_never_answered);
	tcase_add_loop_test(c, silent, 0, (int)ARRAY_LEN(SILENCES));
	tcase_add_test(c, not_silent);
	tcase_add_test(c, F20_found_in_the_cache);
	tcase_add_test(c, not_found_in_the_cache);
	tcase_add_test(c, slice);
	tcase_add_test(c, pauses_no_more);
	tcase_add_test(c, scanned_too_early);
	tcase_add_test(c, sought_too_early);
	tcase_add_test(c, sought_in_a_running_discovery);
	suite_add_tcase(s, c);
	return s;
}
