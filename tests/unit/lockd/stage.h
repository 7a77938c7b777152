/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/lockd/stage.h - the arbiter by itself, with leases: time is the test's, the files are
 * real, what the arbiter says is noted down in order.
 */
#include "lockd/arbiter.h"
#include "lockd/slotfile.h"

#define CONNECT "connect:hci0"
#define SCAN	"scan:hci0"
#define SLOT0	"bleak-cm-hci0-slot-0.lock"
#define DEVICE	"device:C0:AA:BB:00:00:01"
#define DEVICE2 "device:C0:AA:BB:00:00:02"
#define ADDRESS 0xc0aabb000001u /* of DEVICE */

enum { LONG_MS = 1000000 };

enum stage_what {
	SAID_NOTHING,
	SAID_GRANTED,
	SAID_TIMED_OUT,
	SAID_REFUSED,
	SAID_REVOKED,
	SAID_DIRTY,
	SAID_OVERDUE
};

struct stage_said {
	enum stage_what what;
	const struct arbiter_owner *owner; /* NULL: told to the supervisor */
	uint32_t id;
	uint64_t grant;
	uint32_t lease_ms;
	uint32_t grace_ms;
	size_t n_fds;
	enum arbiter_reason reason;
	uint32_t adapter;
	uint64_t address;
	char text[ARBITER_TEXT_LEN];
};

extern struct arbiter *stage_arbiter;
extern struct arbiter_owner stage_alice, stage_bob, stage_worker; /* users 1001, 1002; a worker */
extern int stage_dir_fd;
extern int stage_own_fd; /* -EBADF unless stage_make_own_dir() */
extern uint64_t stage_now_ms;

/* What a test may change before stage_start(). */
extern struct arbiter_config stage_config;

/* hold 10 s (recovery 5 s), total 60 s, grace 500 ms, dirty 2 s, connect 1, scan 1, foreign 2. */
void stage_reset(void);
void stage_make_own_dir(void);
void stage_start(void);
void stage_end(void);
/* A fixture's beginning: reset and start. */
void stage_set_up(void);

/* Parses the names ("connect:hci0 device:..."), asks now. Id 0: the next one. Returns the id. */
uint32_t stage_ask(struct arbiter_owner *owner, const char *names, enum slotq_class class,
		   uint32_t timeout_ms, uint64_t under);
/* The same in class connect, for LONG_MS, under nothing. */
uint32_t stage_wait_for(struct arbiter_owner *owner, const char *names);
/* The same, and it must be granted at once. Returns the grant. */
uint64_t stage_get(struct arbiter_owner *owner, const char *names);
void stage_release(struct arbiter_owner *owner, uint64_t grant);

/* Lets time pass, to every moment that the arbiter wants to be called at. */
void stage_pass(uint64_t ms);

/* What was said and not looked at yet; the first of it is taken. SAID_NOTHING: no more. */
struct stage_said stage_said(void);
/* It must be that. */
struct stage_said stage_expect(enum stage_what what);
void stage_expect_nothing(void);

/* A program outside: a description of its own, opened for writing; -EBADF: busy. */
int stage_outsider_try(const char *name);
/* It closes, and lockd is told so. */
void stage_outsider_close(int fd, const char *name);
bool stage_is_free(const char *name);
