/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_soak.c - bleherd-soak as people call it: a short run without faults, its report,
 * and what it says to what is wrong on its command line.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_soak(void);

static char dir[64];

static void setup(void)
{
	(void)strcpy(dir, "/tmp/soak-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Its exit status; what it printed, both streams, in @out. */
static int soak(const char *arguments, char *out, size_t len)
{
	char command[512];
	size_t n = 0, got;
	FILE *f;
	int status;

	(void)snprintf(command, sizeof(command), "\"$BLEHERD_BIN\"/bleherd-soak %s 2>&1",
		       arguments);
	f = popen(command, "re");
	ck_assert_ptr_nonnull(f);
	while (n < len - 1 && (got = fread(out + n, 1, len - 1 - n, f)) > 0)
		n += got;
	out[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* All kinds of clients, nothing goes wrong: all promises were tested and held. */
START_TEST(calm)
{
	char arguments[256], out[8192];
	const json_t *promise;
	json_t *report;
	size_t i;

	(void)snprintf(arguments, sizeof(arguments),
		       "--plan calm --clients 8 --duration 10s --seed 3 --report %s/run "
		       "--before 'echo first'",
		       dir);
	ck_assert_msg(soak(arguments, out, sizeof(out)) == 0, "%s", out);
	ck_assert_msg(strncmp(out, "first\n", 6) == 0, "%s", out);
	ck_assert_msg(strstr(out, "--plan calm --clients 8 --duration 10s --seed 3") != NULL, "%s",
		      out);
	(void)snprintf(arguments, sizeof(arguments), "%s/run/report.json", dir);
	report = json_load_file(arguments, 0, NULL);
	ck_assert_ptr_nonnull(report);
	ck_assert(json_is_true(json_object_get(json_object_get(report, "outcome"), "held")));
	json_array_foreach(json_object_get(report, "promises"), i, promise)
	{
		const char *name = json_string_value(json_object_get(promise, "name"));

		/* What grows is seen after minutes. */
		if (strcmp(name, "flat") != 0)
			ck_assert_msg(json_integer_value(json_object_get(promise, "checked")) > 0,
				      "%s was not tested", name);
	}
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(report, "requests"), "kinds")), 8);
	json_decref(report);
	(void)snprintf(arguments, sizeof(arguments), "%s/run/report.html", dir);
	ck_assert_int_eq(access(arguments, R_OK), 0);
}
END_TEST

/* One clear line, and the status of usage. */
START_TEST(mistakes)
{
	static const char *const LINES[][2] = {
		{ "--plam calm", "no such option: --plam" },
		{ "--plan clam", "no plan 'clam'" },
		{ "--face real", "--face is fake or lab" },
		{ "--duration soon", "--duration wants 5s to 24h" },
		{ "--clients 0", "--clients wants at least one" },
		{ "--seed", "--seed needs a value" },
		{ "report", "report wants one DIR" },
		{ "compare a", "compare wants 2 to 4 DIRs" },
		{ "calm", "'calm' is no option" },
	};
	char out[1024];

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		int status = soak(LINES[i][0], out, sizeof(out));

		ck_assert_msg(status == 2, "%s: status %d", LINES[i][0], status);
		ck_assert_msg(strstr(out, LINES[i][1]) != NULL, "%s: %s", LINES[i][0], out);
		ck_assert_msg(strchr(out, '\n') == out + strlen(out) - 1, "%s: %s", LINES[i][0],
			      out);
	}
}
END_TEST

/* The faults of a plan happen: those of the sim and those of processes, and both are reported. */
START_TEST(faults)
{
	char arguments[256], out[8192], path[96];
	const json_t *fault;
	unsigned drops = 0, kills = 0;
	json_t *report;
	FILE *plan;
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/plan", dir);
	plan = fopen(path, "we");
	ck_assert_ptr_nonnull(plan);
	(void)fputs("title Two faults\nset workers.crash_loop_deaths=0\n"
		    "every 1s while connected any drop it\nevery 2s kill worker any\n",
		    plan);
	ck_assert_int_eq(fclose(plan), 0);
	(void)snprintf(arguments, sizeof(arguments),
		       "--plan %s --clients 8 --duration 10s --seed 3 --report %s/run", path, dir);
	ck_assert_msg(soak(arguments, out, sizeof(out)) == 0, "%s", out);
	(void)snprintf(path, sizeof(path), "%s/run/report.json", dir);
	report = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(report);
	json_array_foreach(json_object_get(report, "faults"), i, fault)
	{
		const char *kind = json_string_value(json_object_get(fault, "kind"));
		unsigned n = (unsigned)json_integer_value(json_object_get(fault, "n"));

		drops += strcmp(kind, "drop") == 0 ? n : 0;
		kills += strcmp(kind, "kill-worker") == 0 ? n : 0;
	}
	json_decref(report);
	ck_assert_msg(drops > 0 && kills > 0, "%u drops, %u kills: %s", drops, kills, out);
}
END_TEST

/* What is to be done first sees the world; if it fails, nothing runs and nothing is reported. */
START_TEST(before)
{
	char arguments[256], out[4096];

	(void)snprintf(arguments, sizeof(arguments),
		       "--plan calm --report %s/run --before 'bleherd adapters; exit 7'", dir);
	ck_assert_int_eq(soak(arguments, out, sizeof(out)), 7);
	ck_assert_msg(strstr(out, "hci1") != NULL && strstr(out, "requests") == NULL, "%s", out);
	(void)snprintf(arguments, sizeof(arguments), "%s/run/report.json", dir);
	ck_assert_int_ne(access(arguments, R_OK), 0);
}
END_TEST

START_TEST(lists)
{
	char out[4096];

	ck_assert_int_eq(soak("--list", out, sizeof(out)), 0);
	ck_assert_msg(strstr(out, "everything") != NULL && strstr(out, "calm") != NULL, "%s", out);
	ck_assert_int_eq(soak("--help", out, sizeof(out)), 0);
	ck_assert_msg(strncmp(out, "usage: bleherd-soak", 19) == 0, "%s", out);
}
END_TEST

Suite *suite_soak(void)
{
	Suite *s = suite_create("soak");
	TCase *t = tcase_create("soak");

	tcase_add_checked_fixture(t, setup, teardown);
	/* Ten seconds, and up to two minutes on a machine where nothing gets well soon. */
	tcase_set_timeout(t, 180);
	tcase_add_test(t, calm);
	tcase_add_test(t, faults);
	tcase_add_test(t, before);
	tcase_add_test(t, mistakes);
	tcase_add_test(t, lists);
	suite_add_tcase(s, t);
	return s;
}
