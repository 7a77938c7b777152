/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links of other programs that are adopted while their Disconnect is under way. */
#include "tests/unit/worker/stranger.h"

#include <check.h>

Suite *suite_withdrawn(void);

#define PATH "/org/bluez/hci0/dev_C0_AA_BB_00_00_00"
#define ADDR "C0:AA:BB:00:00:00"

static struct harness h;
static sd_bus *other;

/* Another program's Disconnect of its link is under way, which nothing shows for two seconds. */
static void enter_window(size_t seat)
{
	sd_bus_message *m = NULL;
	int connected = 0;

	h.up.n_taken = h.up.n_frames;
	stranger_connects(&h);
	stranger_shown(&h, true);
	other = stranger_open(&h);
	ck_assert(sd_bus_message_new_method_call(other, &m, "org.bluez", PATH, "org.bluez.Device1",
						 "Disconnect") >= 0);
	ck_assert(sd_bus_send(other, m, NULL) >= 0);
	sd_bus_message_unref(m);
	/* Behind it on the same connection: bluetoothd has it by now. */
	ck_assert(sd_bus_get_property_trivial(other, "org.bluez", PATH, "org.bluez.Device1",
					      "Connected", NULL, 'b', &connected) >= 0);
	ck_assert_int_eq(connected, 1);
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
}

static size_t begin(void)
{
	size_t seat;

	harness_start(&h, 1, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	return seat;
}

static size_t begin_in_window(void)
{
	size_t seat = begin();

	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
	enter_window(seat);
	return seat;
}

/* The program notices nothing: the link that it was given is made anew. */
START_TEST(withdrawn)
{
	size_t seat = begin_in_window();

	harness_stat_wait(&h, "disconnects", 2);
	harness_stat_wait(&h, "connects", 3);
	ck_assert_uint_eq(harness_read(&h, seat, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_count(&h.seats[seat], BH__TYPE__LINK_LOST, 0), 0);
	sd_bus_flush_close_unref(other);
	harness_stop(&h);
}
END_TEST

/* It cannot be: then the program is told. */
START_TEST(withdrawn_for_good)
{
	size_t seat = begin_in_window();

	harness_fault(&h, "refuse " ADDR " 9 answered");
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_LOST, 0);
	harness_fault(&h, "refuse " ADDR " 0");
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	sd_bus_flush_close_unref(other);
	harness_stop(&h);
}
END_TEST

/* It was of use: then it was a link, and its end is one. */
START_TEST(used_in_window)
{
	size_t seat = begin_in_window();

	ck_assert_uint_eq(harness_read(&h, seat, 0x2a19)->type, BH__TYPE__VALUE);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_LOST, 0);
	ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	sd_bus_flush_close_unref(other);
	harness_stop(&h);
}
END_TEST

/* A subscription that went on there has missed values: that is told, and it goes on again. */
START_TEST(listened_in_window)
{
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	size_t seat = begin();
	Bh__Target target;
	uint8_t space[16];
	uint32_t id;

	harness_target(&target, 0xfff4, space);
	subscribe.target = &target;
	subscribe.has_resume = subscribe.resume = 1;
	id = harness_send(&h, seat, BH__TYPE__SUBSCRIBE, &subscribe.base);
	ck_assert_uint_eq(harness_answer(&h, seat, id)->type, BH__TYPE__DONE);
	harness_fault(&h, "refuse " ADDR " 9 answered");
	harness_fault(&h, "drop " ADDR);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_LOST, 0);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	harness_fault(&h, "refuse " ADDR " 0");
	enter_window(seat);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_BACK, 0);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_LOST, 0);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_BACK, 0);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__NOTIFIED, id);
	sd_bus_flush_close_unref(other);
	harness_stop(&h);
}
END_TEST

Suite *suite_withdrawn(void)
{
	Suite *s = suite_create("withdrawn");
	TCase *c = tcase_create("withdrawn");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, withdrawn);
	tcase_add_test(c, listened_in_window);
	tcase_add_test(c, withdrawn_for_good);
	tcase_add_test(c, used_in_window);
	suite_add_tcase(s, c);
	return s;
}
