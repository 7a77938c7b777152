/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/props.h - a{sv} read through a table. Every property is untrusted: one of a type that the
 * table does not name is skipped, never an error. Pure apart from the message's read position.
 */
#include "ipc/base.h"

#include <systemd/sd-bus.h>

struct prop {
	const char *name;
	const char *type;     /* D-Bus signature of the value */
	unsigned char change; /* number of the change bit that a caller learns of */
	/* Reads exactly one value of that type into @object; returns whether it changed, or < 0. */
	int (*read)(sd_bus_message *m, void *object);
};

/**
 * props_read() - read an a{sv}
 * @out_changes: bits of what changed are added
 *
 * Errors: what sd-bus says of a message that is not of that form.
 */
must_check int props_read(sd_bus_message *m, const struct prop *props, size_t n, void *object,
			  unsigned *out_changes);
