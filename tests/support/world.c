/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/world.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGS_MAX = 64, RUN_LIMIT_MS = 30000, WORLD_LIMIT_MS = 20000, CHILDREN_LIMIT_MS = 3000 };

struct world {
	pid_t pid;
	int hold; /* closing it ends the world */
	pid_t daemon_pid;
	pid_t bus_pid; /* of the second one, ours; 0: none */
	char control[108];
	char writes[128];
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* fork() whose child dies with us. */
static pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* Reads more of @fd into a growing NUL-terminated text; 0 at its end. */
static ssize_t append(int fd, char **text, size_t *len)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n <= 0)
		return 0;
	*text = realloc(*text, *len + (size_t)n + 1);
	ck_assert_ptr_nonnull(*text);
	memcpy(*text + *len, chunk, (size_t)n);
	*len += (size_t)n;
	(*text)[*len] = '\0';
	return n;
}

static const char *value_of(const char *text, const char *name, char *out, size_t max)
{
	char key[64];
	const char *at;

	(void)snprintf(key, sizeof(key), "\n%s=", name);
	at = strstr(text, key);
	ck_assert_msg(at != NULL, "the world says no %s:\n%s", name, text);
	at += strlen(key);
	ck_assert_uint_lt(strcspn(at, "\n"), max);
	(void)snprintf(out, max, "%.*s", (int)strcspn(at, "\n"), at);
	(void)setenv(name, out, 1);
	return out;
}

/* The world's CMD: tells the environment, then waits until we go. */
static const char TELL[] = "echo; env | grep -E '^(BLEHERD_|DBUS_SYSTEM|PATH=)'; echo END=1; cat";

static void exec_world(const char *const *options, int in, int out)
{
	const char *argv[ARGS_MAX] = { "contrib/sim/world" };
	const char *logs = getenv("BLEHERD_TEST_LOGS");
	size_t n = 1;

	if (logs) {
		argv[n++] = "--keep-logs";
		argv[n++] = logs;
	}
	while (options && *options && n < ARGS_MAX - 6)
		argv[n++] = *options++;
	argv[n++] = "--";
	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = TELL;
	(void)dup2(in, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)close(in);
	(void)close(out);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

struct world *world_start(const char *const *options)
{
	struct world *world = calloc(1, sizeof(*world));
	int64_t end = now_ms() + WORLD_LIMIT_MS;
	char *text = NULL;
	size_t len = 0;
	char value[512];
	int in[2];
	int out[2];

	ck_assert_ptr_nonnull(world);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	world->pid = fork_child();
	if (world->pid == 0)
		exec_world(options, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	world->hold = in[1];

	while (!text || !strstr(text, "\nEND=1\n")) {
		struct pollfd p = { .fd = out[0], .events = POLLIN };

		ck_assert_msg(now_ms() < end, "the world did not come up in time");
		if (poll(&p, 1, 1000) == 1)
			ck_assert_msg(append(out[0], &text, &len) > 0, "the world ended early");
	}
	(void)close(out[0]);
	(void)value_of(text, "PATH", value, sizeof(value));
	(void)value_of(text, "DBUS_SYSTEM_BUS_ADDRESS", value, sizeof(value));
	(void)value_of(text, "BLEHERD_BUS_PID", value, sizeof(value));
	(void)value_of(text, "BLEHERD_WORLD", value, sizeof(value));
	(void)value_of(text, "BLEHERD_SIM_CONTROL", world->control, sizeof(world->control));
	(void)value_of(text, "BLEHERD_WRITE_LOG", world->writes, sizeof(world->writes));
	(void)value_of(text, "BLEHERD_SIM_PID", value, sizeof(value));
	if (strstr(text, "\nBLEHERD_SOCKET=")) {
		(void)value_of(text, "BLEHERD_SOCKET", value, sizeof(value));
		(void)value_of(text, "BLEHERD_LOCK_DIR", value, sizeof(value));
		(void)value_of(text, "BLEHERD_CONFIG", value, sizeof(value));
		(void)value_of(text, "BLEHERD_DAEMON_PID", value, sizeof(value));
		world->daemon_pid = (pid_t)strtol(value, NULL, 10);
	}
	free(text);
	return world;
}

/* Whoever is left of the world was handed to us as its subreaper: nobody may still run. */
static void assert_no_children(void)
{
	int64_t end = now_ms() + CHILDREN_LIMIT_MS;
	const struct timespec most = { .tv_sec = CHILDREN_LIMIT_MS / 1000 };
	sigset_t chld;
	pid_t pid;

	/* Blocked before the first look: no end is missed between a look and the wait. */
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &chld, NULL);
	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		ck_assert_msg(pid > 0 || now_ms() < end, "a process of the world is left over");
		if (pid == 0)
			(void)sigtimedwait(&chld, NULL, &most);
	}
	(void)sigprocmask(SIG_UNBLOCK, &chld, NULL);
}

struct world *world_stop(struct world *world)
{
	int status = 0;

	if (!world)
		return NULL;
	(void)close(world->hold);
	if (world->bus_pid > 0)
		(void)kill(world->bus_pid, SIGTERM);
	ck_assert_int_eq(waitpid(world->pid, &status, 0), world->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the world ended with %d",
		      status);
	assert_no_children();
	free(world);
	return NULL;
}

const char *world_env(const char *name)
{
	const char *value = getenv(name);

	ck_assert_ptr_nonnull(value);
	return value;
}

void world_bus_kill(struct world *world)
{
	pid_t pid = world->bus_pid;

	if (pid == 0)
		pid = (pid_t)strtol(world_env("BLEHERD_BUS_PID"), NULL, 10);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	if (world->bus_pid > 0)
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	world->bus_pid = 0;
}

void world_bus_start(struct world *world)
{
	char config[160];

	(void)snprintf(config, sizeof(config), "--config-file=%s/bus.conf",
		       getenv("BLEHERD_WORLD"));
	world->bus_pid = fork_child();
	if (world->bus_pid > 0)
		return;
	(void)execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", config, (char *)NULL);
	_exit(127);
}

pid_t world_daemon_pid(const struct world *world)
{
	return world->daemon_pid;
}

char *world_ask(const struct world *world, const char *command)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	enum { ANSWER_MAX = 1 << 20 };
	char *answer = malloc(ANSWER_MAX);
	ssize_t n;

	ck_assert_ptr_nonnull(answer);
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", world->control);
	p.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(p.fd, 0);
	ck_assert_int_eq(connect(p.fd, (struct sockaddr *)&where, sizeof(where)), 0);
	ck_assert_int_eq(send(p.fd, command, strlen(command), MSG_NOSIGNAL),
			 (ssize_t)strlen(command));
	ck_assert_msg(poll(&p, 1, 5000) == 1, "the sim does not answer '%s'", command);
	n = recv(p.fd, answer, ANSWER_MAX - 1, 0);
	ck_assert_int_ge(n, 0);
	answer[n] = '\0';
	(void)close(p.fd);
	return answer;
}

void world_fault(const struct world *world, const char *format, ...)
{
	char command[256];
	char *answer;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	answer = world_ask(world, command);
	ck_assert_msg(strncmp(answer, "ok", 2) == 0, "'%s': %s", command, answer);
	free(answer);
}

unsigned world_counter(const struct world *world, const char *address, const char *key)
{
	char *text = world_ask(world, "stats");
	char wanted[64];
	unsigned value = 0;
	const char *end;
	const char *at;

	(void)snprintf(wanted, sizeof(wanted), "\"address\":\"%s\"", address);
	at = strstr(text, wanted);
	(void)snprintf(wanted, sizeof(wanted), "\"%s\":", key);
	if (at) {
		/* Its own, not the next one's. */
		end = strstr(at + 1, "\"address\":");
		at = strstr(at, wanted);
		ck_assert_msg(at && (!end || at < end), "no %s of %s in %s", key, address, text);
		value = (unsigned)strtoul(at + strlen(wanted), NULL, 10);
	}
	free(text);
	return value;
}

char *world_writes(const struct world *world)
{
	int fd = open(world->writes, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, 1);
	size_t len = 0;

	ck_assert_ptr_nonnull(text);
	if (fd < 0)
		return text;
	while (append(fd, &text, &len) > 0)
		;
	(void)close(fd);
	return text;
}

struct run run_command(const char *format, ...)
{
	struct run run = { .out = calloc(1, 1), .err = calloc(1, 1) };
	int64_t end = now_ms() + RUN_LIMIT_MS;
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	size_t len[2] = { 0, 0 };
	char command[2048];
	int out[2];
	int err[2];
	int status;
	va_list args;
	pid_t pid;
	int i;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	pid = fork_child();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	p[0].fd = out[0];
	p[1].fd = err[0];
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (now_ms() > end) {
			(void)kill(pid, SIGKILL);
			ck_abort_msg("'%s' takes more than %d ms", command, RUN_LIMIT_MS);
		}
		(void)poll(p, 2, 1000);
		for (i = 0; i < 2; i++)
			if (p[i].revents &&
			    append(p[i].fd, i ? &run.err : &run.out, &len[i]) == 0) {
				(void)close(p[i].fd);
				p[i].fd = -1;
			}
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return run;
}

void run_done(struct run *run)
{
	free(run->out);
	free(run->err);
	*run = (struct run){ 0 };
}
