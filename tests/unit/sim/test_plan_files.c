/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_plan_files.c - the plans of contrib/soak load on both faces, and
 * bleherd-faults(5) has the commands that the faces have: no fewer, no more.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/fake.h"
#include "contrib/sim/model.h"
#include "contrib/sim/plan_run.h"
#include "contrib/sim/radio.h"
#include "tests/unit/sim/plan_bench.h"

#define PLANS	     "contrib/soak/plans"
#define PAGE	     "contrib/man/bleherd-faults.5"
#define COMMANDS_MAX 96

enum { ON_FAKE = 1, ON_RADIO = 2, ON_SOAK = 4 };

static struct plan_bench bench;

/* --- the plans --- */

/* What would go on for ever leaves nothing to recover from; a soak's rules all come again or end.
 */
static void check_rule(const char *name, const struct plan_rule *rule)
{
	char ending[PLAN_LINE_CHARS];
	const bool lasts = rule->verb == PLAN_COMMAND && !rule->timed && !rule->for_ms &&
			   plan_ending(rule->command, ending, sizeof(ending));

	ck_assert_msg(!lasts, "%s:%u: %s has no end: for TIME", name, rule->line, rule->command);
	ck_assert_msg(rule->when != PLAN_EVERY || rule->time_ms > rule->for_ms,
		      "%s:%u: %s has no pause", name, rule->line, rule->command);
}

static void check_plan(const char *path, enum plan_face face)
{
	char *error = NULL;
	struct plan *plan;

	plan_bench_open(&bench, face, 2, 12);
	ck_assert_msg(plan_read(&plan, path, face, &bench.checker, &error) == 0, "%s",
		      error ? error : path);
	ck_assert_msg(plan->head.title[0] && plan->head.adapters && plan->head.devices,
		      "%s: no title, adapters or devices", path);
	for (size_t i = 0; i < plan->rule_count; i++)
		check_rule(path, &plan->rules[i]);
	plan_free(plan);
	/* As the soak reads it, which has no commands. */
	ck_assert_int_eq(plan_read(&plan, path, face, NULL, &error), 0);
	plan_free(plan);
	plan_bench_close(&bench);
}

START_TEST(test_plans_load)
{
	static const char *const names[] = {
		"calm",
		"crowded",
		"flaky-radio",
		"sick-adapter",
		"phantom-storm",
		"zombie-peripherals",
		"bluetoothd-crashes",
		"hung-workers",
		"out-of-slots",
		"unplug",
		"everything",
	};
	char path[512];
	DIR *dir = opendir(PLANS);
	struct dirent *entry;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), PLANS "/%s", entry->d_name);
		check_plan(path, PLAN_FAKE);
		check_plan(path, PLAN_LAB);
		n++;
	}
	(void)closedir(dir);
	ck_assert_uint_ge(n, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), PLANS "/%s", names[i]);
		ck_assert_msg(access(path, R_OK) == 0, "%s is not there", path);
	}
}
END_TEST

START_TEST(test_no_plan)
{
	struct plan *plan;
	char *error;

	ck_assert_int_eq(plan_read(&plan, PLANS "/nothing", PLAN_FAKE, NULL, &error), -ENOENT);
	ck_assert_ptr_null(error);
	ck_assert_int_eq(plan_read(&plan, "/proc/self/exe", PLAN_FAKE, NULL, &error), -EFBIG);
	ck_assert_int_lt(plan_read(&plan, PLANS, PLAN_FAKE, NULL, &error), 0);
}
END_TEST

/* --- the page --- */

struct command {
	char name[PLAN_KIND_CHARS];
	unsigned faces;
};

struct commands {
	size_t count;
	struct command all[COMMANDS_MAX];
};

static void note(struct commands *commands, const char *name, unsigned faces)
{
	for (size_t i = 0; i < commands->count; i++) {
		if (strcmp(commands->all[i].name, name) == 0) {
			commands->all[i].faces |= faces;
			return;
		}
	}
	ck_assert_uint_lt(commands->count, COMMANDS_MAX);
	(void)snprintf(commands->all[commands->count].name, PLAN_KIND_CHARS, "%s", name);
	commands->all[commands->count++].faces = faces;
}

static void note_table(struct commands *commands, const struct fault_command *table, size_t count,
		       unsigned faces)
{
	for (size_t i = 0; i < count; i++)
		note(commands, table[i].name, faces);
}

static void collect_code(struct commands *commands)
{
	note_table(commands, faults_model_table, faults_model_count, ON_FAKE | ON_RADIO);
	note_table(commands, plan_run_table, plan_run_count, ON_FAKE | ON_RADIO);
	note_table(commands, fake_fault_table, fake_fault_count, ON_FAKE);
	note_table(commands, fake_air_fault_table, fake_air_fault_count, ON_FAKE);
	note_table(commands, radio_fault_table, radio_fault_count, ON_RADIO);
	note(commands, "kill", ON_SOAK);
	note(commands, "stop", ON_SOAK);
	note(commands, "starve", ON_SOAK);
}

/* An item is ".It Li NAME ...", and its text says where it is not for both faces. */
static void collect_page(struct commands *commands)
{
	char line[256], section[64] = "", name[PLAN_KIND_CHARS] = "";
	FILE *f = fopen(PAGE, "re");

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, ".Sh ", 4) == 0 || strncmp(line, ".Ss ", 4) == 0)
			(void)snprintf(section, sizeof(section), "%.60s", line + 4);
		if (strncmp(line, ".It Li ", 7) == 0) {
			(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + 7, " "),
				       line + 7);
		} else if (name[0]) {
			note(commands, name,
			     strncmp(line, "Fake:", 5) == 0	 ? ON_FAKE
			     : strncmp(line, "Radio:", 6) == 0	 ? ON_RADIO
			     : strcmp(section, "Processes") == 0 ? ON_SOAK
								 : ON_FAKE | ON_RADIO);
			name[0] = '\0';
		}
	}
	(void)fclose(f);
}

static unsigned faces_of(const struct commands *commands, const char *name)
{
	for (size_t i = 0; i < commands->count; i++) {
		if (strcmp(commands->all[i].name, name) == 0)
			return commands->all[i].faces;
	}
	return 0;
}

START_TEST(test_page_has_every_command)
{
	struct commands code = { 0 }, page = { 0 };

	collect_code(&code);
	collect_page(&page);
	for (size_t i = 0; i < code.count; i++)
		ck_assert_msg(faces_of(&page, code.all[i].name) == code.all[i].faces,
			      "%s: the code has it on faces %u, " PAGE " on %u", code.all[i].name,
			      code.all[i].faces, faces_of(&page, code.all[i].name));
	for (size_t i = 0; i < page.count; i++)
		ck_assert_msg(faces_of(&code, page.all[i].name) != 0, PAGE ": no command '%s'",
			      page.all[i].name);
}
END_TEST

/* The calls of the section WHEN: each is one that its face sees. */
static unsigned check_calls(char *line, enum plan_face face)
{
	enum plan_sort sort;
	unsigned n = 0;

	line += strlen(".Li ");
	for (char *word; (word = strsep(&line, " ,")) != NULL;) {
		if (!word[0])
			continue;
		ck_assert_msg((face == PLAN_FAKE ? fake_trigger(word, &sort)
						 : radio_trigger(word, &sort)) == 0,
			      PAGE ": '%s' is not seen", word);
		n++;
	}
	return n;
}

START_TEST(test_page_has_calls_that_are_seen)
{
	char line[256];
	FILE *f = fopen(PAGE, "re");
	unsigned n = 0;
	int face = -1;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, ".It On the fake", 15) == 0)
			face = PLAN_FAKE;
		else if (strncmp(line, ".It On the radio", 16) == 0)
			face = PLAN_LAB;
		else if (strncmp(line, ".El", 3) == 0)
			face = -1;
		else if (face >= 0 && strncmp(line, ".Li ", 4) == 0)
			n += check_calls(line, (enum plan_face)face);
	}
	(void)fclose(f);
	ck_assert_uint_ge(n, 25);
}
END_TEST

Suite *suite_plan_files(void);

Suite *suite_plan_files(void)
{
	Suite *suite = suite_create("plan_files");
	TCase *tc = tcase_create("plan_files");

	tcase_add_test(tc, test_plans_load);
	tcase_add_test(tc, test_no_plan);
	tcase_add_test(tc, test_page_has_every_command);
	tcase_add_test(tc, test_page_has_calls_that_are_seen);
	suite_add_tcase(suite, tc);
	return suite;
}
