/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/client/test_away.c - a client that stays, and no daemon: deadlines, pauses, locks;
 * daemons that it does not get on with; callbacks that free everything.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/pace.h"
#include "ipc/clock.h"
#include "tests/unit/client/lockfake.h"
#include "tests/unit/client/stay.h"

Suite *suite_away(void);

/* --- without a daemon --- */

START_TEST(deadlines)
{
	static struct fake_tally t[3];
	struct bh_session *session = stay_session();
	uint64_t start_ms = clock_now_ms();
	int n_fds;

	memset(t, 0, sizeof(t));
	stay.fake.listen_fd = close_fd(stay.fake.listen_fd);
	fake_drop(&stay.worker);
	fake_drop(&stay.fake.control);
	stay_settle();
	n_fds = fake_count_fds();
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 300, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_get_status(stay.client, NULL, fake_on_result, &t[1]), 0);
	while (t[0].calls == 0)
		ck_assert_int_eq(bh_wait(stay.client, -1), 0);
	ck_assert_uint_ge(clock_now_ms() - start_ms, 300);
	ck_assert_int_eq(t[0].error, BH_CLASS_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(t[0].text, "not back"));
	ck_assert_uint_eq(t[1].calls, 0);
	/* At once, and after 50, 100, 200 ms. */
	ck_assert_uint_ge(stay.client->dial.tries, 3);
	ck_assert_uint_le(stay.client->dial.tries, 6);
	ck_assert_int_eq(fake_count_fds(), n_fds);
	stay.client = bh_free(stay.client);
	ck_assert_int_eq(t[1].error, BH_CLASS_CANCELLED);
	ck_assert_uint_eq(stay.daemon.gone, 1);
}
END_TEST

/* One that dies at once is not dialled in a circle. */
START_TEST(pauses)
{
	uint64_t start_ms = clock_now_ms();
	int i;

	for (i = 0; i < 4; i++) {
		fake_restart(&stay.fake, stay.client);
		fake_greet(&stay.fake, (uint64_t)i + 2);
		stay_settle();
	}
	ck_assert_uint_ge(clock_now_ms() - start_ms, (50 + 100 + 200) * 8 / 10);
	ck_assert_uint_eq(stay.daemon.back, 4);
}
END_TEST

START_TEST(pace)
{
	uint32_t dice;
	uint32_t n;

	for (n = 0; n < 40; n++) {
		uint32_t middle = n < 5 ? 50u << n : 830;

		for (dice = 0; dice < 4000; dice += 13) {
			uint32_t ms = pace_ms(50, n, 830, dice);

			ck_assert_uint_ge(ms, middle * 8 / 10);
			ck_assert_uint_le(ms, middle * 12 / 10);
			ck_assert_uint_lt(ms, 1000);
		}
	}
	ck_assert_uint_ne(pace_ms(1000, 0, 1000, 1), pace_ms(1000, 0, 1000, 200));
	ck_assert_uint_eq(pace_ms(UINT32_MAX, 31, UINT32_MAX, 400), UINT32_MAX);
}
END_TEST

START_TEST(another_version)
{
	static struct fake_tally t;
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	uint32_t id;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_get_status(stay.client, NULL, fake_on_result, &t), 0);
	fake_restart(&stay.fake, stay.client);
	ok.has_version = true;
	ok.version = 2;
	id = fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__HELLO);
	fake_send(&stay.fake.control, BH__TYPE__HELLO_OK, id, &ok.base, -1);
	ck_assert_int_eq(fake_settle(&stay.fake, stay.client), -ENOTCONN);
	ck_assert_int_eq(t.error, BH_CLASS_INVALID);
}
END_TEST

START_TEST(too_many_clients_for_now)
{
	uint32_t id;

	fake_restart(&stay.fake, stay.client);
	id = fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__HELLO);
	fake_send_error(&stay.fake.control, id, BH__CLASS__CLASS_LIMIT, "too many clients");
	stay_settle();
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 2);
	stay_settle();
	ck_assert_uint_eq(stay.daemon.gone + stay.daemon.back, 2);
}
END_TEST

/* --- callbacks that free --- */

static void free_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	stay.client = bh_free(stay.client);
}

static void free_on_session(void *ctx, struct bh_session *session,
			    const struct bh_session_news *news)
{
	(void)ctx;
	(void)session;
	(void)news;
	stay.client = bh_free(stay.client);
}

static void free_on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	(void)event;
	stay.client = bh_free(stay.client);
}

/* In each callback that this brings. */
START_TEST(freed)
{
	static struct fake_tally t[3];
	struct bh_session *session = stay_session();
	struct bh_client *it = stay.client;
	int r = 0;

	memset(t, 0, sizeof(t));
	stay.daemon.frees = _i == 0;
	stay.daemon.frees_back = _i == 4;
	if (_i == 1)
		session->news = free_on_session;
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0,
				  _i == 2 ? free_on_result : fake_on_result, &t[0]),
			 0);
	ck_assert_int_eq(bh_link_drop(stay.client, FAKE_ADDRESS,
				      _i == 3 ? free_on_result : fake_on_result, &t[1]),
			 0);
	ck_assert_int_eq(bh_events(stay.client, false, true, _i == 5 ? free_on_event : NULL,
				   fake_on_result, &t[2]),
			 0);
	fake_drop(&stay.worker);
	if (_i < 4) {
		fake_drop(&stay.fake.control);
		while (r == 0)
			r = bh_process(it);
	} else {
		fake_restart(&stay.fake, stay.client);
		fake_greet(&stay.fake, 2);
		while (r == 0)
			r = bh_process(it);
	}
	ck_assert_int_eq(r, -ECANCELED);
	ck_assert_ptr_null(stay.client);
	for (r = 0; r < 3; r++)
		ck_assert_uint_eq(t[r].calls, 1);
	ck_assert_int_eq(t[2].error, BH_CLASS_CANCELLED);
}
END_TEST

/* --- locks --- */

static struct lf_news lock_news;

static void open_lf(void)
{
	memset(&lock_news, 0, sizeof(lock_news));
	lf_set_up();
	bh_stay(lf.client, NULL, NULL);
}

START_TEST(locks)
{
	static struct fake_tally t;
	struct bh_lock *lock = lf_held(&lf, 60000, &lock_news);

	memset(&t, 0, sizeof(t));
	(void)lf_acquire(&lf, 5000, NULL, &t);
	fake_drop(&lf.arbiter);
	fake_restart(&lf.fake, lf.client);
	ck_assert_uint_eq(t.calls + lock_news.lost, 0);
	ck_assert(!lf_slot_is_free(&lf));
	fake_greet(&lf.fake, 2);
	(void)lf_serve(&lf);
	(void)lf_take_id(&lf, BH__LOCK__TYPE__HELD);
	(void)lf_take_id(&lf, BH__LOCK__TYPE__RENEW);
	lf_settle(&lf);
	lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), LF_GRANT + 1, 60000);
	lf_settle(&lf);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert_uint_eq(lock_news.lost, 0);
}
END_TEST

/*
 * The arbiter sees the daemon's end a moment before its own. A channel that is closed in between is
 * a holder that died, and the next one would be given what this one has.
 */
START_TEST(arbiter_dies_last)
{
	struct bh_lock *lock = lf_held(&lf, 60000, &lock_news);

	fake_restart(&lf.fake, lf.client);
	fake_greet(&lf.fake, 2);
	lf_settle(&lf);
	lf_nothing(&lf);
	ck_assert(!lf.arbiter.is_eof);
	fake_drop(&lf.arbiter);
	lf_settle(&lf);
	(void)lf_serve(&lf);
	(void)lf_take_id(&lf, BH__LOCK__TYPE__HELD);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert_uint_eq(lock_news.lost, 0);
}
END_TEST

/* Nobody could take it back: not for longer than a lease. */
START_TEST(lock_without_a_daemon)
{
	(void)lf_held(&lf, 60000, &lock_news);
	lf.fake.listen_fd = close_fd(lf.fake.listen_fd);
	fake_drop(&lf.arbiter);
	fake_drop(&lf.fake.control);
	lf_settle(&lf);
	ck_assert_uint_eq(lock_news.lost, 0);
	lf.client->dial.lost_at_ms -= 60000;
	lf.client->next_at_ms = 0;
	lf_settle(&lf);
	ck_assert_uint_eq(lock_news.lost, 1);
	ck_assert_int_eq(lock_news.error, BH_CLASS_NO_DAEMON);
	ck_assert(lf_slot_is_free(&lf));
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*before)(void), void (*after)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, after);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *suite_away(void)
{
	Suite *suite = suite_create("away");
	TCase *all = add_case(suite, "all", stay_set_up, stay_tear_down);
	TCase *with_locks = add_case(suite, "locks", open_lf, lf_tear_down);

	tcase_add_test(all, deadlines);
	tcase_add_test(all, pauses);
	tcase_add_test(all, pace);
	tcase_add_test(all, another_version);
	tcase_add_test(all, too_many_clients_for_now);
	tcase_add_loop_test(all, freed, 0, 6);
	tcase_add_test(with_locks, locks);
	tcase_add_test(with_locks, arbiter_dies_last);
	tcase_add_test(with_locks, lock_without_a_daemon);
	return suite;
}
