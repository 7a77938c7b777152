/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/admission.h - enforces supervisor/access.h on what programs ask of the supervisor, and
 * tells workers what to enforce. Keeps what is counted per user, over all his connections: these,
 * sessions, requests of this second, denials. All functions return at once.
 */
#include "ipc/bucket.h"
#include "ipc/control.pb-c.h"
#include "ipc/session.pb-c.h"
#include "supervisor/access.h"
#include "supervisor/client.h"

enum {
	ADMISSION_USERS_TOLD = 64, /* in a STATUS: 20 bytes each, of 4 KiB */
	/*
	 * Of all the connections and sessions that there may be a user other than root has at most
	 * so much: he is not to shut the others out.
	 */
	ADMISSION_SHARE = 2,
	/* So many deaths of workers, none of them longer ago than that, and a user is not served.
	 */
	ADMISSION_DEATHS_MAX = 6, /* three sessions: SESSION_BLAMES_MAX each */
	ADMISSION_DEATHS_MS = 600000,
};

struct admission;

/* @world: copied. Errors: -ENOMEM. */
must_check int admission_new(struct admission **out, struct sup *sup,
			     const struct access_world *world);
struct admission *admission_free(struct admission *admission);

/**
 * admission_enter() - a program connects
 * @client: its pid and uid are set
 * @fd:     its socket: tells the groups
 *
 * Errors: -EDQUOT its user has as many connections as he may, -ENOMEM.
 */
must_check int admission_enter(struct client *client, int fd);

/* Also where it never entered. */
void admission_leave(struct client *client);

/**
 * admission_may() - whether a program has one of the rights; if not it is answered
 * @id:      of its request
 * @needs:   bits of ipc/rights.h, one of which is enough; 0: nobody is refused
 * @address: of the device; 0: any device will do
 */
bool admission_may(struct client *client, uint32_t id, uint32_t needs, uint64_t address);

/* Whether its user has not asked too much in this second; if not it is answered. */
bool admission_in_time(struct client *client, uint32_t id);

/* Whether its user may have one more session; if not it is answered. */
bool admission_session(struct client *client, uint32_t id);

/*
 * A request of that program killed a worker. Its user, unless it is root or the daemon's, is not
 * served any more after a few of them: a session's end costs it nothing, it opens another one.
 */
void admission_blame(struct client *client);

/* Whether its user is not served for that. */
bool admission_is_deadly(const struct client *client);

/* The same without an answer: why not; it is counted. */
bool admission_denies(struct client *client, uint32_t needs, uint64_t address, uint32_t session,
		      char out_text[RIGHTS_DENIAL_LEN]);

/* Whether it may see that device; 0: true. Nothing is counted. */
bool admission_sees(const struct client *client, uint64_t address);
/* Each of them. */
bool admission_sees_all(const struct client *client);

/* A worker refused so many requests. */
void admission_denied(struct client *client, uint32_t right, uint32_t count, uint64_t address,
		      uint32_t session);

/* Points into itself: not to be copied. */
struct admission_wire {
	Bh__Ctl__Access msg;
	char why[ACCESS_WHY_LEN];
	struct access_sight from[ACCESS_SIGHTS_MAX];
	Bh__Ctl__Sight sights[ACCESS_SIGHTS_MAX];
	Bh__Ctl__Sight *list[ACCESS_SIGHTS_MAX];
};

/* What the worker that serves a session is to enforce. @address: 0: a scan. */
void admission_fill(struct admission_wire *out, const struct client *client, uint32_t session,
		    uint64_t address);

struct admission_users {
	Bh__User users[ADMISSION_USERS_TOLD];
	Bh__User *list[ADMISSION_USERS_TOLD];
};

/* `denied` and `users` of a STATUS. */
void admission_status(const struct sup *sup, Bh__Status *out, struct admission_users *users);

/**
 * access_apply() - the configuration was read anew
 * Rights are told to the workers again; what somebody has and may not have any more ends, with
 * class `denied`: sessions, lists that are followed, channels to the arbiter.
 */
void access_apply(struct sup *sup, const struct access_world *world);

/* What is known of a device has changed, and a pattern may fit now. */
void access_renamed(struct sup *sup, uint64_t address);
