/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_doctor_bus.c - what `bleherd doctor` learns of a bus that denies, has nobody
 * called org.bluez, or has many connections: a dbus-daemon of our own, with a policy of our own.
 */
#include "tests/support/runner.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "ipc/client/cli/doctor.h"
#include "ipc/clock.h"

Suite *suite_doctor_bus(void);

enum { CONNECTIONS = 70 /* more than are asked for at once */ };

static char dir[32];
static pid_t daemon_pid;
static struct doctor_facts facts;

static void write_file(const char *name, const char *format, ...) _printf_(2, 3);
static void write_file(const char *name, const char *format, ...)
{
	char path[64];
	FILE *file;
	va_list args;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	va_start(args, format);
	(void)vfprintf(file, format, args);
	va_end(args);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_config(const char *rule)
{
	write_file("conf",
		   "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
		   "1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
		   "<busconfig><listen>unix:path=%s/bus</listen>\n"
		   "<servicedir>%s</servicedir>\n"
		   "<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>\n"
		   "<allow own=\"*\"/><allow send_destination=\"*\"/>\n"
		   "<allow receive_sender=\"*\"/>%s</policy></busconfig>\n",
		   dir, dir, rule);
	write_file("org.bluez.service", "[D-BUS Service]\nName=org.bluez\nExec=/bin/sleep 60\n");
}

static _Noreturn void exec_bus(const char *config, int out_fd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out_fd, STDOUT_FILENO);
	(void)execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile", "--nosyslog",
		     "--print-address=1", (char *)NULL);
	_exit(127);
}

/* Starts a bus with a further rule in its policy, and points the environment at it. */
static void start_bus(const char *rule)
{
	char config[80];
	char text[256];
	int fds[2];

	(void)snprintf(dir, sizeof(dir), "/tmp/bh-doctor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(config, sizeof(config), "--config-file=%s/conf", dir);
	write_config(rule);
	ck_assert_int_eq(pipe(fds), 0);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0)
		exec_bus(config, fds[1]);
	(void)close(fds[1]);
	/* The address is printed when it listens. */
	ck_assert_int_gt(read(fds[0], text, sizeof(text)), 0);
	(void)close(fds[0]);
	(void)snprintf(text, sizeof(text), "unix:path=%s/bus", dir);
	ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1), 0);
	facts = (struct doctor_facts){ .n_adapters = 0 };
}

static void stop_bus(void)
{
	static const char *const files[] = { "conf", "bus", "org.bluez.service" };
	char path[64];
	size_t i;

	(void)kill(daemon_pid, SIGKILL);
	ck_assert_int_eq(waitpid(daemon_pid, NULL, 0), daemon_pid);
	for (i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static sd_bus *join(const char *name)
{
	sd_bus *bus = NULL;

	ck_assert_int_ge(sd_bus_open_system(&bus), 0);
	ck_assert_int_ge(sd_bus_request_name(bus, name, 0), 0);
	return bus;
}

START_TEST(the_policy_denies)
{
	sd_bus *bus;

	start_bus("<deny send_destination=\"org.bluez\" "
		  "send_interface=\"org.freedesktop.DBus.ObjectManager\"/>");
	bus = join("org.bluez");
	doctor_collect_bus(&facts, -1);
	ck_assert_int_eq(facts.bus_error, 0);
	ck_assert_int_eq(facts.objects, DOCTOR_REPLY_DENIED);
	ck_assert_ptr_nonnull(strstr(facts.objects_error, "Rejected"));
	ck_assert_int_eq(facts.owner, DOCTOR_REPLY_OK);
	ck_assert_uint_eq(facts.owner_pid, (uint32_t)getpid());
	(void)sd_bus_flush_close_unref(bus);
	stop_bus();
}
END_TEST

/* bluetoothd could be started by the bus; looking at it must not do that. */
START_TEST(nobody_is_started)
{
	start_bus("");
	doctor_collect_bus(&facts, -1);
	ck_assert_int_eq(facts.bus_error, 0);
	ck_assert_int_eq(facts.owner, DOCTOR_REPLY_NOBODY);
	ck_assert_int_eq(facts.objects, DOCTOR_REPLY_NOBODY);
	stop_bus();
}
END_TEST

START_TEST(a_bluetoothd_that_does_not_answer)
{
	uint64_t start_ms;
	sd_bus *bus;

	start_bus("");
	bus = join("org.bluez");
	start_ms = clock_now_ms();
	doctor_collect_bus(&facts, -1);
	ck_assert_uint_ge(clock_now_ms() - start_ms, DOCTOR_WAIT_MS);
	ck_assert_uint_lt(clock_now_ms() - start_ms, 2 * DOCTOR_WAIT_MS);
	ck_assert_int_eq(facts.bus_error, 0);
	ck_assert_int_eq(facts.objects, DOCTOR_REPLY_LATE);
	(void)sd_bus_flush_close_unref(bus);
	stop_bus();
}
END_TEST

START_TEST(connections_are_counted)
{
	sd_bus *all[CONNECTIONS];
	char name[32];
	int i;

	start_bus("");
	for (i = 0; i < CONNECTIONS; i++) {
		(void)snprintf(name, sizeof(name), "net.example.n%d", i);
		all[i] = join(name);
	}
	doctor_collect_bus(&facts, -1);
	/* And that of the collector itself. */
	ck_assert_uint_eq(facts.connections, CONNECTIONS + 1);
	ck_assert_uint_eq(facts.most_connections, CONNECTIONS + 1);
	ck_assert_uint_eq(facts.most_uid, getuid());
	for (i = 0; i < CONNECTIONS; i++)
		(void)sd_bus_flush_close_unref(all[i]);
	stop_bus();
}
END_TEST

/* A bus that hangs up, as one that is being restarted, is told from one that does not answer. */
START_TEST(a_bus_that_hangs_up)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[64];
	pid_t pid;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/bh-doctor.%d", getpid());
	(void)snprintf(text, sizeof(text), "unix:path=/tmp/bh-doctor.%d", getpid());
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)accept(fd, NULL, NULL);
		_exit(0);
	}
	facts = (struct doctor_facts){ .n_adapters = 0 };
	doctor_collect_bus(&facts, -1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	(void)unlink(at.sun_path);
	(void)close(fd);
	ck_assert_int_lt(facts.bus_error, 0);
	ck_assert_int_ne(facts.bus_error, -ETIMEDOUT);
}
END_TEST

START_TEST(no_bus)
{
	facts = (struct doctor_facts){ .n_adapters = 0 };
	ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1), 0);
	doctor_collect_bus(&facts, -1);
	ck_assert_int_eq(facts.bus_error, -ENOENT);
}
END_TEST

Suite *suite_doctor_bus(void)
{
	Suite *suite = suite_create("doctor_bus");
	TCase *tc = tcase_create("bus");

	tcase_set_timeout(tc, 15);
	tcase_add_test(tc, the_policy_denies);
	tcase_add_test(tc, nobody_is_started);
	tcase_add_test(tc, a_bluetoothd_that_does_not_answer);
	tcase_add_test(tc, connections_are_counted);
	tcase_add_test(tc, a_bus_that_hangs_up);
	tcase_add_test(tc, no_bus);
	suite_add_tcase(suite, tc);
	return suite;
}
