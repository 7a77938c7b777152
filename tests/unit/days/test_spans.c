/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/test_spans.c - 72 hours of those policies that need no world around them: what
 * they count stays what it is, whenever the clock began.
 */
#include <check.h>
#include <string.h>

#include "ipc/bucket.h"
#include "ipc/hist.h"
#include "ipc/log_rate.h"
#include "supervisor/decay.h"
#include "supervisor/watchdog.h"
#include "worker/link_limits.h"
#include "worker/scan_policy.h"
#include "worker/silence.h"

Suite *suite_spans(void);

enum { SECOND = 1000, HOUR = 3600 * SECOND, SPAN = 72 * HOUR };

/* As in test_days.c. */
static const uint64_t BASES_MS[] = {
	1,
	(UINT64_C(1) << 31) - SPAN / 2,
	(UINT64_C(1) << 32) - SPAN / 2,
	(UINT64_C(1) << 53) / 1000 - SPAN / 2,
};

/* Ten a second are ten a second, to the last one. */
START_TEST(test_bucket)
{
	const uint64_t base_ms = BASES_MS[_i];
	struct bucket bucket = { 0 };
	unsigned taken = 0;
	uint64_t at_ms;

	for (at_ms = 0; at_ms < SPAN; at_ms += 70)
		taken += bucket_take(&bucket, 10, base_ms + at_ms);
	ck_assert_uint_ge(taken, SPAN / SECOND * 10);
	ck_assert_uint_le(taken, SPAN / SECOND * 10 + 10);
}
END_TEST

/* Twenty lines of ten seconds are written; of the others nobody is forgotten. */
START_TEST(test_log_rate)
{
	static struct log_rate rate;
	const uint64_t base_ms = BASES_MS[_i];
	unsigned asked = 0, written = 0, told = 0;
	const char *site;
	uint64_t at_ms;

	memset(&rate, 0, sizeof(rate));
	for (at_ms = 0; at_ms < SPAN; at_ms += 250) {
		asked++;
		written += log_rate_allows(&rate, "site", base_ms + at_ms);
		told += log_rate_due(&rate, base_ms + at_ms, &site);
	}
	told += log_rate_due(&rate, base_ms + at_ms + LOG_RATE_MS, &site);
	ck_assert_uint_eq(written + told, asked);
	ck_assert_uint_eq(written, SPAN / LOG_RATE_MS * LOG_RATE_LINES);
}
END_TEST

/* A failure each half-life is two at most, and a day later none. */
START_TEST(test_decay)
{
	const uint32_t half_life_ms = 600000;
	const uint64_t base_ms = BASES_MS[_i];
	struct decay decay = { 0 };
	uint64_t at_ms;

	for (at_ms = 0; at_ms < SPAN; at_ms += half_life_ms) {
		decay_add(&decay, half_life_ms, base_ms + at_ms);
		ck_assert_uint_le(decay_value(&decay, half_life_ms, base_ms + at_ms),
				  2 * DECAY_ONE);
	}
	ck_assert_uint_ge(decay_round(decay_value(&decay, half_life_ms, base_ms + at_ms)), 1);
	ck_assert_uint_eq(decay_value(&decay, half_life_ms, base_ms + at_ms + 24 * HOUR), 0);
}
END_TEST

/* An adapter that never hears anything is reported less and less often, down to once in 2 hours. */
START_TEST(test_silence)
{
	const uint64_t base_ms = BASES_MS[_i];
	struct silence silence;
	unsigned reports = 0, last = 0;
	uint64_t at_ms;

	silence_init(&silence, SILENCE_FIRST_MS);
	silence_begin(&silence, base_ms);
	for (at_ms = 0; at_ms < SPAN; at_ms += SECOND) {
		if (silence_due(&silence, base_ms + at_ms) != SILENCE_REPORT)
			continue;
		reports++;
		last += at_ms >= SPAN - 12 * HOUR;
	}
	ck_assert_uint_ge(last, 6);
	ck_assert_uint_le(last, 13);
	ck_assert_uint_le(reports, 72 + 10);
	silence_heard(&silence, base_ms + SPAN);
	ck_assert_uint_eq(silence_due_at_ms(&silence), base_ms + SPAN + SILENCE_FIRST_MS);
}
END_TEST

/* What is stuck is cured once, and then again only when something else is stuck. */
START_TEST(test_stuck_op)
{
	const uint64_t base_ms = BASES_MS[_i];
	struct wpage_view page = { .op = WPAGE_OP_CONNECT, .op_budget_ms = 20000 };
	struct watchdog_op watch = { 0 };
	unsigned cures[WATCHDOG_CURE_RESET + 1] = { 0 };
	uint64_t at_ms;

	for (at_ms = 0; at_ms < SPAN; at_ms += SECOND) {
		page.op_started_at_ms = base_ms + at_ms / (24 * HOUR) * 24 * HOUR;
		cures[watchdog_op_look(&watch, &page, base_ms + at_ms)]++;
	}
	ck_assert_uint_eq(cures[WATCHDOG_CURE_BUS], 3);
	ck_assert_uint_eq(cures[WATCHDOG_CURE_RESET], 3);
}
END_TEST

/* A link that a keeper has ends when it is old, however much it is used; one in use never. */
START_TEST(test_link_limits)
{
	const struct rules rules = { .linger_ms = 1000, .lifetime_ms = 48 * HOUR };
	const uint64_t base_ms = BASES_MS[_i];
	struct link_limits link = { .rules = &rules, .use = LINK_USE_KEPT, .up_ms = base_ms };
	uint64_t next_ms;
	uint64_t at_ms;

	for (at_ms = 0; at_ms < SPAN; at_ms += 60 * SECOND) {
		link.used_ms = base_ms + at_ms;
		ck_assert_uint_eq(link_limits_look(&link, base_ms + at_ms, &next_ms),
				  at_ms < 48 * HOUR ? LINK_LIMIT_NONE : LINK_LIMIT_LIFETIME);
		if (at_ms < 48 * HOUR)
			ck_assert_uint_eq(next_ms, base_ms + 48 * HOUR);
	}
	link.use = LINK_USE_BUSY;
	ck_assert_uint_eq(link_limits_look(&link, base_ms + SPAN, &next_ms), LINK_LIMIT_NONE);
}
END_TEST

/* Three days of connects, a minute apart, of which those beside a discovery take 9 s. */
START_TEST(test_scan_policy)
{
	struct scan_policy policy;
	unsigned trials = 0;
	unsigned i;
	bool is_beside;

	scan_policy_init(&policy);
	for (i = 0; i < 72 * 60; i++) {
		is_beside = !scan_policy_pauses(&policy);
		trials += is_beside;
		scan_policy_took(&policy, is_beside, true, is_beside ? 9000 : 400);
	}
	ck_assert_uint_ge(trials, 5);
	ck_assert_uint_le(trials, 12);
	/* bluetoothd is a better one from now on: that is found, if late. */
	for (i = 0; i < 4 * SCAN_POLICY_TRIAL_MAX; i++) {
		is_beside = !scan_policy_pauses(&policy);
		scan_policy_took(&policy, is_beside, true, 400);
	}
	ck_assert(!scan_policy_pauses(&policy));
}
END_TEST

/* A value a second, and one that is rare: both are there after all of them. */
START_TEST(test_hist)
{
	struct hist hist = { 0 };
	uint32_t i;

	for (i = 0; i < SPAN / SECOND; i++)
		hist_add(&hist, i % 1000 == 0 ? 60000 : 200 + i % 200);
	ck_assert(hist_is_sound(&hist));
	ck_assert_uint_eq(hist.count, SPAN / SECOND);
	ck_assert_uint_eq(hist.max_ms, 60000);
	ck_assert_uint_ge(hist_percentile(&hist, 50), 285);
	ck_assert_uint_le(hist_percentile(&hist, 50), 315);
	ck_assert_uint_eq(hist_percentile(&hist, 100), 60000);
}
END_TEST

Suite *suite_spans(void)
{
	Suite *suite = suite_create("spans");
	TCase *tc = tcase_create("spans");
	size_t i;
	const TTest *const from_all[] = { test_bucket,	test_log_rate, test_decay,
					  test_silence, test_stuck_op, test_link_limits };

	for (i = 0; i < ARRAY_LEN(from_all); i++)
		tcase_add_loop_test(tc, from_all[i], 0, ARRAY_LEN(BASES_MS));
	tcase_add_test(tc, test_scan_policy);
	tcase_add_test(tc, test_hist);
	suite_add_tcase(suite, tc);
	return suite;
}
