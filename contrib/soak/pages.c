/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/pages.h"

#include <stdio.h>
#include <string.h>

#include "contrib/soak/place.h"
#include "contrib/soak/report.h"

static int complain(const char *what, const char *why, int error)
{
	(void)fprintf(stderr, "bleherd-soak: %s: %s\n", what, why);
	return error;
}

static int put(const char *path, const json_t *const *runs, size_t n)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return complain(path, strerror(errno), -errno);
	r = n == 1 ? report_html(runs[0], f) : report_compare(runs, n, f);
	if (fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0)
		r = place_write(path, text, len);
	return r < 0 ? complain(path, strerror(-r), r) : 0;
}

int pages_write(const char *dir)
{
	char path[PLACE_LEN + 16], why[256];
	json_t *run;
	int r = report_read(dir, &run, why, sizeof(why));

	if (r < 0)
		return complain(dir, why, r);
	(void)snprintf(path, sizeof(path), "%s/report.html", dir);
	r = put(path, (const json_t *const *)&run, 1);
	json_decref(run);
	return r;
}

int pages_compare(const struct options *options)
{
	json_t *runs[OPTIONS_RUNS_MAX] = { NULL };
	char why[256];
	int r = 0;
	size_t i;

	for (i = 0; r == 0 && i < options->n_runs; i++) {
		r = report_read(options->runs[i], &runs[i], why, sizeof(why));
		if (r < 0)
			(void)complain(options->runs[i], why, r);
	}
	if (r == 0 && options->out)
		r = put(options->out, (const json_t *const *)runs, options->n_runs);
	else if (r == 0)
		r = report_compare_text((const json_t *const *)runs, options->n_runs, stdout);
	for (i = 0; i < options->n_runs; i++)
		json_decref(runs[i]);
	return r;
}
