/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/bench/test_table.c - what `make bench` makes of what the benches measured: the table,
 * its JSON, the comparison of two, the chart. The benches are stood in for by shell scripts.
 */
#include "tests/support/runner.h"
#include "tests/support/world.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

Suite *suite_table(void);

#define COMPARE "tests/bench/compare.py"

static char dir[] = "/tmp/bleherd-bench-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "we");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

static void start(void)
{
	char path[128];

	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/bin", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/tests", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	put("bin/bleherd", "#!/bin/sh\necho bleherd 9.9\n");
}

static void stop(void)
{
	struct run run = run_command("rm -rf '%s'", dir);

	run_done(&run);
}

/* A file of `make bench` with one figure: ours in these runs, the peer's, the ratio. */
static void put_result(const char *name, const char *value, const char *runs, const char *peer)
{
	char text[1024];

	(void)snprintf(
		text, sizeof(text),
		"{\"format\": \"bleherd-bench 1\", \"machine\": {\"cpu\": \"a & b\", \"cores\": 2,"
		" \"kernel\": \"6.1\", \"date\": \"2026-11-22T01:00:00Z\", \"commit\": \"abc\","
		" \"load\": [0.1, 0.2, 0.3]}, \"figures\": [{\"row\": \"connect\", \"figure\":"
		" \"CPU\", \"unit\": \"us\", \"design\": true, \"floor\": \"\", \"beside\":"
		" \"bleak\", \"is_own\": false, \"is_again\": false, \"goal\": {\"share\": 0.25,"
		" \"words\": \"1/4\"}, \"ours\": {\"value\": %s, \"runs\": %s}, \"peer\":"
		" {\"value\": %s, \"runs\": []}, \"ratio\": 0.2, \"reached\": true}]}\n",
		value, runs, peer);
	put(name, text);
}

#define expect(run, expected, text)                                                                \
	do {                                                                                       \
		ck_assert_msg((run).status == (expected), "status %d: %s%s", (run).status,         \
			      (run).out, (run).err);                                               \
		ck_assert_msg(strstr((run).out, text) || strstr((run).err, text),                  \
			      "no '%s' in: %s%s", text, (run).out, (run).err);                     \
	} while (0)

/* --- the table --- */

static struct run bench(const char *options)
{
	return run_command("BLEHERD_BIN='%s/bin' tests/bench/all.sh --json '%s/out.json' %s", dir,
			   dir, options);
}

START_TEST(test_measured)
{
	struct run run;
	json_t *result;
	json_t *figure;
	size_t measured = 0;
	size_t i;
	char path[128];

	put("tests/bench-guard", "#!/bin/sh\necho 'getppid         100 ns     150 ns   1.50'\n");
	run = bench("--only guard");
	expect(run, 0, "getppid");
	ck_assert_ptr_nonnull(strstr(run.out, "bleherd 9.9 at "));
	ck_assert_ptr_nonnull(strstr(run.out, "not measured: connect was not run"));
	run_done(&run);

	(void)snprintf(path, sizeof(path), "%s/out.json", dir);
	result = json_load_file(path, 0, NULL);
	json_array_foreach(json_object_get(result, "figures"), i, figure)
	{
		if (json_is_null(json_object_get(figure, "ours")))
			continue;
		measured++;
		ck_assert(json_real_value(json_object_get(figure, "ratio")) == 1.5);
	}
	ck_assert_uint_eq(measured, 1);
	json_decref(result);
}
END_TEST

START_TEST(test_failed_part)
{
	struct run run;

	put("tests/bench-guard", "#!/bin/sh\necho no filter here >&2\nexit 3\n");
	run = bench("--only guard");
	expect(run, 1, "status 3: see ");
	ck_assert_ptr_nonnull(strstr(run.out, "guard has no row 'getppid'"));
	run_done(&run);
}
END_TEST

static const struct {
	const char *options;
	const char *says;
	int status;
} refused[] = {
	{ "--only guards", "there is no part 'guards'; there are lock, ", 2 },
	{ "--only lock:az", "the sections of lock are 'abcde'", 2 },
	{ "--json", "expected one argument", 2 },
};

START_TEST(test_refused)
{
	struct run run = bench(refused[_i].options);

	expect(run, refused[_i].status, refused[_i].says);
	run_done(&run);
}
END_TEST

/* --- two of them --- */

static const struct {
	const char *value;
	const char *runs;
	const char *says;
	int status;
} newer[] = {
	{ "20", "[18, 20, 22]", "12.0  18.0 to 22.0 worse", 1 },
	{ "6", "[5, 6, 7]", "to 7.00 better", 0 },
	{ "14", "[12, 14, 16]", "worse: 0; better: 0; of 1", 0 }, /* 12 is inside */
	{ "90", "[]", "worse: 0; better: 0; of 1", 0 },		  /* once says nothing */
};

START_TEST(test_compare)
{
	struct run run;

	put_result("old", "10", "[8, 10, 12]", "50");
	put_result("new", newer[_i].value, newer[_i].runs, "100");
	run = run_command(COMPARE " '%s/old' '%s/new'", dir, dir);
	expect(run, newer[_i].status, newer[_i].says);
	expect(run, newer[_i].status, "The peers took 2.00 times as long");
	run_done(&run);
}
END_TEST

START_TEST(test_no_result)
{
	struct run run;

	put_result("old", "10", "[8, 10, 12]", "50");
	put("other", "{\"format\": \"bleherd-soak 1\"}\n");
	run = run_command(COMPARE " '%s/old' '%s/other'", dir, dir);
	expect(run, 2, "its format should be 'bleherd-bench 1'");
	run_done(&run);
	put("other", "{\"format\": \"bleherd-bench 1\"}\n");
	run = run_command(COMPARE " '%s/old' '%s/other'", dir, dir);
	expect(run, 2, "other is of another version");
	run_done(&run);
	run = run_command(COMPARE " '%s/old' '%s/nothing'", dir, dir);
	expect(run, 2, "nothing: No such file or directory\n");
	run_done(&run);
}
END_TEST

/* --- the chart --- */

START_TEST(test_chart)
{
	struct run run;

	put_result("old", "10", "[8, 10, 12]", "50");
	run = run_command("tests/bench/chart.py '%s/old' >'%s/svg' && python3 -c 'import sys, "
			  "xml.dom.minidom as m; m.parse(sys.argv[1])' '%s/svg' && cat '%s/svg'",
			  dir, dir, dir, dir);
	expect(run, 0, "a &amp; b");
	ck_assert_ptr_nonnull(strstr(run.out, "class=\"less\""));
	ck_assert_ptr_nonnull(strstr(run.out, ">50.0 us<"));
	ck_assert_ptr_nonnull(strstr(run.out, "prefers-color-scheme: dark"));
	run_done(&run);
}
END_TEST

Suite *suite_table(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");

	/* A Python takes its time to start on a busy machine. */
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, test_measured);
	tcase_add_test(tc, test_failed_part);
	tcase_add_loop_test(tc, test_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(tc, test_compare, 0, sizeof(newer) / sizeof(newer[0]));
	tcase_add_test(tc, test_no_result);
	tcase_add_test(tc, test_chart);
	suite_add_tcase(suite, tc);
	return suite;
}
