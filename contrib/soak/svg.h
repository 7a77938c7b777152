/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/svg.h - charts over the time of a run, as SVG inside HTML.
 *
 * The drawing stretches with its box while texts and line widths keep their size (an inner <svg>
 * without an aspect ratio, strokes that do not scale): the same chart is legible at 300 pixels and
 * at 1000. Labels of the values stand left of the box, in a margin that the style sheet leaves.
 * Looks (colours, dashes) are classes of the style sheet, report_style.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "contrib/soak/report_words.h"
#include "ipc/base.h"

/* A value's way to a height: 0 at the bottom of the chart, 1 at the top. */
struct svg_scale {
	double lo, hi;
	bool is_log;
};

/* How a value is written beside the axis. */
typedef struct report_word (*svg_label)(double value);

struct svg_frame {
	const char *name; /* for those who cannot see it; static text */
	double x_max_ms;  /* the right edge; the left one is 0 */
	struct svg_scale y;
	svg_label label; /* NULL: no labels and no grid across */
	unsigned height_px;
	bool has_times; /* times below */
};

/* Values of a run, step by step; drawn as @buckets at most, each the highest (or sum) of its steps.
 */
struct svg_series {
	double *values;
	size_t n;
	double step_ms;
	size_t steps; /* that one value stands for, by svg_series_read() */
};

/* More points than this are narrower than the lines that join them. */
#define SVG_POINTS_MAX 400

/**
 * svg_series_read() - the values of a JSON array, merged until they are few enough to be drawn
 * @array:   numbers and nulls; borrowed; NULL is an empty one
 * @step_ms: what one of them stands for
 * @is_mean: a merged value is the mean over its steps; otherwise the highest of them
 * @out:     to be given to svg_series_free()
 *
 * Outcomes: 0.   Errors: -ENOMEM.   Blocks: never.
 */
must_check int svg_series_read(const json_t *array, double step_ms, bool is_mean,
			       struct svg_series *out);
void svg_series_free(struct svg_series *series);

/* A logarithmic scale of whole decades, two to eight, that has both values (or @most) in it. */
struct svg_scale svg_decades(double least, double most);
/* A linear scale from 0 to a round number that is not less than @most. */
struct svg_scale svg_linear(double most);
/* 0 to 1, clamped. */
double svg_height(const struct svg_scale *scale, double value);

/* A time beside an axis, whose values are round: "100 ms", "10 s". */
struct report_word svg_label_ms(double ms);
/* Memory beside an axis: "4 MiB". */
struct report_word svg_label_kib(double kib);

void svg_begin(FILE *out, const struct svg_frame *frame);
void svg_line(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
	      const char *class_name);
/* A dot for each value. */
void svg_dots(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
	      const char *class_name);
/* A column for each value that is not 0. */
void svg_columns(FILE *out, const struct svg_frame *frame, const struct svg_series *s,
		 const char *class_name);
/* A span of time over the whole height; at least as wide as can be seen. */
void svg_span(FILE *out, const struct svg_frame *frame, double from_ms, double to_ms,
	      const char *class_name);
/* A cross: something that did not end well at @at_ms. */
void svg_cross(FILE *out, const struct svg_frame *frame, double at_ms);
void svg_end(FILE *out, const struct svg_frame *frame);

/* A small picture of a distribution: a dot at p50, thick to p95, thin to the worst. */
void svg_spread(FILE *out, const struct svg_scale *scale, double p50, double p95, double worst);
