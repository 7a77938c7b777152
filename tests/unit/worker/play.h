/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/worker/play.h - the test as lockd: what the worker asks of it, what it answers. One
 * world per process.
 */
#include "tests/unit/worker/harness.h"

enum { PLAY_LONG_MS = 600000 };

/* An ACQUIRE of the worker's. */
struct play_asked {
	uint32_t id;
	uint64_t under;
	size_t n;
	char first[32];
	char last[32];
};

extern struct harness *const world;

/* A world with that many peripherals, and we are its lockd. */
void play_begin(unsigned devices);
void play_finish(void);

/* Another one, after its death. */
void play_be_lockd(void);

/* The next ACQUIRE: any, for the discovery, for a connect. */
struct play_asked play_asked(void);
struct play_asked play_asked_scan(void);
struct play_asked play_asked_connect(void);

void play_grant(const struct play_asked *asked, uint64_t number, uint32_t lease_ms);
/* The same with a descriptor; play_is_slot_closed() tells whether the worker still has it. */
void play_grant_slot(const struct play_asked *asked, uint64_t number, uint32_t lease_ms);
bool play_is_slot_closed(void);
/* Waits until it has not: RELEASE is said before it closes. */
void play_slot_closes(void);
void play_refuse(uint32_t id, Bh__Lock__Reason reason);
void play_revoke(uint64_t number, uint32_t grace_ms); /* its lease ended */
void play_revoke_why(uint64_t number, uint32_t grace_ms, Bh__Lock__Reason reason);
void play_renew(uint32_t id, uint32_t lease_ms, bool is_wanted);

/* The id of the next RENEW, which must name that grant. */
uint32_t play_renewing(uint64_t number);
/* Waits for the next RELEASE, which must name it. */
void play_released(uint64_t number);

/* Waits for the next CANCEL, which must name that ACQUIRE. */
void play_cancelled(uint32_t id);

/* A program that scans. */
size_t play_scan(uint32_t session, uint64_t under, uint32_t *out_id);
/* An advert that comes from now on. */
void play_hears(size_t seat, uint32_t id);
/*
 * A world of two, and a program in it that scans and hears, under a grant of that number with a
 * slot. Returns its seat.
 */
size_t play_scanning(uint64_t number, uint32_t lease_ms, uint32_t *out_id);
/* That is granted for long, and from then on it is heard. */
void play_grant_and_hear(const struct play_asked *asked, uint64_t number, size_t seat, uint32_t id);
/* The next ACQUIRE is granted, and the connect succeeds; BlueZ may have to seek the device first.
 */
void play_connects(uint64_t under, size_t seat, uint32_t id);
/* A session whose device was connected and disconnected once: BlueZ knows it. */
size_t play_introduce(uint32_t session);
uint32_t play_connect(size_t seat);

/* The class of the next failed attempt that the supervisor is told of. */
int play_failed_class(void);
