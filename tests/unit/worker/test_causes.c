/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of a failure that BlueZ has one word for; the test is the supervisor. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <string.h>

Suite *suite_causes(void);

enum { FAILED = 0x03, NO_RESOURCES = 0x07, REMOTE = 3 };

static struct harness h;

static size_t begin(const char *const *options)
{
	harness_start(&h, 1, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	return harness_attach(&h, 1, false, HARNESS_DEVICE(0));
}

/* BlueZ knows it: nobody has to seek it. */
static size_t begin_known(const char *const *options)
{
	size_t a = begin(options);

	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	return a;
}

static void cause(uint32_t status, bool is_disconnect)
{
	Bh__Ctl__LinkCause msg = BH__CTL__LINK_CAUSE__INIT;

	msg.has_address = msg.has_status = msg.has_is_disconnect = 1;
	msg.address = HARNESS_DEVICE(0);
	msg.status = status;
	msg.is_disconnect = is_disconnect;
	harness_up(&h, BH__CTL__TYPE__LINK_CAUSE, &msg.base);
}

static uint32_t send_connect(size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

static void expect_error(size_t seat, uint32_t id, enum err_class class, const char *words)
{
	const struct harness_frame *f = harness_answer(&h, seat, id);
	Bh__Error *error;

	ck_assert_int_eq(harness_class(f), class);
	error = bh__error__unpack(NULL, f->len, f->body);
	ck_assert_msg(strstr(error->text, words) != NULL, "no '%s' in: %s", words, error->text);
	bh__error__free_unpacked(error, NULL);
}

/* The kernel's word came first: the connect failed, and D-Bus is slow to say so. */
START_TEST(known_before)
{
	const char *const options[] = { "--connect-timeout-ms", "400", NULL };
	size_t a = begin_known(options);
	uint32_t id;

	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	id = send_connect(a);
	harness_stat_wait(&h, "connecting", 1);
	cause(NO_RESOURCES, false);
	expect_error(a, id, CLASS_OUT_OF_SLOTS, "no room");
	harness_stop(&h);
}
END_TEST

/* It comes after D-Bus's: that waits for it. */
START_TEST(known_after)
{
	size_t a = begin_known(NULL);
	Bh__Ctl__AttemptFailed *failed;
	const struct harness_frame *f;
	uint32_t id;

	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	id = send_connect(a);
	harness_stat_wait(&h, "refused", 1);
	cause(NO_RESOURCES, false);
	expect_error(a, id, CLASS_OUT_OF_SLOTS, "no room");
	/* The supervisor decides by it. */
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	failed = bh__ctl__attempt_failed__unpack(NULL, f->len, f->body);
	ck_assert_int_eq((int)failed->class_, CLASS_OUT_OF_SLOTS);
	bh__ctl__attempt_failed__free_unpacked(failed, NULL);
	harness_stop(&h);
}
END_TEST

/* It never comes: the wait for it ends, and D-Bus's word stands. */
START_TEST(never_known)
{
	size_t a = begin_known(NULL);
	uint64_t began_ms = clock_now_ms();

	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	expect_error(a, send_connect(a), CLASS_ABORTED_LOCAL, "abort-by-local");
	ck_assert_uint_lt(clock_now_ms() - began_ms, 2000);
	harness_stop(&h);
}
END_TEST

/* What was said of an earlier attempt is no cause of this one's failure. */
START_TEST(an_earlier_one)
{
	size_t a = begin_known(NULL);

	cause(NO_RESOURCES, false);
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	expect_error(a, send_connect(a), CLASS_ABORTED_LOCAL, "abort-by-local");
	harness_stop(&h);
}
END_TEST

/* A program that gives up meanwhile does not wait for a cause, and the next one is not blamed. */
START_TEST(given_up_meanwhile)
{
	size_t a = begin_known(NULL);
	Bh__Empty empty = BH__EMPTY__INIT;
	unsigned round;
	uint32_t id;

	/* Whether D-Bus's answer or the program is first is chance. */
	for (round = 1; round <= 8; round++) {
		harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
		id = send_connect(a);
		harness_stat_wait(&h, "refused", round);
		harness_send_id(&h, a, BH__TYPE__CANCEL, id, &empty.base);
		(void)harness_answer(&h, a, id);
		cause(FAILED, false);
		ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
		ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	}
	harness_stop(&h);
}
END_TEST

/* A link that was up: its program learns who ended it; that it is lost is what matters. */
START_TEST(who_ended_a_link)
{
	size_t a = begin(NULL);
	const struct harness_frame *f;
	Bh__LinkLost *lost;

	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	cause(REMOTE, true);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	f = harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	lost = bh__link_lost__unpack(NULL, f->len, f->body);
	ck_assert_int_eq((int)lost->class_, CLASS_LINK_LOST);
	ck_assert_str_eq(lost->text, "the peripheral ended the link");
	bh__link_lost__free_unpacked(lost, NULL);
	harness_stop(&h);
}
END_TEST

/* During service discovery it is a failed attempt: the class tells who ended it. */
START_TEST(who_ended_an_attempt)
{
	const char *const options[] = { "--resolve-ms", "5000", NULL };
	size_t a = begin(options);
	uint32_t id = send_connect(a);

	harness_stat_wait(&h, "links", 1);
	cause(1, true);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x08");
	expect_error(a, id, CLASS_LINK_LOST, "went silent");
	harness_stop(&h);
}
END_TEST

Suite *suite_causes(void)
{
	Suite *s = suite_create("causes");
	TCase *c = tcase_create("causes");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, known_before);
	tcase_add_test(c, known_after);
	tcase_add_test(c, never_known);
	tcase_add_test(c, an_earlier_one);
	tcase_add_test(c, given_up_meanwhile);
	tcase_add_test(c, who_ended_a_link);
	tcase_add_test(c, who_ended_an_attempt);
	suite_add_tcase(s, c);
	return s;
}
