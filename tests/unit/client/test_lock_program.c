/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/client/test_lock_program.c - programs that do what they like: release and free in
 * callbacks, fork, ask for very many locks, or wait for each.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/client/lockfake.h"

Suite *suite_lock_program(void);

static struct fake_tally tally;
static struct lf_news news;

/* --- callbacks and children --- */

static struct bh_lock *released;

static void release_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	released = bh_lock_release(released);
}

static void release_on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *n)
{
	lf_on_news(ctx, lock, n);
	ck_assert_ptr_null(bh_lock_release(lock));
}

static void free_on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *n)
{
	lf_on_news(ctx, lock, n);
	lf.client = bh_free(lf.client);
}

START_TEST(released_in_a_callback)
{
	struct bh_lock *lock;
	uint32_t id;

	released = lf_acquire(&lf, 100, NULL, &tally);
	released->done = release_on_result;
	lf_serve(&lf);
	id = lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE);
	lf_send_granted(&lf, id, LF_GRANT + 1, 1000);
	lf_settle(&lf);
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT + 1);
	ck_assert_uint_eq(tally.calls, 1);

	lock = lf_held(&lf, 0, &news);
	lock->news = release_on_news;
	lf_send_revoked(&lf, LF_GRANT, 0, 100);
	lf_send_revoked(&lf, LF_GRANT, 0, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	ck_assert_uint_eq(news.revoked, 1);
	ck_assert_uint_eq(news.lost, 0);
	ck_assert_ptr_null(lf.client->locks);
}
END_TEST

START_TEST(freed_in_a_callback)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);
	struct bh_client *client = lf.client;

	lock->news = free_on_news;
	lf_acquire(&lf, 100, NULL, &tally);
	lf_send_revoked(&lf, LF_GRANT, 0, 100);
	lf_send_revoked(&lf, LF_GRANT, 0, 0);
	ck_assert_int_eq(bh_process(client), -ECANCELED);
	ck_assert_uint_eq(news.revoked, 1);
	ck_assert_uint_eq(news.lost, 0);
	ck_assert_int_eq(tally.error, BH_CLASS_CANCELLED);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE));
	/* Said, not only closed: a radio whose holder ends without a word is not free at once. */
	ck_assert_uint_eq(lf_take_release(&lf), LF_GRANT);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__CANCEL));
	ck_assert(lf.arbiter.is_eof);
}
END_TEST

/* A child has no part in it: it says nothing, and the parent's lock stays. */
START_TEST(child_after_fork)
{
	struct bh_lock *lock = lf_held(&lf, 0, &news);
	int status;
	pid_t pid;

	lf_acquire(&lf, 100, NULL, &tally);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__ACQUIRE));
	ck_assert_int_eq(bh_lock_renew(lock, fake_on_result, &tally), 0);
	free(fake_take(&lf.fake, &lf.arbiter, BH__LOCK__TYPE__RENEW));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		lf.client = bh_free(lf.client);
		_exit(tally.calls == 0 && news.lost == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	lf_nothing(&lf);
	ck_assert(!lf.arbiter.is_eof);
	ck_assert(!lf_slot_is_free(&lf));
	lf_send_revoked(&lf, LF_GRANT, 0, 0);
	lf_settle(&lf);
	ck_assert_uint_eq(news.lost, 1);
}
END_TEST

/* More than the channel takes at once: all are asked for, in order. */
START_TEST(a_great_many)
{
	enum { MANY = 600 };
	static struct bh_lock *locks[MANY];
	uint32_t last = 0;
	uint32_t id;
	int i;

	for (i = 0; i < MANY; i++)
		locks[i] = lf_acquire(&lf, 5000, NULL, NULL);
	for (i = 0; i < MANY; i++)
		locks[i]->done = NULL;
	lf_serve(&lf);
	for (i = 0; i < MANY; i++) {
		lf_wait_frame(&lf, &lf.arbiter);
		id = lf_take_id(&lf, BH__LOCK__TYPE__ACQUIRE);
		ck_assert_uint_gt(id, last);
		last = id;
	}
}
END_TEST

/* --- calls that block: a daemon and an arbiter in a child process --- */

static pid_t daemon_pid;

/* By the number of the adapter: granted, not free, nothing, the end. */
static void answer_acquire(const struct fake_frame *frame)
{
	Bh__Lock__Acquire *msg = bh__lock__acquire__unpack(NULL, frame->len, frame->body);
	char what = msg->resources[0][strlen("scan:hci")];

	bh__lock__acquire__free_unpacked(msg, NULL);
	if (what == '1')
		lf_send_empty(&lf, BH__LOCK__TYPE__TIMED_OUT, frame->id);
	if (what == '0')
		lf_send_granted(&lf, frame->id, LF_GRANT, 0);
	if (what == '3')
		_exit(0);
}

static void answer(const struct fake_frame *frame)
{
	static unsigned renewals;

	if (frame->type == BH__LOCK__TYPE__ACQUIRE)
		answer_acquire(frame);
	if (frame->type == BH__LOCK__TYPE__RENEW && renewals++ == 0)
		lf_send_renewed(&lf, frame->id, 1000, false);
	else if (frame->type == BH__LOCK__TYPE__RENEW)
		lf_send_refused(&lf, frame->id, BH__LOCK__REASON__REASON_FENCED, "it is over");
}

static void answer_control(const struct fake_frame *frame)
{
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	Bh__Empty empty = BH__EMPTY__INIT;
	static bool is_hasty;
	int fd;

	is_hasty = is_hasty || frame->type == BH__TYPE__STATUS_REQUEST;
	if (frame->type == BH__TYPE__HELLO)
		fake_send(&lf.fake.control, BH__TYPE__HELLO_OK, frame->id, &ok.base, -1);
	if (frame->type != BH__TYPE__LOCK_OPEN)
		return;
	fake_pair(&lf.fake, &lf.arbiter, &fd);
	/* In the channel before the program has it: it reads both in one go. HELLO has id 1. */
	if (is_hasty) {
		lf_send_granted(&lf, 2, LF_GRANT, 0);
		lf_send_revoked(&lf, LF_GRANT, 0, 0);
	}
	fake_send(&lf.fake.control, BH__TYPE__LOCK_OPENED, frame->id, &empty.base, fd);
	(void)close_fd(fd);
}

static void serve(struct fake_peer *peer, void (*with)(const struct fake_frame *frame))
{
	struct fake_frame *frame;

	fake_pump(&lf.fake, peer);
	while ((frame = peer->head)) {
		peer->head = frame->next;
		with(frame);
		free(frame);
	}
}

static void run_daemon(void)
{
	struct pollfd p[2] = { { .fd = -1, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fake_accept(&lf.fake);
	while (!lf.fake.control.is_eof) {
		p[0].fd = chan_fd(lf.fake.control.chan);
		p[1].fd = lf.arbiter.chan ? chan_fd(lf.arbiter.chan) : -1;
		(void)poll(p, 2, -1);
		serve(&lf.fake.control, answer_control);
		serve(&lf.arbiter, answer);
	}
	_exit(0);
}

static void set_up_sync(void)
{
	memset(&lf, 0, sizeof(lf));
	fake_open(&lf.fake);
	(void)snprintf(lf.slot, sizeof(lf.slot), "%s/slot", lf.fake.dir);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0)
		run_daemon();
	/* The daemon alone has the listening socket: its death is seen. */
	ck_assert_int_eq(bh_new(&lf.client, lf.fake.path, "test"), 0);
	lf.fake.listen_fd = close_fd(lf.fake.listen_fd);
}

static void tear_down_sync(void)
{
	(void)kill(daemon_pid, SIGKILL);
	(void)waitpid(daemon_pid, NULL, 0);
	lf_close(&lf);
}

static int acquire_sync(struct bh_lock **out, const char *name, bh_lock_cb on_news,
			struct bh_answer *reply)
{
	const char *const names[] = { name };
	const struct bh_lock_request request = { .resources = names,
						 .n_resources = 1,
						 .timeout_ms = 5000 };

	return bh_lock_acquire_sync(out, lf.client, &request, on_news, &news, reply);
}

START_TEST(waiting_for_each)
{
	struct bh_lock *lock = NULL;
	struct bh_answer reply;

	ck_assert_int_eq(acquire_sync(&lock, "scan:hci1", NULL, &reply), 1);
	ck_assert_int_eq(reply.error, BH_CLASS_LOCK_TIMEOUT);
	ck_assert_ptr_null(lock);
	ck_assert_ptr_null(lf.client->locks);
	ck_assert_int_eq(acquire_sync(&lock, "scan:hci0", lf_on_news, &reply), 0);
	ck_assert_uint_eq(reply.timings.queue_ms, 17);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	ck_assert_int_eq(bh_lock_renew_sync(lock, &reply), 0);
	ck_assert_int_eq(bh_lock_renew_sync(lock, &reply), 1);
	ck_assert_int_eq(reply.error, BH_CLASS_LOCK_LOST);
	ck_assert_uint_eq(news.lost, 1);
	ck_assert_int_eq(bh_lock_renew_sync(lock, &reply), -ENOTCONN);
	bh_lock_release(lock);
	ck_assert_int_eq(acquire_sync(NULL, "scan:hci0", NULL, &reply), -EINVAL);
	ck_assert_int_eq(acquire_sync(&lock, "scan:hci3", NULL, &reply), 1);
	ck_assert_int_eq(reply.error, BH_CLASS_NO_DAEMON);
	ck_assert_int_eq(acquire_sync(&lock, "scan:hci0", NULL, &reply), -ENOTCONN);
}
END_TEST

/* Lost, released or freed in the same breath in which it was granted. */
START_TEST(lost_while_waiting_for_it)
{
	static const bh_lock_cb what[] = { lf_on_news, release_on_news, free_on_news };
	struct bh_lock *lock = NULL;
	struct bh_answer reply;
	int r;

	/* What makes this daemon hasty. */
	ck_assert_int_eq(bh_get_status(lf.client, NULL, NULL, NULL), 0);
	r = acquire_sync(&lock, "scan:hci2", what[_i], &reply);
	ck_assert_uint_eq(news.lost, 1);
	if (_i == 0)
		ck_assert_uint_eq(bh_lock_grant(lock), 0);
	if (_i == 1)
		ck_assert_int_eq(reply.error, BH_CLASS_CANCELLED);
	ck_assert_int_eq(r, _i == 2 ? -ECANCELED : _i);
	ck_assert_int_eq(lock != NULL, _i == 0);
	bh_lock_release(lock);
}
END_TEST

static int nested;

static void wait_on_result(void *ctx, const struct bh_result *result)
{
	struct bh_lock *lock;
	struct bh_answer reply;

	fake_on_result(ctx, result);
	nested = acquire_sync(&lock, "scan:hci0", NULL, &reply);
}

START_TEST(not_in_a_callback)
{
	struct bh_lock *lock;
	struct bh_answer reply;

	lock = lf_acquire(&lf, 100, NULL, &tally);
	lock->done = wait_on_result;
	ck_assert_int_eq(acquire_sync(&lock, "scan:hci1", NULL, &reply), 1);
	while (tally.calls == 0)
		ck_assert_int_eq(bh_wait(lf.client, -1), 0);
	ck_assert_int_eq(nested, -EBUSY);
}
END_TEST

Suite *suite_lock_program(void)
{
	Suite *suite = suite_create("lock_program");
	TCase *all = tcase_create("all");
	TCase *sync = tcase_create("sync");

	tcase_add_checked_fixture(all, lf_set_up, lf_tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, released_in_a_callback);
	tcase_add_test(all, freed_in_a_callback);
	tcase_add_test(all, child_after_fork);
	tcase_add_test(all, a_great_many);
	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(sync, set_up_sync, tear_down_sync);
	tcase_set_timeout(sync, 20);
	tcase_add_test(sync, waiting_for_each);
	tcase_add_loop_test(sync, lost_while_waiting_for_it, 0, 3);
	tcase_add_test(sync, not_in_a_callback);
	suite_add_tcase(suite, sync);
	return suite;
}
