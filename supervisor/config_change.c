/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/config_change.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/config_keys.h"

static void add(char names[CONFIG_NAMES_LEN], const char *section, const char *name)
{
	size_t len = strlen(names);

	(void)snprintf(names + len, CONFIG_NAMES_LEN - len, "%s%s%s%s", len > 0 ? ", " : "",
		       section, name[0] != '\0' ? "." : "", name);
}

static bool is_text(const struct key *key)
{
	return key->kind == KIND_PATH || key->kind == KIND_PATH_OR_NONE || key->kind == KIND_TEXT;
}

static bool is_equal(const struct key *key, const struct config *a, const struct config *b)
{
	const char *at_a = (const char *)a + key->offset;
	const char *at_b = (const char *)b + key->offset;
	uint32_t number_a;
	uint32_t number_b;

	if (is_text(key))
		return strcmp(at_a, at_b) == 0;
	memcpy(&number_a, at_a, sizeof(number_a));
	memcpy(&number_b, at_b, sizeof(number_b));
	if (key->kind == KIND_SWITCH)
		return ((number_a ^ number_b) & key->min) == 0;
	return number_a == number_b;
}

static void keep(const struct key *key, const struct config *now, struct config *next)
{
	memcpy((char *)next + key->offset, (const char *)now + key->offset,
	       is_text(key) ? key->max : sizeof(uint32_t));
}

static bool is_profile_equal(const struct profiles *a, const struct profiles *b)
{
	return a->n == b->n && memcmp(a->list, b->list, a->n * sizeof(a->list[0])) == 0;
}

void config_compare(const struct config *now, struct config *next, struct config_change *out)
{
	const struct key *key;

	*out = (struct config_change){ .has_devices = false };
	for (key = CONFIG_KEYS; key < CONFIG_KEYS + CONFIG_KEYS_LEN; key++) {
		if (is_equal(key, now, next))
			continue;
		if (key->is_fixed) {
			add(out->fixed, key->section, key->name);
			keep(key, now, next);
			continue;
		}
		add(out->live, key->section, key->name);
		out->has_devices |= strcmp(key->section, "links") == 0;
	}
	if (!is_profile_equal(&now->profiles, &next->profiles))
		add(out->live, "[profile]", "");
	if (!access_equal(&now->access, &next->access)) {
		add(out->live, "[access]", "");
		out->has_access = true;
	}
	if (device_rules_equal(&now->devices, &next->devices))
		return;
	add(out->live, "[device]", "");
	out->has_devices = true;
}
