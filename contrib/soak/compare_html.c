/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/compare_html.c - runs side by side as a page. See compare.h, report.h.
 */
#include "contrib/soak/compare.h"

#include <errno.h>
#include <math.h>

#include "contrib/soak/report_parts.h"
#include "contrib/soak/svg.h"

enum { CURVES_PX = 190 };

/* A run's letter and name, and the line that stands for it in the charts. */
static void legend(FILE *out, const json_t *const *runs, size_t n)
{
	fputs("<ul class=\"legend\">", out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<li><svg><path class=\"run%zu\" d=\"M0 6H26\"/></svg><span>%c: ", i,
			(char)('A' + i));
		report_text(out, part_contestant(runs[i]));
		fputs("</span></li>", out);
	}
	fputs("</ul>", out);
}

struct curves {
	const char *id, *heading, *key;
};

static int read_curves(const json_t *const *runs, size_t n, const char *key,
		       struct svg_series *series, struct svg_frame *frame)
{
	double least = (double)NAN, most = (double)NAN;

	for (size_t i = 0; i < n; i++) {
		const json_t *line = report_at_path(runs[i], "timeline");
		int r = svg_series_read(json_object_get(line, key), report_num(line, "step_ms"),
					false, &series[i]);

		if (r < 0)
			return r;
		for (size_t k = 0; k < series[i].n; k++) {
			double v = series[i].values[k];

			least = v > 0 ? fmin(least, v) : least;
			most = fmax(most, v);
		}
		frame->x_max_ms = fmax(frame->x_max_ms, part_length_ms(runs[i]));
	}
	frame->y = svg_decades(least, most);
	return 0;
}

static int curves(FILE *out, const json_t *const *runs, size_t n, const struct curves *c)
{
	struct svg_series series[REPORT_RUNS_MAX] = { { .values = NULL } };
	struct svg_frame frame = {
		.name = c->heading, .label = svg_label_ms, .height_px = CURVES_PX, .has_times = true
	};
	int r = read_curves(runs, n, c->key, series, &frame);

	if (r == 0) {
		fprintf(out, "<div class=\"row\" id=\"%s\"><div><h3>%s</h3>", c->id, c->heading);
		legend(out, runs, n);
		fputs("</div><div class=\"box\">", out);
		svg_begin(out, &frame);
		for (size_t i = 0; i < n; i++) {
			char look[] = { 'r', 'u', 'n', (char)('0' + i), '\0' };

			svg_line(out, &frame, &series[i], look);
		}
		svg_end(out, &frame);
		fputs("</div></div>\n", out);
	}
	for (size_t i = 0; i < n; i++)
		svg_series_free(&series[i]);
	return r;
}

static int all_curves(FILE *out, const json_t *const *runs, size_t n)
{
	static const struct curves both[] = {
		{ "latency-p50", "Latency p50", "p50_ms" },
		{ "latency-p95", "Latency p95", "p95_ms" },
	};
	int r = 0;

	part_section(out, "curves", "Latency over time");
	for (size_t i = 0; i < ARRAY_LEN(both) && r == 0; i++)
		r = curves(out, runs, n, &both[i]);
	fputs("</section>\n", out);
	return r;
}

static void cell(FILE *out, const struct compare_row *row, size_t runs, size_t i)
{
	const struct compare_cell *c = &row->cells[i];
	double most = 0;

	for (size_t k = 0; k < runs; k++)
		most = fmax(most, row->cells[k].value);
	fprintf(out, "<td class=\"n%s\">", compare_is_best(row, runs, i) ? " best" : "");
	report_text(out, c->word.s);
	/* How many times the first one: only where less or more is better at all. */
	if (i > 0 && row->best == COMPARE_LEAST && row->cells[0].value > 0 && isfinite(c->value))
		fprintf(out, " <span class=\"note\">×%s</span>",
			report_ratio(c->value / row->cells[0].value).s);
	if (row->best != COMPARE_NONE && isfinite(c->value) && most > 0)
		fprintf(out, "<span class=\"bar\" style=\"width:%.1f%%\"></span>",
			fmax(c->value, 0) / most * 100);
	fputs("</td>", out);
}

static void figures(FILE *out, const json_t *const *runs, const struct compare_table *t)
{
	part_section(out, "figures", "Figures");
	fputs("<p class=\"note\">Bold is the best of a row; × is how many times the first run's "
	      "figure; bars are relative to the greatest of their row.</p>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures\"><table "
	      "class=\"compare\">\n<thead><tr><td></td>",
	      out);
	for (size_t i = 0; i < t->runs; i++) {
		fprintf(out, "<th scope=\"col\" class=\"n\">%c: ", (char)('A' + i));
		report_text(out, part_contestant(runs[i]));
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t k = 0; k < t->n; k++) {
		const struct compare_row *row = &t->rows[k];

		fprintf(out, "<tr%s><th scope=\"%s\">", row->is_group ? " class=\"group\"" : "",
			row->is_group ? "rowgroup" : "row");
		report_text(out, row->name.s);
		fputs("</th>", out);
		for (size_t i = 0; i < t->runs && row->is_group; i++)
			fputs("<td></td>", out);
		for (size_t i = 0; i < t->runs && !row->is_group; i++)
			cell(out, row, t->runs, i);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n</section>\n", out);
}

static void verdicts(FILE *out, const json_t *const *runs, size_t n)
{
	char differ[COMPARE_DIFFERENCES_BYTES];

	fputs("<section id=\"outcome\">\n<h1>Runs side by side</h1>\n", out);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = report_at_path(runs[i], "run");
		enum part_verdict verdict = part_verdict(runs[i]);
		double asked, done;

		part_requests(runs[i], &asked, &done);
		fprintf(out,
			"<div class=\"verdict %s\"><span class=\"sign\" aria-hidden=\"true\">%s"
			"</span><div><b>%c: ",
			part_verdict_word(verdict), part_verdict_sign(verdict), (char)('A' + i));
		report_text(out, part_contestant(runs[i]));
		fprintf(out, ", %s</b>%s promises were judged; %s of %s requests succeeded; plan ",
			part_verdict_word(verdict), report_count(part_judged(runs[i])).s,
			report_percent(done, asked).s, report_count(asked).s);
		report_text(out, report_str(r, "plan", "not said"));
		fputs(", face ", out);
		report_text(out, report_str(r, "face", "not said"));
		fprintf(out, ", seed %.0f.</div></div>\n", fmax(report_num(r, "seed"), 0));
	}
	if (compare_differences(runs, n, differ, sizeof(differ)))
		fprintf(out, "<p><strong>Not the same run:</strong> they differ in %s.</p>\n",
			differ);
	fputs("</section>\n", out);
}

int report_compare(const json_t *const *runs, size_t n, FILE *out)
{
	struct compare_table t = { .rows = NULL };
	int r = compare_check(runs, n);

	if (r == 0)
		r = compare_table(runs, n, &t);
	if (r < 0)
		return r;
	part_page_begin(out, "Soak runs side by side");
	fputs("<main>\n", out);
	verdicts(out, runs, n);
	r = all_curves(out, runs, n);
	if (r == 0) {
		figures(out, runs, &t);
		fputs("</main>\n", out);
		part_page_end(out);
	}
	compare_table_free(&t);
	if (r < 0)
		return r;
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
