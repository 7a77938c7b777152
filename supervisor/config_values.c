/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/config_values.c - the values of the keys in the table, each checked by its kind. */
#include <ctype.h>
#include <string.h>

#include "ipc/log.h"
#include "supervisor/config_state.h"

static const struct {
	const char *name;
	enum log_level level;
} LEVELS[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

static bool parse_number(const char *text, int base, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno != 0 || *end != '\0' || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static int set_text(struct parse *parse, const struct key *key, const char *value)
{
	char *to = (char *)parse->config + key->offset;

	if (strlen(value) >= key->max)
		return config_fail(parse, "%s is too long; at most %u bytes", key->name,
				   key->max - 1);
	if (value[0] == '\0' && key->kind == KIND_PATH_OR_NONE) {
		to[0] = '\0';
		return 1;
	}
	if (value[0] == '\0')
		return config_fail(parse, "%s is empty; give a value or delete the line",
				   key->name);
	if (key->kind != KIND_TEXT && value[0] != '/')
		return config_fail(parse, "%s = %s is no absolute path; begin it with /", key->name,
				   value);
	memcpy(to, value, strlen(value) + 1);
	return 1;
}

static int set_level(struct parse *parse, const struct key *key, const char *value)
{
	size_t i;

	(void)key;
	for (i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (strcmp(LEVELS[i].name, value) != 0)
			continue;
		parse->config->log_level = LEVELS[i].level;
		return 1;
	}
	return config_fail(parse, "log_level = %s is not known; one of error, warn, info, debug",
			   value);
}

static int set_scan_mode(struct parse *parse, const char *value)
{
	bool is_passive = strcmp(value, "passive") == 0;

	if (!is_passive && strcmp(value, "active") != 0)
		return config_fail(parse, "mode = %s is not known; one of active, passive", value);
	parse->config->is_passive = is_passive;
	return 1;
}

static int set_number(struct parse *parse, const struct key *key, const char *value)
{
	const char *form = key->kind == KIND_MODE ? "an octal mode such as 0660" : "a number";
	uint32_t number;

	if (!parse_number(value, key->kind == KIND_MODE ? 8 : 10, &number))
		return config_fail(parse, "%s = %s cannot be read; give %s", key->name, value,
				   form);
	if (number < key->min || number > key->max)
		return config_fail(parse,
				   key->kind == KIND_MODE
					   ? "%s = %s is out of range; from %o to %o"
					   : "%s = %s is out of range; from %u to %u",
				   key->name, value, key->min, key->max);
	memcpy((char *)parse->config + key->offset, &number, sizeof(number));
	return 1;
}

static int set_switch(struct parse *parse, const struct key *key, const char *value)
{
	uint32_t *bits = &parse->config->workarounds;
	bool is_on = strcmp(value, "yes") == 0;

	if (!is_on && strcmp(value, "no") != 0)
		return config_fail(parse, "%s = %s is neither yes nor no; give one of them",
				   key->name, value);
	*bits = is_on ? *bits | key->min : *bits & ~key->min;
	return 1;
}

int config_set(struct parse *parse, const struct key *key, const char *value)
{
	parse->where[key - CONFIG_KEYS] = config_here(parse);
	switch (key->kind) {
	case KIND_PATH:
	case KIND_PATH_OR_NONE:
	case KIND_TEXT:
		return set_text(parse, key, value);
	case KIND_SWITCH:
		return set_switch(parse, key, value);
	case KIND_LEVEL:
		return set_level(parse, key, value);
	case KIND_SCAN_MODE:
		return set_scan_mode(parse, value);
	case KIND_NUMBER:
	case KIND_MODE:
		return set_number(parse, key, value);
	}
	return 0;
}
