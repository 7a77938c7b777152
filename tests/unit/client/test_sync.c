/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls that block, against a daemon in a child process that answers whatever it is asked: the
 * fake is driven by its own loop there.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_sync(void);

#define SILENT_ADDRESS (FAKE_ADDRESS + 2)

static struct fake fake;
static struct bh_client *client;
static pid_t daemon_pid;

/* --- the daemon's side --- */

static void answer_control(struct fake_peer *worker, const struct fake_frame *frame)
{
	Bh__HelloOk ok = BH__HELLO_OK__INIT;
	Bh__SessionOpen *open;

	if (frame->type == BH__TYPE__HELLO)
		fake_send(&fake.control, BH__TYPE__HELLO_OK, frame->id, &ok.base, -1);
	if (frame->type != BH__TYPE__SESSION_OPEN)
		return;
	open = bh__session_open__unpack(NULL, frame->len, frame->body);
	if (open->address == FAKE_ADDRESS)
		fake_send_opened(&fake, frame->id, FAKE_SESSION, 1, worker);
	else if (open->address != SILENT_ADDRESS)
		fake_send_error(&fake.control, frame->id, BH__CLASS__CLASS_NOT_FOUND, "no such");
	bh__session_open__free_unpacked(open, NULL);
}

/* The third rejection is one too many. */
static void answer_connect(struct fake_peer *worker, const struct fake_frame *frame)
{
	static unsigned rejections;
	Bh__Connect *connect = bh__connect__unpack(NULL, frame->len, frame->body);

	rejections += connect->rejects ? 1 : 0;
	if (connect->rejects && rejections > 2)
		fake_send_error(worker, frame->id, BH__CLASS__CLASS_VALIDATION,
				connect->reject_text);
	else
		fake_send_connected(worker, frame->id);
	bh__connect__free_unpacked(connect, NULL);
}

static void answer_data(struct fake_peer *worker, const struct fake_frame *frame)
{
	if (frame->type == BH__TYPE__CONNECT)
		answer_connect(worker, frame);
	if (frame->type == BH__TYPE__READ)
		fake_send_value(worker, frame->id, "value", 5);
	if (frame->type == BH__TYPE__WRITE)
		fake_send_error(worker, frame->id, BH__CLASS__CLASS_GATT_REFUSED, "read only");
	/* A DISCONNECT ends this daemon, answered or not. */
	if (frame->type == BH__TYPE__DISCONNECT)
		_exit(0);
}

static void serve(struct fake_peer *worker)
{
	struct pollfd p[2] = { { .fd = chan_fd(fake.control.chan), .events = POLLIN },
			       { .fd = worker->chan ? chan_fd(worker->chan) : -1,
				 .events = POLLIN } };
	struct fake_frame *frame;

	(void)poll(p, 2, -1);
	fake_pump(&fake, &fake.control);
	while ((frame = fake.control.head)) {
		fake.control.head = frame->next;
		answer_control(worker, frame);
		free(frame);
	}
	fake_pump(&fake, worker);
	while ((frame = worker->head)) {
		worker->head = frame->next;
		answer_data(worker, frame);
		free(frame);
	}
}

static void run_daemon(void)
{
	static struct fake_peer worker;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fake_accept(&fake);
	while (!fake.control.is_eof)
		serve(&worker);
	_exit(0);
}

static void set_up(void)
{
	fake_open(&fake);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0)
		run_daemon();
	/* The daemon alone has the listening socket: its death is seen. */
	ck_assert_int_eq(bh_new(&client, fake.path, "test"), 0);
	fake.listen_fd = close_fd(fake.listen_fd);
}

static void tear_down(void)
{
	client = bh_free(client);
	(void)kill(daemon_pid, SIGKILL);
	(void)waitpid(daemon_pid, NULL, 0);
	fake_close(&fake);
}

/* --- the program's side --- */

START_TEST(all_of_them)
{
	struct bh_session *session = NULL;
	struct bh_answer answer;

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS + 1, NULL, 0, &answer),
			 1);
	ck_assert_int_eq(answer.error, BH_CLASS_NOT_FOUND);
	ck_assert_str_eq(answer.text, "no such");
	ck_assert_ptr_null(session);
	ck_assert_int_eq(bh_session_open_sync(&session, client, 0, NULL, 0, &answer), -EINVAL);
	ck_assert_ptr_null(client->sessions);

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS, NULL, 0, &answer), 0);
	ck_assert_str_eq(answer.adapter, "hci0");
	ck_assert_int_eq(bh_connect_sync(session, 1000, &answer), 0);
	ck_assert_uint_eq(answer.attempts, 1);
	ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 1000, &answer), 0);
	ck_assert_uint_eq(answer.len_bytes, 5);
	ck_assert_mem_eq(answer.value, "value", 5);
	bh_answer_clear(&answer);
	ck_assert_ptr_null(answer.value);
	ck_assert_int_eq(
		bh_write_sync(session, &FAKE_UUID, (const uint8_t *)"x", 1, false, 1000, &answer),
		1);
	ck_assert_int_eq(answer.error, BH_CLASS_GATT_REFUSED);
	ck_assert_int_eq(bh_disconnect_sync(session, &answer), 1);
	ck_assert_int_eq(answer.error, BH_CLASS_NO_DAEMON);
	ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 0, &answer), -ENOTCONN);
	bh_session_close(session);
}
END_TEST

/* How many links are still to be rejected; reads, as such a check would. */
static int look_at_link(void *ctx, struct bh_session *session, char out_why[BH_WHY_LEN])
{
	struct bh_answer answer;
	int *bad = ctx;

	ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 1000, &answer), 0);
	bh_answer_clear(&answer);
	if (*bad <= 0)
		return *bad;
	--*bad;
	(void)snprintf(out_why, BH_WHY_LEN, "%d to go", *bad);
	return 1;
}

START_TEST(own_check)
{
	struct bh_check gatt = { .kind = BH_CHECK_GATT };
	struct bh_session *session;
	struct bh_answer answer;
	int bad = 2;

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS, NULL, 0, &answer), 0);
	ck_assert_int_eq(
		bh_connect_checked_sync(session, 5000, &gatt, 1, look_at_link, &bad, &answer), 0);
	ck_assert_int_eq(bad, 0);
	ck_assert_int_eq(answer.error, BH_CLASS_NONE);
	bad = 9;
	ck_assert_int_eq(bh_connect_checked_sync(session, 0, NULL, 0, look_at_link, &bad, &answer),
			 1);
	ck_assert_int_eq(bad, 8);
	ck_assert_int_eq(answer.error, BH_CLASS_VALIDATION);
	ck_assert_str_eq(answer.text, "8 to go");
	bad = -EIO;
	ck_assert_int_eq(bh_connect_checked_sync(session, 0, NULL, 0, look_at_link, &bad, &answer),
			 -EIO);
	ck_assert_int_eq(bh_connect_checked_sync(session, 0, &gatt, 1, NULL, NULL, &answer), 0);
	bh_session_close(session);
}
END_TEST

static int nested;

static void on_result_sync(void *ctx, const struct bh_result *result)
{
	struct bh_answer answer;

	(void)result;
	nested = bh_read_sync(ctx, &FAKE_UUID, 0, &answer);
}

START_TEST(not_in_a_callback)
{
	struct bh_session *session;
	struct bh_answer answer;

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS, NULL, 0, &answer), 0);
	ck_assert_int_eq(bh_connect(session, 0, on_result_sync, session), 0);
	ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 0, &answer), 0);
	bh_answer_clear(&answer);
	ck_assert_int_eq(nested, -EBUSY);
}
END_TEST

static void on_result_close(void *ctx, const struct bh_result *result)
{
	(void)result;
	bh_session_close(ctx);
}

static void on_result_free(void *ctx, const struct bh_result *result)
{
	(void)ctx;
	(void)result;
	client = bh_free(client);
}

START_TEST(closed_meanwhile)
{
	struct bh_session *session;
	struct bh_answer answer;

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS, NULL, 0, &answer), 0);
	ck_assert_int_eq(bh_connect(session, 0, on_result_close, session), 0);
	ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 0, &answer), 1);
	ck_assert_int_eq(answer.error, BH_CLASS_CANCELLED);
}
END_TEST

START_TEST(freed_meanwhile)
{
	struct bh_session *session;
	struct bh_session *other;
	struct bh_answer answer;

	ck_assert_int_eq(bh_session_open_sync(&session, client, FAKE_ADDRESS, NULL, 0, &answer), 0);
	ck_assert_int_eq(bh_connect(session, 0, on_result_free, NULL), 0);
	if (_i == 0)
		ck_assert_int_eq(bh_read_sync(session, &FAKE_UUID, 0, &answer), -ECANCELED);
	else
		ck_assert_int_eq(
			bh_session_open_sync(&other, client, SILENT_ADDRESS, NULL, 0, &answer),
			-ECANCELED);
	ck_assert_ptr_null(client);
}
END_TEST

Suite *suite_sync(void)
{
	Suite *suite = suite_create("sync");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, all_of_them);
	tcase_add_test(all, own_check);
	tcase_add_test(all, not_in_a_callback);
	tcase_add_test(all, closed_meanwhile);
	tcase_add_loop_test(all, freed_meanwhile, 0, 2);
	suite_add_tcase(suite, all);
	return suite;
}
