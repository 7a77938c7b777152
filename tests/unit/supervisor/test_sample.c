/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_sample.c - contrib/bleherd.conf and bleherd.conf(5) beside the code:
 * each key is in both, with its default, and nothing that the code does not know.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/config_change.h"
#include "supervisor/config_keys.h"

Suite *suite_sample(void);

enum { PAIRS_MAX = 256, PAIR_LEN = 64 };

/* "section key" of each. */
struct pairs {
	size_t n;
	char list[PAIRS_MAX][PAIR_LEN];
};

static char text[CONFIG_FILE_MAX];
static struct pairs known;
static struct pairs found;

static void slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_msg(fd >= 0, "%s is not there", path);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	(void)close(fd);
}

/* What follows the first word of a section's name is somebody's choice. */
static void add(struct pairs *pairs, const char *section, const char *key)
{
	ck_assert_uint_lt(pairs->n, PAIRS_MAX);
	(void)snprintf(pairs->list[pairs->n++], PAIR_LEN, "%.*s %s", (int)strcspn(section, " "),
		       section, key);
}

static bool has(const struct pairs *pairs, const char *pair)
{
	size_t i;

	for (i = 0; i < pairs->n; i++)
		if (strcmp(pairs->list[i], pair) == 0)
			return true;
	return false;
}

static void collect_known(void)
{
	size_t i;

	known.n = 0;
	for (i = 0; i < CONFIG_KEYS_LEN; i++)
		add(&known, CONFIG_KEYS[i].section, CONFIG_KEYS[i].name);
	for (i = 0; profiles_key(i); i++)
		add(&known, "profile", profiles_key(i));
	for (i = 0; device_rules_key(i); i++)
		add(&known, "device", device_rules_key(i));
	for (i = 0; access_key(i); i++)
		add(&known, "access", access_key(i));
}

static void must_be_the_same(const char *where)
{
	size_t i;

	for (i = 0; i < known.n; i++)
		ck_assert_msg(has(&found, known.list[i]), "%s lacks: %s", where, known.list[i]);
	for (i = 0; i < found.n; i++)
		ck_assert_msg(has(&known, found.list[i]), "%s has, and the code does not: %s",
			      where, found.list[i]);
	ck_assert_uint_eq(known.n, found.n);
}

/* --- the sample --- */

/* A setting that is commented out: no blank behind the sign. */
static bool is_setting(const char *line)
{
	return line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' && strstr(line, " =");
}

static void note_line(char *section, size_t size, const char *line)
{
	char key[PAIR_LEN];

	if (line[0] == '[')
		(void)snprintf(section, size, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
	if (!is_setting(line))
		return;
	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(line + 1, " ="), line + 1);
	add(&found, section, key);
}

START_TEST(test_sample_has_every_key)
{
	char section[PAIR_LEN] = "";
	char *rest = text;
	char *line;

	collect_known();
	slurp("contrib/bleherd.conf");
	while ((line = strsep(&rest, "\n")))
		note_line(section, sizeof(section), line);
	must_be_the_same("contrib/bleherd.conf");
}
END_TEST

static struct config defaults;
static struct config c;

/* What holds where a file says nothing; the bus is filled in at the end of a reading. */
static void read_nothing(void)
{
	static const struct config_sources none = { .path = "/dev/null" };
	struct config_report report;

	ck_assert_int_eq(config_read(&none, &defaults, &report), 0);
}

static void must_be_default(const char *setting, const char *alone)
{
	static const struct pattern_device WHO = { .address = 0xc0aabb000001, .name = "" };
	char error[CONFIG_ERROR_LEN] = "";
	struct config_change change;
	struct device_rule rule;
	struct device_rule before;

	c = defaults;
	device_rules_of(&c.devices, &WHO, &before);
	ck_assert_msg(config_parse(&c, alone, "sample", error) == 0, "%s", error);
	device_rules_of(&c.devices, &WHO, &rule);
	/* That a section is there at all, or says what would follow, is no other value. */
	if (strncmp(rule.profile, "battery", sizeof(rule.profile)) == 0)
		memset(rule.profile, 0, sizeof(rule.profile));
	ck_assert_msg(device_rule_equal(&rule, &before), "not the default: %s", setting);
	if (c.profiles.list[0].attempts == c.retry_attempts)
		c.profiles.list[0].attempts = 0;
	c.devices.n = 0;
	config_compare(&defaults, &c, &change);
	ck_assert_msg(change.live[0] == '\0' && change.fixed[0] == '\0', "not the default: %s",
		      setting);
}

START_TEST(test_sample_has_the_defaults)
{
	char section[PAIR_LEN] = "";
	char alone[512];
	char *rest = text;
	char *line;
	size_t n = 0;

	read_nothing();
	slurp("contrib/bleherd.conf");
	while ((line = strsep(&rest, "\n"))) {
		if (line[0] == '[')
			(void)snprintf(section, sizeof(section), "%s", line);
		/* A rule has no defaults: it is there as a whole, or not. */
		if (!is_setting(line) || strncmp(section, "[access ", 8) == 0)
			continue;
		(void)snprintf(alone, sizeof(alone), "%s\n%s\n", section, line + 1);
		must_be_default(line + 1, alone);
		n++;
	}
	ck_assert_uint_gt(n, CONFIG_KEYS_LEN);
}
END_TEST

START_TEST(test_sample_has_a_rule_of_access)
{
	char error[CONFIG_ERROR_LEN] = "";
	char *line;

	slurp("contrib/bleherd.conf");
	line = strstr(text, "\n[access ");
	ck_assert_ptr_nonnull(line);
	line++;
	memmove(text, line, strlen(line) + 1);
	for (line = text; line; line = strchr(line + 1, '\n'))
		if (is_setting(line + 1))
			line[1] = ' ';
	config_defaults(&c);
	ck_assert_msg(config_parse(&c, text, "sample", error) == 0, "%s", error);
	ck_assert_uint_eq(c.access.n, 1);
}
END_TEST

START_TEST(test_sample_marks_restarts)
{
	char line[96];
	const char *at;
	const char *mark;
	size_t i;

	slurp("contrib/bleherd.conf");
	for (i = 0; i < CONFIG_KEYS_LEN; i++) {
		if (!CONFIG_KEYS[i].is_fixed)
			continue;
		(void)snprintf(line, sizeof(line), "\n#%s =", CONFIG_KEYS[i].name);
		at = strstr(text, line);
		ck_assert_ptr_nonnull(at);
		/* On the line before. */
		mark = memrchr(text, '(', (size_t)(at - text));
		ck_assert_msg(mark && strncmp(mark, "(restart)\n", 10) == 0 && mark + 9 == at,
			      "not marked: %s", CONFIG_KEYS[i].name);
	}
}
END_TEST

START_TEST(test_sample_is_right)
{
	static const struct config_sources sources = { .path = "contrib/bleherd.conf" };
	struct config_report report;
	struct config_change change;

	read_nothing();
	ck_assert_msg(config_read(&sources, &c, &report) == 0, "%s", report.error);
	config_compare(&defaults, &c, &change);
	ck_assert_str_eq(change.live, "");
	ck_assert_str_eq(change.fixed, "");
}
END_TEST

/* --- the man page --- */

/* ".It Li a , b" */
static void note_items(const char *section, char *items)
{
	char *one;

	while ((one = strsep(&items, " ,")))
		if (one[0] != '\0')
			add(&found, section, one);
}

static void note_man_line(char *section, size_t size, unsigned *depth, char *line)
{
	*depth += strncmp(line, ".Bl", 3) == 0;
	*depth -= strncmp(line, ".El", 3) == 0;
	if (strncmp(line, ".Ss [", 5) == 0)
		(void)snprintf(section, size, "%.*s", (int)strcspn(line + 5, "]"), line + 5);
	else if (strncmp(line, ".Sh ", 4) == 0 || strncmp(line, ".Ss ", 4) == 0)
		section[0] = '\0';
	else if (strncmp(line, ".It Li ", 7) == 0 && section[0] != '\0' && *depth == 1)
		note_items(section, line + 7);
}

START_TEST(test_man_page_has_every_key)
{
	unsigned depth = 0; /* of lists: those inside an item are of its values */
	char section[PAIR_LEN] = "";
	char *rest = text;
	char *line;

	collect_known();
	slurp("contrib/man/bleherd.conf.5");
	while ((line = strsep(&rest, "\n")))
		note_man_line(section, sizeof(section), &depth, line);
	must_be_the_same("bleherd.conf(5)");
}
END_TEST

/* --- the code --- */

START_TEST(test_environment_names_differ)
{
	size_t i;
	size_t j;

	/* BLEHERD_A_B_C is one key, not two: no section's name begins another's. */
	for (i = 0; i < CONFIG_KEYS_LEN; i++)
		for (j = 0; j < CONFIG_KEYS_LEN; j++)
			ck_assert(strcmp(CONFIG_KEYS[i].section, CONFIG_KEYS[j].section) == 0 ||
				  strncmp(CONFIG_KEYS[i].section, CONFIG_KEYS[j].section,
					  strlen(CONFIG_KEYS[i].section)) != 0);
}
END_TEST

Suite *suite_sample(void)
{
	Suite *suite = suite_create("sample");
	TCase *tc = tcase_create("sample");

	tcase_add_test(tc, test_sample_has_every_key);
	tcase_add_test(tc, test_sample_has_the_defaults);
	tcase_add_test(tc, test_sample_has_a_rule_of_access);
	tcase_add_test(tc, test_sample_marks_restarts);
	tcase_add_test(tc, test_sample_is_right);
	tcase_add_test(tc, test_man_page_has_every_key);
	tcase_add_test(tc, test_environment_names_differ);
	suite_add_tcase(suite, tc);
	return suite;
}
