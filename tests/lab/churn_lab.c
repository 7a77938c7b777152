/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/lab/churn_lab.c - what tests/integ/test_churn.c does, on the real kernel and bluetoothd: 4
 * programs and 10 peripherals while links drop. A line for each promise; status 1 if one was
 * broken. churn-lab SECONDS SEED
 */
#include "tests/support/churn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAMS = 4, DEVICES = 10, FAULT_MS = 3000, SIM_MS = 5000, WRITES_MAX = 1 << 26 };

static const uint64_t FIRST = 0xc0aabb000000;
static unsigned failed;

/* The radio's answer is ok: there was a link. */
static bool drop(int sim, uint32_t device)
{
	struct pollfd p = { .fd = sim, .events = POLLIN };
	char command[64], answer[256];
	ssize_t n;

	(void)snprintf(command, sizeof(command), "drop C0:AA:BB:00:00:%02X", device);
	if (send(sim, command, strlen(command), MSG_NOSIGNAL) < 0 || poll(&p, 1, SIM_MS) != 1)
		return false;
	n = recv(sim, answer, sizeof(answer), 0);
	return n >= 2 && memcmp(answer, "ok", 2) == 0;
}

static int sim_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("BLEHERD_SIM_CONTROL");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	(void)fputs("churn-lab: the radio does not listen\n", stderr);
	exit(70);
}

static char *writes(void)
{
	const char *path = getenv("BLEHERD_WRITE_LOG");
	char *text = calloc(1, WRITES_MAX);
	FILE *f = fopen(path ? path : "", "re");

	if (!text || !f) {
		(void)fputs("churn-lab: no write log\n", stderr);
		exit(70);
	}
	(void)!fread(text, 1, WRITES_MAX - 1, f);
	(void)fclose(f);
	return text;
}

static void expect(bool is_so, const char *what, uint32_t n)
{
	printf("%-4s %-44s %u\n", is_so ? "ok" : "FAIL", what, n);
	failed += !is_so;
}

static void judge(const struct churn_report *reports)
{
	struct churn_verdict v = churn_judge(reports, PROGRAMS, FIRST, writes());
	static struct churn_report sum;

	for (size_t i = 0; i < PROGRAMS; i++) {
		const struct churn_report *r = &reports[i];

		expect(r->is_over, "a program has ended", (uint32_t)i);
		sum.asked += r->asked;
		sum.ok += r->ok;
		sum.twice += r->twice;
		sum.unanswered += r->unanswered;
		sum.shared += r->shared;
		sum.notified += r->notified;
		sum.doubled += r->doubled;
		sum.unannounced += r->unannounced;
		sum.link_losses += r->link_losses;
		sum.resumed += r->resumed;
		sum.moves += r->moves;
		if (r->longest_ms > sum.longest_ms)
			sum.longest_ms = r->longest_ms;
		for (size_t c = 0; c < CHURN_CLASSES; c++)
			sum.classes[c] += r->classes[c];
	}
	printf("requests %u, done %u, reads %u, writes %u, values %u, links lost %u, back %u, "
	       "moves %u\n",
	       sum.asked, sum.ok, v.reads, v.writes, sum.notified, sum.link_losses, sum.resumed,
	       sum.moves);
	for (size_t c = 1; c < CHURN_CLASSES; c++)
		if (sum.classes[c] > 0)
			printf("     %s %u\n", bh_class_name((enum bh_class)c), sum.classes[c]);
	expect(sum.unanswered == 0, "requests without an answer", sum.unanswered);
	expect(sum.twice == 0, "answers given twice", sum.twice);
	expect(sum.longest_ms <= CHURN_LATE_MS, "the longest answer, ms", sum.longest_ms);
	expect(v.doubles == 0, "writes that arrived twice", v.doubles);
	expect(v.missing == 0, "writes that were done and never arrived", v.missing);
	expect(v.stale == 0, "reads of an older value", v.stale);
	expect(v.odd == 0, "reads of what nobody wrote", v.odd);
	expect(sum.shared == 0, "writes of others on a link of one's own", sum.shared);
	expect(sum.doubled == 0, "values given twice", sum.doubled);
	expect(sum.unannounced == 0, "values lost without a word", sum.unannounced);
	expect(sum.classes[BH_CLASS_INTERNAL] == 0, "failures of our own",
	       sum.classes[BH_CLASS_INTERNAL]);
	expect(sum.link_losses > 0, "links were lost", sum.link_losses);
	expect(sum.ok >= sum.asked / 10 * 8, "done, of ten or more", sum.ok);
}

int main(int argc, char **argv)
{
	uint32_t seconds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 180;
	uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
	int64_t end_us = churn_now_us() + (int64_t)seconds * 1000000;
	struct churn_report *reports = churn_reports(PROGRAMS);
	uint32_t random = seed * 2654435761u + PROGRAMS + 1, drops = 0;
	int sim = sim_connect();

	printf("churn-lab: %u s, seed %u\n", seconds, seed);
	(void)fflush(stdout);
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		struct churn_plan plan = { i, seed, DEVICES, FIRST, end_us / 1000 };

		(void)churn_start(&plan, &reports[i]);
	}
	while (churn_now_us() < end_us) {
		uint32_t ms = 1 + churn_random(&random, FAULT_MS), from;
		struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

		(void)nanosleep(&t, NULL);
		from = churn_random(&random, DEVICES);
		for (uint32_t i = 0; i < DEVICES; i++) {
			if (!drop(sim, (from + i) % DEVICES))
				continue;
			drops++;
			break;
		}
	}
	/* Each ends by itself: its last episode has deadlines. */
	while (wait(NULL) > 0)
		;
	printf("drops %u\n", drops);
	judge(reports);
	return failed > 0;
}
