/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bh_connect_checked(): the checks on the wire, and again over the next worker. */
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

/* The next CONNECT: gatt, and a read of FAKE_UUID. Its id. */
static uint32_t take_checked(struct fake_peer *worker)
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
	ck_assert_int_eq(bh_connect_checked(session, 0, checks, 2, fake_on_result, &t), 0);
	/* Copied: what becomes of them afterwards does not matter. */
	memset(checks, 0xff, sizeof(checks));
	fake_send_connected(&old, take_checked(&old));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	/* The link that is had over the next worker passes them, too. */
	fake_drop(&old);
	fake_send_moved(&fake, FAKE_SESSION, 2, NULL, 0, &new);
	fake_settle(&fake, client);
	fake_send_connected(&new, take_checked(&new));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
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
	tcase_add_test(c, on_the_wire);
	tcase_add_test(c, mistakes);
	suite_add_tcase(s, c);
	return s;
}
