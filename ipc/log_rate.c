/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log_rate.h"

static bool is_over(const struct log_rate_site *at, uint64_t now_ms)
{
	return now_ms - at->began_at_ms >= LOG_RATE_MS;
}

static struct log_rate_site *place_of(struct log_rate *rate, const char *site)
{
	size_t i;

	for (i = 0; i < LOG_RATE_SITES - 1; i++)
		if (!rate->sites[i].site || rate->sites[i].site == site)
			break;
	return &rate->sites[i];
}

bool log_rate_allows(struct log_rate *rate, const char *site, uint64_t now_ms)
{
	struct log_rate_site *at = place_of(rate, site);

	if (!at->site || is_over(at, now_ms)) {
		/* What is still held is told all the same. */
		*at = (struct log_rate_site){ .site = site,
					      .began_at_ms = now_ms,
					      .held = at->held };
	}
	if (at->lines < LOG_RATE_LINES) {
		at->lines++;
		return true;
	}
	at->held++;
	return false;
}

uint32_t log_rate_due(struct log_rate *rate, uint64_t now_ms, const char **out_site)
{
	uint32_t held;
	size_t i;

	for (i = 0; i < LOG_RATE_SITES; i++) {
		held = rate->sites[i].held;
		if (held == 0 || !is_over(&rate->sites[i], now_ms))
			continue;
		rate->sites[i].held = 0;
		*out_site = rate->sites[i].site;
		return held;
	}
	return 0;
}
