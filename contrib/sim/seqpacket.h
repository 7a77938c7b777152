/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/seqpacket.h - a listening SOCK_SEQPACKET socket with any number of peers on sd-event.
 *
 * Used by the control socket and by the fake MGMT. Never blocks: what does not fit into a peer's
 * queue is dropped, as the kernel does with MGMT events.
 */
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "ipc/base.h"

struct seqpacket;
struct seqpacket_peer;

/**
 * seqpacket_new() - listens on @path (a stale socket there is replaced)
 * @on_packet: one packet, cut at 64 KiB; it may send to any peer, but not free the server
 *
 * Errors: -ENAMETOOLONG, negative errno of bind(2) and listen(2), -ENOMEM.
 */
must_check int seqpacket_new(struct seqpacket **out, sd_event *event, const char *path,
			     void (*on_packet)(struct seqpacket_peer *peer, const uint8_t *data,
					       size_t len, void *userdata),
			     void *userdata);

/* Closes all peers and removes the socket from the file system. */
struct seqpacket *seqpacket_free(struct seqpacket *server);

void seqpacket_send(struct seqpacket_peer *peer, const void *data, size_t len);

/* To all peers but @except (NULL: to all). */
void seqpacket_broadcast(struct seqpacket *server, const struct seqpacket_peer *except,
			 const void *data, size_t len);

/* Never 0, and never used again: names a peer for whom something comes later. */
uint64_t seqpacket_peer_number(const struct seqpacket_peer *peer);
/* NULL: it is gone. */
struct seqpacket_peer *seqpacket_peer(const struct seqpacket *server, uint64_t number);

/* True if anybody listens: lets a caller skip making an event. */
bool seqpacket_has_peers(const struct seqpacket *server);
