/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipc/client/words.c - the public names of classes, addresses and UUIDs. Pure. */
#include "ipc/base.h"
#include "ipc/bleherd.h"

#include <string.h>

#include "ipc/addr.h"
#include "ipc/class.h"
#include "ipc/uuid.h"

#define SAME(name) static_assert((int)BH_##name == (int)name, "bleherd.h counts as class.h does")
SAME(CLASS_NONE);
SAME(CLASS_NOT_FOUND);
SAME(CLASS_OUT_OF_SLOTS);
SAME(CLASS_BUSY_SAME_DEVICE);
SAME(CLASS_BUSY_DISCOVERY);
SAME(CLASS_ABORTED_LOCAL);
SAME(CLASS_ABORTED_REMOTE);
SAME(CLASS_LINK_LOST);
SAME(CLASS_AUTH);
SAME(CLASS_KEY_MISSING);
SAME(CLASS_NOT_POWERED);
SAME(CLASS_RFKILL);
SAME(CLASS_ADAPTER_GONE);
SAME(CLASS_BLUEZ_GONE);
SAME(CLASS_NO_REPLY);
SAME(CLASS_GATT_MISSING);
SAME(CLASS_GATT_LATE);
SAME(CLASS_GATT_REFUSED);
SAME(CLASS_PHANTOM);
SAME(CLASS_ZOMBIE);
SAME(CLASS_VALIDATION);
SAME(CLASS_LOCK_TIMEOUT);
SAME(CLASS_CANCELLED);
SAME(CLASS_DEADLINE);
SAME(CLASS_INTERRUPTED);
SAME(CLASS_INTERNAL);
SAME(CLASS_INVALID);
SAME(CLASS_NO_DAEMON);
SAME(CLASS_LIMIT);
SAME(CLASS_LOCK_LOST);
SAME(CLASS_DENIED);
static_assert(CLASS_COUNT == CLASS_DENIED + 1, "all of them are above");
static_assert(sizeof(((struct bh_uuid *)0)->octets) == sizeof(((struct uuid *)0)->octets),
	      "both are 16 octets");

const char *bh_class_name(enum bh_class class)
{
	return class_name((enum err_class) class);
}

int bh_parse_address(const char *text, uint64_t *out_address)
{
	if (!text || !out_address)
		return -EINVAL;
	return addr_parse(text, out_address);
}

void bh_format_address(uint64_t address, char out_text[18])
{
	addr_format(address, out_text);
}

int bh_parse_uuid(const char *text, struct bh_uuid *out_uuid)
{
	struct uuid uuid;
	int r;

	if (!text || !out_uuid)
		return -EINVAL;
	r = uuid_parse(text, &uuid);
	if (r < 0)
		return r;
	memcpy(out_uuid->octets, uuid.octets, sizeof(out_uuid->octets));
	return 0;
}

void bh_format_uuid(const struct bh_uuid *uuid, char out_text[37])
{
	struct uuid ours;

	memcpy(ours.octets, uuid->octets, sizeof(ours.octets));
	uuid_format(&ours, out_text);
}
