/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/client/test_strategy.c - asking for a strategy, and choosing one. */
#include <stdio.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_strategy(void);

static struct fake fake;
static struct bh_client *client;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_close(&fake);
}

static struct bh_device seen;
static char keeper[32];

static void on_device(void *ctx, const struct bh_device *device)
{
	((struct fake_tally *)ctx)->items++;
	seen = *device;
	(void)snprintf(keeper, sizeof(keeper), "%s", device->keeper);
}

/* What it asked; its id. */
static uint32_t take(Bh__StrategySet *out)
{
	struct fake_frame *frame = fake_take(&fake, &fake.control, BH__TYPE__STRATEGY_SET);
	Bh__StrategySet *msg = bh__strategy_set__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert_ptr_nonnull(msg);
	*out = *msg;
	bh__strategy_set__free_unpacked(msg, NULL);
	free(frame);
	return id;
}

static void answer(uint32_t id, int strategy)
{
	Bh__Device msg = BH__DEVICE__INIT;

	msg.has_address = msg.has_strategy = msg.has_check_interval_ms = true;
	msg.address = FAKE_ADDRESS;
	msg.strategy = (Bh__Strategy)strategy;
	msg.check_interval_ms = 5000;
	msg.keeper = (char *)(uintptr_t) "held";
	fake_send(&fake.control, BH__TYPE__DEVICE, id, &msg.base, -1);
	fake_send_done(&fake.control, id);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
}

START_TEST(get_and_set)
{
	static struct fake_tally t;
	Bh__StrategySet msg;
	uint32_t id;

	ck_assert_int_eq(bh_strategy_get(client, FAKE_ADDRESS, on_device, fake_on_result, &t), 0);
	id = take(&msg);
	ck_assert_uint_eq(msg.address, FAKE_ADDRESS);
	ck_assert(!msg.has_strategy && !msg.has_check_interval_ms);
	answer(id, BH__STRATEGY__STRATEGY_PERSISTENT);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(seen.strategy, BH_STRATEGY_PERSISTENT);
	ck_assert_uint_eq(seen.check_interval_ms, 5000);
	ck_assert_str_eq(keeper, "held");
	ck_assert_int_eq(bh_strategy_set(client, FAKE_ADDRESS, BH_STRATEGY_ON_DEMAND, 0, NULL,
					 fake_on_result, &t),
			 0);
	id = take(&msg);
	ck_assert(msg.has_strategy && msg.has_check_interval_ms);
	ck_assert_int_eq(msg.strategy, BH__STRATEGY__STRATEGY_ON_DEMAND);
	ck_assert_uint_eq(msg.check_interval_ms, 0);
	answer(id, 77);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.calls, 2);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
}
END_TEST

START_TEST(refused)
{
	static struct fake_tally t;
	Bh__StrategySet msg;

	ck_assert_int_eq(bh_strategy_get(client, 0, on_device, fake_on_result, &t), -EINVAL);
	ck_assert_int_eq(bh_strategy_get(client, 1ull << 48, on_device, fake_on_result, &t),
			 -EINVAL);
	ck_assert_int_eq(
		bh_strategy_set(client, FAKE_ADDRESS, (enum bh_strategy)3, 0, NULL, NULL, NULL),
		-EINVAL);
	ck_assert_int_eq(bh_strategy_set(client, FAKE_ADDRESS, BH_STRATEGY_UNKNOWN, 86400001, NULL,
					 NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(bh_strategy_set(client, FAKE_ADDRESS, BH_STRATEGY_PERSISTENT,
					 BH_INTERVAL_SAME, NULL, fake_on_result, &t),
			 0);
	fake_send_error(&fake.control, take(&msg), BH__CLASS__CLASS_INVALID, "no");
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_INVALID);
}
END_TEST

START_TEST(fail_fast)
{
	struct bh_session *sessions[2];
	struct fake_frame *frame;
	Bh__SessionOpen *msg;
	int i;

	for (i = 0; i < 2; i++) {
		bh_fail_fast(client, i == 0);
		ck_assert_int_eq(bh_session_open(&sessions[i], client, FAKE_ADDRESS, NULL, 0, NULL,
						 NULL, NULL),
				 0);
		frame = fake_take(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
		msg = bh__session_open__unpack(NULL, frame->len, frame->body);
		ck_assert_ptr_nonnull(msg);
		ck_assert_int_eq(msg->fail_fast, i == 0);
		bh__session_open__free_unpacked(msg, NULL);
		free(frame);
	}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(bh_strategy_name(BH_STRATEGY_UNKNOWN), "");
	ck_assert_str_eq(bh_strategy_name(BH_STRATEGY_ON_DEMAND), "on-demand");
	ck_assert_str_eq(bh_strategy_name(BH_STRATEGY_PERSISTENT), "persistent");
	ck_assert_str_eq(bh_strategy_name((enum bh_strategy)9), "");
}
END_TEST

Suite *suite_strategy(void)
{
	Suite *suite = suite_create("strategy");
	TCase *tc = tcase_create("strategy");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, get_and_set);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, fail_fast);
	tcase_add_test(tc, names);
	suite_add_tcase(suite, tc);
	return suite;
}
