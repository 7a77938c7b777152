/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/topview.h"

#include <string.h>

#include "ipc/client/cli/words.h"

enum { EVENTS_LEAST = 4, EVENTS_PLAIN = 10 };

const char *topview_sort_name(enum topview_sort sort)
{
	static const char *const NAMES[TOPVIEW_SORTS] = { "state", "rate", "name" };

	return NAMES[sort];
}

/* --- who is shown, in which order --- */

/* Those that somebody uses, or did lately. */
static bool is_shown(const struct topdata_device *device)
{
	return device->sessions > 0 || device->state_for_ms != UINT32_MAX;
}

static int rank_of(const struct topdata_device *device)
{
	static const char *const ORDER[] = { "connected", "disconnecting", "connecting", "error" };
	int i;

	for (i = 0; i < (int)ARRAY_LEN(ORDER); i++)
		if (strcmp(device->state, ORDER[i]) == 0)
			return i;
	return i;
}

static int by_state(const void *a, const void *b)
{
	const struct topdata_device *left = *(const struct topdata_device *const *)a;
	const struct topdata_device *right = *(const struct topdata_device *const *)b;
	int order = rank_of(left) - rank_of(right);

	return order != 0 ? order : left->address < right->address ? -1 : 1;
}

static int by_rate(const void *a, const void *b)
{
	const struct topdata_device *left = *(const struct topdata_device *const *)a;
	const struct topdata_device *right = *(const struct topdata_device *const *)b;
	double l = left->rate.requests_per_s + left->rate.values_per_s;
	double r = right->rate.requests_per_s + right->rate.values_per_s;

	return l > r ? -1 : l < r ? 1 : by_state(a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct topdata_device *left = *(const struct topdata_device *const *)a;
	const struct topdata_device *right = *(const struct topdata_device *const *)b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : left->address < right->address ? -1 : 1;
}

static int (*const SORTS[TOPVIEW_SORTS])(const void *a, const void *b) = { by_state, by_rate,
									   by_name };

/* --- tables --- */

static const char *rate(double per_s, char out[16])
{
	(void)snprintf(out, 16, per_s < 99.95 ? "%.1f" : "%.0f", per_s);
	if (per_s < 0.05)
		(void)snprintf(out, 16, "-");
	return out;
}

static void columns(struct table *table, const struct table_column *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		table_column(table, list[i].title, list[i].is_number, list[i].is_flexible);
}

static int adapter_row(struct table *table, const struct topdata *data,
		       const struct topdata_adapter *a)
{
	struct topdata_lock lock = topdata_lock(data, a->name);
	const char *radio = !a->is_powered ? "off" : a->is_discovering ? "scans" : "on";
	char links[24], attempts[12], sessions[12], waiting[24], requests[16], values[16];
	const char *cells[] = { a->name,  a->state, radio,  links,   attempts,
				sessions, requests, values, waiting, lock.by };

	if (a->slots > 0)
		(void)snprintf(links, sizeof(links), "%u/%u", a->links, a->slots);
	else
		(void)snprintf(links, sizeof(links), "%u", a->links);
	(void)snprintf(attempts, sizeof(attempts), "%u", a->attempts);
	(void)snprintf(sessions, sizeof(sessions), "%u", a->sessions);
	(void)snprintf(waiting, sizeof(waiting), "%zu", lock.n_waiting);
	(void)rate(a->rate.requests_per_s, requests);
	(void)rate(a->rate.values_per_s, values);
	if (a->trouble != BH_CLASS_NONE)
		cells[2] = bh_class_name(a->trouble);
	return table_row(table, cells);
}

static int fill_adapters(const struct topdata *data, struct table *table)
{
	static const struct table_column COLUMNS[] = {
		{ "ADAPTER", false, false },  { "WORKER", false, false }, { "RADIO", false, false },
		{ "LINKS", true, false },     { "TRIES", true, false },	  { "SESS", true, false },
		{ "REQ/S", true, false },     { "VAL/S", true, false },	  { "WAIT", true, false },
		{ "LOCKED BY", false, true },
	};
	size_t i;
	int r = 0;

	columns(table, COLUMNS, ARRAY_LEN(COLUMNS));
	for (i = 0; i < data->n_adapters && r == 0; i++)
		r = adapter_row(table, data, &data->adapters[i]);
	return r;
}

enum { WIDE = 100 };

/* The last ones are for a wide terminal. */
static const struct table_column DEVICE_COLUMNS[] = {
	{ "DEVICE", false, false }, { "NAME", false, true },	 { "STATE", false, false },
	{ "FOR", true, false },	    { "ON", false, false },	 { "HEALTH", false, false },
	{ "REQ/S", true, false },   { "VAL/S", true, false },	 { "DBM", true, false },
	{ "SESS", true, false },    { "STRATEGY", false, true },
};
enum { WIDE_COLUMNS = 3 };

static int device_row(struct table *table, const struct topdata_device *d)
{
	char address[18], since[WORDS_SHORT_LEN] = "-";
	char rssi[12] = "-", sessions[12], requests[16], values[16];
	const char *cells[] = {
		address,  d->name, d->state, since,    *d->adapter ? d->adapter : "-", d->health,
		requests, values,  rssi,     sessions, bh_strategy_name(d->strategy)
	};

	bh_format_address(d->address, address);
	if (d->state_for_ms != UINT32_MAX)
		words_duration(d->state_for_ms, since);
	if (d->rssi_dbm != BH_RSSI_UNKNOWN)
		(void)snprintf(rssi, sizeof(rssi), "%d", d->rssi_dbm);
	(void)snprintf(sessions, sizeof(sessions), "%u", d->sessions);
	(void)rate(d->rate.requests_per_s, requests);
	(void)rate(d->rate.values_per_s, values);
	return table_row(table, cells);
}

static int fill_devices(const struct topdata *data, const struct topview *view, struct table *table)
{
	_cleanup_free_ const struct topdata_device **list = NULL;
	size_t n = 0;
	size_t i;
	int r = 0;

	columns(table, DEVICE_COLUMNS,
		ARRAY_LEN(DEVICE_COLUMNS) - (view->columns < WIDE ? WIDE_COLUMNS : 0));
	list = calloc(data->n_devices + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < data->n_devices; i++)
		if (is_shown(&data->devices[i]))
			list[n++] = &data->devices[i];
	if (n > 0)
		qsort(list, n, sizeof(*list), SORTS[view->sort]);
	for (i = 0; i < n && r == 0; i++)
		r = device_row(table, list[i]);
	return r;
}

static int fill_sessions(const struct topdata *data, struct table *table)
{
	size_t i;
	int r = 0;

	sessview_columns(table, true);
	for (i = 0; i < data->n_sessions && r == 0; i++)
		r = sessview_row(table, &data->sessions[i]->row, true);
	return r;
}

/* --- the picture --- */

/* An empty line, the title, the rows; of one that is too long the last line says how many more. */
static size_t show_table(const struct table *table, const struct topview *view, size_t lines,
			 FILE *stream)
{
	size_t rows = table->n_rows;

	if (rows == 0 || lines < 3)
		return 0;
	if (rows > lines - 2)
		rows = lines - 3;
	(void)fputc('\n', stream);
	if (rows > 0)
		table_write(table, stream, view->columns, rows, view->is_styled);
	if (rows < table->n_rows)
		(void)fprintf(stream, "%zu more\n", table->n_rows - rows);
	return rows + (rows > 0 ? 2u : 1u) + (rows < table->n_rows ? 1u : 0u);
}

static void cut_line(char *line, size_t width, FILE *stream)
{
	if (words_width(line) > width)
		words_cut(line, width);
	(void)fprintf(stream, "%s\n", line);
}

static void show_head(const struct topdata *data, const struct topview *view, FILE *stream)
{
	const struct bh_status *s = &data->status;
	char requests[16], values[16], uptime[WORDS_SHORT_LEN];
	char line[200];

	words_duration(s->uptime_ms, uptime);
	(void)snprintf(line, sizeof(line),
		       "up %s, %u link%s, %u session%s of %u program%s, %s requests/s, %s values/s",
		       uptime, s->links, s->links == 1 ? "" : "s", s->sessions,
		       s->sessions == 1 ? "" : "s", s->clients, s->clients == 1 ? "" : "s",
		       rate(data->rate.requests_per_s, requests),
		       rate(data->rate.values_per_s, values));
	cut_line(line, view->columns, stream);
}

static void show_events(const struct topview *view, size_t lines, FILE *stream)
{
	size_t n = view->n_events;
	size_t i;

	if (n == 0 || lines < 2)
		return;
	if (n > lines - 1)
		n = lines - 1;
	(void)fputc('\n', stream);
	for (i = view->n_events - n; i < view->n_events; i++) {
		const struct topdata_event *event = &view->events[i];
		char clock[WORDS_SHORT_LEN], address[18] = "";
		char line[320], clean[320];

		words_clock(event->at_ms, clock);
		if (event->address != 0)
			bh_format_address(event->address, address);
		(void)snprintf(line, sizeof(line), "%s %-5s %s%s%s%s%s", clock,
			       *event->adapter ? event->adapter : "-", address, *address ? " " : "",
			       event->kind, *event->text ? ": " : "", event->text);
		words_clean(line, clean, sizeof(clean));
		cut_line(clean, view->columns, stream);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What a table with so many rows takes. */
static size_t height(const struct table *table)
{
	return table->n_rows > 0 ? table->n_rows + 2 : 0;
}

/* Adapters first; devices and sessions share what is left, but for a few events. */
static void show_parts(const struct topview *view, const struct table tables[3], FILE *stream)
{
	size_t left = view->lines > 0 ? view->lines - 1 - view->has_keys : SIZE_MAX / 2;
	size_t events = view->lines > 0 ? EVENTS_LEAST : EVENTS_PLAIN;
	size_t reserved = least(view->n_events, events) + 1;
	size_t shared;
	size_t devices;

	left -= show_table(&tables[0], view, left, stream);
	shared = left > reserved ? left - reserved : 0;
	devices = shared - least(height(&tables[2]), shared / 2);
	devices = show_table(&tables[1], view, devices, stream);
	left -= devices;
	left -= show_table(&tables[2], view, shared - devices, stream);
	show_events(view, view->lines > 0 ? left : reserved, stream);
}

static void show_keys(const struct topview *view, FILE *stream)
{
	(void)fprintf(stream, "%sq%s quit  %ss%s sorted by %s\n", view->is_styled ? "\033[1m" : "",
		      view->is_styled ? "\033[0m" : "", view->is_styled ? "\033[1m" : "",
		      view->is_styled ? "\033[0m" : "", topview_sort_name(view->sort));
}

int topview_show(const struct topdata *data, const struct topview *view, FILE *stream)
{
	struct table tables[3] = { TABLE_INIT, TABLE_INIT, TABLE_INIT };
	size_t i;
	int r;

	r = fill_adapters(data, &tables[0]);
	if (r == 0)
		r = fill_devices(data, view, &tables[1]);
	if (r == 0)
		r = fill_sessions(data, &tables[2]);
	if (r == 0) {
		show_head(data, view, stream);
		if (view->has_keys)
			show_keys(view, stream);
		show_parts(view, tables, stream);
	}
	for (i = 0; i < ARRAY_LEN(tables); i++)
		table_clear(&tables[i]);
	return r;
}
