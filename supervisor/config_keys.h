/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/config_keys.h - what may be in the configuration, as a table; config.c reads it.
 *
 * A new key is a row here, a line in contrib/bleherd.conf and an item in
 * contrib/man/bleherd.conf.5: tests/unit/supervisor/test_sample.c compares the three.
 */
#include "supervisor/config.h"

enum kind {
	KIND_PATH,
	KIND_PATH_OR_NONE,
	KIND_TEXT,
	KIND_NUMBER,
	KIND_MODE,
	KIND_LEVEL,
	KIND_SCAN_MODE,
	KIND_SWITCH
};

struct key {
	const char *section;
	const char *name;
	enum kind kind;
	size_t offset;
	uint32_t min;
	uint32_t max;  /* of a text: its size in bytes with the NUL */
	bool is_fixed; /* a reload does not change it: it needs a restart */
};

enum { CONFIG_KEYS_LEN = 57 };
extern const struct key CONFIG_KEYS[CONFIG_KEYS_LEN];
