/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/sim.c - control socket and write log of bleherd-sim; contrib/sim/world says where
 * they are ($BLEHERD_SIM_CONTROL, $BLEHERD_WRITE_LOG).
 */
#include "contrib/demo/sim.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define REPLY_TIMEOUT_MS 1000
#define VALUE_CHARS	 32

static int connect_control(int *out_fd)
{
	const char *path = getenv("BLEHERD_SIM_CONTROL");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (!path)
		return -ENOENT;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*out_fd = take_fd(&fd);
	return 0;
}

int sim_drop(uint32_t peripheral)
{
	_cleanup_close_ int fd = -EBADF;
	char line[64], text[18], reply[256];
	struct pollfd answer;
	ssize_t n;
	int r = connect_control(&fd);

	if (r < 0)
		return r;
	bh_format_address(report_address(peripheral), text);
	(void)snprintf(line, sizeof(line), "drop %s", text);
	if (send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	answer = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (poll(&answer, 1, REPLY_TIMEOUT_MS) <= 0)
		return -ETIMEDOUT;
	n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	return n >= 2 && memcmp(reply, "ok", 2) == 0 ? 0 : -EPROTO;
}

static int hex_digit(char c)
{
	const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -EINVAL;
}

/* Turns hexadecimal digits into text, up to the first character that is none. */
static void decode(const char *hex, char out[VALUE_CHARS])
{
	size_t at = 0;

	while (at + 1 < VALUE_CHARS) {
		int high = hex_digit(hex[2 * at]);
		int low = high < 0 ? high : hex_digit(hex[2 * at + 1]);

		if (low < 0)
			break;
		out[at++] = (char)(high << 4 | low);
	}
	out[at] = '\0';
}

static void count_line(struct tally *tally, const char *line, const char *address)
{
	const char *device = strstr(line, address), *hex = strstr(line, "\"hex\":\"");
	char value[VALUE_CHARS];
	const char *number;
	unsigned long count;

	if (!device || !hex)
		return;
	decode(hex + strlen("\"hex\":\""), value);
	number = strchr(value, '-');
	if (!number)
		return;
	count = strtoul(number + 1, NULL, 10);
	if (count < WRITES_MAX && tally->arrived[count] < UINT8_MAX)
		tally->arrived[count]++;
}

int sim_count_writes(struct tally *tally, uint32_t peripheral)
{
	const char *path = getenv("BLEHERD_WRITE_LOG");
	char line[2048], address[18];
	FILE *f = path ? fopen(path, "re") : NULL;

	if (!f)
		return path ? -errno : -ENOENT;
	bh_format_address(report_address(peripheral), address);
	while (fgets(line, sizeof(line), f))
		count_line(tally, line, address);
	(void)fclose(f);
	tally->has_write_log = true;
	return 0;
}
