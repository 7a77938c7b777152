/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker against the fake bluetoothd: the test is supervisor and programs. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include "tests/unit/worker/stranger.h"

#include <check.h>
#include <signal.h>
#include <string.h>

Suite *suite_live(void);

static struct harness h; /* too large for a stack; each test is a process of its own */

static void ready(void)
{
	ck_assert_uint_eq(harness_wait(&h, &h.up, 0, 0)->type, BH__CTL__TYPE__HELLO);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

START_TEST(main_job)
{
	const struct harness_frame *f;
	size_t seat;
	Bh__Value *value;

	harness_start(&h, 5, NULL);
	ready();
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(1));
	f = harness_connect(&h, seat);
	ck_assert_int_eq(harness_class(f), -1);
	ck_assert_uint_eq(f->type, BH__TYPE__CONNECTED);
	f = harness_write(&h, seat, 0xfff3, "hello");
	ck_assert_int_eq(harness_class(f), -1);
	ck_assert_uint_eq(f->type, BH__TYPE__DONE);
	f = harness_read(&h, seat, 0xfff3);
	ck_assert_uint_eq(f->type, BH__TYPE__VALUE);
	value = bh__value__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(value->value.len, 5);
	ck_assert_mem_eq(value->value.data, "hello", 5);
	bh__value__free_unpacked(value, NULL);
	ck_assert_int_eq(harness_class(harness_read(&h, seat, 0x1234)), CLASS_GATT_MISSING);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
	/* By itself. */
	ck_assert_uint_eq(harness_read(&h, seat, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
	harness_stop(&h);
}
END_TEST

START_TEST(notifications)
{
	const char *const options[] = { "--notify-ms", "5", NULL };
	const struct harness_frame *f;
	Bh__Notified *n;
	uint64_t next = 1;
	uint32_t id;
	size_t a, b;

	harness_start(&h, 3, options);
	ready();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	id = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__DONE);
	while (next < 100) {
		f = harness_answer(&h, a, id);
		ck_assert_uint_eq(f->type, BH__TYPE__NOTIFIED);
		n = bh__notified__unpack(NULL, f->len, f->body);
		ck_assert_uint_eq(n->first_seq, next);
		ck_assert_uint_eq(n->lost, 0);
		next += n->n_values;
		bh__notified__free_unpacked(n, NULL);
	}
	id = harness_subscribe(&h, b, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__NOTIFIED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__NOTIFIED);
	ck_assert_uint_eq(harness_disconnect(&h, b)->type, BH__TYPE__DONE);
	harness_stop(&h);
}
END_TEST

START_TEST(indications)
{
	const char *const options[] = { "--notify-ms", "5", NULL };
	uint32_t id;
	size_t a;

	harness_start(&h, 1, options);
	ready();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	id = harness_subscribe(&h, a, 0xfff5);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), -1);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__NOTIFIED);
	harness_stop(&h);
}
END_TEST

/* Values that came together are told together, all of them and before the end of their link. */
START_TEST(many_signals)
{
	const char *const options[] = { "--notify-ms", "3600000", NULL };
	const struct harness_frame *f;
	unsigned frames = 0;
	uint64_t next = 1;
	Bh__Notified *n;
	sd_bus *bus;
	uint32_t id;
	size_t a;

	harness_start(&h, 1, options);
	ready();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	harness_by_signals(&h);
	bus = stranger_open(&h);
	id = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__DONE);
	ck_assert_int_eq(kill(h.worker, SIGSTOP), 0);
	harness_fault(&h, "burst C0:AA:BB:00:00:00 100");
	harness_fault(&h, "drop C0:AA:BB:00:00:00");
	stranger_pings(bus);
	ck_assert_int_eq(kill(h.worker, SIGCONT), 0);
	while ((f = harness_answer(&h, a, id))->type == BH__TYPE__NOTIFIED) {
		n = bh__notified__unpack(NULL, f->len, f->body);
		ck_assert_uint_eq(n->first_seq, next);
		ck_assert_uint_eq(n->lost, 0);
		next += n->n_values;
		bh__notified__free_unpacked(n, NULL);
		frames++;
	}
	ck_assert_int_eq(harness_class(f), CLASS_LINK_LOST);
	ck_assert_uint_eq(next, 101);
	ck_assert_uint_lt(frames, 50);
	sd_bus_flush_close_unref(bus);
	harness_stop(&h);
}
END_TEST

START_TEST(scanning)
{
	Bh__Scan scan = BH__SCAN__INIT;
	Bh__Empty empty = BH__EMPTY__INIT;
	const struct harness_frame *f;
	uint32_t id;
	size_t s, a;
	int i;

	harness_start(&h, 5, NULL);
	ready();
	s = harness_attach(&h, 1, true, 0);
	a = harness_attach(&h, 2, false, HARNESS_DEVICE(2));
	id = harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(harness_answer(&h, s, id)->type, BH__TYPE__ADVERT);
	ck_assert_uint_eq(harness_wait(&h, &h.up, BH__CTL__TYPE__SIGHTINGS, 0)->id, 0);
	/* A connect meanwhile pauses it; it goes on afterwards, and hears everything anew. */
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_answer(&h, s, id)->type, BH__TYPE__ADVERT);
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	f = harness_wait(&h, &h.seats[s], BH__TYPE__ERROR, id);
	ck_assert_int_eq(harness_class(f), CLASS_CANCELLED);
	harness_stop(&h);
}
END_TEST

START_TEST(bluetoothd_restarts)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;
	size_t a;

	harness_start(&h, 2, NULL);
	ready();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_kill_sim(&h);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	/* It waits for bluetoothd, until the request's deadline. */
	connect.has_timeout_ms = 1;
	connect.timeout_ms = 200;
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_BLUEZ_GONE);
	connect.timeout_ms = 10000;
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	harness_start_sim(&h, 2, NULL);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* Its name comes before its adapters and their power: who waited goes on waiting. */
START_TEST(bluetoothd_starts_slowly)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;
	size_t a;

	harness_start(&h, 1, NULL);
	ready();
	/* A killed one leaves links to the kernel: for 2 s what connects finds a dying one. */
	h.retries = _i ? 3 : 0;
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, _i ? "restart-bluetoothd 100 kill" : "restart-bluetoothd 100");
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	connect.has_timeout_ms = 1;
	connect.timeout_ms = 10000;
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), -1);
	harness_stop(&h);
}
END_TEST

/* BlueZ may say that all services are there before it shows the first of them. */
START_TEST(services_behind_resolved)
{
	size_t seat;

	harness_begin(&h, 1, NULL);
	harness_fault(&h, "resolved-first C0:AA:BB:00:00:00 on");
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_read(&h, seat, 0xfff3)->type, BH__TYPE__VALUE);
	/* Nobody holds the link. With the next one they are shown already, and not waited for. */
	harness_stat_wait(&h, "links", 0);
	ck_assert_uint_eq(harness_read(&h, seat, 0xfff3)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

START_TEST(no_bluetoothd)
{
	const struct harness_frame *f;
	Bh__Ctl__AdapterState *state;

	harness_start(&h, 0, NULL);
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__ADAPTER_STATE, 0);
	state = bh__ctl__adapter_state__unpack(NULL, f->len, f->body);
	ck_assert_int_eq((int)state->trouble, CLASS_BLUEZ_GONE);
	bh__ctl__adapter_state__free_unpacked(state, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	harness_stop(&h);
}
END_TEST

/* The real arbiter: locks, its death in the middle, its return. */
START_TEST(with_lockd)
{
	Bh__Scan scan = BH__SCAN__INIT;
	size_t a, b, s;
	int i;

	harness_start(&h, 3, NULL);
	ready();
	harness_start_lockd(&h);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	s = harness_attach(&h, 3, true, 0);
	(void)harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	for (i = 0; i < 6; i++) {
		ck_assert_int_eq(harness_class(harness_connect(&h, a)), -1);
		ck_assert_int_eq(harness_class(harness_connect(&h, b)), -1);
		ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
		ck_assert_uint_eq(harness_disconnect(&h, b)->type, BH__TYPE__DONE);
		if (i == 1)
			harness_kill_lockd(&h, true);
		if (i == 3)
			harness_start_lockd(&h);
	}
	/* Held over its death: the scan's lock comes back with it. */
	harness_kill_lockd(&h, false);
	harness_start_lockd(&h);
	ck_assert_int_eq(harness_class(harness_connect(&h, a)), -1);
	harness_stop(&h);
}
END_TEST

static void wait_for_grant(struct chan *program)
{
	uint64_t until_ms = clock_now_ms() + 10000;
	struct chan_frame frame;
	uint16_t type = 0;

	while (type != BH__LOCK__TYPE__GRANTED) {
		ck_assert_msg(clock_now_ms() < until_ms, "the program is granted nothing");
		harness_pump(&h, 1);
		ck_assert_uint_eq(harness_lockd_said(&h, BH__CTL__TYPE__LOCK_OVERDUE), 0);
		if (chan_recv(program, &frame) != CHAN_FRAME)
			continue;
		type = frame.type;
		ck_assert_uint_ne(type, BH__LOCK__TYPE__REFUSED);
		chan_frame_done(&frame);
	}
}

/* A program waits for the discovery's lock: it gets it after a while, and the discovery again. */
START_TEST(turns_with_lockd)
{
	Bh__Lock__Acquire acquire = BH__LOCK__ACQUIRE__INIT;
	Bh__Lock__Hello hello = BH__LOCK__HELLO__INIT;
	Bh__Scan scan = BH__SCAN__INIT;
	char *resource = (char *)(uintptr_t) "scan:hci0";
	struct chan *program = NULL;
	uint32_t id;
	size_t s;

	harness_start(&h, 3, NULL);
	ready();
	h.hold_ms = "1000,1000,1000,1000,1000";
	harness_start_lockd(&h);
	s = harness_attach(&h, 3, true, 0);
	id = harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	ck_assert_uint_eq(harness_answer(&h, s, id)->type, BH__TYPE__ADVERT);
	ck_assert(chan_new(&program, harness_lock_peer(&h), h.buf, CHAN_BODY_CONTROL) == 0);
	hello.has_version = 1;
	hello.version = 1;
	acquire.resources = &resource;
	acquire.n_resources = 1;
	acquire.has_class_ = acquire.has_timeout_ms = 1;
	acquire.class_ = BH__LOCK__CLASS__CLASS_SCAN;
	acquire.timeout_ms = 20000;
	ck_assert(chan_send(program, BH__LOCK__TYPE__HELLO, 1, 0, &hello.base, NULL, 0) == 0);
	ck_assert(chan_send(program, BH__LOCK__TYPE__ACQUIRE, 2, 0, &acquire.base, NULL, 0) == 0);
	wait_for_grant(program);
	/* Discovery is off, and was not torn away. */
	ck_assert_uint_eq(harness_stat(&h, "discovering"), 0);
	program = chan_free(program);
	harness_stat_wait(&h, "discovering", 1);
	harness_stop(&h);
}
END_TEST

/* Another client starts discovery in the same instant: neither is answered. Ours is tried again. */
START_TEST(discovery_race)
{
	const char *const options[] = { "--start-race", "on", NULL };
	Bh__Scan scan = BH__SCAN__INIT;
	size_t s;
	uint32_t id;

	harness_start(&h, 3, options);
	ready();
	s = harness_attach(&h, 1, true, 0);
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 StartDiscovery 1");
	id = harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	ck_assert_uint_eq(harness_answer(&h, s, id)->type, BH__TYPE__ADVERT);
	harness_stop(&h);
}
END_TEST

Suite *suite_live(void)
{
	Suite *s = suite_create("live");
	TCase *c = tcase_create("live");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, services_behind_resolved);
	tcase_add_test(c, main_job);
	tcase_add_test(c, notifications);
	tcase_add_test(c, indications);
	tcase_add_test(c, many_signals);
	tcase_add_test(c, scanning);
	tcase_add_test(c, with_lockd);
	tcase_add_test(c, turns_with_lockd);
	tcase_add_test(c, discovery_race);
	tcase_add_test(c, bluetoothd_restarts);
	tcase_add_loop_test(c, bluetoothd_starts_slowly, 0, 2);
	tcase_add_test(c, no_bluetoothd);
	suite_add_tcase(s, c);
	return s;
}
