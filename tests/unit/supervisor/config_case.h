/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/supervisor/config_case.h - a text that is no configuration, and what is said of it.
 */
struct config_case {
	const char *text;
	const char *where; /* "f:2: ", how the line begins */
	const char *words; /* that are in it */
};

/* It is refused with one line that says where, what, and what would be right. */
void config_case_refused(const struct config_case *wrong);
