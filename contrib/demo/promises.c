/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/promises.c - the checklist at the end. Each row judges by figures that the programs
 * reported, or that the peripherals logged, never by what the conductor meant to do.
 */
#include "contrib/demo/promises.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SWITCHED	    1 /* the switch's peripheral */
#define COLLECTED	    3
#define VALUES_MIN	    20 /* per peripheral: fewer prove nothing */
#define WRITES_WANTED	    20
#define WRITES_AFTER_WANTED 5
#define BACK_WITHIN_US	    (5 * 1000 * 1000)

struct evidence {
	size_t len;
	char text[512];
};

static _printf_(2, 3) void note(struct evidence *evidence, const char *format, ...)
{
	size_t room = sizeof(evidence->text) - evidence->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(evidence->text + evidence->len, room, format, args);
	va_end(args);
	if (n > 0)
		evidence->len += (size_t)n < room ? (size_t)n : room - 1;
}

static bool has_scanned(const struct tally *tally, struct evidence *out)
{
	uint32_t programs = 0;
	uint64_t longest_us = 0;

	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		const struct doings *doings = &tally->doings[p];

		programs += doings->has_scanned && doings->heard == DEMO_PERIPHERALS;
		if (doings->scan_us > longest_us)
			longest_us = doings->scan_us;
	}
	note(out, "%" PRIu32 " programs at once, each heard %d peripherals on %" PRIu32 " adapters",
	     programs, DEMO_PERIPHERALS, tally->adapter_count);
	return programs == PROGRAM_COUNT && tally->adapter_count == DEMO_ADAPTERS;
}

static bool has_used_all_adapters(const struct tally *tally)
{
	for (uint32_t a = 0; a < tally->adapter_count; a++) {
		bool is_used = false;

		for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++)
			is_used |= strcmp(tally->uses[PROGRAM_LOGGER][i].adapter,
					  tally->adapters[a].name) == 0;
		if (!is_used)
			return false;
	}
	return tally->adapter_count == DEMO_ADAPTERS;
}

static bool has_shared(const struct tally *tally, struct evidence *out)
{
	uint32_t together = 0, visited = 0;

	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++)
		visited += tally->uses[PROGRAM_LOGGER][i].connects > 0;
	for (unsigned p = 0; p < PROGRAM_COUNT; p++)
		together += tally->uses[p][SWITCHED].connects > 0;
	note(out, "%zu links over %s, joined %zu times by others;\n", tally->connects.count,
	     has_used_all_adapters(tally) ? "both adapters" : "ONE ADAPTER ONLY",
	     tally->joins.count);
	note(out, "BM6-1 used by %" PRIu32 " programs; %" PRIu32 " tours over all six", together,
	     tally->tours);
	return together == PROGRAM_COUNT && visited == DEMO_PERIPHERALS && tally->tours >= 2 &&
	       tally->connects.count > 0 && tally->joins.count > 0 && has_used_all_adapters(tally);
}

static bool has_written(const struct tally *tally, struct evidence *out)
{
	uint32_t confirmed = 0, lost = 0, twice = 0;

	for (size_t i = 0; i < WRITES_MAX; i++) {
		confirmed += tally->confirmed[i];
		lost += tally->confirmed[i] && !tally->arrived[i];
		twice += tally->arrived[i] > 1;
	}
	note(out, "%" PRIu32 " values written, %" PRIu32 " read back equal, %" PRIu32 " not;\n",
	     confirmed, tally->same, tally->different);
	if (!tally->has_write_log)
		note(out, "THE PERIPHERAL'S LOG IS MISSING");
	else
		note(out, "the peripheral's own log: %" PRIu32 " never arrived, %" PRIu32 " twice",
		     lost, twice);
	if (tally->interrupted)
		note(out, "; %" PRIu32 " interrupted, checked", tally->interrupted);
	return tally->same >= WRITES_WANTED && tally->different == 0 && tally->has_write_log &&
	       lost == 0 && twice == 0;
}

static bool has_notified(const struct tally *tally, struct evidence *out)
{
	uint32_t gaps = 0, twice = 0, missed = 0, enough = 0;

	for (uint32_t i = 0; i < COLLECTED; i++) {
		const struct peripheral *peripheral = &tally->peripherals[i];

		gaps += peripheral->gaps;
		twice += peripheral->twice;
		missed += peripheral->missed;
		enough += peripheral->notifications >= VALUES_MIN;
	}
	note(out, "%" PRIu32 " from %d peripherals: %" PRIu32 " lost, %" PRIu32 " twice",
	     tally_notifications(tally), COLLECTED, gaps, twice);
	if (missed)
		note(out, "; %" PRIu32 " sent while\nlink or worker were away", missed);
	return enough == COLLECTED && gaps == 0 && twice == 0;
}

static bool has_come_back(const struct tally *tally, struct evidence *out)
{
	uint64_t from_us = tally->drop_at_us;

	if (!from_us || !tally->drop_noticed_at_us) {
		note(out, from_us ? "cut, but the collector was never told" : "never cut");
		return false;
	}
	note(out, "BM6-%" PRIu32 " cut, told after %s, ", tally->drop_peripheral,
	     view_duration(tally->drop_noticed_at_us - from_us).text);
	if (!tally->drop_value_at_us) {
		note(out, "NOT BACK");
		return false;
	}
	note(out, "connected after %s,\n",
	     view_duration(tally->drop_connected_at_us - from_us).text);
	note(out, "the next notification after %s",
	     view_duration(tally->drop_value_at_us - from_us).text);
	if (tally->errors_expected)
		note(out, "; %" PRIu32 " request failed: link-lost", tally->errors_expected);
	return tally->drop_value_at_us - from_us <= BACK_WITHIN_US && tally->links_lost == 0;
}

/* The longest that one of its holds waited for an answer or a value since the kill. 0: still does.
 */
static uint64_t waited_us(const struct tally *tally, enum program program)
{
	uint64_t longest_us = 0;

	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++) {
		const struct use *use = &tally->uses[program][i];

		if (!use->is_awaited)
			continue;
		if (!use->served_at_us)
			return 0;
		if (use->served_at_us - tally->kill_at_us > longest_us)
			longest_us = use->served_at_us - tally->kill_at_us;
	}
	return longest_us;
}

static bool has_survived(const struct tally *tally, struct evidence *out)
{
	uint64_t answered_us = waited_us(tally, PROGRAM_SWITCH);
	uint64_t notified_us = waited_us(tally, PROGRAM_COLLECTOR);
	int programs = __builtin_popcount(tally->moved_programs);

	if (!tally->kill_at_us) {
		note(out, "never killed");
		return false;
	}
	note(out, "%s's (kill -9): %" PRIu32 " sessions of %d programs moved in %s,\n",
	     tally->kill_adapter, tally->moves, programs, view_duration(tally->last_move_us).text);
	note(out, "switch %s %s, ", answered_us ? "answered in" : "NOT ANSWERED",
	     answered_us ? view_duration(answered_us).text : "");
	note(out, "collector %s %s;\n", notified_us ? "notified in" : "NOT NOTIFIED",
	     notified_us ? view_duration(notified_us).text : "");
	note(out, "since then %" PRIu32 " values read back, %" PRIu32 " tours; %s",
	     tally->same_after_kill, tally->tours_after_kill,
	     tally->new_pid ? "a new worker" : "NO NEW WORKER");
	return answered_us && answered_us <= BACK_WITHIN_US && notified_us &&
	       notified_us <= BACK_WITHIN_US && programs >= 2 && tally->new_pid &&
	       tally->same_after_kill >= WRITES_AFTER_WANTED && tally->tours_after_kill > 0;
}

static bool has_no_errors(const struct tally *tally, struct evidence *out)
{
	if (tally->errors == 0 && tally->links_lost == 0) {
		note(out, "no program saw a failure that it could not explain");
		return true;
	}
	note(out, "%" PRIu32 " errors, %" PRIu32 " links lost by themselves", tally->errors,
	     tally->links_lost);
	if (tally->first_error[0])
		note(out, "; the first:\n%.62s", tally->first_error);
	return false;
}

static bool has_left_nothing(const struct tally *tally, struct evidence *out)
{
	uint32_t said_bye = 0;

	for (unsigned p = 0; p < PROGRAM_COUNT; p++)
		said_bye += tally->doings[p].said_bye;
	note(out, "%" PRIu32 " programs ended by themselves; ", said_bye);
	if (!tally->has_status)
		note(out, "NO STATUS of what is left");
	else
		note(out, "%" PRIu32 " sessions and %" PRIu32 " links are left",
		     tally->sessions_left, tally->links_left);
	return said_bye == PROGRAM_COUNT && tally->has_status && tally->sessions_left == 0 &&
	       tally->links_left == 0;
}

static const struct {
	const char *name;
	bool (*is_kept)(const struct tally *tally, struct evidence *out);
} promises[] = {
	{ "scan", has_scanned },	   { "share", has_shared },
	{ "write and read", has_written }, { "notifications", has_notified },
	{ "link cut", has_come_back },	   { "worker killed", has_survived },
	{ "errors", has_no_errors },	   { "a clean end", has_left_nothing },
};

/* The first line behind the name, the others below it. */
static void print_promise(const struct view *view, const char *name, bool is_kept,
			  const char *evidence)
{
	const char *mark =
		is_kept ? (view->is_utf8 ? "\u2713" : "+") : (view->is_utf8 ? "\u2717" : "-");
	size_t len = strcspn(evidence, "\n");

	(void)printf("%s%s %-15s%s%.*s\n", view_on(view, is_kept ? TONE_GOOD : TONE_BAD), mark,
		     name, view_off(view), (int)len, evidence);
	while (evidence[len] == '\n') {
		evidence += len + 1;
		len = strcspn(evidence, "\n");
		(void)printf("%17s%.*s\n", "", (int)len, evidence);
	}
}

static void print_timings(struct tally *tally)
{
	struct {
		const char *name;
		struct samples *samples;
	} rows[] = {
		{ "connect", &tally->connects },
		{ "join a link", &tally->joins },
		{ "read", &tally->reads },
		{ "write", &tally->writes },
	};

	(void)printf("\n  %-15s%9s%9s%9s%7s\n", "as programs saw", "p50", "p95", "max", "n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)printf("  %-15s%9s%9s%9s%7zu\n", rows[i].name,
			     view_duration(samples_quantile_us(rows[i].samples, 50)).text,
			     view_duration(samples_quantile_us(rows[i].samples, 95)).text,
			     view_duration(samples_quantile_us(rows[i].samples, 100)).text,
			     rows[i].samples->count);
}

bool promises_print(const struct view *view, struct tally *tally)
{
	size_t kept = 0;

	(void)putchar('\n');
	for (size_t i = 0; i < ARRAY_LEN(promises); i++) {
		struct evidence evidence = { .len = 0 };
		bool is_kept = promises[i].is_kept(tally, &evidence);

		print_promise(view, promises[i].name, is_kept, evidence.text);
		kept += is_kept;
	}
	print_timings(tally);
	(void)printf("\n%s%zu of %zu promises kept%s\n",
		     view_on(view, kept == ARRAY_LEN(promises) ? TONE_GOOD : TONE_BAD), kept,
		     ARRAY_LEN(promises), view_off(view));
	(void)fflush(stdout);
	return kept == ARRAY_LEN(promises);
}
