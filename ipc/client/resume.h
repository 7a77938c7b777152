/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/resume.h - what becomes of requests, sessions and locks when the daemon goes and comes
 * back, for a client that stays.
 */
#include "ipc/client/lane.h"

/* The control connection has ended. */
void resume_lost(struct bh_client *client, const char *text);

/**
 * resume_dialled() - puts what is to be said first in front of what waits, HELLO before all
 * Errors: -ENOMEM: nothing was added.
 */
must_check int resume_dialled(struct bh_client *client);

/* HELLO_OK: streams of events get their marker. */
void resume_back(struct bh_client *client, const char *text);

/* The daemon that is back does not open the session (@request: SESSION_OPEN, consumed). */
void resume_refused(struct bh_client *client, struct request *request, struct bh_result *why);

/* Asks for it once more if it is time to, else *next_ms is noted. No callback runs. */
void resume_tick(struct bh_session *session, uint64_t now_ms, uint64_t *next_ms);
