/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/cli/line.h - a command line as main() gets it.
 */
enum { LINE_WORDS_MAX = 32 };

/* @line's words behind @name, and a NULL; they are valid until the next call. Returns argc. */
int line_words(const char *line, const char *name, char *out_argv[LINE_WORDS_MAX]);
