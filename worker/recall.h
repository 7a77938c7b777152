/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/recall.h - answers from memory: services without a link, and values that never change
 * (`fixed` in the rules of their device) without radio. What is remembered is in gatt_cache.h.
 *
 * It is learned on a link that is up, compared with BlueZ's objects whenever they change, and
 * forgotten when the peripheral says Service Changed (BlueZ replaces objects of a link that is up),
 * when its bond is gone, when BlueZ is made to forget it, and with CACHE_CLEAR. The first read
 * after that asks the peripheral, and the others share its answer.
 */
#include "worker/link.h"

/* Answers it, if that can be done without radio. false: nothing happened. */
bool recall_try(struct link *link, struct request *request);

/* The link is up, with these services. */
void recall_up(const struct link *link);
/* A read was answered: a value that never changes is kept. */
void recall_value(const struct link *link, uint16_t handle, const void *value, size_t len);
/* It is about to be written: so it changes after all. */
void recall_written(const struct link *link, uint16_t handle);

/* Something of a device changed, whoever uses it. */
void recall_device(const struct worker *w, const struct device *device, unsigned changes);

/* CACHE_CLEAR, answered by CACHE_CLEARED; ctx: the worker. */
int recall_on_clear(void *ctx, struct chan_frame *frame, const void *msg);
/* The worker ends: nothing waits for an answer any more. */
void recall_end(struct worker *w);
