/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/overlap.h - whether turns at a lock overlap where they may not. Pure.
 *
 * Of n units that ours may have at once, programs outside may use some: as long as one of ours has
 * one, all together may have no more than n. Programs outside among themselves are limited by the
 * files that they know, which is no promise of ours.
 */
#include "contrib/soak/claims.h"

enum {
	OVERLAP_RESOURCES_MAX = 128,
	OVERLAP_KEPT = 512, /* turns of a resource */
	OVERLAP_TEXT_LEN = 160,
};

struct overlap_turn {
	int64_t took_us, gave_us;
	uint64_t grant;
	const char *who;
	bool is_outsider;
};

/* Zeroed at the begin. */
struct overlap {
	size_t n_resources;
	struct overlap_resource {
		char name[CLAIMS_RESOURCE_LEN];
		uint32_t units;
		uint64_t n; /* turns ever */
		struct overlap_turn turns[OVERLAP_KEPT];
	} resources[OVERLAP_RESOURCES_MAX];
};

/**
 * overlap_add() - one more turn of a resource, in any order among those of the last seconds
 * @units:    how many of ours may have it at once; that of the first call for this resource holds
 * @turn:     copied, but for @who, which stays the caller's
 * @out_text: written if it is one too many: who had it at once, and when
 *
 * Returns whether it is.
 */
bool overlap_add(struct overlap *o, const char *resource, uint32_t units,
		 const struct overlap_turn *turn, char out_text[OVERLAP_TEXT_LEN]);
