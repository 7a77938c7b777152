/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/supervisor/config_case.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "supervisor/config.h"

void config_case_refused(const struct config_case *wrong)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config config;

	config_defaults(&config);
	ck_assert_int_eq(config_parse(&config, wrong->text, "f", error), -EINVAL);
	ck_assert_msg(strncmp(error, wrong->where, strlen(wrong->where)) == 0, "%s", error);
	ck_assert_msg(strstr(error, wrong->words) != NULL, "%s", error);
	ck_assert_msg(strstr(error, "; ") != NULL, "nothing said of what is right: %s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
}
