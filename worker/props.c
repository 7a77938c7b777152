/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/props.h"

#include <string.h>

static const struct prop *find(const struct prop *props, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(props[i].name, name) == 0)
			return &props[i];
	return NULL;
}

/* The variant of one property. */
static int read_value(sd_bus_message *m, const struct prop *prop, void *object, unsigned *changes)
{
	const char *type = NULL;
	char variant;
	int r;

	r = sd_bus_message_peek_type(m, &variant, &type);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (!prop || variant != SD_BUS_TYPE_VARIANT || !type || strcmp(type, prop->type) != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, prop->type);
	if (r < 0)
		return r;
	r = prop->read(m, object);
	if (r < 0)
		return r;
	if (r > 0)
		*changes |= 1u << prop->change;
	return sd_bus_message_exit_container(m);
}

int props_read(sd_bus_message *m, const struct prop *props, size_t n, void *object,
	       unsigned *out_changes)
{
	const char *name;
	int r;

	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &name);
		if (r >= 0)
			r = read_value(m, find(props, n, name), object, out_changes);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}
