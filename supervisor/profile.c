/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/profile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/nearest.h"

enum { COUNT_MAX = 1000, FIRST = 0 };

/*
 * bleak-connection-manager's profiles (its defaults: diagnose 1, rotate 2, clear 4, reset 6), in
 * the order of harm: there "clear" ranks below "rotate" and begins later, so that it was never
 * reached where both were allowed. Its "diagnose" is the first part of our clear.
 */
static const struct profile BUILTIN[] = {
	{ "battery", ESCALATION_RESET, 2, 3, 6, 0 },
	{ "sensor", ESCALATION_ROTATE, 2, 3, 0, 0 },
	/* Somebody waits: the other adapter is the quickest way, clearing the slowest. */
	{ "on-demand", ESCALATION_ROTATE, 0, 1, 0, 0 },
};

static const char *const STEPS[] = {
	[ESCALATION_NOTHING] = "nothing", [ESCALATION_RETRY] = "retry",
	[ESCALATION_GIVE_UP] = "give-up", [ESCALATION_CLEAR] = "clear",
	[ESCALATION_ROTATE] = "rotate",	  [ESCALATION_RESET] = "reset",
};

static const struct {
	const char *name;
	size_t offset;
	uint32_t min;
} COUNTS[] = {
	{ "clear_after", offsetof(struct profile, clear_after), 0 },
	{ "rotate_after", offsetof(struct profile, rotate_after), 0 },
	{ "reset_after", offsetof(struct profile, reset_after), 0 },
	{ "attempts", offsetof(struct profile, attempts), 1 },
};

static const char CEILING[] = "ceiling";

void profiles_defaults(struct profiles *out)
{
	*out = (struct profiles){ .n = ARRAY_LEN(BUILTIN) };
	memcpy(out->list, BUILTIN, sizeof(BUILTIN));
	memcpy(out->chosen, BUILTIN[FIRST].name, PROFILE_NAME_LEN);
}

static struct profile *find(const struct profiles *profiles, const char *name)
{
	size_t i;

	for (i = 0; i < profiles->n; i++)
		if (strcmp(profiles->list[i].name, name) == 0)
			return (struct profile *)(uintptr_t)&profiles->list[i];
	return NULL;
}

const struct profile *profiles_find(const struct profiles *profiles, const char *name)
{
	return find(profiles, name);
}

const struct profile *profiles_of(const struct profiles *profiles, const char *name)
{
	const struct profile *chosen = find(profiles, name);

	if (!chosen)
		chosen = find(profiles, profiles->chosen);
	return chosen ? chosen : &profiles->list[FIRST];
}

static uint32_t threshold(const struct profile *profile, enum escalation_step step)
{
	switch (step) {
	case ESCALATION_CLEAR:
		return profile->clear_after;
	case ESCALATION_ROTATE:
		return profile->rotate_after;
	case ESCALATION_RESET:
		return profile->reset_after;
	case ESCALATION_NOTHING:
	case ESCALATION_RETRY:
	case ESCALATION_GIVE_UP:
		return 1;
	}
	return 0;
}

bool profile_allows(const struct profile *profile, enum escalation_step step)
{
	if (step == ESCALATION_RETRY || step == ESCALATION_GIVE_UP)
		return true;
	return step <= profile->ceiling && threshold(profile, step) > 0;
}

const char *escalation_step_name(enum escalation_step step)
{
	return step < ARRAY_LEN(STEPS) ? STEPS[step] : "nothing";
}

/* --- configuration --- */

static int add(struct profiles *profiles, const char *name, struct profile **out, char *error)
{
	struct profile *profile;

	if (name[0] == '\0' || strlen(name) >= PROFILE_NAME_LEN) {
		(void)snprintf(error, PROFILE_ERROR_LEN,
			       "the name of a profile has 1 to %d bytes: [profile NAME]",
			       PROFILE_NAME_LEN - 1);
		return -EINVAL;
	}
	if (profiles->n == PROFILES_MAX) {
		(void)snprintf(error, PROFILE_ERROR_LEN, "more than %d profiles; delete some",
			       PROFILES_MAX);
		return -EINVAL;
	}
	profile = &profiles->list[profiles->n++];
	*profile = BUILTIN[FIRST];
	memset(profile->name, 0, sizeof(profile->name));
	memcpy(profile->name, name, strlen(name));
	*out = profile;
	return 0;
}

static int set_ceiling(struct profile *profile, const char *value, char *error)
{
	static const enum escalation_step RUNGS[] = { ESCALATION_RETRY, ESCALATION_CLEAR,
						      ESCALATION_ROTATE, ESCALATION_RESET };
	size_t i;

	for (i = 0; i < ARRAY_LEN(RUNGS); i++) {
		if (strcmp(STEPS[RUNGS[i]], value) != 0)
			continue;
		profile->ceiling = RUNGS[i];
		return 0;
	}
	(void)snprintf(error, PROFILE_ERROR_LEN,
		       "ceiling = %.40s is not known; one of retry, clear, rotate, reset", value);
	return -EINVAL;
}

static int set_count(struct profile *profile, size_t key, const char *value, char *error)
{
	unsigned long number = 0;
	uint32_t count;
	char *end = NULL;

	if (isdigit((unsigned char)value[0]))
		number = strtoul(value, &end, 10);
	if (!end || *end != '\0' || number > COUNT_MAX || number < COUNTS[key].min) {
		(void)snprintf(error, PROFILE_ERROR_LEN, "%s = %.40s is no number from %u to %d",
			       COUNTS[key].name, value, COUNTS[key].min, COUNT_MAX);
		return -EINVAL;
	}
	count = (uint32_t)number;
	memcpy((char *)profile + COUNTS[key].offset, &count, sizeof(count));
	return 0;
}

static const char *nearest(const char *key)
{
	const char *best = CEILING;
	size_t i;

	for (i = 0; i < ARRAY_LEN(COUNTS); i++)
		if (nearest_distance(key, COUNTS[i].name) < nearest_distance(key, best))
			best = COUNTS[i].name;
	return best;
}

int profiles_set(struct profiles *profiles, const char *name, const char *key, const char *value,
		 char out_error[PROFILE_ERROR_LEN])
{
	struct profile *profile = find(profiles, name);
	size_t i;
	int r = profile ? 0 : add(profiles, name, &profile, out_error);

	if (r < 0)
		return r;
	if (strcmp(key, CEILING) == 0)
		return set_ceiling(profile, value, out_error);
	for (i = 0; i < ARRAY_LEN(COUNTS); i++)
		if (strcmp(COUNTS[i].name, key) == 0)
			return set_count(profile, i, value, out_error);
	(void)snprintf(out_error, PROFILE_ERROR_LEN,
		       "key %.40s is not known in [profile NAME]; the nearest is %s", key,
		       nearest(key));
	return -EINVAL;
}

const char *profiles_key(size_t index)
{
	if (index == 0)
		return CEILING;
	return index <= ARRAY_LEN(COUNTS) ? COUNTS[index - 1].name : NULL;
}
