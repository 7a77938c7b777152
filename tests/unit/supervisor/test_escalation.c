/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_escalation.c - what follows a failed attempt: rung by rung.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/errors.h"
#include "tests/unit/supervisor/escalation_case.h"

Suite *suite_escalation(void);

enum { B = 2 };

static struct escalation_answer fail_n(const struct profile *profile,
				       const struct escalation_failure *f, unsigned n,
				       uint64_t now_ms)
{
	struct escalation_answer answer = { .step = ESCALATION_NOTHING };

	while (n-- > 0)
		answer = escalation_failed(esc, profile, f, now_ms, 200);
	return answer;
}

/* --- the rungs --- */

static const struct {
	const char *profile;
	bool has_other;
	enum escalation_step steps[7];
} LADDERS[] = {
	{ "battery",
	  false,
	  { ESCALATION_RETRY, ESCALATION_CLEAR, ESCALATION_CLEAR, ESCALATION_CLEAR,
	    ESCALATION_CLEAR, ESCALATION_RESET, ESCALATION_RETRY } },
	{ "battery",
	  true,
	  { ESCALATION_RETRY, ESCALATION_CLEAR, ESCALATION_ROTATE, ESCALATION_ROTATE,
	    ESCALATION_ROTATE, ESCALATION_ROTATE, ESCALATION_RETRY } },
	{ "sensor",
	  false,
	  { ESCALATION_RETRY, ESCALATION_CLEAR, ESCALATION_CLEAR, ESCALATION_CLEAR,
	    ESCALATION_CLEAR, ESCALATION_CLEAR, ESCALATION_CLEAR } },
	{ "on-demand",
	  true,
	  { ESCALATION_ROTATE, ESCALATION_ROTATE, ESCALATION_ROTATE, ESCALATION_ROTATE,
	    ESCALATION_ROTATE, ESCALATION_ROTATE, ESCALATION_ROTATE } },
	{ "on-demand",
	  false,
	  { ESCALATION_RETRY, ESCALATION_RETRY, ESCALATION_RETRY, ESCALATION_RETRY,
	    ESCALATION_RETRY, ESCALATION_RETRY, ESCALATION_RETRY } },
};

START_TEST(test_ladder)
{
	const struct profile *profile = profiles_find(&profiles, LADDERS[_i].profile);
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;
	unsigned n;

	f.other = LADDERS[_i].has_other ? B : ESCALATION_NOBODY;
	for (n = 0; n < 7; n++) {
		answer = escalation_failed(esc, profile, &f, 1000 + n, 0);
		ck_assert_msg(answer.step == LADDERS[_i].steps[n], "%s, failure %u: %s, not %s",
			      profile->name, n + 1, escalation_step_name(answer.step),
			      escalation_step_name(LADDERS[_i].steps[n]));
		/* While it is being reset what happens there says nothing. */
		ck_assert_uint_eq(answer.failures, n < 6 || profile != battery ? n + 1 : 6);
	}
}
END_TEST

/* What a class says helps at once does not wait for its count, but its profile allows it. */
START_TEST(test_hints)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_OUT_OF_SLOTS);

	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_RETRY);
	f.other = B;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_ROTATE);
	f.class = CLASS_BUSY_SAME_DEVICE;
	f.address = OTHER;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_CLEAR);
	f.address++;
	ck_assert_int_eq(fail_n(on_demand, &f, 1, 1000).step, ESCALATION_ROTATE);
	/* Hopeless here, but not elsewhere. */
	f = case_failure(DEVICE + 100, CLASS_NOT_POWERED);
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
	f.other = B;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_ROTATE);
	f = case_failure(DEVICE + 101, CLASS_KEY_MISSING);
	f.other = B;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
}
END_TEST

/* It goes where it failed less, stays there for a while, and its attempts are one request's. */
START_TEST(test_rotation)
{
	static const struct {
		uint16_t on;
		enum escalation_step step;
	} EXPECTED[] = {
		{ A, ESCALATION_RETRY },  { A, ESCALATION_CLEAR }, { A, ESCALATION_ROTATE },
		{ B, ESCALATION_RETRY },  { B, ESCALATION_CLEAR }, { B, ESCALATION_CLEAR },
		{ B, ESCALATION_ROTATE }, { A, ESCALATION_CLEAR }, { A, ESCALATION_ROTATE },
	};
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;
	uint32_t attempt = 0;
	unsigned n;

	for (n = 0; n < ARRAY_LEN(EXPECTED); n++) {
		attempt = n > 0 && EXPECTED[n].on == f.adapter ? attempt + 1 : 1;
		f.adapter = EXPECTED[n].on;
		f.other = f.adapter == A ? B : A;
		f.attempt = attempt;
		answer = escalation_failed(esc, sensor, &f, 1000, 0);
		ck_assert_msg(answer.step == EXPECTED[n].step, "failure %u: %s", n + 1,
			      escalation_step_name(answer.step));
		ck_assert_uint_eq(answer.attempt, n + 1);
	}
	ck_assert_int_eq(answer.tried, ESCALATION_CLEAR);
}
END_TEST

/* Another request begins at one, whatever the one before did. */
START_TEST(test_attempts_of_one_request)
{
	struct escalation_limits limits = CASE_LIMITS;
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	limits.attempts = 4;
	case_begin_with(&limits);
	f.other = B;
	f.attempt = 3;
	ck_assert_int_eq(fail_n(sensor, &f, 3, 1000).step, ESCALATION_ROTATE);
	f.adapter = B;
	f.other = A;
	f.attempt = 1;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
	ck_assert_uint_eq(fail_n(sensor, &f, 1, 1000).attempt, 1);
	/* Of the same session, but that request's time is over. */
	f.attempt = 3;
	f.left_ms = 5000;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_CLEAR);
	f = case_failure(OTHER, CLASS_ABORTED_LOCAL);
	f.other = B;
	f.left_ms = 1000;
	ck_assert_int_eq(fail_n(sensor, &f, 3, 1000).step, ESCALATION_ROTATE);
	f.adapter = B;
	f.since_ms = 2001;
	ck_assert_uint_eq(fail_n(sensor, &f, 1, 2001).attempt, 1);
	f.attempt = 0;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 2001).step, ESCALATION_GIVE_UP);
}
END_TEST

START_TEST(test_success_clears)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	ck_assert_int_eq(fail_n(battery, &f, 5, 1000).step, ESCALATION_CLEAR);
	ck_assert_int_eq(escalation_worked(esc, DEVICE, A, 1000), ESCALATION_CLEAR);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, 1000), 0);
	ck_assert_int_eq(fail_n(battery, &f, 1, 1000).step, ESCALATION_RETRY);
	ck_assert_int_eq(escalation_worked(esc, DEVICE, A, 1000), ESCALATION_NOTHING);
	/* What happened elsewhere still tells where not to go. */
	f.adapter = B;
	(void)fail_n(battery, &f, 1, 1000);
	(void)escalation_worked(esc, DEVICE, A, 1000);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, B, 1000), 256);
	f.adapter = A;
	/* Nor is it held against the adapter. */
	ck_assert_int_ne(fail_n(battery, &f, 5, 1000).step, ESCALATION_RESET);
}
END_TEST

/* A link that came up and did not pass its check was no success: all is counted on. */
START_TEST(test_success_taken_back)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_VALIDATION);
	struct escalation_answer answer = { .step = ESCALATION_NOTHING };

	f.other = B;
	f.came_up = true;
	for (; f.attempt <= 3; f.attempt++) {
		(void)escalation_worked(esc, DEVICE, A, 1000);
		answer = escalation_failed(esc, sensor, &f, 1000, 0);
		ck_assert_uint_eq(answer.failures, f.attempt);
	}
	ck_assert_int_eq(answer.step, ESCALATION_ROTATE);
	(void)escalation_worked(esc, DEVICE, B, 1000);
	f.adapter = B;
	f.other = A;
	f.attempt = 1;
	answer = escalation_failed(esc, sensor, &f, 1000, 0);
	ck_assert_uint_eq(answer.attempt, 4);
	ck_assert_uint_eq(answer.failures, 1);
	/* One that was used until it broke was a success. */
	(void)escalation_worked(esc, DEVICE, B, 1000);
	f.came_up = false;
	f.class = CLASS_ABORTED_REMOTE;
	ck_assert_uint_eq(escalation_failed(esc, sensor, &f, 1000, 0).failures, 1);
}
END_TEST

START_TEST(test_failures_decay)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	uint64_t now_ms = 1000;
	unsigned i;

	ck_assert_int_eq(fail_n(battery, &f, 5, now_ms).step, ESCALATION_CLEAR);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, now_ms + CASE_LIMITS.half_life_ms),
			  5 * 128);
	now_ms += 5ull * CASE_LIMITS.half_life_ms;
	ck_assert_int_eq(fail_n(battery, &f, 1, now_ms).step, ESCALATION_RETRY);
	/* One in an hour, for ever: nothing worse than a retry. */
	for (i = 0; i < 1000; i++) {
		now_ms += 3600000;
		ck_assert_int_eq(fail_n(battery, &f, 1, now_ms).step, ESCALATION_RETRY);
	}
}
END_TEST

START_TEST(test_gives_up)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	int class;

	for (class = 0; class < CLASS_COUNT; class ++) {
		f.class = (enum err_class) class;
		f.address = 1 + (uint64_t) class;
		ck_assert((fail_n(sensor, &f, 1, 1000).step == ESCALATION_GIVE_UP) ==
			  (errors_backoff(f.class) == 0));
	}
	f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	f.left_ms = 500;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
	f.left_ms = 550;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_CLEAR);
	f.attempt = CASE_LIMITS.attempts;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
}
END_TEST

/* --- resets --- */

/* On a machine that was just started there was no reset yet: no cooldown runs. */
START_TEST(test_first_reset_at_boot)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer = fail_n(battery, &f, 6, 1);

	ck_assert(answer.is_reset_due);
	ck_assert_str_eq(answer.why, "nothing else is on it");
}
END_TEST

static const struct {
	bool is_heard, is_alone, is_carrying, has_second, is_silent, others_worked, resets;
	enum err_class class;
} EVIDENCE[] = {
	{ .is_heard = true, .is_alone = true, .resets = true },
	{ .is_heard = true }, /* others are there */
	{ .is_alone = true }, /* perhaps it is off */
	{ .is_alone = true, .class = CLASS_NO_REPLY, .resets = true },
	{ .is_heard = true, .has_second = true, .resets = true },
	{ .is_heard = true, .has_second = true, .is_carrying = true }, /* full? */
	{ .is_heard = true, .is_carrying = true, .is_silent = true, .resets = true },
	{ .has_second = true },
	{ .is_heard = true, .is_alone = true, .others_worked = true },
	{ .is_heard = true, .is_alone = true, .class = CLASS_OUT_OF_SLOTS },
	{ .is_heard = true, .is_alone = true, .class = CLASS_BLUEZ_GONE },
};

START_TEST(test_evidence)
{
	struct escalation_failure f =
		case_failure(DEVICE, EVIDENCE[_i].class ? EVIDENCE[_i].class : CLASS_NOT_FOUND);

	f.is_heard = EVIDENCE[_i].is_heard;
	f.is_alone = EVIDENCE[_i].is_alone;
	f.is_carrying = EVIDENCE[_i].is_carrying;
	if (EVIDENCE[_i].others_worked)
		(void)escalation_worked(esc, OTHER, A, 1000);
	if (EVIDENCE[_i].is_silent)
		escalation_sick(esc, A, ESCALATION_SILENT, 1000);
	if (EVIDENCE[_i].has_second) {
		f.address = OTHER;
		ck_assert(!fail_n(battery, &f, 2, 1000).is_reset_due);
		f.address = DEVICE;
		ck_assert(!fail_n(battery, &f, 3, 1000).is_reset_due);
	} else
		ck_assert(!fail_n(battery, &f, 5, 1000).is_reset_due);
	ck_assert(fail_n(battery, &f, 1, 1000).is_reset_due == EVIDENCE[_i].resets);
}
END_TEST

/* The session goes where it is served; the adapter is mended meanwhile. */
START_TEST(test_rotates_and_resets)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;

	f.other = B;
	answer = fail_n(battery, &f, 6, 1000);
	ck_assert_int_eq(answer.step, ESCALATION_ROTATE);
	ck_assert(answer.is_reset_due);
}
END_TEST

START_TEST(test_cooldown_and_budget)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	uint64_t now_ms = 1000;
	uint64_t last_ms = 0;
	unsigned resets = 0;

	for (; now_ms < 3600000; now_ms += 5000) {
		if (!escalation_failed(esc, battery, &f, now_ms, 0).is_reset_due)
			continue;
		ck_assert(last_ms == 0 || now_ms - last_ms >= CASE_LIMITS.reset_cooldown_ms);
		last_ms = now_ms;
		resets++;
		escalation_reset_ended(esc, A, true);
	}
	ck_assert_uint_eq(resets, CASE_LIMITS.reset_budget);
}
END_TEST

/* While it runs nothing is counted and nobody gives up for having tried too often. */
START_TEST(test_during_a_reset)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_NOT_POWERED);
	struct escalation_answer answer;

	escalation_reset_began(esc, A, 1000);
	f.attempt = CASE_LIMITS.attempts + 5;
	answer = escalation_failed(esc, battery, &f, 2000, 7);
	ck_assert_int_eq(answer.step, ESCALATION_RETRY);
	ck_assert_uint_gt(answer.delay_ms, CASE_LIMITS.max_ms / 2);
	ck_assert_uint_eq(answer.failures, 0);
	escalation_reset_ended(esc, A, true);
	ck_assert_int_eq(escalation_failed(esc, battery, &f, 2000, 7).step, ESCALATION_GIVE_UP);
	/* The end was never told: it does not last for ever. */
	escalation_reset_began(esc, B, 1000);
	f.adapter = B;
	ck_assert_int_eq(
		escalation_failed(esc, battery, &f, 1000 + ESCALATION_RESETTING_MS, 7).step,
		ESCALATION_GIVE_UP);
}
END_TEST

/* A worker may name any number: what is said of it costs the same as of the first. */
START_TEST(test_attempt_of_any_number)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;
	unsigned class;

	f.attempt = UINT32_MAX;
	for (class = 0; class < CLASS_COUNT; class ++) {
		f.class = (enum err_class) class;
		answer = fail_n(battery, &f, 50, 1000);
		ck_assert_uint_le(answer.delay_ms, CASE_LIMITS.max_ms);
	}
}
END_TEST

START_TEST(test_unplugged)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	ck_assert(fail_n(battery, &f, 6, 1000).is_reset_due);
	escalation_adapter_gone(esc, A, 0xaa);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, 1000), 0);
	/* Another adapter under its number: no cooldown of the old one's. */
	escalation_adapter_came(esc, A, 0xbb);
	ck_assert(fail_n(battery, &f, 6, 1000).is_reset_due);
	/* Itself under another number, as after a reset of its USB port: its own. */
	escalation_adapter_came(esc, B, 0xaa);
	escalation_reset_ended(esc, B, true);
	f.adapter = B;
	ck_assert(!fail_n(battery, &f, 20, 1000).is_reset_due);
	ck_assert(fail_n(battery, &f, 1, 1000 + CASE_LIMITS.reset_cooldown_ms).is_reset_due);
}
END_TEST

/* --- many --- */

/* A hundred programs that fail in the same instant, four times: at no time do they all meet. */
START_TEST(test_no_marching)
{
	static unsigned met[64000 / 20];
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;
	unsigned client, n, most;

	srandom(4);
	for (n = 1; n <= 8; n++) {
		memset(met, 0, sizeof(met));
		for (most = 0, client = 0; client < 100; client++) {
			f.address = DEVICE + client;
			f.attempt = n;
			answer = escalation_failed(esc, on_demand, &f, 1000, (uint32_t)random());
			ck_assert_int_eq(answer.step, ESCALATION_RETRY);
			ck_assert_uint_le(answer.delay_ms, CASE_LIMITS.max_ms);
			if (++met[answer.delay_ms / 20] > most)
				most = met[answer.delay_ms / 20];
		}
		ck_assert_msg(most < 40, "attempt %u: %u of 100 within 20 ms", n, most);
	}
}
END_TEST

/* More peripherals than are kept: the stalest are forgotten, the rest is right. */
START_TEST(test_bounded)
{
	struct escalation_failure f = case_failure(0, CLASS_ABORTED_LOCAL);
	uint64_t i;

	for (i = 1; i <= 5000; i++) {
		f.address = i;
		f.adapter = (uint16_t)(i % 100);
		ck_assert_int_eq(fail_n(sensor, &f, 1, 1000 + i).step, ESCALATION_RETRY);
	}
	ck_assert_uint_eq(escalation_failures(esc, 1, 1, 6000), 0);
	for (i = 0; i < 200; i++) {
		escalation_reset_began(esc, (uint16_t)(200 + i), 6000 + i);
		escalation_adapter_gone(esc, (uint16_t)(200 + i), i);
	}
	ck_assert_uint_gt(escalation_failures(esc, 5000, 0, 6000), 200);
}
END_TEST

/* What is stuck: no second attempt there; reset at once where that costs nobody anything. */
START_TEST(test_stuck)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ZOMBIE);
	struct escalation_answer answer;

	f.is_stuck = true;
	f.is_alone = false;
	answer = fail_n(battery, &f, 1, 1);
	ck_assert_int_eq(answer.step, ESCALATION_GIVE_UP);
	ck_assert(!answer.is_reset_due);
	f.other = B;
	ck_assert_int_eq(fail_n(battery, &f, 1, 2).step, ESCALATION_ROTATE);
	f.other = ESCALATION_NOBODY;
	f.is_alone = true;
	/* Its profile forbids it. */
	ck_assert_int_eq(fail_n(sensor, &f, 1, 3).step, ESCALATION_GIVE_UP);
	answer = fail_n(battery, &f, 1, 4);
	ck_assert_int_eq(answer.step, ESCALATION_RESET);
	ck_assert(answer.is_reset_due);
	/* It did not help: not again within the cooldown. */
	escalation_reset_ended(esc, A, true);
	answer = fail_n(battery, &f, 1, 5);
	ck_assert_int_eq(answer.step, ESCALATION_GIVE_UP);
	ck_assert(!answer.is_reset_due);
}
END_TEST

Suite *suite_escalation(void)
{
	Suite *suite = suite_create("escalation");
	TCase *tc = tcase_create("escalation");

	tcase_add_checked_fixture(tc, case_begin, case_end);
	tcase_add_loop_test(tc, test_ladder, 0, (int)ARRAY_LEN(LADDERS));
	tcase_add_test(tc, test_hints);
	tcase_add_test(tc, test_rotation);
	tcase_add_test(tc, test_attempts_of_one_request);
	tcase_add_test(tc, test_success_clears);
	tcase_add_test(tc, test_success_taken_back);
	tcase_add_test(tc, test_failures_decay);
	tcase_add_test(tc, test_gives_up);
	tcase_add_test(tc, test_first_reset_at_boot);
	tcase_add_loop_test(tc, test_evidence, 0, (int)ARRAY_LEN(EVIDENCE));
	tcase_add_test(tc, test_rotates_and_resets);
	tcase_add_test(tc, test_stuck);
	tcase_add_test(tc, test_cooldown_and_budget);
	tcase_add_test(tc, test_during_a_reset);
	tcase_add_test(tc, test_attempt_of_any_number);
	tcase_add_test(tc, test_unplugged);
	tcase_add_test(tc, test_no_marching);
	tcase_add_test(tc, test_bounded);
	suite_add_tcase(suite, tc);
	return suite;
}
