/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_reset_chain.c - the chain of a reset as a table: its ladder, what
 * comes out of turn, every cell, and whatever order of events.
 */
#include <check.h>
#include <string.h>

#include "supervisor/reset_chain.h"

Suite *suite_reset_chain(void);

static void take(struct reset_chain *chain, enum reset_event event, enum reset_state expected)
{
	(void)reset_chain_step(chain, event);
	ck_assert_msg(chain->state == expected, "%s instead of %s", reset_state_name(chain->state),
		      reset_state_name(expected));
}

static void reach_acting(struct reset_chain *chain, enum reset_rung level, bool may_restart)
{
	reset_chain_begin(chain, level, may_restart);
	take(chain, RESET_EV_LOCKED, RESET_CLEARING);
	take(chain, RESET_EV_CLEARED, RESET_ACTING);
}

static void reach_powering(struct reset_chain *chain)
{
	take(chain, RESET_EV_ACTED, RESET_FINDING);
	take(chain, RESET_EV_FOUND, RESET_RELOCKING);
	take(chain, RESET_EV_LOCKED, RESET_POWERING);
}

static void next_rung(struct reset_chain *chain, enum reset_event event, enum reset_rung expected)
{
	take(chain, event, RESET_CLEARING);
	ck_assert_str_eq(reset_rung_name(chain->rung), reset_rung_name(expected));
	take(chain, RESET_EV_CLEARED, RESET_ACTING);
}

START_TEST(test_ladder)
{
	struct reset_chain chain;

	reach_acting(&chain, RESET_RUNG_ALL, true);
	ck_assert_int_eq(chain.rung, RESET_RUNG_POWER);
	reach_powering(&chain);
	next_rung(&chain, RESET_EV_REFUSED, RESET_RUNG_DOWN_UP);
	next_rung(&chain, RESET_EV_REFUSED, RESET_RUNG_USB);
	/* It left the bus while it was powered: it is looked for again. */
	reach_powering(&chain);
	take(&chain, RESET_EV_GONE, RESET_FINDING);
	take(&chain, RESET_EV_FOUND, RESET_RELOCKING);
	take(&chain, RESET_EV_LOCKED, RESET_POWERING);
	take(&chain, RESET_EV_POWERED, RESET_PROVING);
	next_rung(&chain, RESET_EV_TIMER, RESET_RUNG_REBIND);
	reach_powering(&chain);
	take(&chain, RESET_EV_POWERED, RESET_PROVING);
	/* The kernel's side works and nothing is heard: bluetoothd is left to suspect. */
	next_rung(&chain, RESET_EV_TIMER, RESET_RUNG_BLUETOOTHD);
	reach_powering(&chain);
	take(&chain, RESET_EV_POWERED, RESET_PROVING);
	take(&chain, RESET_EV_HEARD, RESET_DONE);
}
END_TEST

START_TEST(test_out_of_turn)
{
	struct reset_chain chain;

	reach_acting(&chain, RESET_RUNG_ALL, true);
	reach_powering(&chain);
	next_rung(&chain, RESET_EV_BLOCKED, RESET_RUNG_RFKILL);
	reach_powering(&chain);
	/* Blocked still, and rfkill was tried: a switch of hardware. */
	take(&chain, RESET_EV_BLOCKED, RESET_FAILED);

	reach_acting(&chain, RESET_RUNG_ALL, true);
	reach_powering(&chain);
	next_rung(&chain, RESET_EV_BLOCKED, RESET_RUNG_RFKILL);
	/* It may not, or cannot: no other rung helps. */
	take(&chain, RESET_EV_REFUSED, RESET_FAILED);

	reach_acting(&chain, RESET_RUNG_ALL, true);
	reach_powering(&chain);
	take(&chain, RESET_EV_POWERED, RESET_PROVING);
	next_rung(&chain, RESET_EV_NO_BLUEZ, RESET_RUNG_BLUETOOTHD);
	take(&chain, RESET_EV_REFUSED, RESET_CLEARING);

	reach_acting(&chain, RESET_RUNG_ALL, false);
	reach_powering(&chain);
	take(&chain, RESET_EV_POWERED, RESET_PROVING);
	take(&chain, RESET_EV_NO_BLUEZ, RESET_FAILED);

	reach_acting(&chain, RESET_RUNG_USB, true);
	take(&chain, RESET_EV_REFUSED, RESET_FAILED);
}
END_TEST

START_TEST(test_cells)
{
	int state, event;

	for (state = RESET_IDLE; state < RESET_STATE_COUNT; state++)
		for (event = 0; event < RESET_EVENT_COUNT; event++) {
			struct reset_chain chain = { .state = (enum reset_state)state };
			bool is_new = reset_chain_step(&chain, (enum reset_event)event);
			bool is_end = state == RESET_IDLE || state >= RESET_DONE;

			ck_assert_uint_lt(chain.state, RESET_STATE_COUNT);
			ck_assert(!is_end || !is_new);
			/* Only the proof makes it done, only the lock lets it act. */
			ck_assert(chain.state != RESET_DONE || state == RESET_DONE ||
				  state == RESET_PROVING);
			ck_assert(chain.state != RESET_CLEARING || state != RESET_LOCKING ||
				  event == RESET_EV_LOCKED);
			/* Each waiting state has a way out by time. */
			if (event == RESET_EV_TIMER && !is_end)
				ck_assert(is_new);
		}
}
END_TEST

static uint32_t roll(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever happens in whatever order: each rung once at most, and an end. */
static void wander(uint32_t *seed)
{
	bool may_restart = roll(seed) % 2;
	enum reset_rung level = (enum reset_rung)(roll(seed) % (RESET_RUNG_COUNT + 1));
	enum reset_rung before;
	struct reset_chain chain;
	uint32_t acted = 0;
	unsigned changes = 0;

	reset_chain_begin(&chain, level, may_restart);
	while (chain.state < RESET_DONE) {
		enum reset_event event = (enum reset_event)(roll(seed) % RESET_EVENT_COUNT);
		enum reset_state was = chain.state;

		before = chain.rung;
		/* A bus that an adapter leaves for ever has no end; in life its timer ends it. */
		if (event == RESET_EV_GONE && changes > 100)
			continue;
		changes += reset_chain_step(&chain, event);
		if (was != RESET_ACTING && chain.state == RESET_ACTING) {
			ck_assert_uint_eq(acted & 1u << chain.rung, 0);
			acted |= 1u << chain.rung;
		}
		ck_assert(before == chain.rung || chain.state == RESET_CLEARING);
	}
	if (level != RESET_RUNG_ALL)
		ck_assert_uint_eq(acted & ~(1u << level), 0);
	else if (!may_restart)
		ck_assert_uint_eq(acted & 1u << RESET_RUNG_BLUETOOTHD, 0);
}

START_TEST(test_random)
{
	uint32_t seed = 1;
	unsigned i;

	for (i = 0; i < 100000; i++)
		wander(&seed);
}
END_TEST

START_TEST(test_judge)
{
	struct reset_proof proof = { .is_powered = true, .was_anything_heard = true };

	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_NO_BLUEZ);
	proof.has_bluez = true;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_TIMER);
	/* Nobody advertises here: silence says nothing. */
	proof.was_anything_heard = false;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_HEARD);
	proof.is_powered = false;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_REFUSED);
}
END_TEST

Suite *suite_reset_chain(void)
{
	Suite *suite = suite_create("reset_chain");
	TCase *chain = tcase_create("chain");

	tcase_add_test(chain, test_ladder);
	tcase_add_test(chain, test_out_of_turn);
	tcase_add_test(chain, test_cells);
	tcase_add_test(chain, test_random);
	tcase_add_test(chain, test_judge);
	suite_add_tcase(suite, chain);
	return suite;
}
