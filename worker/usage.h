/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/usage.h - what the supervisor learns of requests and values, which do not pass through it:
 * how many, how long they took, who holds a link. Only what has changed, at most once a second, and
 * nothing while nothing happens.
 */
#include "worker/request.h"
#include "worker/worker.h"

enum { USAGE_FIRST_MS = 200, USAGE_EVERY_MS = 1000, USAGE_DEVICES_MAX = 64 };

struct usages;

must_check int usages_new(struct usages **out, struct worker *w);
struct usages *usages_free(struct usages *usages);

/* It is being answered. @class: CLASS_NONE: well. */
void usage_answered(const struct request *request, enum err_class class);

/* So many values came from a device. */
void usage_values(struct worker *w, uint64_t addr, size_t n);

/* A seat may hold its link now, or not any more. */
void usage_changed(struct worker *w);

/* Says now what there is to say. */
void usages_flush(struct usages *usages);
