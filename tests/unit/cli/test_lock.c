/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_lock.c - the parts of `bleherd lock` and `bleherd locks` that need no daemon:
 * where the options end, what the table says, how a child begins and ends.
 */
#include "tests/support/runner.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/client/cli/cli.h"
#include "tests/unit/cli/line.h"
#include "ipc/client/cli/locksview.h"
#include "ipc/client/cli/spawn.h"

Suite *suite_lock(void);

/* --- words and options --- */

static char error[200];
static struct options opt;

/* The words of a line as `bleherd lock` sees them, with | between them. */
static const char *parse(const char *line)
{
	static char seen[256];
	static char *argv[LINE_WORDS_MAX];
	size_t len = 0;
	int argc = line_words(line, "lock", argv);
	int used;
	int r;

	opt = (struct options){ .hold_ms = 0 };
	seen[0] = '\0';
	r = options_parse_own(&opt, cli_options_of(cli_find_command("lock")), 2, argc, argv, &used,
			      error);
	if (r < 0)
		return error;
	for (; used < argc; used++)
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s|", argv[used]);
	return seen;
}

START_TEST(the_command_keeps_its_options)
{
	static const struct {
		const char *line;
		const char *words;
		bool has_timeout;
	} rows[] = {
		{ "hci0 scan cmd", "hci0|scan|cmd|", false },
		{ "hci0 scan cmd -t 5 --json", "hci0|scan|cmd|-t|5|--json|", false },
		{ "-t 0 hci0 scan cmd --help", "hci0|scan|cmd|--help|", true },
		{ "hci0 -t 0 scan cmd -x", "hci0|scan|cmd|-x|", true },
		{ "hci0 scan -t 0 cmd -x", "hci0|scan|cmd|-x|", true },
		{ "hci0 scan --timeout=0 -- -x y", "hci0|scan|-x|y|", true },
		{ "hci0 scan -- cmd -- z", "hci0|scan|cmd|--|z|", false },
		{ "hci0 scan", "hci0|scan|", false },
		{ "hci0", "hci0|", false },
		{ "", "", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_str_eq(parse(rows[i].line), rows[i].words);
		ck_assert_int_eq(opt.given[OPTION_PATIENCE], rows[i].has_timeout);
		ck_assert(!opt.given[OPTION_JSON] && !opt.given[OPTION_HELP]);
	}
}
END_TEST

START_TEST(values_of_options)
{
	parse("hci0 scan --class background --max-hold 1.5 -E 0 -t 2 cmd");
	ck_assert_int_eq(opt.lock_class, BH_LOCK_BACKGROUND_SCAN);
	ck_assert_uint_eq(opt.max_hold_ms, 1500);
	ck_assert(opt.given[OPTION_CONFLICT] && opt.conflict_status == 0);
	ck_assert_uint_eq(opt.timeout_ms, 2000);
	ck_assert_str_eq(parse("--class recovery hci0 scan cmd"),
			 "--class takes interactive, connect, scan or background, not 'recovery'");
	ck_assert_str_eq(parse("hci0 -t -1 scan cmd"),
			 "--timeout takes seconds, such as 2.5 or 0, not '-1'");
	ck_assert_str_eq(parse("hci0 scan -E 256 cmd"),
			 "--conflict-exit-code takes a number from 0 to 255, not '256'");
	ck_assert_str_eq(parse("hci0 scan --max-hold 0 cmd"),
			 "--max-hold takes seconds, such as 2.5, not '0'");
	ck_assert_str_eq(parse("hci0 scan --watch cmd"), "no option --watch here");
}
END_TEST

START_TEST(the_parent_s_grant)
{
	static const struct {
		const char *text;
		uint64_t grant;
	} rows[] = {
		{ "338343813377", UINT64_C(338343813377) },
		{ "18446744073709551615", UINT64_MAX },
		{ "18446744073709551616", 0 },
		{ "", 0 },
		{ "-1", 0 },
		{ " 5", 0 },
		{ "5x", 0 },
	};
	struct cli cli = { .command = cli_find_command("connect") };
	size_t i;

	ck_assert_int_eq(unsetenv("BLEHERD_GRANT"), 0);
	ck_assert_uint_eq(cli_grant(), 0);
	ck_assert_int_eq(setenv("BLEHERD_ADAPTER", "hci7", 1), 0);
	cli_use_adapter(&cli);
	ck_assert_ptr_null(cli.opt.adapter);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(setenv("BLEHERD_GRANT", rows[i].text, 1), 0);
		ck_assert_uint_eq(cli_grant(), rows[i].grant);
	}
	ck_assert_int_eq(setenv("BLEHERD_GRANT", "12", 1), 0);
	cli_use_adapter(&cli);
	ck_assert_str_eq(cli.opt.adapter, "hci7");
	cli.opt.adapter = "hci1";
	cli_use_adapter(&cli);
	ck_assert_str_eq(cli.opt.adapter, "hci1");
	/* Where it is a filter and not a place it is left alone. */
	cli = (struct cli){ .command = cli_find_command("events") };
	cli_use_adapter(&cli);
	ck_assert_ptr_null(cli.opt.adapter);
}
END_TEST

/* --- the table --- */

static struct locktab_copy copy;

static struct locktab_row *add(const char *resource, uint64_t grant, uint32_t place, uint32_t flags)
{
	struct locktab_row *row = &copy.rows[copy.n_rows++];

	memset(row, 0, sizeof(*row));
	(void)snprintf(row->resource, sizeof(row->resource), "%s", resource);
	(void)snprintf(row->label, sizeof(row->label), "a-program-with-quite-a-long-name-%u",
		       copy.n_rows);
	(void)snprintf(row->class, sizeof(row->class), "interactive");
	row->grant = grant;
	row->place = place;
	row->flags = flags;
	row->pid = 1234567;
	row->since_ms = 1000;
	row->expected_ms = UINT32_MAX;
	return row;
}

static void fill(void)
{
	copy.n_rows = 0;
	add("scan:hci10", 5, 0, 0);
	add("scan:hci2", 0, 2, 0);
	add("scan:hci2", 0, 1, 0)->expected_ms = 1500;
	add("scan:hci2", 6, 0, LOCKTAB_REVOKED);
	add("connect:hci2", 0, 0, LOCKTAB_OUTSIDE)->pid = 0;
	add("device:C0:AA:BB:00:00:01", 7, 0, LOCKTAB_UNDER | LOCKTAB_DIRTY);
	locksview_sort(&copy);
}

START_TEST(holders_then_waiters)
{
	static const char *const begins[] = {
		"RESOURCE                  STATE ",	  "connect:hci2              outside ",
		"device:C0:AA:BB:00:00:01  held dirty+ ", "scan:hci2                 held revoked ",
		"scan:hci2                 waits 1. ",	  "scan:hci2                 waits 2. ",
		"scan:hci10                held ",
	};
	struct table table = TABLE_INIT;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	char *line;
	size_t i;

	fill();
	ck_assert_int_eq(locksview_show(&copy, &table, 61000), 0);
	table_write(&table, to, 80, 0, false);
	table_clear(&table);
	ck_assert_int_eq(fclose(to), 0);
	ck_assert_ptr_nonnull(strstr(text, " 60 s  1.5 s\n"));
	ck_assert_ptr_nonnull(strstr(text, " 60 s      ?\n"));
	line = strtok(text, "\n");
	for (i = 0; i < ARRAY_LEN(begins); i++) {
		ck_assert_msg(strncmp(line, begins[i], strlen(begins[i])) == 0, "%s", line);
		ck_assert_uint_le(strlen(line), 80);
		line = strtok(NULL, "\n");
	}
	ck_assert_ptr_null(line);
	free(text);
}
END_TEST

START_TEST(what_is_a_change)
{
	static struct locktab_copy before;

	fill();
	before = copy;
	copy.seq++;
	copy.rows[0].since_ms++;
	copy.rows[0].until_ms++;
	copy.rows[0].expected_ms = 1;
	ck_assert(locksview_is_same(&before, &copy));
	copy.rows[0].flags ^= LOCKTAB_DIRTY;
	ck_assert(!locksview_is_same(&before, &copy));
	copy = before;
	copy.rows[4].place++;
	ck_assert(!locksview_is_same(&before, &copy));
	copy = before;
	copy.n_rows--;
	ck_assert(!locksview_is_same(&before, &copy));
}
END_TEST

START_TEST(as_objects)
{
	json_t *array;
	json_t *row;

	fill();
	array = locksview_json(&copy, 3000);
	ck_assert_uint_eq(json_array_size(array), copy.n_rows);
	row = json_array_get(array, 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "state")), "outside");
	row = json_array_get(array, 1);
	ck_assert_str_eq(json_string_value(json_object_get(row, "state")), "held");
	ck_assert(json_is_true(json_object_get(row, "dirty")));
	ck_assert(json_is_true(json_object_get(row, "under")));
	ck_assert_ptr_null(json_object_get(row, "revoked"));
	ck_assert_int_eq(json_integer_value(json_object_get(row, "grant")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "since_ms")), 2000);
	row = json_array_get(array, 3);
	ck_assert_str_eq(json_string_value(json_object_get(row, "state")), "waits");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "place")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "expected_ms")), 1500);
	row = json_array_get(array, 4);
	ck_assert_ptr_null(json_object_get(row, "expected_ms"));
	json_decref(array);
}
END_TEST

/* --- the child --- */

static int run_child(const char *script, int number)
{
	char sh[] = "/bin/sh";
	char c[] = "-c";
	char text[200];
	char *const argv[] = { sh, c, text, NULL };
	struct cli cli = { .signal_fd = -1 };
	struct spawn spawn = SPAWN_INIT;
	struct pollfd p = { .events = POLLIN };

	(void)snprintf(text, sizeof(text), "%s", script);
	(void)sigemptyset(&cli.old_mask);
	spawn_signal(&spawn, SIGKILL); /* there is none: nothing happens */
	ck_assert_int_eq(spawn_start(&spawn, &cli, argv, 99, "hci3"), 0);
	if (number != 0)
		spawn_signal(&spawn, number);
	p.fd = spawn.pidfd;
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	return spawn_reap(&spawn);
}

START_TEST(status_of_the_child)
{
	sigset_t set;

	/* libcheck's handler would run in the child until that is another program. */
	(void)signal(SIGTERM, SIG_DFL);
	ck_assert_int_eq(run_child("exit 7", 0), 7);
	ck_assert_int_eq(run_child("kill -9 $$", 0), 137);
	ck_assert_int_eq(run_child("test $BLEHERD_GRANT = 99 && test $BLEHERD_ADAPTER = hci3", 0),
			 0);
	ck_assert_int_eq(run_child("read line < /dev/zero", SIGTERM), 143);
	/* What we block and ignore is ours, not the child's. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(run_child("kill -TERM $$; exit 1", 0), 143);
	ck_assert_int_eq(run_child("kill -PIPE $$; exit 1", 0), 141);
}
END_TEST

START_TEST(what_cannot_be_run)
{
	char none[] = "/nonexistent/command";
	char file[] = "/etc/passwd";
	char *const argvs[][2] = { { none, NULL }, { file, NULL } };
	struct cli cli = { .signal_fd = -1 };
	struct spawn spawn = SPAWN_INIT;

	(void)sigemptyset(&cli.old_mask);
	ck_assert_int_eq(spawn_start(&spawn, &cli, argvs[_i], 1, "hci0"), 0);
	ck_assert_int_eq(spawn_reap(&spawn), _i == 0 ? 127 : 126);
}
END_TEST

Suite *suite_lock(void)
{
	Suite *suite = suite_create("lock");
	TCase *tcase = tcase_create("lock");

	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, the_command_keeps_its_options);
	tcase_add_test(tcase, values_of_options);
	tcase_add_test(tcase, the_parent_s_grant);
	tcase_add_test(tcase, holders_then_waiters);
	tcase_add_test(tcase, what_is_a_change);
	tcase_add_test(tcase, as_objects);
	tcase_add_test(tcase, status_of_the_child);
	tcase_add_loop_test(tcase, what_cannot_be_run, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
