/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/deviceview.h"

#include <stdarg.h>
#include <string.h>

#include "ipc/client/cli/out.h"
#include "ipc/client/cli/table.h"
#include "ipc/client/cli/words.h"

/* --- collecting --- */

#define COPY(to, text) (void)snprintf(to, sizeof(to), "%s", text)

void deviceview_device(struct deviceview *view, const struct bh_device *device)
{
	size_t i;

	view->address = device->address;
	view->is_random = device->is_random;
	COPY(view->name, device->name);
	view->strategy = device->strategy;
	COPY(view->keeper, device->keeper);
	COPY(view->health, device->health);
	COPY(view->state, device->state);
	view->state_for_ms = device->state_for_ms;
	view->check_interval_ms = device->check_interval_ms;
	view->circuit_failures = device->circuit_failures;
	view->requests = device->requests;
	view->values = device->values;
	for (i = 0; i < device->n_sightings && i < DEVICEVIEW_ADAPTERS_MAX; i++) {
		struct deviceview_adapter *adapter = &view->adapters[view->n_adapters++];

		COPY(adapter->name, device->sightings[i].adapter);
		adapter->rssi_dbm = device->sightings[i].rssi_dbm;
		adapter->age_ms = device->sightings[i].age_ms;
		adapter->is_connected = device->sightings[i].is_connected;
	}
}

void deviceview_counts(struct deviceview *view, const struct bh_device_counts *counts)
{
	view->has_counts = true;
	view->counts = *counts;
	COPY(view->link_adapter, counts->adapter);
	view->counts.adapter = "";
}

void deviceview_step(struct deviceview *view, const struct bh_transition *transition)
{
	struct deviceview_step *step = &view->steps[view->n_steps];

	if (view->n_steps == DEVICEVIEW_STEPS_MAX)
		return;
	view->n_steps++;
	step->at_ms = transition->at_ms;
	step->error = transition->error;
	COPY(step->state, transition->state);
	COPY(step->adapter, transition->adapter);
	COPY(step->text, transition->text);
}

void deviceview_timing(struct deviceview *view, const struct bh_distribution *timing)
{
	struct deviceview_timing *slot = &view->timings[view->n_timings];

	if (view->n_timings == DEVICEVIEW_TIMINGS_MAX)
		return;
	view->n_timings++;
	COPY(slot->part, timing->part);
	slot->took = *timing;
	slot->took.part = "";
}

void deviceview_session(struct deviceview *view, const struct bh_session_row *row)
{
	if (view->n_sessions == DEVICEVIEW_SESSIONS_MAX)
		view->n_left_out++;
	else
		sessview_keep(&view->sessions[view->n_sessions++], row);
}

/* --- as a page --- */

_printf_(4, 5) static void line(FILE *stream, const struct deviceview_style *style,
				const char *title, const char *format, ...)
{
	char text[256];
	char clean[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	words_clean(text, clean, sizeof(clean));
	if (words_width(clean) + 11 > style->columns && style->columns > 11)
		words_cut(clean, style->columns - 11);
	(void)fprintf(stream, "%s%-9s%s  %s\n", style->bold, title, style->plain, clean);
}

static void show_adapters(const struct deviceview *view, FILE *stream,
			  const struct deviceview_style *style)
{
	char age[WORDS_SHORT_LEN];
	size_t i;

	for (i = 0; i < view->n_adapters; i++) {
		const struct deviceview_adapter *a = &view->adapters[i];
		const char *title = i == 0 ? "heard by" : "";
		const char *link = a->is_connected ? "   connected" : "";

		words_duration(a->age_ms, age);
		if (a->age_ms == UINT32_MAX)
			line(stream, style, title, "%-6s    known to it, not heard%s", a->name,
			     link);
		else if (a->rssi_dbm == BH_RSSI_UNKNOWN)
			line(stream, style, title, "%-6s    %s ago%s", a->name, age, link);
		else
			line(stream, style, title, "%-6s %4d dBm  %s ago%s", a->name, a->rssi_dbm,
			     age, link);
	}
	if (i == 0)
		line(stream, style, "heard by", "no adapter");
}

static void show_counts(const struct deviceview *view, FILE *stream,
			const struct deviceview_style *style)
{
	const struct bh_device_counts *counts = &view->counts;

	line(stream, style, "links", "%u connected, %u lost; %u attempt%s failed, %u given up",
	     counts->connects, counts->losses, counts->attempts_failed,
	     counts->attempts_failed == 1 ? "" : "s", counts->given_up);
	line(stream, style, "requests", "%llu answered, %u of them with an error; %llu values came",
	     (unsigned long long)view->requests, counts->request_failures,
	     (unsigned long long)view->values);
	if (counts->checks > 0)
		line(stream, style, "polls", "%u, %u failed", counts->checks,
		     counts->checks_failed);
}

static void show_strategy(const struct deviceview *view, FILE *stream,
			  const struct deviceview_style *style)
{
	const char *strategy = bh_strategy_name(view->strategy);
	char polled[WORDS_SHORT_LEN + 24] = "";
	char every[WORDS_SHORT_LEN];

	words_duration(view->check_interval_ms, every);
	if (view->check_interval_ms > 0)
		(void)snprintf(polled, sizeof(polled), ", polled every %s", every);
	line(stream, style, "strategy", "%s%s%s%s", strategy, *view->keeper ? ": " : "",
	     view->keeper, polled);
	if (view->circuit_failures > 0)
		line(stream, style, "circuit", "open: %u polls failed in a row",
		     view->circuit_failures);
}

static void show_head(const struct deviceview *view, FILE *stream,
		      const struct deviceview_style *style)
{
	char address[18];
	char since[WORDS_SHORT_LEN];

	bh_format_address(view->address, address);
	line(stream, style, "device", "%s%s%s%s", address, view->is_random ? " (random)" : "",
	     *view->name ? "  " : "", view->name);
	words_duration(view->state_for_ms, since);
	if (view->state_for_ms == UINT32_MAX)
		line(stream, style, "state", "%s; nobody has used it lately", view->state);
	else
		line(stream, style, "state", "%s%s%s for %s", view->state,
		     *view->link_adapter && strcmp(view->state, "connected") == 0 ? " on " : "",
		     strcmp(view->state, "connected") == 0 ? view->link_adapter : "", since);
	if (view->has_counts && view->counts.health_failures > 1)
		line(stream, style, "health", "%s: %u failures in a row", view->health,
		     view->counts.health_failures);
	else
		line(stream, style, "health", "%s", view->health);
	show_strategy(view, stream, style);
	show_adapters(view, stream, style);
	if (view->has_counts)
		show_counts(view, stream, style);
}

static int show_sessions(const struct deviceview *view, FILE *stream,
			 const struct deviceview_style *style)
{
	_cleanup_table_ struct table table = TABLE_INIT;
	size_t i;
	int r = 0;

	if (view->n_sessions == 0) {
		(void)fputs("\nno program uses it now\n", stream);
		return 0;
	}
	sessview_columns(&table, false);
	for (i = 0; i < view->n_sessions && r == 0; i++)
		r = sessview_row(&table, &view->sessions[i].row, false);
	if (r < 0)
		return r;
	(void)fputc('\n', stream);
	table_write(&table, stream, style->columns, 0, *style->bold != '\0');
	if (view->n_left_out > 0)
		(void)fprintf(stream, "%zu more\n", view->n_left_out);
	return 0;
}

static int show_timings(const struct deviceview *view, FILE *stream,
			const struct deviceview_style *style)
{
	static const char *const TITLES[] = { "TOOK", "COUNT", "MIN", "MEDIAN", "95 %", "MAX" };
	_cleanup_table_ struct table table = TABLE_INIT;
	char count[12];
	char spans[4][WORDS_SHORT_LEN];
	size_t i;
	int r = 0;

	if (view->n_timings == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(TITLES); i++)
		table_column(&table, TITLES[i], i > 0, false);
	for (i = 0; i < view->n_timings && r == 0; i++) {
		const struct deviceview_timing *t = &view->timings[i];
		const char *cells[] = { t->part, count, spans[0], spans[1], spans[2], spans[3] };

		(void)snprintf(count, sizeof(count), "%u", t->took.count);
		words_duration(t->took.min_ms, spans[0]);
		words_duration(t->took.p50_ms, spans[1]);
		words_duration(t->took.p95_ms, spans[2]);
		words_duration(t->took.max_ms, spans[3]);
		r = table_row(&table, cells);
	}
	if (r < 0)
		return r;
	(void)fputc('\n', stream);
	table_write(&table, stream, style->columns, 0, *style->bold != '\0');
	return 0;
}

static void show_steps(const struct deviceview *view, FILE *stream,
		       const struct deviceview_style *style)
{
	size_t from = 0;
	size_t i;

	if (view->n_steps == 0)
		return;
	if (style->lines > 0 && view->n_steps > style->lines)
		from = view->n_steps - style->lines;
	(void)fputc('\n', stream);
	for (i = from; i < view->n_steps; i++) {
		const struct deviceview_step *step = &view->steps[i];
		bool is_bad = step->error != BH_CLASS_NONE;
		char clock[WORDS_SHORT_LEN];
		char text[DEVICEVIEW_TEXT_LEN + 32];
		char clean[sizeof(text)];

		words_clock(step->at_ms, clock);
		(void)snprintf(text, sizeof(text), "%s%s%s",
			       is_bad ? bh_class_name(step->error) : "",
			       is_bad && *step->text ? ": " : "", step->text);
		words_clean(text, clean, sizeof(clean));
		if (style->columns > 40)
			words_cut(clean, style->columns - 36);
		(void)fprintf(stream, "%s %-5s %s%s%s%*s%s\n", clock,
			      *step->adapter ? step->adapter : "-", is_bad ? style->red : "",
			      step->state, is_bad ? style->plain : "",
			      *clean ? 14 - (int)strlen(step->state) : 0, "", clean);
	}
}

int deviceview_show(const struct deviceview *view, FILE *stream,
		    const struct deviceview_style *style)
{
	int r;

	show_head(view, stream, style);
	r = show_sessions(view, stream, style);
	if (r == 0)
		r = show_timings(view, stream, style);
	if (r == 0)
		show_steps(view, stream, style);
	return r;
}
