/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/client/test_cache.c - answers from memory: said, not wanted, forgotten. */
#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_cache(void);

static struct fake fake;
static struct fake_peer worker;
static struct bh_client *client;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_drop(&worker);
	fake_close(&fake);
}

static struct bh_timings told;

static void on_result(void *ctx, const struct bh_result *result)
{
	told = result->timings;
	fake_on_result(ctx, result);
}

/* The next READ; its id. */
static uint32_t take_read(bool is_fresh)
{
	struct fake_frame *frame = fake_take(&fake, &worker, BH__TYPE__READ);
	Bh__Read *read = bh__read__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert_ptr_nonnull(read);
	ck_assert_int_eq(read->fresh, is_fresh);
	bh__read__free_unpacked(read, NULL);
	free(frame);
	return id;
}

static uint32_t take_services(bool is_fresh, uint32_t timeout_ms)
{
	struct fake_frame *frame = fake_take(&fake, &worker, BH__TYPE__SERVICES_REQUEST);
	Bh__ServicesRequest *msg = bh__services_request__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert_ptr_nonnull(msg);
	ck_assert_int_eq(msg->fresh, is_fresh);
	ck_assert_uint_le(msg->timeout_ms, timeout_ms);
	ck_assert_int_eq(msg->timeout_ms > 0, timeout_ms > 0);
	bh__services_request__free_unpacked(msg, NULL);
	free(frame);
	return id;
}

START_TEST(fresh)
{
	static struct fake_tally t;
	struct bh_session *session = fake_session(&fake, client, &worker);
	Bh__Timings timings = BH__TIMINGS__INIT;
	Bh__Value value = BH__VALUE__INIT;
	uint32_t id;

	bh_fresh(session, _i);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, on_result, &t), 0);
	id = take_read(_i);
	timings.has_cached = timings.cached = 1;
	value.timings = &timings;
	value.has_value = 1;
	fake_send(&worker, BH__TYPE__VALUE, id, &value.base, -1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	/* It is no time that was waited for, not even here. */
	ck_assert(told.is_cached);
	ck_assert_uint_eq(told.total_ms, 0);
	ck_assert_int_eq(bh_services(session, NULL, on_result, &t), 0);
	fake_send_done(&worker, take_services(_i, 0));
	ck_assert_int_eq(bh_services_within(session, 5000, NULL, on_result, &t), 0);
	fake_send_done(&worker, take_services(_i, 5000));
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 3);
	ck_assert(!told.is_cached);
}
END_TEST

START_TEST(cleared)
{
	static struct fake_tally t;
	struct fake_frame *frame;
	Bh__CacheClear *msg;
	uint32_t id;

	ck_assert_int_eq(bh_clear_cache(client, FAKE_ADDRESS, BH_CLEAR_BLUEZ, fake_on_result, &t),
			 0);
	frame = fake_take(&fake, &fake.control, BH__TYPE__CACHE_CLEAR);
	msg = bh__cache_clear__unpack(NULL, frame->len, frame->body);
	id = frame->id;
	ck_assert_uint_eq(msg->address, FAKE_ADDRESS);
	ck_assert(msg->bluez && !msg->bond);
	bh__cache_clear__free_unpacked(msg, NULL);
	free(frame);
	fake_send_done(&fake.control, id);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
}
END_TEST

START_TEST(mistakes)
{
	ck_assert_int_eq(bh_clear_cache(client, 0, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_clear_cache(client, 1ull << 48, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_clear_cache(client, FAKE_ADDRESS, BH_CLEAR_BOND, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_clear_cache(client, FAKE_ADDRESS, 4, NULL, NULL), -EINVAL);
}
END_TEST

Suite *suite_cache(void)
{
	Suite *s = suite_create("cache");
	TCase *c = tcase_create("cache");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, fresh, 0, 2);
	tcase_add_test(c, cleared);
	tcase_add_test(c, mistakes);
	suite_add_tcase(s, c);
	return s;
}
