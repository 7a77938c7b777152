/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/rights.h - what the program of a session may ask, as the supervisor said it (ACCESS):
 * rights, and quotas that count over all sessions of its user on this adapter. Looked at once, when
 * a request comes; what was begun is not ended, but subscriptions.
 */
#include "ipc/bucket.h"
#include "ipc/class.h"
#include "ipc/control.pb-c.h"
#include "ipc/pattern.h"
#include "ipc/rights.h"

#include <sys/queue.h>

struct chan_frame;
struct device;
struct seat;
struct seats;

enum { RIGHTS_WHY_LEN = 160, RIGHTS_SIGHTS_MAX = 32 };

/* What his open things are counted as, of memory_kib: at most so much. */
enum { RIGHTS_REQUEST_KIB = 1, RIGHTS_SUBSCRIPTION_KIB = 36 };

struct rights_sight {
	struct pattern pattern;
	bool is_seen;
};

/* A user with sessions here. */
struct tenant {
	TAILQ_ENTRY(tenant) entry;
	uint32_t uid;
	size_t n_seats;
	struct bucket bucket;
};

TAILQ_HEAD(tenants, tenant);

/* Of a seat. All zeros: it may do nothing. */
struct rights {
	struct tenant *tenant;
	uint32_t mask; /* bits of ipc/rights.h */
	char why[RIGHTS_WHY_LEN];
	uint32_t requests_per_s; /* 0: no limit */
	uint32_t queue;		 /* the same */
	uint32_t memory_kib;	 /* the same */
	/* It had them open elsewhere and sends them again: they are not asked anew. */
	uint32_t replays;
	size_t n_sights; /* a scan's */
	struct rights_sight *sights;
	uint32_t denied[RIGHTS_COUNT]; /* not told yet */
	bool has_told;		       /* since the last tick: the rest has time until the next */
};

/* A new seat's. @is_moved: another worker served it before. Errors: -ENOMEM. */
must_check int rights_begin(struct seat *seat, const Bh__Ctl__Access *said, bool is_moved);
void rights_end(struct seat *seat);

/* ACCESS: they have changed. */
void rights_changed(struct seats *seats, const Bh__Ctl__Access *said);

/**
 * rights_refuse() - whether a request is refused
 * @needs:     one of these rights
 * @out_class: and @out_text: why
 */
bool rights_refuse(struct seat *seat, uint32_t needs, const struct chan_frame *frame,
		   enum err_class *out_class, char out_text[RIGHTS_DENIAL_LEN]);

/* Whether a scan may show that device. */
bool rights_sees(const struct rights *rights, const struct device *device);

/* Tells the supervisor what was denied beside the first. */
void rights_tick(struct seats *seats);
