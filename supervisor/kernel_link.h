/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/kernel_link.h - answers a worker that asks what the kernel says of a link: MGMT's list
 * of connections, and the kernel's own, which has those that come and go too (one ioctl; only where
 * the MGMT socket is the kernel's). What cannot be asked is unknown: then BlueZ is believed.
 */
#include "ipc/chan.h"
#include "supervisor/mgmt_codec.h"

struct kernel_link_words {
	bool is_listed_known; /* MGMT answered */
	bool is_listed;
	bool is_state_known; /* HCIGETCONNLIST answered */
	int state;	     /* BT_CONNECTED, ...; 0: not in that list */
};

/* Both words as one: the number of control.proto's KernelState. Pure. */
int kernel_link_state(const struct kernel_link_words *words);

/* KERNEL_LINK; ctx: struct child of an adapter. */
int kernel_link_asked(void *ctx, struct chan_frame *frame, const void *msg);
