/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_options.c - options as people write them, and that every command and option
 * is in the man page and in the completion.
 */
#include "tests/support/runner.h"

#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "tests/unit/cli/line.h"

Suite *suite_options(void);

static char error[200];

static int parse(struct options *opt, uint64_t allowed, const char *line, char ***out_rest)
{
	static char *argv[LINE_WORDS_MAX];
	int argc = line_words(line, "test", argv);
	int used = 0;
	int r;

	*opt = (struct options){ .hold_ms = 0 };
	r = options_parse(opt, allowed, false, argc, argv, &used, error);
	*out_rest = argv + used;
	return r;
}

START_TEST(options_may_stand_anywhere)
{
	struct options opt;
	char **rest;

	ck_assert_int_eq(parse(&opt, OPTIONS_COMMON, "A --json B -t 2.5", &rest), 0);
	ck_assert(opt.given[OPTION_JSON]);
	ck_assert_uint_eq(opt.timeout_ms, 2500);
	ck_assert_str_eq(rest[0], "A");
	ck_assert_str_eq(rest[1], "B");
	ck_assert_int_eq(parse(&opt, OPTIONS_COMMON, "-- --json", &rest), 0);
	ck_assert(!opt.given[OPTION_JSON]);
	ck_assert_str_eq(rest[0], "--json");
}
END_TEST

START_TEST(hold_takes_seconds_or_nothing)
{
	static const struct {
		const char *line;
		uint32_t hold_ms;
		const char *first;
	} rows[] = {
		{ "--hold C0:AA:BB:00:00:01", 0, "C0:AA:BB:00:00:01" },
		{ "C0:AA:BB:00:00:01 --hold", 0, "C0:AA:BB:00:00:01" },
		{ "--hold 5 C0:AA:BB:00:00:01", 5000, "C0:AA:BB:00:00:01" },
		{ "C0:AA:BB:00:00:01 --hold 0.5", 500, "C0:AA:BB:00:00:01" },
		{ "C0:AA:BB:00:00:01 --hold=7 --json", 7000, "C0:AA:BB:00:00:01" },
	};
	struct options opt;
	char **rest;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(
			parse(&opt, OPTIONS_COMMON | OPTION_BIT(HOLD), rows[i].line, &rest), 0);
		ck_assert(opt.given[OPTION_HOLD]);
		ck_assert_uint_eq(opt.hold_ms, rows[i].hold_ms);
		ck_assert_str_eq(rest[0], rows[i].first);
		ck_assert_ptr_null(rest[1]);
	}
}
END_TEST

START_TEST(mistakes_are_named)
{
	static const struct {
		const char *line;
		const char *error;
	} rows[] = {
		{ "--jsn", "no option --jsn; did you mean --json?" },
		{ "--timout=3", "no option --timout; did you mean --timeout?" },
		{ "--watch", "no option --watch here" },
		{ "-q", "no option -q here" },
		{ "--timeout", "--timeout wants seconds, such as 2.5" },
		{ "-t", "--timeout wants seconds, such as 2.5" },
		{ "-t 0", "--timeout takes seconds, such as 2.5, not '0'" },
		{ "--timeout 5x", "--timeout takes seconds, such as 2.5, not '5x'" },
		{ "--json=1", "--json takes no value" },
	};
	struct options opt;
	char **rest;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(parse(&opt, OPTIONS_COMMON, rows[i].line, &rest), -EINVAL);
		ck_assert_str_eq(error, rows[i].error);
	}
	ck_assert_int_eq(parse(&opt, OPTION_BIT(RSSI_MIN), "--rssi-min -200", &rest), -EINVAL);
	ck_assert_int_eq(parse(&opt, OPTION_BIT(RSSI_MIN), "--rssi-min -80", &rest), 0);
	ck_assert_int_eq(opt.rssi_min_dbm, -80);
	ck_assert_int_eq(parse(&opt, OPTION_BIT(SERVICE), "--service xyz", &rest), -EINVAL);
	ck_assert_int_eq(parse(&opt, OPTION_BIT(SERVICE), "-u 180f -u fff0", &rest), 0);
	ck_assert_uint_eq(opt.n_uuids, 2);
}
END_TEST

START_TEST(a_service_too_many)
{
	struct options opt = { .n_uuids = OPTIONS_UUIDS_MAX };
	char program[] = "test";
	char option[] = "-u180f";
	char *argv[] = { program, option, NULL };
	int used;

	ck_assert_int_eq(options_parse(&opt, OPTION_BIT(SERVICE), false, 2, argv, &used, error),
			 -EINVAL);
}
END_TEST

static char *slurp(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	/* Not run from the root of the repository. */
	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0)
		ck_abort_msg("cannot read %s", path);
	(void)fclose(file);
	return text;
}

START_TEST(man_page_and_completion_know_all)
{
	_cleanup_free_ char *page = slurp("contrib/man/bleherd.1");
	_cleanup_free_ char *completion = slurp("contrib/completion/bleherd.bash");
	const struct cli_command *command;
	char word[64];
	int id;

	if (!page || !completion)
		return;
	for (command = CLI_COMMANDS; command->name; command++) {
		(void)snprintf(word, sizeof(word), ".It Cm %s", command->name);
		ck_assert_msg(strstr(page, word) != NULL, "man page: %s", command->name);
		ck_assert_msg(strstr(completion, command->name) != NULL, "completion: %s",
			      command->name);
	}
	for (id = 0; id < OPTION_END; id++) {
		(void)snprintf(word, sizeof(word), "Fl -%s", options_name((enum option_id)id));
		ck_assert_msg(strstr(page, word) != NULL, "man page: --%s",
			      options_name((enum option_id)id));
		ck_assert_msg(strstr(completion, word + 3) != NULL, "completion: --%s",
			      options_name((enum option_id)id));
	}
}
END_TEST

Suite *suite_options(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, options_may_stand_anywhere);
	tcase_add_test(tcase, hold_takes_seconds_or_nothing);
	tcase_add_test(tcase, mistakes_are_named);
	tcase_add_test(tcase, a_service_too_many);
	tcase_add_test(tcase, man_page_and_completion_know_all);
	suite_add_tcase(suite, tcase);
	return suite;
}
