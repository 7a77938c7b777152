/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_trouble.c - bad input and missing parts: one clear line and a status each, and
 * nobody else notices.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct world *world;

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "3", NULL };

	world = world_start(options);
}

static void start_without_adapters(void)
{
	static const char *const options[] = { "--adapters", "0", "--devices", "1", NULL };

	world = world_start(options);
}

static void start_without_daemon(void)
{
	static const char *const options[] = { "--no-daemon", NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

/* Expects the status, and exactly one line on stderr that contains @words. */
static void expect(const char *command, int status, const char *words)
{
	struct run run = run_command("%s", command);
	size_t lines = 0;
	const char *at;

	for (at = run.err; *at; at++)
		lines += *at == '\n';
	ck_assert_msg(run.status == status, "%s: status %d, not %d: %s", command, run.status,
		      status, run.err);
	ck_assert_msg(lines == 1, "%s: %zu lines: %s", command, lines, run.err);
	ck_assert_msg(strstr(run.err, words) != NULL, "%s: no '%s' in: %s", command, words,
		      run.err);
	run_done(&run);
}

START_TEST(test_command_line)
{
	expect("bleherd 2>&1 >/dev/null | head -n 1 >&2; bleherd 2>/dev/null", 2, "Usage");
	expect("bleherd conect C0:AA:BB:00:00:01", 2, "connect");
	expect("bleherd connect", 2, "ADDR");
	expect("bleherd connect C0:AA:BB:00:00", 2, "C0:AA:BB:00:00");
	expect("bleherd read C0:AA:BB:00:00:01 zzzz", 2, "zzzz");
	expect("bleherd read C0:AA:BB:00:00:01 fff3 --jsn", 2, "--json");
	expect("bleherd write C0:AA:BB:00:00:01 fff3 abc", 2, "hex");
	expect("bleherd connect C0:AA:BB:00:00:01 --timeout -1", 2, "--timeout");
	expect("bleherd read C0:AA:BB:00:00:01 fff9", 1, "gatt-missing");
	expect("bleherd connect C0:AA:BB:00:00:99 --timeout 1", 1, "not-found");
	expect("bleherd connect C0:AA:BB:00:00:01 --adapter hci7", 1, "hci7");
	expect("bleherd adapters > /dev/full", 1, "space");
}
END_TEST

START_TEST(test_second_daemon)
{
	expect("bleherdd --config \"$BLEHERD_CONFIG\"", 75, "running");
	expect("bleherd status > /dev/null || echo broken >&2; echo >&2 fine", 0, "fine");
}
END_TEST

START_TEST(test_configuration)
{
	expect("bleherdd --config /nonexistent/x.conf", 78, "/nonexistent/x.conf");
	expect("printf '[daemon]\\nsockt = /x\\n' > $BLEHERD_WORLD/c; "
	       "bleherdd --check-config --config $BLEHERD_WORLD/c",
	       78, "c:2: ");
	expect("printf '[workers]\\nrestart_base_ms = soon\\n' > $BLEHERD_WORLD/c; "
	       "bleherdd --config $BLEHERD_WORLD/c",
	       78, "restart_base_ms");
	expect("bleherdd --sokcet /x", 2, "--socket");
}
END_TEST

static int raw_socket(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", getenv("BLEHERD_SOCKET"));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static uint32_t answers;

static void on_status(void *ctx, const struct bh_status *status)
{
	(void)ctx;
	(void)status;
	answers++;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	bool *done = ctx;

	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	*done = true;
}

/* Each piece of garbage costs its sender the connection, and nobody else anything. */
START_TEST(test_garbage)
{
	static const struct {
		const char *bytes;
		size_t len;
	} garbage[] = {
		{ "hello\n", 6 },
		{ "BH\1\0\1\0\0\0", 8 },
		{ "HB\1\0\1\0\0\0\1\0\0\0\0\0\0\0", 16 },
		{ "BH\2\0\1\0\0\0\1\0\0\0\0\0\0\0", 16 },
		{ "BH\1\0\xff\xff\0\0\1\0\0\0\0\0\0\0", 16 },
		{ "BH\1\0\1\0\0\0\1\0\0\0\0\0\0\0\xff\xff\xff\xff", 20 },
	};
	struct bh_client *bystander;
	char buffer[8192];
	bool done;
	size_t i;
	int fd;

	memset(buffer, 0, sizeof(buffer));
	ck_assert_int_eq(bh_new(&bystander, NULL, "bystander"), 0);
	for (i = 0; i <= sizeof(garbage) / sizeof(garbage[0]); i++) {
		fd = raw_socket();
		if (i < sizeof(garbage) / sizeof(garbage[0]))
			(void)send(fd, garbage[i].bytes, garbage[i].len, MSG_NOSIGNAL);
		else
			(void)send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL);
		ck_assert_msg(recv(fd, buffer, 1, 0) <= 0, "garbage %zu was answered", i);
		(void)close(fd);
		done = false;
		ck_assert_int_eq(bh_get_status(bystander, on_status, on_done, &done), 0);
		while (!done)
			ck_assert_int_ge(bh_wait(bystander, -1), 0);
		ck_assert_uint_eq(answers, i + 1);
	}
	bh_free(bystander);
}
END_TEST

START_TEST(test_no_daemon)
{
	expect("bleherd --socket $BLEHERD_WORLD/none status", 69, "none");
	expect("BLEHERD_SOCKET=$BLEHERD_WORLD/none bleherd read C0:AA:BB:00:00:01 fff3", 69,
	       "no-daemon");
}
END_TEST

/* As systemd holds it while bleherdd does not start. */
START_TEST(test_nobody_behind_the_socket)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s/held", getenv("BLEHERD_WORLD"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	expect("bleherd --socket $BLEHERD_WORLD/held status --timeout 0.2", 69, "no-daemon");
	expect("bleherd --socket $BLEHERD_WORLD/held scan --duration 0.2", 69, "no-daemon");
	(void)close(fd);
}
END_TEST

START_TEST(test_no_adapter)
{
	expect("bleherd connect C0:AA:BB:00:00:00 --timeout 2", 1, "adapter-gone");
	expect("bleherd scan --duration 1", 1, "adapter-gone");
}
END_TEST

/* bluetoothd goes away: a request waits and says so; it is answered when bluetoothd comes back. */
START_TEST(test_bluetoothd_comes_back)
{
	struct run run;

	run = run_command("bleherd read C0:AA:BB:00:00:01 2a29 > /dev/null");
	ck_assert_int_eq(run.status, 0);
	run_done(&run);
	world_fault(world, "restart-bluetoothd 1500");
	run = run_command("while bleherd status --json | grep -q '\"bluez\":true'; do :; done; "
			  "bleherd connect C0:AA:BB:00:00:01 --timeout 15 --json");
	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
	run = run_command("bleherd events --json | grep -c -e '\"event\":\"bluez-gone' "
			  "-e '\"event\":\"bluez-back'");
	ck_assert_int_ge(strtol(run.out, NULL, 10), 2);
	run_done(&run);
	run = run_command("bleherd events --json | grep '\"event\":\"waiting' | grep bluez-gone");
	ck_assert_msg(run.status == 0, "nobody said what it waited for");
	run_done(&run);
}
END_TEST

START_TEST(test_unplug_and_plug)
{
	struct run run;

	run = run_command("bleherd events --follow --json > $BLEHERD_WORLD/ev & "
			  "trap 'kill $!' EXIT; "
			  "until bleherd devices --json | grep -q hci1; do :; done; echo seen");
	ck_assert_int_eq(run.status, 0);
	run_done(&run);
	world_fault(world, "unplug 0");
	run = run_command("bleherd read C0:AA:BB:00:00:01 2a29 --json");
	ck_assert_msg(run.status == 0 && strstr(run.out, "hci1"), "%s%s", run.out, run.err);
	run_done(&run);
	run = run_command("bleherd adapters --json | grep -o '\"name\"' | wc -l");
	ck_assert_int_eq(strtol(run.out, NULL, 10), 1);
	run_done(&run);
	world_fault(world, "plug 0");
	run = run_command("n=0; until [ \"$(bleherd adapters --json | grep -o '\"ready\"' | "
			  "wc -l)\" = 2 ]; do n=$((n+1)); [ $n -lt 500 ] || exit 1; done");
	ck_assert_int_eq(run.status, 0);
	run_done(&run);
}
END_TEST

Suite *suite_trouble(void);
/* A full run directory: said at the start, and no matter for a daemon that runs. */
START_TEST(test_full_disk)
{
	struct run run = run_command("unshare %s sh tests/integ/full_disk.sh",
				     geteuid() == 0 ? "-m" : "-rm");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	ck_assert_str_eq(run.out, "start=73 lines=1\nfilled=1\nread=0\nread=0\nend=0\n");
	run_done(&run);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*fixture)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, fixture, stop);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *suite_trouble(void)
{
	Suite *suite = suite_create("trouble");
	TCase *tc = add_case(suite, "world", start);

	tcase_add_test(tc, test_command_line);
	tcase_add_test(tc, test_second_daemon);
	tcase_add_test(tc, test_configuration);
	tcase_add_test(tc, test_garbage);
	tcase_add_test(tc, test_full_disk);
	tcase_add_test(tc, test_bluetoothd_comes_back);
	tcase_add_test(tc, test_unplug_and_plug);
	tc = add_case(suite, "no daemon", start_without_daemon);
	tcase_add_test(tc, test_no_daemon);
	tcase_add_test(tc, test_nobody_behind_the_socket);
	tcase_add_test(add_case(suite, "no adapter", start_without_adapters), test_no_adapter);
	return suite;
}
