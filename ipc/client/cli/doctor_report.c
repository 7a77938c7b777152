/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_report.c - runs the checks and prints what they found, as lines that fit the terminal
 * or as one object.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/doctor.h"
#include "ipc/client/cli/words.h"

enum { INDENT = 20, WIDTH_MIN = 40 };

static const char *const WORDS[] = {
	[DOCTOR_PASS] = "PASS",
	[DOCTOR_WARN] = "WARN",
	[DOCTOR_FAIL] = "FAIL",
	[DOCTOR_SKIP] = "SKIP",
};

static const char *const KEYS[] = {
	[DOCTOR_PASS] = "pass",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
	[DOCTOR_SKIP] = "skip",
};

static const char *style(const struct out *out, enum doctor_verdict verdict)
{
	switch (verdict) {
	case DOCTOR_PASS:
		return out_green(out);
	case DOCTOR_FAIL:
		return out_red(out);
	case DOCTOR_WARN:
		return out_bold(out);
	case DOCTOR_SKIP:
		break;
	}
	return "";
}

/* How many bytes of @text go into a line of @room columns: up to a blank if there is one. */
static size_t line_len(const char *text, size_t room)
{
	char line[256];
	size_t len = strlen(text);
	size_t at;

	(void)snprintf(line, sizeof(line), "%s", text);
	if (len < sizeof(line) && words_width(line) <= room)
		return len;
	words_cut(line, room);
	/* words_cut() puts '~' in the place of the last character. */
	at = strlen(line) - 1;
	for (len = at; len > 0 && text[len] != ' '; len--)
		;
	return len > 0 ? len : at;
}

/* Words, wrapped; the cursor is at column INDENT, and at the start of a line afterwards. */
static void write_wrapped(FILE *to, const char *text, size_t width)
{
	size_t room = (width > WIDTH_MIN ? width : WIDTH_MIN) - INDENT;
	char clean[256];
	const char *at = clean;
	size_t n;

	words_clean(text, clean, sizeof(clean));
	for (;;) {
		n = line_len(at, room);
		(void)fprintf(to, "%.*s\n", (int)n, at);
		for (at += n; *at == ' '; at++)
			;
		if (*at == '\0')
			return;
		(void)fprintf(to, "%*s", INDENT, "");
	}
}

static void write_finding(struct out *out, const char *name, const struct doctor_finding *finding,
			  size_t width)
{
	char remedy[sizeof(finding->remedy) + 4];

	(void)fprintf(out->stream, "%s%s%s  %-*s", style(out, finding->verdict),
		      WORDS[finding->verdict], out_plain(out), INDENT - 6, name);
	write_wrapped(out->stream, finding->text, width);
	if (*finding->remedy == '\0')
		return;
	(void)snprintf(remedy, sizeof(remedy), "-> %s", finding->remedy);
	(void)fprintf(out->stream, "%*s", INDENT, "");
	write_wrapped(out->stream, remedy, width);
}

static json_t *finding_json(const char *name, const struct doctor_finding *finding)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "check", json_string(name));
	(void)json_object_set_new(object, "verdict", json_string(KEYS[finding->verdict]));
	(void)json_object_set_new(object, "text", out_string(finding->text));
	(void)json_object_set_new(object, "remedy", out_string(finding->remedy));
	return object;
}

bool doctor_report(const struct doctor_facts *facts, struct out *out)
{
	unsigned counts[ARRAY_LEN(WORDS)] = { 0 };
	const struct doctor_check *check;
	json_t *array = out->is_json ? json_array() : NULL;
	json_t *object;
	size_t width;
	size_t lines;
	size_t i;

	out_size(out, &width, &lines);
	for (check = DOCTOR_CHECKS; check->name; check++) {
		struct doctor_finding finding = { .text = "" };

		check->check(facts, &finding);
		counts[finding.verdict]++;
		if (array)
			(void)json_array_append_new(array, finding_json(check->name, &finding));
		else
			write_finding(out, check->name, &finding, width);
	}
	if (!array) {
		(void)fprintf(out->stream, "\n%u passed, %u warning%s, %u failed, %u skipped\n",
			      counts[DOCTOR_PASS], counts[DOCTOR_WARN],
			      counts[DOCTOR_WARN] == 1 ? "" : "s", counts[DOCTOR_FAIL],
			      counts[DOCTOR_SKIP]);
		return counts[DOCTOR_FAIL] == 0;
	}
	object = json_object();
	(void)json_object_set_new(object, "checks", array);
	for (i = 0; i < ARRAY_LEN(KEYS); i++)
		(void)json_object_set_new(object, KEYS[i], json_integer(counts[i]));
	out_json(out, object);
	return counts[DOCTOR_FAIL] == 0;
}
