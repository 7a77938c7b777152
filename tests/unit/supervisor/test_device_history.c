/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_device_history.c - states, the ring of their changes, the bound. */
#include <check.h>
#include <stdio.h>

#include "supervisor/device_history.h"

Suite *suite_device_history(void);

enum { FLAPS = 1000 };

static struct histories *histories;

static void setup(void)
{
	ck_assert_int_eq(histories_new(&histories), 0);
}

static void teardown(void)
{
	histories = histories_free(histories);
}

static bool enter(struct history *history, enum history_state state, uint64_t at_ms)
{
	struct history_step step = { .at_ms = at_ms, .state = (uint8_t)state };

	(void)snprintf(step.text, sizeof(step.text), "%llu", (unsigned long long)history->n_steps);
	return history_enter(history, &step, at_ms);
}

/* F61. The clock of the machine goes back now and then: history does not. */
START_TEST(test_flaps)
{
	struct history *history = histories_need(histories, 1, 0);
	const struct history_step *step;
	uint64_t last_ms = 0;
	uint64_t number;
	unsigned i;
	char text[24];

	for (i = 0; i < FLAPS; i++) {
		uint64_t at_ms = 1000000 + 10 * i - (i % 7 == 0 ? 500 : 0);

		ck_assert(enter(history, HISTORY_CONNECTED, at_ms));
		ck_assert(!enter(history, HISTORY_CONNECTED, at_ms + 1));
		ck_assert(enter(history, HISTORY_DISCONNECTED, at_ms + 5));
	}
	ck_assert_uint_eq(history->n_steps, 2 * FLAPS);
	ck_assert_uint_eq(history_first(history), 2 * FLAPS - HISTORY_STEPS_MAX);
	ck_assert_ptr_null(history_step(history, history_first(history) - 1));
	ck_assert_ptr_null(history_step(history, 2 * FLAPS));
	for (number = history_first(history); number < 2 * FLAPS; number++) {
		step = history_step(history, number);
		ck_assert_uint_ge(step->at_ms, last_ms);
		ck_assert_int_eq(step->state,
				 number % 2 == 0 ? HISTORY_CONNECTED : HISTORY_DISCONNECTED);
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
		ck_assert_str_eq(step->text, text);
		last_ms = step->at_ms;
	}
}
END_TEST

/* More devices than are kept: the one left alone for longest goes, and none that is connected. */
START_TEST(test_bound)
{
	uint64_t address;

	(void)enter(histories_need(histories, 1, 1), HISTORY_CONNECTED, 1);
	for (address = 2; address <= HISTORIES_MAX; address++)
		ck_assert_ptr_nonnull(histories_need(histories, address, address));
	ck_assert_ptr_nonnull(histories_need(histories, 2, HISTORIES_MAX + 1));
	ck_assert_ptr_nonnull(histories_need(histories, HISTORIES_MAX + 1, HISTORIES_MAX + 2));
	ck_assert_ptr_nonnull(histories_find(histories, 1));
	ck_assert_ptr_nonnull(histories_find(histories, 2));
	ck_assert_ptr_null(histories_find(histories, 3));
	ck_assert_ptr_nonnull(histories_find(histories, 4));
}
END_TEST

/* After an hour; but one with a link stays. */
START_TEST(test_forgotten)
{
	(void)enter(histories_need(histories, 1, 1), HISTORY_CONNECTED, 1);
	(void)histories_need(histories, 2, 2);
	(void)histories_need(histories, 3, HISTORY_KEPT_MS);
	(void)histories_need(histories, 4, HISTORY_KEPT_MS + 2);
	ck_assert_ptr_nonnull(histories_find(histories, 1));
	ck_assert_ptr_null(histories_find(histories, 2));
	ck_assert_ptr_nonnull(histories_find(histories, 3));
}
END_TEST

Suite *suite_device_history(void)
{
	Suite *suite = suite_create("device_history");
	TCase *tcase = tcase_create("device_history");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_flaps);
	tcase_add_test(tcase, test_bound);
	tcase_add_test(tcase, test_forgotten);
	suite_add_tcase(suite, tcase);
	return suite;
}
