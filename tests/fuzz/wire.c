/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/wire.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What the high bits of a frame's first byte ask for. */
enum {
	ODD_BODY = 224,	  /* from here on: the body is bytes of the feed */
	ODD_HEADER = 250, /* the header is, too */
	ODD_FDS = 240,	  /* another number of descriptors than the type has */
	PREFIX_LEN = 16,
};

struct frame {
	uint8_t bytes[CHAN_HEADER_LEN + BODY_MAX];
	size_t len;
	unsigned n_fds;
};

int wire_open(struct wire *wire)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	wire_adopt(wire, ends[0]);
	return ends[1];
}

void wire_adopt(struct wire *wire, int fd)
{
	wire_close(wire);
	*wire = (struct wire)WIRE_INIT;
	wire->fd = fd;
}

void wire_close(struct wire *wire)
{
	size_t i;

	for (i = 0; i < WIRE_FDS; i++)
		wire->fds[i] = close_fd(wire->fds[i]);
	wire->fd = close_fd(wire->fd);
}

/* --- receiving --- */

static void keep_fds(struct wire *wire, const struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fds[CHAN_FDS_MAX + 1];
	size_t n;
	size_t i;

	if (!c || c->cmsg_type != SCM_RIGHTS)
		return;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	MUST(n <= CHAN_FDS_MAX);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	wire->fds_seen++;
	for (i = 0; i < n; i++) {
		int *place = &wire->fds[wire->n_fds++ % WIRE_FDS];

		(void)close_fd(*place);
		*place = fds[i];
	}
}

bool wire_pump(struct wire *wire)
{
	static uint8_t bytes[CHAN_HEADER_LEN + CHAN_BODY_DATA];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * (CHAN_FDS_MAX + 1))];
	} control;
	ssize_t n;

	while (wire->fd >= 0) {
		struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &control,
				      .msg_controllen = sizeof(control) };

		n = recvmsg(wire->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == ECONNRESET)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		/* What we are sent keeps to the form. */
		MUST(n >= CHAN_HEADER_LEN && bytes[0] == 'B' && bytes[1] == 'H');
		keep_fds(wire, &msg);
		memcpy(&wire->ids[wire->n_ids++ % WIRE_IDS], bytes + 8, 4);
	}
	return false;
}

int wire_take_fd(struct wire *wire)
{
	size_t i;

	for (i = 0; i < WIRE_FDS; i++)
		if (wire->fds[i] >= 0)
			return take_fd(&wire->fds[i]);
	return -EBADF;
}

/* --- sending --- */

static void fill_header(struct wire *wire, struct frame *frame, uint16_t type, uint32_t id)
{
	uint8_t *h = frame->bytes;

	memset(h, 0, CHAN_HEADER_LEN);
	h[0] = 'B';
	h[1] = 'H';
	h[2] = 1;
	h[3] = wire->fds_seen;
	memcpy(h + 4, &type, 2);
	memcpy(h + 8, &id, 4);
	memcpy(h + 12, &wire->epoch, 4);
}

static void transmit(struct wire *wire, const struct frame *frame, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)frame->bytes, .iov_len = frame->len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int pipes[2] = { -EBADF, -EBADF };
	struct cmsghdr *c;
	unsigned i;

	if (frame->n_fds > 0) {
		if (fd < 0)
			MUST(pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * frame->n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * frame->n_fds);
		for (i = 0; i < frame->n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), fd >= 0 ? &fd : &pipes[0],
			       sizeof(int));
	}
	(void)!sendmsg(wire->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close_fd(pipes[0]);
	(void)close_fd(pipes[1]);
}

/* 0, a new one, one of before, or one that the peer has asked with. */
static uint32_t choose_id(struct wire *wire, struct feed *feed)
{
	uint8_t choice = feed_u8(feed);

	if (choice < 96)
		return ++wire->last_id;
	if (choice < 192)
		return wire->ids[choice % WIRE_IDS];
	return choice < 224 ? 0 : choice % 8u;
}

void wire_send(struct wire *wire, struct feed *feed, const struct wire_rules *rules, int fd)
{
	static struct frame frame;
	uint8_t choice = feed_u8(feed);
	uint8_t oddity = feed_u8(feed);
	const struct chan_rule *rule = &rules->rules[choice % rules->n];
	const uint8_t *bytes;
	uint16_t type = oddity == UINT8_MAX ? choice : rule->type;

	fill_header(wire, &frame, type, choose_id(wire, feed));
	if (oddity >= ODD_BODY) {
		frame.len = feed_bytes(feed, feed_u8(feed), &bytes);
		if (frame.len > 0)
			memcpy(frame.bytes + CHAN_HEADER_LEN, bytes, frame.len);
	} else {
		frame.len = body_make(feed, rule->descriptor, frame.bytes + CHAN_HEADER_LEN);
	}
	frame.len += CHAN_HEADER_LEN;
	if (oddity >= ODD_HEADER) {
		choice = feed_u8(feed);
		frame.bytes[choice % CHAN_HEADER_LEN] = feed_u8(feed);
		if (choice >= PREFIX_LEN * 15)
			frame.len = feed_u8(feed) % CHAN_HEADER_LEN;
	}
	frame.n_fds = oddity >= ODD_FDS && oddity < ODD_HEADER ? oddity % (CHAN_FDS_MAX + 1u)
							       : rule->fds_min;
	if (wire->fd >= 0)
		transmit(wire, &frame, fd);
}

void wire_put(struct wire *wire, uint16_t type, uint32_t id, const ProtobufCMessage *msg, int fd)
{
	static struct frame frame;

	fill_header(wire, &frame, type, id);
	frame.len = CHAN_HEADER_LEN + protobuf_c_message_pack(msg, frame.bytes + CHAN_HEADER_LEN);
	frame.n_fds = fd >= 0 ? 1 : 0;
	if (wire->fd >= 0)
		transmit(wire, &frame, fd);
}
