/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/runner.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/prctl.h>

int runner_main(int argc, char **argv, Suite *(*const *all)(void), const char *const *names,
		size_t n)
{
	SRunner *runner;
	int failed;
	size_t i;

	if (argc > 1 && strcmp(argv[1], "--suites") == 0) {
		for (i = 0; i < n; i++)
			(void)puts(names[i]);
		return EXIT_SUCCESS;
	}
	runner = srunner_create(NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < n; i++)
		srunner_add_suite(runner, all[i]());
	if (argc > 1)
		(void)setenv("CK_RUN_SUITE", argv[1], 1);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
