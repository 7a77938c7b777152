/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/days/days_choice.c - which adapter: what finder.c asks score.c, without sessions. */
#include "tests/unit/days/days.h"

enum { FRESH_MS = 30000 };

bool choice_is_fresh(const struct days *days, const struct days_device *device, unsigned adapter)
{
	uint64_t heard_at_ms = device->heard_at_ms[adapter];

	return heard_at_ms != 0 && days->now_ms - heard_at_ms < FRESH_MS;
}

bool choice_is_heard(const struct days *days, const struct days_device *device)
{
	unsigned i;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		if (choice_is_fresh(days, device, i))
			return true;
	return false;
}

/* As a worker tells: who waits for the lock counts, too. */
static uint32_t attempts_on(const struct days *days, unsigned adapter)
{
	uint32_t n = 0;
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		n += days->devices[i].path.adapter == adapter &&
		     (days->devices[i].path.stage == STAGE_LOCKING ||
		      days->devices[i].path.stage == STAGE_TRYING);
	return n;
}

struct score_row choice_row(const struct days *days, const struct days_device *device, unsigned i)
{
	const struct days_adapter *adapter = &days->adapters[i];
	const uint64_t world_ms = days_at(days) + days->slept_ms;

	return (struct score_row){
		.adapter = (uint16_t)i,
		.is_suitable = adapter_suits(days, adapter),
		.trouble = days->has_bluez ? CLASS_ADAPTER_GONE : CLASS_BLUEZ_GONE,
		.is_home = device->path.adapter == i,
		.is_connected = device->model->link == (int)i,
		.is_fresh = choice_is_fresh(days, device, i),
		.is_known = true,
		.rssi_16th_dbm = SCORE_DB * model_rssi_dbm(days->model, i, device->model, world_ms),
		.links = adapter->model->links,
		.attempts = attempts_on(days, i),
		.failures = escalation_weight(days->escalation, device->address, (uint16_t)i,
					      choice_is_heard(days, device), days->now_ms),
		.slots = slots_limit(&adapter->slots, 0, days->now_ms),
	};
}

uint16_t choice_other(const struct days *days, const struct days_device *device)
{
	struct score_row rows[DAYS_ADAPTERS];
	size_t n = 0;
	unsigned i;
	int best;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		if (i != device->path.adapter)
			rows[n++] = choice_row(days, device, i);
	best = score_best(rows, n, SCORE_FRESH);
	return best == SCORE_NOBODY ? DAYS_NONE : rows[best].adapter;
}
