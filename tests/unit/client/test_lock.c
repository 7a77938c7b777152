/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/client/test_lock.c - a lock from the request to its end, with an arbiter that keeps to
 * the protocol: test_lock_trouble.c has the others.
 */
#include <string.h>

#include "ipc/clock.h"
#include "tests/unit/client/lockfake.h"

Suite *suite_lock(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake_tally tally;
static struct lf_news news;

/* HELLO is not waited for, and what was asked for is what the arbiter reads. */
START_TEST(asked_for_and_granted)
{
	static const char *const names[] = { "connect:hci0", "device:C0:AA:BB:00:00:01" };
	const struct bh_lock_request request = { .resources = names,
						 .n_resources = 2,
						 .lock_class = BH_LOCK_INTERACTIVE,
						 .timeout_ms = 5000,
						 .max_hold_ms = 700,
						 .under = 12,
						 .label = "mine" };
	int n = fake_count_fds();
	struct fake_frame *frame;
	struct bh_lock *lock;
	Bh__Lock__Acquire *msg;

	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &request, NULL, fake_on_result, &tally),
			 0);
	lf_serve(&lf);
	frame = fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE);
	msg = bh__lock__acquire__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_eq(msg->n_resources, 2);
	ck_assert_str_eq(msg->resources[0], "connect:hci0");
	ck_assert_str_eq(msg->resources[1], "device:C0:AA:BB:00:00:01");
	ck_assert_int_eq(msg->class_, BH__LOCK__CLASS__CLASS_INTERACTIVE);
	ck_assert_uint_le(msg->timeout_ms, 5000);
	ck_assert_uint_gt(msg->timeout_ms, 4000);
	ck_assert_uint_eq(msg->max_hold_ms, 700);
	ck_assert_uint_eq(msg->under, 12);
	ck_assert_str_eq(msg->label, "mine");
	bh__lock__acquire__free_unpacked(msg, NULL);
	ck_assert_uint_eq(bh_lock_grant(lock), 0);
	lf_send_granted(&lf, frame->id, LF_GRANT, 1000);
	free(frame);
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NONE);
	ck_assert_uint_eq(tally.timings.queue_ms, 17);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert(!lf_slot_is_free(&lf));
	/* It ends at max_hold_ms: nothing is renewed. */
	ck_assert_uint_eq(lock->renew_at_ms, LOCK_NEVER);

	ck_assert_ptr_null(bh_lock_release(lock));
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	ck_assert_uint_eq(tally.calls, 1);
	/* Two for the two ends of the channel. */
	ck_assert_int_eq(fake_count_fds(), n + 2);
}
END_TEST

START_TEST(one_channel_for_all)
{
	struct bh_lock *first = lf_held(&lf, 0, NULL);
	struct bh_lock *second = lf_acquire(&lf, 0, NULL, &tally);
	struct fake_frame *frame;
	Bh__Lock__Acquire *msg;

	fake_nothing(&lf.fake, &lf.fake.control);
	frame = fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE);
	msg = bh__lock__acquire__unpack(NULL, frame->len, frame->body);
	ck_assert(msg->has_timeout_ms && msg->timeout_ms == 0);
	ck_assert(!msg->has_class_ && !msg->has_under && !msg->label);
	bh__lock__acquire__free_unpacked(msg, NULL);
	lf_send_granted(&lf, frame->id, LF_GRANT + 1, 0);
	free(frame);
	lf_settle(&lf);
	ck_assert_uint_eq(bh_lock_grant(second), LF_GRANT + 1);
	ck_assert_uint_eq(bh_lock_grant(first), LF_GRANT);
	bh_lock_release(first);
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	ck_assert_uint_eq(bh_lock_grant(second), LF_GRANT + 1);
}
END_TEST

START_TEST(not_free_in_time)
{
	struct bh_lock *lock = lf_acquire(&lf, _i == 0 ? 0 : 250, NULL, &tally);

	lf_serve(&lf);
	lf_send_empty(&lf, BH__LOCK__TYPE__TIMED_OUT, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE));
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_LOCK_TIMEOUT);
	ck_assert_str_eq(tally.text, _i == 0 ? "connect:hci0 is not free"
					     : "connect:hci0 was not free within 250 ms");
	ck_assert_int_eq(bh_lock_renew(lock, NULL, NULL), -ENOTCONN);
	bh_lock_release(lock);
	lf_nothing(&lf);
	ck_assert_uint_eq(tally.calls, 1);
}
END_TEST

START_TEST(for_ever_has_no_end)
{
	struct bh_lock *lock = lf_acquire(&lf, BH_LOCK_FOR_EVER, NULL, &tally);
	uint32_t id;

	lf_serve(&lf);
	id = lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE);
	ck_assert_int_eq(bh_timeout_ms(lf.client), -1);
	lf_send_empty(&lf, BH__LOCK__TYPE__TIMED_OUT, id);
	lf_settle(&lf);
	ck_assert_uint_ne(lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), id);
	ck_assert_uint_eq(tally.calls, 0);
	bh_lock_release(lock);
	ck_assert_int_eq(tally.error, BH_CLASS_CANCELLED);
}
END_TEST

static const struct {
	int reason;
	enum bh_class class;
} REASONS[] = {
	{ 0, BH_CLASS_INVALID },
	{ BH__LOCK__REASON__REASON_INVALID, BH_CLASS_INVALID },
	{ BH__LOCK__REASON__REASON_LIMIT, BH_CLASS_LIMIT },
	{ BH__LOCK__REASON__REASON_NOT_ALLOWED, BH_CLASS_INVALID },
	{ BH__LOCK__REASON__REASON_UNUSABLE, BH_CLASS_INTERNAL },
	{ BH__LOCK__REASON__REASON_ADAPTER_GONE, BH_CLASS_ADAPTER_GONE },
	{ BH__LOCK__REASON__REASON_FENCED, BH_CLASS_LOCK_LOST },
	{ BH__LOCK__REASON__REASON_EXPIRED, BH_CLASS_LOCK_LOST },
	{ BH__LOCK__REASON__REASON_TAKEN, BH_CLASS_LOCK_LOST },
	{ BH__LOCK__REASON__REASON_VERSION, BH_CLASS_INVALID },
};

START_TEST(refused)
{
	lf_acquire(&lf, 100, NULL, &tally);
	lf_serve(&lf);
	lf_send_refused(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), REASONS[_i].reason,
			"because");
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, REASONS[_i].class);
	ck_assert_str_eq(tally.text, "because");
}
END_TEST

/* Given up while the grant is under way: it goes back, with its descriptor. */
START_TEST(given_up)
{
	int n = fake_count_fds();
	struct bh_lock *lock = lf_acquire(&lf, 100, NULL, &tally);
	uint32_t id;

	lf_serve(&lf);
	id = lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE);
	if (_i == 0)
		lf_send_granted(&lf, id, LF_GRANT, 1000);
	bh_lock_release(lock);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_CANCELLED);
	ck_assert_uint_eq(lf_take_id(&lf, BH__LOCK__TYPE__CANCEL), id);
	if (_i == 1)
		lf_send_empty(&lf, BH__LOCK__TYPE__CANCELLED, id);
	lf_settle(&lf);
	if (_i == 0)
		ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	lf_nothing(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(fake_count_fds(), n + 2);
}
END_TEST

START_TEST(given_up_before_there_was_a_channel)
{
	struct bh_lock *lock = lf_acquire(&lf, 100, NULL, &tally);

	bh_lock_release(lock);
	ck_assert_int_eq(tally.error, BH_CLASS_CANCELLED);
	lf_serve(&lf);
	lf_nothing(&lf);
}
END_TEST

/* --- leases --- */

START_TEST(renewed_at_half_of_the_lease)
{
	uint64_t start_ms = clock_now_ms();
	struct bh_lock *lock = lf_held(&lf, 80, &news);
	uint32_t id;
	int i;

	for (i = 1; i <= 3; i++) {
		lf_wait_frame(&lf, &lf.arbiter);
		ck_assert_uint_ge(clock_now_ms() - start_ms, (uint64_t)i * 40);
		id = lf_take_id(&lf, BH__LOCK__TYPE__RENEW);
		lf_nothing(&lf);
		lf_send_renewed(&lf, id, 80, i == 2);
		lf_settle(&lf);
		ck_assert_uint_eq(news.wanted, i >= 2);
	}
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert_uint_eq(news.lost + news.revoked, 0);
	/* An arbiter that gives no more lease is not asked again. */
	lf_wait_frame(&lf, &lf.arbiter);
	lf_send_renewed(&lf, lf_take_id(&lf, BH__LOCK__TYPE__RENEW), 0, false);
	lf_settle(&lf);
	ck_assert_int_eq(bh_timeout_ms(lf.client), -1);
}
END_TEST

START_TEST(renewed_by_the_program)
{
	static struct fake_tally others[2];
	struct bh_lock *lock = lf_held(&lf, 0, &news);
	uint32_t id;

	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &others[0]), 0);
	id = lf_take_id(&lf, BH__LOCK__TYPE__RENEW);
	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &others[1]), 0);
	lf_nothing(&lf);
	lf_send_renewed(&lf, id, 60000, false);
	lf_settle(&lf);
	ck_assert_uint_eq(others[0].calls, 1);
	ck_assert_uint_eq(others[1].calls, 1);
	ck_assert_int_eq(others[0].error, BH_CLASS_NONE);

	/* Not now is no loss. */
	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &others[0]), 0);
	lf_send_refused(&lf, lf_take_id(&lf, BH__LOCK__TYPE__RENEW), BH__LOCK__REASON__REASON_LIMIT,
			"others wait");
	lf_settle(&lf);
	ck_assert_int_eq(others[0].error, BH_CLASS_LIMIT);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert_uint_eq(news.lost, 0);

	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &others[1]), 0);
	bh_lock_release(lock);
	ck_assert_uint_eq(others[1].calls, 2);
	ck_assert_int_eq(others[1].error, BH_CLASS_CANCELLED);
}
END_TEST

START_TEST(fenced)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);

	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &tally), 0);
	lf_send_refused(&lf, lf_take_id(&lf, BH__LOCK__TYPE__RENEW),
			BH__LOCK__REASON__REASON_FENCED, "that grant is over");
	lf_settle(&lf);
	ck_assert_int_eq(tally.error, BH_CLASS_LOCK_LOST);
	ck_assert_uint_eq(news.lost, 1);
	ck_assert_int_eq(news.error, BH_CLASS_LOCK_LOST);
	ck_assert_str_eq(news.text, "that grant is over");
	ck_assert_uint_eq(bh_lock_grant(lock), 0);
	ck_assert(lf_slot_is_free(&lf));
	bh_lock_release(lock);
	lf_nothing(&lf);
	ck_assert_uint_eq(news.lost, 1);
}
END_TEST

START_TEST(revoked_with_grace)
{
	struct bh_lock *lock = lf_held(&lf, 60000, &news);

	lf_send_revoked(&lf, LF_GRANT, BH__LOCK__REASON__REASON_EXPIRED, 500);
	lf_settle(&lf);
	ck_assert_uint_eq(news.revoked, 1);
	ck_assert_uint_eq(news.grace_ms, 500);
	ck_assert_int_eq(news.error, BH_CLASS_LOCK_LOST);
	/* It is still there, and is not renewed any more. */
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert(!lf_slot_is_free(&lf));
	bh_lock_release(lock);
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	lf_send_revoked(&lf, LF_GRANT, BH__LOCK__REASON__REASON_EXPIRED, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(news.lost, 0);
}
END_TEST

START_TEST(revoked_and_taken)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);

	lf_send_revoked(&lf, LF_GRANT + 1, 0, 0); /* another's: dropped */
	lf_send_revoked(&lf, LF_GRANT, BH__LOCK__REASON__REASON_ADAPTER_GONE, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(news.lost, 1);
	ck_assert_int_eq(news.error, BH_CLASS_ADAPTER_GONE);
	ck_assert_uint_eq(bh_lock_grant(lock), 0);
	ck_assert(lf_slot_is_free(&lf));
	ck_assert_int_eq(bh_lock_renew(lock, NULL, NULL), -ENOTCONN);
}
END_TEST

/* --- what a program does --- */

START_TEST(sessions_under_a_grant)
{
	const struct bh_scan_filter filter = { .adapter = "hci0" };
	struct bh_session *session;
	struct fake_frame *frame;
	Bh__SessionOpen *msg;
	struct bh_scan *scan;
	int i;

	bh_use_grant(lf.client, LF_GRANT);
	ck_assert_int_eq(
		bh_session_open(&session, lf.client, FAKE_ADDRESS, NULL, 0, NULL, NULL, NULL), 0);
	ck_assert_int_eq(bh_scan_start(&scan, lf.client, &filter,
				       (void (*)(void *, const struct bh_advert *))abort, NULL,
				       NULL),
			 0);
	bh_use_grant(lf.client, 0);
	ck_assert_int_eq(
		bh_session_open(&session, lf.client, FAKE_ADDRESS, NULL, 0, NULL, NULL, NULL), 0);
	for (i = 0; i < 3; i++) {
		frame = fake_take(&lf.fake, &lf.fake.control, BH__TYPE__SESSION_OPEN);
		msg = bh__session_open__unpack(NULL, frame->len, frame->body);
		ck_assert_int_eq(msg->has_under, i < 2);
		ck_assert_uint_eq(msg->under, i < 2 ? LF_GRANT : 0);
		bh__session_open__free_unpacked(msg, NULL);
		free(frame);
	}
}
END_TEST

START_TEST(wrong_arguments)
{
	static const char *const names[] = { "scan:hci0", "a", "b", "c", "d" };
	static const char *const none[] = { NULL };
	char text[200];
	const char *const longer[] = { text };
	struct bh_lock_request r = { .resources = names, .n_resources = 1 };
	struct bh_lock *lock;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(bh_lock_acquire(NULL, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_lock_acquire(&lock, NULL, &r, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, NULL, NULL, NULL, NULL), -EINVAL);
	r.n_resources = 0;
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	r.n_resources = 5;
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	r = (struct bh_lock_request){ .resources = none, .n_resources = 1 };
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	r.resources = longer;
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	r = (struct bh_lock_request){ .resources = names,
				      .n_resources = 1,
				      .lock_class = (enum bh_lock_class)6 };
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &r, NULL, NULL, NULL), -EINVAL);
	ck_assert_ptr_null(lf.client->locks);
	ck_assert_ptr_null(bh_lock_release(NULL));
	fake_nothing(&lf.fake, &lf.fake.control);
}
END_TEST

Suite *suite_lock(void)
{
	Suite *suite = suite_create("lock");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, lf_set_up, lf_tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, asked_for_and_granted);
	tcase_add_test(all, one_channel_for_all);
	tcase_add_loop_test(all, not_free_in_time, 0, 2);
	tcase_add_test(all, for_ever_has_no_end);
	tcase_add_loop_test(all, refused, 0, (int)ARRAY_LEN(REASONS));
	tcase_add_loop_test(all, given_up, 0, 2);
	tcase_add_test(all, given_up_before_there_was_a_channel);
	tcase_add_test(all, renewed_at_half_of_the_lease);
	tcase_add_test(all, renewed_by_the_program);
	tcase_add_test(all, fenced);
	tcase_add_test(all, revoked_with_grace);
	tcase_add_test(all, revoked_and_taken);
	tcase_add_test(all, sessions_under_a_grant);
	tcase_add_test(all, wrong_arguments);
	suite_add_tcase(suite, all);
	return suite;
}
