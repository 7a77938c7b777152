/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/guard.c - what the filter of ipc/guard costs a system call: the same calls before and
 * after confine_seal(), in one process. `make bench-guard`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "ipc/guard/confine.h"

enum { CALLS = 20000, ROUNDS = 50 };

struct bench {
	int pair[2];
	int epoll;
};

static void turn_epoll(struct bench *b)
{
	struct epoll_event event;

	(void)epoll_wait(b->epoll, &event, 1, 0);
}

static void turn_message(struct bench *b)
{
	char byte = 'x';

	(void)send(b->pair[0], &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)recv(b->pair[1], &byte, 1, MSG_DONTWAIT);
}

static void turn_getppid(struct bench *b)
{
	(void)b;
	(void)syscall(SYS_getppid);
}

static void turn_fcntl(struct bench *b)
{
	(void)fcntl(b->pair[0], F_GETFL);
}

static const struct {
	const char *name;
	void (*turn)(struct bench *b);
} TURNS[] = {
	{ "getppid", turn_getppid },
	{ "epoll_wait, nothing there", turn_epoll },
	{ "send and recv of a byte", turn_message },
	{ "fcntl(F_GETFL), checked", turn_fcntl },
};

static double ns_of(void (*turn)(struct bench *b), struct bench *b)
{
	struct timespec from;
	struct timespec to;
	double best = 1e18;
	double ns;
	int round;
	int i;

	for (round = 0; round < ROUNDS; round++) {
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (i = 0; i < CALLS; i++)
			turn(b);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ns = ((double)(to.tv_sec - from.tv_sec) * 1e9 +
		      (double)(to.tv_nsec - from.tv_nsec)) /
		     CALLS;
		best = ns < best ? ns : best;
	}
	return best;
}

int main(void)
{
	double before[ARRAY_LEN(TURNS)];
	char why[CONFINE_WHY_LEN];
	struct bench b = { .epoll = epoll_create1(0) };
	double after;
	size_t i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b.pair) < 0 || b.epoll < 0)
		return EXIT_FAILURE;
	for (i = 0; i < ARRAY_LEN(TURNS); i++)
		before[i] = ns_of(TURNS[i].turn, &b);
	if (confine_begin(0, 1024, why) < 0 || confine_seal(NULL, why) < 0) {
		(void)fprintf(stderr, "bench-guard: %s\n", why);
		return EXIT_FAILURE;
	}
	(void)printf("%-28s %10s %10s %6s\n", "", "free", "filtered", "ratio");
	for (i = 0; i < ARRAY_LEN(TURNS); i++) {
		after = ns_of(TURNS[i].turn, &b);
		(void)printf("%-28s %7.0f ns %7.0f ns %6.2f\n", TURNS[i].name, before[i], after,
			     after / before[i]);
	}
	return EXIT_SUCCESS;
}
