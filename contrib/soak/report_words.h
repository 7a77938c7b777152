/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_words.h - what the reports have in common: numbers as people read them, text
 * escaped, fields of a JSON that may not be there.
 *
 * A number that is not there is NAN throughout and is shown as a dash.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define REPORT_WORD_BYTES 48

/* UTF-8; by value, so that report_ms(x).s can stand in an argument list. */
struct report_word {
	char s[REPORT_WORD_BYTES];
};

/* A time from milliseconds: "1.2 ms", "340 ms", "1.34 s", "2 min 05 s", "1 h 30 min". */
struct report_word report_ms(double ms);
/* An instant of the run from milliseconds: "1:05.3" is a minute and 5.3 s. */
struct report_word report_at(double ms);
/* A whole number, its digits in groups of three. */
struct report_word report_count(double n);
/* A part of a whole, rounded down: only all of it is 100 %. */
struct report_word report_percent(double part, double whole);
/* Memory from KiB. */
struct report_word report_kib(double kib);
/* A ratio, three digits: "0.42", "12.3", "340". */
struct report_word report_ratio(double ratio);
/* Text that is cut where it is too long for a word. */
struct report_word report_cut(const char *text);
/* The same word with spaces for the typographic ones and a hyphen for the dash: for a terminal. */
struct report_word report_plain(struct report_word word);

/* Text for HTML: escaped, control characters replaced. NULL writes nothing. */
void report_text(FILE *out, const char *text);

/* A number of an object; NAN when it is absent or no number. */
double report_num(const json_t *object, const char *key);
/* A number of an array; NAN when it is null or beyond the end. */
double report_num_at(const json_t *array, size_t index);
/* A string of an object, or @otherwise. Borrowed. */
const char *report_str(const json_t *object, const char *key, const char *otherwise);
/* A value at a dotted path ("timeline.p50_ms"); NULL when it is absent or null. Borrowed. */
const json_t *report_at_path(const json_t *run, const char *path);
/* An element of the array @list whose string @key is @name; NULL when there is none. Borrowed. */
const json_t *report_find(const json_t *list, const char *key, const char *name);
/* The sum of the number @key over the objects of @list. */
double report_sum(const json_t *list, const char *key);
/* The greatest of the number @key over the objects of @list; NAN when none has it. */
double report_max(const json_t *list, const char *key);
