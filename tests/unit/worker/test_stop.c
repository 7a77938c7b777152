/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker that is asked to stop: it ends its links first and leaves the bus afterwards, and does
 * not take long about it, whatever bluetoothd and the kernel do.
 */
#include "tests/unit/worker/stranger.h"

#include "ipc/clock.h"

#include <check.h>
#include <systemd/sd-bus.h>

Suite *suite_stop(void);

#define PATH "/org/bluez/hci0/dev_C0_AA_BB_00_00_00"
#define ADDR "C0:AA:BB:00:00:00"

/* STOP_MS: of supervisor/child.c, when SIGTERM follows. AT_ONCE_MS: less than waiting for a link.
 */
enum { STOP_MS = 2000, AT_ONCE_MS = 1000 };

static struct harness h;

static const char *const OPTIONS[] = { "--mgmt-lag-ms", "400", NULL };

/* A program with a link and notifications. */
static void begin(void)
{
	size_t seat;

	harness_start(&h, 1, OPTIONS);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_answer(&h, seat, harness_subscribe(&h, seat, 0xfff4))->type,
			  BH__TYPE__DONE);
}

/* Until its channel ends; how long it took. */
static uint64_t stop(void)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	uint64_t began_ms = clock_now_ms();

	harness_up(&h, BH__CTL__TYPE__STOP, &empty.base);
	while (!h.up.is_over) {
		ck_assert_msg(clock_now_ms() - began_ms < 10000, "it does not stop");
		harness_pump(&h, 5);
	}
	return clock_now_ms() - began_ms;
}

/* As BlueZ shows it. */
static bool is_connected(void)
{
	sd_bus *bus = stranger_open(&h);
	int connected = -1;

	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.bluez", PATH, "org.bluez.Device1",
						     "Connected", NULL, 'b', &connected),
			 0);
	sd_bus_flush_close_unref(bus);
	return connected;
}

START_TEST(links_first)
{
	begin();
	ck_assert_uint_lt(stop(), STOP_MS);
	/* BlueZ has shown the end before the worker left. */
	ck_assert(!is_connected());
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__LINK_END, 0), 1);
	harness_stop(&h);
}
END_TEST

/* The controller never says that the link is down: it is not waited for. */
START_TEST(link_does_not_end)
{
	begin();
	harness_fault(&h, "lose " ADDR " stuck");
	ck_assert_uint_lt(stop(), STOP_MS);
	harness_stop(&h);
}
END_TEST

/* A reset follows, which ends the links itself. */
START_TEST(before_a_reset)
{
	begin();
	h.keeps_links = true;
	ck_assert_uint_lt(stop(), AT_ONCE_MS);
	ck_assert(is_connected());
	ck_assert_int_eq(harness_kernel_lists(&h, HARNESS_DEVICE(0)), 1);
	harness_stop(&h);
}
END_TEST

/* A Connect that is pending is ended, too: nobody else would. */
START_TEST(while_connecting)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	size_t seat;

	begin();
	seat = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_disconnect(&h, 0)->type, BH__TYPE__DONE);
	harness_fault(&h, "silent " ADDR " on");
	(void)harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
	harness_stat_wait(&h, "connecting", 1);
	ck_assert_uint_lt(stop(), STOP_MS);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 0);
	harness_stop(&h);
}
END_TEST

/* Nothing to end. */
START_TEST(at_once)
{
	harness_start(&h, 1, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	ck_assert_uint_lt(stop(), AT_ONCE_MS);
	harness_stop(&h);
}
END_TEST

Suite *suite_stop(void)
{
	Suite *s = suite_create("stop");
	TCase *c = tcase_create("stop");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, links_first);
	tcase_add_test(c, link_does_not_end);
	tcase_add_test(c, before_a_reset);
	tcase_add_test(c, while_connecting);
	tcase_add_test(c, at_once);
	suite_add_tcase(s, c);
	return s;
}
