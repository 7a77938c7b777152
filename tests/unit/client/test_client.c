/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_client(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake fake;
static struct bh_client *client;
static struct fake_peer worker;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
	memset(&worker, 0, sizeof(worker));
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_drop(&worker);
	fake_close(&fake);
}

START_TEST(no_daemon)
{
	struct bh_client *other = NULL;
	char path[200];

	ck_assert_int_eq(bh_new(&other, "/nonexistent/s", NULL), -ENOENT);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(bh_new(&other, path, NULL), -ENAMETOOLONG);
	fake.listen_fd = close_fd(fake.listen_fd);
	ck_assert_int_eq(setenv("BLEHERD_SOCKET", fake.path, 1), 0);
	ck_assert_int_eq(bh_new(&other, NULL, NULL), -ECONNREFUSED);
	ck_assert_ptr_null(other);
	ck_assert_ptr_null(bh_free(NULL));
}
END_TEST

/* HELLO and what follows go out without waiting for an answer. */
START_TEST(hello_and_session_at_once)
{
	struct bh_session *session;
	struct bh_client *other;
	struct fake_frame *frame;
	Bh__Hello *hello;
	struct fake second;

	fake_open(&second);
	ck_assert_int_eq(bh_new(&other, second.path, "a label"), 0);
	ck_assert_int_eq(bh_session_open(&session, other, FAKE_ADDRESS, NULL, 0, NULL, NULL, NULL),
			 0);
	fake_accept(&second);
	frame = fake_take(&second, &second.control, BH__TYPE__HELLO);
	hello = bh__hello__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_eq(hello->version, 1);
	ck_assert_str_eq(hello->label, "a label");
	bh__hello__free_unpacked(hello, NULL);
	free(frame);
	fake_take_id(&second, &second.control, BH__TYPE__SESSION_OPEN);
	other = bh_free(other);
	fake_close(&second);
}
END_TEST

START_TEST(refused_by_the_daemon)
{
	static struct fake_tally t;
	struct bh_client *other;
	struct fake second;

	fake_open(&second);
	ck_assert_int_eq(bh_new(&other, second.path, NULL), 0);
	ck_assert_int_eq(bh_get_status(other, NULL, fake_on_result, &t), 0);
	fake_accept(&second);
	fake_send_error(&second.control, fake_take_id(&second, &second.control, BH__TYPE__HELLO),
			BH__CLASS__CLASS_LIMIT, "too many clients");
	ck_assert_int_eq(fake_settle(&second, other), -ENOTCONN);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_LIMIT);
	ck_assert_str_eq(t.text, "too many clients");
	other = bh_free(other);
	fake_close(&second);
}
END_TEST

START_TEST(another_version)
{
	static struct fake_tally t;
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	struct bh_client *other;
	struct fake second;

	fake_open(&second);
	ck_assert_int_eq(bh_new(&other, second.path, NULL), 0);
	ck_assert_int_eq(bh_get_status(other, NULL, fake_on_result, &t), 0);
	fake_accept(&second);
	ok.has_version = true;
	ok.version = 2;
	fake_send(&second.control, BH__TYPE__HELLO_OK,
		  fake_take_id(&second, &second.control, BH__TYPE__HELLO), &ok.base, -1);
	ck_assert_int_eq(fake_settle(&second, other), -ENOTCONN);
	ck_assert_int_eq(t.error, BH_CLASS_INVALID);
	other = bh_free(other);
	fake_close(&second);
}
END_TEST

static unsigned closed;

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	(void)ctx;
	(void)session;
	closed += news->event == BH_SESSION_CLOSED;
	ck_assert_int_eq(news->error, BH_CLASS_NO_DAEMON);
}

START_TEST(daemon_goes)
{
	static struct fake_tally t[6];
	struct bh_session *session = fake_session(&fake, client, &worker);
	struct bh_session *other;
	uint32_t id;
	int i;

	session->news = on_news;
	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &t[0], &id),
		0);
	fake_send_done(&worker, fake_take_id(&fake, &worker, BH__TYPE__SUBSCRIBE));
	fake_settle(&fake, client);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[1]), 0);
	ck_assert_int_eq(bh_get_status(client, NULL, fake_on_result, &t[2]), 0);
	ck_assert_int_eq(bh_events(client, true, true, NULL, fake_on_result, &t[3]), 0);
	ck_assert_int_eq(bh_session_open(&other, client, FAKE_ADDRESS, NULL, 0, on_news,
					 fake_on_result, &t[4]),
			 0);
	ck_assert_int_eq(bh_connect(other, 0, fake_on_result, &t[5]), 0);
	fake_drop(&fake.control);
	ck_assert_int_eq(fake_settle(&fake, client), -ENOTCONN);
	ck_assert_uint_eq(t[0].calls, 2);
	for (i = 0; i < 6; i++) {
		ck_assert_uint_eq(t[i].calls, i == 0 ? 2 : 1);
		ck_assert_int_eq(t[i].error, BH_CLASS_NO_DAEMON);
	}
	ck_assert_uint_eq(closed, 1);
	ck_assert_int_eq(bh_process(client), -ENOTCONN);
	ck_assert_int_eq(bh_wait(client, -1), -ENOTCONN);
	ck_assert_int_eq(bh_timeout_ms(client), 0);
	ck_assert_int_eq(bh_get_status(client, NULL, NULL, NULL), -ENOTCONN);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, NULL, NULL), -ENOTCONN);
	bh_session_close(session);
}
END_TEST

START_TEST(garbage_from_the_daemon)
{
	static struct fake_tally t;
	uint8_t garbage[16];

	memset(garbage, _i * 17, sizeof(garbage));
	ck_assert_int_eq(bh_get_status(client, NULL, fake_on_result, &t), 0);
	ck_assert_int_eq(write(chan_fd(fake.control.chan), garbage, sizeof(garbage)),
			 sizeof(garbage));
	ck_assert_int_eq(bh_process(client), -ENOTCONN);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NO_DAEMON);
}
END_TEST

/* Types that exist, where they do not belong, and bodies that are no such message. */
START_TEST(frames_in_the_wrong_place)
{
	static struct fake_tally t;
	Bh__Error odd = BH__ERROR__INIT;
	static const uint16_t TYPES[] = { BH__TYPE__VALUE, BH__TYPE__SESSION_OPENED,
					  BH__TYPE__MOVED, BH__TYPE__HELLO,
					  BH__TYPE__LOCKS, 999 };

	odd.text = (char *)(uintptr_t) "\xff\xff";
	ck_assert_int_eq(bh_get_status(client, NULL, fake_on_result, &t), 0);
	fake_send(&fake.control, TYPES[_i], 1, &odd.base, -1);
	ck_assert_int_eq(bh_process(client), -ENOTCONN);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

static void send_random(struct fake_peer *peer, unsigned *seed)
{
	static const uint16_t TYPES[] = { 32, 33, 34, 35, 36,  37,  38,	 39,  40,  41,
					  96, 97, 98, 99, 100, 101, 126, 127, 128, 0 };
	uint8_t frame[CHAN_HEADER_LEN + 24] = { 0x42, 0x48, 1, 0 };
	size_t len = CHAN_HEADER_LEN + (size_t)(rand_r(seed) % 3 == 0 ? rand_r(seed) % 24 : 0);
	size_t i;

	frame[4] = (uint8_t)TYPES[(size_t)rand_r(seed) % ARRAY_LEN(TYPES)];
	frame[8] = (uint8_t)(rand_r(seed) % 8);
	for (i = CHAN_HEADER_LEN; i < len; i++)
		frame[i] = (uint8_t)(rand_r(seed) % 4 == 0 ? rand_r(seed) : rand_r(seed) % 32);
	(void)!write(chan_fd(peer->chan), frame, len);
}

static void on_service(void *ctx, const struct bh_service *service)
{
	(void)ctx;
	(void)service;
}

/* Whatever comes: each request has one answer, by the time the client is freed. */
START_TEST(random_frames)
{
	unsigned seed = (unsigned)_i + 1;
	int round;
	int i;

	for (round = 0; round < 300; round++) {
		struct fake_tally t[5] = { 0 };
		struct fake second;
		struct bh_client *other;
		struct bh_session *session;

		fake_open(&second);
		other = fake_client(&second);
		session = fake_session(&second, other, &worker);
		ck_assert_int_eq(bh_get_status(other, NULL, fake_on_result, &t[0]), 0);
		ck_assert_int_eq(bh_list_devices(other, NULL, fake_on_result, &t[1]), 0);
		ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t[2]), 0);
		ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[3]), 0);
		ck_assert_int_eq(bh_services(session, on_service, fake_on_result, &t[4]), 0);
		for (i = 0; i < 10; i++)
			send_random(rand_r(&seed) % 4 == 0 ? &second.control : &worker, &seed);
		for (i = 0; i < 5; i++)
			(void)bh_process(other);
		(void)bh_free(other);
		for (i = 0; i < 5; i++)
			ck_assert_uint_eq(t[i].calls, 1);
		fake_drop(&worker);
		fake_close(&second);
	}
}
END_TEST

/* --- callbacks that do what they like --- */

static struct bh_session *sessions[3];
static unsigned busy;

static void free_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	client = bh_free(client);
}

static void close_all_on_result(void *ctx, const struct bh_result *result)
{
	int i;

	fake_on_result(ctx, result);
	busy += bh_process(client) == -EBUSY;
	busy += bh_wait(client, -1) == -EBUSY;
	for (i = 0; i < 3; i++)
		sessions[i] = bh_session_close(sessions[i]);
}

START_TEST(client_freed_in_a_callback)
{
	static struct fake_tally t[3];
	struct bh_session *session = fake_session(&fake, client, &worker);
	struct bh_client *it = client;

	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, free_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[1]), 0);
	ck_assert_int_eq(bh_get_status(client, NULL, fake_on_result, &t[2]), 0);
	fake_send_value(&worker, fake_take_id(&fake, &worker, BH__TYPE__READ), "a", 1);
	fake_send_value(&worker, fake_take_id(&fake, &worker, BH__TYPE__READ), "b", 1);
	ck_assert_int_eq(bh_process(it), -ECANCELED);
	ck_assert_uint_eq(t[0].calls + t[1].calls + t[2].calls, 3);
	ck_assert_int_eq(t[0].error, BH_CLASS_NONE);
	ck_assert_int_eq(t[1].error, BH_CLASS_CANCELLED);
	ck_assert_int_eq(t[2].error, BH_CLASS_CANCELLED);
}
END_TEST

START_TEST(sessions_closed_in_a_callback)
{
	static struct fake_tally t[6];
	static struct fake_peer workers[3];
	uint32_t id;
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(bh_session_open(&sessions[i], client, FAKE_ADDRESS, NULL, 0, NULL,
						 NULL, NULL),
				 0);
		id = fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
		fake_send_opened(&fake, id, (uint32_t)i, 1, &workers[i]);
		fake_settle(&fake, client);
	}
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(bh_read(sessions[i], &FAKE_UUID, 0, close_all_on_result, &t[i]),
				 0);
		ck_assert_int_eq(
			bh_read(sessions[i], &FAKE_UUID, 0, close_all_on_result, &t[i + 3]), 0);
		id = fake_take_id(&fake, &workers[i], BH__TYPE__READ);
		fake_send_value(&workers[i], id, "x", 1);
		fake_send_value(&workers[i], id + 1, "y", 1);
	}
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(t[i].calls, 1);
	ck_assert_uint_eq(busy, 12);
	ck_assert_ptr_null(client->sessions);
	ck_assert_ptr_null(client->dead);
	for (i = 0; i < 3; i++)
		fake_drop(&workers[i]);
}
END_TEST

/* A cancelled request asks again, as a careless program would. */
static void again_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	(void)!bh_read(sessions[0], &FAKE_UUID, 0, again_on_result, ctx);
	(void)!bh_get_status(client, NULL, again_on_result, ctx);
}

START_TEST(asking_again_ends)
{
	static struct fake_tally t;

	sessions[0] = fake_session(&fake, client, &worker);
	ck_assert_int_eq(bh_read(sessions[0], &FAKE_UUID, 0, again_on_result, &t), 0);
	ck_assert_int_eq(bh_get_status(client, NULL, again_on_result, &t), 0);
	client = bh_free(client);
	ck_assert_uint_eq(t.calls, 2);
}
END_TEST

static void on_value_close(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	struct fake_tally *t = ctx;

	(void)value;
	(void)len;
	(void)seq;
	(void)lost;
	t->items++;
	sessions[0] = bh_session_close(sessions[0]);
}

START_TEST(closed_between_values)
{
	static struct fake_tally t;
	uint32_t id;

	sessions[0] = fake_session(&fake, client, &worker);
	ck_assert_int_eq(
		bh_subscribe(sessions[0], &FAKE_UUID, 0, on_value_close, fake_on_result, &t, &id),
		0);
	fake_send_done(&worker, id);
	fake_notify(&worker, id, 1, 0, 3, 0);
	fake_notify(&worker, id, 4, 0, 3, 0);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

/* --- resources --- */

START_TEST(no_descriptor_is_left)
{
	int n = fake_count_fds();
	int i;

	for (i = 0; i < 50; i++) {
		struct fake second;
		struct bh_client *other;
		struct fake_peer first_worker;
		struct fake_peer next_worker;

		fake_open(&second);
		other = fake_client(&second);
		sessions[0] = fake_session(&second, other, &first_worker);
		if (i % 2 == 0)
			fake_drop(&first_worker);
		fake_send_moved(&second, FAKE_SESSION, 2, NULL, 0, &next_worker);
		fake_settle(&second, other);
		fake_send_moved(&second, 999, 2, NULL, 0, &worker);
		fake_settle(&second, other);
		if (i % 3 == 0)
			bh_session_close(sessions[0]);
		(void)bh_free(other);
		fake_drop(&first_worker);
		fake_drop(&next_worker);
		fake_drop(&worker);
		fake_close(&second);
	}
	ck_assert_int_eq(fake_count_fds(), n);
}
END_TEST

/* A forked child lets go: it says nothing, calls nobody, and the parent's session goes on. */
START_TEST(child_after_fork)
{
	static struct fake_tally t;
	struct bh_session *session = fake_session(&fake, client, &worker);
	int status;
	pid_t pid;

	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		client = bh_free(client);
		_exit(t.calls == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	fake_nothing(&fake, &fake.control);
	fake_send_value(&worker, fake_take_id(&fake, &worker, BH__TYPE__READ), "a", 1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	fake_nothing(&fake, &worker);
}
END_TEST

Suite *suite_client(void)
{
	Suite *suite = suite_create("client");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, no_daemon);
	tcase_add_test(all, hello_and_session_at_once);
	tcase_add_test(all, refused_by_the_daemon);
	tcase_add_test(all, another_version);
	tcase_add_test(all, daemon_goes);
	tcase_add_loop_test(all, garbage_from_the_daemon, 0, 3);
	tcase_add_loop_test(all, frames_in_the_wrong_place, 0, 6);
	tcase_add_loop_test(all, random_frames, 0, 8);
	tcase_add_test(all, client_freed_in_a_callback);
	tcase_add_test(all, sessions_closed_in_a_callback);
	tcase_add_test(all, asking_again_ends);
	tcase_add_test(all, closed_between_values);
	tcase_add_test(all, no_descriptor_is_left);
	tcase_add_test(all, child_after_fork);
	suite_add_tcase(suite, all);
	return suite;
}
