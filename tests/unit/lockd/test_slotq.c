/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slotq against the model of slotq_model.c, over a million random operations; and the few cases
 * worth reading.
 */
#include "lockd/slotq.h"
#include "tests/support/runner.h"
#include "tests/unit/lockd/slotq_model.h"

enum {
#if defined(__SANITIZE_ADDRESS__)
	OPERATIONS = 200000,
#else
	OPERATIONS = 1000000, /* for each of the four seeds */
#endif
};

/* --- a small source of randomness, so that a seed names a run --- */

static uint64_t random_state;

static uint32_t dice(uint32_t sides)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % sides;
}

START_TEST(as_the_model)
{
	struct slotq *q = NULL;
	uint32_t i;

	random_state = 0x9e3779b97f4a7c15u * (uint64_t)(_i + 1);
	slotq_model_begin(dice);
	ck_assert_int_eq(
		slotq_new(&q, SLOTQ_MODEL_ENTRIES, SLOTQ_MODEL_AGE_MS, &SLOTQ_MODEL_COUNTS), 0);
	for (i = 0; i < OPERATIONS; i++) {
		slotq_model_step(q);
		if (i % 64 == 0)
			slotq_model_look(q);
	}
	slotq_free(q);
}
END_TEST

/* --- cases --- */

static struct slotq *queue;

static void setup(void)
{
	ck_assert_int_eq(slotq_new(&queue, 4, 100, &SLOTQ_MODEL_COUNTS), 0);
}

static void teardown(void)
{
	queue = slotq_free(queue);
}

static uint32_t push(enum slotq_class class, uint64_t now_ms)
{
	static const struct resource_set scan = { 1, { { RESOURCE_SCAN, 0 } } };
	uint32_t entry = SLOTQ_NONE;

	ck_assert_int_eq(slotq_push(queue, &scan, class, UINT64_MAX, now_ms, &entry), 0);
	return entry;
}

static uint32_t next(uint64_t now_ms)
{
	uint32_t entry;

	slotq_pass_begin(queue, now_ms);
	if (slotq_pass_next(queue, &entry) == 0)
		return SLOTQ_NONE;
	slotq_grant(queue, entry);
	return entry;
}

START_TEST(age_raises_by_a_class_a_step)
{
	uint32_t background = push(SLOTQ_BACKGROUND_SCAN, 0);
	uint32_t connect = push(SLOTQ_CONNECT, 200);

	/* After 199 ms it is one step short of connect's class; arrival decides from 200 on. */
	ck_assert_uint_eq(next(_i == 0 ? 199 : 200), _i == 0 ? connect : background);
}
END_TEST

START_TEST(age_never_reaches_recovery)
{
	uint32_t background = push(SLOTQ_BACKGROUND_SCAN, 0);
	uint32_t recovery = push(SLOTQ_RECOVERY, 1000000);

	ck_assert_uint_eq(next(1000000), recovery);
	ck_assert_uint_eq(next(1000000), SLOTQ_NONE);
	slotq_remove(queue, recovery);
	ck_assert_uint_eq(next(1000000), background);
}
END_TEST

static uint32_t push_connect(uint64_t device, uint64_t adapter, uint64_t now_ms)
{
	struct resource_set set = { 0 };
	uint32_t entry = SLOTQ_NONE;

	if (device > 0)
		set.items[set.n++] = (struct resource){ RESOURCE_DEVICE, device };
	set.items[set.n++] = (struct resource){ RESOURCE_CONNECT, adapter };
	ck_assert_int_eq(slotq_push(queue, &set, SLOTQ_CONNECT, UINT64_MAX, now_ms, &entry), 0);
	return entry;
}

/* hci1 tries to connect to a device for as long as it takes: that is nothing to others of hci0. */
START_TEST(a_device_elsewhere_keeps_nobody_waiting)
{
	uint32_t elsewhere, first, other, behind;

	teardown();
	ck_assert_int_eq(slotq_new(&queue, 8, 0, &(struct resource_counts){ .of = { 1, 1, 1, 1 } }),
			 0);
	elsewhere = push_connect(1, 1, 0);
	ck_assert_uint_eq(next(0), elsewhere);
	first = push_connect(1, 0, 1);
	other = push_connect(0, 0, 2);
	ck_assert_uint_eq(next(2), other);
	behind = push_connect(2, 0, 3);
	ck_assert_uint_eq(next(3), SLOTQ_NONE);
	/* From when its device is free it is before all who came later, whatever is given back. */
	slotq_remove(queue, elsewhere);
	ck_assert_uint_eq(next(4), SLOTQ_NONE);
	slotq_remove(queue, other);
	ck_assert_uint_eq(next(5), first);
	ck_assert_uint_eq(next(5), SLOTQ_NONE);
	slotq_remove(queue, first);
	ck_assert_uint_eq(next(6), behind);
}
END_TEST

START_TEST(full_is_an_outcome)
{
	static const struct resource_set scan = { 1, { { RESOURCE_SCAN, 0 } } };
	uint32_t entry = 77;
	int i;

	for (i = 0; i < 4; i++)
		(void)push(SLOTQ_SCAN, 0);
	ck_assert_int_eq(slotq_push(queue, &scan, SLOTQ_SCAN, 1, 0, &entry), SLOTQ_FULL);
	ck_assert_int_eq(slotq_adopt(queue, &scan, SLOTQ_SCAN, 0, &entry), SLOTQ_FULL);
	ck_assert_uint_eq(entry, 77);
}
END_TEST

Suite *suite_slotq(void);
Suite *suite_slotq(void)
{
	Suite *suite = suite_create("slotq");
	TCase *model_tc = tcase_create("model");
	TCase *cases = tcase_create("cases");

	tcase_set_timeout(model_tc, 120);
	tcase_add_loop_test(model_tc, as_the_model, 0, 4);
	suite_add_tcase(suite, model_tc);
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_loop_test(cases, age_raises_by_a_class_a_step, 0, 2);
	tcase_add_test(cases, age_never_reaches_recovery);
	tcase_add_test(cases, a_device_elsewhere_keeps_nobody_waiting);
	tcase_add_test(cases, full_is_an_outcome);
	suite_add_tcase(suite, cases);
	return suite;
}
