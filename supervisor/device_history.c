/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/device_history.h"

enum { BUCKETS = 256 };

TAILQ_HEAD(history_bucket, history);

struct histories {
	size_t n;
	struct history_bucket by_use;
	struct history_bucket buckets[BUCKETS];
};

int histories_new(struct histories **out)
{
	struct histories *histories = calloc(1, sizeof(*histories));
	size_t i;

	if (!histories)
		return -ENOMEM;
	TAILQ_INIT(&histories->by_use);
	for (i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&histories->buckets[i]);
	*out = histories;
	return 0;
}

static size_t bucket_of(uint64_t address)
{
	static_assert(BUCKETS == 256, "eight bits");
	return (size_t)(address * 0x9e3779b97f4a7c15u >> 56);
}

static void drop(struct histories *histories, struct history *history)
{
	TAILQ_REMOVE(&histories->by_use, history, by_use);
	TAILQ_REMOVE(&histories->buckets[bucket_of(history->address)], history, in_bucket);
	histories->n--;
	free(history);
}

struct histories *histories_free(struct histories *histories)
{
	if (!histories)
		return NULL;
	while (!TAILQ_EMPTY(&histories->by_use))
		drop(histories, TAILQ_FIRST(&histories->by_use));
	free(histories);
	return NULL;
}

struct history *histories_find(const struct histories *histories, uint64_t address)
{
	struct history *history;

	TAILQ_FOREACH(history, &histories->buckets[bucket_of(address)], in_bucket)
	if (history->address == address)
		return history;
	return NULL;
}

static bool is_busy(const struct history *history)
{
	return history->state == HISTORY_CONNECTED || history->state == HISTORY_DISCONNECTING;
}

/* Those that have been left alone for long; one more if it is still full. */
static void make_room(struct histories *histories, uint64_t now_ms)
{
	struct history *last;
	struct history *before;

	for (last = TAILQ_LAST(&histories->by_use, history_bucket); last; last = before) {
		before = TAILQ_PREV(last, history_bucket, by_use);
		if (now_ms - last->touched_at_ms < HISTORY_KEPT_MS)
			break;
		if (!is_busy(last))
			drop(histories, last);
	}
	if (histories->n < HISTORIES_MAX)
		return;
	last = TAILQ_LAST(&histories->by_use, history_bucket);
	while (last && is_busy(last))
		last = TAILQ_PREV(last, history_bucket, by_use);
	drop(histories, last ? last : TAILQ_LAST(&histories->by_use, history_bucket));
}

static struct history *make(struct histories *histories, uint64_t address, uint64_t now_ms)
{
	struct history *history;

	make_room(histories, now_ms);
	history = calloc(1, sizeof(*history));
	if (!history)
		return NULL;
	history->address = address;
	history->state = HISTORY_DISCONNECTED;
	history->since_ms = now_ms;
	history->adapter = HISTORY_NOWHERE;
	history->health = DEVICE_HEALTH_INIT;
	histories->n++;
	TAILQ_INSERT_HEAD(&histories->buckets[bucket_of(address)], history, in_bucket);
	TAILQ_INSERT_HEAD(&histories->by_use, history, by_use);
	return history;
}

struct history *histories_need(struct histories *histories, uint64_t address, uint64_t now_ms)
{
	struct history *history = histories_find(histories, address);

	if (!history)
		history = make(histories, address, now_ms);
	if (!history)
		return NULL;
	history->touched_at_ms = now_ms;
	TAILQ_REMOVE(&histories->by_use, history, by_use);
	TAILQ_INSERT_HEAD(&histories->by_use, history, by_use);
	return history;
}

void histories_each(struct histories *histories, void (*each)(struct history *history, void *ctx),
		    void *ctx)
{
	struct history *history;

	TAILQ_FOREACH(history, &histories->by_use, by_use)
	each(history, ctx);
}

bool history_enter(struct history *history, const struct history_step *step, uint64_t now_ms)
{
	const struct history_step *last;
	struct history_step *slot;

	if (step->state == history->state)
		return false;
	last = history->n_steps > 0 ? history_step(history, history->n_steps - 1) : NULL;
	slot = &history->steps[history->n_steps % HISTORY_STEPS_MAX];
	*slot = *step;
	if (last && slot->at_ms < last->at_ms)
		slot->at_ms = last->at_ms;
	history->n_steps++;
	history->state = (enum history_state)step->state;
	history->since_ms = now_ms;
	history->until_ms = 0;
	if (step->adapter != HISTORY_NOWHERE)
		history->adapter = step->adapter;
	return true;
}

uint64_t history_first(const struct history *history)
{
	return history->n_steps > HISTORY_STEPS_MAX ? history->n_steps - HISTORY_STEPS_MAX : 0;
}

const struct history_step *history_step(const struct history *history, uint64_t number)
{
	if (number < history_first(history) || number >= history->n_steps)
		return NULL;
	return &history->steps[number % HISTORY_STEPS_MAX];
}

const char *history_state_name(enum history_state state)
{
	switch (state) {
	case HISTORY_DISCONNECTED:
		return "disconnected";
	case HISTORY_CONNECTING:
		return "connecting";
	case HISTORY_CONNECTED:
		return "connected";
	case HISTORY_DISCONNECTING:
		return "disconnecting";
	case HISTORY_ERROR:
		return "error";
	}
	return "";
}
