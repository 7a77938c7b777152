/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cli/line.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

int line_words(const char *line, const char *name, char *out_argv[LINE_WORDS_MAX])
{
	static char words[256];
	static char first[16];
	char *word;
	int argc = 0;

	(void)snprintf(words, sizeof(words), "%s", line);
	(void)snprintf(first, sizeof(first), "%s", name);
	out_argv[argc++] = first;
	for (word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		ck_assert_int_lt(argc, LINE_WORDS_MAX - 1);
		out_argv[argc++] = word;
	}
	out_argv[argc] = NULL;
	return argc;
}
