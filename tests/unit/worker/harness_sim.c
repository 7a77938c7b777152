/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sim is told on its control socket, and what it counts; harness.h. */
#include "tests/unit/worker/harness.h"

#include "ipc/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { WAIT_MS = 10000 };

static bool tell_sim(struct harness *h, const char *line, char answer[256])
{
	int fd = harness_dial(h->control_path, SOCK_SEQPACKET);
	ssize_t n;

	ck_assert(send(fd, line, strlen(line), 0) >= 0);
	n = recv(fd, answer, 255, 0);
	ck_assert(n > 0);
	answer[n] = '\0';
	(void)close(fd);
	return strncmp(answer, "ok", 2) == 0;
}

bool harness_try_fault(struct harness *h, const char *line)
{
	char answer[256];

	return tell_sim(h, line, answer);
}

void harness_fault(struct harness *h, const char *line)
{
	char answer[256];

	ck_assert_msg(tell_sim(h, line, answer), "'%s': %s", line, answer);
}

const char *const HARNESS_INTERRUPTIONS[3][2] = {
	{ "restart-bluetoothd 200", NULL },
	{ "restart-bluetoothd 200 kill", NULL },
	{ "powered 0 off", "powered 0 on" },
};

void harness_silence(struct harness *h, unsigned device, bool is_on)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "silent C0:AA:BB:00:00:%02X %s", device,
		       is_on ? "on" : "off");
	harness_fault(h, line);
}

unsigned harness_stat(struct harness *h, const char *key)
{
	int fd = harness_dial(h->control_path, SOCK_SEQPACKET);
	char answer[16384] = "";
	char quoted[64];
	const char *at;

	ck_assert(send(fd, "stats", 5, 0) >= 0);
	ck_assert(recv(fd, answer, sizeof(answer) - 1, 0) > 0);
	(void)close(fd);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(answer, quoted);
	ck_assert_msg(at != NULL, "the sim does not count %s: %s", key, answer);
	return (unsigned)strtoul(at + strlen(quoted), NULL, 10);
}

void harness_stat_wait(struct harness *h, const char *key, unsigned value)
{
	uint64_t until_ms = clock_now_ms() + WAIT_MS;

	while (harness_stat(h, key) != value) {
		ck_assert_msg(clock_now_ms() < until_ms, "%s never is %u", key, value);
		harness_pump(h, 5);
	}
}
