/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/objpath.h - BlueZ's object paths as numbers, and back. Pure.
 *
 * /org/bluez/hci0/dev_C0_AA_BB_00_00_01/service000a/char000b: the address and two handles say it
 * all, so the mirror finds an object by number and keeps no path. Untrusted input.
 */
#include "ipc/base.h"

enum { OBJPATH_LEN = 96 };

enum objpath_kind {
	OBJPATH_OTHER, /* another adapter's, a descriptor, a media object, ... */
	OBJPATH_ADAPTER,
	OBJPATH_DEVICE,
	OBJPATH_SERVICE,
	OBJPATH_CHRC,
};

struct objpath {
	enum objpath_kind kind;
	uint64_t addr;
	uint16_t service; /* handle */
	uint16_t chrc;	  /* handle of its declaration */
};

/**
 * objpath_parse() - what the object is
 * @path:         any string
 * @adapter_path: "/org/bluez/hci0"
 */
struct objpath objpath_parse(const char *path, const char *adapter_path);

/* NUL-terminated. OBJPATH_OTHER gives "/". */
void objpath_format(const struct objpath *object, const char *adapter_path,
		    char out_path[OBJPATH_LEN]);
