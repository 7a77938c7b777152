/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reset.h - resets an adapter: the chain of reset_chain.h, done.
 *
 * One reset at a time on the whole machine, under the arbiter's maintenance lock of that adapter.
 * Its worker is stopped meanwhile: sessions go to other adapters or wait, and are served again
 * afterwards as after any death of a worker. The adapter is known by its address throughout.
 * Who suffers is listed first (events `resetting`), what came of it is told at the end
 * (`reset-done`, `reset-failed`). All functions return at once.
 */
#include "ipc/class.h"
#include "ipc/session.pb-c.h"
#include "supervisor/ctx.h"
#include "supervisor/reset_chain.h"

struct adapter;
struct client;
struct reset;

must_check int reset_new(struct reset **out, struct sup *sup);
struct reset *reset_free(struct reset *reset);

/* Outcomes. */
enum { RESET_BUSY = 1 };

/**
 * reset_adapter_request() - reset an adapter, from the mildest rung on
 * @why: one line, for the event
 *
 * Outcomes: 0 it has begun; RESET_BUSY one is under way. Whether it is wise (cooldown, budget) is
 * the caller's to know. Call it from the loop.
 */
must_check int reset_adapter_request(struct sup *sup, struct adapter *adapter, const char *why);

/*
 * The mildest rung alone, power off and on, if cooldown and budget allow it: for a trouble that
 * need not be the adapter's. Outcomes: as above, RESET_BUSY also where it is not allowed.
 */
must_check int reset_adapter_once(struct sup *sup, struct adapter *adapter, const char *why);

/* Whether the adapter with that address is being reset: its worker is not to be started. */
bool reset_is_of(const struct sup *sup, uint64_t address);

/* --- programs: RESET_ADAPTER; the answers go out from here --- */
void reset_ask(struct sup *sup, struct client *client, uint32_t request,
	       const Bh__ResetAdapter *msg);
bool reset_is_asked(const struct sup *sup, const struct client *client, uint32_t request);

/* --- what happens meanwhile --- */
void reset_mgmt_up(struct sup *sup);
void reset_plugged(struct sup *sup, const struct adapter *adapter);
void reset_worker_changed(const struct adapter *adapter); /* state, readiness or death */
void reset_heard(const struct adapter *adapter);	  /* an advert */
