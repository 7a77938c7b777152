/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/options.h"
#include "tests/support/runner.h"

#include <string.h>

enum { ARGS_MAX = 12 };

static int parse(const char *const *args, struct options *out, char why[OPTIONS_WHY_LEN])
{
	char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t) "bleherd-lockd" };
	int argc = 1;

	for (; *args; args++)
		argv[argc++] = (char *)(uintptr_t)*args;
	return options_parse(argc, argv, out, why);
}

START_TEST(what_the_supervisor_gives)
{
	static const char *const args[] = {
		"--dir", "/run",	"--connect-slots", "2", "--scan-slots", "1", "--parent",
		"42",	 "--log-level", "debug",	   NULL
	};
	char why[OPTIONS_WHY_LEN];
	struct options o;

	ck_assert_int_eq(parse(args, &o, why), 0);
	ck_assert_str_eq(o.dir, "/run");
	ck_assert_uint_eq(o.counts.of[RESOURCE_CONNECT], 2);
	ck_assert_uint_eq(o.counts.of[RESOURCE_SCAN], 1);
	ck_assert_int_eq(o.parent, 42);
	ck_assert_int_eq(o.level, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(o.settle_ms, 0);
}
END_TEST

static const struct {
	const char *args[4];
	const char *word; /* in the one line that comes back */
} BAD[] = {
	{ { NULL }, "--dir is missing" },
	{ { "--dir", NULL }, "--dir" },
	{ { "--dir", "", NULL }, "bad" },
	{ { "--dir", "/run", "extra", NULL }, "extra" },
	{ { "--dir=/run", "--connect-slots", "0", NULL }, "`0`" },
	{ { "--dir=/run", "--connect-slots", "9", NULL }, "`9`" },
	{ { "--dir=/run", "--scan-slots", "-1", NULL }, "`-1`" },
	{ { "--dir=/run", "--scan-slots", "1x", NULL }, "`1x`" },
	{ { "--dir=/run", "--parent", "0", NULL }, "`0`" },
	{ { "--dir=/run", "--log-level", "loud", NULL }, "loud" },
	{ { "--dir=/run", "--settle-ms", "99999999999999999999", NULL }, "999" },
	{ { "--dir=/run", "--what", NULL }, "--what" },
};

START_TEST(bad_ones_get_one_line)
{
	char why[OPTIONS_WHY_LEN] = "";
	struct options o = { .dir = "untouched" };

	ck_assert_int_eq(parse(BAD[_i].args, &o, why), -EINVAL);
	ck_assert_str_eq(o.dir, "untouched");
	ck_assert_msg(strstr(why, BAD[_i].word) != NULL, "%s", why);
	ck_assert_ptr_nonnull(strstr(why, "right is: bleherd-lockd --dir DIR"));
	ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

START_TEST(the_directory_must_be_one)
{
	static const char *const paths[] = { "/nonexistent/bleherd", "/dev/null" };
	struct options o = { .dir = paths[_i] };
	char why[OPTIONS_WHY_LEN] = "";
	int fd = 77;

	ck_assert_int_lt(options_open_dir(&o, &fd, why), 0);
	ck_assert_int_eq(fd, 77);
	ck_assert_ptr_nonnull(strstr(why, paths[_i]));
	ck_assert_ptr_nonnull(strstr(why, "tmpfiles.d"));
}
END_TEST

Suite *suite_options(void);
Suite *suite_options(void)
{
	Suite *suite = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, what_the_supervisor_gives);
	tcase_add_loop_test(tc, bad_ones_get_one_line, 0, (int)ARRAY_LEN(BAD));
	tcase_add_loop_test(tc, the_directory_must_be_one, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
