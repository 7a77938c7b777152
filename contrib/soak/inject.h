/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/inject.h - the process faults of a plan: processes of the daemon and bluetoothd
 * killed, stopped, starved, when contrib/sim/plan_turn.h says. And the daemon's service manager: it
 * holds the listening socket, and starts a daemon that has ended at once.
 *
 * Nothing outlives a conductor that is killed: the daemon and what it started die with it, also
 * those that are stopped. Used by the conductor, from one thread, which must not have reaped the
 * daemon itself: no waitpid(-1).
 */
#include "contrib/sim/plan_turn.h"
#include "contrib/soak/recovery.h"
#include "ipc/base.h"

struct inject;

struct inject_settings {
	const char *socket; /* where the door is made; $BLEHERD_SOCKET is set to it */
	const char *config; /* of the daemon */
	const char *log;    /* its standard error is appended there */
	pid_t daemon;	    /* the world's own: it is ended, and one with the door is started */
	const char *bluez_pid_file; /* of the real bluetoothd; NULL: there is none */
	const char *bluez_log;
	const struct plan *plan; /* must outlive this */
	uint64_t seed;
	struct plan_scene scene; /* copied */
	/* A daemon runs: observer_daemon(), resources_daemon(). Also called by inject_new(). */
	void (*daemon_started)(void *ctx, pid_t daemon);
	/* It ended, and nobody had killed it; the next one is started. */
	void (*daemon_died)(void *ctx, int wait_status);
	/* Kills client @number; who starts it again is the caller's affair. */
	void (*kill_client)(void *ctx, unsigned number);
	/* How the daemon calls adapter @index of the plan: they are numbered anew when they come
	 * back. */
	const char *(*adapter)(void *ctx, unsigned index);
	/* What was done, and that it is over: recovery_fault(), recovery_end(). */
	void (*fault)(void *ctx, const struct recovery_fault *fault);
	void (*fault_end)(void *ctx, uint32_t line, int64_t at_us);
	void *ctx;
};

/**
 * inject_new() - take over the daemon
 * @settings: strings and callbacks are copied
 *
 * Errors: negative errno; -ETIMEDOUT the world's daemon does not end within 10 s.
 * Blocks: until that has ended, a second or so. The world must allow for it: BLEHERD_MAY_DIE.
 */
must_check int inject_new(struct inject **out, const struct inject_settings *settings);

/* Kills the daemon, and waits for that. */
struct inject *inject_free(struct inject *i);

/* The plan begins now. */
void inject_begin(struct inject *i, int64_t now_us);

/* Does what is due; call it when inject_next_us() says, at the latest. Blocks: never. */
void inject_turn(struct inject *i, int64_t now_us);
int64_t inject_next_us(const struct inject *i); /* CLOCK_MONOTONIC */

/* Nothing new from now on; what is stopped goes on, what was killed runs (after the next turns). */
void inject_rest(struct inject *i, int64_t now_us);

pid_t inject_daemon(const struct inject *i); /* 0: just now there is none */
