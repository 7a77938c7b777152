/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/devtab.h"

#include <string.h>

#include "ipc/client/cli/out.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

/* Where the row of @address is, or belongs. */
static size_t place_of(const struct devtab *tab, uint64_t address)
{
	size_t low = 0;
	size_t high = tab->n_rows;
	size_t middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (tab->rows[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct devtab_row *row_of(struct devtab *tab, uint64_t address)
{
	size_t at = place_of(tab, address);
	size_t capacity = tab->capacity ? tab->capacity * 2 : 32;
	struct devtab_row *rows;

	if (at < tab->n_rows && tab->rows[at].address == address)
		return &tab->rows[at];
	if (tab->n_rows == tab->capacity) {
		rows = reallocarray(tab->rows, capacity, sizeof(*rows));
		if (!rows)
			return NULL;
		tab->rows = rows;
		tab->capacity = capacity;
	}
	memmove(&tab->rows[at + 1], &tab->rows[at], (tab->n_rows - at) * sizeof(*tab->rows));
	tab->rows[at] = (struct devtab_row){ .address = address };
	tab->n_rows++;
	return &tab->rows[at];
}

static struct devtab_heard *heard_by(struct devtab *tab, struct devtab_row *row,
				     const char *adapter)
{
	size_t i = 0;

	while (i < tab->n_adapters && strcmp(tab->adapters[i], adapter) != 0)
		i++;
	if (i == DEVTAB_ADAPTERS_MAX)
		return NULL;
	if (i == tab->n_adapters) {
		(void)snprintf(tab->adapters[i], sizeof(tab->adapters[i]), "%s", adapter);
		tab->n_adapters++;
	}
	row->heard[i].is_known = true;
	return &row->heard[i];
}

static void set_name(struct devtab_row *row, const char *name)
{
	if (name && *name != '\0')
		words_clean(name, row->name, sizeof(row->name));
}

static bool is_seen_by(const struct bh_device *device, const char *adapter)
{
	size_t i;

	for (i = 0; i < device->n_sightings; i++)
		if (strcmp(device->sightings[i].adapter, adapter) == 0)
			return true;
	return false;
}

int devtab_add_device(struct devtab *tab, const struct bh_device *device, const char *only_adapter,
		      uint64_t now_ms)
{
	const struct bh_sighting *sighting;
	struct devtab_heard *heard;
	struct devtab_row *row;
	size_t i;

	if (only_adapter && !is_seen_by(device, only_adapter))
		return 0;
	row = row_of(tab, device->address);
	if (!row)
		return -ENOMEM;
	row->is_random = device->is_random;
	row->strategy = device->strategy;
	(void)snprintf(row->keeper, sizeof(row->keeper), "%s", device->keeper);
	set_name(row, device->name);
	for (i = 0; i < device->n_sightings; i++) {
		sighting = &device->sightings[i];
		if (only_adapter && strcmp(sighting->adapter, only_adapter) != 0)
			continue;
		heard = heard_by(tab, row, sighting->adapter);
		if (!heard)
			continue;
		heard->rssi_dbm = sighting->rssi_dbm;
		heard->is_connected = sighting->is_connected;
		heard->has_age = sighting->age_ms != UINT32_MAX;
		heard->heard_at_ms = now_ms - (heard->has_age ? sighting->age_ms : 0);
	}
	return 0;
}

int devtab_add_advert(struct devtab *tab, const struct bh_advert *advert, uint64_t now_ms)
{
	struct devtab_heard *heard;
	struct devtab_row *row;

	row = row_of(tab, advert->address);
	if (!row)
		return -ENOMEM;
	row->is_random = advert->is_random;
	set_name(row, advert->name);
	heard = heard_by(tab, row, advert->adapter);
	if (!heard)
		return 0;
	heard->rssi_dbm = advert->rssi_dbm;
	heard->has_age = true;
	heard->heard_at_ms = now_ms;
	return 0;
}

/* hci2 before hci10. */
static bool is_before(const char *a, const char *b)
{
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);

	return len_a != len_b ? len_a < len_b : strcmp(a, b) < 0;
}

static void sort_adapters(const struct devtab *tab, size_t *out_order)
{
	size_t i;
	size_t j;

	for (i = 0; i < tab->n_adapters; i++) {
		for (j = i; j > 0 && is_before(tab->adapters[i], tab->adapters[out_order[j - 1]]);
		     j--)
			out_order[j] = out_order[j - 1];
		out_order[j] = i;
	}
}

static void format_rssi(const struct devtab_heard *heard, char *out, size_t size)
{
	*out = '\0';
	if (!heard->is_known)
		return;
	if (heard->rssi_dbm == BH_RSSI_UNKNOWN)
		(void)snprintf(out, size, "?");
	else
		(void)snprintf(out, size, "%d", heard->rssi_dbm);
}

struct shown {
	char address[18];
	char rssi[DEVTAB_COLUMNS_MAX][8];
	char heard[DEVTAB_ADAPTERS_MAX * 12]; /* "hci0 -45 hci1 -60", loudest first would flicker */
	char link[16];
	char age[WORDS_SHORT_LEN];
};

/* Tenths below ten seconds: a column of "98 ms" and "102 ms" would dance in the live table. */
static void format_age(uint64_t age_ms, char out[WORDS_SHORT_LEN])
{
	if (age_ms < 1000)
		(void)snprintf(out, WORDS_SHORT_LEN, "0.%u s", (unsigned)(age_ms / 100));
	else
		words_duration(age_ms, out);
}

static void append_heard(struct shown *shown, const char *adapter, const char *rssi)
{
	size_t len = strlen(shown->heard);

	if (*rssi != '\0')
		(void)snprintf(shown->heard + len, sizeof(shown->heard) - len, "%s%s %s",
			       len ? " " : "", adapter, rssi);
}

static void describe(const struct devtab *tab, const struct devtab_row *row, const size_t *order,
		     uint64_t now_ms, struct shown *out)
{
	const struct devtab_heard *heard;
	uint64_t latest_ms = 0;
	char rssi[8];
	size_t i;

	*out = (struct shown){ .link = "" };
	bh_format_address(row->address, out->address);
	for (i = 0; i < tab->n_adapters; i++) {
		heard = &row->heard[order[i]];
		format_rssi(heard, rssi, sizeof(rssi));
		append_heard(out, tab->adapters[order[i]], rssi);
		if (i < DEVTAB_COLUMNS_MAX)
			memcpy(out->rssi[i], rssi, sizeof(rssi));
		if (heard->is_connected)
			(void)snprintf(out->link, sizeof(out->link), "%s", tab->adapters[order[i]]);
		if (heard->is_known && heard->has_age && heard->heard_at_ms > latest_ms)
			latest_ms = heard->heard_at_ms;
	}
	if (latest_ms != 0)
		format_age(now_ms - latest_ms, out->age);
}

static bool has_links(const struct devtab *tab)
{
	size_t i;

	for (i = 0; i < tab->n_rows * tab->n_adapters; i++)
		if (tab->rows[i / tab->n_adapters].heard[i % tab->n_adapters].is_connected)
			return true;
	return false;
}

int devtab_show(const struct devtab *tab, struct table *out, uint64_t now_ms)
{
	size_t order[DEVTAB_ADAPTERS_MAX];
	const char *cells[TABLE_COLUMNS_MAX];
	bool is_wide = tab->n_adapters > DEVTAB_COLUMNS_MAX;
	bool is_linked = has_links(tab);
	struct shown shown;
	size_t n;
	size_t i;
	size_t j;
	int r;

	sort_adapters(tab, order);
	table_column(out, "ADDRESS", false, false);
	table_column(out, "TYPE", false, false);
	table_column(out, "NAME", false, true);
	for (i = 0; i < tab->n_adapters && !is_wide; i++)
		table_column(out, tab->adapters[order[i]], true, false);
	if (is_wide)
		table_column(out, "HEARD BY", false, true);
	if (is_linked)
		table_column(out, "LINK", false, false);
	table_column(out, "HEARD", true, false);
	for (i = 0; i < tab->n_rows; i++) {
		describe(tab, &tab->rows[i], order, now_ms, &shown);
		n = 0;
		cells[n++] = shown.address;
		cells[n++] = tab->rows[i].is_random ? "random" : "public";
		cells[n++] = tab->rows[i].name;
		for (j = 0; j < tab->n_adapters && !is_wide; j++)
			cells[n++] = shown.rssi[j];
		if (is_wide)
			cells[n++] = shown.heard;
		if (is_linked)
			cells[n++] = shown.link;
		cells[n++] = shown.age;
		r = table_row(out, cells);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *heard_json(const char *adapter, const struct devtab_heard *heard, uint64_t now_ms)
{
	json_t *object = json_object();
	bool has_rssi = heard->rssi_dbm != BH_RSSI_UNKNOWN;

	(void)json_object_set_new(object, "adapter", out_string(adapter));
	(void)json_object_set_new(object, "rssi",
				  has_rssi ? json_integer(heard->rssi_dbm) : json_null());
	(void)json_object_set_new(object, "age_ms",
				  heard->has_age
					  ? json_integer(clock_span_ms(heard->heard_at_ms, now_ms))
					  : json_null());
	(void)json_object_set_new(object, "connected", json_boolean(heard->is_connected));
	return object;
}

json_t *devtab_json(const struct devtab *tab, uint64_t now_ms)
{
	size_t order[DEVTAB_ADAPTERS_MAX];
	json_t *array = json_array();
	const struct devtab_row *row;
	json_t *object;
	json_t *adapters;
	char address[18];
	size_t i;
	size_t j;

	sort_adapters(tab, order);
	for (i = 0; i < tab->n_rows; i++) {
		row = &tab->rows[i];
		object = json_object();
		adapters = json_array();
		bh_format_address(row->address, address);
		(void)json_object_set_new(object, "address", out_string(address));
		(void)json_object_set_new(object, "type",
					  out_string(row->is_random ? "random" : "public"));
		(void)json_object_set_new(object, "name", out_string(row->name));
		for (j = 0; j < tab->n_adapters; j++)
			if (row->heard[order[j]].is_known)
				(void)json_array_append_new(
					adapters, heard_json(tab->adapters[order[j]],
							     &row->heard[order[j]], now_ms));
		if (row->strategy != BH_STRATEGY_UNKNOWN)
			(void)json_object_set_new(object, "strategy",
						  out_string(bh_strategy_name(row->strategy)));
		if (*row->keeper)
			(void)json_object_set_new(object, "keeper", out_string(row->keeper));
		(void)json_object_set_new(object, "adapters", adapters);
		(void)json_array_append_new(array, object);
	}
	return array;
}

void devtab_clear(struct devtab *tab)
{
	free(tab->rows);
	*tab = DEVTAB_INIT;
}
