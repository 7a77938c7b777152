/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_stuck.c - stuck links through all processes: what a person sees of them.
 */
#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

#include <check.h>
#include <string.h>

Suite *suite_stuck(void);

static struct world *world;
static struct client *other;

static void start(void)
{
	static const char *const options[] = { "--adapters", "1", "--devices", "2", NULL };

	world = world_start(options);
	other = client_new();
}

static void stop(void)
{
	other = client_free(other);
	world = world_stop(world);
}

static void expect(const char *command, int status, const char *words)
{
	struct run run = run_command("%s", command);

	ck_assert_msg(run.status == status, "%s: status %d, not %d: %s", command, run.status,
		      status, run.err);
	ck_assert_msg(strstr(run.out, words) || strstr(run.err, words), "%s: no '%s' in: %s%s",
		      command, words, run.out, run.err);
	run_done(&run);
}

/* Another program's link becomes a phantom: ours is had all the same, and the events say how. */
START_TEST(test_phantom)
{
	client_discover(other, "hci0/0");
	ck_assert_str_eq(client_call(other, "hci0/0", "Connect"), "");
	world_fault(world, "lose C0:AA:BB:00:00:00 phantom");
	expect("bleherd connect C0:AA:BB:00:00:00 --validate read:2a19", 0, "hci0");
	expect("bleherd events", 0, "cured: phantom: waited, RemoveDevice; gone");
}
END_TEST

/* The check is the person's: what is not there is named. */
START_TEST(test_validate)
{
	expect("bleherd connect C0:AA:BB:00:00:01 --validate gatt --validate char:FFF3", 0, "hci0");
	expect("bleherd connect C0:AA:BB:00:00:01 --validate char:1234 --timeout 1", 1,
	       "to pass its check");
	expect("bleherd connect C0:AA:BB:00:00:01 --validate chr:1234", 2, "gatt, char:UUID");
}
END_TEST

Suite *suite_stuck(void)
{
	Suite *s = suite_create("stuck");
	TCase *c = tcase_create("stuck");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, test_phantom);
	tcase_add_test(c, test_validate);
	suite_add_tcase(s, c);
	return s;
}
