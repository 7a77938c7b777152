/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/client/test_resume.c - a client that stays while its daemon goes and comes back. */
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "tests/unit/client/stay.h"

Suite *suite_resume(void);

/* --- requests of the control connection --- */

START_TEST(questions)
{
	static struct fake_tally t[4];
	Bh__Status status = BH__STATUS__INIT;
	Bh__Adapter adapter = BH__ADAPTER__INIT;
	uint32_t id;

	memset(t, 0, sizeof(t));
	ck_assert_int_eq(bh_get_status(stay.client, NULL, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_list_adapters(stay.client, NULL, fake_on_result, &t[1]), 0);
	ck_assert_int_eq(bh_link_drop(stay.client, FAKE_ADDRESS, fake_on_result, &t[2]), 0);
	fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__STATUS_REQUEST);
	id = fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__ADAPTERS_REQUEST);
	fake_send(&stay.fake.control, BH__TYPE__ADAPTER, id, &adapter.base, -1);
	stay_settle();
	fake_restart(&stay.fake, stay.client);
	ck_assert_uint_eq(stay.daemon.gone, 1);
	/* Half a list, and what may have been done. */
	ck_assert_int_eq(t[1].error, BH_CLASS_INTERRUPTED);
	ck_assert_int_eq(t[2].error, BH_CLASS_INTERRUPTED);
	ck_assert_int_eq(bh_link_drop(stay.client, FAKE_ADDRESS, fake_on_result, &t[3]), 0);
	fake_greet(&stay.fake, 2);
	stay_settle();
	ck_assert_uint_eq(stay.daemon.back, 1);
	ck_assert(stay.daemon.is_other);
	fake_send(&stay.fake.control, BH__TYPE__STATUS,
		  fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__STATUS_REQUEST),
		  &status.base, -1);
	fake_send_done(&stay.fake.control,
		       fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__LINK_DROP));
	stay_settle();
	for (id = 0; id < 4; id++)
		ck_assert_uint_eq(t[id].calls, 1);
	ck_assert_int_eq(t[0].error, BH_CLASS_NONE);
	ck_assert_int_eq(t[3].error, BH_CLASS_NONE);
	fake_nothing(&stay.fake, &stay.fake.control);
}
END_TEST

static uint64_t seen[16];
static char kinds[16][32];
static size_t n_seen;

static void on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	ck_assert_uint_lt(n_seen, ARRAY_LEN(seen));
	(void)snprintf(kinds[n_seen], sizeof(kinds[0]), "%s", event->kind);
	seen[n_seen++] = event->seq;
}

static void send_event(uint32_t id, uint64_t seq)
{
	Bh__Event msg = BH__EVENT__INIT;

	msg.has_seq = true;
	msg.seq = seq;
	msg.kind = (char *)(uintptr_t) "connected";
	fake_send(&stay.fake.control, BH__TYPE__EVENT, id, &msg.base, -1);
}

static uint32_t take_events(bool with_history)
{
	struct fake_frame *frame =
		fake_take(&stay.fake, &stay.fake.control, BH__TYPE__EVENTS_REQUEST);
	Bh__EventsRequest *msg = bh__events_request__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert(msg->follow);
	ck_assert_int_eq(msg->history, with_history);
	bh__events_request__free_unpacked(msg, NULL);
	free(frame);
	return id;
}

/* @_i 0: another daemon, whose ring begins anew; 1: the same one, whose ring has them all. */
START_TEST(events)
{
	static struct fake_tally t;
	uint32_t id;
	uint64_t seq;

	n_seen = 0;
	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_events(stay.client, false, true, on_event, fake_on_result, &t), 0);
	id = take_events(false);
	send_event(id, 1);
	send_event(id, 2);
	stay_settle();
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, _i == 0 ? 2 : 1);
	id = take_events(true);
	for (seq = 1; seq <= 4; seq++)
		send_event(id, seq);
	stay_settle();
	ck_assert_uint_eq(t.calls, 0);
	ck_assert_uint_eq(n_seen, _i == 0 ? 7 : 5);
	ck_assert_str_eq(kinds[2], "daemon-back");
	ck_assert_uint_eq(seen[2], 0);
	ck_assert_uint_eq(seen[3], _i == 0 ? 1 : 3);
	ck_assert_int_eq(stay.daemon.is_other, _i == 0);
}
END_TEST

/* --- sessions --- */

/* What was sent and not answered: a read is asked again, a write is not sent again. */
START_TEST(resumed)
{
	static struct fake_tally t[6];
	struct bh_session *session = stay_session();
	uint32_t id;

	memset(t, 0, sizeof(t));
	ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t[0]), 0);
	fake_send_connected(&stay.worker,
			    fake_take_id(&stay.fake, &stay.worker, BH__TYPE__CONNECT));
	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &t[1], &id),
		0);
	fake_send_done(&stay.worker, fake_take_id(&stay.fake, &stay.worker, BH__TYPE__SUBSCRIBE));
	stay_settle();
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[2]), 0);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0,
				  fake_on_result, &t[3]),
			 0);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[4]), 0);
	/* Its answer and a value are on their way when all dies. */
	fake_send_value(&stay.worker, fake_take_id(&stay.fake, &stay.worker, BH__TYPE__READ), "a",
			1);
	fake_notify(&stay.worker, id, 1, 0, 2, 10);
	fake_drop(&stay.worker);
	fake_restart(&stay.fake, stay.client);
	ck_assert_uint_eq(t[2].calls, 1);
	ck_assert_uint_eq(t[1].items, 2);
	ck_assert_int_eq(t[3].error, BH_CLASS_INTERRUPTED);
	ck_assert_uint_eq(stay.session.waits, 1);
	ck_assert_int_eq(stay.session.error, BH_CLASS_NO_DAEMON);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"x", 1, false, 0,
				  fake_on_result, &t[5]),
			 0);
	fake_greet(&stay.fake, 2);
	stay_serve();
	ck_assert_uint_eq(stay.session.moved, 1);
	fake_send_connected(&stay.next_worker,
			    fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__CONNECT));
	ck_assert_uint_eq(fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__SUBSCRIBE), id);
	fake_send_done(&stay.next_worker, id);
	fake_send_value(&stay.next_worker,
			fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__READ), "b", 1);
	fake_send_done(&stay.next_worker,
		       fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__WRITE));
	fake_notify(&stay.next_worker, id, 1, 0, 1, 12);
	stay_settle();
	fake_nothing(&stay.fake, &stay.next_worker);
	for (id = 0; id < 6; id++)
		ck_assert_uint_eq(t[id].calls, 1);
	ck_assert_int_eq(t[4].error, BH_CLASS_NONE);
	ck_assert_int_eq(t[5].error, BH_CLASS_NONE);
	/* fake_on_notify() holds the sequence to it. */
	ck_assert_uint_eq(t[1].seq, 3);
	ck_assert_uint_eq(stay.session.lost + stay.session.closed, 0);
}
END_TEST

/* What waited for its turn was never sent: it is no interrupted write. */
START_TEST(unsent_write)
{
	static struct fake_tally t[2];
	struct bh_session *session = stay_session();
	int i;

	memset(t, 0, sizeof(t));
	for (i = 0; i < LANE_WINDOW; i++)
		ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0,
				  fake_on_result, &t[1]),
			 0);
	stay_restart();
	for (i = 0; i < LANE_WINDOW; i++) {
		fake_send_value(&stay.next_worker,
				fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__READ), "a",
				1);
		stay_settle();
	}
	fake_send_done(&stay.next_worker,
		       fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__WRITE));
	stay_settle();
	ck_assert_uint_eq(t[0].calls, LANE_WINDOW);
	ck_assert_int_eq(t[0].error, BH_CLASS_NONE);
	ck_assert_uint_eq(t[1].calls, 1);
	ck_assert_int_eq(t[1].error, BH_CLASS_NONE);
}
END_TEST

/* @_i 0: said before the daemon went, 1: meanwhile. Its epochs begin anew, links are others. */
START_TEST(rejected_link)
{
	struct bh_session *session = stay_session();
	struct fake_frame *frame;
	Bh__Connect *msg;

	ck_assert_int_eq(bh_connect(session, 0, NULL, NULL), 0);
	fake_send_connected(&stay.worker,
			    fake_take_id(&stay.fake, &stay.worker, BH__TYPE__CONNECT));
	stay_settle();
	if (_i == 0)
		ck_assert_int_eq(bh_connect_rejected(session, "old firmware", 0, NULL, NULL), 0);
	fake_drop(&stay.worker);
	fake_restart(&stay.fake, stay.client);
	if (_i == 1)
		ck_assert_int_eq(bh_connect_rejected(session, "old firmware", 0, NULL, NULL), 0);
	fake_greet(&stay.fake, 2);
	stay_serve();
	frame = fake_take(&stay.fake, &stay.next_worker, BH__TYPE__CONNECT);
	msg = bh__connect__unpack(NULL, frame->len, frame->body);
	ck_assert(!msg->rejects);
	bh__connect__free_unpacked(msg, NULL);
	free(frame);
}
END_TEST

/* A session that was not open yet is asked for again, with all that was asked of it. */
START_TEST(while_opening)
{
	static struct fake_tally t[2];
	struct bh_session *session;

	memset(t, 0, sizeof(t));
	ck_assert_int_eq(bh_session_open(&session, stay.client, FAKE_ADDRESS, "hci1", 0,
					 stay_on_session, fake_on_result, &t[0]),
			 0);
	ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t[1]), 0);
	stay_restart();
	fake_send_connected(&stay.next_worker,
			    fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__CONNECT));
	stay_settle();
	ck_assert_uint_eq(t[0].calls + t[1].calls, 2);
	ck_assert_int_eq(t[1].error, BH_CLASS_NONE);
	ck_assert_uint_eq(stay.session.moved, 0);
	ck_assert_str_eq(bh_session_adapter(session), "hci0");
	(void)bh_session_close(session);
}
END_TEST

/* The daemon dropped us, its worker did not notice yet: the old socket is read to its end. */
START_TEST(old_socket_first)
{
	static struct fake_tally t[2];
	struct bh_session *session = stay_session();

	memset(t, 0, sizeof(t));
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0,
				  fake_on_result, &t[1]),
			 0);
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 1);
	stay_serve();
	ck_assert_uint_eq(t[0].calls + t[1].calls + stay.session.moved, 0);
	fake_nothing(&stay.fake, &stay.next_worker);
	fake_take_id(&stay.fake, &stay.worker, BH__TYPE__READ);
	fake_send_done(&stay.worker, fake_take_id(&stay.fake, &stay.worker, BH__TYPE__WRITE));
	fake_drop(&stay.worker);
	stay_settle();
	ck_assert_int_eq(t[1].error, BH_CLASS_NONE);
	ck_assert_uint_eq(stay.session.moved, 1);
	fake_send_value(&stay.next_worker,
			fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__READ), "a", 1);
	stay_settle();
	ck_assert_int_eq(t[0].error, BH_CLASS_NONE);
	ck_assert_uint_eq(t[0].calls + t[1].calls, 2);
}
END_TEST

/* A worker that hangs beside it does not hold the session up for ever: its writes are told so. */
START_TEST(old_socket_hangs)
{
	static struct fake_tally t;
	struct bh_session *session = stay_session();

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0,
				  fake_on_result, &t),
			 0);
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 1);
	stay_serve();
	session->drain_until_ms = clock_now_ms();
	stay.client->next_at_ms = 0;
	stay_settle();
	ck_assert_int_eq(t.error, BH_CLASS_INTERRUPTED);
	ck_assert_uint_eq(stay.session.moved, 1);
	ck_assert_uint_eq(stay.session.closed, 0);
}
END_TEST

START_TEST(refused_for_now)
{
	struct bh_session *session = stay_session();
	uint64_t asked_ms;
	int i;

	fake_drop(&stay.worker);
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 2);
	for (i = 0; i < 2; i++) {
		fake_send_error(
			&stay.fake.control,
			fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__SESSION_OPEN),
			BH__CLASS__CLASS_NOT_FOUND, "not heard so far");
		stay_settle();
		asked_ms = clock_now_ms();
		fake_nothing(&stay.fake, &stay.fake.control);
		while (!stay.fake.control.head) {
			ck_assert_int_eq(bh_wait(stay.client, -1), 0);
			fake_pump(&stay.fake, &stay.fake.control);
		}
		ck_assert_uint_ge(clock_now_ms() - asked_ms, 700);
	}
	/* no-daemon, and not-found once. */
	ck_assert_uint_eq(stay.session.waits, 2);
	ck_assert_int_eq(stay.session.error, BH_CLASS_NOT_FOUND);
	stay_serve();
	ck_assert_uint_eq(stay.session.moved, 1);
	(void)bh_session_close(session);
}
END_TEST

START_TEST(refused_for_good)
{
	static struct fake_tally t;
	struct bh_session *session = stay_session();

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	fake_drop(&stay.worker);
	fake_restart(&stay.fake, stay.client);
	fake_greet(&stay.fake, 2);
	fake_send_error(&stay.fake.control,
			fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__SESSION_OPEN),
			BH__CLASS__CLASS_INVALID, "not this one");
	stay_settle();
	ck_assert_uint_eq(stay.session.closed, 1);
	ck_assert_int_eq(t.error, BH_CLASS_INVALID);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, NULL, NULL), -ENOTCONN);
	(void)bh_session_close(session);
	fake_nothing(&stay.fake, &stay.fake.control);
}
END_TEST

/* @_i 0: before the next daemon was asked for it, 1: after, 2: when it has opened it. */
START_TEST(closed_meanwhile)
{
	static struct fake_tally t;
	struct bh_session *session = stay_session();
	uint32_t id = 0;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	fake_drop(&stay.worker);
	if (_i == 0) {
		stay.session.closes = true;
		fake_restart(&stay.fake, stay.client);
	} else {
		fake_restart(&stay.fake, stay.client);
		(void)bh_session_close(session);
	}
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_CANCELLED);
	fake_greet(&stay.fake, 2);
	stay_settle();
	if (_i > 0) {
		id = fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__SESSION_OPEN);
		ck_assert_uint_eq(fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__CANCEL),
				  id);
	}
	if (_i == 2) {
		fake_send_opened(&stay.fake, id, FAKE_SESSION, 1, &stay.next_worker);
		stay_settle();
		fake_take_id(&stay.fake, &stay.fake.control, BH__TYPE__SESSION_CLOSE);
	}
	fake_nothing(&stay.fake, &stay.fake.control);
}
END_TEST

START_TEST(again_and_again)
{
	static struct fake_tally t;
	struct bh_session *session = stay_session();
	int i;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	fake_drop(&stay.worker);
	for (i = 0; i < 3; i++) {
		/* It dies before HELLO, before it has opened the session, and right after. */
		fake_restart(&stay.fake, stay.client);
		if (i > 0)
			fake_greet(&stay.fake, (uint64_t)i + 2);
		if (i == 2)
			stay_serve();
		fake_drop(&stay.next_worker);
	}
	stay_restart();
	fake_send_value(&stay.next_worker,
			fake_take_id(&stay.fake, &stay.next_worker, BH__TYPE__READ), "a", 1);
	stay_settle();
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
	fake_nothing(&stay.fake, &stay.next_worker);
	/* The one that never said HELLO_OK was none. */
	ck_assert_uint_eq(stay.daemon.gone, 3);
	ck_assert_uint_eq(stay.daemon.back, 3);
	ck_assert_uint_eq(stay.session.moved, 2);
}
END_TEST

Suite *suite_resume(void)
{
	Suite *suite = suite_create("resume");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, stay_set_up, stay_tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, questions);
	tcase_add_loop_test(all, events, 0, 2);
	tcase_add_test(all, resumed);
	tcase_add_test(all, unsent_write);
	tcase_add_loop_test(all, rejected_link, 0, 2);
	tcase_add_test(all, while_opening);
	tcase_add_test(all, old_socket_first);
	tcase_add_test(all, old_socket_hangs);
	tcase_add_test(all, refused_for_now);
	tcase_add_test(all, refused_for_good);
	tcase_add_loop_test(all, closed_meanwhile, 0, 3);
	tcase_add_test(all, again_and_again);
	suite_add_tcase(suite, all);
	return suite;
}
