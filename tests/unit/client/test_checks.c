/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bh_connect_checked(), bh_connect_rejected(), bh_exclusive(): what is on the wire, and again over
 * the next worker.
 */
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_checks(void);

static struct fake fake;
static struct bh_client *client;
static struct fake_peer old;
static struct fake_peer new;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_drop(&old);
	fake_drop(&new);
	fake_close(&fake);
}

static bool is_exclusive; /* what every CONNECT is to be */

/* The next CONNECT: gatt, and a read of FAKE_UUID. Its id. @rejects: why; NULL: it does not. */
static uint32_t take_connect(struct fake_peer *worker, const char *rejects)
{
	struct fake_frame *frame = fake_take(&fake, worker, BH__TYPE__CONNECT);
	Bh__Connect *connect = bh__connect__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert_ptr_nonnull(connect);
	ck_assert_uint_eq(connect->n_checks, 2);
	ck_assert_int_eq((int)connect->checks[0]->kind, BH__CHECK_KIND__CHECK_GATT);
	ck_assert(!connect->checks[0]->has_uuid);
	ck_assert_int_eq((int)connect->checks[1]->kind, BH__CHECK_KIND__CHECK_READ);
	ck_assert_uint_eq(connect->checks[1]->uuid.len, 16);
	ck_assert_mem_eq(connect->checks[1]->uuid.data, FAKE_UUID.octets, 16);
	ck_assert_int_eq(connect->rejects, rejects != NULL);
	ck_assert_pstr_eq(connect->reject_text, rejects);
	ck_assert_int_eq(connect->exclusive, is_exclusive);
	bh__connect__free_unpacked(connect, NULL);
	free(frame);
	return id;
}

START_TEST(on_the_wire)
{
	static struct fake_tally t;
	struct bh_check checks[2] = { { .kind = BH_CHECK_GATT }, { .kind = BH_CHECK_READ } };
	struct bh_session *session = fake_session(&fake, client, &old);

	checks[1].uuid = FAKE_UUID;
	is_exclusive = _i;
	bh_exclusive(session, is_exclusive);
	ck_assert_int_eq(bh_connect_checked(session, 0, checks, 2, fake_on_result, &t), 0);
	/* Copied: what becomes of them afterwards does not matter. */
	memset(checks, 0xff, sizeof(checks));
	fake_send_connected(&old, take_connect(&old, NULL));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	/* The link that is had over the next worker passes them, too. */
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_send_connected(&new, take_connect(&new, NULL));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

/* --- a check of the program's own --- */

static struct bh_session *begin_checked(void)
{
	struct bh_check checks[2] = { { .kind = BH_CHECK_GATT }, { .kind = BH_CHECK_READ } };
	struct bh_session *session = fake_session(&fake, client, &old);

	checks[1].uuid = FAKE_UUID;
	ck_assert_int_eq(bh_connect_checked(session, 0, checks, 2, NULL, NULL), 0);
	fake_send_connected(&old, take_connect(&old, NULL));
	fake_settle(&fake, client);
	return session;
}

START_TEST(rejected)
{
	static struct fake_tally t;
	struct bh_session *session = begin_checked();

	ck_assert_int_eq(bh_connect_rejected(session, "old firmware", 0, fake_on_result, &t), 0);
	fake_send_connected(&old, take_connect(&old, "old firmware"));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
	ck_assert_int_eq(bh_connect_rejected(session, "again", 0, fake_on_result, &t), 0);
	fake_send_error(&old, take_connect(&old, "again"), BH__CLASS__CLASS_VALIDATION, "none");
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 2);
	ck_assert_int_eq(t.error, BH_CLASS_VALIDATION);
	fake_nothing(&fake, &old);
}
END_TEST

/* The link that the next worker has is not the one that was rejected. */
START_TEST(rejected_and_moved)
{
	static struct fake_tally t;
	struct bh_session *session = begin_checked();

	ck_assert_int_eq(bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, NULL, &t, NULL), 0);
	fake_send_done(&old, fake_take_id(&fake, &old, BH__TYPE__SUBSCRIBE));
	fake_settle(&fake, client);
	ck_assert_int_eq(bh_connect_rejected(session, "old firmware", 0, fake_on_result, &t), 0);
	(void)take_connect(&old, "old firmware");
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_send_connected(&new, take_connect(&new, NULL));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
	fake_nothing(&fake, &new);
	/* That one can be. */
	ck_assert_int_eq(bh_connect_rejected(session, "this too", 0, fake_on_result, &t), 0);
	(void)take_connect(&new, "this too");
}
END_TEST

static struct bh_session *noticing;

static void reject_at_once(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	fake_on_notify(ctx, value, len, seq, lost);
	ck_assert_int_eq(bh_connect_rejected(noticing, "odd value", 0, NULL, NULL), 0);
}

/* Its subscriptions end with the link, from the call on, and without a word. */
START_TEST(rejected_in_a_notification)
{
	static struct fake_tally subscribed;
	struct bh_session *session = begin_checked();
	uint32_t id;

	noticing = session;
	ck_assert_int_eq(bh_subscribe(session, &FAKE_UUID, 0, reject_at_once, fake_on_result,
				      &subscribed, &id),
			 0);
	fake_send_done(&old, fake_take_id(&fake, &old, BH__TYPE__SUBSCRIBE));
	fake_settle(&fake, client);
	fake_notify(&old, id, 1, 0, 3, 7);
	fake_settle(&fake, client);
	ck_assert_uint_eq(subscribed.items, 1);
	ck_assert_int_eq(bh_unsubscribe(session, id, NULL, NULL), -ENOENT);
	fake_send_link_lost(&old);
	fake_send_connected(&old, take_connect(&old, "odd value"));
	fake_notify(&old, id, 4, 0, 1, 10);
	fake_settle(&fake, client);
	ck_assert_uint_eq(subscribed.items, 1);
	ck_assert_uint_eq(subscribed.calls, 1);
	/* The next worker hears of the link only. */
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_send_connected(&new, take_connect(&new, NULL));
	fake_settle(&fake, client);
	fake_nothing(&fake, &new);
}
END_TEST

START_TEST(rejected_oddly)
{
	struct bh_session *session = begin_checked();
	char why[BH_WHY_LEN + 1];

	memset(why, 'x', sizeof(why));
	why[BH_WHY_LEN] = '\0';
	ck_assert_int_eq(bh_connect_rejected(session, why, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_connect_rejected(session, "two\nlines", 0, NULL, NULL), -EINVAL);
	fake_nothing(&fake, &old);
	why[BH_WHY_LEN - 1] = '\0';
	ck_assert_int_eq(bh_connect_rejected(session, why, 0, NULL, NULL), 0);
	(void)take_connect(&old, why);
}
END_TEST

START_TEST(mistakes)
{
	struct bh_check checks[BH_CHECKS_MAX + 1];
	struct bh_session *session = fake_session(&fake, client, &old);
	size_t i;

	for (i = 0; i < ARRAY_LEN(checks); i++)
		checks[i] = (struct bh_check){ .kind = BH_CHECK_GATT };
	ck_assert_int_eq(bh_connect_checked(session, 0, checks, ARRAY_LEN(checks), NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(bh_connect_checked(session, 0, NULL, 1, NULL, NULL), -EINVAL);
	checks[0].kind = (enum bh_check_kind)4;
	ck_assert_int_eq(bh_connect_checked(session, 0, checks, 1, NULL, NULL), -EINVAL);
	fake_nothing(&fake, &old);
}
END_TEST

Suite *suite_checks(void)
{
	Suite *s = suite_create("checks");
	TCase *c = tcase_create("checks");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, on_the_wire, 0, 2);
	tcase_add_test(c, rejected);
	tcase_add_test(c, rejected_and_moved);
	tcase_add_test(c, rejected_in_a_notification);
	tcase_add_test(c, rejected_oddly);
	tcase_add_test(c, mistakes);
	suite_add_tcase(s, c);
	return s;
}
