/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/devtab.h - devices by address, with what each adapter hears of them: what `devices` and
 * `scan` show. Pure; time is passed in.
 */
#include "ipc/bleherd.h"
#include "ipc/client/cli/table.h"

#include <jansson.h>

enum { DEVTAB_ADAPTERS_MAX = 32, DEVTAB_COLUMNS_MAX = 4 };

struct devtab_heard {
	int8_t rssi_dbm; /* BH_RSSI_UNKNOWN */
	bool is_known;
	bool is_connected;
	bool has_age;
	uint64_t heard_at_ms;
};

struct devtab_row {
	uint64_t address;
	bool is_random;
	enum bh_strategy strategy; /* unknown: from an advert alone */
	char keeper[24];
	char name[64];
	struct devtab_heard heard[DEVTAB_ADAPTERS_MAX]; /* as devtab.adapters */
};

struct devtab {
	char adapters[DEVTAB_ADAPTERS_MAX][16]; /* sorted when they are shown only */
	size_t n_adapters;
	struct devtab_row *rows; /* sorted by address */
	size_t n_rows;
	size_t capacity;
};

#define DEVTAB_INIT ((struct devtab){ .rows = NULL })

/* Errors: -ENOMEM; an adapter too many is left out. */
must_check int devtab_add_device(struct devtab *tab, const struct bh_device *device,
				 const char *only_adapter, uint64_t now_ms);
must_check int devtab_add_advert(struct devtab *tab, const struct bh_advert *advert,
				 uint64_t now_ms);

/* Fills @out, which is empty. Errors: -ENOMEM. */
must_check int devtab_show(const struct devtab *tab, struct table *out, uint64_t now_ms);

/* An array of objects; NULL: no memory. */
json_t *devtab_json(const struct devtab *tab, uint64_t now_ms);

void devtab_clear(struct devtab *tab);
