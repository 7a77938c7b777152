/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks between connect and use: F04, F17, F18 of reference/spec-systems.md 5. */
#include "worker/validate.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "tests/unit/worker/harness.h"

#include <check.h>
#include <string.h>

Suite *suite_validate(void);

#define ADDR "C0:AA:BB:00:00:00"

static struct harness h;

/* --- pure --- */

static struct uuid uuid16(unsigned number)
{
	struct uuid uuid = { { 0, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34,
			       0xfb } };

	uuid.octets[2] = (uint8_t)(number >> 8);
	uuid.octets[3] = (uint8_t)number;
	return uuid;
}

START_TEST(levels)
{
	struct validate v = { .n = 3,
			      .checks = { { VALIDATE_GATT, uuid16(0) },
					  { VALIDATE_CHARACTERISTIC, uuid16(0xfff3) },
					  { VALIDATE_READ, uuid16(0x2a19) } } };
	const struct gatt_chrc *chrc = NULL;
	struct gatt_db db = { .n_services = 0 };
	struct gatt_service *service;
	struct gatt_chrc *added;

	ck_assert_int_eq(validate_look(&v, &db, &chrc), VALIDATE_MISSING);
	ck_assert_uint_eq(v.at, 0);
	/* A service without characteristics is nothing to use. */
	ck_assert(gatt_db_add_service(&db, 1, &service) == 0);
	ck_assert_int_eq(validate_look(&v, &db, &chrc), VALIDATE_MISSING);
	ck_assert(gatt_db_add_chrc(&db, 2, &added) == 0);
	added->uuid = uuid16(0x2a19);
	ck_assert_int_eq(validate_look(&v, &db, &chrc), VALIDATE_MISSING);
	ck_assert_uint_eq(v.at, 1);
	ck_assert(gatt_db_add_chrc(&db, 4, &added) == 0);
	added->uuid = uuid16(0xfff3);
	ck_assert_int_eq(validate_look(&v, &db, &chrc), VALIDATE_PROBE);
	ck_assert_uint_eq(chrc->handle, 2);
	v.at++;
	ck_assert_int_eq(validate_look(&v, &db, &chrc), VALIDATE_PASSED);
	gatt_db_clear(&db);
}
END_TEST

/* --- a link --- */

static void begin(void)
{
	h.late_ms = "700";
	harness_start(&h, 2, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

static uint32_t send_checked(size_t seat, Bh__CheckKind kind, unsigned number, uint32_t timeout_ms)
{
	struct uuid uuid = uuid16(number);
	Bh__Check check = BH__CHECK__INIT;
	Bh__Check *list[] = { &check };
	Bh__Connect connect = BH__CONNECT__INIT;

	check.has_kind = 1;
	check.kind = kind;
	check.has_uuid = number != 0;
	check.uuid.data = uuid.octets;
	check.uuid.len = sizeof(uuid.octets);
	connect.n_checks = 1;
	connect.checks = list;
	connect.has_timeout_ms = 1;
	connect.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

/* The class of a checked connect; -1: it is connected. */
static int connect_checked(size_t seat, Bh__CheckKind kind, unsigned number)
{
	return harness_class(harness_answer(&h, seat, send_checked(seat, kind, number, 20000)));
}

START_TEST(passes)
{
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_GATT, 0), -1);
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0xfff3), -1);
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_READ, 0x2a19), -1);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	/* A kind without the UUID that it needs. */
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_READ, 0), CLASS_INVALID);
	harness_stop(&h);
}
END_TEST

/* Never there: BlueZ forgets what it knows, once, and then it is given up. */
START_TEST(missing)
{
	uint64_t began_ms;
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	h.retries = 1;
	began_ms = clock_now_ms();
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0x1234),
			 CLASS_VALIDATION);
	ck_assert_uint_ge(clock_now_ms() - began_ms, 1400);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 2);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 1);
	/* Nothing stays half open. */
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* BlueZ remembers a table that is no longer true: forgetting it helps. */
START_TEST(stale_table)
{
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0xfff3), -1);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "hide " ADDR " 0xfff3");
	h.retries = 3;
	ck_assert_int_eq(connect_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0xfff3), -1);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 1);
	harness_stop(&h);
}
END_TEST

/* Services that come late are waited for, and no longer than it takes. */
START_TEST(late)
{
	uint32_t id;
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	harness_fault(&h, "hide " ADDR " 0xfff3");
	id = send_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0xfff3, 20000);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	harness_pump(&h, 200);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__CONNECTED, id), 0);
	harness_fault(&h, "hide " ADDR " 0");
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	harness_stop(&h);
}
END_TEST

/* Others use the link: the check fails, the link stays. */
START_TEST(shared)
{
	size_t a, b;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	b = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_int_eq(connect_checked(b, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0x1234),
			 CLASS_VALIDATION);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	harness_stop(&h);
}
END_TEST

/* The read is not answered: 5 s, and the link is not given out. */
START_TEST(mute)
{
	uint64_t began_ms;
	uint32_t id;
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "mute " ADDR " on");
	began_ms = clock_now_ms();
	id = send_checked(a, BH__CHECK_KIND__CHECK_READ, 0x2a19, 20000);
	/* What is sent behind it waits for it. */
	(void)harness_send(&h, a, BH__TYPE__SERVICES_REQUEST,
			   &(const Bh__Empty)BH__EMPTY__INIT.base);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_ZOMBIE);
	ck_assert_uint_ge(clock_now_ms() - began_ms, 4900);
	ck_assert_uint_le(clock_now_ms() - began_ms, 6000);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__SERVICE, 0), 0);
	harness_stop(&h);
}
END_TEST

/* The caller's deadline wins, and leaves no link behind. */
START_TEST(deadline)
{
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_int_eq(
		harness_class(harness_answer(
			&h, a, send_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0x1234, 400))),
		CLASS_DEADLINE);
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* It breaks while it is checked: that was one attempt. */
START_TEST(breaks)
{
	uint32_t id;
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	h.retries = 1;
	harness_fault(&h, "hide " ADDR " 0xfff3");
	id = send_checked(a, BH__CHECK_KIND__CHECK_CHARACTERISTIC, 0xfff3, 20000);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	harness_fault(&h, "drop " ADDR);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	harness_fault(&h, "hide " ADDR " 0");
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), -1);
	harness_stop(&h);
}
END_TEST

/* --- a check of the program's own --- */

static size_t begin_connected(void)
{
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	return a;
}

static uint32_t send_rejection(size_t seat, const char *why, uint32_t timeout_ms)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_rejects = connect.rejects = 1;
	connect.reject_text = (char *)(uintptr_t)why;
	connect.has_timeout_ms = 1;
	connect.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

static void expect_connected(const struct harness_frame *f, uint32_t attempts)
{
	Bh__Connected *connected;

	ck_assert_uint_eq(f->type, BH__TYPE__CONNECTED);
	connected = bh__connected__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(connected->attempts, attempts);
	bh__connected__free_unpacked(connected, NULL);
}

static void expect_rejected(const struct harness_frame *f, const char *words)
{
	Bh__Error *error;

	ck_assert_int_eq(harness_class(f), CLASS_VALIDATION);
	error = bh__error__unpack(NULL, f->len, f->body);
	ck_assert_msg(strstr(error->text, words), "no '%s' in: %s", words, error->text);
	bh__error__free_unpacked(error, NULL);
}

/* What the supervisor is told next. */
static void expect_failed(uint32_t attempt)
{
	const struct harness_frame *f = harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	Bh__Ctl__AttemptFailed *failed = bh__ctl__attempt_failed__unpack(NULL, f->len, f->body);

	ck_assert_int_eq((int)failed->class_, CLASS_VALIDATION);
	ck_assert_uint_eq(failed->attempt, attempt);
	ck_assert(failed->came_up);
	bh__ctl__attempt_failed__free_unpacked(failed, NULL);
}

/* Each rejected link is an attempt of the same connecting, until the time of that is over. */
START_TEST(rejected)
{
	size_t a = begin_connected();
	unsigned connects = harness_stat(&h, "connects");
	uint64_t over_at_ms;

	h.retries = 3;
	expect_connected(harness_answer(&h, a, send_rejection(a, "old firmware", 20000)), 2);
	expect_failed(1);
	over_at_ms = clock_now_ms() + 3000;
	expect_connected(harness_answer(&h, a, send_rejection(a, "", 3000)), 3);
	expect_failed(2);
	ck_assert_uint_eq(harness_stat(&h, "connects"), connects + 2);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	harness_pump(&h, clock_left_ms(over_at_ms, clock_now_ms()) + 1);
	expect_connected(harness_answer(&h, a, send_rejection(a, NULL, 20000)), 2);
	expect_failed(1);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	harness_stop(&h);
}
END_TEST

/* None passes: that is the answer, with the program's reason, and no link stays. */
START_TEST(rejected_for_good)
{
	size_t a = begin_connected();

	expect_rejected(harness_answer(&h, a, send_rejection(a, "old firmware", 20000)),
			"rejected the link: old firmware");
	harness_stat_wait(&h, "links", 0);
	/* Who rejected it is told nothing of its end. All begins anew. */
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	expect_connected(harness_connect(&h, a), 1);
	harness_stop(&h);
}
END_TEST

START_TEST(rejected_until_the_deadline)
{
	size_t a = begin_connected();

	h.retries = 1;
	h.rest_ms = 60000;
	expect_rejected(harness_answer(&h, a, send_rejection(a, "old firmware", 600)),
			"rejected the link: old firmware");
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* The link of others stays, and who rejected it has it no more. */
START_TEST(rejected_but_shared)
{
	size_t a = begin_connected();
	size_t b = harness_attach(&h, 2, false, HARNESS_DEVICE(0));

	/* It has none to reject. */
	expect_connected(harness_answer(&h, b, send_rejection(b, "", 20000)), 0);
	expect_rejected(harness_answer(&h, a, send_rejection(a, "old firmware", 20000)),
			"others use it");
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	ck_assert_uint_eq(harness_disconnect(&h, b)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	harness_stop(&h);
}
END_TEST

/* Whether that was answered DONE among the frames that the test has taken. */
static bool is_done_by_now(size_t seat, uint32_t id)
{
	const struct harness_peer *peer = &h.seats[seat];
	size_t i;

	for (i = 0; i < peer->n_taken; i++)
		if (peer->frames[i].type == BH__TYPE__DONE && peer->frames[i].id == id)
			return true;
	return false;
}

/* What was asked before is answered first, what is asked behind it on the next link. */
START_TEST(rejected_in_order)
{
	const Bh__Empty empty = BH__EMPTY__INIT;
	size_t a = begin_connected();
	uint32_t sub, before, id, behind;
	size_t heard;

	h.retries = 1;
	sub = harness_subscribe(&h, a, 0xfff4);
	before = harness_send(&h, a, BH__TYPE__SERVICES_REQUEST, &empty.base);
	id = send_rejection(a, "", 20000);
	behind = harness_send(&h, a, BH__TYPE__SERVICES_REQUEST, &empty.base);
	expect_connected(harness_wait(&h, &h.seats[a], 0, id), 2);
	ck_assert(is_done_by_now(a, sub));
	ck_assert(is_done_by_now(a, before));
	ck_assert(!is_done_by_now(a, behind));
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__DONE, behind);
	/* Its subscription went with the link that it rejected, and nobody is told. */
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__ERROR, 0), 0);
	heard = harness_count(&h.seats[a], BH__TYPE__NOTIFIED, sub);
	harness_fault(&h, "burst " ADDR " 5");
	harness_pump(&h, 400);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__NOTIFIED, sub), heard);
	sub = harness_subscribe(&h, a, 0xfff4);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__NOTIFIED, sub);
	harness_stop(&h);
}
END_TEST

START_TEST(rejected_without_a_link)
{
	char line[129];
	size_t a;

	begin();
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	expect_connected(harness_answer(&h, a, send_rejection(a, "gone already", 20000)), 1);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
	memset(line, 'x', sizeof(line));
	line[128] = '\0';
	ck_assert_int_eq(harness_class(harness_answer(&h, a, send_rejection(a, line, 0))),
			 CLASS_INVALID);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, send_rejection(a, "two\nlines", 0))),
			 CLASS_INVALID);
	line[127] = '\0';
	expect_rejected(harness_answer(&h, a, send_rejection(a, line, 20000)), line);
	harness_stop(&h);
}
END_TEST

Suite *suite_validate(void)
{
	Suite *s = suite_create("validate");
	TCase *c = tcase_create("validate");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, levels);
	tcase_add_test(c, passes);
	tcase_add_test(c, missing);
	tcase_add_test(c, stale_table);
	tcase_add_test(c, late);
	tcase_add_test(c, shared);
	tcase_add_test(c, mute);
	tcase_add_test(c, deadline);
	tcase_add_test(c, breaks);
	tcase_add_test(c, rejected);
	tcase_add_test(c, rejected_for_good);
	tcase_add_test(c, rejected_until_the_deadline);
	tcase_add_test(c, rejected_but_shared);
	tcase_add_test(c, rejected_in_order);
	tcase_add_test(c, rejected_without_a_link);
	suite_add_tcase(s, c);
	return s;
}
