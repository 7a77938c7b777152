/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/days/days.c - the whole: what there is, and what looks at all of it now and then. */
#include <string.h>

#include "tests/unit/days/days.h"

/* As the sim's radio: what is weaker is not received. */
enum { HEARD_DBM = -85, WATCH_MS = 1000, AIR_MS = 5000, JUDGE_MS = 10000 };

/* Those of bleherd.conf(5). */
static const struct escalation_limits LIMITS = {
	.attempts = 4,
	.base_ms = 250,
	.max_ms = 4000,
	.half_life_ms = 600000,
	.reset_cooldown_ms = 300000,
	.reset_budget = 3,
	.reset_window_ms = 3600000,
};
static const struct backoff_limits BACKOFF = {
	.base_ms = 500,
	.max_ms = 60000,
	.loop_deaths = 5,
	.loop_window_ms = 120000,
};

static const char *const PROFILES[] = { "battery", "sensor", "on-demand" };
static const uint32_t INTERVALS_MS[] = { 60000, 300000, 900000, 45000, 3600000 };

bool adapter_suits(const struct days *days, const struct days_adapter *adapter)
{
	return days->has_bluez && adapter->child == CHILD_READY &&
	       adapter->chain.state == RESET_IDLE;
}

bool adapter_hears(const struct days *days, const struct days_adapter *adapter,
		   const struct days_device *device)
{
	/* The air goes on while the machine sleeps, and knows nothing of its clocks. */
	return adapter_suits(days, adapter) && !(adapter->sick > 0 && adapter->is_deaf) &&
	       model_is_advertising(device->model) &&
	       model_rssi_dbm(days->model, adapter->index, device->model,
			      days_at(days) + days->slept_ms) >= HEARD_DBM;
}

void days_changed(struct days *days)
{
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		if (days->devices[i].path.stage == STAGE_SEEKING)
			path_seek(days, &days->devices[i]);
}

static void on_air(struct days *days, struct days_timer *timer)
{
	bool is_heard;
	unsigned i, j;

	for (i = 0; i < DAYS_DEVICES; i++) {
		is_heard = false;
		for (j = 0; j < DAYS_ADAPTERS; j++) {
			if (!adapter_hears(days, &days->adapters[j], &days->devices[i]))
				continue;
			days->devices[i].heard_at_ms[j] = days->now_ms;
			silence_heard(&days->adapters[j].silence, days->now_ms);
			is_heard = true;
		}
		if (is_heard && days->devices[i].is_watched)
			keeper_heard(days, &days->devices[i]);
		if (is_heard)
			path_heard(days, &days->devices[i]);
	}
	timer_in(days, timer, AIR_MS);
}

static void wake_up(struct days *days)
{
	unsigned i, j;

	escalation_pardon(days->escalation, days->now_ms + RESUME_LENIENT_MS);
	for (i = 0; i < DAYS_DEVICES; i++)
		for (j = 0; j < DAYS_ADAPTERS; j++)
			days->devices[i].heard_at_ms[j] = 0;
	judge_woke(days);
}

static void on_watch(struct days *days, struct days_timer *timer)
{
	unsigned i;

	if (resume_look(&days->resume, days->now_ms + days->slept_ms, days->now_ms) > 0)
		wake_up(days);
	/* The kernel is asked which links there still are. */
	if (resume_links_due(&days->resume, days->now_ms))
		for (i = 0; i < DAYS_DEVICES; i++)
			if (days->devices[i].path.stage == STAGE_UP)
				path_lost(days, &days->devices[i], CLASS_LINK_LOST);
	for (i = 0; i < DAYS_ADAPTERS; i++)
		adapter_watch(days, &days->adapters[i]);
	timer_in(days, timer, WATCH_MS);
}

static void on_judge(struct days *days, struct days_timer *timer)
{
	judge_tick(days);
	timer_in(days, timer, JUDGE_MS);
}

static void make_device(struct days *days, unsigned i)
{
	struct days_device *device = &days->devices[i];

	device->index = i;
	device->address = UINT64_C(0xc0aabb000000) | i;
	device->model = model_device(days->model, i);
	device->profile = profiles_find(&days->profiles, PROFILES[i % ARRAY_LEN(PROFILES)]);
	/* A third is kept, a half is polled, some of them both; the rest is left to programs. */
	device->is_persistent = i % 3 == 0;
	if (i % 2 == 0)
		device->interval_ms = INTERVALS_MS[i / 2 % ARRAY_LEN(INTERVALS_MS)];
	device->flaky = i % 5 == 4 ? 150 : 10;
	if (!days->plan.has_faults)
		device->flaky = 0;
	path_init(device);
	keeper_init(device);
}

static void make_adapter(struct days *days, unsigned i)
{
	struct days_adapter *adapter = &days->adapters[i];

	adapter->index = i;
	adapter->address = UINT64_C(0xaabbcc000000) | i;
	adapter->model = model_adapter(days->model, i);
	adapter_init(adapter);
}

static void begin(struct days *days)
{
	unsigned i;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		adapter_start(days, &days->adapters[i]);
	days->watch_timer.fire = on_watch;
	days->air_timer.fire = on_air;
	days->judge_timer.fire = on_judge;
	timer_in(days, &days->watch_timer, WATCH_MS);
	timer_in(days, &days->air_timer, 0);
	timer_in(days, &days->judge_timer, JUDGE_MS);
	for (i = 0; i < DAYS_DEVICES; i++)
		keeper_begin(days, &days->devices[i]);
	faults_begin(days);
}

struct days *days_new(const struct days_plan *plan)
{
	const struct model_config config = {
		.adapters = DAYS_ADAPTERS,
		.devices = DAYS_DEVICES,
		.seed = plan->seed,
		.notify_ms = 1000,
	};
	struct days *days = calloc(1, sizeof(*days));
	unsigned i;

	ck_assert_ptr_nonnull(days);
	days->plan = *plan;
	days->now_ms = plan->base_ms;
	days->world_random = plan->seed;
	days->dice_random = ~plan->seed;
	days->limits = LIMITS;
	days->backoff = BACKOFF;
	days->has_bluez = true;
	MUST(model_new(&days->model, &config) == 0, "an error");
	MUST(escalation_new(&days->escalation, &days->limits) == 0, "an error");
	MUST(histories_new(&days->histories) == 0, "an error");
	profiles_defaults(&days->profiles);
	for (i = 0; i < DAYS_ADAPTERS; i++)
		make_adapter(days, i);
	for (i = 0; i < DAYS_DEVICES; i++)
		make_device(days, i);
	judge_init(days);
	locks_init(days);
	begin(days);
	return days;
}

struct days *days_free(struct days *days)
{
	if (!days)
		return NULL;
	locks_done(days);
	faults_done(days);
	judge_done(days);
	days->histories = histories_free(days->histories);
	days->escalation = escalation_free(days->escalation);
	days->model = model_free(days->model);
	free(days->lines);
	free(days);
	return NULL;
}
