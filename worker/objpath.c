/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/objpath.h"

#include "ipc/addr.h"

#include <stdio.h>
#include <string.h>

enum { HANDLE_DIGITS = 4 };

/* Steps over @prefix, or returns NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* Four hexadecimal digits. NULL if they are not there. */
static const char *take_handle(const char *text, uint16_t *out)
{
	unsigned value = 0;
	size_t i;

	for (i = 0; i < HANDLE_DIGITS; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (unsigned)(c - 'a') + 10;
		else
			return NULL;
	}
	*out = (uint16_t)value;
	return text + HANDLE_DIGITS;
}

/* The rest of a path below its device. */
static enum objpath_kind parse_gatt(const char *at, struct objpath *out)
{
	at = after(at, "/service");
	at = at ? take_handle(at, &out->service) : NULL;
	if (!at)
		return OBJPATH_OTHER;
	if (*at == '\0')
		return OBJPATH_SERVICE;
	at = after(at, "/char");
	at = at ? take_handle(at, &out->chrc) : NULL;
	return at && *at == '\0' ? OBJPATH_CHRC : OBJPATH_OTHER;
}

struct objpath objpath_parse(const char *path, const char *adapter_path)
{
	struct objpath object = { .kind = OBJPATH_OTHER };
	char addr[ADDR_TEXT_LEN + 1];
	const char *at = after(path, adapter_path);

	if (!at)
		return object;
	if (*at == '\0') {
		object.kind = OBJPATH_ADAPTER;
		return object;
	}
	at = after(at, "/dev_");
	if (!at || strnlen(at, ADDR_TEXT_LEN) < ADDR_TEXT_LEN)
		return object;
	memcpy(addr, at, ADDR_TEXT_LEN);
	addr[ADDR_TEXT_LEN] = '\0';
	if (addr_parse(addr, &object.addr) < 0)
		return object;
	at += ADDR_TEXT_LEN;
	object.kind = *at == '\0' ? OBJPATH_DEVICE : parse_gatt(at, &object);
	return object;
}

void objpath_format(const struct objpath *object, const char *adapter_path,
		    char out_path[OBJPATH_LEN])
{
	char addr[ADDR_TEXT_LEN + 1];

	addr_format_path(object->addr, addr);
	switch (object->kind) {
	case OBJPATH_ADAPTER:
		(void)snprintf(out_path, OBJPATH_LEN, "%s", adapter_path);
		return;
	case OBJPATH_DEVICE:
		(void)snprintf(out_path, OBJPATH_LEN, "%s/dev_%s", adapter_path, addr);
		return;
	case OBJPATH_SERVICE:
		(void)snprintf(out_path, OBJPATH_LEN, "%s/dev_%s/service%04x", adapter_path, addr,
			       object->service);
		return;
	case OBJPATH_CHRC:
		(void)snprintf(out_path, OBJPATH_LEN, "%s/dev_%s/service%04x/char%04x",
			       adapter_path, addr, object->service, object->chrc);
		return;
	case OBJPATH_OTHER:
		break;
	}
	(void)snprintf(out_path, OBJPATH_LEN, "/");
}
