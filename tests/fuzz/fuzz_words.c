/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that is read from text: addresses, UUIDs, object paths, resources, D-Bus addresses,
 * what others say of a failure. What can be written again means the same.
 */
#include "ipc/addr.h"
#include "ipc/errors.h"
#include "ipc/uuid.h"
#include "supervisor/dbus_addr.h"
#include "supervisor/nearest.h"
#include "tests/fuzz/feed.h"
#include "worker/objpath.h"

#include <string.h>

enum { TEXT_MAX = 400 };

static void numbers(const char *text)
{
	char uuid_text[UUID_TEXT_LEN + 1];
	char addr_text[ADDR_TEXT_LEN + 1];
	struct uuid uuid, uuid_again;
	uint64_t addr, addr_again = 0;

	if (addr_parse(text, &addr) == 0) {
		addr_format(addr, addr_text);
		MUST(addr_parse(addr_text, &addr_again) == 0 && addr == addr_again);
		addr_format_path(addr, addr_text);
		MUST(addr_parse(addr_text, &addr_again) == 0 && addr == addr_again);
	}
	if (uuid_parse(text, &uuid) == 0) {
		uuid_format(&uuid, uuid_text);
		MUST(uuid_parse(uuid_text, &uuid_again) == 0 && uuid_equal(&uuid, &uuid_again));
		uuid_format_short(&uuid, uuid_text);
		MUST(uuid_parse(uuid_text, &uuid_again) == 0 && uuid_equal(&uuid, &uuid_again));
	}
}

static void paths(const char *text)
{
	static const char ADAPTER[] = "/org/bluez/hci0";
	struct objpath path = objpath_parse(text, ADAPTER);
	struct objpath again;
	char out[OBJPATH_LEN];

	objpath_format(&path, ADAPTER, out);
	again = objpath_parse(out, ADAPTER);
	MUST(again.kind == path.kind);
	MUST(path.kind < OBJPATH_DEVICE || path.kind > OBJPATH_CHRC || again.addr == path.addr);
	MUST(path.kind != OBJPATH_CHRC ||
	     (again.service == path.service && again.chrc == path.chrc));
}

static void failures(const char *text)
{
	static const char *const NAMES[] = { NULL, "org.bluez.Error.Failed",
					     "org.bluez.Error.InProgress",
					     "org.freedesktop.DBus.Error.UnknownObject" };
	struct errors_cause cause = { .status = (uint8_t)text[0] };
	enum err_class class;
	size_t i;

	for (i = 0; i < ARRAY_LEN(NAMES) * 8; i++) {
		struct errors_context context = { .call = (enum errors_call)(i % 4),
						  .is_discovering = i & 4 };

		class = errors_from_dbus(NAMES[i / 8], text, &context);
		MUST(class < CLASS_COUNT);
		class = errors_from_dbus(text, NAMES[i / 8], &context);
		MUST(class < CLASS_COUNT && class_name(class)[0] != '\0');
		(void)errors_tells_more(class, text, &cause);
	}
	(void)errors_is_busy(text, text);
	MUST(errors_from_esphome(text) < CLASS_COUNT);
	MUST(errors_cause_class(&cause) < CLASS_COUNT);
	MUST(errors_from_hci(cause.status) < CLASS_COUNT);
	(void)class_from_wire((int)strlen(text));
	(void)nearest_distance(text, "connect_slots");
}

static void addresses(const char *text)
{
	struct sockaddr_un address;
	socklen_t len;
	const char *list = text;
	size_t most = strlen(text) + 1;

	while (dbus_addr_next(&list, &address, &len) == DBUS_ADDR_OK) {
		MUST(len <= sizeof(address) && list >= text && list <= text + strlen(text));
		MUST(most-- > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size > TEXT_MAX)
		return 0;
	text = malloc(size + 1);
	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	numbers(text);
	paths(text);
	failures(text);
	addresses(text);
	free(text);
	return 0;
}
