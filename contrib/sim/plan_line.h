/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/plan_line.h - between plan.c, which has the file and the head, and plan_rule.c, which
 * has the fault lines. Nobody else includes this.
 */
#include "contrib/sim/plan.h"

#define PLAN_WORDS_MAX 32

/* Where the reader is: a line as words. */
struct plan_line {
	const char *name;
	unsigned number;
	enum plan_face face;
	const struct plan_checker *checker;
	char **out_error;
	char copy[PLAN_LINE_CHARS];
	size_t count, at;
	char *words[PLAN_WORDS_MAX + 1]; /* NULL at the end */
};

/* Sets *out_error to NAME:LINE: and the sentence. Returns -EINVAL. */
_printf_(2, 3) int plan_complain(const struct plan_line *line, const char *format, ...);

/* The words from line->at on, a blank between them. */
void plan_join(const struct plan_line *line, char *out, size_t size);

/* A fault line. Errors: -EINVAL. */
must_check int plan_rule_parse(struct plan_line *line, struct plan_rule *out);
