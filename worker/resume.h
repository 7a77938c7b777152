/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/resume.h - subscriptions that outlive their link (Subscribe.resume).
 *
 * When the link goes, such a subscription becomes a SUBSCRIBE once more: an open request without a
 * deadline, which wants the link as any other. It keeps its number, its count and what its program
 * has not taken. Where the attempts for it end without a link it rests, longer each time, and wants
 * nothing meanwhile; a link that somebody else brings up is used at once. What another link would
 * not change ends it.
 */
#include "ipc/class.h"
#include "worker/deadline.h"

struct link;
struct request;
struct seat;
struct subscriber;

enum {
	RESUME_BASE_MS = 2000,
	RESUME_MAX_MS = 60000,
	RESUME_SPREAD_PERCENT = 20,
	/* Its attempts have as long as a CONNECT that names no deadline (seat_rules.c). */
	RESUME_ATTEMPTS_MS = 40000,
	/* A link that went sooner is one that cannot be had. */
	RESUME_STEADY_MS = 10000,
};

/* Of a link. */
struct resume {
	bool is_resting;
	unsigned n_rests; /* since there was a steady link */
	unsigned n_short; /* links that were not, since then */
	struct deadline rest;
	uint64_t until_ms; /* of the attempts under way */
	uint64_t up_at_ms;
};

/**
 * resume_rest_ms() - how long to rest; pure
 * @n_rests: how often it has rested already
 * @random:  any number: the same programs must not come back in step
 */
uint32_t resume_rest_ms(unsigned n_rests, uint32_t random);

/* Whether it goes on where its link ended with that class. */
bool resume_is_hopeful(enum err_class class);

/* Its link goes: it is a request from now on. False: it cannot be, and ends. */
bool resume_park(struct subscriber *s, enum err_class class);

/* A request that is_resuming fails: whether it stays. */
bool resume_keeps(struct request *request, enum err_class class);

/* Whether it is one that waits for nothing but time. */
bool resume_rests(const struct request *request);

/* Its program wants none any more. */
void resume_end(struct seat *seat);

/* It is there again. */
void resume_done(struct request *request);

/* Attempts may begin. */
void resume_begin(struct link *link);
/* The link went, is up: one that goes at once again and again is not had at once again. */
void resume_link_lost(struct link *link);
void resume_link_up(struct link *link);

/* bluetoothd was gone and is back: that was no fault of the device. */
void resume_anew(struct link *link, void *unused);

/* Whether one of the seat's subscriptions waits for the link. */
bool resume_is_any(const struct seat *seat);
void resume_on_rest(struct deadline *deadline);
