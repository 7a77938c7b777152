/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/resource.h"

#include "ipc/addr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const PREFIXES[RESOURCE_KINDS] = {
	[RESOURCE_DEVICE] = "device:", [RESOURCE_CONNECT] = "connect:",
	[RESOURCE_SCAN] = "scan:",     [RESOURCE_MAINTENANCE] = "maintenance:",
	[RESOURCE_UNDER] = "under:",
};

int resource_parse_adapter(const char *text, uint32_t *out_adapter)
{
	uint32_t number = 0;
	size_t i;

	if (strncmp(text, "hci", 3) != 0 || text[3] == '\0')
		return -EINVAL;
	text += 3;
	if (text[0] == '0' && text[1] != '\0')
		return -EINVAL;
	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint32_t)(text[i] - '0');
		if (number >= RESOURCE_ADAPTERS_MAX)
			return -EINVAL;
	}
	*out_adapter = number;
	return 0;
}

static int parse_key(enum resource_kind kind, const char *text, uint64_t *out_key)
{
	uint32_t adapter = 0;
	int r;

	/* addr_parse() reads 17 characters without looking for the end. */
	if (kind == RESOURCE_DEVICE)
		return strlen(text) == ADDR_TEXT_LEN ? addr_parse(text, out_key) : -EINVAL;
	r = resource_parse_adapter(text, &adapter);
	if (r == 0)
		*out_key = adapter;
	return r;
}

int resource_parse(const char *text, struct resource *out_resource)
{
	struct resource resource = { 0 };
	unsigned kind;
	size_t len;
	int r;

	for (kind = 0; kind < RESOURCE_UNDER; kind++) {
		len = strlen(PREFIXES[kind]);
		if (strncmp(text, PREFIXES[kind], len) != 0)
			continue;
		resource.kind = (enum resource_kind)kind;
		r = parse_key(resource.kind, text + len, &resource.key);
		if (r == 0)
			*out_resource = resource;
		return r;
	}
	return -EINVAL;
}

void resource_format(const struct resource *resource, char out_text[RESOURCE_NAME_LEN])
{
	char address[ADDR_TEXT_LEN + 1];

	assert(resource->kind < RESOURCE_KINDS);
	if (resource->kind == RESOURCE_DEVICE) {
		addr_format(resource->key, address);
		(void)snprintf(out_text, RESOURCE_NAME_LEN, "%s%s", PREFIXES[RESOURCE_DEVICE],
			       address);
		return;
	}
	(void)snprintf(out_text, RESOURCE_NAME_LEN,
		       resource->kind == RESOURCE_UNDER ? "%s%" PRIu64 : "%shci%" PRIu64,
		       PREFIXES[resource->kind], resource->key);
}

static int compare(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return 0;
}

/* Insertion keeps the set sorted: it has four places. */
static int add(struct resource_set *set, const struct resource *resource)
{
	size_t at = 0;

	while (at < set->n && compare(&set->items[at], resource) < 0)
		at++;
	if (at < set->n && compare(&set->items[at], resource) == 0)
		return RESOURCE_SET_DUPLICATE;
	if (resource->kind == RESOURCE_MAINTENANCE && set->n > 0 &&
	    set->items[set->n - 1].kind == RESOURCE_MAINTENANCE)
		return RESOURCE_SET_TWO_RESETS;
	memmove(&set->items[at + 1], &set->items[at], (set->n - at) * sizeof(set->items[0]));
	set->items[at] = *resource;
	set->n++;
	return 0;
}

int resource_set_parse(char *const *names, size_t n, struct resource_set *out_set)
{
	struct resource_set set = { 0 };
	struct resource resource = { 0 };
	size_t i;
	int r;

	if (n == 0)
		return RESOURCE_SET_EMPTY;
	if (n > RESOURCE_SET_MAX)
		return RESOURCE_SET_TOO_MANY;
	for (i = 0; i < n; i++) {
		if (resource_parse(names[i], &resource) < 0)
			return RESOURCE_SET_UNKNOWN;
		r = add(&set, &resource);
		if (r != 0)
			return r;
	}
	*out_set = set;
	return 0;
}

const char *resource_set_text(int outcome)
{
	switch (outcome) {
	case RESOURCE_SET_EMPTY:
		return "no resource named: connect:hci0, scan:hci0, maintenance:hci0, device:ADDR";
	case RESOURCE_SET_TOO_MANY:
		return "too many resources in one request: at most 4";
	case RESOURCE_SET_UNKNOWN:
		return "no such resource: connect:hci0, scan:hci0, maintenance:hci0, device:ADDR";
	case RESOURCE_SET_DUPLICATE:
		return "the same resource is named twice";
	case RESOURCE_SET_TWO_RESETS:
		return "maintenance of one adapter at a time";
	default:
		return "not a set of resources";
	}
}

bool resource_is_on(const struct resource *resource, uint32_t adapter)
{
	return resource->kind != RESOURCE_DEVICE && resource->kind != RESOURCE_UNDER &&
	       resource->key == adapter;
}

bool resource_set_is_on(const struct resource_set *set, uint32_t adapter)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (resource_is_on(&set->items[i], adapter))
			return true;
	return false;
}

const struct resource *resource_set_find(const struct resource_set *set, enum resource_kind kind)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (set->items[i].kind == kind)
			return &set->items[i];
	return NULL;
}

static bool covers(const struct resource_set *cover, const struct resource *wanted)
{
	size_t i;

	for (i = 0; i < cover->n; i++) {
		if (compare(&cover->items[i], wanted) == 0)
			return true;
		if (cover->items[i].kind == RESOURCE_MAINTENANCE &&
		    (wanted->kind == RESOURCE_CONNECT || wanted->kind == RESOURCE_SCAN) &&
		    cover->items[i].key == wanted->key)
			return true;
	}
	return false;
}

size_t resource_set_minus(struct resource_set *set, const struct resource_set *cover)
{
	size_t before = set->n;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < before; i++)
		if (!covers(cover, &set->items[i]))
			set->items[kept++] = set->items[i];
	set->n = kept;
	return before - kept;
}

void resource_set_add_under(struct resource_set *set, uint64_t grant)
{
	assert(set->n < RESOURCE_SET_MAX);
	/* It sorts last. */
	set->items[set->n++] = (struct resource){ .kind = RESOURCE_UNDER, .key = grant };
}
