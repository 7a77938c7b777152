/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_peers.c - contrib/soak/peers judges right what programs that use bleak do. The
 * checks are in test_peers.py: they need no bleak.
 */
#include "tests/support/world.h"

#include <check.h>
#include <string.h>

START_TEST(test_peers)
{
	struct run run = run_command("python3 -B -W error tests/integ/test_peers.py");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
}
END_TEST

/* What is wrong, and what would be right, in one line, before anything is started. */
START_TEST(test_usage)
{
	static const struct {
		const char *arguments, *says;
	} rows[] = {
		{ "bleat", "no contestant 'bleat': there are bleherd, bleak, bleak-locks" },
		{ "--duration 3", "wants 5s to 24h, such as 90s or 2min, not '3'" },
		{ "--clients many", "wants a number from 1 to 100, not 'many'" },
		{ "--plan /nonexistent", "--plan /nonexistent: No such file" },
		{ "--report /dev/null/x", "--report /dev/null/x: Not a directory" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run =
			run_command("python3 -B contrib/soak/differential --plan /dev/null "
				    "%s",
				    rows[i].arguments);

		ck_assert_int_eq(run.status, 2);
		ck_assert_str_eq(run.out, "");
		ck_assert_ptr_eq(strstr(run.err, "differential: "), run.err);
		ck_assert_ptr_nonnull(strstr(run.err, rows[i].says));
		ck_assert_ptr_eq(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
		run_done(&run);
	}
}
END_TEST

Suite *suite_peers(void);
Suite *suite_peers(void)
{
	Suite *suite = suite_create("peers");
	TCase *tc = tcase_create("peers");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_peers);
	tcase_add_test(tc, test_usage);
	suite_add_tcase(suite, tc);
	return suite;
}
