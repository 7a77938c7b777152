/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/resource.h - what can be locked, and sets of it. Pure.
 *
 * Names on the wire: `device:C0:AA:BB:00:00:01`, `connect:hci0`, `scan:hci0`, `maintenance:hci0`.
 * The order device -> connect -> scan -> maintenance is fixed: whatever the order on the wire, a
 * set is sorted, so that two sets are never taken in opposite orders.
 */
#include "ipc/base.h"

/* In the fixed order. */
enum resource_kind {
	RESOURCE_DEVICE,      /* one attempt per peripheral on the machine */
	RESOURCE_CONNECT,     /* attempts at once on an adapter */
	RESOURCE_SCAN,	      /* discoveries at once on an adapter */
	RESOURCE_MAINTENANCE, /* alone on an adapter: excludes connect and scan */
	RESOURCE_UNDER,	      /* what another grant covers: one at a time; never on the wire */
	RESOURCE_KINDS
};

enum {
	RESOURCE_ADAPTERS_MAX = 256, /* hci0 ... hci255; the kernel reuses the lowest free number */
	RESOURCE_COUNT_MAX = 8,	     /* units of one resource */
	RESOURCE_NAME_LEN = 32,	     /* with the NUL; as LOCKTAB_NAME_LEN */
	RESOURCE_SET_MAX = 4,
};

struct resource {
	enum resource_kind kind;
	uint64_t key; /* device: address as in ipc/addr.h; under: a grant; else the adapter's number
		       */
};

struct resource_set {
	size_t n;
	struct resource items[RESOURCE_SET_MAX]; /* sorted, no duplicates */
};

/* Units of each kind. All but connect and scan are 1 by their meaning. */
struct resource_counts {
	uint32_t of[RESOURCE_KINDS];
};

/* Outcomes of resource_set_parse(). */
enum {
	RESOURCE_SET_EMPTY = 1,
	RESOURCE_SET_TOO_MANY,
	RESOURCE_SET_UNKNOWN,	/* a name that is not one */
	RESOURCE_SET_DUPLICATE, /* the same resource twice */
	RESOURCE_SET_TWO_RESETS /* maintenance concerns one adapter at a time */
};

/**
 * resource_parse() - read a name from the wire
 * @text:         untrusted, NUL-terminated
 * @out_resource: written only on success
 *
 * Errors: -EINVAL not of one of the four forms.
 */
must_check int resource_parse(const char *text, struct resource *out_resource);

/* Reads "hci0" up to "hci255", no leading zeros. -EINVAL otherwise. */
must_check int resource_parse_adapter(const char *text, uint32_t *out_adapter);

/* The name as on the wire, NUL-terminated. */
void resource_format(const struct resource *resource, char out_text[RESOURCE_NAME_LEN]);

/**
 * resource_set_parse() - read the names of a request
 * @names: untrusted
 * @n:     how many
 *
 * Outcomes: 0 a set; RESOURCE_SET_*.
 */
must_check int resource_set_parse(char *const *names, size_t n, struct resource_set *out_set);

/* An outcome of resource_set_parse() in words for the one who asked. */
const char *resource_set_text(int outcome);

bool resource_is_on(const struct resource *resource, uint32_t adapter);
bool resource_set_is_on(const struct resource_set *set, uint32_t adapter);

/* The first of that kind; NULL: none. */
const struct resource *resource_set_find(const struct resource_set *set, enum resource_kind kind);

/*
 * Takes out what another set has; a maintenance there covers connect and scan of that adapter.
 * Returns how many it was.
 */
size_t resource_set_minus(struct resource_set *set, const struct resource_set *cover);

/* Adds the turn under a grant; there must be room, as after resource_set_minus(). */
void resource_set_add_under(struct resource_set *set, uint64_t grant);
