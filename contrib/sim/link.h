/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/link.h - one link between a controller and a peripheral, and the peripheral's end.
 *
 * Pure. A controller owns its links. The struct is open for link.c, the controller and the faults.
 */
#include "contrib/sim/att.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/l2cap.h"

struct link_packet {
	unsigned boundary;
	size_t len_bytes;
	uint8_t data[CONTROLLER_ACL_BYTES];
};

struct link {
	struct controller *controller;
	struct model_device *device; /* NULL: the peer is gone, but the host was not told */
	uint16_t handle;
	uint16_t interval; /* 1.25 ms units */
	uint16_t latency;
	uint16_t timeout;   /* supervision, 10 ms units */
	uint64_t end_at_ms; /* MODEL_NEVER_MS: not ending */
	uint8_t end_reason;
	uint64_t event_at_ms; /* when the queue reaches the peripheral; never while it is empty */
	uint64_t features_at_ms; /* when the peripheral's features are known; never: not asked */
	size_t queued;
	struct link_packet queue[CONTROLLER_ACL_BUFFERS];
	uint16_t burst_handle;
	unsigned burst_left;
	uint64_t burst_at_ms;
	struct l2cap l2cap;
	struct att att;
};

/* The model's link must be up. NULL: out of memory. */
struct link *link_new(struct controller *controller, struct model_device *device, uint16_t handle);
/* Takes the model's link down. */
struct link *link_free(struct link *link);

/* An ACL packet from the host. Credits are returned when the peripheral has it. */
void link_receive(struct link *link, unsigned boundary, const uint8_t *data, size_t len_bytes,
		  uint64_t now_ms);
void link_tick(struct link *link, uint64_t now_ms);
uint64_t link_next_at_ms(const struct link *link);

/*
 * Notifies @count times what the client has subscribed to, as fast as the air carries it, one per
 * millisecond: the host's socket buffers would not hold them all at once.
 */
void link_burst(struct link *link, uint16_t handle, unsigned count, uint64_t now_ms);
/*
 * LE Read Remote Features: the question waits for one connection event, the answer for the next.
 * The kernel lets nobody use a link before; without that time bluetoothd 5.66 may see its socket
 * before MGMT Device Connected, takes the link for one that was there, and never shows its
 * services.
 */
void link_ask_features(struct link *link, uint64_t now_ms);
/* The peripheral asks for other connection parameters. */
void link_ask_parameters(struct link *link, uint16_t interval, uint16_t timeout);
/* The peripheral is out of range from now on, or back: after its timeout the link is lost. */
void link_set_vanished(struct link *link, bool vanished, uint64_t now_ms);
/* The peer goes, the host is not told, the handle stays: a link that is dead and listed. */
void link_make_ghost(struct link *link);
