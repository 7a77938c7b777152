/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/inject.h - the process faults of a plan: processes of the daemon and bluetoothd
 * killed, stopped, starved. And the daemon's service manager: it holds the listening socket, and
 * starts a daemon that was killed at once.
 *
 * Starved: stopped but for 2 ms of every 20, which leaves a tenth of a processor, needs no
 * privilege and takes nothing from those that are not meant. Whatever is stopped goes on when this
 * process ends, however it ends: a guard, a process of its own, sees to that.
 */
#include "contrib/soak/recovery.h"
#include "ipc/base.h"

struct inject;

enum inject_act { INJECT_KILL, INJECT_STOP, INJECT_STARVE, INJECT_ACTS };

enum inject_target {
	INJECT_WORKER,
	INJECT_LOCKD,
	INJECT_DAEMON,
	INJECT_BLUETOOTHD, /* the real one, in the lab */
	INJECT_CLIENT,
	INJECT_TARGETS,
};

enum { INJECT_ANY = UINT32_MAX };

struct inject_deed {
	enum inject_act act;
	enum inject_target target;
	uint32_t which;	 /* worker: the adapter's number; client: its number; INJECT_ANY */
	uint32_t for_ms; /* of stop and starve */
	uint32_t line;	 /* of the plan */
};

struct inject_settings {
	const char *socket; /* where the door is made; clients use it: $BLEHERD_SOCKET is set */
	const char *config; /* of the daemon */
	const char *log;    /* its standard error, appended */
	pid_t daemon;	    /* the one that runs: it is ended, and started with the door */
	const char *bluetoothd_pid_file; /* NULL: the face has no real one */
	const char *bluetoothd_log;
	uint32_t adapters, seed;
	/* The daemon runs anew: observer_daemon(), resources_daemon(). */
	void (*daemon_started)(void *ctx, pid_t daemon);
	/* Kills a client and starts it again; @which may be INJECT_ANY. */
	void (*kill_client)(void *ctx, uint32_t which);
	/* What was done, and that it ended. */
	void (*fault)(void *ctx, const struct recovery_fault *fault);
	void (*fault_end)(void *ctx, uint32_t line, int64_t at_us);
	void *ctx;
};

/* Strings are copied. Ends the daemon that runs and starts one with the door; waits for the former
 * (a second or so). Errors: negative errno. */
must_check int inject_new(struct inject **out, const struct inject_settings *settings);
struct inject *inject_free(struct inject *i);

/* Reads "kill|stop|starve worker N|any", "... lockd", "... daemon", "... bluetoothd", "kill client
 * N|any". -EINVAL: not one; -ENOENT: of the sim. */
must_check int inject_parse(const char *text, struct inject_deed *out);

/* Does it; a word is in the log. false: its target is not there at the moment. */
bool inject_do(struct inject *i, const struct inject_deed *deed, int64_t now_us);

/* Lets go what is due, starts what has ended; call it when inject_next_us() says, at the latest.
 * Blocks: never. */
void inject_turn(struct inject *i, int64_t now_us);
int64_t inject_next_us(const struct inject *i); /* INT64_MAX: nothing is due */

/* Everything goes on, all run. */
void inject_rest(struct inject *i, int64_t now_us);

pid_t inject_daemon(const struct inject *i);
