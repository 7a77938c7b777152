/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/browser/page.c - the pages of bleherd-soak from JSON files, for the browser's test: one
 * file makes a run's page, several make a comparison; --text makes the comparison's table.
 */
#include <stdio.h>
#include <string.h>

#include "contrib/soak/report.h"

static int make(const json_t *const *runs, size_t n, bool is_text)
{
	if (is_text)
		return report_compare_text(runs, n, stdout);
	return n == 1 ? report_html(runs[0], stdout) : report_compare(runs, n, stdout);
}

int main(int argc, char **argv)
{
	json_t *runs[REPORT_RUNS_MAX];
	char why[256];
	bool is_text = argc > 1 && strcmp(argv[1], "--text") == 0;
	size_t n = 0;
	int r = 0;

	for (int i = 1 + is_text; i < argc && n < REPORT_RUNS_MAX && r == 0; i++) {
		r = report_read(argv[i], &runs[n], why, sizeof(why));
		if (r < 0)
			fprintf(stderr, "page: %s: %s\n", argv[i], why);
		else
			n++;
	}
	if (n == 0 && r == 0) {
		fprintf(stderr, "usage: page [--text] REPORT.json...\n");
		return 2;
	}
	if (r == 0)
		r = make((const json_t *const *)runs, n, is_text);
	while (n > 0)
		json_decref(runs[--n]);
	return r < 0 ? 1 : 0;
}
