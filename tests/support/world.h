/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/world.h - contrib/sim/world as a fixture: a bus, the fake bluetoothd and bleherdd
 * in a directory of their own, with the environment of this process pointing at them. The world
 * holds a pipe from us: it tears itself down when we close it, also by dying.
 * Its logs are kept in $BLEHERD_TEST_LOGS, if that is set.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct world;

/* Starts one; @options is a NULL-terminated list for contrib/sim/world. Fails the check if it
 * cannot. */
struct world *world_start(const char *const *options);

/* Tears it down and checks that it went well and left no process of ours. NULL is fine. */
struct world *world_stop(struct world *world);

pid_t world_daemon_pid(const struct world *world);

/* A fault command to the sim (bleherd-sim(1)); fails the check unless it answers `ok`. */
void world_fault(const struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What the world left in the environment; the test fails where it is not there. */
const char *world_env(const char *name);

/* D-Bus ends, by SIGKILL; another one at the same address, which ends with the world. */
void world_bus_kill(struct world *world);
void world_bus_start(struct world *world);

/* The sim's answer to a command, malloc()ed. */
char *world_ask(const struct world *world, const char *command);

/* What a peripheral counted: "reads", "connects", ... 0 where it has not been connected yet. */
unsigned world_counter(const struct world *world, const char *address, const char *key);

/* The write log so far: malloc()ed text, a JSON object per line. */
char *world_writes(const struct world *world);

/* What a program printed and how it ended. */
struct run {
	int status; /* exit status; 128 + signal */
	char *out;  /* malloc()ed, NUL-terminated */
	char *err;
};

/* Runs a shell command line with BLEHERD_BIN in its PATH, at most 30 s; run_done() it. */
struct run run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
void run_done(struct run *run);
