/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/link_limits.h"

static bool is_over(uint64_t at_ms, uint64_t now_ms, uint64_t *next_ms)
{
	if (now_ms >= at_ms)
		return true;
	if (at_ms < *next_ms)
		*next_ms = at_ms;
	return false;
}

enum link_limit link_limits_look(const struct link_limits *link, uint64_t now_ms,
				 uint64_t *out_next_ms)
{
	const struct rules *rules = link->rules;
	uint64_t used_ms = link->used_ms > link->up_ms ? link->used_ms : link->up_ms;

	*out_next_ms = UINT64_MAX;
	if (link->use == LINK_USE_BUSY)
		return LINK_LIMIT_NONE;
	/* Nobody was given it: there is no burst to wait for. */
	if (link->use == LINK_USE_NONE &&
	    (link->used_ms == 0 ||
	     is_over(link->unwanted_ms + rules->linger_ms, now_ms, out_next_ms)))
		return LINK_LIMIT_UNWANTED;
	if (rules->lifetime_ms > 0 && !link->is_subscribed &&
	    is_over(link->up_ms + rules->lifetime_ms, now_ms, out_next_ms))
		return link->use == LINK_USE_NONE ? LINK_LIMIT_UNWANTED : LINK_LIMIT_LIFETIME;
	if (rules->idle_ms > 0 && link->use == LINK_USE_HELD &&
	    is_over(used_ms + rules->idle_ms, now_ms, out_next_ms))
		return LINK_LIMIT_IDLE;
	return LINK_LIMIT_NONE;
}
