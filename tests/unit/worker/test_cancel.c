/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CONNECT_CANCEL: what a program that is gone left pending in bluetoothd, and what is left alone.
 */
#include "tests/unit/worker/harness.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

Suite *suite_cancel(void);

enum { REQUEST = 7 };

static struct harness h;
static size_t seat;

/* BlueZ knows the peripheral, and nothing goes on. */
static void begin(void)
{
	harness_start(&h, 2, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
}

static void silence(bool is_on)
{
	harness_fault(&h, is_on ? "silent C0:AA:BB:00:00:00 on" : "silent C0:AA:BB:00:00:00 off");
}

/* Another program's Connect; it leaves the bus with its end. */
static sd_bus *stray_connect(void)
{
	char address[128];
	sd_bus *bus = NULL;

	(void)snprintf(address, sizeof(address), "unix:path=%s", h.bus_path);
	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_address(bus, address), 0);
	ck_assert_int_ge(sd_bus_set_bus_client(bus, 1), 0);
	ck_assert_int_ge(sd_bus_start(bus), 0);
	ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, "org.bluez",
						  "/org/bluez/hci0/dev_C0_AA_BB_00_00_00",
						  "org.bluez.Device1", "Connect", NULL, NULL, ""),
			 0);
	ck_assert_int_ge(sd_bus_flush(bus), 0);
	return bus;
}

static void expect(uint64_t addr, Bh__Ctl__Cancel outcome)
{
	Bh__Ctl__ConnectCancel msg = BH__CTL__CONNECT_CANCEL__INIT;
	const struct harness_frame *f;
	Bh__Ctl__ConnectCancel *got;

	msg.has_address = 1;
	msg.address = addr;
	ck_assert(chan_send(h.up.chan, BH__CTL__TYPE__CONNECT_CANCEL, REQUEST, 0, &msg.base, NULL,
			    0) == 0);
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__CONNECT_CANCELLED, REQUEST);
	got = bh__ctl__connect_cancel__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(got->address, addr);
	ck_assert_int_eq((int)got->outcome, (int)outcome);
	ck_assert(!got->text == (outcome != BH__CTL__CANCEL__CANCEL_FAILED));
	bh__ctl__connect_cancel__free_unpacked(got, NULL);
}

START_TEST(of_a_dead_program)
{
	begin();
	silence(true);
	sd_bus_flush_close_unref(stray_connect());
	harness_stat_wait(&h, "connecting", 1);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_DONE);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 0);
	silence(false);
	h.retries = 3;
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

START_TEST(of_nobody)
{
	begin();
	expect(HARNESS_DEVICE(1000), BH__CTL__CANCEL__CANCEL_NOTHING);
	harness_kill_sim(&h);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ADAPTER_STATE, 0);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_NOTHING);
	harness_stop(&h);
}
END_TEST

/* That was another one's Connect, and it is the worker's own now. */
START_TEST(of_ourselves)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;

	begin();
	silence(true);
	id = harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
	harness_stat_wait(&h, "connecting", 1);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_LINKED);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 1);
	silence(false);
	ck_assert_uint_eq(harness_answer(&h, seat, id)->type, BH__TYPE__CONNECTED);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_LINKED);
	ck_assert_uint_eq(harness_read(&h, seat, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

START_TEST(of_a_link_of_others)
{
	sd_bus *program;

	begin();
	program = stray_connect();
	harness_stat_wait(&h, "links", 1);
	/* The worker has heard of it by now, too: the same bus told it before. */
	harness_pump(&h, 50);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_LINKED);
	ck_assert_uint_eq(harness_stat(&h, "links"), 1);
	sd_bus_flush_close_unref(program);
	harness_stop(&h);
}
END_TEST

START_TEST(without_a_bus)
{
	int fd;

	begin();
	fd = harness_kill_bus(&h);
	expect(HARNESS_DEVICE(0), BH__CTL__CANCEL__CANCEL_FAILED);
	(void)close_fd(fd);
	harness_stop(&h);
}
END_TEST

Suite *suite_cancel(void)
{
	Suite *s = suite_create("cancel");
	TCase *c = tcase_create("cancel");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, of_a_dead_program);
	tcase_add_test(c, of_nobody);
	tcase_add_test(c, of_ourselves);
	tcase_add_test(c, of_a_link_of_others);
	tcase_add_test(c, without_a_bus);
	suite_add_tcase(s, c);
	return s;
}
