/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/chan.h - the one kind of channel: frames over a SOCK_SEQPACKET Unix socket.
 *
 * Frame: 16-byte little-endian header, then a protobuf body.
 *   u16 magic 0x4842 ("BH")   u8 version 1   u8 fds_seen   u16 type   u16 flags
 *   u32 id                    u32 epoch
 * `fds_seen` counts, modulo 256, the frames with descriptors that the sender has received so far.
 * A channel keeps at most one frame with descriptors unread by its peer (the kernel counts
 * descriptors in flight per uid, and a peer that never reads must not use up everybody's): the
 * next one waits, and all behind it, until the peer's count shows that the first arrived. To learn
 * that, the channel sends flag 1 (PING) on an empty frame of type 0; the answer is such a frame
 * without the flag. Both are handled here and never seen outside.
 *
 * A channel owns its fd and its queue of unsent frames; it has no loop of its own. It never
 * blocks: MSG_DONTWAIT on every call, since O_NONBLOCK belongs to whoever shares the description.
 * Not thread-safe. After fork: only close.
 */
#include "ipc/base.h"

#include <protobuf-c/protobuf-c.h>

struct chan;
struct chan_buf;

enum {
	CHAN_HEADER_LEN = 16,
	CHAN_BODY_CONTROL = 4096,   /* DESIGN 4: control messages */
	CHAN_BODY_DATA = 65536,	    /* DESIGN 4: values */
	CHAN_FDS_MAX = 4,	    /* a connect grant with its outsiders' slots */
	CHAN_QUEUE_FRAMES = 256,    /* unsent frames; a peer that lets more pile up is dropped */
	CHAN_READS_PER_WAKEUP = 32, /* DESIGN 2: a client must not starve the watchdog pass */
};

/* Outcomes of chan_recv(). */
enum { CHAN_FRAME = 1, CHAN_EOF = 2 };

struct chan_frame {
	uint16_t type;
	uint32_t id;
	uint32_t epoch;
	const uint8_t *body; /* in the chan_buf: valid until its next use */
	size_t len;
	int fds[CHAN_FDS_MAX]; /* the receiver's; take_fd() what is kept */
	size_t n_fds;
};

/**
 * chan_buf_new() - the receive buffer and unpacking arena that channels of a process share
 * @out:      the new buffer; release with chan_buf_free()
 * @body_max: largest body in bytes that any of its channels accepts; the arena is 4 times that
 *
 * Errors: -ENOMEM.
 */
must_check int chan_buf_new(struct chan_buf **out, size_t body_max);
struct chan_buf *chan_buf_free(struct chan_buf *buf);

/**
 * chan_new() - wrap a connected SOCK_SEQPACKET socket
 * @out:      the new channel; release with chan_free()
 * @fd:       taken over on success
 * @buf:      shared, must outlive the channel
 * @body_max: largest body in bytes accepted and sent, at most the buffer's
 *
 * Errors: -ENOMEM.  Blocks: never.
 */
must_check int chan_new(struct chan **out, int fd, struct chan_buf *buf, size_t body_max);

/* Closes the socket, drops what is queued. NULL is fine; returns NULL. */
struct chan *chan_free(struct chan *chan);

int chan_fd(const struct chan *chan);

/* Whether frames wait for the socket to become writable (poll for POLLOUT then). */
bool chan_wants_write(const struct chan *chan);

/* How many frames wait, for whatever reason. */
size_t chan_queued(const struct chan *chan);

/**
 * chan_send() - send a frame, or queue it when the socket is full
 * @type:  of the schema of this channel, not 0
 * @id:    request id; 0 where the type has none
 * @epoch: of the session; 0 where there is none
 * @msg:   body
 * @fds:   sent with it; the caller keeps them (they are duplicated if the frame must wait)
 * @n_fds: at most CHAN_FDS_MAX
 *
 * Errors: -EMSGSIZE body too large, -ENOBUFS the queue is full, -ENOMEM; -EPIPE and the like: the
 * peer has gone, though frames that it sent before may still be read.  Blocks: never.
 */
must_check int chan_send(struct chan *chan, uint16_t type, uint32_t id, uint32_t epoch,
			 const ProtobufCMessage *msg, const int *fds, size_t n_fds);

/* Sends what is queued as far as the socket takes it. 0, or the errors of chan_send(). */
must_check int chan_flush(struct chan *chan);

/**
 * chan_recv() - take one frame
 * @out: written when the outcome is CHAN_FRAME; chan_frame_done() it afterwards
 *
 * Outcomes: 0 nothing there now; CHAN_FRAME; CHAN_EOF the peer closed and all was read.
 * Errors:   -EBADMSG the peer broke the form (drop the channel); other errno of the socket.
 * Blocks:   never.
 */
must_check int chan_recv(struct chan *chan, struct chan_frame *out);

/* Closes the descriptors that were not taken. */
void chan_frame_done(struct chan_frame *frame);

/**
 * chan_unpack() - the body as a message, in the buffer's arena
 *
 * Returns the message, valid until the next chan_recv() on any channel of that buffer, or NULL: not
 * such a message, or larger than the arena. Nothing to free.
 */
void *chan_unpack(struct chan *chan, const struct chan_frame *frame,
		  const ProtobufCMessageDescriptor *descriptor);

/* What may arrive, as a table: type, what it is, how many descriptors, who handles it. */
struct chan_rule {
	uint16_t type;
	uint8_t fds_min;
	uint8_t fds_max;
	const ProtobufCMessageDescriptor *descriptor;
	int (*handle)(void *ctx, struct chan_frame *frame, const void *msg);
};

/**
 * chan_dispatch() - hand a frame to its rule
 *
 * Errors: -EBADMSG no such rule, malformed body or wrong number of descriptors; otherwise what the
 * handler returned (0, or a negative errno: drop the channel).
 */
must_check int chan_dispatch(struct chan *chan, struct chan_frame *frame,
			     const struct chan_rule *rules, size_t n_rules, void *ctx);

static inline void chan_freep(struct chan **chan)
{
	*chan = chan_free(*chan);
}
