/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/connect_client.c - connect-client: commands in, JSON out; see connect_client.h.
 *
 *   connect-client ADDR...        commands on standard input
 *   connect-client first ADDR     connect, read, print the value, end
 *   connect-client start CMD...   nanoseconds from the start of CMD to its first line
 */
#include "tests/bench/connect_client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static const char ECHO[] = "fff3";

static const struct command {
	const char *name;
	void (*run)(struct bench *bench, const char *text);
} COMMANDS[] = {
	{ "find", do_find },	   { "open", do_open },	    { "close", do_close },
	{ "cycle", do_cycle },	   { "fresh", do_fresh },   { "read", do_read },
	{ "kill", do_kill },	   { "sub", do_subscribe }, { "unsub", do_unsubscribe },
	{ "receive", do_receive }, { "burst", do_burst },   { "settle", do_settle },
	{ "reach", do_reach },	   { "write", do_write },   { "stay", do_stay },
	{ "lock", do_lock },
};

void give_up(const char *format, ...)
{
	va_list args;

	(void)fputs("connect-client: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	_exit(1);
}

uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- one-shot programs --- */

int first_value(const char *address)
{
	struct bh_client *bh;
	struct bh_session *session;
	struct bh_answer answer;
	struct bh_uuid echo;
	uint64_t number;

	if (bh_parse_address(address, &number) < 0 || bh_parse_uuid(ECHO, &echo) < 0)
		give_up("not an address: %s", address);
	if (bh_new(&bh, NULL, "bench") < 0)
		give_up("no daemon");
	if (bh_session_open_sync(&session, bh, number, NULL, WAIT_MS, &answer) != 0 ||
	    bh_connect_sync(session, WAIT_MS, &answer) != 0 ||
	    bh_read_sync(session, &echo, WAIT_MS, &answer) != 0)
		give_up("%s: %s", address, answer.text);
	printf("%.*s\n", (int)answer.len_bytes, (const char *)answer.value);
	(void)fflush(stdout);
	bh_answer_clear(&answer);
	(void)bh_session_close(session);
	(void)bh_free(bh);
	return 0;
}

static uint64_t us_of(const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime;
	const struct timeval *system = &usage->ru_stime;

	return (uint64_t)(user->tv_sec + system->tv_sec) * 1000000 +
	       (uint64_t)(user->tv_usec + system->tv_usec);
}

int start_and_time(char *const argv[])
{
	uint64_t began_us, us;
	struct rusage usage;
	int fds[2], status = 0;
	char byte = 0;
	pid_t pid;

	if (pipe2(fds, 0) < 0)
		give_up("no pipe");
	began_us = now_us();
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(fds[1]);
	while (byte != '\n' && read(fds[0], &byte, 1) == 1)
		;
	us = now_us() - began_us;
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0 || byte != '\n')
		give_up("%s: status %d", argv[0], status);
	printf("{\"wall_us\": %" PRIu64 ", \"cpu_us\": %" PRIu64 "}\n", us, us_of(&usage));
	return 0;
}

/* --- commands --- */

static uint64_t lost(const struct bench *bench)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bench->n; i++)
		sum += bench->peripherals[i].lost;
	return sum;
}

static void obey(struct bench *bench, char *line)
{
	const struct command *command = NULL;
	const size_t len = strcspn(line, " \n");
	uint64_t began_us;

	for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
		if (strlen(COMMANDS[i].name) == len && memcmp(COMMANDS[i].name, line, len) == 0)
			command = &COMMANDS[i];
	if (!command)
		give_up("no such command: %s", line);
	line[strcspn(line, "\n")] = '\0';
	bench->n_samples = 0;
	began_us = now_us();
	command->run(bench, line + len);
	printf("{\"wall_us\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"samples_us\": [",
	       now_us() - began_us, lost(bench));
	for (size_t i = 0; i < bench->n_samples; i++)
		printf("%s%u", i > 0 ? ", " : "", bench->samples_us[i]);
	(void)puts("]}");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct bench bench = { .sim_fd = -EBADF };
	char line[128];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 3 && strcmp(argv[1], "first") == 0)
		return first_value(argv[2]);
	if (argc > 2 && strcmp(argv[1], "start") == 0)
		return start_and_time(argv + 2);
	if (argc < 2 || argc - 1 > PERIPHERALS_MAX)
		give_up("usage: connect-client ADDR... | first ADDR | start CMD...");
	for (int i = 1; i < argc; i++) {
		struct peripheral *p = &bench.peripherals[bench.n++];

		p->bench = &bench;
		if (bh_parse_address(argv[i], &p->address) < 0)
			give_up("not an address: %s", argv[i]);
	}
	if (bh_parse_uuid(ECHO, &bench.echo) < 0 || bh_new(&bench.bh, NULL, "bench") < 0)
		give_up("no daemon");
	while (fgets(line, sizeof(line), stdin))
		obey(&bench, line);
	for (size_t i = 0; i < bench.n; i++)
		(void)bh_session_close(bench.peripherals[i].session);
	(void)bh_free(bench.bh);
	return 0;
}
