/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/svg.c - see svg.h.
 */
#include "contrib/soak/svg.h"

#include <math.h>
#include <errno.h>
#include <stdlib.h>

/* The inner drawing's own coordinates; finer than any screen. */
#define X_UNITS 10000
#define Y_UNITS 1000

/* The most that a logarithmic scale spans: 0.01 ms to 1000 s, say. */
#define DECADES_MOST 1e8

/* As many times below a chart as fit at 1000 pixels; the style sheet hides each other one. */
#define TIMES_MAX 9

int svg_series_read(const json_t *array, double step_ms, bool is_mean, struct svg_series *out)
{
	size_t count = json_array_size(array);
	size_t steps = (count + SVG_POINTS_MAX - 1) / SVG_POINTS_MAX;
	struct svg_series s = { .steps = steps ? steps : 1 };

	s.n = (count + s.steps - 1) / s.steps;
	s.step_ms = step_ms * (double)s.steps;
	s.values = calloc(s.n ? s.n : 1, sizeof(*s.values));
	if (!s.values)
		return -ENOMEM;
	for (size_t i = 0; i < s.n; i++) {
		double most = (double)NAN, sum = 0;
		size_t there = 0;

		for (size_t k = i * s.steps; k < (i + 1) * s.steps && k < count; k++) {
			double v = report_num_at(array, k);

			most = fmax(most, v);
			sum += isfinite(v) ? v : 0;
			there++;
		}
		s.values[i] = is_mean ? sum / (double)there : most;
	}
	*out = s;
	return 0;
}

void svg_series_free(struct svg_series *series)
{
	free(series->values);
	series->values = NULL;
	series->n = 0;
}

struct svg_scale svg_decades(double least, double most)
{
	struct svg_scale s = { .lo = 1, .hi = 100, .is_log = true };

	if (isfinite(least) && least > 0)
		s.lo = pow(10, floor(log10(least)));
	if (isfinite(most) && most > 0)
		s.hi = pow(10, ceil(log10(most)));
	if (s.hi < s.lo * 100)
		s.hi = s.lo * 100;
	/* More would be labels upon labels. */
	if (s.hi > s.lo * DECADES_MOST)
		s.lo = s.hi / DECADES_MOST;
	return s;
}

struct svg_scale svg_linear(double most)
{
	static const double round[] = { 1, 2, 4, 5, 10 };
	struct svg_scale s = { .hi = 1 };
	double power;

	if (!isfinite(most) || most <= 0)
		return s;
	power = pow(10, floor(log10(most)));
	for (size_t i = 0; i < ARRAY_LEN(round); i++) {
		s.hi = round[i] * power;
		if (s.hi >= most)
			break;
	}
	return s;
}

double svg_height(const struct svg_scale *scale, double value)
{
	double h;

	if (scale->is_log)
		h = log10(fmax(value, scale->lo) / scale->lo) / log10(scale->hi / scale->lo);
	else
		h = (value - scale->lo) / (scale->hi - scale->lo);
	return fmin(fmax(h, 0), 1);
}

struct report_word svg_label_ms(double ms)
{
	struct report_word w;

	snprintf(w.s, sizeof(w.s), ms < 1000 ? "%g\u00a0ms" : "%g\u00a0s",
		 ms < 1000 ? ms : ms / 1000);
	return w;
}

struct report_word svg_label_kib(double kib)
{
	struct report_word w;

	snprintf(w.s, sizeof(w.s), "%g\u00a0MiB", kib / 1024);
	return w;
}

static long x_of(const struct svg_frame *frame, double ms)
{
	double x = frame->x_max_ms > 0 ? ms / frame->x_max_ms : 0;

	return lround(fmin(fmax(x, 0), 1) * X_UNITS);
}

static long y_of(const struct svg_frame *frame, double value)
{
	return lround((1 - svg_height(&frame->y, value)) * Y_UNITS);
}

/* The middle of a step. */
static long x_step(const struct svg_frame *frame, const struct svg_series *s, size_t i)
{
	return x_of(frame, ((double)i + 0.5) * s->step_ms);
}

static void rule(FILE *out, const struct svg_frame *frame, double value)
{
	double y = (1 - svg_height(&frame->y, value)) * frame->height_px;

	fprintf(out,
		"<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
		"<text class=\"y\" x=\"-6\" y=\"%.1f\">%s</text>\n",
		y, y, y + 4, frame->label(value).s);
}

static void rules(FILE *out, const struct svg_frame *frame)
{
	if (!frame->label)
		return;
	if (frame->y.is_log) {
		long decades = lround(log10(frame->y.hi / frame->y.lo));

		for (long i = 0; i <= decades; i++)
			rule(out, frame, frame->y.lo * pow(10, (double)i));
		return;
	}
	rule(out, frame, frame->y.lo);
	/* In between is room for one more where three lines of text are less than the height. */
	if (frame->height_px >= 70)
		rule(out, frame, (frame->y.lo + frame->y.hi) / 2);
	rule(out, frame, frame->y.hi);
}

static double time_step_ms(double span_ms)
{
	static const double steps_s[] = { 1,   2,   5,	 10,   15,   20,   30,	  60,	 120,
					  300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400 };

	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++)
		if (span_ms / (steps_s[i] * 1000) <= TIMES_MAX - 1)
			return steps_s[i] * 1000;
	return span_ms / (TIMES_MAX - 1);
}

/* "0:20", without the tenths of report_at(). */
static struct report_word whole_time(double ms)
{
	struct report_word w;
	long long s = llround(ms / 1000);

	if (s < 3600)
		snprintf(w.s, sizeof(w.s), "%lld:%02lld", s / 60, s % 60);
	else
		snprintf(w.s, sizeof(w.s), "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
	return w;
}

static void times(FILE *out, const struct svg_frame *frame)
{
	double step = time_step_ms(frame->x_max_ms);

	for (unsigned i = 0; i * step <= frame->x_max_ms * 1.0001; i++) {
		double t = i * step;
		double share = t / frame->x_max_ms * 100;
		/* At the right edge half of the text would be outside. */
		const char *anchor = i == 0 ? " first" : share > 96 ? " last" : "";

		fprintf(out,
			"<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%u\" y2=\"%u\"/>"
			"<text class=\"x%s%s\" x=\"%.2f%%\" y=\"%u\">%s</text>\n",
			share, share, frame->height_px, frame->height_px + 5, i % 2 ? " odd" : "",
			anchor, share, frame->height_px + 18, whole_time(t).s);
	}
}

void svg_begin(FILE *out, const struct svg_frame *frame)
{
	fprintf(out, "<svg class=\"plot\" role=\"img\" aria-label=\"");
	report_text(out, frame->name);
	fprintf(out, "\" width=\"100%%\" height=\"%u\">\n",
		frame->height_px + (frame->has_times ? 24 : 0));
	rules(out, frame);
	if (frame->has_times && frame->x_max_ms > 0)
		times(out, frame);
	fprintf(out,
		"<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" "
		"height=\"%u\">\n",
		X_UNITS, Y_UNITS, frame->height_px);
}

void svg_line(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
	      const char *class_name)
{
	bool is_down = false;

	fprintf(out, "<path class=\"%s\" d=\"", class_name);
	for (size_t i = 0; i < s->n; i++) {
		double v = s->values[i];
		bool is_alone =
			isfinite(v) && !is_down && (i + 1 == s->n || !isfinite(s->values[i + 1]));

		if (isfinite(v))
			fprintf(out, "%c%ld %ld", is_down ? 'L' : 'M', x_step(frame, s, i),
				y_of(frame, v));
		/* A value between two gaps is a line to itself: a point. */
		if (is_alone)
			fputs("h1", out);
		is_down = isfinite(v);
	}
	fputs("\"/>\n", out);
}

void svg_dots(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
	      const char *class_name)
{
	fprintf(out, "<path class=\"%s\" d=\"", class_name);
	/* A line of no length with round ends is a dot that keeps its shape. */
	for (size_t i = 0; i < s->n; i++)
		if (isfinite(s->values[i]))
			fprintf(out, "M%ld %ldh0", x_step(frame, s, i), y_of(frame, s->values[i]));
	fputs("\"/>\n", out);
}

void svg_columns(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
		 const char *class_name)
{
	fprintf(out, "<path class=\"%s\" d=\"", class_name);
	for (size_t i = 0; i < s->n; i++) {
		double v = s->values[i];

		if (isfinite(v) && v > 0)
			fprintf(out, "M%ld %dV%ldH%ldV%dz", x_of(frame, (double)i * s->step_ms),
				Y_UNITS, y_of(frame, v), x_of(frame, ((double)i + 1) * s->step_ms),
				Y_UNITS);
	}
	fputs("\"/>\n", out);
}

void svg_span(FILE *out, const struct svg_frame *frame, double from_ms, double to_ms,
	      const char *class_name)
{
	long from = x_of(frame, from_ms), to = x_of(frame, to_ms);

	fprintf(out, "<path class=\"%s\" d=\"M%ld 0H%ldV%dH%ldz\"/>", class_name, from, to, Y_UNITS,
		from);
}

void svg_cross(FILE *out, const struct svg_frame *frame, double at_ms)
{
	/* An outline that scales with the height only: in the plot's own coordinates. */
	fprintf(out,
		"</svg><svg class=\"cross\" x=\"%.2f%%\" y=\"%u\"><path class=\"halo\" "
		"d=\"M-5 -5L5 5M-5 5L5 -5\"/><path d=\"M-4 -4L4 4M-4 4L4 -4\"/>"
		"</svg><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" "
		"height=\"%u\">\n",
		(double)x_of(frame, at_ms) * 100 / X_UNITS, frame->height_px / 2, X_UNITS, Y_UNITS,
		frame->height_px);
}

void svg_end(FILE *out, const struct svg_frame *frame)
{
	(void)frame;
	fputs("</svg></svg>\n", out);
}

void svg_spread(FILE *out, const struct svg_scale *scale, double p50, double p95, double worst)
{
	double a, b, c;

	if (!isfinite(p50))
		return;
	a = svg_height(scale, p50) * 100;
	b = svg_height(scale, isfinite(p95) ? p95 : p50) * 100;
	c = svg_height(scale, isfinite(worst) ? worst : p50) * 100;
	fprintf(out,
		"<svg class=\"spread\" aria-hidden=\"true\">"
		"<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"8\" y2=\"8\"/>"
		"<line class=\"thin\" x1=\"%.1f%%\" x2=\"%.1f%%\" y1=\"8\" y2=\"8\"/>"
		"<line class=\"thick\" x1=\"%.1f%%\" x2=\"%.1f%%\" y1=\"8\" y2=\"8\"/>"
		"<circle cx=\"%.1f%%\" cy=\"8\" r=\"4\"/></svg>",
		b, c, a, b, a);
}
