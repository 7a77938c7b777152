/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/runner.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * What the programs under test say is of interest when a test failed, and otherwise hides the
 * summary: daemons warn of what a test does to them, dbus-daemon of the limits of a container. Goes
 * to a file meanwhile; not when somebody debugs, who wants it as it comes. NULL: it is not kept.
 */
static FILE *keep_stderr(int *out_fd)
{
	FILE *kept;

	if (getenv("BLEHERD_DEBUG") || getenv("CK_FORK"))
		return NULL;
	kept = tmpfile();
	*out_fd = dup(STDERR_FILENO);
	if (kept && *out_fd >= 0 && dup2(fileno(kept), STDERR_FILENO) >= 0)
		return kept;
	(void)fputs("stderr of the tests cannot be kept\n", stderr);
	return NULL;
}

static void give_stderr(FILE *kept, int fd, bool is_shown)
{
	char chunk[4096];
	size_t n;

	if (!kept)
		return;
	(void)fflush(stderr);
	(void)dup2(fd, STDERR_FILENO);
	rewind(kept);
	while (is_shown && (n = fread(chunk, 1, sizeof(chunk), kept)) > 0)
		(void)fwrite(chunk, 1, n, stderr);
	(void)fclose(kept);
}

int runner_main(int argc, char **argv, Suite *(*const *all)(void), const char *const *names,
		size_t n)
{
	SRunner *runner;
	FILE *kept;
	int failed;
	int fd = -1;
	size_t i;

	if (argc > 1 && strcmp(argv[1], "--suites") == 0) {
		for (i = 0; i < n; i++)
			(void)puts(names[i]);
		return EXIT_SUCCESS;
	}
	/* check's own default is 4 s, which a busy machine needs for half a second of work. */
	(void)setenv("CK_DEFAULT_TIMEOUT", "30", 0);
	runner = srunner_create(NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < n; i++)
		srunner_add_suite(runner, all[i]());
	if (argc > 1)
		(void)setenv("CK_RUN_SUITE", argv[1], 1);
	kept = keep_stderr(&fd);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	give_stderr(kept, fd, failed > 0);
	srunner_print(runner, CK_ENV);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
