/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_links.c - a link that nobody wants is told of, once it is too old to be on
 * its way; and no other. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/soak/links.h"

Suite *suite_links(void);

static const uint64_t device = 0xc0aabb000001;
static struct picture picture;
static struct links *links;
static unsigned told;
static char said[256];

static void on_violation(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	(void)ctx;
	(void)at_us;
	ck_assert_str_eq(promise, "owner");
	(void)snprintf(said, sizeof(said), "%s", text);
	told++;
}

static void setup(void)
{
	const struct links_settings settings = { .violation = on_violation };

	told = 0;
	picture = (struct picture){ .n_adapters = 2, .n_devices = 1 };
	strcpy(picture.adapters[0].name, "hci0");
	strcpy(picture.adapters[1].name, "hci1");
	picture.devices[0] = (struct picture_device){ .address = device, .link = 0 };
	ck_assert_int_eq(links_new(&links, &settings), 0);
}

static void teardown(void)
{
	links = links_free(links);
}

/* A picture a second. */
static void go_on(int64_t seconds, bool is_faulty)
{
	for (int64_t i = 0; i < seconds; i++) {
		picture.at_us += 1000000;
		links_look(links, &picture, is_faulty);
	}
}

static void add_session(const char *adapter, bool holds)
{
	struct picture_session *session = &picture.sessions[picture.n_sessions++];

	*session = (struct picture_session){ .address = device,
					     .is_served = true,
					     .holds_link = holds };
	(void)snprintf(session->adapter, sizeof(session->adapter), "%s", adapter);
}

START_TEST(nobody)
{
	go_on(12, false);
	ck_assert_uint_eq(told, 0);
	go_on(1, false);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(strstr(said, "C0:AA:BB:00:00:01 on hci0"));
	/* Once. */
	go_on(30, false);
	ck_assert_uint_eq(links_broken(links), 1);
}
END_TEST

START_TEST(held)
{
	add_session("hci0", true);
	go_on(100, false);
	ck_assert_uint_eq(told, 0);
	ck_assert_uint_eq(links_checked(links), 100);
}
END_TEST

START_TEST(subscribed)
{
	add_session("hci0", false);
	picture.sessions[0].subscriptions = 1;
	go_on(100, false);
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(kept)
{
	picture.devices[0].is_kept = true;
	go_on(100, false);
	ck_assert_uint_eq(told, 0);
}
END_TEST

/* The session moved, and left its link behind. */
START_TEST(held_elsewhere)
{
	add_session("hci1", true);
	go_on(60, false);
	ck_assert_uint_eq(told, 1);
}
END_TEST

/* A request that takes long is not seen from outside. */
START_TEST(a_session_that_does_not_hold_it)
{
	add_session("hci0", false);
	go_on(30, false);
	ck_assert_uint_eq(told, 0);
	go_on(5, false);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(used_now_and_then)
{
	for (unsigned i = 0; i < 20; i++) {
		picture.devices[0].requests++;
		go_on(10, false);
	}
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(ended_in_time)
{
	for (unsigned i = 0; i < 20; i++) {
		picture.devices[0].link = i % 2 ? -1 : 0;
		go_on(11, false);
	}
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(while_there_is_a_fault)
{
	go_on(10, false);
	go_on(100, true);
	go_on(11, false);
	ck_assert_uint_eq(told, 0);
}
END_TEST

/* What nobody could look at for a minute is not a minute old. */
START_TEST(no_pictures)
{
	go_on(2, false);
	picture.at_us += 60000000;
	links_look(links, &picture, false);
	ck_assert_uint_eq(told, 0);
}
END_TEST

Suite *suite_links(void)
{
	Suite *suite = suite_create("links");
	TCase *tc = tcase_create("links");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody);
	tcase_add_test(tc, held);
	tcase_add_test(tc, subscribed);
	tcase_add_test(tc, kept);
	tcase_add_test(tc, held_elsewhere);
	tcase_add_test(tc, a_session_that_does_not_hold_it);
	tcase_add_test(tc, used_now_and_then);
	tcase_add_test(tc, ended_in_time);
	tcase_add_test(tc, while_there_is_a_fault);
	tcase_add_test(tc, no_pictures);
	suite_add_tcase(suite, tc);
	return suite;
}
