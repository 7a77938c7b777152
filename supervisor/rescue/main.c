/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/rescue/main.c - bleherd-rescue: one reset step that needs root, under a deadline, and
 * gone. It takes no step yet: each is refused with one line and status 69.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_USAGE = 2, STATUS_UNAVAILABLE = 69 };

static const char USAGE[] = "usage: bleherd-rescue STEP ADAPTER\n"
			    "\n"
			    "Takes one reset step for bleherdd and ends. This version takes none:\n"
			    "every step is refused with status 69.\n";

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(USAGE, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("bleherd-rescue %s\n", BLEHERD_VERSION) < 0 ? EXIT_FAILURE
									  : EXIT_SUCCESS;
	if (argc < 2) {
		(void)fputs("bleherd-rescue: no step given; see --help\n", stderr);
		return STATUS_USAGE;
	}
	(void)fprintf(stderr, "bleherd-rescue: step '%s' is not available in this version\n",
		      argv[1]);
	return STATUS_UNAVAILABLE;
}
