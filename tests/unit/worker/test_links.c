/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a link stays up: wanted, lingering, limited; and what sessions on one do to each other.
 */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "worker/link_limits.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_links(void);

enum { LONG_MS = 60000 };

static struct harness h;

static size_t attach(uint32_t session)
{
	return harness_attach(&h, session, false, HARNESS_DEVICE(0));
}

/* --- wanted --- */

/* F31: each read makes its link, and outside of them there is none. */
START_TEST(on_demand)
{
	size_t a;
	int i;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	for (i = 0; i < 100; i++) {
		ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
		harness_stat_wait(&h, "links", 0);
	}
	ck_assert_uint_eq(harness_stat(&h, "connects"), 100);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	harness_stop(&h);
}
END_TEST

/* A CONNECT holds it until it is let go, a subscription too. */
START_TEST(held)
{
	Bh__Unsubscribe unsubscribe = BH__UNSUBSCRIBE__INIT;
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t a, b;

	harness_begin(&h, 1, (const char *const[]){ "--gatt-ms", "50", NULL });
	a = attach(1);
	b = attach(2);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	id = harness_subscribe(&h, b, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__DONE);
	/* Others want it: it is answered at once, and the link stays. */
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_stat(&h, "links"), 1);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	unsubscribe.has_subscription = 1;
	unsubscribe.subscription = id;
	id = harness_send(&h, b, BH__TYPE__UNSUBSCRIBE, &unsubscribe.base);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__DONE);
	harness_stat_wait(&h, "links", 0);
	/* What is sent behind a DISCONNECT gets a link of its own. */
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	(void)harness_send_read(&h, a, 0x2a19, 10000);
	(void)harness_send(&h, a, BH__TYPE__DISCONNECT, &empty.base);
	id = harness_send_read(&h, a, 0x2a19, 10000);
	ck_assert_uint_eq(harness_wait(&h, &h.seats[a], BH__TYPE__VALUE, id)->id, id);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 3);
	harness_stop(&h);
}
END_TEST

/* Only who held it, or was subscribed, is told that it broke. */
START_TEST(told_lost)
{
	Bh__LinkLost *said;
	size_t a, b;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	b = attach(2);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	said = harness_lost(&h, a);
	ck_assert_int_eq((int)said->class_, CLASS_LINK_LOST);
	bh__link_lost__free_unpacked(said, NULL);
	/* A barrier: what was to be said to it has been said. */
	ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_count(&h.seats[b], BH__TYPE__LINK_LOST, 0), 0);
	harness_stop(&h);
}
END_TEST

/* --- lingering --- */

START_TEST(burst_shares)
{
	const struct harness_frame *f;
	Bh__Connected *connected;
	size_t a, b;
	int i;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	b = attach(2);
	harness_rules(&h, HARNESS_DEVICE(0), LONG_MS, 0, 0);
	for (i = 0; i < 5; i++) {
		ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
		ck_assert_uint_eq(harness_read(&h, b, 0x2a19)->type, BH__TYPE__VALUE);
	}
	f = harness_connect(&h, b);
	connected = bh__connected__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(connected->attempts, 0);
	bh__connected__free_unpacked(connected, NULL);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	/* Who says so ends it at once, though it could linger. */
	ck_assert_uint_eq(harness_disconnect(&h, b)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	harness_stop(&h);
}
END_TEST

/* It lingers for that long, and that is told; it ends by itself, also without any session. */
START_TEST(lingers)
{
	const struct harness_frame *f;
	Bh__Ctl__Link *link;
	uint64_t at_ms;
	size_t a;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	harness_rules(&h, HARNESS_DEVICE(0), 400, 0, 0);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	at_ms = clock_now_ms();
	if (_i == 1) {
		ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
		at_ms = clock_now_ms();
		h.seats[a].chan = chan_free(h.seats[a].chan);
		h.seats[a].is_over = true;
	}
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	link = bh__ctl__link__unpack(NULL, f->len, f->body);
	ck_assert(link->up && link->idle);
	ck_assert_uint_eq(link->sessions, 0);
	bh__ctl__link__free_unpacked(link, NULL);
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	link = bh__ctl__link__unpack(NULL, f->len, f->body);
	ck_assert(!link->up);
	ck_assert_int_eq((int)link->class_, CLASS_NONE);
	bh__ctl__link__free_unpacked(link, NULL);
	ck_assert_uint_ge(clock_now_ms() - at_ms, 300);
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* A link that nobody was given is not kept for a burst. */
START_TEST(not_given)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	Bh__Check check = BH__CHECK__INIT, *list = &check;
	uint8_t uuid[16] = { 0x12, 0x34 };
	size_t a;
	uint32_t id;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	harness_rules(&h, HARNESS_DEVICE(0), LONG_MS, 0, 0);
	check.has_kind = check.has_uuid = 1;
	check.kind = BH__CHECK_KIND__CHECK_CHARACTERISTIC;
	check.uuid.data = uuid;
	check.uuid.len = 16;
	connect.checks = &list;
	connect.n_checks = 1;
	connect.has_timeout_ms = 1;
	connect.timeout_ms = 600;
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	ck_assert_int_ge(harness_class(harness_answer(&h, a, id)), 0);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* --- limits --- */

/* F60: not used for so long it ends, and its holder is told why; used, it stays. */
START_TEST(idle_limit)
{
	Bh__LinkLost *said;
	uint64_t at_ms;
	size_t a;
	int i;

	harness_begin(&h, 1, NULL);
	a = attach(1);
	harness_rules(&h, HARNESS_DEVICE(0), 0, 600, 0);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	for (i = 0; i < 5; i++) {
		harness_pump(&h, 200);
		ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	}
	at_ms = clock_now_ms();
	said = harness_lost(&h, a);
	ck_assert_int_eq((int)said->class_, CLASS_LIMIT);
	ck_assert_ptr_nonnull(strstr(said->text, "not used for 0.6 s"));
	bh__link_lost__free_unpacked(said, NULL);
	ck_assert_uint_ge(clock_now_ms() - at_ms, 500);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

/* A request that takes longer than both limits is answered first; then the old link ends. */
START_TEST(busy_is_not_cut)
{
	const char *const options[] = { "--gatt-ms", "900", NULL };
	Bh__LinkLost *said;
	size_t a;

	harness_begin(&h, 1, options);
	a = attach(1);
	harness_rules(&h, HARNESS_DEVICE(0), 0, 300, 300);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	said = harness_lost(&h, a);
	ck_assert_int_eq((int)said->class_, CLASS_LIMIT);
	ck_assert_ptr_nonnull(strstr(said->text, "lifetime_ms"));
	bh__link_lost__free_unpacked(said, NULL);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	harness_stop(&h);
}
END_TEST

/* A subscription is use: it outlives the lifetime; and its values do so for the idle limit. */
START_TEST(subscribed_is_not_cut)
{
	const char *const options[] = { "--notify-ms", "100", NULL };
	uint64_t until_ms;
	uint32_t id;
	size_t a;

	harness_begin(&h, 1, options);
	a = attach(1);
	harness_rules(&h, HARNESS_DEVICE(0), 0, 1000, 300);
	id = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__DONE);
	until_ms = clock_now_ms() + 2000;
	while (clock_now_ms() < until_ms)
		ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__NOTIFIED);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__LINK_LOST, 0), 0);
	harness_stop(&h);
}
END_TEST

/* The whole truth of the policy, without a clock. */
START_TEST(policy)
{
	static const struct {
		enum link_use use;
		bool is_subscribed;
		uint64_t used_ms, unwanted_ms, now_ms;
		enum link_limit limit;
		uint64_t next_ms;
	} ROWS[] = {
		/* up since 1000; lingers 100, idle 500, lifetime 2000 */
		{ LINK_USE_BUSY, false, 1000, 0, 99999, LINK_LIMIT_NONE, UINT64_MAX },
		{ LINK_USE_NONE, false, 0, 1000, 1000, LINK_LIMIT_UNWANTED, UINT64_MAX },
		{ LINK_USE_NONE, false, 1000, 1050, 1149, LINK_LIMIT_NONE, 1150 },
		{ LINK_USE_NONE, false, 1000, 1050, 1150, LINK_LIMIT_UNWANTED, UINT64_MAX },
		{ LINK_USE_NONE, false, 2950, 2950, 3000, LINK_LIMIT_UNWANTED, 3050 },
		{ LINK_USE_HELD, false, 1200, 0, 1699, LINK_LIMIT_NONE, 1700 },
		{ LINK_USE_HELD, false, 1200, 0, 1700, LINK_LIMIT_IDLE, 3000 },
		{ LINK_USE_HELD, true, 1200, 0, 1700, LINK_LIMIT_IDLE, UINT64_MAX },
		{ LINK_USE_HELD, false, 2900, 0, 2999, LINK_LIMIT_NONE, 3000 },
		{ LINK_USE_HELD, false, 2900, 0, 3000, LINK_LIMIT_LIFETIME, UINT64_MAX },
		{ LINK_USE_HELD, true, 2900, 0, 3000, LINK_LIMIT_NONE, 3400 },
		{ LINK_USE_KEPT, false, 1200, 0, 1700, LINK_LIMIT_NONE, 3000 },
		{ LINK_USE_KEPT, false, 1200, 0, 3000, LINK_LIMIT_LIFETIME, UINT64_MAX },
	};
	const struct rules rules = { .linger_ms = 100, .idle_ms = 500, .lifetime_ms = 2000 };
	const struct rules none = { .linger_ms = 0 };
	struct link_limits link = { .rules = &rules,
				    .use = ROWS[_i].use,
				    .is_subscribed = ROWS[_i].is_subscribed,
				    .up_ms = 1000,
				    .used_ms = ROWS[_i].used_ms,
				    .unwanted_ms = ROWS[_i].unwanted_ms };
	uint64_t next_ms;

	ck_assert_int_eq((int)link_limits_look(&link, ROWS[_i].now_ms, &next_ms),
			 (int)ROWS[_i].limit);
	ck_assert_uint_eq(next_ms, ROWS[_i].next_ms);
	/* Without rules nothing is limited, and nothing lingers. */
	link.rules = &none;
	ck_assert_int_eq((int)link_limits_look(&link, ROWS[_i].now_ms, &next_ms),
			 (int)(link.use == LINK_USE_NONE ? LINK_LIMIT_UNWANTED : LINK_LIMIT_NONE));
	ck_assert_uint_eq(next_ms, UINT64_MAX);
}
END_TEST

enum { POLICY_ROWS = 13 };

Suite *suite_links(void)
{
	Suite *s = suite_create("links");
	TCase *c = tcase_create("links");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, on_demand);
	tcase_add_test(c, held);
	tcase_add_test(c, told_lost);
	tcase_add_test(c, burst_shares);
	tcase_add_loop_test(c, lingers, 0, 2);
	tcase_add_test(c, not_given);
	tcase_add_test(c, idle_limit);
	tcase_add_test(c, busy_is_not_cut);
	tcase_add_test(c, subscribed_is_not_cut);
	tcase_add_loop_test(c, policy, 0, POLICY_ROWS);
	suite_add_tcase(s, c);
	return s;
}
