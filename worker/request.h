/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/request.h - one open request of a session, and its one final answer.
 *
 * A request belongs to its seat's list, in order of arrival. Each of the answering functions sends
 * the answer, forgets the request on the status page and frees it.
 */
#include "ipc/session.pb-c.h"
#include "ipc/uuid.h"
#include "worker/bus.h"
#include "worker/deadline.h"

struct seat;

enum request_state {
	REQUEST_QUEUED, /* waits for the link, for its turn, or for an earlier one of its session */
	REQUEST_ISSUED, /* BlueZ has it */
	REQUEST_SHARED, /* gets the answer of another one's read */
	REQUEST_HELD,	/* waits for something else: a subscription, the end of a link, a scan */
};

struct request {
	TAILQ_ENTRY(request) entry;  /* of its seat */
	TAILQ_ENTRY(request) flying; /* of its link, while ISSUED or SHARED */
	struct seat *seat;
	uint32_t id;
	uint16_t type;
	enum request_state state;
	struct deadline deadline;
	uint64_t at_ms;
	uint64_t issued_at_ms;
	bool has_waited; /* for a link: its timings belong to the answer */
	bool is_on_page; /* a write that was given to BlueZ */
	bool has_uuid;
	bool no_response;
	bool by_socket;	   /* ISSUED, and not by D-Bus: worker/acquire_write.h */
	bool is_exclusive; /* a CONNECT: for itself alone */
	bool is_fresh;	   /* not from memory */
	bool is_cached;	   /* its answer is: nothing was waited for */
	bool is_resuming;  /* a SUBSCRIBE that was answered, and is to be there again */
	bool is_again;	   /* a SUBSCRIBE: an earlier worker may have had it */
	bool is_own;	   /* our own: nobody waits for its answer; worker/resume.h */
	bool resume;	   /* a SUBSCRIBE: it is to outlive the link */
	uint32_t silence_ms;
	uint16_t chrc; /* handle, once resolved */
	uint32_t handle;
	uint32_t subscription;
	int32_t rssi_min_dbm;
	uint64_t address;
	struct uuid uuid;
	struct validate *checks; /* of a CONNECT: what must hold first; NULL: nothing */
	bool rejects;		 /* a CONNECT: the link that its session has; why is in value */
	bool has_rejected;
	struct uuid *uuids; /* of a scan's filter */
	size_t n_uuids;
	struct bus_call *call;	/* ISSUED */
	struct request *leader; /* SHARED */
	size_t len;
	uint8_t value[];
};

enum { REQUEST_REJECT_TEXT_MAX = 127 }; /* session.proto */

/* A new one, zeroed, at the end of its seat's list. @timeout_ms: 0: none. */
void request_open(struct request *request, struct seat *seat, uint32_t id, uint16_t type,
		  uint32_t timeout_ms);

/* BlueZ has it from now on. */
void request_issued(struct request *request);

/* Whether it needs the link; the others are served without one. */
bool request_needs_link(const struct request *request);

/* Of its session; one that resumes is before nobody. */
bool request_is_first(const struct request *request);

uint32_t request_left_ms(const struct request *request);

/* Whether the link that is up has not passed its check: nobody was given it. */
bool request_is_unproven(const struct request *request);

void request_done(struct request *request, uint32_t count);
void request_value(struct request *request, const void *value, size_t len);
void request_connected(struct request *request);
void request_fail(struct request *request, enum err_class class, const char *text);

/* What carried it went, for that reason: a write that BlueZ has had is `interrupted`. */
void request_lost(struct request *request, enum err_class class, const char *text);

/* Gone without an answer: its session is. A write stays on the page if @keep_on_page. */
void request_drop(struct request *request, bool keep_on_page);
