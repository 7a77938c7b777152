/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/runner.h - main() of a check program: the Makefile lists its suites.
 *
 * `PROGRAM [SUITE]` runs that suite, or all; `PROGRAM --suites` lists them. No child process
 * outlives a test: the runner is their subreaper and its own death is theirs.
 */
#include <check.h>
#include <stddef.h>

int runner_main(int argc, char **argv, Suite *(*const *all)(void), const char *const *names,
		size_t n);
