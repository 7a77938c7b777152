/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/simlink.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANSWER_MS = 5000 };

int simlink_open(struct simlink *link)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *control = getenv("BLEHERD_SIM_CONTROL"), *writes = getenv("BLEHERD_WRITE_LOG");

	link->control = link->writes = -EBADF;
	link->kept = link->cut = 0;
	if (!control || !writes || strlen(control) >= sizeof(address.sun_path))
		return -ENOENT;
	memcpy(address.sun_path, control, strlen(control) + 1);
	link->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (link->control < 0 ||
	    connect(link->control, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	link->writes = open(writes, O_RDONLY | O_CLOEXEC);
	return link->writes < 0 ? -errno : 0;
}

void simlink_close(struct simlink *link)
{
	link->control = close_fd(link->control);
	link->writes = close_fd(link->writes);
}

int simlink_do(struct simlink *link, const char *command)
{
	struct pollfd p = { .fd = link->control, .events = POLLIN };
	char answer[256];
	ssize_t n;

	if (send(link->control, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	if (poll(&p, 1, ANSWER_MS) != 1)
		return -ETIMEDOUT;
	n = recv(link->control, answer, sizeof(answer), 0);
	return n >= 2 && memcmp(answer, "ok", 2) == 0 ? 0 : -EPROTO;
}

/* Whole lines only: the end of what was read may be the begin of one. */
const char *simlink_read_writes(void *ctx, size_t *out_len)
{
	struct simlink *link = ctx;
	const char *end;
	size_t have;
	ssize_t n;

	memmove(link->text, link->text + link->cut, link->kept);
	n = read(link->writes, link->text + link->kept, sizeof(link->text) - link->kept);
	link->cut = 0;
	if (n <= 0)
		return NULL;
	have = link->kept + (size_t)n;
	end = memrchr(link->text, '\n', have);
	*out_len = end ? (size_t)(end - link->text) + 1 : 0;
	link->cut = *out_len;
	link->kept = have - link->cut;
	return link->text;
}
