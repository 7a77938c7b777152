/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An attempt to connect, from the object that BlueZ has or has not to the link. The numbers are
 * those of the feature table; what has no test here is tested where it is done.
 */
#include "tests/unit/worker/play.h"
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Suite *suite_attempt(void);

enum { LONG_MS = 60000 };

static struct harness h;

static size_t begin(unsigned devices)
{
	harness_start(&h, devices, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	return harness_attach(&h, 1, false, HARNESS_DEVICE(0));
}

static void introduce(size_t seat)
{
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
}

static uint32_t send_connect(size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = 1;
	connect.timeout_ms = LONG_MS;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

/* A Connect to a known one, which waits for it to be heard. */
static uint32_t connect_in_silence(size_t seat)
{
	uint32_t id;

	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	id = send_connect(seat);
	harness_stat_wait(&h, "connecting", 1);
	return id;
}

static void expect_attempts(const struct harness_frame *f, uint32_t attempts)
{
	Bh__Connected *connected;

	ck_assert_uint_eq(f->type, BH__TYPE__CONNECTED);
	connected = bh__connected__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(connected->attempts, attempts);
	bh__connected__free_unpacked(connected, NULL);
}

/* Until the worker says so. */
static void wait_for_bluez(bool is_there)
{
	const struct harness_frame *f;
	Bh__Ctl__AdapterState *state;
	bool is_right = false;

	while (!is_right) {
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__ADAPTER_STATE, 0);
		state = bh__ctl__adapter_state__unpack(NULL, f->len, f->body);
		ck_assert_ptr_nonnull(state);
		is_right = state->bluez == is_there;
		bh__ctl__adapter_state__free_unpacked(state, NULL);
	}
}

START_TEST(test_F01_bounded_retry)
{
	size_t a = begin(1);
	uint32_t id;

	introduce(a);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 9 answered");
	h.retries = 3;
	id = send_connect(a);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_ABORTED_LOCAL);
	ck_assert_uint_eq(harness_stat(&h, "refused"), 4);
	harness_pump(&h, 200);
	ck_assert_uint_eq(harness_stat(&h, "refused"), 4);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__ERROR, id), 1);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 3 answered");
	h.retries = 3;
	expect_attempts(harness_answer(&h, a, send_connect(a)), 4);
	ck_assert_uint_eq(harness_stat(&h, "refused"), 7);
	harness_stop(&h);
}
END_TEST

/* The supervisor waits as long as the class asks for; the worker does as it is told. */
START_TEST(test_F03_waits_before_the_next_attempt)
{
	size_t a = begin(1);
	uint64_t began_ms;

	introduce(a);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	h.retries = 1;
	h.rest_ms = 1000;
	began_ms = clock_now_ms();
	expect_attempts(harness_answer(&h, a, send_connect(a)), 2);
	ck_assert_uint_ge(clock_now_ms() - began_ms, 1000);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 1600);
	harness_stop(&h);
}
END_TEST

START_TEST(test_F06_known_needs_no_discovery)
{
	unsigned discoveries;
	size_t a = begin(1);
	uint32_t id;

	introduce(a);
	discoveries = harness_stat(&h, "discoveries");
	/* The link comes when the kernel hears it: nobody else has to. */
	id = connect_in_silence(a);
	harness_pump(&h, 300);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	expect_attempts(harness_answer(&h, a, id), 1);
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), discoveries);
	harness_stop(&h);
}
END_TEST

/* BlueZ knows it, and nothing was heard of it since bluetoothd runs. */
START_TEST(test_F06_silent_is_sought_next)
{
	unsigned discoveries;
	uint64_t began_ms;
	size_t a = begin(2);
	size_t b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	uint32_t id;

	introduce(a);
	introduce(b);
	stranger_trusts(&h);
	harness_fault(&h, "restart-bluetoothd 10");
	wait_for_bluez(false);
	wait_for_bluez(true);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	discoveries = harness_stat(&h, "discoveries");
	h.retries = 3;
	id = send_connect(a);
	began_ms = clock_now_ms();
	harness_stat_wait(&h, "connecting", 1);
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), discoveries);
	/* It keeps others waiting for some seconds, not for the twenty of one that was heard. */
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 7000);
	harness_stat_wait(&h, "discovering", 1);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 0);
	/* That BlueZ has it is no sign of life. */
	harness_pump(&h, 300);
	ck_assert_uint_eq(harness_stat(&h, "discovering"), 1);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	expect_attempts(harness_answer(&h, a, id), 2);
	harness_stop(&h);
}
END_TEST

/* BlueZ forgets the peripheral while the attempt waits for its turn: it is sought again. */
START_TEST(test_F06_vanished_is_sought)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	play_begin(1);
	s = play_introduce(1);
	id = play_connect(s);
	a = play_asked_connect();
	stranger_removes(world);
	play_grant(&a, 7, PLAY_LONG_MS);
	/* The adapter is free for others meanwhile. */
	play_released(7);
	a = play_asked_scan();
	play_grant(&a, 8, PLAY_LONG_MS);
	a = play_asked_connect();
	play_grant(&a, 9, PLAY_LONG_MS);
	ck_assert_uint_eq(harness_answer(world, s, id)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&world->up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	play_finish();
}
END_TEST

/* The same, and the worker hears of it only when it has called Connect. */
START_TEST(test_F06_vanished_under_the_call)
{
	size_t a = begin(1);
	uint32_t id;

	introduce(a);
	(void)kill(h.worker, SIGSTOP);
	id = send_connect(a);
	stranger_removes(&h);
	(void)kill(h.worker, SIGCONT);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	harness_stop(&h);
}
END_TEST

static unsigned count_calls(const char *calls, const char *member)
{
	unsigned n = 0;

	for (calls = strstr(calls, member); calls; calls = strstr(calls + 1, member))
		n++;
	return n;
}

/* What BlueZ and the worker know of it is used; nobody walks through objects or services. */
START_TEST(test_F04_nothing_is_walked)
{
	char calls[STRANGER_CALLS_LEN];
	size_t a = begin(3);
	sd_bus *listener;

	introduce(a);
	listener = stranger_listen(&h);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	stranger_calls(&h, listener, calls);
	ck_assert_str_eq(calls, "Connect ReadValue ");
	/* BlueZ is made to forget it: discovered once, and still no walk. */
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	h.retries = 1;
	h.clears = true;
	expect_attempts(harness_answer(&h, a, send_connect(a)), 2);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	stranger_calls(&h, listener, calls);
	ck_assert_uint_eq(count_calls(calls, "RemoveDevice"), 1);
	ck_assert_uint_eq(count_calls(calls, "StartDiscovery"), 1);
	ck_assert_uint_eq(count_calls(calls, "GetManagedObjects"), 0);
	sd_bus_flush_close_unref(listener);
	harness_stop(&h);
}
END_TEST

/* Another program holds the scan lock, and what BlueZ hears for it will do. */
START_TEST(test_F20_found_while_the_lock_is_busy)
{
	struct play_asked scan, a;
	uint32_t id;
	size_t s;

	play_begin(1);
	s = harness_attach(world, 1, false, HARNESS_DEVICE(0));
	id = play_connect(s);
	scan = play_asked_scan();
	harness_fault(world, "discovery 0 on");
	a = play_asked_connect();
	play_cancelled(scan.id);
	play_grant(&a, 7, PLAY_LONG_MS);
	ck_assert_uint_eq(harness_answer(world, s, id)->type, BH__TYPE__CONNECTED);
	play_finish();
}
END_TEST

/* Between two attempts, and under a link: wherever BlueZ has it now. */
START_TEST(test_F05_path_is_followed)
{
	size_t a = begin(1);
	uint32_t id;

	introduce(a);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	h.retries = 1;
	h.rest_ms = 500;
	id = send_connect(a);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	stranger_removes(&h);
	expect_attempts(harness_answer(&h, a, id), 2);
	stranger_removes(&h);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* Ten programs, two requests each: one link, and each is answered. */
START_TEST(test_F09_one_connect_per_device)
{
	uint32_t ids[20];
	size_t seats[10];
	size_t i;

	seats[0] = begin(1);
	for (i = 1; i < ARRAY_LEN(seats); i++)
		seats[i] = harness_attach(&h, (uint32_t)(1 + i), false, HARNESS_DEVICE(0));
	harness_fault(&h, "connect-ms C0:AA:BB:00:00:00 100");
	for (i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = send_connect(seats[i % ARRAY_LEN(seats)]);
	for (i = 0; i < ARRAY_LEN(ids); i++)
		ck_assert_uint_eq(harness_answer(&h, seats[i % ARRAY_LEN(seats)], ids[i])->type,
				  BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	ck_assert_uint_eq(harness_stat(&h, "connecting_max"), 1);
	harness_stop(&h);
}
END_TEST

/* While one waits for its services another one connects. */
START_TEST(test_F09_devices_side_by_side)
{
	size_t a = begin(2);
	size_t b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	uint32_t id;

	harness_fault(&h, "mute C0:AA:BB:00:00:00 on");
	id = send_connect(a);
	harness_stat_wait(&h, "links", 1);
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__CONNECTED, id), 0);
	ck_assert_uint_eq(harness_stat(&h, "links"), 2);
	harness_stop(&h);
}
END_TEST

/* bluetoothd dies under a Connect, and comes back with what it knew: the request outlives it. */
START_TEST(test_F26_bluetoothd_dies_under_a_connect)
{
	size_t a = begin(1);
	uint32_t id;

	introduce(a);
	h.retries = 1;
	id = connect_in_silence(a);
	harness_fault(&h, "restart-bluetoothd 300 kill");
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_stat(&h, "links"), 1);
	harness_stop(&h);
}
END_TEST

static unsigned count_fds(pid_t pid)
{
	char path[32];
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Attempts of every outcome keep nothing. */
START_TEST(test_F27_one_bus_connection)
{
	size_t a = begin(1);
	unsigned before, i;

	introduce(a);
	before = count_fds(h.worker);
	for (i = 0; i < 100; i++) {
		if (i % 4 == 0)
			harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
		(void)harness_connect(&h, a);
		(void)harness_disconnect(&h, a);
	}
	ck_assert_uint_eq(count_fds(h.worker), before);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__BUS_WANTED, 0), 0);
	ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	harness_stop(&h);
}
END_TEST

Suite *suite_attempt(void)
{
	Suite *s = suite_create("attempt");
	TCase *c = tcase_create("attempt");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, test_F01_bounded_retry);
	tcase_add_test(c, test_F03_waits_before_the_next_attempt);
	tcase_add_test(c, test_F04_nothing_is_walked);
	tcase_add_test(c, test_F05_path_is_followed);
	tcase_add_test(c, test_F06_known_needs_no_discovery);
	tcase_add_test(c, test_F06_silent_is_sought_next);
	tcase_add_test(c, test_F06_vanished_is_sought);
	tcase_add_test(c, test_F06_vanished_under_the_call);
	tcase_add_test(c, test_F09_one_connect_per_device);
	tcase_add_test(c, test_F09_devices_side_by_side);
	tcase_add_test(c, test_F20_found_while_the_lock_is_busy);
	tcase_add_test(c, test_F26_bluetoothd_dies_under_a_connect);
	tcase_add_test(c, test_F27_one_bus_connection);
	suite_add_tcase(s, c);
	return s;
}
