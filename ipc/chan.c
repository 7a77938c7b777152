/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/chan.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { MAGIC = 0x4842, VERSION = 1, FLAG_PING = 1 };
enum { OWES_PING = 1, OWES_PONG = 2 };

struct header {
	uint16_t magic;
	uint8_t version;
	uint8_t fds_seen;
	uint16_t type;
	uint16_t flags;
	uint32_t id;
	uint32_t epoch;
};
static_assert(sizeof(struct header) == CHAN_HEADER_LEN, "the header is 16 bytes on the wire");

struct queued {
	struct queued *next;
	size_t len;
	size_t n_fds;
	int fds[CHAN_FDS_MAX];
	uint8_t data[];
};

struct chan_buf {
	size_t body_max;
	size_t arena_len;
	size_t arena_used;
	uint8_t *out; /* packing: header and body */
	uint8_t *in;  /* receiving */
	uint8_t *arena;
};

struct chan {
	int fd;
	struct chan_buf *buf;
	size_t body_max;
	struct queued *head;
	struct queued **tail;
	size_t n_queued;
	uint8_t fds_sent;     /* frames with descriptors, modulo 256 */
	uint8_t fds_arrived;  /* of those, as the peer last said */
	uint8_t fds_received; /* from the peer */
	uint16_t owed;	      /* OWES_*: could not be sent yet */
	bool is_ping_out;     /* asked, not answered */
};

/* --- buffer and arena --- */

int chan_buf_new(struct chan_buf **out, size_t body_max)
{
	struct chan_buf *buf;
	size_t frame = CHAN_HEADER_LEN + body_max;

	buf = calloc(1, sizeof(*buf));
	if (!buf)
		return -ENOMEM;
	buf->body_max = body_max;
	buf->arena_len = 4 * body_max;
	buf->out = malloc(frame);
	buf->in = malloc(frame);
	buf->arena = malloc(buf->arena_len);
	if (!buf->out || !buf->in || !buf->arena) {
		chan_buf_free(buf);
		return -ENOMEM;
	}
	*out = buf;
	return 0;
}

struct chan_buf *chan_buf_free(struct chan_buf *buf)
{
	if (!buf)
		return NULL;
	free(buf->out);
	free(buf->in);
	free(buf->arena);
	free(buf);
	return NULL;
}

static void *arena_alloc(void *data, size_t size)
{
	struct chan_buf *buf = data;
	size_t at = buf->arena_used;

	size = (size + 15u) & ~(size_t)15u;
	if (size > buf->arena_len - at)
		return NULL;
	buf->arena_used = at + size;
	return buf->arena + at;
}

static void arena_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer;
}

/* --- channel --- */

int chan_new(struct chan **out, int fd, struct chan_buf *buf, size_t body_max)
{
	struct chan *chan;

	assert(body_max <= buf->body_max);
	chan = calloc(1, sizeof(*chan));
	if (!chan)
		return -ENOMEM;
	chan->fd = fd;
	chan->buf = buf;
	chan->body_max = body_max;
	chan->tail = &chan->head;
	*out = chan;
	return 0;
}

static void close_all(int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fds[i] = close_fd(fds[i]);
}

static void drop_head(struct chan *chan)
{
	struct queued *q = chan->head;

	chan->head = q->next;
	if (!chan->head)
		chan->tail = &chan->head;
	chan->n_queued--;
	close_all(q->fds, q->n_fds);
	free(q);
}

struct chan *chan_free(struct chan *chan)
{
	if (!chan)
		return NULL;
	while (chan->head)
		drop_head(chan);
	(void)close_fd(chan->fd);
	free(chan);
	return NULL;
}

int chan_fd(const struct chan *chan)
{
	return chan->fd;
}

static bool has_unread_fds(const struct chan *chan)
{
	return chan->fds_sent != chan->fds_arrived;
}

static bool must_wait(const struct chan *chan, const struct queued *q)
{
	return q->n_fds > 0 && has_unread_fds(chan);
}

bool chan_wants_write(const struct chan *chan)
{
	return chan->owed != 0 || (chan->head && !must_wait(chan, chan->head));
}

size_t chan_queued(const struct chan *chan)
{
	return chan->n_queued;
}

/* 0 sent, -EAGAIN the socket is full, or the error. */
static int transmit(struct chan *chan, uint8_t *frame, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = frame, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	frame[offsetof(struct header, fds_seen)] = chan->fds_received;
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		n = sendmsg(chan->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n_fds > 0)
		chan->fds_sent++;
	return 0;
}

static size_t put_header(uint8_t *frame, uint16_t type, uint16_t flags, uint32_t id, uint32_t epoch)
{
	struct header h = {
		.magic = htole16(MAGIC),
		.version = VERSION,
		.type = htole16(type),
		.flags = htole16(flags),
		.id = htole32(id),
		.epoch = htole32(epoch),
	};

	memcpy(frame, &h, sizeof(h));
	return sizeof(h);
}

/* Sends the question or the answer about descriptors; a full socket leaves it owed. */
static int send_ping(struct chan *chan, uint16_t owes)
{
	uint8_t frame[CHAN_HEADER_LEN];
	int r;

	(void)put_header(frame, 0, owes == OWES_PING ? FLAG_PING : 0, 0, 0);
	r = transmit(chan, frame, sizeof(frame), NULL, 0);
	chan->owed = (uint16_t)(r == -EAGAIN ? chan->owed | owes : chan->owed & ~owes);
	return r == -EAGAIN ? 0 : r;
}

static int send_owed(struct chan *chan)
{
	int r = 0;

	if (chan->owed & OWES_PONG)
		r = send_ping(chan, OWES_PONG);
	if (r == 0 && (chan->owed & OWES_PING))
		r = send_ping(chan, OWES_PING);
	return r;
}

static int enqueue(struct chan *chan, const uint8_t *frame, size_t len, const int *fds,
		   size_t n_fds)
{
	struct queued *q;
	size_t i;

	if (chan->n_queued >= CHAN_QUEUE_FRAMES)
		return -ENOBUFS;
	q = malloc(sizeof(*q) + len);
	if (!q)
		return -ENOMEM;
	q->next = NULL;
	q->len = len;
	q->n_fds = n_fds;
	memcpy(q->data, frame, len);
	for (i = 0; i < n_fds; i++) {
		q->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (q->fds[i] < 0) {
			close_all(q->fds, i);
			free(q);
			return -errno;
		}
	}
	*chan->tail = q;
	chan->tail = &q->next;
	chan->n_queued++;
	return 0;
}

/* Asks the peer how many descriptors arrived, once, when a frame with some has to wait for that. */
static int ask_for_arrival(struct chan *chan)
{
	if (!chan->head || !must_wait(chan, chan->head) || chan->is_ping_out)
		return 0;
	chan->is_ping_out = true;
	return send_ping(chan, OWES_PING);
}

int chan_flush(struct chan *chan)
{
	int r = send_owed(chan);

	if (r < 0)
		return r;
	while (chan->head && !must_wait(chan, chan->head)) {
		struct queued *q = chan->head;

		r = transmit(chan, q->data, q->len, q->fds, q->n_fds);
		if (r == -EAGAIN)
			return 0;
		if (r < 0)
			return r;
		drop_head(chan);
	}
	return ask_for_arrival(chan);
}

int chan_send(struct chan *chan, uint16_t type, uint32_t id, uint32_t epoch,
	      const ProtobufCMessage *msg, const int *fds, size_t n_fds)
{
	uint8_t *frame = chan->buf->out;
	size_t body;
	size_t len;
	int r = -EAGAIN;

	assert(type != 0 && n_fds <= CHAN_FDS_MAX);
	body = protobuf_c_message_get_packed_size(msg);
	if (body > chan->body_max)
		return -EMSGSIZE;
	len = put_header(frame, type, 0, id, epoch);
	len += protobuf_c_message_pack(msg, frame + len);

	if (!chan->head && !(n_fds > 0 && has_unread_fds(chan)))
		r = transmit(chan, frame, len, fds, n_fds);
	if (r != -EAGAIN)
		return r;
	r = enqueue(chan, frame, len, fds, n_fds);
	return r < 0 ? r : ask_for_arrival(chan);
}

/* --- receiving --- */

static int take_fds(struct msghdr *msg, struct chan_frame *out)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(out->fds + out->n_fds, CMSG_DATA(c), n * sizeof(int));
		out->n_fds += n;
	}
	return msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : 0;
}

/* One datagram. Its length, 0 nothing there or end of file (*out_eof), or the error. */
static ssize_t receive(struct chan *chan, struct chan_frame *out, bool *out_eof)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = chan->buf->in,
			     .iov_len = CHAN_HEADER_LEN + chan->body_max };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;
	int r;

	/*
	 * ECONNRESET comes before data that is already queued (the peer closed with something
	 * unread): it is reported once, after that the data can be read, and then 0.
	 */
	do {
		n = recvmsg(chan->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EWOULDBLOCK ? 0 : -errno;
	r = take_fds(&msg, out);
	if (r < 0)
		return r;
	*out_eof = n == 0;
	return n;
}

static int parse(struct chan *chan, size_t n, struct chan_frame *out, uint16_t *out_flags)
{
	struct header h;

	if (n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, chan->buf->in, sizeof(h));
	if (le16toh(h.magic) != MAGIC || h.version != VERSION)
		return -EBADMSG;
	out->type = le16toh(h.type);
	out->id = le32toh(h.id);
	out->epoch = le32toh(h.epoch);
	out->body = chan->buf->in + sizeof(h);
	out->len = n - sizeof(h);
	*out_flags = le16toh(h.flags);
	if (out->n_fds > 0)
		chan->fds_received++;
	/* It can only have seen what was sent: one at most is under way. */
	if (h.fds_seen != chan->fds_sent && h.fds_seen != chan->fds_arrived)
		return -EBADMSG;
	if (h.fds_seen == chan->fds_sent)
		chan->fds_arrived = h.fds_seen;
	return 0;
}

/* A peer that has gone may have left frames: they are read first. */
static int ignore_gone(int r)
{
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

/* A frame of type 0: a question about descriptors, or the answer to ours. */
static int handle_ping(struct chan *chan, const struct chan_frame *frame, uint16_t flags)
{
	if (frame->len > 0 || frame->n_fds > 0)
		return -EBADMSG;
	if (flags & FLAG_PING)
		return ignore_gone(send_ping(chan, OWES_PONG));
	chan->is_ping_out = false;
	return 0;
}

int chan_recv(struct chan *chan, struct chan_frame *out)
{
	struct chan_frame frame;
	uint16_t flags;
	bool eof = false;
	ssize_t n;
	int r;

	chan->buf->arena_used = 0;
	for (;;) {
		frame = (struct chan_frame){ .n_fds = 0 };
		n = receive(chan, &frame, &eof);
		if (n == 0)
			return eof ? CHAN_EOF : 0;
		r = n < 0 ? (int)n : parse(chan, (size_t)n, &frame, &flags);
		if (r == 0 && frame.type == 0)
			r = handle_ping(chan, &frame, flags);
		if (r == 0 && chan->head)
			r = ignore_gone(chan_flush(chan));
		if (r < 0) {
			chan_frame_done(&frame);
			return r;
		}
		if (frame.type != 0)
			break;
	}
	*out = frame;
	return CHAN_FRAME;
}

void chan_frame_done(struct chan_frame *frame)
{
	close_all(frame->fds, frame->n_fds);
	frame->n_fds = 0;
}

void *chan_unpack(struct chan *chan, const struct chan_frame *frame,
		  const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCAllocator arena = { .alloc = arena_alloc,
				     .free = arena_free,
				     .allocator_data = chan->buf };

	return protobuf_c_message_unpack(descriptor, &arena, frame->len, frame->body);
}

int chan_dispatch(struct chan *chan, struct chan_frame *frame, const struct chan_rule *rules,
		  size_t n_rules, void *ctx)
{
	const void *msg;
	size_t i;

	for (i = 0; i < n_rules; i++)
		if (rules[i].type == frame->type)
			break;
	if (i == n_rules || frame->n_fds < rules[i].fds_min || frame->n_fds > rules[i].fds_max)
		return -EBADMSG;
	msg = chan_unpack(chan, frame, rules[i].descriptor);
	return msg ? rules[i].handle(ctx, frame, msg) : -EBADMSG;
}
