/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/request.h - one request of the program: what was asked, until when, who gets the
 * answer. It keeps its parameters until it is answered, since a hand-over sends it again.
 *
 * A request belongs to the lane in whose list it is. No I/O but request_send(); not thread-safe.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"
#include "ipc/chan.h"
#include "ipc/session.pb-c.h"

enum {
	/* For requests without a timeout of their own: the daemon's default is well below. */
	REQUEST_DEFAULT_MS = 120000,
	/* The daemon answers a deadline itself; this is for one that hangs. */
	REQUEST_GRACE_MS = 1000,
	REQUEST_VALUE_MAX = 512,
};

/* Never expires. */
#define REQUEST_FOR_EVER UINT64_MAX

struct request_filter {
	const struct bh_uuid *uuids;
	size_t n_uuids;
	int8_t rssi_min_dbm;
	uint64_t address;
};

struct request {
	struct request *prev;
	struct request *next;
	uint32_t id;
	uint16_t type;
	bool is_sent;	/* over the present channel of its lane */
	bool is_replay; /* made at a hand-over: its answer is not the program's */
	uint32_t timeout_ms;
	uint64_t started_at_ms;
	uint64_t deadline_at_ms; /* CLOCK_MONOTONIC */

	bh_result_cb done; /* may be NULL */
	void *ctx;
	union {
		void (*status)(void *ctx, const struct bh_status *status);
		void (*adapter)(void *ctx, const struct bh_adapter *adapter);
		void (*device)(void *ctx, const struct bh_device *device);
		void (*event)(void *ctx, const struct bh_event *event);
		void (*locks)(void *ctx, int fd);
		void (*reset)(void *ctx, const struct bh_reset_news *news);
		void (*service)(void *ctx, const struct bh_service *service);
		void (*session)(void *ctx, const struct bh_session_row *row);
		void (*death)(void *ctx, const struct bh_death *death);
		void (*advert)(void *ctx, const struct bh_advert *advert);
	} item;

	struct bh_uuid uuid;
	uint64_t address; /* LINK_DROP, SESSION_OPEN; of what is about a device: its */
	uint64_t under;	  /* SESSION_OPEN: a grant, or 0 */
	uint32_t number;  /* SESSION_CLOSE: session; UNSUBSCRIBE: subscription; RESET: level;
			     HEALTH_MARK; DEATHS_REQUEST: how many */
	const char *text; /* HELLO: label; SESSION_OPEN: adapter or NULL; not owned */
	struct bh_session *session;	     /* SESSION_OPEN: whose it is */
	const struct request_filter *filter; /* SCAN; not owned */
	bool is_scan;			     /* SESSION_OPEN */
	bool wants_history;		     /* EVENTS_REQUEST */
	bool wants_follow;		     /* EVENTS_REQUEST */
	bool has_items;			     /* lists: some were given to the program */
	bool is_resumed;   /* EVENTS_REQUEST: asked again of a daemon that is back */
	bool is_marked;	   /* ... and the program has not been told so yet */
	uint64_t last_seq; /* EVENTS_REQUEST: of the last one given */
	bool no_response;  /* WRITE */
	bool resumes;	   /* SUBSCRIBE; number: its silence_ms */
	bool is_exclusive; /* CONNECT */
	bool only_list;	   /* RESET_ADAPTER */
	bool is_fresh;	   /* READ, SERVICES_REQUEST */
	const char *why; /* CONNECT: it rejects the link; in value, behind the checks. NULL: not */
	uint32_t epoch;	 /* with why: of that link; a later one is not rejected */
	bool is_failing_fast;	   /* SESSION_OPEN */
	enum bh_strategy strategy; /* STRATEGY_SET; number: its interval */
	size_t len;
	uint8_t value[]; /* WRITE; CONNECT: its checks, as struct bh_check; RESET_ADAPTER: its name;
			    DEVICE_INFO_REQUEST: its struct bh_device_items */
};

/* What one asks for; more is filled in by the caller before the lane gets it. */
struct request_args {
	uint16_t type;
	uint32_t timeout_ms; /* 0: the daemon's default */
	bool is_endless;     /* no deadline at all */
	const uint8_t *value;
	size_t len;
	const char *why; /* NULL: none */
	bh_result_cb done;
	void *ctx;
};

/**
 * request_new() - a request that is in no list yet
 * @out:  release with free(), or give it to a lane
 * @args: value and why are copied
 *
 * Errors: -ENOMEM.
 */
must_check int request_new(struct request **out, const struct request_args *args);

/* Sends it with what is left of its time. The errors of chan_send(). */
must_check int request_send(const struct request *request, struct chan *chan, uint32_t epoch,
			    uint64_t now_ms);

/* When the library answers it itself. */
uint64_t request_due_ms(const struct request *request);

/* A result that was made here. @text may be NULL: the class says it all. */
struct bh_result request_result(enum bh_class class, const char *text, const char *advice);

/* A result as the daemon sent it. */
struct bh_result request_error(const Bh__Error *error);

/* Timings from the wire; NULL: none. */
struct bh_timings request_timings(const Bh__Timings *timings);

/* NULL as "". */
const char *request_text(const char *text);
