/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/sessions_state.h - what sessions.c, finder*.c, handover.c and keepers share. For
 * nobody else.
 */
#include <sys/queue.h>

#include "supervisor/adapters.h"
#include "supervisor/events.h"
#include "supervisor/sessions.h"

enum {
	SESSION_NO_ADAPTER = ADAPTERS_NOBODY,
	SESSION_ISSUED_MAX = 512, /* ids of a MOVED: 6 bytes each, its body 4 KiB */
	SESSION_BLAMES_MAX = 2,	  /* DESIGN 4, poison */
	ROOM_AGAIN_MS = 5000,	  /* between moves for want of room: what people notice */
	SESSION_BARRED_MS = 1000, /* an adapter that gave it up is not asked again at once */
	SESSION_REASON_LEN = 128,
};

enum session_state { SESSION_OPENING, SESSION_SERVED, SESSION_HOMELESS };

struct session {
	TAILQ_ENTRY(session) entry;
	TAILQ_ENTRY(session) homeless; /* with those of OPENING and HOMELESS */
	struct sup *sup;
	struct client *client; /* NULL: it is keeper's */
	struct keeper *keeper;
	uint32_t id;
	uint32_t request; /* that opens it */
	uint32_t epoch;
	enum session_state state;
	bool is_scan;
	uint64_t address;
	char only[ADAPTER_NAME_LEN]; /* "": any adapter */
	uint64_t
		only_address; /* whose name that was: it may come back under another; 0: nobody's */
	uint64_t under;	      /* the grant under which it connects and searches; 0: none */
	uint16_t home;	      /* the adapter that serves or served it */
	uint64_t incarnation; /* of the worker there */

	/* while it is served */
	uint64_t served_at_ms;
	bool holds_link; /* as its worker said */
	uint32_t subscriptions;
	uint32_t rules_told;   /* at which sessions.rules_change */
	bool is_access_untold; /* its rights have changed */

	/* while nobody serves it */
	uint64_t asked_at_ms;
	uint64_t deadline_at_ms;
	uint64_t heard_at_ms;
	uint64_t barred_until_ms;   /* its home is not asked before */
	uint64_t sought_room_at_ms; /* when it left an adapter that was full; 0: never */
	bool is_rotating;	    /* its worker was told to let go of it; reason says why */
	bool is_home_soon;	    /* its home's next worker is about to start */
	bool is_searching;	    /* or served by a full adapter, and the others listen */
	bool is_cutting;
	bool is_cut;
	enum err_class told; /* by SESSION_WAITS */
	char reason[SESSION_REASON_LEN];
	sd_event_source *timer;

	uint8_t blames;
	size_t n_issued; /* writes whose outcome is not known, until a MOVED carries them */
	uint32_t *issued;
};

struct sessions {
	struct sup *sup;
	TAILQ_HEAD(, session) all;
	TAILQ_HEAD(, session) homeless;
	uint32_t n; /* of programs */
	uint32_t n_moved;
	uint32_t last_id;
	uint32_t rules_change;	   /* how often the configuration changed them for all */
	bool has_untold;	   /* some workers do not know yet, of rules or rights */
	sd_event_source *step_all; /* something changed: look at all that are homeless */
};

struct session *session_find(struct sup *sup, uint32_t id);

/* Ends it for its client: ERROR if it was never opened, else SESSION_CLOSED; then it is freed. */
void session_fail(struct session *session, enum err_class class, const char *text);

/* Fails it if its program may not have it any more; whether that was so. */
bool session_end_denied(struct session *session);

/* Tells its worker what its program may do now. */
void session_tell_access(struct session *session, struct adapter *adapter);

/* Frees it without a word; its worker, if any, is told to let go. */
void session_forget(struct session *session);

/* It is nobody's now: puts it among the homeless. The finder is not asked yet. */
void session_uproot(struct session *session, const char *reason);

/* Of its program, or of the daemon. */
const char *session_label(const struct session *session);
pid_t session_pid(const struct session *session);

struct event session_event(const struct session *session, enum event_kind kind);

/* finder.c: decides anew where it goes, now. May free it. */
void finder_step(struct session *session);
/* Whether the program takes that adapter: any, or the one that it named, under whatever number. */
bool finder_allows(const struct session *session, const struct adapter *adapter);
/* finder_search.c */
void finder_search(struct session *session);
void finder_stop_search(struct session *session);
/* Has all adapters listen for a device, and no more. */
void finder_watch(struct sup *sup, uint64_t address);
void finder_unwatch(struct sup *sup, uint64_t address);
/* The best adapter that knows its device beside the one that serves it; SESSION_NO_ADAPTER. */
uint16_t finder_other(const struct session *session);
/* Gives it to that adapter's worker, now. */
void finder_attach(struct session *session, struct adapter *adapter);
