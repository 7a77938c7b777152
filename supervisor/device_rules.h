/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/device_rules.h - what the configuration says of devices: [links] and the sections
 * [device ADDR], [device name:PATTERN], [device service:UUID].
 *
 * Of all sections that fit a device each key is taken from the one that says most precisely whom
 * it means: an address wins over a name, a name over a service, a later one over an earlier one.
 * Pure. Read by config.c, asked by keepers.c, attempts.c and finder.c.
 */
#include "ipc/pattern.h"
#include "supervisor/profile.h"

enum {
	DEVICE_RULES_MAX = 256,
	DEVICE_RULES_ERROR_LEN = 160,
	DEVICE_RULES_FIXED_MAX = 8,
};

/* Numbers of session.proto. */
enum strategy { STRATEGY_ON_DEMAND = 1, STRATEGY_PERSISTENT };

/* Numbers of control.proto. */
enum device_notify { DEVICE_NOTIFY_ANY, DEVICE_NOTIFY_ACQUIRE, DEVICE_NOTIFY_START };

/* Numbers of control.proto. */
enum device_write { DEVICE_WRITE_CALL, DEVICE_WRITE_ACQUIRE };

enum device_check { DEVICE_CHECK_NONE, DEVICE_CHECK_GATT, DEVICE_CHECK_READ };

/* What holds for one device. */
struct device_rule {
	uint32_t strategy; /* enum strategy */
	uint32_t linger_ms;
	uint32_t idle_ms;     /* 0: no limit */
	uint32_t lifetime_ms; /* 0: no limit */
	uint32_t notify;      /* enum device_notify */
	uint32_t write;	      /* enum device_write: of writes without response */
	uint32_t silence_ms;  /* 0: no limit */
	uint32_t check;	      /* enum device_check */
	struct uuid check_uuid;
	uint32_t check_interval_ms; /* 0: never */
	uint32_t check_timeout_ms;
	uint32_t breaker_failures; /* 0: it never opens */
	uint32_t breaker_probe_ms;
	uint32_t reconnect_base_ms;
	uint32_t reconnect_max_ms;
	char profile[PROFILE_NAME_LEN]; /* "": that of [escalation] */
	size_t n_fixed;
	struct uuid fixed[DEVICE_RULES_FIXED_MAX];
};

struct device_rules_section {
	struct pattern who;  /* never PATTERN_ANY */
	uint32_t given;	     /* bits: which of @rule it says */
	uint32_t given_here; /* the same, in the present file */
	uint32_t mark;	     /* of its last line */
	struct device_rule rule;
};

struct device_rules {
	/* [links] */
	uint32_t per_adapter; /* 0: as many as the controller takes */
	uint32_t total;	      /* 0: no limit */
	uint32_t linger_ms;
	uint32_t idle_ms;
	uint32_t lifetime_ms;
	uint32_t mark; /* the caller's, of the line that comes: for device_rules_check() */
	size_t n;
	struct device_rules_section list[DEVICE_RULES_MAX];
};

void device_rules_defaults(struct device_rules *out);

/**
 * device_rules_set() - a line of a section [device WHO]
 * @who:       what follows "device ", as written; the first line of a new one makes it
 * @key:       and @value, as written
 * @out_error: what is wrong and what would be right
 *
 * Errors: -EINVAL.
 */
must_check int device_rules_set(struct device_rules *rules, const char *who, const char *key,
				const char *value, char out_error[DEVICE_RULES_ERROR_LEN]);

/* What another file said may be said again. */
void device_rules_next_file(struct device_rules *rules);

/**
 * device_rules_check() - what a single line cannot tell
 * @out_mark: of the section that is wrong
 *
 * Errors: -EINVAL: a profile that is not there, a base above its maximum, an interval for nothing.
 */
must_check int device_rules_check(const struct device_rules *rules, const struct profiles *profiles,
				  uint32_t *out_mark, char out_error[DEVICE_RULES_ERROR_LEN]);

/* Whether both say the same of all devices; of one. */
bool device_rules_equal(const struct device_rules *a, const struct device_rules *b);
bool device_rule_equal(const struct device_rule *a, const struct device_rule *b);

/* The name of the key, NULL behind the last. */
const char *device_rules_key(size_t index);

void device_rules_of(const struct device_rules *rules, const struct pattern_device *who,
		     struct device_rule *out);

/* Whether a name or services can make a difference. */
bool device_rules_has_patterns(const struct device_rules *rules);

/* Whether there is something to do for such a device beside what programs ask. */
bool device_rule_is_kept(const struct device_rule *rule);

/* "on-demand", "persistent". */
const char *strategy_name(enum strategy strategy);
