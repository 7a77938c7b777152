/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/device_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/nearest.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000, FAILURES_MAX = 1000 };

static const char READ[] = "read:";

enum key_kind { KEY_NUMBER, KEY_WORD, KEY_FIXED, KEY_CHECK, KEY_PROFILE };

/* In the order of the numbers; NULL ends them. */
static const char *const STRATEGIES[] = { "", "on-demand", "persistent", NULL };
static const char *const NOTIFIES[] = { "any", "acquire", "start", NULL };
static const char *const WRITES[] = { "call", "acquire", NULL };

struct rule_key {
	const char *name;
	enum key_kind kind;
	size_t offset;
	uint32_t min;
	uint32_t max;
	const char *const *words;
};

#define NUMBER(n, lo, hi)                                                                          \
	{                                                                                          \
#n, KEY_NUMBER, offsetof(struct device_rule, n), lo, hi, NULL                      \
	}
#define WORD(n, first, list)                                                                       \
	{                                                                                          \
#n, KEY_WORD, offsetof(struct device_rule, n), first, 0, list                      \
	}

static const struct rule_key KEYS[] = {
	WORD(strategy, STRATEGY_ON_DEMAND, STRATEGIES),
	NUMBER(linger_ms, 0, HOUR_MS),
	NUMBER(idle_ms, 0, DAY_MS),
	NUMBER(lifetime_ms, 0, DAY_MS),
	WORD(notify, DEVICE_NOTIFY_ANY, NOTIFIES),
	WORD(write, DEVICE_WRITE_CALL, WRITES),
	NUMBER(silence_ms, 0, DAY_MS),
	{ "fixed", KEY_FIXED, 0, 0, 0, NULL },
	{ "check", KEY_CHECK, 0, 0, 0, NULL },
	NUMBER(check_interval_ms, 0, DAY_MS),
	NUMBER(check_timeout_ms, 100, HOUR_MS),
	NUMBER(breaker_failures, 0, FAILURES_MAX),
	NUMBER(breaker_probe_ms, 100, DAY_MS),
	NUMBER(reconnect_base_ms, 10, HOUR_MS),
	NUMBER(reconnect_max_ms, 10, DAY_MS),
	{ "profile", KEY_PROFILE, offsetof(struct device_rule, profile), 0, 0, NULL },
};
static_assert(ARRAY_LEN(KEYS) <= 32, "keys are bits of given");

const char *strategy_name(enum strategy strategy)
{
	return STRATEGIES[strategy];
}

void device_rules_defaults(struct device_rules *out)
{
	memset(out, 0, sizeof(*out));
	out->linger_ms = 1000;
}

/* --- whom a section means --- */

static int fail(char *error, const char *key, const char *value, const char *right)
{
	(void)snprintf(error, DEVICE_RULES_ERROR_LEN, "%.24s = %.40s is not known; %s", key, value,
		       right);
	return -EINVAL;
}

static int parse_who(const char *who, struct pattern *out, char *error)
{
	/* Of all devices [links] and [escalation] speak. */
	if (pattern_parse(who, out) == 0 && out->kind != PATTERN_ANY)
		return 0;
	(void)snprintf(error, DEVICE_RULES_ERROR_LEN,
		       "[device %.40s] names no device; [device C0:AA:BB:00:00:01], "
		       "[device name:PATTERN] or [device service:UUID]",
		       who);
	return -EINVAL;
}

static int need_section(struct device_rules *rules, const char *who,
			struct device_rules_section **out, char *error)
{
	struct pattern pattern;
	size_t i;
	int r = parse_who(who, &pattern, error);

	if (r < 0)
		return r;
	for (i = 0; i < rules->n; i++) {
		*out = &rules->list[i];
		if (pattern_equal(&(*out)->who, &pattern))
			return 0;
	}
	if (rules->n == DEVICE_RULES_MAX) {
		(void)snprintf(error, DEVICE_RULES_ERROR_LEN,
			       "more than %d sections [device]; use patterns", DEVICE_RULES_MAX);
		return -EINVAL;
	}
	*out = &rules->list[rules->n++];
	**out = (struct device_rules_section){ .who = pattern };
	return 0;
}

/* --- values --- */

static int set_number(struct device_rule *rule, const struct rule_key *key, const char *value,
		      char *error)
{
	unsigned long number = 0;
	uint32_t checked;
	char *end = NULL;

	if (isdigit((unsigned char)value[0]) && strlen(value) <= 10)
		number = strtoul(value, &end, 10);
	if (!end || *end != '\0' || number < key->min || number > key->max) {
		(void)snprintf(error, DEVICE_RULES_ERROR_LEN,
			       "%s = %.40s is out of range; a number from %u to %u", key->name,
			       value, key->min, key->max);
		return -EINVAL;
	}
	checked = (uint32_t)number;
	memcpy((char *)rule + key->offset, &checked, sizeof(checked));
	return 0;
}

static int set_word(struct device_rule *rule, const struct rule_key *key, const char *value,
		    char *error)
{
	char right[64] = "one of ";
	uint32_t i;

	for (i = key->min; key->words[i]; i++) {
		size_t len = strlen(right);

		if (strcmp(key->words[i], value) == 0) {
			memcpy((char *)rule + key->offset, &i, sizeof(i));
			return 0;
		}
		(void)snprintf(right + len, sizeof(right) - len, "%s%s", i > key->min ? ", " : "",
			       key->words[i]);
	}
	return fail(error, key->name, value, right);
}

static int set_fixed(struct device_rule *rule, const char *value, char *error)
{
	char word[UUID_TEXT_LEN + 1];
	size_t n = 0;
	size_t len;

	for (;;) {
		value += strspn(value, ", \t");
		len = strcspn(value, ", \t");
		if (len == 0)
			break;
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, value);
		if (n == DEVICE_RULES_FIXED_MAX || len >= sizeof(word) ||
		    uuid_parse(word, &rule->fixed[n]) < 0)
			return fail(error, "fixed", value,
				    "up to 8 UUIDs such as 2a29, with commas between them");
		n++;
		value += len;
	}
	rule->n_fixed = n;
	return 0;
}

static int set_check(struct device_rule *rule, const char *value, char *error)
{
	if (strcmp(value, "none") == 0)
		rule->check = DEVICE_CHECK_NONE;
	else if (strcmp(value, "gatt") == 0)
		rule->check = DEVICE_CHECK_GATT;
	else if (strncmp(value, READ, strlen(READ)) == 0 &&
		 uuid_parse(value + strlen(READ), &rule->check_uuid) == 0)
		rule->check = DEVICE_CHECK_READ;
	else
		return fail(error, "check", value, "one of none, gatt, read:UUID");
	return 0;
}

/* Whether there is such a profile is seen at the end: it may come later in the file. */
static int set_profile(struct device_rule *rule, const char *value, char *error)
{
	if (value[0] == '\0' || strlen(value) >= sizeof(rule->profile))
		return fail(error, "profile", value, "one such as battery, sensor, on-demand");
	memset(rule->profile, 0, sizeof(rule->profile));
	memcpy(rule->profile, value, strlen(value));
	return 0;
}

static int set_value(struct device_rule *rule, const struct rule_key *key, const char *value,
		     char *error)
{
	switch (key->kind) {
	case KEY_NUMBER:
		return set_number(rule, key, value, error);
	case KEY_WORD:
		return set_word(rule, key, value, error);
	case KEY_FIXED:
		return set_fixed(rule, value, error);
	case KEY_CHECK:
		return set_check(rule, value, error);
	case KEY_PROFILE:
		return set_profile(rule, value, error);
	}
	return -EINVAL;
}

int device_rules_set(struct device_rules *rules, const char *who, const char *key,
		     const char *value, char out_error[DEVICE_RULES_ERROR_LEN])
{
	struct device_rules_section *section;
	size_t at = nearest_index(key, &KEYS[0].name, ARRAY_LEN(KEYS), sizeof(KEYS[0]));
	int r;

	r = need_section(rules, who, &section, out_error);
	if (r < 0)
		return r;
	if (strcmp(KEYS[at].name, key) != 0) {
		(void)snprintf(out_error, DEVICE_RULES_ERROR_LEN,
			       "key %.40s is not known in [device]; the nearest is %s", key,
			       KEYS[at].name);
		return -EINVAL;
	}
	if (section->given_here >> at & 1) {
		(void)snprintf(out_error, DEVICE_RULES_ERROR_LEN, "%s is given twice; keep one",
			       key);
		return -EINVAL;
	}
	section->given |= 1u << at;
	section->given_here |= 1u << at;
	section->mark = rules->mark;
	return set_value(&section->rule, &KEYS[at], value, out_error);
}

void device_rules_next_file(struct device_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		rules->list[i].given_here = 0;
}

const char *device_rules_key(size_t index)
{
	return index < ARRAY_LEN(KEYS) ? KEYS[index].name : NULL;
}

/* --- what holds --- */

static void take(struct device_rule *to, const struct device_rules_section *section)
{
	const struct device_rule *from = &section->rule;
	size_t i;

	for (i = 0; i < ARRAY_LEN(KEYS); i++) {
		if (!(section->given >> i & 1))
			continue;
		switch (KEYS[i].kind) {
		case KEY_NUMBER:
		case KEY_WORD:
			memcpy((char *)to + KEYS[i].offset, (const char *)from + KEYS[i].offset,
			       sizeof(uint32_t));
			break;
		case KEY_FIXED:
			to->n_fixed = from->n_fixed;
			memcpy(to->fixed, from->fixed, sizeof(to->fixed));
			break;
		case KEY_CHECK:
			to->check = from->check;
			to->check_uuid = from->check_uuid;
			break;
		case KEY_PROFILE:
			memcpy(to->profile, from->profile, sizeof(to->profile));
			break;
		}
	}
}

static void defaults_of(const struct device_rules *rules, struct device_rule *out)
{
	*out = (struct device_rule){
		.strategy = STRATEGY_ON_DEMAND,
		.linger_ms = rules->linger_ms,
		.idle_ms = rules->idle_ms,
		.lifetime_ms = rules->lifetime_ms,
		.check_timeout_ms = 30000, /* a connect of 20 s, and what follows it */
		.breaker_failures = 5,
		.breaker_probe_ms = 60000,
		.reconnect_base_ms = 2000,
		.reconnect_max_ms = 60000,
	};
}

void device_rules_of(const struct device_rules *rules, const struct pattern_device *who,
		     struct device_rule *out)
{
	/* The last one wins. */
	static const enum pattern_kind ORDER[] = { PATTERN_SERVICE, PATTERN_NAME, PATTERN_ADDRESS };
	size_t i;
	size_t k;

	defaults_of(rules, out);
	for (k = 0; k < ARRAY_LEN(ORDER); k++)
		for (i = 0; i < rules->n; i++)
			if (rules->list[i].who.kind == ORDER[k] &&
			    pattern_fits(&rules->list[i].who, who))
				take(out, &rules->list[i]);
}

int device_rules_check(const struct device_rules *rules, const struct profiles *profiles,
		       uint32_t *out_mark, char out_error[DEVICE_RULES_ERROR_LEN])
{
	struct device_rule rule;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		const char *profile = rules->list[i].rule.profile;

		*out_mark = rules->list[i].mark;

		defaults_of(rules, &rule);
		take(&rule, &rules->list[i]);
		if (profile[0] != '\0' && !profiles_find(profiles, profile))
			return fail(out_error, "profile", profile,
				    "add its section [profile NAME], or take battery");
		if (rule.reconnect_base_ms > rule.reconnect_max_ms) {
			(void)snprintf(out_error, DEVICE_RULES_ERROR_LEN,
				       "reconnect_base_ms (%u) is above reconnect_max_ms (%u); "
				       "lower it",
				       rule.reconnect_base_ms, rule.reconnect_max_ms);
			return -EINVAL;
		}
	}
	return 0;
}

static bool is_same_value(const struct rule_key *key, const struct device_rule *a,
			  const struct device_rule *b)
{
	size_t i;

	switch (key->kind) {
	case KEY_NUMBER:
	case KEY_WORD:
		return memcmp((const char *)a + key->offset, (const char *)b + key->offset,
			      sizeof(uint32_t)) == 0;
	case KEY_FIXED:
		for (i = 0; i < a->n_fixed && i < b->n_fixed; i++)
			if (!uuid_equal(&a->fixed[i], &b->fixed[i]))
				return false;
		return a->n_fixed == b->n_fixed;
	case KEY_CHECK:
		return a->check == b->check && uuid_equal(&a->check_uuid, &b->check_uuid);
	case KEY_PROFILE:
		return strcmp(a->profile, b->profile) == 0;
	}
	return false;
}

bool device_rule_equal(const struct device_rule *a, const struct device_rule *b)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(KEYS); i++)
		if (!is_same_value(&KEYS[i], a, b))
			return false;
	return true;
}

bool device_rules_equal(const struct device_rules *a, const struct device_rules *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!pattern_equal(&a->list[i].who, &b->list[i].who) ||
		    a->list[i].given != b->list[i].given ||
		    !device_rule_equal(&a->list[i].rule, &b->list[i].rule))
			return false;
	return true;
}

bool device_rules_has_patterns(const struct device_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (rules->list[i].who.kind != PATTERN_ADDRESS)
			return true;
	return false;
}

bool device_rule_is_kept(const struct device_rule *rule)
{
	return rule->strategy == STRATEGY_PERSISTENT ||
	       (rule->check != DEVICE_CHECK_NONE && rule->check_interval_ms > 0);
}
