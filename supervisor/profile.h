/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/profile.h - how far escalation may go for a peripheral: named sets of thresholds.
 *
 * battery, sensor and on-demand are there from the start; `[profile NAME]` in the configuration
 * changes one or makes a new one, which begins as a copy of battery. Pure.
 */
#include "ipc/base.h"

enum { PROFILES_MAX = 16, PROFILE_NAME_LEN = 24, PROFILE_ERROR_LEN = 160 };

/* Numbers as in control.proto; those above GIVE_UP are the rungs, the least harmful first. */
enum escalation_step {
	ESCALATION_NOTHING,
	ESCALATION_RETRY,
	ESCALATION_GIVE_UP,
	ESCALATION_CLEAR,  /* what BlueZ and the kernel keep of that device */
	ESCALATION_ROTATE, /* go to another adapter */
	ESCALATION_RESET,  /* the adapter */
};

struct profile {
	char name[PROFILE_NAME_LEN];
	enum escalation_step ceiling; /* the highest rung that is allowed */
	uint32_t clear_after;	      /* failures of the device on that adapter; 0: never */
	uint32_t rotate_after;	      /* the same */
	uint32_t reset_after;	      /* failures of the adapter; 0: never */
	uint32_t attempts;	      /* of one request; 0: as in [retry] */
};

struct profiles {
	char chosen[PROFILE_NAME_LEN]; /* of whoever has none of his own */
	size_t n;
	struct profile list[PROFILES_MAX];
};

void profiles_defaults(struct profiles *out);

/* NULL if there is none of that name. */
const struct profile *profiles_find(const struct profiles *profiles, const char *name);

/* That of a device whose rule says @name; "": none of its own. Never NULL. */
const struct profile *profiles_of(const struct profiles *profiles, const char *name);

/* Whether that rung may be taken at all. */
bool profile_allows(const struct profile *profile, enum escalation_step step);

/* "retry", "clear", "rotate", "reset", "give-up"; "nothing". */
const char *escalation_step_name(enum escalation_step step);

/**
 * profiles_set() - a line of a section [profile NAME]
 * @out_error: what is wrong and what would be right
 *
 * Errors: -EINVAL.
 */
must_check int profiles_set(struct profiles *profiles, const char *name, const char *key,
			    const char *value, char out_error[PROFILE_ERROR_LEN]);

/* The name of the key, NULL behind the last. */
const char *profiles_key(size_t index);
