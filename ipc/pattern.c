/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/pattern.h"

#include <fnmatch.h>
#include <string.h>

#include "ipc/addr.h"

static const char NAME[] = "name:";
static const char SERVICE[] = "service:";

int pattern_parse(const char *text, struct pattern *out)
{
	const char *name = text + strlen(NAME);

	*out = (struct pattern){ .kind = PATTERN_ANY };
	if (strcmp(text, "*") == 0)
		return 0;
	out->kind = PATTERN_ADDRESS;
	if (addr_parse(text, &out->address) == 0)
		return 0;
	if (strncmp(text, SERVICE, strlen(SERVICE)) == 0) {
		out->kind = PATTERN_SERVICE;
		return uuid_parse(text + strlen(SERVICE), &out->service) == 0 ? 0 : -EINVAL;
	}
	if (strncmp(text, NAME, strlen(NAME)) != 0 || name[0] == '\0' ||
	    strlen(name) >= sizeof(out->name))
		return -EINVAL;
	out->kind = PATTERN_NAME;
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

bool pattern_equal(const struct pattern *a, const struct pattern *b)
{
	return a->kind == b->kind && a->address == b->address &&
	       uuid_equal(&a->service, &b->service) && strcmp(a->name, b->name) == 0;
}

static bool has_service(const struct pattern_device *device, const struct uuid *uuid)
{
	size_t i;

	for (i = 0; i < device->n_services; i++)
		if (uuid_equal(&device->services[i], uuid))
			return true;
	return false;
}

bool pattern_fits(const struct pattern *pattern, const struct pattern_device *device)
{
	switch (pattern->kind) {
	case PATTERN_ANY:
		return true;
	case PATTERN_ADDRESS:
		return pattern->address == device->address;
	case PATTERN_NAME:
		return device->name && device->name[0] != '\0' &&
		       fnmatch(pattern->name, device->name, 0) == 0;
	case PATTERN_SERVICE:
		return has_service(device, &pattern->service);
	}
	return false;
}
