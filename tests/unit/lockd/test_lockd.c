/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd as a whole, with its messages: order, deadlines, control, the table. */
#include "tests/unit/lockd/rig.h"

#include "ipc/clock.h"
#include "tests/support/runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define CONNECT	  "connect:hci0"
#define SCAN	  "scan:hci0"
#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"
#define GRANTED	  BH__LOCK__TYPE__GRANTED
#define TIMED_OUT BH__LOCK__TYPE__TIMED_OUT
#define CANCELLED BH__LOCK__TYPE__CANCELLED
#define REFUSED	  BH__LOCK__TYPE__REFUSED
#define REVOKED	  BH__LOCK__TYPE__REVOKED

enum { LONG_MS = 60000 };

static struct rig rig;

static void setup(void)
{
	rig_start(&rig, 1);
}

static void teardown(void)
{
	rig_stop(&rig);
}

static void ask(struct chan *chan, uint32_t id, uint32_t timeout_ms, const char *name)
{
	rig_acquire(chan, &(struct rig_request){ id, 0, timeout_ms, { name } });
}

START_TEST(a_free_lock_is_granted_with_its_file)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_answer answer;

	ask(a, 1, 0, CONNECT);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, GRANTED);
	ck_assert_uint_eq(answer.n_fds, 1);
	ck_assert_uint_gt(answer.grant, 0);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
	rig_release(a, answer.grant);
	rig_expect_silence(&rig, a);
	/* Released by message, though we still have the descriptor. */
	ck_assert(rig_is_lockable(&rig, SLOT0));
	rig_close_fds(&answer);
	chan_free(a);
}
END_TEST

START_TEST(first_come_first_served)
{
	enum { N = 8, ROUNDS = 20 };
	struct chan *holder = rig_peer(&rig, "holder", false);
	struct chan *peers[N];
	uint64_t grant;
	uint64_t next;
	uint32_t round;
	int i;

	for (i = 0; i < N; i++)
		peers[i] = rig_peer(&rig, "p", false);
	ask(holder, 1, 0, CONNECT);
	grant = rig_expect(&rig, holder, GRANTED, 1);
	for (round = 2; round <= ROUNDS; round++) {
		for (i = 0; i < N; i++) {
			ask(peers[i], round, LONG_MS, CONNECT);
			rig_expect_silence(&rig, peers[i]);
		}
		/* The holder asks again before it releases: it queues like anybody. */
		ask(holder, round, LONG_MS, CONNECT);
		rig_release(holder, grant);
		for (i = 0; i < N; i++) {
			next = rig_expect(&rig, peers[i], GRANTED, round);
			ck_assert_uint_gt(next, grant);
			grant = next;
			rig_release(peers[i], grant);
		}
		grant = rig_expect(&rig, holder, GRANTED, round);
	}
	for (i = 0; i < N; i++)
		chan_free(peers[i]);
	chan_free(holder);
}
END_TEST

START_TEST(a_set_is_all_or_nothing)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct chan *b = rig_peer(&rig, "b", false);
	uint64_t connect;
	uint64_t device;

	ask(a, 1, 0, CONNECT);
	connect = rig_expect(&rig, a, GRANTED, 1);
	rig_acquire(
		b, &(struct rig_request){ 2, 0, LONG_MS, { CONNECT, "device:C0:AA:BB:00:00:01" } });
	rig_expect_silence(&rig, b);
	/* b waits: it does not hold the device either, but it is before us in its queue. */
	ask(a, 3, 0, "device:C0:AA:BB:00:00:01");
	(void)rig_expect(&rig, a, TIMED_OUT, 3);
	ask(a, 4, 0, "device:C0:AA:BB:00:00:02");
	device = rig_expect(&rig, a, GRANTED, 4);
	rig_release(a, device);
	rig_release(a, connect);
	connect = rig_expect(&rig, b, GRANTED, 2);
	ask(a, 5, 0, "device:C0:AA:BB:00:00:01");
	(void)rig_expect(&rig, a, TIMED_OUT, 5);
	rig_release(b, connect);
	rig_expect_silence(&rig, b);
	ask(a, 6, 0, "device:C0:AA:BB:00:00:01");
	(void)rig_expect(&rig, a, GRANTED, 6);
	chan_free(a);
	chan_free(b);
}
END_TEST

START_TEST(maintenance_drains_the_adapter)
{
	struct chan *a = rig_peer(&rig, "a", true);
	struct chan *b = rig_peer(&rig, "b", true);
	struct rig_answer answer;
	uint64_t scan;

	ask(a, 1, 0, SCAN);
	scan = rig_expect(&rig, a, GRANTED, 1);
	ask(b, 1, LONG_MS, "maintenance:hci0");
	rig_expect_silence(&rig, b);
	ask(a, 2, 0, CONNECT);
	(void)rig_expect(&rig, a, TIMED_OUT, 2);
	ask(a, 3, 0, "connect:hci1");
	(void)rig_expect(&rig, a, GRANTED, 3);
	rig_release(a, scan);
	rig_wait(&rig, b, &answer);
	ck_assert_uint_eq(answer.type, GRANTED);
	ck_assert_uint_eq(answer.n_fds, 2);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
	ck_assert(!rig_is_lockable(&rig, SCAN_FILE));
	rig_close_fds(&answer);
	chan_free(b);
	ask(a, 4, LONG_MS, SCAN);
	(void)rig_expect(&rig, a, GRANTED, 4);
	chan_free(a);
}
END_TEST

START_TEST(classes_come_before_arrival)
{
	static const int classes[] = { 5, 3, 4, 2, 3 };
	static const uint32_t order[] = { 3, 1, 4, 2, 0 };
	struct chan *a = rig_peer(&rig, "a", true);
	uint64_t grant;
	uint32_t i;

	ask(a, 100, 0, CONNECT);
	grant = rig_expect(&rig, a, GRANTED, 100);
	for (i = 0; i < ARRAY_LEN(classes); i++)
		rig_acquire(a, &(struct rig_request){ i + 1, classes[i], LONG_MS, { CONNECT } });
	for (i = 0; i < ARRAY_LEN(order); i++) {
		rig_release(a, grant);
		grant = rig_expect(&rig, a, GRANTED, order[i] + 1);
	}
	chan_free(a);
}
END_TEST

START_TEST(deadline_and_cancel)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct chan *b = rig_peer(&rig, "b", false);
	uint64_t asked_ms;
	uint64_t grant;

	ask(a, 1, 0, CONNECT);
	grant = rig_expect(&rig, a, GRANTED, 1);
	asked_ms = clock_now_ms();
	ask(b, 1, 30, CONNECT);
	ask(b, 2, LONG_MS, CONNECT);
	(void)rig_expect(&rig, b, TIMED_OUT, 1);
	ck_assert_uint_ge(clock_now_ms() - asked_ms, 30);
	rig_cancel(b, 2);
	(void)rig_expect(&rig, b, CANCELLED, 2);
	rig_cancel(b, 2); /* not answered a second time */
	rig_cancel(a, 1); /* too late: it was granted */
	rig_expect_silence(&rig, b);
	rig_expect_silence(&rig, a);
	ask(b, 3, LONG_MS, CONNECT);
	rig_release(a, grant);
	(void)rig_expect(&rig, b, GRANTED, 3);
	chan_free(a);
	chan_free(b);
}
END_TEST

START_TEST(bad_requests_are_refused_with_words)
{
	static const struct {
		struct rig_request request;
		const char *word;
	} rows[] = {
		{ { .id = 1 }, "no resource" },
		{ { .id = 1, .names = { "coffee:hci0" } }, "no such resource" },
		{ { .id = 1, .names = { "scan:hci999" } }, "no such resource" },
		{ { .id = 1, .names = { "scan:hci0", "scan:hci0" } }, "twice" },
		{ { .id = 1,
		    .names = { "scan:hci0", "scan:hci1", "scan:hci2", "scan:hci3", "scan:hci4" } },
		  "too many" },
		{ { .id = 1, .names = { "maintenance:hci0", "maintenance:hci1" } }, "one adapter" },
		{ { .id = 1, .class = 6, .names = { "scan:hci0" } }, "no such class" },
		{ { .id = 1, .class = -1, .names = { "scan:hci0" } }, "no such class" },
		{ { .id = 1, .class = 1, .names = { "scan:hci0" } }, "workers" },
	};
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_answer answer;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		rig_acquire(a, &rows[i].request);
		rig_wait(&rig, a, &answer);
		ck_assert_uint_eq(answer.type, REFUSED);
		ck_assert_msg(strstr(answer.text, rows[i].word) != NULL, "%s", answer.text);
	}
	chan_free(a);
}
END_TEST

START_TEST(a_program_has_a_limit)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct chan *b = rig_peer(&rig, "b", false);
	struct rig_answer answer;
	uint32_t id;

	ask(a, 1, 0, CONNECT);
	(void)rig_expect(&rig, a, GRANTED, 1);
	for (id = 2; id <= 32; id++)
		ask(a, id, LONG_MS, CONNECT);
	ask(a, 33, LONG_MS, CONNECT);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, REFUSED);
	ck_assert_uint_eq(answer.id, 33);
	/* Others are not concerned, and get it when that program goes with all its requests. */
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	chan_free(a);
	(void)rig_expect(&rig, b, GRANTED, 1);
	chan_free(b);
}
END_TEST

START_TEST(a_lost_adapter_revokes_and_refuses)
{
	struct chan *a = rig_peer(&rig, "a", true);
	struct chan *b = rig_peer(&rig, "b", true);
	struct rig_answer answer;
	uint64_t grant;

	rig_acquire(a, &(struct rig_request){ 1, 0, 0, { CONNECT, "device:C0:AA:BB:00:00:01" } });
	grant = rig_expect(&rig, a, GRANTED, 1);
	ask(a, 2, 0, "connect:hci1");
	(void)rig_expect(&rig, a, GRANTED, 2);
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	rig_adapter_lost(&rig, "hci0");
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, REVOKED);
	ck_assert_uint_eq(answer.grant, grant);
	rig_wait(&rig, b, &answer);
	ck_assert_uint_eq(answer.type, REFUSED);
	ck_assert_ptr_nonnull(strstr(answer.text, "hci0"));
	rig_release(a, grant); /* crossed: ignored */
	ask(b, 2, 0, "connect:hci1");
	(void)rig_expect(&rig, b, TIMED_OUT, 2);
	/* The device of that grant is free, too. A new adapter of that name starts clean. */
	rig_acquire(b, &(struct rig_request){ 3, 0, 0, { CONNECT, "device:C0:AA:BB:00:00:01" } });
	(void)rig_expect(&rig, b, GRANTED, 3);
	rig_expect_silence(&rig, a);
	chan_free(a);
	chan_free(b);
}
END_TEST

START_TEST(stop_and_end_of_file_end_it)
{
	if (_i == 0)
		rig_send_stop(&rig);
	else
		ck_assert_int_eq(shutdown(chan_fd(rig.control), SHUT_RDWR), 0);
	ck_assert_int_eq(rig_wait_lockd(&rig), 0);
}
END_TEST

static bool has_four_rows(const struct locktab_copy *copy)
{
	return copy->n_rows == 4;
}

static bool is_empty(const struct locktab_copy *copy)
{
	return copy->n_rows == 0;
}

START_TEST(the_table_shows_holders_and_waiters)
{
	struct chan *a = rig_peer(&rig, "a \xff\n\"", false);
	struct chan *b = rig_peer(&rig, "b", true);
	struct locktab_copy copy;
	uint64_t grant;

	rig_acquire(a, &(struct rig_request){ 1, 2, 0, { CONNECT, "device:C0:AA:BB:00:00:01" } });
	grant = rig_expect(&rig, a, GRANTED, 1);
	rig_acquire(b, &(struct rig_request){ 1, 4, LONG_MS, { CONNECT } });
	rig_acquire(b, &(struct rig_request){ 2, 1, LONG_MS, { CONNECT } });
	rig_wait_table(&rig, &copy, has_four_rows);
	ck_assert_str_eq(copy.rows[0].resource, "device:C0:AA:BB:00:00:01");
	ck_assert_str_eq(copy.rows[1].resource, CONNECT);
	ck_assert_uint_eq(copy.rows[1].grant, grant);
	ck_assert_uint_eq(copy.rows[1].place, 0);
	ck_assert_uint_eq(copy.rows[1].pid, (uint32_t)getpid());
	ck_assert_str_eq(copy.rows[1].label, "a ??\"");
	ck_assert_str_eq(copy.rows[1].class, "interactive");
	ck_assert_str_eq(copy.rows[2].class, "recovery");
	ck_assert_uint_eq(copy.rows[2].grant, 0);
	ck_assert_uint_eq(copy.rows[2].place, 1);
	ck_assert_str_eq(copy.rows[3].class, "scan");
	ck_assert_uint_eq(copy.rows[3].place, 2);
	ck_assert_uint_gt(copy.rows[3].until_ms, copy.rows[3].since_ms);
	chan_free(a);
	chan_free(b);
	rig_wait_table(&rig, &copy, is_empty);
	/* Nobody but lockd can write it. */
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, rig.table_fd, 0),
			 MAP_FAILED);
	ck_assert_int_lt(write(rig.table_fd, "x", 1), 0);
}
END_TEST

Suite *suite_lockd(void);
Suite *suite_lockd(void)
{
	Suite *suite = suite_create("lockd");
	TCase *tc = tcase_create("lockd");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_free_lock_is_granted_with_its_file);
	tcase_add_test(tc, first_come_first_served);
	tcase_add_test(tc, a_set_is_all_or_nothing);
	tcase_add_test(tc, maintenance_drains_the_adapter);
	tcase_add_test(tc, classes_come_before_arrival);
	tcase_add_test(tc, deadline_and_cancel);
	tcase_add_test(tc, bad_requests_are_refused_with_words);
	tcase_add_test(tc, a_program_has_a_limit);
	tcase_add_test(tc, a_lost_adapter_revokes_and_refuses);
	tcase_add_loop_test(tc, stop_and_end_of_file_end_it, 0, 2);
	tcase_add_test(tc, the_table_shows_holders_and_waiters);
	suite_add_tcase(suite, tc);
	return suite;
}
