/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_escalation_random.c - what must hold of escalation whatever happens,
 * over random events with a model beside it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/supervisor/escalation_case.h"

Suite *suite_escalation_random(void);

/* --- whatever happens: a model beside it --- */

enum { MODEL_DEVICES = 6, MODEL_ADAPTERS = 3, MODEL_EVENTS = 250000 };

struct model {
	uint64_t reset_at_ms[MODEL_ADAPTERS][MODEL_EVENTS / 25];
	unsigned n_resets[MODEL_ADAPTERS];
	struct escalation_failure at[MODEL_DEVICES]; /* the request that each has open */
	uint32_t steps[MODEL_DEVICES];		     /* of it, without success */
	uint64_t deadline_ms[MODEL_DEVICES];
};

static uint32_t below(uint32_t n)
{
	return (uint32_t)random() % n;
}

static void model_open(struct model *m, unsigned d, uint64_t now_ms)
{
	m->at[d] = (struct escalation_failure){
		.address = DEVICE + d,
		.adapter = (uint16_t)below(MODEL_ADAPTERS),
		.session = (uint32_t)random(),
		.attempt = 1,
	};
	m->steps[d] = 0;
	m->deadline_ms[d] = now_ms + 1000 + below(300000);
}

static void model_reset(struct model *m, uint16_t adapter, uint64_t now_ms,
			const struct escalation_limits *limits)
{
	uint64_t *at_ms = m->reset_at_ms[adapter];
	unsigned n = m->n_resets[adapter];
	unsigned recent = 1;
	unsigned i;

	ck_assert(n == 0 || now_ms - at_ms[n - 1] >= limits->reset_cooldown_ms);
	for (i = 0; i < n; i++)
		recent += now_ms - at_ms[i] < limits->reset_window_ms;
	ck_assert_uint_le(recent, limits->reset_budget);
	ck_assert_uint_lt(n, ARRAY_LEN(m->reset_at_ms[0]));
	at_ms[m->n_resets[adapter]++] = now_ms;
}

static void model_answer(struct model *m, unsigned d, const struct escalation_answer *answer,
			 uint64_t *now_ms)
{
	struct escalation_failure *f = &m->at[d];

	if (answer->step == ESCALATION_GIVE_UP) {
		model_open(m, d, *now_ms);
		return;
	}
	if (answer->step == ESCALATION_ROTATE) {
		ck_assert_uint_ne(f->other, ESCALATION_NOBODY);
		f->adapter = f->other;
		f->attempt = 1;
		return;
	}
	ck_assert_uint_lt(answer->delay_ms, f->left_ms);
	ck_assert_uint_le(answer->delay_ms, CASE_LIMITS.max_ms);
	f->attempt++;
	*now_ms += below(answer->delay_ms + 1);
}

static void model_fail(struct model *m, unsigned d, const struct profile *profile,
		       const struct escalation_limits *limits, uint64_t *now_ms)
{
	struct escalation_failure *f = &m->at[d];
	struct escalation_answer answer;
	uint32_t most = profile->attempts ? profile->attempts : limits->attempts;

	f->other = below(3) ? (uint16_t)((f->adapter + 1 + below(2)) % MODEL_ADAPTERS)
			    : ESCALATION_NOBODY;
	f->class = (enum err_class)below(CLASS_COUNT);
	f->came_up = below(4) == 0;
	f->is_heard = below(4) != 0;
	f->is_alone = below(2);
	f->is_carrying = !f->is_alone && below(3) == 0;
	f->is_stuck = below(8) == 0;
	f->left_ms = m->deadline_ms[d] > *now_ms ? (uint32_t)(m->deadline_ms[d] - *now_ms) : 0;
	answer = escalation_failed(esc, profile, f, *now_ms, (uint32_t)random());
	ck_assert_int_ne(answer.step, ESCALATION_NOTHING);
	ck_assert(profile_allows(profile, answer.step));
	ck_assert(!answer.is_reset_due || profile_allows(profile, ESCALATION_RESET));
	ck_assert(answer.step != ESCALATION_RESET || answer.is_reset_due);
	if (answer.is_reset_due)
		model_reset(m, f->adapter, *now_ms, limits);
	if (answer.is_reset_due && below(4))
		escalation_reset_ended(esc, f->adapter, below(2));
	/* It ends: by its attempts, or, while the adapter is being reset, by that one's bound. */
	ck_assert_uint_lt(++m->steps[d],
			  most + 1 + 2 * ESCALATION_RESETTING_MS / (CASE_LIMITS.max_ms / 2));
	model_answer(m, d, &answer, now_ms);
}

START_TEST(test_random)
{
	static struct model model;
	struct escalation_limits limits = CASE_LIMITS;
	uint64_t now_ms = 1;
	struct profile profile[MODEL_DEVICES];
	unsigned i, d;

	srandom((unsigned)_i);
	memset(&model, 0, sizeof(model));
	limits.attempts = 1 + below(8);
	limits.reset_budget = below(ESCALATION_BUDGET_MAX + 1);
	case_begin_with(&limits);
	for (d = 0; d < MODEL_DEVICES; d++) {
		profile[d] = (struct profile){
			.ceiling = (enum escalation_step)(below(4) ? 3 + below(3) : 1),
			.clear_after = below(4),
			.rotate_after = below(4),
			.reset_after = below(8),
			.attempts = below(2) ? below(10) : 0,
		};
		model_open(&model, d, now_ms);
	}
	profile[0] = *battery;
	for (i = 0; i < MODEL_EVENTS; i++) {
		d = below(MODEL_DEVICES);
		now_ms += below(20) ? below(3000) : below(400000);
		if (below(12) == 0) {
			(void)escalation_worked(esc, model.at[d].address, model.at[d].adapter,
						now_ms);
			ck_assert_uint_eq(escalation_failures(esc, model.at[d].address,
							      model.at[d].adapter, now_ms),
					  0);
			model_open(&model, d, now_ms);
			continue;
		}
		if (below(500) == 0)
			escalation_sick(esc, (uint16_t)below(MODEL_ADAPTERS), ESCALATION_TIMEOUTS,
					now_ms);
		model_fail(&model, d, &profile[d], &limits, &now_ms);
	}
	if (limits.reset_budget > 0)
		ck_assert_uint_gt(model.n_resets[0] + model.n_resets[1] + model.n_resets[2], 0);
}
END_TEST

/* One fails whenever it can, in every way; the others work, now and then after a failure. */
START_TEST(test_one_bad_peripheral)
{
	struct escalation_failure f;
	uint64_t now_ms = 1;
	uint64_t worked_at_ms = 0;
	unsigned i, rounds;

	srandom((unsigned)_i);
	(void)escalation_worked(esc, OTHER, A, now_ms);
	for (i = 0; i < MODEL_EVENTS; i++) {
		now_ms += below(20000);
		if (now_ms - worked_at_ms > CASE_LIMITS.half_life_ms || below(10) == 0) {
			f = case_failure(OTHER + below(3), CLASS_ABORTED_LOCAL);
			f.is_alone = false;
			for (rounds = below(2); rounds > 0; rounds--)
				ck_assert(!escalation_failed(esc, battery, &f, now_ms, i)
						   .is_reset_due);
			(void)escalation_worked(esc, f.address, A, now_ms);
			worked_at_ms = now_ms;
			continue;
		}
		f = case_failure(DEVICE, (enum err_class)below(CLASS_COUNT));
		f.is_heard = below(2);
		f.is_alone = below(2);
		f.is_carrying = !f.is_alone && below(2);
		ck_assert(!escalation_failed(esc, battery, &f, now_ms, i).is_reset_due);
	}
}
END_TEST

Suite *suite_escalation_random(void)
{
	Suite *suite = suite_create("escalation_random");
	TCase *tc = tcase_create("escalation_random");

	tcase_add_checked_fixture(tc, case_begin, case_end);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_random, 1, 7);
	tcase_add_loop_test(tc, test_one_bad_peripheral, 1, 5);
	suite_add_tcase(suite, tc);
	return suite;
}
