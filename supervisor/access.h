/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/access.h - who may do what: the sections [access NAME] of the configuration as rules,
 * and what they say of a user and a device. Pure, but that access_set() looks up names of users and
 * groups. What it decides is enforced by admission.c and, on data sockets, by worker/rights.c.
 *
 * Rules are tried in the order of the file: the first that names the user and the device decides.
 * Where none does: root and the daemon's own user may do everything, the group `bleherd` everything
 * but reset and configure, all others may see.
 */
#include "ipc/pattern.h"
#include "ipc/rights.h"

enum {
	ACCESS_RULES_MAX = 32,
	ACCESS_NAME_LEN = 32,
	ACCESS_WHO_MAX = 16,
	ACCESS_DEVICES_MAX = 8,
	ACCESS_ERROR_LEN = 160,
	ACCESS_WHY_LEN = 160,
	ACCESS_SIGHTS_MAX = 32, /* 50 to 90 octets each in a frame of 4 KiB */
};

/* 0: no limit. */
struct access_quota {
	uint32_t sessions;
	uint32_t requests_per_s;
	uint32_t queue;
	uint32_t memory_kib;
};

struct access_rule {
	char name[ACCESS_NAME_LEN];
	bool is_everybody;
	size_t n_users;
	uint32_t users[ACCESS_WHO_MAX];
	size_t n_groups;
	uint32_t groups[ACCESS_WHO_MAX];
	size_t n_devices; /* 0: all */
	struct pattern devices[ACCESS_DEVICES_MAX];
	uint32_t allow; /* bits of ipc/rights.h */
	struct access_quota quota;
	uint32_t given; /* bits: which keys this file has said */
	uint32_t had;	/* and any */
	uint32_t mark;
};

struct access_rules {
	uint32_t mark; /* the caller's, of the line that comes: for access_check() */
	size_t n;
	struct access_rule list[ACCESS_RULES_MAX];
};

/**
 * access_set() - a line of a section [access NAME]
 * @section:   NAME; the first line of a new one makes it
 * @key:       and @value, as written
 * @out_error: what is wrong and what would be right
 *
 * Errors: -EINVAL, also for a user or group that this machine does not have.
 * Blocks: while it looks up names.
 */
must_check int access_set(struct access_rules *rules, const char *section, const char *key,
			  const char *value, char out_error[ACCESS_ERROR_LEN]);

/* The name of the key of that number; NULL: there is none. */
const char *access_key(size_t i);

/* What another file said may be said again, and then that holds. */
void access_next_file(struct access_rules *rules);

/**
 * access_check() - what a single line cannot tell
 * @out_mark: of the section that is wrong
 *
 * Errors: -EINVAL it names nobody, or does not say what it allows.
 */
must_check int access_check(const struct access_rules *rules, uint32_t *out_mark,
			    char out_error[ACCESS_ERROR_LEN]);

/* Whether both say the same. */
bool access_equal(const struct access_rules *a, const struct access_rules *b);

/* Whom the defaults know. */
struct access_world {
	uint32_t own_uid; /* the daemon's */
	bool has_group;
	uint32_t group; /* bleherd */
};

/* Looks it up. Blocks while it does. */
void access_world(struct access_world *out);

struct access_peer {
	uint32_t uid;
	uint32_t gid;
	size_t n_groups;
	uint32_t *groups; /* supplementary */
};

struct access_verdict {
	uint32_t rights;
	const struct access_rule *rule; /* that decided; NULL: none, the defaults */
};

/**
 * access_of() - what a user may do with a device
 * @device: NULL: what he may do with at least one device; with `rule` the first that names him
 */
void access_of(const struct access_rules *rules, const struct access_world *world,
	       const struct access_peer *peer, const struct pattern_device *device,
	       struct access_verdict *out);

/* Whether there is no device that he may not see. */
bool access_sees_all(const struct access_rules *rules, const struct access_world *world,
		     const struct access_peer *peer);

struct access_sight {
	struct pattern pattern;
	bool is_seen;
};

/*
 * Which devices he may see, as a list: the first pattern that fits decides, where none fits he may
 * not. Returns their number; what does not fit into it is not seen.
 */
size_t access_sights(const struct access_rules *rules, const struct access_world *world,
		     const struct access_peer *peer, struct access_sight out[ACCESS_SIGHTS_MAX]);

/* The quotas of the first rule that names him; none: all zeros. */
struct access_quota access_quota(const struct access_rules *rules, const struct access_peer *peer);

/* Root, or the daemon itself: no rule is needed for them. */
bool access_is_privileged(const struct access_world *world, const struct access_peer *peer);

/* Why these rights: "[access lamp] allows see, read". */
void access_why(const struct access_world *world, const struct access_peer *peer,
		const struct access_verdict *verdict, char out_text[ACCESS_WHY_LEN]);

/* Whether a name or services of a device can make a difference. */
bool access_has_patterns(const struct access_rules *rules);
