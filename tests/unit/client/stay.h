/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/client/stay.h - a client that stays, its scripted daemon, and the one after that.
 * One of each, as a fixture.
 */
#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

struct stay {
	struct fake fake;
	struct bh_client *client;
	struct fake_peer worker;
	struct fake_peer next_worker;
	struct {
		unsigned gone, back;
		bool is_other;
		uint32_t away_ms;
		bool frees; /* the client, when the daemon goes */
		bool frees_back;
	} daemon;
	struct {
		unsigned waits, moved, lost, closed;
		enum bh_class error;
		bool closes; /* its session, on the next news */
	} session;
};

extern struct stay stay;

void stay_set_up(void);
void stay_tear_down(void);
void stay_settle(void);

/* One that is open at stay.worker. */
struct bh_session *stay_session(void);

/* Takes SESSION_OPEN of the session that is opened again, and serves it at stay.next_worker. */
void stay_serve(void);

/* The daemon and its workers die, the next one takes over. */
void stay_restart(void);

void stay_on_session(void *ctx, struct bh_session *session, const struct bh_session_news *news);
