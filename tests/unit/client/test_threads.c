/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/client/test_threads.c - what bleherd.h says of threads: clients of different threads
 * have nothing in common; one client may be used by several, one at a time. Under TSan (`make
 * tsan`) that is proved, otherwise only exercised.
 *
 * The daemon is a process of its own that answers what it is asked, so that all threads here are
 * the library's users. They make no assertions, which libcheck does not allow in threads.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/client/fake.h"

Suite *suite_threads(void);

enum { THREADS = 4, ROUNDS = 100, PEERS_MAX = 256, DROP_AFTER = 60 };

static struct fake fake;
static pid_t daemon_pid;

/* --- the daemon --- */

struct peer {
	struct chan *chan;
	unsigned n_frames;
	bool is_control;
};

static struct peer peers[PEERS_MAX];
static size_t n_peers;
static uint32_t n_sessions;

static void add_peer(int fd, bool is_control)
{
	struct peer *peer = &peers[n_peers];

	if (fd < 0 || n_peers == PEERS_MAX ||
	    chan_new(&peer->chan, fd, fake.buf, is_control ? CHAN_BODY_CONTROL : CHAN_BODY_DATA) <
		    0)
		_exit(1);
	peer->n_frames = 0;
	peer->is_control = is_control;
	n_peers++;
}

static void reply(struct peer *peer, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
		  int fd)
{
	/* Whoever has gone is seen by the next read. */
	(void)!chan_send(peer->chan, type, id, 0, msg, &fd, fd >= 0 ? 1 : 0);
}

static void open_session(struct peer *peer, uint32_t id)
{
	Bh__SessionOpened opened = BH__SESSION_OPENED__INIT;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		_exit(1);
	add_peer(fds[0], false);
	opened.has_session = true;
	opened.session = ++n_sessions;
	opened.has_epoch = true;
	opened.epoch = 1;
	opened.adapter = (char *)(uintptr_t) "hci0";
	reply(peer, BH__TYPE__SESSION_OPENED, id, &opened.base, fds[1]);
	(void)close_fd(fds[1]);
}

static void answer(struct peer *peer, uint16_t type, uint32_t id)
{
	static const uint8_t byte = 7;
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	Bh__Status status = BH__STATUS__INIT;
	Bh__Value value = BH__VALUE__INIT;
	Bh__Done done = BH__DONE__INIT;

	value.has_value = true;
	value.value = (ProtobufCBinaryData){ .len = 1, .data = (uint8_t *)(uintptr_t)&byte };
	if (type == BH__TYPE__HELLO)
		reply(peer, BH__TYPE__HELLO_OK, id, &ok.base, -1);
	else if (type == BH__TYPE__STATUS_REQUEST)
		reply(peer, BH__TYPE__STATUS, id, &status.base, -1);
	else if (type == BH__TYPE__SESSION_OPEN)
		open_session(peer, id);
	else if (type == BH__TYPE__READ)
		reply(peer, BH__TYPE__VALUE, id, &value.base, -1);
	else
		reply(peer, BH__TYPE__DONE, id, &done.base, -1);
}

/* False: it has gone, or has had enough. */
static bool serve(struct peer *peer)
{
	struct chan_frame frame;
	uint16_t type;
	uint32_t id;
	int r;

	r = chan_recv(peer->chan, &frame);
	if (r != CHAN_FRAME)
		return r == 0;
	type = frame.type;
	id = frame.id;
	chan_frame_done(&frame);
	if (peer->is_control && ++peer->n_frames > DROP_AFTER)
		return false;
	answer(peer, type, id);
	return true;
}

static _Noreturn void run_daemon(void)
{
	struct pollfd fds[PEERS_MAX + 1];
	size_t n;
	size_t i;

	for (;;) {
		fds[0] = (struct pollfd){ .fd = fake.listen_fd, .events = POLLIN };
		n = n_peers;
		for (i = 0; i < n; i++)
			fds[i + 1] =
				(struct pollfd){ .fd = chan_fd(peers[i].chan), .events = POLLIN };
		if (poll(fds, n + 1, -1) < 0)
			_exit(1);
		for (i = n; i-- > 0;) {
			if (fds[i + 1].revents == 0 || serve(&peers[i]))
				continue;
			peers[i].chan = chan_free(peers[i].chan);
			peers[i] = peers[--n_peers];
		}
		if (fds[0].revents != 0)
			add_peer(accept4(fake.listen_fd, NULL, NULL, SOCK_CLOEXEC), true);
	}
}

static void set_up(void)
{
	pid_t parent = getpid();

	fake_open(&fake);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		run_daemon();
	_exit(1);
}

static void tear_down(void)
{
	(void)kill(daemon_pid, SIGKILL);
	(void)waitpid(daemon_pid, NULL, 0);
	fake_close(&fake);
}

/* --- its users --- */

struct user {
	pthread_t thread;
	struct bh_client *client; /* shared; NULL: one of its own */
	pthread_mutex_t *mutex;
	unsigned answers;
	unsigned failed;
};

static void on_done(void *ctx, const struct bh_result *result)
{
	struct user *user = ctx;

	user->answers++;
	user->failed += result->error != BH_CLASS_NONE;
}

static void on_news(void *ctx, struct bh_client *client, const struct bh_daemon_news *news)
{
	(void)ctx;
	(void)client;
	(void)news;
}

/* A session, a read, a question; all answered before it returns. */
static void use(struct user *user, struct bh_client *client)
{
	unsigned wanted = user->answers + 3;
	struct bh_session *session;
	int r = 0;

	user->failed +=
		bh_session_open(&session, client, FAKE_ADDRESS, NULL, 0, NULL, on_done, user) < 0;
	user->failed += bh_read(session, &FAKE_UUID, 0, on_done, user) < 0;
	user->failed += bh_get_status(client, NULL, on_done, user) < 0;
	while (r == 0 && user->answers < wanted)
		r = bh_wait(client, -1);
	user->failed += r < 0;
	(void)bh_session_close(session);
}

static void *one_of_its_own(void *ctx)
{
	struct user *user = ctx;
	struct bh_client *client;
	int i;

	if (bh_new(&client, fake.path, "thread") < 0) {
		user->failed++;
		return NULL;
	}
	bh_stay(client, on_news, user);
	for (i = 0; i < ROUNDS; i++)
		use(user, client);
	(void)bh_free(client);
	return NULL;
}

static void *shared(void *ctx)
{
	struct user *user = ctx;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		(void)pthread_mutex_lock(user->mutex);
		use(user, user->client);
		(void)pthread_mutex_unlock(user->mutex);
	}
	return NULL;
}

static void run(struct user users[THREADS], void *(*body)(void *))
{
	size_t i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&users[i].thread, NULL, body, &users[i]), 0);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(users[i].thread, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		ck_assert_uint_eq(users[i].answers, 3 * ROUNDS);
		ck_assert_uint_eq(users[i].failed, 0);
	}
}

START_TEST(a_client_each)
{
	struct user users[THREADS] = { 0 };

	run(users, one_of_its_own);
}
END_TEST

START_TEST(one_client_and_a_mutex)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct user users[THREADS] = { 0 };
	struct bh_client *client;
	size_t i;

	ck_assert_int_eq(bh_new(&client, fake.path, "threads"), 0);
	bh_stay(client, NULL, NULL);
	for (i = 0; i < THREADS; i++) {
		users[i].client = client;
		users[i].mutex = &mutex;
	}
	run(users, shared);
	(void)bh_free(client);
}
END_TEST

Suite *suite_threads(void)
{
	Suite *suite = suite_create("threads");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_client_each);
	tcase_add_test(all, one_client_and_a_mutex);
	suite_add_tcase(suite, all);
	return suite;
}
