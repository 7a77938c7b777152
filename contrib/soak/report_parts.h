/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report_parts.h - what pages are put together from. Private to report*.c, compare*.c.
 *
 * None blocks but on @out; whether writing failed is asked once, at the end of a page.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "contrib/soak/report_words.h"
#include "ipc/base.h"

/* Head, style and the beginning of the body; @title is escaped. */
void part_page_begin(FILE *out, const char *title);
void part_page_end(FILE *out);
/* To be closed with "</section>"; both texts are ours, not escaped. */
void part_section(FILE *out, const char *id, const char *heading);
/* Says that a part has nothing to show; ours, not escaped. */
void part_none(FILE *out, const char *text);
/* A table in a box of its own that scrolls; a column "#name" is of numbers. Texts are ours. */
void part_table_begin(FILE *out, const char *name, const char *const *columns, size_t n);
void part_table_end(FILE *out);
/* Begins a row with its name, escaped. */
void part_row_name(FILE *out, const char *name);
void part_cell(FILE *out, struct report_word word);

/* What a run used: "bleherd" unless it says otherwise. Borrowed. */
const char *part_contestant(const json_t *run);
/* The length of the run that the charts show; 0 when it is not known. */
double part_length_ms(const json_t *run);
/* Requests asked and done, of all kinds. */
void part_requests(const json_t *run, double *out_n, double *out_done);
/* How a run ended. Unfinished: it did not hold, yet nothing says that a promise was broken. */
enum part_verdict { PART_HELD, PART_BROKEN, PART_UNFINISHED };
enum part_verdict part_verdict(const json_t *run);
/* Its word, also the class of its looks, and its sign. */
const char *part_verdict_word(enum part_verdict verdict);
const char *part_verdict_sign(enum part_verdict verdict);
/* How many promises were checked at all. */
double part_judged(const json_t *run);
/* How many were broken. */
double part_broken(const json_t *run);

/* The sections of a run's page, in their order: each writes one <section>. */
void part_outcome(FILE *out, const json_t *run);
void part_violations(FILE *out, const json_t *run);
void part_promises(FILE *out, const json_t *run);
must_check int part_timeline(FILE *out, const json_t *run);
void part_faults(FILE *out, const json_t *run);
void part_kinds(FILE *out, const json_t *run);
void part_locks(FILE *out, const json_t *run);
void part_events(FILE *out, const json_t *run);
must_check int part_resources(FILE *out, const json_t *run);
