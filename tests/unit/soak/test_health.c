/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_health.c - well is what has all of it: adapters, sessions, clients, locks.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/soak/health.h"

Suite *suite_health(void);

static struct picture picture;
static struct health health;
static const char *client, *lock;
static unsigned told;
static char said[512];

static void on_violation(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	(void)ctx;
	(void)at_us;
	ck_assert_str_eq(promise, "healthy");
	(void)snprintf(said, sizeof(said), "%s", text);
	told++;
}

static const char *ask_client(void *ctx, int64_t since_us)
{
	(void)ctx;
	ck_assert_int_eq(since_us, 1000);
	return client;
}

static const char *ask_lock(void *ctx)
{
	(void)ctx;
	return lock;
}

static void setup(void)
{
	const struct health_settings settings = {
		.bound_ms = 60000, .client = ask_client, .lock = ask_lock, .violation = on_violation
	};

	told = 0;
	client = lock = NULL;
	picture = (struct picture){ .n_adapters = 1, .n_sessions = 1, .at_us = 2000 };
	picture.adapters[0].is_ready = true;
	strcpy(picture.adapters[0].name, "hci0");
	strcpy(picture.adapters[0].state, "ready");
	picture.sessions[0].is_served = true;
	health_begin(&health, &settings, 1000);
}

START_TEST(well)
{
	ck_assert_int_eq(health_look(&health, NULL, 1500), HEALTH_PENDING);
	ck_assert_int_eq(health_look(&health, &picture, 2500), HEALTH_WELL);
	ck_assert_str_eq(health_why(&health), "");
	/* It is said once. */
	ck_assert_int_eq(health_look(&health, NULL, 99000000), HEALTH_WELL);
	ck_assert_uint_eq(told, 0);
}
END_TEST

/* Pending until the bound; then it says what it was. */
static void expect_ill(const char *what)
{
	ck_assert_int_eq(health_look(&health, &picture, 3000), HEALTH_PENDING);
	ck_assert_int_eq(health_look(&health, &picture, 60000999), HEALTH_PENDING);
	ck_assert_int_eq(health_look(&health, &picture, 60001000), HEALTH_ILL);
	ck_assert_uint_eq(told, 1);
	ck_assert_msg(strstr(said, what) != NULL, "said: %s", said);
}

START_TEST(adapter_is_not_ready)
{
	picture.adapters[0].is_ready = false;
	strcpy(picture.adapters[0].state, "starting");
	expect_ill("hci0 is starting");
}
END_TEST

START_TEST(adapter_is_not_known)
{
	picture.adapters[0].name[0] = '\0';
	expect_ill("no adapter of the address");
}
END_TEST

START_TEST(session_waits)
{
	picture.sessions[0].is_waiting = true;
	strcpy(picture.sessions[0].label, "poller 3");
	strcpy(picture.sessions[0].text, "no adapter");
	expect_ill("poller 3");
}
END_TEST

START_TEST(client_without_a_success)
{
	client = "locker 2";
	expect_ill("locker 2 has had no success");
}
END_TEST

START_TEST(lock_of_nobody)
{
	lock = "scan:hci0 is held by nobody";
	expect_ill("scan:hci0 is held by nobody");
}
END_TEST

/* How it was before the last fault is nobody's question. */
START_TEST(old_picture)
{
	picture.at_us = 1000;
	ck_assert_int_eq(health_look(&health, &picture, 3000), HEALTH_PENDING);
}
END_TEST

START_TEST(daemon_does_not_answer)
{
	ck_assert_int_eq(health_look(&health, NULL, 60001000), HEALTH_ILL);
	ck_assert_ptr_nonnull(strstr(said, "has not answered"));
}
END_TEST

Suite *suite_health(void)
{
	Suite *suite = suite_create("health");
	TCase *tc = tcase_create("health");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, well);
	tcase_add_test(tc, adapter_is_not_ready);
	tcase_add_test(tc, adapter_is_not_known);
	tcase_add_test(tc, session_waits);
	tcase_add_test(tc, client_without_a_success);
	tcase_add_test(tc, lock_of_nobody);
	tcase_add_test(tc, old_picture);
	tcase_add_test(tc, daemon_does_not_answer);
	suite_add_tcase(suite, tc);
	return suite;
}
