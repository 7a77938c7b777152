/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_check.c - what a JSON must have to be shown; see report.h.
 *
 * Strict about what the verdict needs, lenient about the rest: a part may be missing, but what is
 * there must be of its type, or a page would be empty without saying so.
 */
#include "contrib/soak/report.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "contrib/soak/report_words.h"

static const struct part {
	const char *path;
	json_type type;
	bool needed;
} parts[] = {
	{ "run", JSON_OBJECT, true },
	{ "outcome", JSON_OBJECT, true },
	{ "outcome.violations", JSON_ARRAY, false },
	{ "promises", JSON_ARRAY, false },
	{ "requests", JSON_OBJECT, false },
	{ "requests.kinds", JSON_ARRAY, false },
	{ "requests.classes", JSON_ARRAY, false },
	{ "faults", JSON_ARRAY, false },
	{ "timeline", JSON_OBJECT, false },
	{ "timeline.answered", JSON_ARRAY, false },
	{ "timeline.failed", JSON_ARRAY, false },
	{ "timeline.p50_ms", JSON_ARRAY, false },
	{ "timeline.p95_ms", JSON_ARRAY, false },
	{ "timeline.worst_ms", JSON_ARRAY, false },
	{ "timeline.faults", JSON_ARRAY, false },
	{ "locks", JSON_OBJECT, false },
	{ "locks.clients", JSON_ARRAY, false },
	{ "escalations", JSON_ARRAY, false },
	{ "events", JSON_ARRAY, false },
	{ "skipped", JSON_ARRAY, false },
	{ "resources", JSON_OBJECT, false },
	{ "resources.processes", JSON_ARRAY, false },
};

static const char *type_name(json_type type)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",	[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return names[type];
}

_printf_(3, 4) static int bad(char *out_why, size_t why_bytes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out_why, why_bytes, format, args);
	va_end(args);
	/* A name from the JSON may have brought a line break. */
	for (char *c = out_why; why_bytes > 0 && *c != '\0'; c++)
		*c = (unsigned char)*c < ' ' ? '?' : *c;
	return -EINVAL;
}

static int check_part(const json_t *run, const struct part *part, char *out_why, size_t why_bytes)
{
	const json_t *v = report_at_path(run, part->path);

	if (!v && !part->needed)
		return 0;
	if (!v)
		return bad(out_why, why_bytes, "not a soak report: it has no \"%s\"", part->path);
	if (json_typeof(v) != part->type)
		return bad(out_why, why_bytes, "\"%s\" is %s; it must be %s", part->path,
			   type_name(json_typeof(v)), type_name(part->type));
	return 0;
}

int report_check(const json_t *run, char *out_why, size_t why_bytes)
{
	const char *format = report_str(run, "format", NULL);
	int r = 0;

	if (!json_is_object(run))
		return bad(out_why, why_bytes, "not a soak report: %s, not an object",
			   run ? type_name(json_typeof(run)) : "nothing");
	if (!format)
		return bad(out_why, why_bytes,
			   "not a soak report: it has no \"format\" (\"%s\" is expected)",
			   REPORT_FORMAT);
	if (strcmp(format, REPORT_FORMAT) != 0)
		return bad(out_why, why_bytes, "its format is \"%s\"; this program reads \"%s\"",
			   format, REPORT_FORMAT);
	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++)
		r = check_part(run, &parts[i], out_why, why_bytes);
	if (r < 0)
		return r;
	if (!json_is_boolean(report_at_path(run, "outcome.held")))
		return bad(
			out_why, why_bytes,
			"it does not say how the run ended: \"outcome.held\" must be true or false");
	return 0;
}

int report_read(const char *path, json_t **out_run, char *out_why, size_t why_bytes)
{
	char file[PATH_MAX];
	bool is_dir;
	struct stat st;
	json_error_t error;
	json_t *run;
	FILE *in;
	int r;

	is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	if (snprintf(file, sizeof(file), "%s%s", path, is_dir ? "/report.json" : "") >=
	    (int)sizeof(file))
		return bad(out_why, why_bytes, "the name is too long");
	in = fopen(file, "re");
	if (!in) {
		r = -errno;
		bad(out_why, why_bytes, "%s%s", is_dir ? "report.json in it: " : "", strerror(-r));
		return r;
	}
	run = json_loadf(in, 0, &error);
	fclose(in);
	if (!run)
		return bad(out_why, why_bytes, "no JSON: line %d: %s", error.line, error.text);
	r = report_check(run, out_why, why_bytes);
	if (r < 0) {
		json_decref(run);
		return r;
	}
	*out_run = run;
	return 0;
}
