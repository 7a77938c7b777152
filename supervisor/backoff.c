/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/backoff.h"

uint32_t backoff_jitter(uint32_t ms, uint32_t dice)
{
	uint64_t permille = 800 + dice % 401;

	return (uint32_t)((uint64_t)ms * permille / 1000);
}

static uint32_t delay_of(uint32_t n, const struct backoff_limits *limits, uint32_t dice)
{
	uint64_t delay_ms = limits->base_ms;

	if (n == 0)
		return 0;
	while (--n > 0 && delay_ms < limits->max_ms)
		delay_ms *= 2;
	if (delay_ms > limits->max_ms)
		delay_ms = limits->max_ms;
	delay_ms = backoff_jitter((uint32_t)delay_ms, dice);
	return delay_ms > limits->max_ms ? limits->max_ms : (uint32_t)delay_ms;
}

static uint32_t deaths_since(const struct backoff *backoff, uint64_t since_ms)
{
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < backoff->kept; i++)
		count += backoff->died_at_ms[i] >= since_ms;
	return count;
}

static void note_death(struct backoff *backoff, uint64_t now_ms)
{
	backoff->died_at_ms[backoff->next] = now_ms;
	backoff->next = (backoff->next + 1) % BACKOFF_DEATHS_MAX;
	if (backoff->kept < BACKOFF_DEATHS_MAX)
		backoff->kept++;
}

int backoff_died(struct backoff *backoff, const struct backoff_limits *limits, uint64_t now_ms,
		 uint64_t healthy_ms, bool is_counted, uint32_t dice, uint32_t *out_delay_ms)
{
	uint64_t since_ms = now_ms > limits->loop_window_ms ? now_ms - limits->loop_window_ms : 0;

	if (healthy_ms >= BACKOFF_HEALTHY_MS)
		*backoff = (struct backoff){ .n = 0 };
	if (is_counted)
		note_death(backoff, now_ms);
	if (is_counted && limits->loop_deaths > 0 &&
	    deaths_since(backoff, since_ms) >= limits->loop_deaths)
		backoff->is_loop = true;
	if (backoff->is_loop) {
		*out_delay_ms = limits->max_ms;
		return BACKOFF_LOOP;
	}
	*out_delay_ms = delay_of(backoff->n, limits, dice);
	if (backoff->n < UINT32_MAX)
		backoff->n++;
	return BACKOFF_RESTART;
}
