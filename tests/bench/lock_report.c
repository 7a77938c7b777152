/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_report.c - the rows as a table on standard output, and as JSON in a file.
 */
#include "tests/bench/lock.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static struct {
	const char *json_path;
	json_t *rows;
	json_t *machine;
	const char *unit_name;
	double unit_ns;
	int decimals;
	uint32_t failed;
	uint32_t shorts;
	uint64_t began_ns;
} report;

/* --- the machine --- */

static void read_line(const char *path, const char *key, char *out, size_t len)
{
	FILE *in = fopen(path, "re");
	char line[256];
	const char *value;

	(void)snprintf(out, len, "?");
	while (in && fgets(line, sizeof(line), in)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		value = strchr(line, ':');
		value = value ? value + 2 : line;
		(void)snprintf(out, len, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (in)
		(void)fclose(in);
}

void report_begin(const char *json_path)
{
	struct utsname names = { 0 };
	char model[128];
	char load[64];
	char date[32] = "?";
	time_t now = time(NULL);
	struct tm tm;

	report.began_ns = now_ns();
	(void)uname(&names);
	read_line("/proc/cpuinfo", "model name", model, sizeof(model));
	read_line("/proc/loadavg", "", load, sizeof(load));
	if (gmtime_r(&now, &tm))
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	report.json_path = json_path;
	report.rows = json_array();
	report.machine = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "cpu", model, "cores",
				   (int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", names.release,
				   "date", date, "version", BLEHERD_VERSION, "load", load);
	printf("bench-lock: bleherd %s, %s, %ld cores, Linux %s, %s, load before %s\n",
	       BLEHERD_VERSION, model, sysconf(_SC_NPROCESSORS_ONLN), names.release, date, load);
	printf("Medians of the alternating runs, of whose medians `best` is the lowest; the longest of all.\n");
}

/* --- rows --- */

void report_section(const char *title, const char *unit_name, uint64_t unit_ns, int decimals)
{
	report.decimals = decimals;
	report.unit_name = unit_name;
	report.unit_ns = (double)unit_ns;
	printf("\n%s\n  %-46s %9s %9s %9s %9s %9s\n", title, "", "runs x n", "best", "median",
	       "p99", "max");
	(void)fflush(stdout);
}

static bool is_met(const struct goal *goal, const struct result *result)
{
	if (goal->median_ns > 0 && result->median_ns > goal->median_ns)
		return false;
	if (goal->p99_ns > 0 && result->p99_ns > goal->p99_ns)
		return false;
	if (goal->spread_percent > 0 &&
	    (uint64_t)result->most * 100 > (uint64_t)result->fewest * goal->spread_percent)
		return false;
	return !goal->is_fifo || result->overtaken == 0;
}

static bool has_goal(const struct goal *goal)
{
	return goal->median_ns > 0 || goal->p99_ns > 0 || goal->spread_percent > 0 || goal->is_fifo;
}

/* The goal in words, "" if there is none. */
static void goal_text(const struct goal *goal, char *out, size_t len)
{
	FILE *text = fmemopen(out, len, "w");

	out[0] = '\0';
	if (!text)
		return;
	if (goal->median_ns > 0)
		(void)fprintf(text, " median <= %g", (double)goal->median_ns / report.unit_ns);
	if (goal->p99_ns > 0)
		(void)fprintf(text, " p99 <= %g", (double)goal->p99_ns / report.unit_ns);
	if (goal->spread_percent > 0)
		(void)fprintf(text, " max/min <= %.2f", goal->spread_percent / 100.0);
	if (goal->is_fifo)
		(void)fputs(" FIFO", text);
	(void)fclose(text);
}

static double spread(const struct result *r)
{
	return r->fewest > 0 ? (double)r->most / (double)r->fewest : 0.0;
}

static double overtaken(const struct result *r)
{
	return r->grants > 0 ? (double)r->overtaken / (double)r->grants : 0.0;
}

static void print_shares(const struct run *run, const struct result *r)
{
	char ratio[16] = "somebody none";

	if (r->fewest > 0)
		(void)snprintf(ratio, sizeof(ratio), "%.3f", spread(r));
	if (run->duration_ms > 0)
		printf("  %-46s grants %u, per client %u to %u (%s), ", "", r->grants, r->fewest,
		       r->most, ratio);
	else
		printf("  %-46s ", "");
	printf("overtaken %u (%.3f per grant; %u by who asked 1 ms later), longest wait %.1f ms\n",
	       r->overtaken, overtaken(r), r->overtaken_late, (double)r->longest_wait_ns / 1e6);
}

/* Of the runs, for who wants to know how far they are apart. */
static json_t *runs_json(const uint64_t *values_ns, uint32_t n)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_real((double)values_ns[i] / report.unit_ns));
	return list;
}

static void add_json(const struct run *run, const struct result *r, const char *goal)
{
	const char section[] = { run->section, '\0' };
	json_t *row;

	row = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f}", "section", section,
			"how", run->how, "unit", report.unit_name, "runs", (int)r->runs, "failed",
			(int)r->failed, "n", (int)r->n, "best", (double)r->best_ns / report.unit_ns,
			"median", (double)r->median_ns / report.unit_ns, "p99",
			(double)r->p99_ns / report.unit_ns, "max",
			(double)r->max_ns / report.unit_ns);
	if (!row)
		return;
	(void)json_object_set_new(row, "medians", runs_json(r->medians_ns, r->runs));
	(void)json_object_set_new(row, "p99s", runs_json(r->p99s_ns, r->runs));
	if (run->clients > 0) {
		(void)json_object_set_new(row, "clients", json_integer(run->clients));
		(void)json_object_set_new(row, "slots", json_integer(run->slots));
		(void)json_object_set_new(row, "grants", json_integer(r->grants));
		(void)json_object_set_new(row, "fewest", json_integer(r->fewest));
		(void)json_object_set_new(row, "most", json_integer(r->most));
		(void)json_object_set_new(row, "overtaken", json_integer(r->overtaken));
		(void)json_object_set_new(row, "overtaken_by_1ms_later",
					  json_integer(r->overtaken_late));
		(void)json_object_set_new(row, "longest_wait_ms",
					  json_real((double)r->longest_wait_ns / 1e6));
	}
	if (goal[0] != '\0') {
		(void)json_object_set_new(row, "goal", json_string(goal + 1));
		(void)json_object_set_new(row, "ok",
					  json_boolean(r->runs > 0 && is_met(&run->goal, r)));
	}
	(void)json_array_append_new(report.rows, row);
}

void report_row(const struct run *run, const struct result *r)
{
	const char *verdict = "";
	char goal[128];
	char runs[32];

	goal_text(&run->goal, goal, sizeof(goal));
	(void)snprintf(runs, sizeof(runs), "%u x %u", r->runs, r->n);
	if (r->runs > 0 && has_goal(&run->goal))
		verdict = is_met(&run->goal, r) ? " ok" : " short";
	if (verdict[0] == ' ' && verdict[1] == 's')
		report.shorts++;
	report.failed += r->failed;
	if (r->runs == 0)
		printf("  %-46s FAILED\n", run->how);
	else
		printf("  %-46s %9s %9.*f %9.*f %9.*f %9.*f %s%s%s%s\n", run->how, runs,
		       report.decimals, (double)r->best_ns / report.unit_ns, report.decimals,
		       (double)r->median_ns / report.unit_ns, report.decimals,
		       (double)r->p99_ns / report.unit_ns, report.decimals,
		       (double)r->max_ns / report.unit_ns, report.unit_name, goal[0] ? " " : "",
		       goal, verdict);
	if (r->runs > 0 && r->failed > 0)
		printf("  %-46s %u of %u runs FAILED\n", "", r->failed, r->runs + r->failed);
	if (r->runs > 0 && run->clients > 0)
		print_shares(run, r);
	(void)fflush(stdout);
	add_json(run, r, goal);
}

int report_end(void)
{
	json_t *all;
	int status = report.failed > 0 ? 1 : 0;

	printf("\n%.0f s; goals not reached: %u; runs that failed: %u\n",
	       (double)(now_ns() - report.began_ns) / 1e9, report.shorts, report.failed);
	all = json_pack("{s:o, s:o}", "machine", report.machine, "rows", report.rows);
	if (report.json_path && (!all || json_dump_file(all, report.json_path,
							JSON_INDENT(1) | JSON_REAL_PRECISION(6)))) {
		(void)fprintf(stderr, "bench-lock: cannot write %s\n", report.json_path);
		status = 1;
	}
	json_decref(all);
	return status;
}
