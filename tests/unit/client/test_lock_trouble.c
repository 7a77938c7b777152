/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/client/test_lock_trouble.c - arbiters that die, are older or newer, talk nonsense or
 * nothing; daemons that go.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "tests/unit/client/lockfake.h"

Suite *suite_lock_trouble(void);

static struct fake_tally tally;
static struct lf_news news;

/* --- the arbiter dies --- */

static Bh__Lock__Held *take_held(struct fake_frame **out_frame)
{
	*out_frame = fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__HELD);
	return bh__lock__held__unpack(NULL, (*out_frame)->len, (*out_frame)->body);
}

static struct bh_lock *second;

/* Two that are held, the second with all that a request can say; one that waits. */
static void three_locks(void)
{
	static const char *const names[] = { "scan:hci1" };
	const struct bh_lock_request request = { .resources = names,
						 .n_resources = 1,
						 .lock_class = BH_LOCK_BACKGROUND_SCAN,
						 .timeout_ms = 1000,
						 .under = 9,
						 .label = "second" };

	lf_held(&lf, 60000, &news);
	lf_acquire(&lf, 5000, NULL, &tally);
	ck_assert_int_eq(bh_lock_acquire(&second, lf.client, &request, NULL, NULL, NULL), 0);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE));
	lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), LF_GRANT + 2, 0);
	lf_settle(&lf);
}

/* HELD of the two; the id of the RENEW that follows the first. */
static uint32_t take_both(void)
{
	struct fake_frame *frame;
	Bh__Lock__Held *msg;
	uint32_t id;

	msg = take_held(&frame);
	ck_assert_uint_eq(msg->grant, LF_GRANT);
	ck_assert_str_eq(msg->resources[0], "connect:hci0");
	ck_assert(!msg->has_class_ && msg->max_hold_ms == 0 && !msg->has_under);
	ck_assert_uint_eq(frame->n_fds, 1);
	bh__lock__held__free_unpacked(msg, NULL);
	free(frame);
	id = lf_take_id(&lf, BH__LOCK__TYPE__RENEW);
	lf_settle(&lf);
	msg = take_held(&frame);
	ck_assert_uint_eq(msg->grant, LF_GRANT + 2);
	ck_assert_int_eq(msg->class_, BH__LOCK__CLASS__CLASS_BACKGROUND_SCAN);
	ck_assert_uint_eq(msg->under, 9);
	ck_assert_str_eq(msg->label, "second");
	bh__lock__held__free_unpacked(msg, NULL);
	free(frame);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__RENEW));
	return id;
}

/* What is held is handed back before what waits asks again, with the rest of its time. */
START_TEST(restart)
{
	static struct fake_tally renewal;
	enum { AWAY_MS = 20 };
	struct fake_frame *frame;
	Bh__Lock__Acquire *acquire;
	uint64_t asked_ms;
	uint32_t id;

	three_locks();
	asked_ms = clock_now_ms();
	ck_assert_int_eq(bh_lock_renew(lf.client->locks, fake_on_result, &renewal), 0);
	lf_drop(&lf);
	ck_assert_uint_eq(tally.calls + renewal.calls + news.lost, 0);
	ck_assert_uint_eq(bh_lock_grant(second), LF_GRANT + 2);
	ck_assert(!lf_slot_is_free(&lf));
	/* The time runs on while there is no arbiter. */
	while (clock_now_ms() < asked_ms + AWAY_MS)
		continue;
	lf_serve(&lf);
	id = take_both();
	frame = fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE);
	acquire = bh__lock__acquire__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_le(acquire->timeout_ms, 5000 - AWAY_MS);
	bh__lock__acquire__free_unpacked(acquire, NULL);

	lf_send_renewed(&lf, id, 60000, false);
	lf_send_granted(&lf, frame->id, LF_GRANT + 9, 60000);
	free(frame);
	lf_settle(&lf);
	ck_assert_uint_eq(renewal.calls, 1);
	ck_assert_int_eq(renewal.error, BH_CLASS_NONE);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NONE);
	ck_assert_uint_ge(tally.timings.queue_ms, AWAY_MS);
	ck_assert_uint_eq(news.lost, 0);
}
END_TEST

/* One with its own end is handed back with it, and not renewed. */
START_TEST(restart_with_max_hold)
{
	static const char *const names[] = { "scan:hci1" };
	const struct bh_lock_request request = { .resources = names,
						 .n_resources = 1,
						 .max_hold_ms = 3000 };
	struct bh_lock *lock;
	struct fake_frame *frame;
	Bh__Lock__Held *msg;

	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &request, NULL, NULL, NULL), 0);
	lf_serve(&lf);
	lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), LF_GRANT, 3000);
	lf_settle(&lf);
	lf_drop(&lf);
	lf_serve(&lf);
	msg = take_held(&frame);
	ck_assert_uint_eq(msg->max_hold_ms, 3000);
	bh__lock__held__free_unpacked(msg, NULL);
	free(frame);
	lf_nothing(&lf);
}
END_TEST

START_TEST(not_taken_back)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);
	uint32_t id;

	lf_drop(&lf);
	lf_serve(&lf);
	id = lf_take_id(&lf, BH__LOCK__TYPE__HELD);
	if (_i == 0)
		lf_send_refused(&lf, id, BH__LOCK__REASON__REASON_INVALID, "no such adapter");
	else
		lf_send_revoked(&lf, LF_GRANT, BH__LOCK__REASON__REASON_TAKEN, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(news.lost, 1);
	ck_assert_int_eq(news.error, _i == 0 ? BH_CLASS_INVALID : BH_CLASS_LOCK_LOST);
	ck_assert_uint_eq(bh_lock_grant(lock), 0);
	ck_assert(lf_slot_is_free(&lf));
}
END_TEST

/* Released while there is none: free at once, and the next one never hears of it. */
START_TEST(released_without_an_arbiter)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);
	_cleanup_close_ int copy = dup(lock->fds[0]); /* a forked child's */

	ck_assert_int_ge(copy, 0);
	lf_drop(&lf);
	bh_lock_release(lock);
	ck_assert(lf_slot_is_free(&lf));
	lf_serve(&lf);
	lf_nothing(&lf);
}
END_TEST

/* Channels that end before a word are asked for again, but not in a circle. */
START_TEST(arbiters_that_say_nothing)
{
	uint64_t start_ms;
	int i;

	lf_acquire(&lf, BH_LOCK_FOR_EVER, NULL, &tally);
	lf_serve(&lf);
	lf_drop(&lf);
	for (i = 0; i < 3; i++) {
		lf_serve(&lf);
		lf_drop(&lf);
		start_ms = clock_now_ms();
		fake_nothing(&lf.fake, &lf.fake.control);
		lf_wait_frame(&lf, &lf.fake.control);
		ck_assert_uint_ge(clock_now_ms() - start_ms, UINT64_C(9) << i);
	}
	lf_serve(&lf);
	lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), LF_GRANT, 0);
	lf_settle(&lf);
	ck_assert_int_eq(tally.error, BH_CLASS_NONE);
	lf_drop(&lf);
	lf_serve(&lf);
}
END_TEST

static void again_on_result(void *ctx, const struct bh_result *result)
{
	static const char *const names[] = { "scan:hci0" };
	const struct bh_lock_request request = { .resources = names, .n_resources = 1 };
	struct bh_lock *lock;

	fake_on_result(ctx, result);
	(void)!bh_lock_acquire(&lock, lf.client, &request, NULL, again_on_result, ctx);
}

/* Parked: what waits is told, what is held ends; who asks again is asked about again. */
START_TEST(no_arbiter_any_more)
{
	struct bh_lock *waiting;
	uint32_t id;

	lf_held(&lf, 0, &news);
	waiting = lf_acquire(&lf, 100, NULL, &tally);
	waiting->done = again_on_result;
	lf_drop(&lf);
	id = fake_take_id(&lf.fake, &lf.fake.control, BH__TYPE__LOCK_OPEN);
	fake_send_error(&lf.fake.control, id, BH__CLASS__CLASS_INTERNAL, "the arbiter is parked");
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_INTERNAL);
	ck_assert_str_eq(tally.text, "the arbiter is parked");
	ck_assert_uint_eq(news.lost, 1);
	ck_assert(news.was_ours);
	ck_assert(lf_slot_is_free(&lf));
	free(fake_take(&lf.fake, &lf.fake.control, BH__TYPE__LOCK_OPEN));
	fake_nothing(&lf.fake, &lf.fake.control);
}
END_TEST

START_TEST(daemon_goes)
{
	struct bh_lock *held = lf_held(&lf, 0, &news);
	const char *const names[] = { "scan:hci0" };
	const struct bh_lock_request request = { .resources = names, .n_resources = 1 };
	struct bh_lock *lock;

	lf_acquire(&lf, 100, NULL, &tally);
	fake_drop(&lf.fake.control);
	ck_assert_int_eq(fake_settle(&lf.fake, lf.client), -ENOTCONN);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NO_DAEMON);
	ck_assert_uint_eq(news.lost, 1);
	ck_assert_int_eq(news.error, BH_CLASS_NO_DAEMON);
	ck_assert(news.was_ours);
	ck_assert_uint_eq(bh_lock_grant(held), 0);
	ck_assert(lf_slot_is_free(&lf));
	ck_assert_int_eq(bh_lock_acquire(&lock, lf.client, &request, NULL, NULL, NULL), -ENOTCONN);
	bh_lock_release(held);
}
END_TEST

/* A second and no more after its time, whoever does not answer. */
START_TEST(silence)
{
	uint64_t start_ms = clock_now_ms();

	lf_acquire(&lf, 100, NULL, &tally);
	if (_i == 0)
		lf_serve(&lf);
	while (tally.calls == 0)
		ck_assert_int_eq(bh_wait(lf.client, -1), 0);
	ck_assert_int_eq(tally.error, BH_CLASS_LOCK_TIMEOUT);
	ck_assert_uint_ge(clock_now_ms() - start_ms, 1100);
	if (_i == 1)
		return;
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE));
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__CANCEL));
}
END_TEST

/* --- older, newer, mad --- */

START_TEST(greeted)
{
	Bh__Lock__HelloOk ok = BH__LOCK__HELLO_OK__INIT;
	uint32_t id;

	lf_acquire(&lf, 100, NULL, &tally);
	id = lf_serve(&lf);
	fake_send(&lf.arbiter, BH__LOCK__TYPE__HELLO_OK, id, &ok.base, -1);
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 0);
}
END_TEST

/* Another version: said once, and the next request tries anew. */
START_TEST(another_version)
{
	uint32_t id;

	lf_acquire(&lf, 100, NULL, &tally);
	id = lf_serve(&lf);
	lf_send_refused(&lf, _i == 0 ? 0 : id, BH__LOCK__REASON__REASON_VERSION, "version 2 only");
	fake_drop(&lf.arbiter);
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_INVALID);
	ck_assert_str_eq(tally.text, "version 2 only");
	fake_nothing(&lf.fake, &lf.fake.control);
	lf_acquire(&lf, 100, NULL, &tally);
	lf_serve(&lf);
	lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE);
}
END_TEST

START_TEST(a_newer_one_says_more)
{
	lf_acquire(&lf, 100, NULL, &tally);
	lf_serve(&lf);
	lf_send_empty(&lf, (Bh__Lock__Type)99, 1);
	lf_send_refused(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), 77, "a new reason");
	lf_settle(&lf);
	ck_assert_int_eq(tally.error, BH_CLASS_INVALID);
	ck_assert_str_eq(tally.text, "a new reason");
	fake_nothing(&lf.fake, &lf.fake.control);
}
END_TEST

/* One clear error, and the rest of the client goes on. */
START_TEST(nonsense)
{
	Bh__Lock__Refused odd = BH__LOCK__REFUSED__INIT;
	static const uint8_t garbage[32];

	lf_held(&lf, 0, &news);
	lf_acquire(&lf, 100, NULL, &tally);
	odd.text = (char *)(uintptr_t) "\xff";
	if (_i == 0)
		ck_assert_int_eq(write(chan_fd(lf.arbiter.chan), garbage, sizeof(garbage)),
				 sizeof(garbage));
	if (_i == 1)
		fake_send(&lf.arbiter, BH__LOCK__TYPE__RENEWED, 1, &odd.base, -1);
	if (_i == 2)
		lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), 0, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_INTERNAL);
	ck_assert_str_eq(tally.text, "the arbiter did not keep to the protocol");
	ck_assert_uint_eq(news.lost, 1);
	fake_nothing(&lf.fake, &lf.fake.control);
}
END_TEST

/* In the moment of that a program asks anew: another channel is. */
START_TEST(asked_again_meanwhile)
{
	lf_acquire(&lf, 100, NULL, &tally)->done = again_on_result;
	lf_send_refused(&lf, lf_serve(&lf), BH__LOCK__REASON__REASON_VERSION, "version 2 only");
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 1);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE));
	fake_nothing(&lf.fake, &lf.arbiter);
	ck_assert(lf.arbiter.is_eof);
	fake_drop(&lf.arbiter);
	lf_serve(&lf);
	lf_send_granted(&lf, lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE), LF_GRANT, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(tally.calls, 2);
}
END_TEST

/* LOCK_OPENED that nobody asked for, or that answers another question. */
START_TEST(an_unwanted_channel)
{
	Bh__Empty msg = BH__EMPTY__INIT;
	int n = fake_count_fds();
	struct fake_peer other;
	int fd;

	fake_pair(&lf.fake, &other, &fd);
	fake_send(&lf.fake.control, BH__TYPE__LOCK_OPENED, 4711, &msg.base, fd);
	lf_settle(&lf);
	ck_assert_int_eq(bh_get_status(lf.client, NULL, fake_on_result, &tally), 0);
	if (_i == 0)
		fake_send(&lf.fake.control, BH__TYPE__LOCK_OPENED,
			  fake_take_id(&lf.fake, &lf.fake.control, BH__TYPE__STATUS_REQUEST),
			  &msg.base, fd);
	else
		fake_send_done(&lf.fake.control, 4711);
	(void)close_fd(fd);
	ck_assert_int_eq(fake_settle(&lf.fake, lf.client), _i == 0 ? -ENOTCONN : 0);
	fake_drop(&other);
	ck_assert_int_le(fake_count_fds(), n);
}
END_TEST

/* An answer without a channel is none. */
START_TEST(done_is_no_channel)
{
	lf_acquire(&lf, 100, NULL, &tally);
	fake_send_done(&lf.fake.control,
		       fake_take_id(&lf.fake, &lf.fake.control, BH__TYPE__LOCK_OPEN));
	ck_assert_int_eq(fake_settle(&lf.fake, lf.client), -ENOTCONN);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NO_DAEMON);
}
END_TEST

static void send_random(unsigned *seed)
{
	uint8_t frame[CHAN_HEADER_LEN + 24] = { 0x42, 0x48, 1, 0 };
	size_t len = CHAN_HEADER_LEN + (size_t)(rand_r(seed) % 2 == 0 ? rand_r(seed) % 24 : 0);
	size_t i;

	frame[4] = (uint8_t)(32 + rand_r(seed) % 8);
	frame[8] = (uint8_t)(rand_r(seed) % 6);
	for (i = CHAN_HEADER_LEN; i < len; i++)
		frame[i] = (uint8_t)(rand_r(seed) % 4 == 0 ? rand_r(seed) : rand_r(seed) % 40);
	(void)!write(chan_fd(lf.arbiter.chan), frame, len);
}

/* Whatever comes: each request has one answer, by the time the client is freed. */
START_TEST(random_frames)
{
	unsigned seed = (unsigned)_i + 1;
	int round;
	int i;

	for (round = 0; round < 300; round++) {
		struct fake_tally t[3] = { 0 };
		struct bh_lock *lock;

		for (i = 0; i < 3; i++)
			lock = lf_acquire(&lf, 100, i == 1 ? &news : NULL, &t[i]);
		if (!lf.arbiter.chan)
			lf_serve(&lf);
		for (i = 0; i < 10; i++)
			send_random(&seed);
		for (i = 0; i < 3; i++)
			(void)bh_process(lf.client);
		(void)bh_lock_renew(lock, NULL, NULL);
		while (lf.client->locks)
			bh_lock_release(lf.client->locks);
		for (i = 0; i < 3; i++)
			ck_assert_uint_eq(t[i].calls, 1);
		fake_drop(&lf.arbiter);
		lf.client = bh_free(lf.client);
		fake_drop(&lf.fake.control);
		lf.client = fake_client(&lf.fake);
	}
}
END_TEST

Suite *suite_lock_trouble(void)
{
	Suite *suite = suite_create("lock_trouble");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, lf_set_up, lf_tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, restart);
	tcase_add_test(all, restart_with_max_hold);
	tcase_add_loop_test(all, not_taken_back, 0, 2);
	tcase_add_test(all, released_without_an_arbiter);
	tcase_add_test(all, arbiters_that_say_nothing);
	tcase_add_test(all, no_arbiter_any_more);
	tcase_add_test(all, daemon_goes);
	tcase_add_loop_test(all, silence, 0, 2);
	tcase_add_test(all, greeted);
	tcase_add_loop_test(all, another_version, 0, 2);
	tcase_add_test(all, a_newer_one_says_more);
	tcase_add_loop_test(all, nonsense, 0, 3);
	tcase_add_test(all, asked_again_meanwhile);
	tcase_add_loop_test(all, an_unwanted_channel, 0, 2);
	tcase_add_test(all, done_is_no_channel);
	tcase_add_loop_test(all, random_frames, 0, 4);
	suite_add_tcase(suite, all);
	return suite;
}
