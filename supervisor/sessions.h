/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/sessions.h - programs' sessions: who serves each, and how it gets to somebody else
 * when its worker goes (DESIGN 4). Three files: sessions.c opens, closes and keeps them, finder.c
 * finds an adapter for those that nobody serves, handover.c takes them away from dead workers.
 *
 *   OPENING ──found──► SERVED ◄──attached── HOMELESS
 *      │ deadline         └──worker died, given up──►┘
 *      ▼ ERROR
 *
 * No descriptor of a data socket stays in the supervisor. All functions return at once.
 */
#include "ipc/class.h"
#include "ipc/session.pb-c.h"
#include "supervisor/child.h"
#include "supervisor/ctx.h"

struct adapter;
struct client;
struct keeper;
struct session;

/* --- what clients ask; the answer goes to the client from here --- */
void sessions_open(struct sup *sup, struct client *client, uint32_t request,
		   const Bh__SessionOpen *msg);

enum { SESSIONS_UNKNOWN = 1 };

/* Outcomes: 0 closed, or it was before; SESSIONS_UNKNOWN there never was such a session. */
must_check int sessions_close(struct sup *sup, const struct client *client, uint32_t session);

/* Gives up an opening: answers it `cancelled`. Whether there was one. */
bool sessions_cancel(struct sup *sup, const struct client *client, uint32_t request);
bool sessions_is_opening(struct sup *sup, const struct client *client, uint32_t request);
void sessions_client_gone(struct sup *sup, const struct client *client);

/* --- what workers and adapters do --- */
void sessions_adapter_ready(struct sup *sup, struct adapter *adapter);
void sessions_adapter_changed(struct sup *sup);
void sessions_seen(struct sup *sup, uint64_t address);
void sessions_ended(struct sup *sup, struct adapter *adapter, uint32_t session);
void sessions_given_up(struct sup *sup, struct adapter *adapter, uint32_t session,
		       const char *text);

/**
 * sessions_blame() - whether a session's request killed a worker
 * Called once per death, before sessions_worker_died(). Counts the blame.
 */
bool sessions_blame(struct sup *sup, struct adapter *adapter,
		    const struct child_obituary *obituary);

/* @delay_ms: until its next worker, UINT32_MAX: none by itself. */
void sessions_worker_died(struct sup *sup, struct adapter *adapter,
			  const struct child_obituary *obituary, uint32_t delay_ms);

/* --- the daemon's own, keeper.h --- */

/*
 * Homeless, and patient: it has no deadline; finder_step() finds it an adapter. It ends by
 * sessions_let_go(), or by keeper_unseated(). NULL: out of memory.
 */
struct session *sessions_keep(struct sup *sup, struct keeper *keeper, uint64_t address);
void sessions_let_go(struct session *session);

/* The adapter that serves it; NULL: none does, and then what troubles them (CLASS_NONE: nothing).
 */
struct adapter *session_server(const struct session *session, enum err_class *out_trouble);

/* Tells the workers that serve this device what the configuration says of it now. */
void sessions_rules_changed(struct sup *sup, uint64_t address);
/* The same of all devices: at once where little waits for a worker, else by the next one. */
void sessions_rules_reload(struct sup *sup);
/* Tells what workers do not know yet, of rules and of rights. */
void sessions_rules_review(struct sup *sup);

/* --- what programs may, access.h --- */

/*
 * Rights have changed: ends what may not be any more, and tells the workers as
 * sessions_rules_reload() does. @address: 0: all.
 */
void sessions_access_changed(struct sup *sup, uint64_t address);

/* A worker refused so many requests of that session. */
void sessions_denied(struct adapter *adapter, uint32_t session, uint32_t right, uint32_t count);

/* Whether another user, or the daemon, has a session on that device. */
bool sessions_of_others(const struct sup *sup, uint64_t address, uint32_t uid);

/* --- rotation --- */

/**
 * sessions_other() - the adapter that the sessions on a device could go to
 * Outcomes: its index; ADAPTERS_NOBODY: none that sees the device, or one of them is bound to this.
 */
uint16_t sessions_other(struct sup *sup, const struct adapter *adapter, uint64_t address);

/* Whether others want the same device there, and are not bound to that adapter. */
bool sessions_share(const struct session *session, uint16_t adapter);

/* That adapter has the link: who wants the device on another one goes there, unless it is bound. */
void sessions_gather(struct sup *sup, const struct adapter *adapter, uint64_t address);

/* Takes all sessions on that device away from its worker; each then goes to the best other. */
void sessions_rotate(struct sup *sup, struct adapter *adapter, uint64_t address,
		     const char *reason);

/*
 * Whether the sessions on that device may leave an adapter that has no room for their link, and
 * then they are taken to do so: not again within ROOM_AGAIN_MS. They go to the end of a queue, and
 * what is known of the room there is a moment old.
 */
bool sessions_may_seek_room(struct sup *sup, const struct adapter *adapter, uint64_t address,
			    uint64_t now_ms);

/*
 * No other adapter knows the device, whose sessions wait here for a place: the others discover it,
 * for 30 s. When one hears it, attempts_full() is asked again.
 */
void sessions_listen(struct sup *sup, const struct adapter *adapter, uint64_t address);

/* Whether a link or session of another device is on that adapter. */
bool sessions_has_others(const struct sup *sup, uint16_t adapter, uint64_t address);

/* --- for lists --- */
uint32_t sessions_count(const struct sup *sup);
uint32_t sessions_moved(const struct sup *sup);
uint32_t sessions_on(const struct sup *sup, uint16_t adapter);

/* Of the peripheral of that session; 0: none. */
uint64_t sessions_address(struct sup *sup, uint32_t session);

struct sessions_row {
	uint32_t id;
	uint64_t address; /* 0: a scan */
	const char *label;
	pid_t pid;
};

/* What a worker says of how a session uses its link. */
void sessions_used(struct adapter *adapter, uint32_t session, bool holds, uint32_t subscriptions);

/**
 * sessions_row() - walk over them while they change
 * @after:   the number of the one before; 0: from the beginning
 * @address: of this device only; 0: all
 * @out:     valid until the next change
 * Outcomes: its number; 0: there are no more.
 */
uint32_t sessions_row(const struct sup *sup, uint32_t after, uint64_t address, Bh__SessionRow *out);

/* Each session that this adapter serves. */
void sessions_each(const struct sup *sup, uint16_t adapter,
		   void (*item)(void *ctx, const struct sessions_row *row), void *ctx);

must_check int sessions_new(struct sessions **out, struct sup *sup);
struct sessions *sessions_free(struct sessions *sessions);
