/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slotq with more resources than its hash has places for, and with those that nobody needs now. */
#include "lockd/slotq.h"
#include "tests/support/runner.h"

Suite *suite_slotq_units(void);

enum {
	DEVICES = 999, /* in 256 places: several in each */
	ENTRIES = DEVICES + 1,
	SEVERAL = 3,
	ROUNDS = 200000,
};

static struct slotq *queue;
static const struct resource_counts COUNTS = { .of = { [RESOURCE_DEVICE] = 1,
						       [RESOURCE_CONNECT] = 2,
						       [RESOURCE_SCAN] = 1,
						       [RESOURCE_MAINTENANCE] = 1 } };

static void begin(void)
{
	ck_assert_int_eq(slotq_new(&queue, ENTRIES, 100, &COUNTS), 0);
}

static void end(void)
{
	queue = slotq_free(queue);
	ck_assert_ptr_null(queue);
	ck_assert_ptr_null(slotq_free(NULL));
}

static int adopt(enum resource_kind kind, uint64_t key, uint32_t *out_entry)
{
	const struct resource_set set = { 1, { { kind, key } } };

	return slotq_adopt(queue, &set, SLOTQ_CONNECT, 0, out_entry);
}

static uint32_t push(uint64_t device, enum slotq_class class, uint64_t now_ms)
{
	const struct resource_set set = { 1, { { RESOURCE_DEVICE, device } } };
	uint32_t entry = SLOTQ_NONE;

	ck_assert_int_eq(slotq_push(queue, &set, class, UINT64_MAX, now_ms, &entry), 0);
	return entry;
}

static uint32_t next(uint64_t now_ms)
{
	uint32_t entry;

	slotq_pass_begin(queue, now_ms);
	return slotq_pass_next(queue, &entry) == SLOTQ_FOUND ? entry : SLOTQ_NONE;
}

START_TEST(empty)
{
	uint32_t entry = 77;

	ck_assert_uint_eq(slotq_deadline_ms(queue), UINT64_MAX);
	ck_assert_int_eq(slotq_expired(queue, 1000, &entry), 0);
	ck_assert_uint_eq(slotq_waiters(queue), 0);
	ck_assert_uint_eq(next(1000), SLOTQ_NONE);
	ck_assert_uint_eq(entry, 77);
}
END_TEST

/* Each is its own, whoever is in the same place of the hash, and whoever of those leaves it. */
START_TEST(each_is_its_own)
{
	static uint32_t holders[DEVICES];
	uint32_t entry;
	uint32_t i;

	for (i = 0; i < DEVICES; i++)
		ck_assert_int_eq(adopt(RESOURCE_DEVICE, 1 + i, &holders[i]), 0);
	for (i = 0; i < DEVICES; i++)
		if (i % SEVERAL == (uint32_t)_i)
			slotq_remove(queue, holders[i]);
	for (i = 0; i < DEVICES; i++)
		ck_assert_int_eq(adopt(RESOURCE_DEVICE, 1 + i, &entry),
				 i % SEVERAL == (uint32_t)_i ? 0 : SLOTQ_TAKEN);
}
END_TEST

/* An adapter's scan is none of its connects, and neither is the device of that number. */
START_TEST(each_kind_is_its_own)
{
	static const enum resource_kind KINDS[] = { RESOURCE_DEVICE, RESOURCE_CONNECT,
						    RESOURCE_SCAN };
	uint32_t entry;
	uint64_t key;
	size_t i;

	for (key = 0; key < RESOURCE_ADAPTERS_MAX; key++)
		for (i = 0; i < ARRAY_LEN(KINDS); i++)
			ck_assert_int_eq(adopt(KINDS[i], key, &entry), 0);
	for (key = 0; key < RESOURCE_ADAPTERS_MAX; key++) {
		ck_assert_int_eq(adopt(RESOURCE_SCAN, key, &entry), SLOTQ_TAKEN);
		ck_assert_int_eq(adopt(RESOURCE_DEVICE, key, &entry), SLOTQ_TAKEN);
	}
	/* Of connects there are two. */
	ck_assert_int_eq(adopt(RESOURCE_CONNECT, 3, &entry), 0);
	ck_assert_int_eq(adopt(RESOURCE_CONNECT, 3, &entry), SLOTQ_TAKEN);
}
END_TEST

/* What was needed once takes no room: the memory is for those who need something now. */
START_TEST(many_come_and_go)
{
	uint32_t first, second, all;
	uint32_t i;

	slotq_free(queue);
	ck_assert_int_eq(slotq_new(&queue, 3, 0, &COUNTS), 0);
	for (i = 1; i <= ROUNDS; i++) {
		/* A maintenance is in need of what its set names, too. */
		const struct resource_set set = {
			2, { { RESOURCE_CONNECT, i }, { RESOURCE_MAINTENANCE, i } }
		};

		ck_assert(slotq_adopt(queue, &set, SLOTQ_CONNECT, i, &all) == 0);
		first = push(i, SLOTQ_CONNECT, i);
		second = push(i, SLOTQ_CONNECT, i);
		ck_assert(next(i) == first);
		slotq_grant(queue, first);
		ck_assert(next(i) == SLOTQ_NONE);
		slotq_remove(queue, first);
		ck_assert(next(i) == second);
		slotq_remove(queue, second);
		slotq_remove(queue, all);
	}
}
END_TEST

/* --- deadlines, places, and who is wanted --- */

static uint32_t push_set(const struct resource_set *set, uint64_t deadline_ms)
{
	uint32_t entry = SLOTQ_NONE;

	ck_assert_int_eq(slotq_push(queue, set, SLOTQ_CONNECT, deadline_ms, 0, &entry), 0);
	return entry;
}

/* Nobody is woken for a deadline that is over. */
START_TEST(the_next_deadline)
{
	static const struct resource_set SET = { 1, { { RESOURCE_DEVICE, 1 } } };
	const uint32_t late = push_set(&SET, 300);
	const uint32_t early = push_set(&SET, 100);
	const uint32_t middle = push_set(&SET, 200);
	uint32_t entry;

	ck_assert_uint_eq(slotq_deadline_ms(queue), 100);
	ck_assert_int_eq(slotq_expired(queue, 99, &entry), 0);
	ck_assert_int_eq(slotq_expired(queue, 100, &entry), SLOTQ_FOUND);
	ck_assert_uint_eq(entry, early);
	slotq_remove(queue, early);
	ck_assert_int_eq(slotq_expired(queue, 100, &entry), 0);
	ck_assert_uint_eq(slotq_deadline_ms(queue), 200);
	slotq_remove(queue, middle);
	slotq_remove(queue, late);
	ck_assert_uint_eq(slotq_deadline_ms(queue), UINT64_MAX);
}
END_TEST

/* One for each that it named, and not for what a maintenance stands for. */
START_TEST(places_are_of_its_set)
{
	static const struct resource_set SET = { 1, { { RESOURCE_MAINTENANCE, 0 } } };
	uint32_t places[RESOURCE_SET_MAX] = { 77, 77, 77, 77 };
	struct slotq_cursor cursor;
	uint32_t i;

	(void)push_set(&SET, UINT64_MAX);
	slotq_walk_begin(queue, &cursor, 0);
	slotq_places(queue, slotq_walk_next(queue, &cursor), places);
	ck_assert_uint_eq(places[0], 1);
	for (i = 1; i < RESOURCE_SET_MAX; i++)
		ck_assert_uint_eq(places[i], 77);
}
END_TEST

static const struct {
	struct resource_set has, wants;
	bool is_wanted;
} WANTS[] = {
	{ { 1, { { RESOURCE_DEVICE, 1 } } }, { 1, { { RESOURCE_DEVICE, 1 } } }, true },
	{ { 1, { { RESOURCE_DEVICE, 2 } } }, { 1, { { RESOURCE_DEVICE, 1 } } }, false },
	{ { 1, { { RESOURCE_CONNECT, 0 } } },
	  { 2, { { RESOURCE_DEVICE, 1 }, { RESOURCE_CONNECT, 0 } } },
	  true },
	{ { 2, { { RESOURCE_DEVICE, 1 }, { RESOURCE_CONNECT, 0 } } },
	  { 1, { { RESOURCE_CONNECT, 0 } } },
	  true },
	{ { 1, { { RESOURCE_SCAN, 0 } } }, { 1, { { RESOURCE_MAINTENANCE, 0 } } }, true },
	{ { 1, { { RESOURCE_SCAN, 0 } } }, { 1, { { RESOURCE_MAINTENANCE, 1 } } }, false },
};

START_TEST(a_holder_is_wanted)
{
	enum slotq_class class;
	uint32_t holder, waiter;

	for (class = SLOTQ_RECOVERY; class < SLOTQ_CLASSES; class ++) {
		/* Whichever of them came first. */
		ck_assert_int_eq(slotq_push(queue, &WANTS[_i].wants, class, UINT64_MAX, 0, &waiter),
				 0);
		ck_assert_int_eq(slotq_adopt(queue, &WANTS[_i].has, SLOTQ_SCAN, 0, &holder), 0);
		ck_assert_int_eq(slotq_is_wanted(queue, holder), WANTS[_i].is_wanted);
		slotq_remove(queue, waiter);
		ck_assert(!slotq_is_wanted(queue, holder));
		slotq_remove(queue, holder);
	}
}
END_TEST

/* From now on, and for those who wait. */
START_TEST(another_age_step)
{
	uint32_t scan = push(1, SLOTQ_SCAN, 0);
	uint32_t connect = push(1, SLOTQ_CONNECT, 100);

	ck_assert_uint_eq(next(100), scan);
	slotq_set_age_step(queue, 101);
	ck_assert_uint_eq(next(100), connect);
	slotq_set_age_step(queue, 0);
	ck_assert_uint_eq(next(1000000), connect);
}
END_TEST

Suite *suite_slotq_units(void)
{
	Suite *suite = suite_create("slotq_units");
	TCase *tc = tcase_create("slotq_units");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, empty);
	tcase_add_loop_test(tc, each_is_its_own, 0, SEVERAL);
	tcase_add_test(tc, each_kind_is_its_own);
	tcase_add_test(tc, many_come_and_go);
	tcase_add_test(tc, the_next_deadline);
	tcase_add_test(tc, places_are_of_its_set);
	tcase_add_loop_test(tc, a_holder_is_wanted, 0, (int)ARRAY_LEN(WANTS));
	tcase_add_test(tc, another_age_step);
	suite_add_tcase(suite, tc);
	return suite;
}
