/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/answer.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/support/world.h"

json_t *answer_of(int status, const char *format, ...)
{
	char args[2000];
	json_error_t error;
	struct run run;
	json_t *answer;
	va_list list;

	va_start(list, format);
	(void)vsnprintf(args, sizeof(args), format, list);
	va_end(list);
	run = run_command("bleherd %s --json", args);
	answer = json_loads(run.out, JSON_DISABLE_EOF_CHECK, &error);
	ck_assert_msg(run.status == status, "bleherd %s: status %d\n%s%s", args, run.status,
		      run.out, run.err);
	ck_assert_msg(answer != NULL, "bleherd %s: no JSON: %s\n%s", args, error.text, run.out);
	run_done(&run);
	return answer;
}

const char *answer_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	ck_assert_msg(value != NULL, "no \"%s\" in %s", key, json_dumps(object, 0));
	return value;
}
