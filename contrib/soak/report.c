/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report.c - the page of one run: how it ended, what was promised, what broke. The
 * other sections are report_time.c and report_tables.c. See report.h.
 */
#include "contrib/soak/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "contrib/soak/report_parts.h"

const char *part_contestant(const json_t *run)
{
	return report_str(report_at_path(run, "run"), "contestant", "bleherd");
}

double part_length_ms(const json_t *run)
{
	const json_t *line = report_at_path(run, "timeline");
	double steps = (double)json_array_size(json_object_get(line, "answered"));
	double step = report_num(line, "step_ms");
	double ended = report_num(report_at_path(run, "outcome"), "ended_ms");

	/* The last step may reach beyond the end. */
	return fmax(isfinite(step) ? steps * step : 0, isfinite(ended) ? ended : 0);
}

void part_requests(const json_t *run, double *out_n, double *out_done)
{
	const json_t *requests = report_at_path(run, "requests");
	const json_t *kinds = json_object_get(requests, "kinds");
	double n = report_num(requests, "n"), done = report_num(requests, "done");

	*out_n = isfinite(n) ? n : report_sum(kinds, "n");
	*out_done = isfinite(done) ? done : report_sum(kinds, "done");
}

static double promises_with(const json_t *run, const char *count)
{
	const json_t *promises = report_at_path(run, "promises");
	double n = 0;

	for (size_t i = 0; i < json_array_size(promises); i++)
		n += report_num(json_array_get(promises, i), count) > 0;
	return n;
}

double part_judged(const json_t *run)
{
	return promises_with(run, "checked");
}

double part_broken(const json_t *run)
{
	return promises_with(run, "broken");
}

enum part_verdict part_verdict(const json_t *run)
{
	if (json_is_true(report_at_path(run, "outcome.held")))
		return PART_HELD;
	if (json_array_size(report_at_path(run, "outcome.violations")) > 0 ||
	    report_sum(report_at_path(run, "promises"), "broken") > 0)
		return PART_BROKEN;
	return PART_UNFINISHED;
}

const char *part_verdict_word(enum part_verdict verdict)
{
	static const char *const words[] = {
		[PART_HELD] = "held",
		[PART_BROKEN] = "broken",
		[PART_UNFINISHED] = "unfinished",
	};

	return words[verdict];
}

const char *part_verdict_sign(enum part_verdict verdict)
{
	static const char *const signs[] = {
		[PART_HELD] = "✓",
		[PART_BROKEN] = "✕",
		[PART_UNFINISHED] = "!",
	};

	return signs[verdict];
}

static void fact(FILE *out, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	fprintf(out, "<div><dt>%s</dt><dd>", name);
	report_text(out, value);
	fputs("</dd></div>\n", out);
}

static void number_fact(FILE *out, const char *name, const json_t *object, const char *key)
{
	double v = report_num(object, key);

	if (isfinite(v))
		fact(out, name, report_count(v).s);
}

/* "2026-11-22T01:00:00Z" in one word would be too wide for a phone's column. */
static struct report_word date_of(const char *began)
{
	struct report_word w = report_cut(began);
	char *t = strchr(w.s, 'T');

	if (t)
		*t = ' ';
	return w;
}

static void facts(FILE *out, const json_t *run)
{
	const json_t *r = report_at_path(run, "run");

	fputs("<dl class=\"facts\">\n", out);
	number_fact(out, "Adapters", r, "adapters");
	number_fact(out, "Devices", r, "devices");
	fact(out, "Began", date_of(report_str(r, "began", "")).s);
	fact(out, "Contestant", report_str(r, "contestant", ""));
	fact(out, "Version", report_str(r, "version", ""));
	fact(out, "bluetoothd", report_str(r, "bluetoothd", ""));
	fact(out, "Kernel", report_str(r, "kernel", ""));
	fputs("</dl>\n", out);
}

/* What was run, in one line. */
static void summary(FILE *out, const json_t *run)
{
	const json_t *r = report_at_path(run, "run");
	double seed = report_num(r, "seed");

	fputs("<p class=\"soft\">Soak of ", out);
	report_text(out, part_contestant(run));
	fputs(": plan <strong>", out);
	report_text(out, report_str(r, "plan", "not said"));
	fputs("</strong> on the face <strong>", out);
	report_text(out, report_str(r, "face", "not said"));
	/* A seed is a name: no groups of digits. */
	if (isfinite(seed))
		fprintf(out, "</strong>, seed <strong>%.0f", seed);
	fprintf(out, "</strong>, %s clients for %s.</p>\n",
		report_count(report_num(r, "clients")).s,
		report_ms(report_num(r, "duration_s") * 1000).s);
}

static void figures(FILE *out, const json_t *run)
{
	const json_t *faults = report_at_path(run, "faults");
	double n, done;

	part_requests(run, &n, &done);
	fputs("<dl class=\"facts figures\">\n", out);
	fact(out, "Requests", report_count(n).s);
	fact(out, "Succeeded", report_percent(done, n).s);
	fact(out, "Faults injected", report_count(report_sum(faults, "n")).s);
	fact(out, "Recovered", report_count(report_sum(faults, "recovered")).s);
	fact(out, "Longest recovery", report_ms(report_max(faults, "worst_ms")).s);
	fact(out, "Promises checked",
	     report_count(report_sum(report_at_path(run, "promises"), "checked")).s);
	fputs("</dl>\n", out);
}

static void verdict_text(FILE *out, const json_t *run, enum part_verdict verdict)
{
	const json_t *first = json_array_get(report_at_path(run, "outcome.violations"), 0);

	if (verdict == PART_HELD) {
		fprintf(out, "<b>Held</b>None of the %s promises that were judged was broken",
			report_count(part_judged(run)).s);
		return;
	}
	if (verdict == PART_UNFINISHED) {
		fputs("<b>Unfinished</b>No promise is known to be broken, but not all was seen",
		      out);
		return;
	}
	fputs("<b>Broken", out);
	if (first) {
		fputs(": ", out);
		report_text(out, report_str(first, "promise", "a promise"));
	}
	fputs("</b>", out);
	report_text(out, report_str(first, "text", "The report does not say how"));
}

static void verdict_box(FILE *out, const json_t *run)
{
	enum part_verdict verdict = part_verdict(run);
	double ended = report_num(report_at_path(run, "outcome"), "ended_ms");
	double asked = report_num(report_at_path(run, "run"), "duration_s") * 1000;

	fprintf(out,
		"<div class=\"verdict %s\"><span class=\"sign\" aria-hidden=\"true\">%s</span><div>",
		part_verdict_word(verdict), part_verdict_sign(verdict));
	verdict_text(out, run, verdict);
	if (isfinite(ended) && isfinite(asked) && ended < asked)
		fprintf(out, ". The run ended after %s of %s", report_ms(ended).s,
			report_ms(asked).s);
	fputs(".</div></div>\n", out);
}

/* Faults of the plan that have no counterpart for this contestant: a comparison is to be read
 * with that in mind. */
static void skipped(FILE *out, const json_t *run)
{
	const json_t *lines = report_at_path(run, "skipped");
	size_t n = json_array_size(lines);

	if (n == 0)
		return;
	fprintf(out,
		"<details><summary>Not dealt to it: %zu %s of the plan</summary>\n<pre class=\"wrap\">",
		n, n == 1 ? "line" : "lines");
	for (size_t i = 0; i < n; i++) {
		report_text(out, json_string_value(json_array_get(lines, i)));
		fputc('\n', out);
	}
	fputs("</pre></details>\n", out);
}

void part_outcome(FILE *out, const json_t *run)
{
	const json_t *r = report_at_path(run, "run");

	fputs("<section id=\"outcome\">\n<h1>", out);
	report_text(out, report_str(r, "title", report_str(r, "plan", "Soak")));
	fputs("</h1>\n", out);
	summary(out, run);
	verdict_box(out, run);
	fputs("<h3>Repeat it</h3>\n<pre class=\"wrap\"><code>", out);
	report_text(out, report_str(r, "repeat", "The report does not say how."));
	fputs("</code></pre>\n", out);
	figures(out, run);
	facts(out, run);
	skipped(out, run);
	fputs("</section>\n", out);
}

static void request_facts(FILE *out, const json_t *request)
{
	const char *key;
	json_t *value;

	if (json_object_size(request) == 0)
		return;
	fputs("<dl class=\"facts\">\n", out);
	/* jansson's loop takes no const object; it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)request, key, value)
	{
		char *dumped = json_is_string(value)
				       ? NULL
				       : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		fputs("<div><dt>", out);
		report_text(out, key);
		fputs("</dt><dd>", out);
		report_text(out, dumped ? dumped : json_string_value(value));
		fputs("</dd></div>\n", out);
		free(dumped);
	}
	fputs("</dl>\n", out);
}

static void violation(FILE *out, const json_t *v)
{
	const json_t *trace = json_object_get(v, "trace");

	fputs("<h3><span class=\"bad\">✕ ", out);
	report_text(out, report_str(v, "promise", "?"));
	fprintf(out, "</span> at %s</h3>\n<p>", report_at(report_num(v, "at_ms")).s);
	report_text(out, report_str(v, "text", ""));
	fputs("</p>\n", out);
	request_facts(out, json_object_get(v, "request"));
	if (json_array_size(trace) == 0) {
		part_none(out, "No trace was kept.");
		return;
	}
	fputs("<pre class=\"scroll trace\" tabindex=\"0\" role=\"region\" aria-label=\"Trace\"><code>",
	      out);
	for (size_t i = 0; i < json_array_size(trace); i++) {
		report_text(out, json_string_value(json_array_get(trace, i)));
		fputc('\n', out);
	}
	fputs("</code></pre>\n", out);
}

void part_violations(FILE *out, const json_t *run)
{
	const json_t *violations = report_at_path(run, "outcome.violations");
	size_t n = json_array_size(violations);

	/* The verdict has said it already. */
	if (n == 0)
		return;
	part_section(out, "violations", n == 1 ? "The violation" : "Violations");
	for (size_t i = 0; i < n; i++)
		violation(out, json_array_get(violations, i));
	fputs("</section>\n", out);
}

void part_promises(FILE *out, const json_t *run)
{
	static const char *const columns[] = { "Promise", "#Checked", "#Broken", "Verdict" };
	const json_t *promises = report_at_path(run, "promises");

	part_section(out, "promises", "Promises");
	if (json_array_size(promises) == 0)
		part_none(out, "None were judged in this run.");
	else
		part_table_begin(out, "Promises", columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(promises); i++) {
		const json_t *p = json_array_get(promises, i);
		double checked = report_num(p, "checked"), broken = report_num(p, "broken");

		fputs("<tr><th scope=\"row\">", out);
		report_text(out, report_str(p, "text", report_str(p, "name", "?")));
		fputs("</th>", out);
		part_cell(out, report_count(checked));
		part_cell(out, report_count(broken));
		fprintf(out, "<td>%s</td></tr>\n",
			broken > 0    ? "<span class=\"bad\">✕\u00a0broken</span>"
			: checked > 0 ? "<span class=\"good\">✓\u00a0held</span>"
				      : "<span class=\"soft\">not\u00a0checked</span>");
	}
	if (json_array_size(promises) > 0)
		part_table_end(out);
	fputs("</section>\n", out);
}

int report_html(const json_t *run, FILE *out)
{
	char why[160], title[160];
	int r;

	r = report_check(run, why, sizeof(why));
	if (r < 0)
		return r;
	snprintf(title, sizeof(title), "Soak %s: %s on %s, seed %.0f",
		 part_verdict_word(part_verdict(run)),
		 report_str(report_at_path(run, "run"), "plan", "soak"),
		 report_str(report_at_path(run, "run"), "face", "?"),
		 fmax(report_num(report_at_path(run, "run"), "seed"), 0));
	part_page_begin(out, title);
	fputs("<main>\n", out);
	part_outcome(out, run);
	part_violations(out, run);
	part_promises(out, run);
	r = part_timeline(out, run);
	if (r < 0)
		return r;
	part_faults(out, run);
	part_kinds(out, run);
	part_locks(out, run);
	part_events(out, run);
	r = part_resources(out, run);
	if (r < 0)
		return r;
	fputs("</main>\n", out);
	part_page_end(out);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
