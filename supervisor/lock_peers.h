/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/lock_peers.h - programs' channels to the arbiter: one per program, asked for on its
 * control connection (LOCK_OPEN). The channel goes from the program to lockd directly; here is kept
 * who has one, so that lockd learns of the end of a program whose channel somebody else keeps open.
 *
 *   WAITING ──lockd takes it──► OPEN ──replaced, program gone──► GONE ──lockd told──► (freed)
 *      │ cancelled, parked, program gone        └─────────lockd died─────────────────► (freed)
 *      ▼ (freed)
 *
 * lockd is told only while few frames wait for it: all programs may ask in the same moment, as they
 * do when it was restarted. All functions return at once; they may be called from the loop only.
 */
#include "ipc/base.h"
#include "supervisor/ctx.h"

struct client;
struct lock_peers;

must_check int lock_peers_new(struct lock_peers **out, struct sup *sup);

/* After the server, whose clients are in here. NULL is fine; returns NULL. */
struct lock_peers *lock_peers_free(struct lock_peers *peers);

/* --- what a program asks; the answer goes to it from here --- */
void lock_peers_open(struct sup *sup, struct client *client, uint32_t request);
bool lock_peers_is_opening(const struct client *client, uint32_t request);

/* Gives up a LOCK_OPEN that waits: answers it `cancelled`. Whether there was one. */
bool lock_peers_cancel(struct client *client, uint32_t request);
void lock_peers_client_gone(struct client *client);

/* It may not have its channel any more, or not get the one it waits for; it has one of these. */
void lock_peers_deny(struct client *client, const char *text);

/* --- what lockd does --- */
void lock_peers_lockd_up(struct sup *sup);

/* @parked: why it does not come back; NULL: it does. */
void lock_peers_lockd_down(struct sup *sup, const char *parked);
