/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What scanning decides by: readiness, silence, air, pauses. No worker, no bus. */
#include "worker/scan_air.h"
#include "worker/scan_policy.h"
#include "worker/scan_ready.h"
#include "worker/silence.h"

#include <check.h>

Suite *suite_scan_rules(void);

/* --- readiness --- */

#define START(said, discovering, fresh)                                                            \
	{                                                                                          \
		false, SCAN_REPLY_##said, discovering, fresh                                       \
	}
#define STOP(said, discovering)                                                                    \
	{                                                                                          \
		true, SCAN_REPLY_##said, discovering, false                                        \
	}

static const struct {
	struct scan_answer answer;
	enum scan_ready ready;
} READY[] = {
	{ START(OK, true, true), SCAN_READY },
	{ START(OK, false, true), SCAN_READY }, /* the property comes later */
	{ START(BUSY, true, false), SCAN_READY },
	{ START(BUSY, true, true), SCAN_READY },
	{ START(BUSY, false, false), SCAN_READY_STUCK },
	{ START(BUSY, false, true), SCAN_READY_EXTERNAL },
	{ START(BUSY_LATE, false, true), SCAN_READY_HUNG },
	{ START(BUSY_LATE, false, false), SCAN_READY_HUNG },
	{ START(ERROR, false, true), SCAN_READY_LATER },
	{ START(NONE, false, true), SCAN_READY_LATER },
	{ START(NONE, false, false), SCAN_READY_STUCK },
	{ START(NONE, true, false), SCAN_READY_LATER },
	{ STOP(OK, false), SCAN_READY },
	{ STOP(OK, true), SCAN_READY_SHARED },
	{ STOP(ERROR, false), SCAN_READY },
	{ STOP(ERROR, true), SCAN_READY_SHARED },
	{ STOP(BUSY, true), SCAN_READY_STUCK },
	{ STOP(NONE, true), SCAN_READY_STUCK },
	{ STOP(NONE, false), SCAN_READY_STUCK },
};

START_TEST(ready_rows)
{
	ck_assert_int_eq((int)scan_ready_judge(&READY[_i].answer), (int)READY[_i].ready);
}
END_TEST

/* Only a controller that does not answer is evidence against the adapter. */
START_TEST(ready_cures)
{
	enum scan_ready ready = (enum scan_ready)_i;
	const struct scan_cure *cure = scan_ready_cure(ready);

	ck_assert_int_eq(cure->class == CLASS_NO_REPLY, ready == SCAN_READY_HUNG);
	ck_assert_int_eq(cure->is_renewing, ready == SCAN_READY_STUCK);
	ck_assert_int_eq(cure->event == NULL, ready == SCAN_READY || ready == SCAN_READY_LATER);
	ck_assert_int_eq(cure->event == NULL, cure->text == NULL);
	/* Calmly: a raw scanner is not to be disturbed every few seconds. */
	ck_assert(ready != SCAN_READY_EXTERNAL || cure->rest_ms >= 10000);
}
END_TEST

/* --- silence --- */

START_TEST(silence_steps)
{
	struct silence s;

	silence_init(&s, 100);
	silence_begin(&s, 1000);
	ck_assert_int_eq((int)silence_due(&s, 1099), SILENCE_NONE);
	ck_assert_uint_eq(silence_due_at_ms(&s), 1100);
	ck_assert_int_eq((int)silence_due(&s, 1100), SILENCE_RESTART);
	ck_assert_int_eq((int)silence_due(&s, 1199), SILENCE_NONE);
	ck_assert_int_eq((int)silence_due(&s, 1200), SILENCE_REPORT);
	/* Each report doubles the patience, up to a limit. */
	ck_assert_int_eq((int)silence_due(&s, 1399), SILENCE_NONE);
	ck_assert_int_eq((int)silence_due(&s, 1400), SILENCE_REPORT);
	ck_assert_int_eq((int)silence_due(&s, 1799), SILENCE_NONE);
	ck_assert_int_eq((int)silence_due(&s, 1800), SILENCE_REPORT);
	/* A sign of life: from the beginning. */
	silence_heard(&s, 1900);
	ck_assert_int_eq((int)silence_due(&s, 1999), SILENCE_NONE);
	ck_assert_int_eq((int)silence_due(&s, 2000), SILENCE_RESTART);
}
END_TEST

/* Discovery that is paused hears nothing, and that is no silence. */
START_TEST(silence_pauses)
{
	struct silence s;

	silence_init(&s, 100);
	silence_begin(&s, 0);
	silence_end(&s, 60);
	ck_assert_int_eq((int)silence_due(&s, 5000), SILENCE_NONE);
	silence_begin(&s, 5000);
	ck_assert_uint_eq(silence_due_at_ms(&s), 5040);
	ck_assert_int_eq((int)silence_due(&s, 5039), SILENCE_NONE);
	ck_assert_int_eq((int)silence_due(&s, 5040), SILENCE_RESTART);
	/* Heard while it was paused, of another program's discovery. */
	silence_end(&s, 5090);
	silence_heard(&s, 5100);
	silence_begin(&s, 6000);
	ck_assert_uint_eq(silence_due_at_ms(&s), 6100);
	ck_assert_int_eq((int)silence_due(&s, 6100), SILENCE_RESTART);
}
END_TEST

START_TEST(silence_is_bounded)
{
	struct silence s;
	uint64_t now_ms = 0;
	unsigned reports = 0;

	silence_init(&s, SILENCE_FIRST_MS);
	silence_begin(&s, 0);
	for (; now_ms < 86400000; now_ms += 1000)
		reports += silence_due(&s, now_ms) == SILENCE_REPORT;
	ck_assert_uint_ge(reports, 24);
	ck_assert_uint_le(reports, 32);
}
END_TEST

/* --- air --- */

START_TEST(air_is_owed)
{
	struct scan_air air = { .owed_ms = 10000 };

	ck_assert(!scan_air_is_owed(&air, 99999)); /* nobody waits */
	scan_air_off(&air, 1000);
	scan_air_off(&air, 5000);
	ck_assert(!scan_air_is_owed(&air, 10999));
	ck_assert(scan_air_is_owed(&air, 11000));
	ck_assert_uint_eq(scan_air_left_ms(&air, 11000), 1000);
	/* Short runs add up to a slice. */
	scan_air_on(&air, 11000);
	scan_air_off(&air, 11400);
	ck_assert(scan_air_is_owed(&air, 12000));
	ck_assert_uint_eq(scan_air_left_ms(&air, 12000), 600);
	scan_air_on(&air, 12000);
	ck_assert(scan_air_is_owed(&air, 12599));
	ck_assert(!scan_air_is_owed(&air, 12600));
	ck_assert_uint_eq(scan_air_left_ms(&air, 13000), 0);
	scan_air_off(&air, 13000);
	ck_assert(!scan_air_is_owed(&air, 22999));
	ck_assert(scan_air_is_owed(&air, 23000));
	/* Without its lock, or unwanted, nothing is owed. */
	scan_air_forget(&air);
	ck_assert(!scan_air_is_owed(&air, 99999));
	ck_assert_uint_eq(air.owed_ms, 10000);
}
END_TEST

/* Whatever connects do: with a slice whenever one is owed, it never waits much longer than that. */
START_TEST(air_in_a_storm)
{
	struct scan_air air = { .owed_ms = 10000 };
	uint64_t now_ms = 0;
	uint64_t last_ms = 0;
	unsigned seed = 7;
	unsigned i;

	for (i = 0; i < 100000; i++) {
		seed = seed * 1103515245u + 12345u;
		scan_air_off(&air, now_ms);
		now_ms += seed >> 16 & 0x3ff;
		if (scan_air_is_owed(&air, now_ms)) {
			ck_assert_uint_le(now_ms - last_ms, 10000 + 2 * 0x400 + 1000);
			scan_air_on(&air, now_ms);
			now_ms += scan_air_left_ms(&air, now_ms);
			ck_assert(!scan_air_is_owed(&air, now_ms));
			last_ms = now_ms;
		} else if (seed >> 27 == 0) {
			scan_air_on(&air, now_ms);
			now_ms += 100;
		}
	}
	ck_assert_uint_gt(last_ms, now_ms - 20000);
}
END_TEST

/* --- pauses --- */

/* An adapter on which a connect beside discovery takes @beside_ms; how many of @n had none. */
static unsigned play_policy(struct scan_policy *policy, unsigned n, uint32_t beside_ms)
{
	unsigned n_beside = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		bool is_pausing = scan_policy_pauses(policy);

		n_beside += is_pausing ? 0 : 1;
		scan_policy_took(policy, !is_pausing, true,
				 is_pausing ? 380 + i % 5 * 10 : beside_ms);
	}
	return n_beside;
}

START_TEST(policy_learns)
{
	struct scan_policy policy;
	unsigned n;

	scan_policy_init(&policy);
	ck_assert(scan_policy_pauses(&policy));
	/* bluetoothd 5.66: 8.7 s. The trials get rare. */
	n = play_policy(&policy, 10000, 8700);
	ck_assert_uint_ge(n, 5);
	ck_assert_uint_le(n, 16);
	ck_assert(scan_policy_pauses(&policy));
	/* One that does not care: soon without. */
	scan_policy_init(&policy);
	n = play_policy(&policy, 200, 450);
	ck_assert_uint_eq(n, 200 - SCAN_POLICY_TRIAL_FIRST);
	/* It changes its mind (an update): two slow ones are enough. */
	n = play_policy(&policy, 60, 8700);
	ck_assert_uint_le(n, 3);
	ck_assert(scan_policy_pauses(&policy));
}
END_TEST

START_TEST(policy_ignores_what_tells_nothing)
{
	struct scan_policy policy;
	unsigned i;

	scan_policy_init(&policy);
	/* Another program discovers all the time: nothing to compare with. */
	for (i = 0; i < 100; i++)
		scan_policy_took(&policy, true, true, 500);
	ck_assert(scan_policy_pauses(&policy));
	scan_policy_took(&policy, false, true, 400);
	/* Given up at once, by its program. */
	for (i = 0; i < 100; i++)
		scan_policy_took(&policy, true, false, 10);
	ck_assert_uint_eq(policy.score, 0);
	ck_assert_uint_eq(policy.trial_every, SCAN_POLICY_TRIAL_FIRST);
}
END_TEST

Suite *suite_scan_rules(void)
{
	Suite *s = suite_create("scan_rules");
	TCase *c = tcase_create("scan_rules");

	tcase_add_loop_test(c, ready_rows, 0, (int)ARRAY_LEN(READY));
	tcase_add_loop_test(c, ready_cures, 0, SCAN_READY_COUNT);
	tcase_add_test(c, silence_steps);
	tcase_add_test(c, silence_pauses);
	tcase_add_test(c, silence_is_bounded);
	tcase_add_test(c, air_is_owed);
	tcase_add_test(c, air_in_a_storm);
	tcase_add_test(c, policy_learns);
	tcase_add_test(c, policy_ignores_what_tells_nothing);
	suite_add_tcase(s, c);
	return s;
}
