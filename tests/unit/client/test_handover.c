/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_handover(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake fake;
static struct bh_client *client;
static struct fake_peer old;
static struct fake_peer new;
static unsigned moved;
static unsigned link_lost;
static unsigned closed;

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	(void)ctx;
	(void)session;
	moved += news->event == BH_SESSION_MOVED;
	link_lost += news->event == BH_SESSION_LINK_LOST;
	closed += news->event == BH_SESSION_CLOSED;
}

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
	memset(&old, 0, sizeof(old));
	memset(&new, 0, sizeof(new));
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_drop(&old);
	fake_drop(&new);
	fake_close(&fake);
}

static struct bh_session *open_session(void)
{
	struct bh_session *session = fake_session(&fake, client, &old);

	session->news = on_news;
	return session;
}

static void do_connect(struct bh_session *session)
{
	static struct fake_tally t;

	ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t), 0);
	fake_send_connected(&old, fake_take_id(&fake, &old, BH__TYPE__CONNECT));
	fake_settle(&fake, client);
}

static uint32_t do_subscribe(struct bh_session *session, struct fake_tally *t)
{
	uint32_t id;

	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, t, &id), 0);
	ck_assert_uint_eq(fake_take_id(&fake, &old, BH__TYPE__SUBSCRIBE), id);
	fake_send_done(&old, id);
	fake_settle(&fake, client);
	return id;
}

static void do_write(struct bh_session *session, struct fake_tally *t)
{
	ck_assert_int_eq(
		bh_write(session, &FAKE_UUID, (const uint8_t *)"w", 1, false, 0, fake_on_result, t),
		0);
}

/* The whole order: old answers, interrupted writes, CONNECT, subscriptions, requests. */
START_TEST(everything_in_order)
{
	static struct fake_tally s1, s2, w1, w2, w3, r1;
	struct bh_session *session = open_session();
	struct fake_frame *frame;
	uint32_t sub1;
	uint32_t sub2;
	uint32_t ids[4];

	do_connect(session);
	sub1 = do_subscribe(session, &s1);
	sub2 = do_subscribe(session, &s2);
	do_write(session, &w1);
	do_write(session, &w2);
	do_write(session, &w3);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 5000, fake_on_result, &r1), 0);
	ids[0] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	ids[1] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	ids[2] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	ids[3] = fake_take_id(&fake, &old, BH__TYPE__READ);

	/* w1 answered and still on the page, w2 issued, w3 and r1 not begun. */
	fake_send_moved(&fake, FAKE_SESSION, 2, ids, 2, &new);
	fake_notify(&old, sub1, 1, 0, 2, 1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(moved + w2.calls, 0);
	fake_nothing(&fake, &new);
	fake_send_done(&old, ids[0]);
	fake_notify(&old, sub1, 3, 0, 1, 3);
	fake_drop(&old);
	fake_settle(&fake, client);
	ck_assert_int_eq(w1.error, BH_CLASS_NONE);
	ck_assert_uint_eq(w1.calls, 1);
	ck_assert_uint_eq(w2.calls, 1);
	ck_assert_int_eq(w2.error, BH_CLASS_INTERRUPTED);
	ck_assert_uint_eq(s1.items, 3);
	ck_assert_uint_eq(moved, 1);
	ck_assert_str_eq(bh_session_adapter(session), "hci1");

	frame = fake_take(&fake, &new, BH__TYPE__CONNECT);
	ck_assert_uint_eq(frame->epoch, 2);
	fake_send_connected(&new, frame->id);
	free(frame);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__SUBSCRIBE), sub1);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__SUBSCRIBE), sub2);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__WRITE), ids[2]);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__READ), ids[3]);
	fake_nothing(&fake, &new);
	fake_send_done(&new, sub1);
	fake_send_done(&new, sub2);
	fake_notify(&new, sub1, 1, 0, 2, 4); /* the new worker counts from 1 */
	fake_send_done(&new, ids[2]);
	fake_send_value(&new, ids[3], "v", 1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(s1.items, 5);
	ck_assert_uint_eq(s1.seq, 5);
	ck_assert_uint_eq(s1.calls + s2.calls, 2);
	ck_assert_uint_eq(w3.calls + r1.calls, 2);
	ck_assert_uint_eq(session->lane.n_open, 0);
}
END_TEST

/* The end of the old socket comes before the news on the control connection, or after. */
START_TEST(end_before_the_news)
{
	static struct fake_tally w;
	struct bh_session *session = open_session();
	uint32_t id;

	do_write(session, &w);
	id = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	fake_drop(&old);
	fake_settle(&fake, client);
	ck_assert_uint_eq(w.calls, 0);
	do_write(session, &w);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__WRITE), id);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__WRITE), id + 1);
	fake_nothing(&fake, &new);
	fake_send_done(&new, id);
	fake_send_done(&new, id + 1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(w.calls, 2);
	ck_assert_int_eq(w.error, BH_CLASS_NONE);
}
END_TEST

/* Two moves before the library looked: nothing goes to the one that is gone already. */
START_TEST(moved_twice)
{
	static struct fake_tally w1, w2;
	static struct fake_peer middle;
	struct bh_session *session = open_session();
	uint32_t ids[2];

	do_connect(session);
	do_write(session, &w1);
	do_write(session, &w2);
	ids[0] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	ids[1] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	if (_i == 0)
		fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, &ids[0], 1, &middle);
	fake_send_moved(&fake, FAKE_SESSION, 3, NULL, 0, &new);
	fake_settle(&fake, client);
	/* The second is read after the first was acted upon, or while both wait for the end. */
	if (_i == 1) {
		fake_drop(&old);
		fake_settle(&fake, client);
		fake_nothing(&fake, &middle);
	}
	fake_pump(&fake, &middle);
	fake_drop(&middle);
	fake_settle(&fake, client);
	ck_assert_int_eq(w1.error, BH_CLASS_INTERRUPTED);
	ck_assert_uint_eq(moved, 2);
	fake_take_id(&fake, &new, BH__TYPE__CONNECT);
	ck_assert_uint_eq(fake_take_id(&fake, &new, BH__TYPE__WRITE), ids[1]);
	fake_nothing(&fake, &new);
	ck_assert_uint_eq(w1.calls, 1);
	ck_assert_uint_eq(w2.calls, 0);
	ck_assert_uint_eq(session->lane.epoch, 3);
}
END_TEST

START_TEST(moved_and_closed)
{
	static struct fake_tally w1, w2;
	struct bh_session *session = open_session();
	uint32_t ids[2];

	do_write(session, &w1);
	do_write(session, &w2);
	ids[0] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	ids[1] = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	fake_send_moved(&fake, FAKE_SESSION, 2, &ids[0], 1, &new);
	fake_send_closed(&fake, FAKE_SESSION, BH__CLASS__CLASS_ADAPTER_GONE, &ids[1], 1);
	fake_settle(&fake, client);
	fake_drop(&old);
	fake_drop(&new);
	fake_settle(&fake, client);
	ck_assert_int_eq(w1.error, BH_CLASS_INTERRUPTED);
	ck_assert_int_eq(w2.error, BH_CLASS_INTERRUPTED);
	ck_assert_uint_eq(w1.calls + w2.calls, 2);
	ck_assert_uint_eq(closed, 1);
}
END_TEST

/* The link cannot be had back: the program is told what ended, and why. */
START_TEST(link_is_not_had_back)
{
	static struct fake_tally s, r;
	struct bh_session *session = open_session();
	uint32_t sub;
	uint32_t id;

	do_connect(session);
	sub = do_subscribe(session, &s);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &r), 0);
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	id = fake_take_id(&fake, &new, BH__TYPE__CONNECT);
	fake_send_error(&new, id, BH__CLASS__CLASS_NOT_FOUND, "not seen there");
	fake_send_error(&new, sub, BH__CLASS__CLASS_LINK_LOST, "no link");
	fake_settle(&fake, client);
	ck_assert_uint_eq(s.calls, 2);
	ck_assert_int_eq(s.error, BH_CLASS_NOT_FOUND);
	ck_assert_uint_eq(link_lost, 1);
	ck_assert_uint_eq(r.calls, 0);
	/* Nobody wants a link any more: the next move asks for none. */
	fake_drop(&new);
	fake_send_moved(&fake, FAKE_SESSION, 3, NULL, 0, &old);
	fake_settle(&fake, client);
	fake_take_id(&fake, &old, BH__TYPE__READ);
	fake_nothing(&fake, &old);
}
END_TEST

START_TEST(after_disconnect_nothing_comes_back)
{
	static struct fake_tally s, d;
	struct bh_session *session = open_session();

	do_connect(session);
	do_subscribe(session, &s);
	ck_assert_int_eq(bh_disconnect(session, fake_on_result, &d), 0);
	fake_send_done(&old, fake_take_id(&fake, &old, BH__TYPE__DISCONNECT));
	fake_settle(&fake, client);
	ck_assert_uint_eq(d.calls, 1);
	ck_assert_uint_eq(s.calls, 1);
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	ck_assert_uint_eq(moved, 1);
	fake_nothing(&fake, &new);
	ck_assert_uint_eq(link_lost, 0);
}
END_TEST

/* The worker goes while it lets the link go: the next one is not to make one for that. */
START_TEST(disconnect_under_way)
{
	static struct fake_tally s, d;
	struct bh_session *session = open_session();

	do_connect(session);
	do_subscribe(session, &s);
	ck_assert_int_eq(bh_disconnect(session, fake_on_result, &d), 0);
	(void)fake_take_id(&fake, &old, BH__TYPE__DISCONNECT);
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_send_done(&new, fake_take_id(&fake, &new, BH__TYPE__DISCONNECT));
	fake_settle(&fake, client);
	ck_assert_uint_eq(d.calls, 1);
	ck_assert_int_eq(d.error, BH_CLASS_NONE);
	fake_nothing(&fake, &new);
}
END_TEST

/* A worker takes 64 at once; its successor must get all that without refusing any. */
START_TEST(replay_keeps_the_window)
{
	enum { SUBS = 32, WRITES = 60, WORKER_MAX = 64 };
	static struct fake_tally s[SUBS], w[WRITES];
	struct bh_session *session = open_session();
	struct fake_frame *frame;
	int n_most = 0;
	int n;
	int i;

	do_connect(session);
	for (i = 0; i < SUBS; i++)
		do_subscribe(session, &s[i]);
	for (i = 0; i < WRITES; i++)
		do_write(session, &w[i]);
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	while (session->lane.n_open > 0) {
		fake_pump(&fake, &new);
		for (n = 0; (frame = new.head); n++) {
			new.head = frame->next;
			if (frame->type == BH__TYPE__CONNECT)
				fake_send_connected(&new, frame->id);
			else
				fake_send_done(&new, frame->id);
			free(frame);
		}
		n_most = n > n_most ? n : n_most;
		ck_assert_int_gt(n, 0);
		fake_settle(&fake, client);
	}
	ck_assert_int_le(n_most, WORKER_MAX);
	for (i = 0; i < WRITES; i++)
		ck_assert_uint_eq(w[i].calls, 1);
	for (i = 0; i < SUBS; i++)
		ck_assert_uint_eq(s[i].calls, 1);
}
END_TEST

static struct bh_session *victim;

static void close_on_result(void *ctx, const struct bh_result *result)
{
	fake_on_result(ctx, result);
	victim = bh_session_close(victim);
}

/* `interrupted` is answered in the middle of a hand-over; the program has had enough. */
START_TEST(closed_in_the_middle)
{
	static struct fake_tally w1, w2;
	uint32_t id;

	victim = open_session();
	ck_assert_int_eq(bh_write(victim, &FAKE_UUID, NULL, 0, false, 0, close_on_result, &w1), 0);
	do_write(victim, &w2);
	id = fake_take_id(&fake, &old, BH__TYPE__WRITE);
	fake_take_id(&fake, &old, BH__TYPE__WRITE);
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, &id, 1, &new);
	fake_settle(&fake, client);
	ck_assert_int_eq(w1.error, BH_CLASS_INTERRUPTED);
	ck_assert_int_eq(w2.error, BH_CLASS_CANCELLED);
	ck_assert_uint_eq(w1.calls + w2.calls, 2);
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	fake_pump(&fake, &new);
	ck_assert(new.is_eof);
}
END_TEST

START_TEST(move_of_a_closed_session)
{
	struct bh_session *session = open_session();

	bh_session_close(session);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_pump(&fake, &new);
	ck_assert(new.is_eof);
}
END_TEST

/* The old worker keeps its socket: nothing is sent twice, the session ends instead. */
START_TEST(old_socket_never_ends)
{
	static struct fake_tally w;
	struct bh_session *session = open_session();

	do_write(session, &w);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	ck_assert_int_gt(bh_timeout_ms(client), SESSION_DRAIN_MS - 1000);
	ck_assert_int_le(bh_timeout_ms(client), SESSION_DRAIN_MS);
	session->drain_until_ms = 0;
	client->next_at_ms = 0;
	fake_settle(&fake, client);
	ck_assert_uint_eq(w.calls, 1);
	ck_assert_int_eq(w.error, BH_CLASS_INTERNAL);
	ck_assert_uint_eq(closed, 1);
	fake_nothing(&fake, &new);
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
}
END_TEST

Suite *suite_handover(void)
{
	Suite *suite = suite_create("handover");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, everything_in_order);
	tcase_add_test(all, end_before_the_news);
	tcase_add_loop_test(all, moved_twice, 0, 2);
	tcase_add_test(all, moved_and_closed);
	tcase_add_test(all, link_is_not_had_back);
	tcase_add_test(all, after_disconnect_nothing_comes_back);
	tcase_add_test(all, disconnect_under_way);
	tcase_add_test(all, replay_keeps_the_window);
	tcase_add_test(all, closed_in_the_middle);
	tcase_add_test(all, move_of_a_closed_session);
	tcase_add_test(all, old_socket_never_ends);
	suite_add_tcase(suite, all);
	return suite;
}
