/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker when things go wrong: faults of the fake, programs that misbehave, moves. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "worker/notify.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

Suite *suite_trouble(void);

static struct harness h;

static void begin(unsigned devices, const char *const *options)
{
	harness_start(&h, devices, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

static uint32_t send_connect(size_t seat, uint32_t timeout_ms)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = 1;
	connect.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

START_TEST(link_drops)
{
	size_t a;
	uint32_t sub;

	begin(2, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	sub = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a, sub)->type, BH__TYPE__DONE);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	ck_assert_int_eq(harness_class(harness_wait(&h, &h.seats[a], BH__TYPE__ERROR, sub)),
			 CLASS_LINK_LOST);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

START_TEST(refused_then_up)
{
	const struct harness_frame *f;
	Bh__Connected *c;
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 2");
	h.retries = 5;
	f = harness_connect(&h, a);
	ck_assert_int_eq(harness_class(f), -1);
	c = bh__connected__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(c->attempts, 3);
	bh__connected__free_unpacked(c, NULL);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1");
	h.retries = 0;
	ck_assert_int_eq(harness_class(harness_connect(&h, a)), CLASS_ABORTED_LOCAL);
	harness_stop(&h);
}
END_TEST

/* The object goes with the failed connect, which is never answered. */
START_TEST(object_vanishes)
{
	uint64_t began_ms = clock_now_ms();
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1");
	h.retries = 2;
	ck_assert_int_eq(harness_class(harness_connect(&h, a)), -1);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 3000);
	harness_stop(&h);
}
END_TEST

START_TEST(silent_peripheral)
{
	uint64_t began_ms;
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	began_ms = clock_now_ms();
	ck_assert_int_eq(harness_class(harness_answer(&h, a, send_connect(a, 300))),
			 CLASS_DEADLINE);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 600);
	/* The pending Connect was cancelled: the next one is not in its way. The object goes with
	 * it, perhaps under the next attempt. */
	h.retries = 3;
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

START_TEST(one_at_a_time)
{
	uint32_t first, second;
	size_t a, b;

	begin(2, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	first = send_connect(a, 500);
	harness_pump(&h, 50);
	second = send_connect(b, 5000);
	harness_pump(&h, 200);
	ck_assert_uint_eq(harness_count(&h.seats[b], BH__TYPE__CONNECTED, second), 0);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, first)), CLASS_DEADLINE);
	ck_assert_uint_eq(harness_answer(&h, b, second)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* Unanswered reads: deadlines hold, and at 64 the bus connection is changed under a subscription.
 */
START_TEST(bus_is_changed)
{
	const char *const options[] = { "--notify-ms", "20", NULL };
	uint32_t sub;
	size_t a, n;
	int i;

	begin(1, options);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	sub = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a, sub)->type, BH__TYPE__DONE);
	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 ReadValue 70");
	for (i = 0; i < 70; i++) {
		uint32_t id = harness_send_read(&h, a, 0x2a19, 10);

		ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_DEADLINE);
	}
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__BUS_WANTED, 0), 1);
	harness_pump(&h, 200);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	n = harness_count(&h.seats[a], BH__TYPE__NOTIFIED, sub);
	harness_pump(&h, 200);
	ck_assert_uint_gt(harness_count(&h.seats[a], BH__TYPE__NOTIFIED, sub), n);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* What was given to BlueZ and not answered is on the page when the session is given up. */
START_TEST(detach_with_write)
{
	const char *const options[] = { "--gatt-ms", "300", NULL };
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;
	Bh__Write write = BH__WRITE__INIT;
	Bh__Target target;
	uint8_t uuid[16];
	struct wpage_view view;
	uint32_t first, second;
	size_t a;

	begin(1, options);
	a = harness_attach(&h, 11, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_target(&target, 0xfff3, uuid);
	write.target = &target;
	write.has_value = 1;
	write.value.data = uuid;
	write.value.len = 3;
	first = harness_send(&h, a, BH__TYPE__WRITE, &write.base);
	second = harness_send(&h, a, BH__TYPE__WRITE, &write.base);
	harness_pump(&h, 100);
	ref.has_session = 1;
	ref.session = 11;
	harness_up(&h, BH__CTL__TYPE__SESSION_DETACH, &ref.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_GIVEN_UP, 0);
	wpage_read(h.page, &view);
	/* The first was issued, the second waited its turn: it may be sent again. */
	ck_assert_uint_eq(view.n_issued, 1);
	ck_assert_uint_eq(view.issued[0].session, 11);
	ck_assert_uint_eq(view.issued[0].id, first);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__DONE, second), 0);
	harness_pump(&h, 50);
	ck_assert(h.seats[a].is_over);
	/* The link went with its last session. */
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	harness_stop(&h);
}
END_TEST

START_TEST(writes_keep_order)
{
	uint32_t ids[64];
	size_t a, i;
	char text[16];

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	for (i = 0; i < 50; i++) {
		Bh__Write write = BH__WRITE__INIT;
		Bh__Target target;
		uint8_t uuid[16];

		harness_target(&target, 0xfff3, uuid);
		write.target = &target;
		(void)snprintf(text, sizeof(text), "w%zu", i);
		write.has_value = 1;
		write.value.data = (uint8_t *)text;
		write.value.len = strlen(text);
		ids[i] = harness_send(&h, a, BH__TYPE__WRITE, &write.base);
	}
	for (i = 0; i < 50; i++)
		ck_assert_uint_eq(harness_answer(&h, a, ids[i])->type, BH__TYPE__DONE);
	{
		const struct harness_frame *f = harness_read(&h, a, 0xfff3);
		Bh__Value *value = bh__value__unpack(NULL, f->len, f->body);

		ck_assert_mem_eq(value->value.data, "w49", 3);
		bh__value__free_unpacked(value, NULL);
	}
	harness_stop(&h);
}
END_TEST

START_TEST(misbehaving_program)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	size_t a, b, c;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	c = harness_attach(&h, 3, false, HARNESS_DEVICE(0));
	ck_assert(send(chan_fd(h.seats[a].chan), "garbage, garbage", 16, 0) == 16);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_ENDED, 0);
	/* An id that is open. */
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	harness_send_id(&h, b, BH__TYPE__CONNECT, 5, &connect.base);
	harness_send_id(&h, b, BH__TYPE__CONNECT, 5, &connect.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_ENDED, 0);
	/* Another epoch: dropped without an answer. */
	ck_assert(chan_send(h.seats[c].chan, BH__TYPE__CONNECT, 6, 99, &connect.base, NULL, 0) ==
		  0);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	ck_assert_uint_eq(harness_connect(&h, c)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&h.seats[c], BH__TYPE__CONNECTED, 6), 0);
	harness_stop(&h);
}
END_TEST

/* One that nobody answers, and a write of which nobody knows whether it was done. */
static void send_both(size_t seat, uint32_t *read, uint32_t *write)
{
	Bh__Write msg = BH__WRITE__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 ReadValue 1");
	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 WriteValue 1 done");
	*read = harness_send_read(&h, seat, 0x2a19, 20000);
	harness_target(&target, 0xfff3, space);
	msg.target = &target;
	msg.has_value = msg.has_timeout_ms = 1;
	msg.timeout_ms = 20000;
	*write = harness_send(&h, seat, BH__TYPE__WRITE, &msg.base);
	harness_pump(&h, 50);
}

START_TEST(link_goes_under_way)
{
	uint32_t read, write;
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	send_both(a, &read, &write);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	ck_assert_int_eq(harness_class(harness_answer(&h, a, read)), CLASS_LINK_LOST);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, write)), CLASS_INTERRUPTED);
	harness_stop(&h);
}
END_TEST

/* What may be done twice is asked again when bluetoothd is back, as if it had come now. */
START_TEST(bluetoothd_dies_under_way)
{
	uint32_t read, write;
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	send_both(a, &read, &write);
	harness_kill_sim(&h);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, write)), CLASS_INTERRUPTED);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	harness_start_sim(&h, 1, NULL);
	ck_assert_uint_eq(harness_answer(&h, a, read)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* A bus that dies while its sockets are closed one by one may still take a connection. */
START_TEST(dead_on_arrival)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int pair[2];
	size_t a;

	begin(1, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	(void)close(pair[1]);
	ck_assert_int_eq(chan_send(h.up.chan, BH__CTL__TYPE__BUS, 0, 0, &empty.base, &pair[0], 1),
			 0);
	(void)close(pair[0]);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__BUS_WANTED, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* A request in the moment in which the bus dies was not sent: it waits for another bus. [1]: a
 * read. */
START_TEST(bus_dies_before)
{
	enum { WAIT_MS = 300 };
	Bh__Read read = BH__READ__INIT;
	Bh__Write write = BH__WRITE__INIT;
	uint64_t begin_ms;
	Bh__Target target;
	uint8_t space[16];
	uint32_t id;
	size_t a;
	int fd;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_target(&target, 0xfff3, space);
	read.target = write.target = &target;
	read.has_timeout_ms = write.has_timeout_ms = write.has_value = 1;
	read.timeout_ms = write.timeout_ms = WAIT_MS;
	write.value.data = space;
	write.value.len = 1;
	ck_assert_int_eq(kill(h.worker, SIGSTOP), 0);
	begin_ms = clock_now_ms();
	id = harness_send(&h, a, _i == 0 ? BH__TYPE__WRITE : BH__TYPE__READ,
			  _i == 0 ? &write.base : &read.base);
	fd = harness_kill_bus(&h);
	ck_assert_int_eq(kill(h.worker, SIGCONT), 0);
	ck_assert_int_ne(harness_class(harness_answer(&h, a, id)), CLASS_NONE);
	ck_assert_uint_ge(clock_now_ms() - begin_ms, WAIT_MS);
	(void)close(fd);
	harness_stop(&h);
}
END_TEST

START_TEST(cut_power_unplug)
{
	Bh__Ctl__Link link = BH__CTL__LINK__INIT;
	size_t a;

	begin(1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	link.has_address = 1;
	link.address = HARNESS_DEVICE(0);
	harness_up(&h, BH__CTL__TYPE__LINK_CUT, &link.base);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	/* The link is lost first, then power or the adapter: an attempt may come in between. */
	h.retries = 3;
	harness_fault(&h, "powered 0 off");
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_int_eq(harness_class(harness_connect(&h, a)), CLASS_NOT_POWERED);
	harness_fault(&h, "powered 0 on");
	harness_pump(&h, 50);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	h.retries = 3;
	harness_fault(&h, "unplug 0");
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_int_eq(harness_class(harness_connect(&h, a)), CLASS_ADAPTER_GONE);
	harness_stop(&h);
}
END_TEST

static struct harness_stream subscribed(uint32_t session)
{
	struct harness_stream stream = { .seat = harness_attach(&h, session, false,
								HARNESS_DEVICE(0)) };

	stream.id = harness_subscribe(&h, stream.seat, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, stream.seat, stream.id)->type, BH__TYPE__DONE);
	return stream;
}

/* Until it has that value or its loss: each one comes or is counted as lost. */
static void read_up_to(struct harness_stream *stream, uint64_t number)
{
	while (stream->last < number) {
		harness_take(&h, stream);
		harness_acknowledge(&h, stream, stream->last);
	}
}

START_TEST(slow_program)
{
	/* Far more than its socket and the worker's backlog take; a burst fits the peripheral's. */
	enum { BURST = 100, BURSTS = 200 };
	const char *const options[] = { "--notify-ms", "1000", NULL };
	struct harness_stream slow, quick;
	struct chan *unread;
	uint64_t i;

	begin(1, options);
	slow = subscribed(1);
	quick = subscribed(2);
	unread = h.seats[slow.seat].chan;
	h.seats[slow.seat].chan = NULL;
	for (i = 1; i <= BURSTS; i++) {
		harness_fault(&h, "burst C0:AA:BB:00:00:00 100");
		read_up_to(&quick, i * BURST);
	}
	ck_assert_uint_eq(quick.lost, 0);
	h.seats[slow.seat].chan = unread;
	read_up_to(&slow, (uint64_t)BURSTS * BURST);
	ck_assert_uint_gt(slow.lost, 0);
	/* What it had no time for does not keep it from the rest. */
	ck_assert_uint_eq(slow.last - slow.lost, NOTIFY_CREDIT + NOTIFY_BACKLOG_MAX);
	ck_assert_uint_eq(harness_read(&h, slow.seat, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

Suite *suite_trouble(void)
{
	Suite *s = suite_create("trouble");
	TCase *c = tcase_create("trouble");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, link_drops);
	tcase_add_test(c, refused_then_up);
	tcase_add_test(c, object_vanishes);
	tcase_add_test(c, silent_peripheral);
	tcase_add_test(c, one_at_a_time);
	tcase_add_test(c, bus_is_changed);
	tcase_add_loop_test(c, bus_dies_before, 0, 2);
	tcase_add_test(c, detach_with_write);
	tcase_add_test(c, writes_keep_order);
	tcase_add_test(c, misbehaving_program);
	tcase_add_test(c, link_goes_under_way);
	tcase_add_test(c, bluetoothd_dies_under_way);
	tcase_add_test(c, dead_on_arrival);
	tcase_add_test(c, cut_power_unplug);
	tcase_add_test(c, slow_program);
	suite_add_tcase(s, c);
	return s;
}
