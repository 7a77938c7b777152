/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration was read anew: a worker goes on with other settings, nobody waits for it. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"

#include <check.h>
#include <string.h>

Suite *suite_settings(void);

static struct harness h; /* too large for a stack; each test is a process of its own */

static void set_passive(bool is_passive)
{
	Bh__Ctl__Settings settings = BH__CTL__SETTINGS__INIT;

	settings.has_passive = 1;
	settings.passive = is_passive;
	harness_up(&h, BH__CTL__TYPE__SETTINGS, &settings.base);
}

static void set_room(uint32_t links_max, bool asks)
{
	Bh__Ctl__Settings settings = BH__CTL__SETTINGS__INIT;

	settings.has_links_max = settings.has_ask_room = 1;
	settings.links_max = links_max;
	settings.ask_room = asks;
	harness_up(&h, BH__CTL__TYPE__SETTINGS, &settings.base);
}

static uint32_t send_connect(size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = 1;
	connect.timeout_ms = 15000;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

/* To and fro while somebody listens: adverts go on, by one way at a time. */
START_TEST(scans_the_other_way)
{
	static const char *const OPTIONS[] = { "--experimental", NULL };
	uint32_t id;
	size_t s;
	int i;

	harness_begin(&h, 2, OPTIONS);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	for (i = 0; i < 3; i++) {
		set_passive(true);
		harness_stat_wait(&h, "monitoring", 1);
		harness_stat_wait(&h, "discovering", 0);
		harness_hears(&h, s, id);
		set_passive(false);
		harness_stat_wait(&h, "discovering", 1);
		harness_stat_wait(&h, "monitoring", 0);
		harness_hears(&h, s, id);
	}
	/* That it was passive is no trouble worth an event. */
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	harness_stop(&h);
}
END_TEST

/* In the same instant: the last word holds. */
START_TEST(scans_as_said_last)
{
	static const char *const OPTIONS[] = { "--experimental", NULL };
	uint32_t id;
	size_t s;
	int i;

	harness_begin(&h, 2, OPTIONS);
	s = harness_scan_for(&h, 1, 1, &id);
	for (i = 0; i < 41; i++)
		set_passive(i % 2 == 0);
	harness_stat_wait(&h, "monitoring", 1);
	harness_stat_wait(&h, "discovering", 0);
	harness_hears(&h, s, id);
	harness_stop(&h);
}
END_TEST

/* Whoever waits for a place gets it at once where there are more. */
START_TEST(more_room)
{
	size_t a, b;
	uint32_t id;

	h.links_max = "1";
	harness_begin(&h, 2, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	id = send_connect(b);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
	set_room(2, false);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* Those that are there stay where there is less; the next one waits, or asks the supervisor. */
START_TEST(less_room)
{
	size_t a, b, c;
	uint32_t id;

	harness_begin(&h, 3, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	c = harness_attach(&h, 3, false, HARNESS_DEVICE(2));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	set_room(1, true);
	id = send_connect(c);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ROOM_WANTED, 0), 0);
	ck_assert_uint_eq(harness_stat(&h, "links"), 2);
	set_room(0, true);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ROOM_WANTED, 0);
	ck_assert_uint_eq(harness_count(&h.seats[c], 0, id), 0);
	harness_stop(&h);
}
END_TEST

Suite *suite_settings(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, scans_the_other_way);
	tcase_add_test(tc, scans_as_said_last);
	tcase_add_test(tc, more_room);
	tcase_add_test(tc, less_room);
	suite_add_tcase(suite, tc);
	return suite;
}
