/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_time.c - what a run's page shows over time: latency, answers, faults by kind,
 * resources. See report.h.
 */
#include "contrib/soak/report_parts.h"

#include <math.h>
#include <string.h>

#include "contrib/soak/svg.h"

enum { LATENCY_PX = 190, RATE_PX = 76, LANE_PX = 13, CARD_PX = 56 };

/* More bands than this would leave no gap between them: then the lanes below say it alone. */
#define BANDS_MAX 120

/* A fault that is one moment is still to be seen. */
#define SHORTEST_SHARE 0.002

static double present(double v)
{
	return isfinite(v) ? v : 0;
}

static double series_max(const struct svg_series *s)
{
	double most = (double)NAN;

	for (size_t i = 0; i < s->n; i++)
		most = fmax(most, s->values[i]);
	return most;
}

static double series_min_positive(const struct svg_series *s)
{
	double least = (double)NAN;

	for (size_t i = 0; i < s->n; i++)
		if (s->values[i] > 0)
			least = fmin(least, s->values[i]);
	return least;
}

/* When some fault was on: behind the curves, so that one sees what they answer to. */
static void bands(FILE *out, const struct svg_frame *frame, const json_t *faults)
{
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *f = json_array_get(faults, i);
		double at = report_num(f, "at_ms");
		double for_ms =
			fmax(present(report_num(f, "for_ms")), frame->x_max_ms * SHORTEST_SHARE);

		if (isfinite(at))
			svg_span(out, frame, at, at + for_ms, "band");
	}
	fputc('\n', out);
}

static void latency_legend(FILE *out, const struct svg_series *s, bool has_bands)
{
	fputs("<div><h3>Latency</h3><ul class=\"legend\">"
	      "<li><svg><path class=\"worst\" d=\"M4 6h0M13 6h0M22 6h0\"/></svg>worst</li>"
	      "<li><svg><path class=\"p95\" d=\"M0 6H26\"/></svg>p95</li>"
	      "<li><svg><path class=\"p50\" d=\"M0 6H26\"/></svg>p50</li>",
	      out);
	if (has_bands)
		fputs("<li><svg><path class=\"band\" d=\"M0 0H26V12H0z\"/></svg>a fault is on</li>",
		      out);
	fputs("</ul>", out);
	if (s->steps > 1)
		fprintf(out, "<p class=\"note\">Each point: the highest of %zu steps of %s.</p>",
			s->steps, svg_label_ms(s->step_ms / (double)s->steps).s);
	fputs("</div>\n", out);
}

static int latency(FILE *out, const json_t *line, double length_ms)
{
	static const char *const keys[] = { "worst_ms", "p95_ms", "p50_ms" };
	static const char *const looks[] = { "worst", "p95", "p50" };
	double step = report_num(line, "step_ms");
	size_t n_faults = json_array_size(json_object_get(line, "faults"));
	struct svg_series s[3] = { { .values = NULL } };
	struct svg_frame frame = { .name = "Latency over time, logarithmic",
				   .x_max_ms = length_ms,
				   .label = svg_label_ms,
				   .height_px = LATENCY_PX,
				   .has_times = true };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(s) && r == 0; i++)
		r = svg_series_read(json_object_get(line, keys[i]), step, false, &s[i]);
	if (r == 0) {
		frame.y = svg_decades(series_min_positive(&s[2]), series_max(&s[0]));
		fputs("<div class=\"row\" id=\"latency\">", out);
		latency_legend(out, &s[0], n_faults > 0 && n_faults <= BANDS_MAX);
		fputs("<div class=\"box\">", out);
		svg_begin(out, &frame);
		if (n_faults <= BANDS_MAX)
			bands(out, &frame, json_object_get(line, "faults"));
		svg_dots(out, &frame, &s[0], looks[0]);
		svg_line(out, &frame, &s[1], looks[1]);
		svg_line(out, &frame, &s[2], looks[2]);
		svg_end(out, &frame);
		fputs("</div></div>\n", out);
	}
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		svg_series_free(&s[i]);
	return r;
}

static int rate(FILE *out, const json_t *line, double length_ms, const char *key,
		const char *heading)
{
	double step = report_num(line, "step_ms");
	struct svg_series s;
	struct svg_frame frame = { .name = heading,
				   .x_max_ms = length_ms,
				   .label = report_count,
				   .height_px = RATE_PX,
				   .has_times = true };
	int r;

	r = svg_series_read(json_object_get(line, key), step, true, &s);
	if (r < 0)
		return r;
	/* Of a step, whatever its length: what it says beside the axis is what was counted. */
	frame.y = svg_linear(fmax(series_max(&s), 2));
	fprintf(out, "<div class=\"row\" id=\"%s\"><div><h3>%s</h3><p class=\"note\">in each %s",
		key, heading, svg_label_ms(step).s);
	if (s.steps > 1)
		fprintf(out, ", mean of %zu", s.steps);
	fputs("</p></div><div class=\"box\">", out);
	svg_begin(out, &frame);
	svg_columns(out, &frame, &s, key);
	svg_end(out, &frame);
	fputs("</div></div>\n", out);
	svg_series_free(&s);
	return 0;
}

/* What a pointer on it is told. */
static void lane_title(FILE *out, const json_t *f)
{
	double for_ms = present(report_num(f, "for_ms"));
	double recovered = report_num(f, "recovered_ms");

	fputs("<title>", out);
	report_text(out, report_str(f, "text", report_str(f, "kind", "")));
	fprintf(out, ", at %s", report_at(report_num(f, "at_ms")).s);
	if (for_ms > 0)
		fprintf(out, " for %s", report_ms(for_ms).s);
	if (isfinite(recovered))
		fprintf(out, ", recovered after %s", report_ms(recovered).s);
	else
		fputs(", not recovered", out);
	fputs("</title>", out);
}

enum lane_part { LANE_AFTER, LANE_ON, LANE_CROSS, LANE_PARTS };

static void lane_fault(FILE *out, const struct svg_frame *frame, const json_t *f,
		       enum lane_part part)
{
	double at = report_num(f, "at_ms");
	double end = at + present(report_num(f, "for_ms"));
	double recovered = report_num(f, "recovered_ms");

	if (!isfinite(end))
		return;
	if (part == LANE_CROSS) {
		if (!isfinite(recovered))
			svg_cross(out, frame, end);
		return;
	}
	if (part == LANE_AFTER && !(recovered > 0))
		return;
	fputs("<g>", out);
	lane_title(out, f);
	if (part == LANE_AFTER)
		svg_span(out, frame, end, end + recovered, "after");
	else
		svg_span(out, frame, at, end, "on");
	fputs("</g>\n", out);
}

static void lane(FILE *out, const json_t *faults, const char *kind, double length_ms)
{
	struct svg_frame frame = { .name = kind, .x_max_ms = length_ms, .height_px = LANE_PX };

	fputs("<div class=\"row lane\"><div>", out);
	report_text(out, kind);
	fputs("</div><div class=\"box\">", out);
	svg_begin(out, &frame);
	/* One's recovery must not hide another that is on. */
	for (enum lane_part part = LANE_AFTER; part < LANE_PARTS; part++) {
		for (size_t i = 0; i < json_array_size(faults); i++) {
			const json_t *f = json_array_get(faults, i);

			if (strcmp(report_str(f, "kind", "?"), kind) == 0)
				lane_fault(out, &frame, f, part);
		}
	}
	svg_end(out, &frame);
	fputs("</div></div>\n", out);
}

static bool was_before(const json_t *faults, size_t index, const char *kind)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(report_str(json_array_get(faults, i), "kind", "?"), kind) == 0)
			return true;
	return false;
}

static void lanes(FILE *out, const json_t *faults, double length_ms)
{
	fputs("<div id=\"fault-times\"><div class=\"row\"><div><h3>Faults by kind</h3></div>", out);
	if (json_array_size(faults) == 0)
		fputs("<div class=\"legend wide\">No fault was injected.</div>", out);
	else
		fputs("<ul class=\"legend wide\"><li><svg><path class=\"on\" "
		      "d=\"M0 0H26V12H0z\"/></svg>the fault is on</li>"
		      "<li><svg><path class=\"after\" d=\"M0 0H26V12H0z\"/></svg>until everyone it "
		      "touched has recovered</li>"
		      "<li><svg class=\"cross\"><path d=\"M9 2L17 10M9 10L17 2\"/></svg>"
		      "not recovered</li></ul>",
		      out);
	fputs("</div>\n", out);
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const char *kind = report_str(json_array_get(faults, i), "kind", "?");

		if (!was_before(faults, i, kind))
			lane(out, faults, kind, length_ms);
	}
	fputs("</div>\n", out);
}

int part_timeline(FILE *out, const json_t *run)
{
	const json_t *line = report_at_path(run, "timeline");
	double length_ms = part_length_ms(run);
	int r = 0;

	part_section(out, "timeline", "Over time");
	if (json_array_size(json_object_get(line, "answered")) == 0 ||
	    !(report_num(line, "step_ms") > 0)) {
		part_none(out, "No times were kept in this run.");
	} else {
		r = latency(out, line, length_ms);
		if (r == 0)
			r = rate(out, line, length_ms, "answered", "Answered");
		if (r == 0)
			r = rate(out, line, length_ms, "failed", "Failed");
		lanes(out, json_object_get(line, "faults"), length_ms);
	}
	fputs("</section>\n", out);
	return r;
}

static int card(FILE *out, const char *name, const char *what, const json_t *values, double step_ms,
		svg_label label)
{
	struct svg_series s;
	struct svg_frame frame = { .name = what,
				   .label = label == report_kib ? svg_label_kib : label,
				   .height_px = CARD_PX };
	double first = (double)NAN, last = (double)NAN;
	/* Round numbers of MiB beside the axis. */
	double unit = label == report_kib ? 1024 : 1;
	int r;

	r = svg_series_read(values, step_ms, false, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s.n; i++) {
		first = isfinite(first) ? first : s.values[i];
		last = isfinite(s.values[i]) ? s.values[i] : last;
	}
	frame.x_max_ms = (double)s.n * s.step_ms;
	frame.y = svg_linear(fmax(series_max(&s) / unit, 1));
	frame.y.hi *= unit;
	fputs("<div><h3>", out);
	report_text(out, name);
	fprintf(out, "</h3><p class=\"soft\">%s %s → %s</p><div class=\"box\">", what,
		label(first).s, label(last).s);
	svg_begin(out, &frame);
	svg_line(out, &frame, &s, "size");
	svg_end(out, &frame);
	fputs("</div></div>\n", out);
	svg_series_free(&s);
	return 0;
}

int part_resources(FILE *out, const json_t *run)
{
	const json_t *resources = report_at_path(run, "resources");
	const json_t *processes = report_at_path(run, "resources.processes");
	const json_t *count = json_object_get(resources, "count");
	double step = report_num(resources, "step_ms");
	int r = 0;

	part_section(out, "resources", "Resources");
	if (json_array_size(processes) == 0 && json_array_size(count) == 0) {
		part_none(out, "Not measured in this run.");
		fputs("</section>\n", out);
		return 0;
	}
	fputs("<p class=\"note\">First and last value of each; the curve begins at 0 and spans the "
	      "run. Memory is the proportional set size.</p>\n<div class=\"cards\">\n",
	      out);
	for (size_t i = 0; i < json_array_size(processes) && r == 0; i++) {
		const json_t *p = json_array_get(processes, i);
		const char *name = report_str(p, "name", "?");

		r = card(out, name, "memory", json_object_get(p, "pss_kib"), step, report_kib);
		if (r == 0)
			r = card(out, name, "descriptors", json_object_get(p, "fds"), step,
				 report_count);
	}
	if (r == 0 && json_array_size(count) > 0)
		r = card(out, "All", "processes", count, step, report_count);
	fputs("</div></section>\n", out);
	return r;
}
