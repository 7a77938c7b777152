/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/lists.h - frames of the control connection that answer questions about the daemon;
 * ctx: the client. A frame whose id is not open is dropped.
 */
#include "ipc/client/client.h"

/* The open request of a frame: outcome 1 and *out; 0 there is none; -EBADMSG of another type. */
must_check int lists_asked(struct bh_client *client, const struct chan_frame *frame, uint16_t type,
			   struct request **out);

int lists_on_status(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_adapter(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_device(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_event(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_locks(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_done(void *ctx, struct chan_frame *frame, const void *msg);
int lists_on_error(void *ctx, struct chan_frame *frame, const void *msg);

/* bh_list_adapters() and bh_events(), which scans use too; @out_id: for lists_drop(). */
must_check int lists_adapters(struct bh_client *client,
			      void (*item)(void *ctx, const struct bh_adapter *adapter),
			      bh_result_cb done, void *ctx, uint32_t *out_id);
must_check int lists_events(struct bh_client *client, bool history, bool follow,
			    void (*item)(void *ctx, const struct bh_event *event),
			    bh_result_cb done, void *ctx, uint32_t *out_id);

/* Gives up a question without an answer; an id that is not open is no error. */
void lists_drop(struct bh_client *client, uint32_t id);
