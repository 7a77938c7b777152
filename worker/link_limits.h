/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/link_limits.h - how long a link that is up stays up. Pure.
 *
 * Whoever has an open request is never cut. A link that nobody wants any more lingers, so that a
 * burst of requests shares it. One that is held and not used, and one that is old, end where the
 * rules of its device say so: the idle limit is one of programs that hold and forget, so a link
 * that only a keeper holds is spared; the lifetime one is of all, at the first idle moment.
 */
#include "worker/rules.h"

enum link_use {
	LINK_USE_NONE, /* nobody wants it: it lingers */
	LINK_USE_KEPT, /* a keeper holds it, and nobody else */
	LINK_USE_HELD, /* a program holds it or is subscribed; no request is open */
	LINK_USE_BUSY, /* a request is open */
};

struct link_limits {
	const struct rules *rules;
	enum link_use use;
	bool is_subscribed;   /* to what would not be resumed on another link */
	uint64_t up_ms;	      /* since when it is up */
	uint64_t used_ms;     /* a request was served or a value came; 0: nobody was given it */
	uint64_t unwanted_ms; /* with LINK_USE_NONE: since when */
};

enum link_limit {
	LINK_LIMIT_NONE,
	LINK_LIMIT_UNWANTED, /* nobody wants it, and it has lingered */
	LINK_LIMIT_IDLE,
	LINK_LIMIT_LIFETIME,
};

/**
 * link_limits_look() - whether it is to end now
 * @out_next_ms: when to look again if nothing happens; UINT64_MAX: never
 */
enum link_limit link_limits_look(const struct link_limits *link, uint64_t now_ms,
				 uint64_t *out_next_ms);
