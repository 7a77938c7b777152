/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/report.c - the pipe between the demo's programs and its conductor; see report.h.
 */
#include "contrib/demo/report.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* A conductor that reads nothing for so long is not there any more. */
#define SEND_TIMEOUT_MS 2000

uint64_t report_clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t report_address(uint32_t peripheral)
{
	return DEMO_FIRST_ADDRESS + peripheral;
}

uint32_t report_peripheral(uint64_t address)
{
	if (address < DEMO_FIRST_ADDRESS || address >= DEMO_FIRST_ADDRESS + DEMO_PERIPHERALS)
		return DEMO_NOBODY;
	return (uint32_t)(address - DEMO_FIRST_ADDRESS);
}

void report_text(char *out, size_t size_bytes, const void *text, size_t len_bytes)
{
	const char *from = text;
	size_t at = 0;

	while (at + 1 < size_bytes && at < len_bytes && from[at]) {
		out[at] = from[at] >= ' ' && from[at] <= '~' ? from[at] : '?';
		at++;
	}
	out[at] = '\0';
}

static int send_datagram(int fd, const void *data, size_t len_bytes, int timeout_ms)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (send(fd, data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || timeout_ms == 0)
			return -errno;
		if (poll(&room, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

static int receive_datagram(int fd, void *data, size_t size_bytes)
{
	ssize_t n;

	do
		n = recv(fd, data, size_bytes, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	return (size_t)n == size_bytes ? 1 : -EPROTO;
}

int report_send(int fd, const struct report *report)
{
	return send_datagram(fd, report, sizeof(*report), SEND_TIMEOUT_MS);
}

int report_receive(int fd, struct report *out)
{
	struct report report;
	int r = receive_datagram(fd, &report, sizeof(report));

	if (r == 1)
		*out = report;
	return r;
}

int report_send_command(int fd, enum command command)
{
	char byte = (char)command;

	return send_datagram(fd, &byte, sizeof(byte), 0);
}

int report_receive_command(int fd, enum command *out)
{
	char byte;
	int r = receive_datagram(fd, &byte, sizeof(byte));

	if (r == 1)
		*out = (enum command)byte;
	return r;
}
