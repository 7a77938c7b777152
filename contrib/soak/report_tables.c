/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_tables.c - the sections of a run's page that are tables: faults, requests,
 * locks, escalations and events. See report.h.
 */
#include "contrib/soak/report_parts.h"

#include <math.h>

#include "contrib/soak/svg.h"

/* A scale that the spreads of all rows of a table have in common. */
static struct svg_scale common_scale(const json_t *list, const char *least, const char *most)
{
	double lo = (double)NAN;

	for (size_t i = 0; i < json_array_size(list); i++) {
		double v = report_num(json_array_get(list, i), least);

		if (v > 0)
			lo = fmin(lo, v);
	}
	return svg_decades(lo, report_max(list, most));
}

static void spread_cell(FILE *out, const struct svg_scale *scale, double p50, double p95,
			double worst)
{
	part_cell(out, report_ms(p50));
	part_cell(out, report_ms(p95));
	part_cell(out, report_ms(worst));
	fputs("<td class=\"spread-cell\">", out);
	svg_spread(out, scale, p50, p95, worst);
	fputs("</td></tr>\n", out);
}

static void spread_note(FILE *out, const struct svg_scale *scale, const char *what)
{
	fprintf(out,
		"<p class=\"note\">%s In the last column a dot is p50, the thick line goes to p95, "
		"the thin one to the worst; logarithmic, from %s to %s.</p>\n",
		what, svg_label_ms(scale->lo).s, svg_label_ms(scale->hi).s);
}

void part_faults(FILE *out, const json_t *run)
{
	static const char *const columns[] = { "Fault", "#Injected", "#Recovered", "#p50",
					       "#p95",	"#Worst",    "Spread" };
	const json_t *faults = report_at_path(run, "faults");
	struct svg_scale scale = common_scale(faults, "p50_ms", "worst_ms");

	part_section(out, "faults", "Faults and recoveries");
	if (json_array_size(faults) == 0) {
		part_none(out, "No fault was injected.");
		fputs("</section>\n", out);
		return;
	}
	spread_note(out, &scale,
		    "A recovery is the time from a fault's end until every client that it touched "
		    "had a success again.");
	part_table_begin(out, "Faults and recoveries", columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *f = json_array_get(faults, i);
		double n = report_num(f, "n"), recovered = report_num(f, "recovered");

		part_row_name(out, report_str(f, "kind", "?"));
		part_cell(out, report_count(n));
		fprintf(out, "<td class=\"n\">%s%s%s</td>",
			recovered < n ? "<span class=\"bad\">✕\u00a0" : "",
			report_count(recovered).s, recovered < n ? "</span>" : "");
		spread_cell(out, &scale, report_num(f, "p50_ms"), report_num(f, "p95_ms"),
			    report_num(f, "worst_ms"));
	}
	part_table_end(out);
	fputs("</section>\n", out);
}

/* A list of names with how often, each with a bar beside its like. */
static void counts(FILE *out, const char *heading, const char *id, const json_t *list,
		   const char *key, const char *none)
{
	static const char *const columns[] = { "", "#Times" };
	double most = fmax(report_max(list, "n"), 1);

	fprintf(out, "<div id=\"%s\"><h3>%s</h3>\n", id, heading);
	if (json_array_size(list) == 0) {
		part_none(out, none);
		fputs("</div>\n", out);
		return;
	}
	part_table_begin(out, heading, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		double n = report_num(o, "n");

		fputs("<tr><th scope=\"row\">", out);
		report_text(out, report_str(o, key, "?"));
		if (n > 0)
			fprintf(out, "<span class=\"bar\" style=\"width:%.1f%%\"></span>",
				n / most * 100);
		fputs("</th>", out);
		part_cell(out, report_count(n));
		fputs("</tr>\n", out);
	}
	part_table_end(out);
	fputs("</div>\n", out);
}

static void kinds_table(FILE *out, const json_t *kinds)
{
	static const char *const columns[] = { "Request", "#Asked", "#Succeeded", "#p50",
					       "#p95",	  "#Worst", "Spread" };
	struct svg_scale scale = common_scale(kinds, "p50_ms", "worst_ms");

	spread_note(out, &scale, "Times are from the question to the answer.");
	part_table_begin(out, "Requests by kind", columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const json_t *k = json_array_get(kinds, i);
		double n = report_num(k, "n");

		part_row_name(out, report_str(k, "kind", "?"));
		part_cell(out, report_count(n));
		part_cell(out, report_percent(report_num(k, "done"), n));
		spread_cell(out, &scale, report_num(k, "p50_ms"), report_num(k, "p95_ms"),
			    report_num(k, "worst_ms"));
	}
	part_table_end(out);
}

void part_kinds(FILE *out, const json_t *run)
{
	const json_t *kinds = report_at_path(run, "requests.kinds");

	part_section(out, "requests", "Requests");
	if (json_array_size(kinds) == 0)
		part_none(out, "None were made.");
	else
		kinds_table(out, kinds);
	fputs("<div class=\"columns\">\n", out);
	counts(out, "Failures by class", "classes", report_at_path(run, "requests.classes"),
	       "class", "None failed.");
	fputs("</div></section>\n", out);
}

static void lock_clients(FILE *out, const json_t *clients)
{
	static const char *const columns[] = { "Client", "By",	   "#Grants", "#Wait p50",
					       "#p95",	 "#Worst", "Spread" };
	struct svg_scale scale = common_scale(clients, "wait_p50_ms", "worst_ms");

	spread_note(out, &scale, "Waits are from asking to being granted.");
	part_table_begin(out, "Locks by client", columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(clients); i++) {
		const json_t *c = json_array_get(clients, i);

		part_row_name(out, report_str(c, "who", "?"));
		fputs("<td>", out);
		report_text(out, report_str(c, "kind", ""));
		fputs("</td>", out);
		part_cell(out, report_count(report_num(c, "grants")));
		spread_cell(out, &scale, report_num(c, "wait_p50_ms"), report_num(c, "wait_p95_ms"),
			    report_num(c, "worst_ms"));
	}
	part_table_end(out);
}

void part_locks(FILE *out, const json_t *run)
{
	const json_t *locks = report_at_path(run, "locks");
	const json_t *clients = report_at_path(run, "locks.clients");
	double two = report_num(locks, "two_holders");

	part_section(out, "locks", "Locks and fairness");
	if (!(report_num(locks, "grants") > 0) && json_array_size(clients) == 0) {
		part_none(out, "No locks were taken in this run.");
		fputs("</section>\n", out);
		return;
	}
	fprintf(out,
		"<dl class=\"facts figures\"><div><dt>Grants</dt><dd>%s</dd></div>\n"
		"<div><dt>Two holders at once</dt><dd%s>%s</dd></div>\n"
		"<div><dt>Most to fewest grants</dt><dd>%s</dd></div></dl>\n",
		report_count(report_num(locks, "grants")).s, two > 0 ? " class=\"bad\"" : "",
		report_count(two).s, report_ratio(report_num(locks, "fairness")).s);
	fputs("<p class=\"note\">Most to fewest compares clients of one kind; 1.00 is the same for "
	      "all.</p>\n",
	      out);
	if (json_array_size(clients) > 0)
		lock_clients(out, clients);
	fputs("</section>\n", out);
}

void part_events(FILE *out, const json_t *run)
{
	part_section(out, "events", "Escalations and events");
	fputs("<div class=\"columns\">\n", out);
	counts(out, "Steps of escalation", "escalations", report_at_path(run, "escalations"),
	       "step", "None were reported.");
	counts(out, "Events of the daemon", "daemon-events", report_at_path(run, "events"), "event",
	       "None were reported.");
	fputs("</div></section>\n", out);
}
