/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/days/days_tick.c - the judge: nobody who is well is left alone, and how it ends. */
#include "tests/unit/days/days_judge.h"

enum {
	SURE_DBM = -80, /* heard whatever the jitter */
	/* The longest way through the keeper's table, once, with the longest rest. */
	SERVED_MS = KEEPER_LEAVING_MS + KEEPER_COMING_MS + KEEPER_SETTLING_MS + 72000 +
		    KEEPER_CONNECTING_MS,
	PROBE_MS = 60000,
	CHECK_MS = 30000,
	LEASE_MS = 62000, /* of a program that forgets its lock, with the grace */
};

static bool is_well(const struct days *days, const struct days_device *device)
{
	const uint64_t world_ms = days_at(days) + days->slept_ms;
	unsigned i;

	if (device->silent > 0 || device->mute > 0 || device->model->refuse > 0)
		return false;
	for (i = 0; i < DAYS_ADAPTERS; i++)
		if (adapter_suits(days, &days->adapters[i]) && days->adapters[i].sick == 0 &&
		    days->adapters[i].model->links < DAYS_LINKS &&
		    model_rssi_dbm(days->model, i, device->model, world_ms) >= SURE_DBM)
			return true;
	return false;
}

/* How long nothing has been in its way. */
static uint64_t well_ms(const struct days *days, const struct days_device *device)
{
	struct judge_device *book = &days->judge->devices[device->index];
	bool was_well = book->is_well;

	book->is_well = is_well(days, device);
	if (!was_well)
		book->well_at_ms = days->now_ms;
	if (!book->is_well)
		return 0;
	if (book->disturbed_at_ms > book->well_at_ms)
		book->well_at_ms = book->disturbed_at_ms;
	return days->now_ms - book->well_at_ms;
}

static void note_worst(uint32_t *worst_ms, uint64_t ms)
{
	if (ms > *worst_ms)
		*worst_ms = (uint32_t)ms;
}

/*
 * How many polls in a row may fail: by a program that holds the lock, a flaky link. Beside an
 * adapter that hears and cannot connect it takes as many as make it the worse one (score.h).
 */
static unsigned patience(const struct days *days)
{
	unsigned n = 3;
	unsigned i;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		n += days->adapters[i].sick > 0 ? SCORE_FAILURES_MAX : 0;
	return n;
}

static void look_at(struct days *days, const struct days_device *device)
{
	const struct judge_device *book = &days->judge->devices[device->index];
	uint64_t well = well_ms(days, device);
	uint64_t answered = days->now_ms - book->answered_at_ms;
	uint32_t period_ms = device->interval_ms > PROBE_MS ? device->interval_ms : PROBE_MS;
	uint64_t bound_ms = patience(days) * period_ms + CHECK_MS + 2 * LEASE_MS;

	if (device->is_persistent && device->keeper != KEEPER_HELD)
		note_worst(&days->judge->figures.worst_served_ms, well);
	MUST(!device->is_persistent || device->keeper == KEEPER_HELD || well <= SERVED_MS,
	     "%s: nothing is in its way for %llu s, and its keeper is %s",
	     judge_where(days, "device", device->index), (unsigned long long)well / 1000,
	     keeper_state_name(device->keeper));
	if (device->interval_ms == 0)
		return;
	if (device->is_persistent)
		bound_ms += SERVED_MS;
	if (answered > well)
		answered = well;
	if (answered > device->interval_ms)
		note_worst(&days->judge->figures.worst_polled_ms, answered - device->interval_ms);
	MUST(answered <= bound_ms,
	     "%s: nothing is in its way for %llu s, and no poll was answered for %llu s",
	     judge_where(days, "device", device->index), (unsigned long long)well / 1000,
	     (unsigned long long)answered / 1000);
}

void judge_tick(struct days *days)
{
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		look_at(days, &days->devices[i]);
}

/* --- the end: hours after the last fault --- */

static void note_row(void *ctx, const struct locktab_row *row)
{
	(void)row;
	++*(unsigned *)ctx;
}

static void end_of(struct days *days, const struct days_device *device)
{
	const struct history *history = histories_find(days->histories, device->address);
	unsigned i;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		MUST(escalation_failures(days->escalation, device->address, (uint16_t)i,
					 days->now_ms) == 0,
		     "%s: a failure is still counted on hci%u",
		     judge_where(days, "device", device->index), i);
	ck_assert(device->is_polling || (device->path.stage == STAGE_UP) == device->is_persistent);
	if (device->interval_ms == 0)
		return;
	MUST(!device->breaker.is_open, "%s: the circuit is open",
	     judge_where(days, "device", device->index));
	ck_assert_ptr_nonnull(history);
	ck_assert_int_eq(history->health.state, HEALTH_HEALTHY);
	if (!days->plan.has_faults)
		ck_assert_uint_ge(days->judge->devices[device->index].n_answers,
				  (uint32_t)days->plan.span_ms / device->interval_ms - 1);
}

/* A poll may be under way. */
static unsigned n_at(const struct days *days, enum days_stage stage)
{
	unsigned n = 0;
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		n += days->devices[i].path.stage == stage;
	return n;
}

void judge_end(struct days *days)
{
	unsigned n_rows = 0;
	unsigned n_connecting = 0;
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		end_of(days, &days->devices[i]);
	for (i = 0; i < DAYS_ADAPTERS; i++) {
		ck_assert(adapter_suits(days, &days->adapters[i]));
		ck_assert(escalation_may_reset(days->escalation, (uint16_t)i, days->now_ms));
		n_connecting += days->adapters[i].model->connecting;
	}
	arbiter_list(days->arbiter, days->now_ms, note_row, &n_rows);
	ck_assert_uint_eq(n_connecting, n_at(days, STAGE_TRYING));
	/* An attempt that is under way, or waits, has two: its device's and its adapter's. */
	MUST(n_rows == 2 * (n_connecting + n_at(days, STAGE_LOCKING)),
	     "%u locks are held or waited for at the end", n_rows);
}
