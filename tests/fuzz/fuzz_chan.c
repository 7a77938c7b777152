/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A channel with a peer that breaks the form: headers, lengths, descriptors, bodies of every schema
 * and 64 KiB; while we send with descriptors, too. Each message that is taken can be packed again.
 */
#include "ipc/control.pb-c.h"
#include "ipc/lock.pb-c.h"
#include "ipc/session.pb-c.h"
#include "tests/fuzz/wire.h"

#include <string.h>
#include <sys/socket.h>

static struct chan *chan;

static int on_message(void *ctx, struct chan_frame *frame, const void *msg)
{
	static uint8_t packed[4 * CHAN_BODY_DATA];
	const ProtobufCMessage *message = msg;

	(void)ctx;
	feed_touch(frame->body, frame->len);
	if (protobuf_c_message_get_packed_size(message) <= sizeof(packed))
		(void)protobuf_c_message_pack(message, packed);
	/* Answered with a descriptor: the next one has to wait for its arrival. */
	if (frame->n_fds > 0)
		(void)!chan_send(chan, 1, frame->id, 0, message, frame->fds, 1);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ 1, 0, 4, &bh__ctl__hello__descriptor, on_message },
	{ 2, 0, 0, &bh__ctl__sightings__descriptor, on_message },
	{ 3, 1, 1, &bh__ctl__session_attach__descriptor, on_message },
	{ 4, 0, 0, &bh__ctl__usage__descriptor, on_message },
	{ 5, 0, 4, &bh__lock__held__descriptor, on_message },
	{ 6, 0, 0, &bh__lock__acquire__descriptor, on_message },
	{ 7, 0, 0, &bh__service__descriptor, on_message },
	{ 8, 0, 0, &bh__notified__descriptor, on_message },
	{ 9, 0, 0, &bh__connect__descriptor, on_message },
	{ 10, 0, 0, &bh__moved__descriptor, on_message },
	{ 11, 0, 0, &bh__advert__descriptor, on_message },
	{ 12, 0, 0, &bh__adapter__descriptor, on_message },
	{ 13, 0, 0, &bh__write__descriptor, on_message },
};
static const struct wire_rules RULES_SENT = { RULES, ARRAY_LEN(RULES) };

static int read_all(void)
{
	struct chan_frame frame;
	int r;

	while ((r = chan_recv(chan, &frame)) == CHAN_FRAME) {
		r = chan_dispatch(chan, &frame, RULES, ARRAY_LEN(RULES), NULL);
		chan_frame_done(&frame);
		if (r < 0)
			return r;
	}
	return r;
}

/* The rest of the input as one datagram, @times as long. */
static void send_rest(struct wire *wire, struct feed *feed, unsigned times)
{
	static uint8_t bytes[CHAN_HEADER_LEN + CHAN_BODY_DATA + 1];
	const uint8_t *rest;
	size_t n = feed_bytes(feed, feed->left, &rest);
	size_t len = 0;

	while (n > 0 && times-- > 0 && len + n <= sizeof(bytes)) {
		memcpy(bytes + len, rest, n);
		len += n;
	}
	(void)!send(wire->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed feed = { data, size };
	struct wire wire = WIRE_INIT;
	struct chan_buf *buf;
	int r = 0;

	MUST(chan_buf_new(&buf, CHAN_BODY_DATA) == 0);
	MUST(chan_new(&chan, wire_open(&wire), buf, CHAN_BODY_DATA) == 0);
	while (feed.left > 0 && r == 0) {
		switch (feed_u8(&feed) % 8) {
		case 0:
			send_rest(&wire, &feed, 1);
			break;
		case 1:
			send_rest(&wire, &feed, 65536);
			break;
		case 2:
			(void)wire_pump(&wire);
			r = chan_flush(chan);
			continue;
		default:
			wire_send(&wire, &feed, &RULES_SENT, -EBADF);
		}
		r = read_all();
	}
	chan = chan_free(chan);
	chan_buf_free(buf);
	wire_close(&wire);
	return 0;
}
