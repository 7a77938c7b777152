/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscriptions that outlive their link, and what is acknowledged. */
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_resuming(void);

static struct fake fake;
static struct bh_client *client;
static struct fake_peer worker;
static struct fake_tally tally;
static unsigned told[5];
static bool resumes;

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	(void)ctx;
	(void)session;
	told[news->event]++;
	resumes = news->resumes;
}

static struct bh_session *begin(uint32_t *out_id)
{
	const struct bh_subscribe_options options = { .resumes = true, .silence_ms = 700 };
	struct bh_session *session;

	fake_open(&fake);
	client = fake_client(&fake);
	session = fake_session(&fake, client, &worker);
	session->news = on_news;
	ck_assert_int_eq(bh_subscribe_with(session, &FAKE_UUID, 0, &options, fake_on_notify,
					   fake_on_result, &tally, out_id),
			 0);
	return session;
}

static void finish(void)
{
	client = bh_free(client);
	fake_drop(&worker);
	fake_close(&fake);
}

/* What the next SUBSCRIBE says. */
static void subscribes(struct fake_peer *peer, uint32_t id, bool is_resumed)
{
	struct fake_frame *frame = fake_take(&fake, peer, BH__TYPE__SUBSCRIBE);
	Bh__Subscribe *msg = bh__subscribe__unpack(NULL, frame->len, frame->body);

	ck_assert_uint_eq(frame->id, id);
	ck_assert(msg->resume);
	ck_assert_uint_eq(msg->silence_ms, 700);
	ck_assert_int_eq(msg->resumed, is_resumed);
	bh__subscribe__free_unpacked(msg, NULL);
	free(frame);
}

START_TEST(outlives_the_link)
{
	Bh__LinkLost lost = BH__LINK_LOST__INIT;
	Bh__LinkBack back = BH__LINK_BACK__INIT;
	struct fake_peer next;
	uint32_t id;
	struct bh_session *session = begin(&id);

	subscribes(&worker, id, false);
	fake_send_done(&worker, id);
	fake_notify(&worker, id, 1, 0, 3, 10);
	lost.has_resumes = lost.resumes = 1;
	fake_send(&worker, BH__TYPE__LINK_LOST, 0, &lost.base, -1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_uint_eq(told[BH_SESSION_LINK_LOST], 1);
	ck_assert(resumes);
	fake_send(&worker, BH__TYPE__LINK_BACK, 0, &back.base, -1);
	fake_send(&worker, BH__TYPE__LINK_BACK, 0, &back.base, -1);
	fake_notify(&worker, id, 4, 0, 2, 13);
	fake_settle(&fake, client);
	ck_assert_uint_eq(told[BH_SESSION_LINK_BACK], 1);
	ck_assert_uint_eq(tally.seq, 5);
	ck_assert_uint_eq(tally.lost, 0);
	/* Elsewhere it is one that was there. */
	fake_send_moved(&fake, session->number, 2, NULL, 0, &next);
	fake_drop(&worker);
	fake_settle(&fake, client);
	subscribes(&next, id, true);
	fake_send_error(&next, id, BH__CLASS__CLASS_GATT_MISSING, "it has none");
	fake_settle(&fake, client);
	ck_assert_uint_eq(tally.calls, 2);
	ck_assert_int_eq(tally.error, BH_CLASS_GATT_MISSING);
	fake_drop(&next);
	finish();
}
END_TEST

START_TEST(acknowledged)
{
	struct fake_frame *frame;
	Bh__NotifyAck *ack;
	uint32_t id;
	unsigned i;

	(void)begin(&id);
	subscribes(&worker, id, false);
	fake_send_done(&worker, id);
	for (i = 0; i < 25; i++)
		fake_notify(&worker, id, 1 + i * 10, 0, 10, 1);
	fake_settle(&fake, client);
	fake_nothing(&fake, &worker);
	fake_notify(&worker, id, 251, 0, 10, 1);
	fake_settle(&fake, client);
	frame = fake_take(&fake, &worker, BH__TYPE__NOTIFY_ACK);
	ack = bh__notify_ack__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_eq(ack->subscription, id);
	ck_assert_uint_eq(ack->seq, 260);
	bh__notify_ack__free_unpacked(ack, NULL);
	free(frame);
	fake_nothing(&fake, &worker);
	finish();
}
END_TEST

Suite *suite_resuming(void)
{
	Suite *s = suite_create("resuming");
	TCase *c = tcase_create("resuming");

	tcase_add_test(c, outlives_the_link);
	tcase_add_test(c, acknowledged);
	suite_add_tcase(s, c);
	return s;
}
