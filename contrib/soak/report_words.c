/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_words.c - see report_words.h.
 */
#include "contrib/soak/report_words.h"

#include <math.h>
#include <string.h>

/* A space that no line is broken at, a narrow one between groups of digits, a dash for nothing. */
#define NBSP   "\u00a0"
#define NARROW "\u202f"
#define DASH   "\u2013"

#define MS_PER_S    1000.0
#define MS_PER_MIN  60000.0
#define MS_PER_H    3600000.0
#define KIB_PER_MIB 1024.0

static struct report_word nothing(void)
{
	return (struct report_word){ DASH };
}

struct report_word report_ms(double ms)
{
	struct report_word w;
	long long s;

	if (!isfinite(ms) || ms < 0)
		return nothing();
	/* The bounds are where the rounded figure would get a digit more than its form has. */
	if (ms == 0 || (ms >= 9.95 && ms < 999.5))
		snprintf(w.s, sizeof(w.s), "%.0f" NBSP "ms", ms);
	else if (ms < 9.95)
		snprintf(w.s, sizeof(w.s), "%s%.1f" NBSP "ms", ms < 0.1 ? "<" : "", fmax(ms, 0.1));
	else if (ms < 9995)
		snprintf(w.s, sizeof(w.s), "%.2f" NBSP "s", ms / MS_PER_S);
	else if (ms < 59950)
		snprintf(w.s, sizeof(w.s), "%.1f" NBSP "s", ms / MS_PER_S);
	else {
		s = llround(fmin(ms, 1e15) / MS_PER_S);
		if (s < 3600)
			snprintf(w.s, sizeof(w.s), "%lld" NBSP "min" NBSP "%02lld" NBSP "s", s / 60,
				 s % 60);
		else
			snprintf(w.s, sizeof(w.s), "%lld" NBSP "h" NBSP "%02lld" NBSP "min",
				 s / 3600, s / 60 % 60);
	}
	return w;
}

struct report_word report_at(double ms)
{
	struct report_word w;
	long long tenths;

	if (!isfinite(ms) || ms < 0)
		return nothing();
	tenths = llround(fmin(ms, 1e15) / 100);
	if (tenths < 36000)
		snprintf(w.s, sizeof(w.s), "%lld:%02lld.%lld", tenths / 600, tenths / 10 % 60,
			 tenths % 10);
	else
		snprintf(w.s, sizeof(w.s), "%lld:%02lld:%02lld", tenths / 36000, tenths / 600 % 60,
			 tenths / 10 % 60);
	return w;
}

struct report_word report_count(double n)
{
	struct report_word w = { "" };
	char digits[24];
	size_t len, at = 0;

	if (!isfinite(n) || fabs(n) > 1e15)
		return nothing();
	snprintf(digits, sizeof(digits), "%lld", llround(fabs(n)));
	len = strlen(digits);
	if (n < 0)
		w.s[at++] = '-';
	for (size_t i = 0; i < len; i++) {
		/* Four digits need no groups. */
		if (i > 0 && (len - i) % 3 == 0 && len > 4) {
			memcpy(w.s + at, NARROW, sizeof(NARROW) - 1);
			at += sizeof(NARROW) - 1;
		}
		w.s[at++] = digits[i];
	}
	w.s[at] = '\0';
	return w;
}

struct report_word report_percent(double part, double whole)
{
	struct report_word w;

	if (!isfinite(part) || !isfinite(whole) || whole <= 0)
		return nothing();
	if (part == whole)
		return (struct report_word){ "100" NBSP "%" };
	/* 99.996 % is not 100.00 %. */
	snprintf(w.s, sizeof(w.s), "%.2f" NBSP "%%", floor(part / whole * 10000) / 100);
	return w;
}

struct report_word report_kib(double kib)
{
	struct report_word w;

	if (!isfinite(kib) || kib < 0)
		return nothing();
	if (kib < KIB_PER_MIB)
		snprintf(w.s, sizeof(w.s), "%.0f" NBSP "KiB", kib);
	else if (kib < 100 * KIB_PER_MIB)
		snprintf(w.s, sizeof(w.s), "%.1f" NBSP "MiB", kib / KIB_PER_MIB);
	else
		snprintf(w.s, sizeof(w.s), "%.0f" NBSP "MiB", kib / KIB_PER_MIB);
	return w;
}

struct report_word report_ratio(double ratio)
{
	struct report_word w;

	if (!isfinite(ratio) || ratio < 0)
		return nothing();
	if (ratio >= 99.5)
		return report_count(ratio);
	if (ratio > 0 && ratio < 0.005)
		return (struct report_word){ "<0.01" };
	snprintf(w.s, sizeof(w.s), "%.*f", ratio < 9.995 ? 2 : 1, ratio);
	return w;
}

struct report_word report_cut(const char *text)
{
	struct report_word w;
	size_t len = strlen(text);

	if (len < sizeof(w.s)) {
		memcpy(w.s, text, len + 1);
		return w;
	}
	len = sizeof(w.s) - sizeof("...");
	/* Not in the middle of a UTF-8 sequence: its later bytes are 10xxxxxx. */
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(w.s, text, len);
	memcpy(w.s + len, "...", sizeof("..."));
	return w;
}

struct report_word report_plain(struct report_word word)
{
	static const struct {
		const char *is, *plain;
	} words[] = { { NBSP, " " }, { NARROW, "" }, { DASH, "-" } };
	struct report_word w;
	size_t to = 0;

	for (const char *from = word.s; *from != '\0';) {
		size_t i = 0;

		while (i < 3 && strncmp(from, words[i].is, strlen(words[i].is)) != 0)
			i++;
		if (i == 3) {
			w.s[to++] = *from++;
			continue;
		}
		from += strlen(words[i].is);
		if (words[i].plain[0] != '\0')
			w.s[to++] = words[i].plain[0];
	}
	w.s[to] = '\0';
	return w;
}

void report_text(FILE *out, const char *text)
{
	static const char special[] = "&<>\"'";
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	for (; text && *text != '\0'; text++) {
		const char *found = strchr(special, *text);

		if (found)
			fputs(entities[found - special], out);
		else if (((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') ||
			 *text == 0x7f)
			fputs("\ufffd", out);
		else
			fputc(*text, out);
	}
}

double report_num(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

double report_num_at(const json_t *array, size_t index)
{
	const json_t *v = json_array_get(array, index);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

const char *report_str(const json_t *object, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : otherwise;
}

const json_t *report_at_path(const json_t *run, const char *path)
{
	char key[REPORT_WORD_BYTES];

	while (run && *path != '\0') {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		run = json_object_get(run, key);
		path += len + (path[len] == '.');
	}
	return json_is_null(run) ? NULL : run;
}

const json_t *report_find(const json_t *list, const char *key, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (strcmp(report_str(o, key, ""), name) == 0)
			return o;
	}
	return NULL;
}

double report_sum(const json_t *list, const char *key)
{
	double sum = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		double v = report_num(json_array_get(list, i), key);

		sum += isfinite(v) ? v : 0;
	}
	return sum;
}

double report_max(const json_t *list, const char *key)
{
	double max = (double)NAN;

	for (size_t i = 0; i < json_array_size(list); i++)
		max = fmax(max, report_num(json_array_get(list, i), key));
	return max;
}
