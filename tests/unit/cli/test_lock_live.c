/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_lock_live.c - `bleherd lock` and `bleherd locks` in a world: a real arbiter,
 * and shell scripts that use it as people do. Scripts wait for each other on pipes, never for time:
 * `up` and `go` are fifos, and what holds a lock says so on the one and waits on the other.
 */
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Suite *suite_lock_live(void);

static struct world *world;

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "2", NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

/* A bash script in a directory of its own; nothing in it is expanded before bash sees it. */
#define BASH(text)                                                                                 \
	"exec bash -c \"$(cat <<'END'\n"                                                           \
	"d=$(mktemp -d) && trap 'rm -rf $d' EXIT && cd $d && mkfifo up go\n"                       \
	"holder() { echo up >up; read x <go; }; export -f holder\n"                                \
	"ended() { until ! test -e /proc/$1 || grep -q State:.Z /proc/$1/status; do :; done; }\n"  \
	"%s\nEND\n)\"",                                                                            \
		text

/* It is to end with @status and to print @out exactly. */
static void play(int status, const char *out, const char *text)
{
	struct run run = run_command(BASH(text));

	ck_assert_msg(run.status == status && strcmp(run.out, out) == 0,
		      "status %d\n--- out\n%s--- err\n%s---", run.status, run.out, run.err);
	run_done(&run);
}

#define LOCKD "$(pgrep -P $BLEHERD_DAEMON_PID -f bleherd-lockd)"

START_TEST(status_is_the_command_s)
{
	play(0, "hello\n", "bleherd lock hci0 scan echo hello");
	play(7, "", "bleherd lock hci0 connect -- sh -c \"exit 7\"");
	play(137, "", "bleherd lock hci0 maintenance -- sh -c \"kill -9 \\$\\$\"");
	play(127, "", "bleherd lock hci0 scan -- /nonexistent");
	play(126, "", "bleherd lock hci0 scan -- /etc/passwd");
	play(0, "hci1\n",
	     "bleherd lock hci1 device:c0:aa:bb:00:00:01,connect -- "
	     "sh -c \"test \\$BLEHERD_GRANT -gt 0 && echo \\$BLEHERD_ADAPTER\"");
}
END_TEST

START_TEST(what_the_daemon_refuses)
{
	struct run run = run_command("bleherd lock hci9 scan -- true");

	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "adapter-gone: "));
	ck_assert_ptr_nonnull(strstr(run.err, "hci9"));
	run_done(&run);
	run = run_command("bleherd lock hci0 scan,scan -- true");
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "invalid: "));
	run_done(&run);
	run = run_command("bleherd lock --json hci0 nothing -- true");
	ck_assert_int_eq(run.status, 2);
	ck_assert_ptr_nonnull(strstr(run.out, "no resource"));
	run_done(&run);
}
END_TEST

START_TEST(who_comes_too_late)
{
	play(0, "75\n9\n0\n75\nfree\n",
	     "bleherd lock hci0 scan -- bash -c holder & read x <up\n"
	     "bleherd lock -t 0 hci0 scan -- true; echo $?\n"
	     "bleherd lock hci0 scan -t 0.05 -E 9 -- true; echo $?\n"
	     "bleherd lock hci0 scan -t 0 -E 0 -- true; echo $?\n"
	     "bleherd lock hci0 maintenance -t 0 -- true; echo $?\n"
	     "echo go >go; wait\n"
	     "bleherd lock hci0 scan -t 0 -- echo free");
}
END_TEST

/*
 * A shell cannot trap what was ignored when it began (and whoever runs the tests in the background
 * ignores SIGINT): hence env. A shell that reads could miss a signal between two system calls;
 * one that is busy does not.
 */
START_TEST(signals_are_passed_on)
{
	play(0, "INT\n3\nQUIT\n3\nTERM\n3\nHUP\n3\n",
	     "for s in INT QUIT TERM HUP; do\n"
	     "env --default-signal bleherd lock hci0 scan -- "
	     "bash -c \"trap \\\"echo $s; exit 3\\\" $s;"
	     "kill -$s \\$PPID; while :; do :; done\"; echo $?\n"
	     "done");
}
END_TEST

/* While it waits a signal is its own. */
START_TEST(interrupted_while_waiting)
{
	play(0, "143\n",
	     "bleherd lock hci0 scan -- bash -c holder & read x <up\n"
	     "bleherd lock hci0 scan -- echo WRONG & pid=$!\n"
	     "until bleherd locks | grep -q waits; do :; done\n"
	     "kill -TERM $pid; wait $pid; echo $?\n"
	     "while bleherd locks | grep -q waits; do :; done\n"
	     "echo go >go; wait");
}
END_TEST

/* kill -9 of bleherd ends CMD, kill -9 of CMD ends bleherd; either frees the lock. */
START_TEST(killed)
{
	play(0, "137\n0\nfree\n",
	     "bleherd lock hci0 scan -- bash -c \"echo \\$\\$ >up; read x <go\" &\n"
	     "pid=$!; read cmd <up; kill -9 $pid; wait $pid 2>/dev/null; echo $?\n"
	     "bleherd lock hci0 scan -t 5 -- true\n"
	     "ended $cmd; echo $?\n"
	     "bleherd lock hci0 scan -t 5 -- echo free");
	play(0, "137\nfree\n",
	     "bleherd lock hci0 scan -- bash -c \"echo \\$\\$ >up; read x <go\" &\n"
	     "pid=$!; read cmd <up; kill -9 $cmd; wait $pid; echo $?\n"
	     "bleherd lock hci0 scan -t 0 -- echo free");
}
END_TEST

/* A CMD that failed may have left a Connect behind: its end is looked after, that of others not. */
START_TEST(failed_while_connecting)
{
	play(0, "looked after\n",
	     "lock='bleherd lock hci0 device:c0:aa:bb:00:00:01,connect --'\n"
	     "$lock true; bleherd events | grep lock-dirty\n"
	     "$lock false; until bleherd events | grep -q lock-dirty; do :; done\n"
	     "$lock echo looked after");
}
END_TEST

START_TEST(a_grandchild_does_not_keep_it)
{
	play(0, "0\nfree\n",
	     "bleherd lock hci0 scan -- bash -c \"read x <go & exit 0\"; echo $?\n"
	     "bleherd lock hci0 scan -t 0 -- echo free\n"
	     "echo go >go");
}
END_TEST

/* Revoked: SIGTERM, then SIGKILL when the grace is over; 75 whatever the command says. */
START_TEST(held_too_long)
{
	play(0, "told\n75\n",
	     "bleherd lock hci0 scan --max-hold 0.2 -- bash -c \""
	     "trap \\\"echo told; exit 0\\\" TERM; while :; do :; done\"\n"
	     "echo $?");
	play(0, "75\nfree\n",
	     "bleherd lock hci0 scan --max-hold 0.2 -- bash -c \""
	     "trap : TERM; while :; do :; done\"\n"
	     "echo $?\n"
	     "bleherd lock hci0 scan -t 5 -- echo free");
	play(0, "8\nlock-lost\n",
	     "bleherd lock hci0 scan -E 8 --max-hold 0.2 -- "
	     "bash -c \"read x <>go\" 2>err; echo $?\n"
	     "grep -o lock-lost err");
}
END_TEST

/* The grace is kept also when the arbiter cannot say that it is over. */
START_TEST(held_too_long_for_an_arbiter_that_hangs)
{
	play(0, "75\n",
	     "lockd=" LOCKD "\n"
	     "bleherd lock hci0 scan --max-hold 0.2 -- bash -c \""
	     "trap \\\"kill -STOP $lockd\\\" TERM; while :; do :; done\"; echo $?");
}
END_TEST

START_TEST(commands_inside_use_the_lock)
{
	play(0, "",
	     "bleherd lock hci1 connect -- "
	     "bleherd connect C0:AA:BB:00:00:01 --timeout 5 | grep -q hci1");
	play(0, "", "bleherd lock hci1 scan -- bleherd scan -d 0.5 | grep -q hci1");
	play(0, "1b\n",
	     "bleherd lock hci0 connect,device:C0:AA:BB:00:00:01 -- "
	     "bleherd lock hci0 device:C0:AA:BB:00:00:01,connect -t 2 -- "
	     "bleherd read C0:AA:BB:00:00:01 2a19 --timeout 5 --json | "
	     "grep -o \"hex[^,]*\" | cut -d\\\" -f3");
}
END_TEST

/* A new arbiter is given back what is held, and serves who waits. */
START_TEST(arbiter_killed)
{
	play(0, "75\nfirst\nsecond\n",
	     "bleherd lock hci0 scan -- bash -c \"holder; echo first\" & read x <up\n"
	     "bleherd lock hci0 scan -- echo second &\n"
	     "until bleherd locks | grep -q waits; do :; done\n"
	     "old=" LOCKD "; kill -9 $old\n"
	     "until new=" LOCKD " && test -n \"$new\" -a \"$new\" != $old; do :; done\n"
	     "bleherd lock hci0 scan -t 0.5 -- true; echo $?\n"
	     "echo go >go; wait");
}
END_TEST

/*
 * In another world: this one is missed when its daemon dies. Nobody has the radio before CMD has
 * ended, also if that takes it a while: its memory is given back first.
 */
START_TEST(daemon_killed)
{
	play(0, "75\n0\n",
	     "export d; printf \"x = b'x' * (1 << 28)\\nopen('up', 'w').close()\\nopen('go').read()\" >big\n"
	     "(cd $OLDPWD && contrib/sim/world --adapters 1 -- bash -c '\n"
	     "cd $d; bleherd lock hci0 scan -- sh -c \"echo \\$\\$ >cmd; exec python3 big\" & pid=$!\n"
	     "read x <up; read cmd <cmd\n"
	     "flock $BLEHERD_LOCK_DIR/*hci0-scan* sh -c \"! grep -qs State:.[^ZX] "
	     "/proc/$cmd/status\" & next=$!\n"
	     "kill -9 $BLEHERD_DAEMON_PID; wait $pid; echo $?; wait $next; echo $?') 2>err; :");
}
END_TEST

START_TEST(the_table)
{
	play(0, "scan:hci0 held bash\nscan:hci0 waits 1. later\n",
	     "bleherd lock hci0 scan -- bash -c holder & read x <up\n"
	     "ln -s /bin/true later; PATH=$PATH:. bleherd lock hci0 scan -- later &\n"
	     "until bleherd locks | grep -q waits; do :; done\n"
	     "bleherd locks | sed -n \"2,\\$ s/  */ /gp\" | sed \"s/ [0-9][0-9]* scan.*//\"\n"
	     "echo go >go; wait");
}
END_TEST

/* One table a change, on and on over a restart of the arbiter. */
START_TEST(the_table_as_it_changes)
{
	play(0, "0\n1\n0\n1\n0\n",
	     "mkfifo seen; bleherd locks --watch --json >seen & pid=$!; exec 9<seen\n"
	     "n() { read -u 9 line; grep -o resource <<<\"$line\" | wc -l; }\n"
	     "n; bleherd lock hci0 scan -- bash -c holder & one=$!; read x <up; n\n"
	     "echo go >go; wait $one; n\n"
	     "old=" LOCKD "; kill -9 $old\n"
	     "bleherd lock hci1 scan -- bash -c holder & one=$!; read x <up; n\n"
	     "echo go >go; wait $one; n\n"
	     "kill $pid; wait $pid; :");
}
END_TEST

Suite *suite_lock_live(void)
{
	Suite *suite = suite_create("lock_live");
	TCase *tcase = tcase_create("lock_live");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 40);
	tcase_add_test(tcase, status_is_the_command_s);
	tcase_add_test(tcase, what_the_daemon_refuses);
	tcase_add_test(tcase, who_comes_too_late);
	tcase_add_test(tcase, signals_are_passed_on);
	tcase_add_test(tcase, interrupted_while_waiting);
	tcase_add_test(tcase, killed);
	tcase_add_test(tcase, failed_while_connecting);
	tcase_add_test(tcase, a_grandchild_does_not_keep_it);
	tcase_add_test(tcase, held_too_long);
	tcase_add_test(tcase, held_too_long_for_an_arbiter_that_hangs);
	tcase_add_test(tcase, commands_inside_use_the_lock);
	tcase_add_test(tcase, arbiter_killed);
	tcase_add_test(tcase, daemon_killed);
	tcase_add_test(tcase, the_table);
	tcase_add_test(tcase, the_table_as_it_changes);
	suite_add_tcase(suite, tcase);
	return suite;
}
