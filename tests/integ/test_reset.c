/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_reset.c - `bleherd reset` on a whole world: what a person sees, and what becomes
 * of the sessions of others.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/world.h"

Suite *suite_reset(void);

static struct world *world;

static void start(void)
{
	char hardware[512];
	char folder[400];
	const char *const options[] = { "--set", hardware, "--set", "rescue.bluetoothd=/bin/true",
					NULL };

	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	(void)snprintf(hardware, sizeof(hardware), "rescue.hardware=%s/tests/lab/reset_hardware",
		       folder);
	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

static void expect(int status, const char *words, const char *command)
{
	struct run run = run_command("%s", command);

	ck_assert_msg(run.status == status, "%s: status %d: %s%s", command, run.status, run.out,
		      run.err);
	ck_assert_msg(strstr(run.out, words) || strstr(run.err, words), "no '%s' in: %s%s", words,
		      run.out, run.err);
	run_done(&run);
}

START_TEST(test_words)
{
	expect(2, "nobody can be asked here: say --yes", "bleherd reset hci0 </dev/null");
	expect(2, "no level 'usbb'", "bleherd reset hci0 --level usbb --yes");
	expect(2, "'0' is no adapter", "bleherd reset 0 --yes");
	expect(1, "there is no such adapter", "bleherd reset hci9 --yes");
	expect(0, "hci0 is reset", "bleherd reset hci0 --yes");
	expect(0, "\"cured\":true", "bleherd reset hci1 --level power --yes --json");
	expect(1, "adapter-gone", "bleherd reset hci9 --yes --json");
}
END_TEST

/* A session goes on over a reset, on another adapter meanwhile or on the same one again. */
START_TEST(test_sessions_go_on)
{
	struct run run = run_command(
		": >$BLEHERD_WORLD/n; "
		"bleherd notify C0:AA:BB:00:00:01 fff4 --count 12 --json >>$BLEHERD_WORLD/n & "
		"tail -n +1 -f $BLEHERD_WORLD/n | grep -q hex; "
		"adapter=$(bleherd adapters | awk '$5 == 1 { print $1 }'); "
		"bleherd reset $adapter --yes; wait $! || exit 9; cat $BLEHERD_WORLD/n");

	ck_assert_msg(run.status == 0, "status %d: %s%s", run.status, run.out, run.err);
	ck_assert_ptr_nonnull(strstr(run.out, "its link on hci"));
	ck_assert_ptr_nonnull(strstr(run.out, "is interrupted"));
	ck_assert_ptr_nonnull(strstr(run.out, "\"event\":\"moved\""));
	run_done(&run);
}
END_TEST

/* The power cycle does not help; what stands in for a USB reset does, and numbers it anew. */
START_TEST(test_hung_controller)
{
	world_fault(world, "hang-adapter 0 on");
	expect(0, "hci0 is reset and now called hci2", "bleherd reset hci0 --yes");
	expect(0, "it does not answer", "bleherd events");
	expect(0, "\"connect_ms\"", "bleherd connect C0:AA:BB:00:00:01 --adapter hci2 --json");
}
END_TEST

/* An adapter that bluetoothd does not have back: its restart is a program here. */
START_TEST(test_bluetoothd)
{
	expect(0, "C0:AA:BB", "bleherd devices");
	expect(0, "hci0 is reset", "bleherd reset hci0 --level bluetoothd --yes");
	expect(0, "bluetoothd: adverts are heard again", "bleherd events");
}
END_TEST

/* Its own worker discovers, and gives way at the end of its turn instead of at half its lease. */
START_TEST(test_discovering)
{
	expect(0, "adverts are heard again",
	       ": >$BLEHERD_WORLD/scan; "
	       "bleherd scan --adapter hci0 --duration 30 --json >>$BLEHERD_WORLD/scan & "
	       "tail -n +1 -f $BLEHERD_WORLD/scan | grep -q .; "
	       "timeout 12 bleherd reset hci0 --yes || exit 9; "
	       "lines=$(wc -l <$BLEHERD_WORLD/scan); "
	       "tail -n +$((lines + 1)) -f $BLEHERD_WORLD/scan | grep -q .; kill $!");
}
END_TEST

START_TEST(test_busy)
{
	expect(0, "hci0 is being reset; one at a time",
	       "mkfifo $BLEHERD_WORLD/e; bleherd events --follow >$BLEHERD_WORLD/e & follow=$!; "
	       "bleherd reset hci0 --yes >/dev/null & reset=$!; "
	       "exec 3<$BLEHERD_WORLD/e; grep -q resetting <&3; "
	       "bleherd reset hci1 --yes 2>&1; [ $? = 75 ] || exit 9; "
	       "wait $reset || exit 8; kill $follow");
}
END_TEST

Suite *suite_reset(void)
{
	Suite *suite = suite_create("reset");
	TCase *test = tcase_create("reset");

	tcase_add_checked_fixture(test, start, stop);
	tcase_set_timeout(test, 30);
	tcase_add_test(test, test_words);
	tcase_add_test(test, test_sessions_go_on);
	tcase_add_test(test, test_hung_controller);
	tcase_add_test(test, test_bluetoothd);
	tcase_add_test(test, test_discovering);
	tcase_add_test(test, test_busy);
	suite_add_tcase(suite, test);
	return suite;
}
