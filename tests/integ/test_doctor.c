/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_doctor.c - `bleherd doctor` in a world: what it finds when something in there is
 * wrong, and that it ends in time whoever does not answer.
 */
#include "tests/support/world.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

/* Three parties of 2 s each, and a slow machine. */
enum { LIMIT_MS = 12000 };

/* Of the machine, not of the world: they may fail wherever this runs. */
static const char *const HOST[] = { "kernel",	  "adapters", "rfkill",
				    "bluetoothd", "BlueZ",    "HCI sockets" };

static struct world *world;
static sd_bus *bus;

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "1", NULL };

	world = world_start(options);
	ck_assert_int_ge(sd_bus_open_system(&bus), 0);
}

static void start_alone(void)
{
	static const char *const options[] = { "--adapters", "1", "--no-daemon", NULL };

	world = world_start(options);
	(void)setenv("BLEHERD_SOCKET", "/nowhere/s", 1);
	ck_assert_int_ge(sd_bus_open_system(&bus), 0);
}

static void stop(void)
{
	bus = sd_bus_flush_close_unref(bus);
	world = world_stop(world);
}

static bool is_of_the_host(const char *check)
{
	size_t i;

	for (i = 0; i < sizeof(HOST) / sizeof(HOST[0]); i++)
		if (strcmp(check, HOST[i]) == 0)
			return true;
	return false;
}

/* Whether a check of the world failed; the status must go with what the checks say. */
static bool has_failed(const json_t *answer, int status)
{
	bool has_failed = false;
	bool has_failed_here = false;
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(answer, "checks"), i, check)
	{
		if (strcmp(json_string_value(json_object_get(check, "verdict")), "fail") != 0)
			continue;
		has_failed = true;
		has_failed_here |=
			!is_of_the_host(json_string_value(json_object_get(check, "check")));
	}
	ck_assert_int_eq(status, has_failed ? 1 : 0);
	return has_failed_here;
}

/* Runs it, expects that something fails in the world or not, and gives what it printed. */
static json_t *doctor(bool is_ill)
{
	struct timespec from;
	struct timespec to;
	struct run run;
	json_error_t error;
	json_t *answer;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	run = run_command("bleherd doctor --json");
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_lt((to.tv_sec - from.tv_sec) * 1000, LIMIT_MS);
	answer = json_loads(run.out, 0, &error);
	ck_assert_msg(answer != NULL, "no JSON: %s\n%s%s", error.text, run.out, run.err);
	ck_assert_msg(has_failed(answer, run.status) == is_ill, "%s", run.out);
	run_done(&run);
	return answer;
}

static void expect(const json_t *answer, const char *name, const char *verdict, const char *text)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(answer, "checks"), i, check)
	{
		const char *found = json_string_value(json_object_get(check, "verdict"));
		const char *says = json_string_value(json_object_get(check, "text"));

		if (strcmp(json_string_value(json_object_get(check, "check")), name) != 0)
			continue;
		ck_assert_msg(strcmp(found, verdict) == 0, "%s: %s: %s", name, found, says);
		ck_assert_msg(strstr(says, text) != NULL, "%s: %s", name, says);
		return;
	}
	ck_abort_msg("no check %s", name);
}

/* The process behind a name on the bus. */
static pid_t owner_of(const char *name)
{
	sd_bus_message *answer = NULL;
	uint32_t pid;

	ck_assert_int_ge(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					    "org.freedesktop.DBus", "GetConnectionUnixProcessID",
					    NULL, &answer, "s", name),
			 0);
	ck_assert_int_ge(sd_bus_message_read(answer, "u", &pid), 0);
	(void)sd_bus_message_unref(answer);
	return (pid_t)pid;
}

START_TEST(a_world_is_well)
{
	json_t *answer = doctor(false);

	expect(answer, "system bus", "pass", "connected");
	expect(answer, "bus limit", "pass", "of 256");
	expect(answer, "D-Bus policy", "pass", "answers");
	expect(answer, "power", "pass", "all are on");
	expect(answer, "discovery", "pass", "nobody scans");
	expect(answer, "daemon", "pass", BLEHERD_VERSION);
	expect(answer, "version", "pass", "both");
	expect(answer, "workers", "pass", "ready: hci0, hci1");
	expect(answer, "arbiter", "pass", "runs");
	/* The arbiter's own directory, as it says itself. */
	expect(answer, "slot files", "warn", getenv("BLEHERD_LOCK_DIR"));
	expect(answer, "slot users", "pass", "no other");
	json_decref(answer);
}
END_TEST

START_TEST(text_for_people)
{
	struct run run = run_command("bleherd doctor");

	ck_assert_int_le(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.out, "\nPASS  daemon        bleherdd "));
	ck_assert_ptr_null(strchr(run.out, '\033'));
	run_done(&run);
}
END_TEST

/* Powered, over D-Bus, as any program may set it. */
static void power_off(const char *path)
{
	ck_assert_int_ge(sd_bus_set_property(bus, "org.bluez", path, "org.bluez.Adapter1",
					     "Powered", NULL, "b", 0),
			 0);
}

START_TEST(one_adapter_is_off)
{
	json_t *answer;

	power_off("/org/bluez/hci1");
	answer = doctor(false);
	expect(answer, "power", "warn", "off: hci1");
	json_decref(answer);
}
END_TEST

START_TEST(all_adapters_are_off)
{
	json_t *answer;

	power_off("/org/bluez/hci0");
	power_off("/org/bluez/hci1");
	answer = doctor(true);
	expect(answer, "power", "fail", "off: hci0, hci1");
	json_decref(answer);
}
END_TEST

START_TEST(somebody_else_scans)
{
	json_t *answer;

	ck_assert_int_ge(sd_bus_call_method(bus, "org.bluez", "/org/bluez/hci1",
					    "org.bluez.Adapter1", "StartDiscovery", NULL, NULL, ""),
			 0);
	answer = doctor(false);
	expect(answer, "discovery", "warn", "outside of bleherd scans on hci1");
	json_decref(answer);
}
END_TEST

START_TEST(bleherd_scans)
{
	struct run run = run_command("bleherd scan --adapter hci0 --duration 20 --json > "
				     "$BLEHERD_WORLD/adverts & "
				     "while ! [ -s $BLEHERD_WORLD/adverts ]; do "
				     "kill -0 $! || exit 9; done; "
				     "bleherd doctor --json; status=$?; kill $!; exit $status");
	json_t *answer = json_loads(run.out, JSON_DISABLE_EOF_CHECK, NULL);

	ck_assert_msg(answer != NULL, "%s%s", run.out, run.err);
	ck_assert(!has_failed(answer, run.status));
	expect(answer, "discovery", "pass", "only by bleherd: hci0");
	json_decref(answer);
	run_done(&run);
}
END_TEST

START_TEST(somebody_else_has_a_slot)
{
	char path[256];
	char who[32];
	json_t *answer;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/bleak-cm-hci0-slot-0.lock",
		       getenv("BLEHERD_LOCK_DIR"));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	(void)snprintf(who, sizeof(who), "(%d)", getpid());
	answer = doctor(false);
	expect(answer, "slot users", "warn", "bleak-cm-hci0-slot-0.lock by ");
	expect(answer, "slot users", "warn", who);
	json_decref(answer);
	(void)close(fd);
}
END_TEST

START_TEST(bluetoothd_does_not_answer)
{
	pid_t pid = owner_of("org.bluez");
	json_t *answer;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	answer = doctor(true);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	expect(answer, "system bus", "pass", "connected");
	expect(answer, "D-Bus policy", "fail", "does not answer");
	expect(answer, "daemon", "pass", "bleherdd");
	json_decref(answer);
}
END_TEST

START_TEST(daemon_does_not_answer)
{
	json_t *answer;

	ck_assert_int_eq(kill(world_daemon_pid(world), SIGSTOP), 0);
	answer = doctor(true);
	ck_assert_int_eq(kill(world_daemon_pid(world), SIGCONT), 0);
	expect(answer, "daemon", "fail", "does not answer");
	expect(answer, "workers", "skip", "");
	expect(answer, "power", "pass", "on");
	json_decref(answer);
}
END_TEST

START_TEST(bus_does_not_answer)
{
	pid_t pid = owner_of("org.freedesktop.DBus");
	json_t *answer;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	answer = doctor(true);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	expect(answer, "system bus", "fail", "does not answer");
	expect(answer, "D-Bus policy", "skip", "");
	json_decref(answer);
}
END_TEST

START_TEST(no_daemon)
{
	json_t *answer = doctor(true);

	expect(answer, "D-Bus policy", "pass", "answers");
	expect(answer, "power", "pass", "on");
	expect(answer, "daemon", "fail", "/nowhere/s");
	expect(answer, "arbiter", "skip", "");
	json_decref(answer);
}
END_TEST

START_TEST(no_bus)
{
	json_t *answer;

	(void)setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
	answer = doctor(true);
	expect(answer, "system bus", "fail", "No such file");
	expect(answer, "bus limit", "skip", "");
	expect(answer, "discovery", "skip", "");
	json_decref(answer);
}
END_TEST

Suite *suite_doctor(void);
Suite *suite_doctor(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tc = tcase_create("world");
	TCase *alone = tcase_create("no daemon");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 40);
	tcase_add_test(tc, a_world_is_well);
	tcase_add_test(tc, text_for_people);
	tcase_add_test(tc, one_adapter_is_off);
	tcase_add_test(tc, all_adapters_are_off);
	tcase_add_test(tc, somebody_else_scans);
	tcase_add_test(tc, bleherd_scans);
	tcase_add_test(tc, somebody_else_has_a_slot);
	tcase_add_test(tc, bluetoothd_does_not_answer);
	tcase_add_test(tc, daemon_does_not_answer);
	tcase_add_test(tc, bus_does_not_answer);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(alone, start_alone, stop);
	tcase_set_timeout(alone, 40);
	tcase_add_test(alone, no_daemon);
	tcase_add_test(alone, no_bus);
	suite_add_tcase(suite, alone);
	return suite;
}
