/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/recovery.h - for each fault, how long after its end until every client that it
 * touched had a success again. Pure but for recovery_read(), which reads the sim's fault log.
 *
 * Touched are, of a fault of a device, those that use the device; of an adapter or a process that
 * serves one, those whose session is on that adapter; of everything else, all: those who are there
 * when it begins, and who come while it lasts. Who leaves the device meanwhile is not waited for. A
 * fault that touches nobody has nothing to recover: it counts as recovered, without a time.
 */
#include <jansson.h>

#include "ipc/base.h"

enum {
	RECOVERY_CLIENTS_MAX = 256,
	RECOVERY_FAULTS_MAX = 16384, /* further ones are not recorded */
	RECOVERY_KIND_LEN = 32,
	RECOVERY_WHERE_LEN = 24,
	RECOVERY_TEXT_LEN = 96,
	RECOVERY_FOR_EVER = -1, /* for_ms: until its end is told */
};

struct recovery;

struct recovery_fault {
	int64_t at_us;	/* CLOCK_MONOTONIC */
	int64_t for_ms; /* 0: of a moment; RECOVERY_FOR_EVER */
	uint32_t line;	/* of the plan; recovery_end() names it */
	char kind[RECOVERY_KIND_LEN];
	char where[RECOVERY_WHERE_LEN]; /* "hci1", "C0:AA:BB:00:00:01", "" */
	char text[RECOVERY_TEXT_LEN];
};

must_check int recovery_new(struct recovery **out);
struct recovery *recovery_free(struct recovery *r);

/* What a client uses from now on. @address: 0 none; @adapter: "hci0", "" where it has none. */
void recovery_uses(struct recovery *r, uint32_t client, uint64_t address, const char *adapter);

/* It ends, or is killed: nobody waits for its success. recovery_uses() has it back. */
void recovery_gone(struct recovery *r, uint32_t client);

/* A request of it that was answered at @at_us with success, on @address (0: of none). */
void recovery_success(struct recovery *r, uint32_t client, uint64_t address, int64_t at_us);

void recovery_fault(struct recovery *r, const struct recovery_fault *fault);

/* The last fault of that line of the plan that has not ended ended. */
void recovery_end(struct recovery *r, uint32_t line, int64_t at_us);

/* Whether a fault of an adapter, bluetoothd, a process of ours is under way, or ended less than
 * @after_ms ago. */
bool recovery_is_faulty(const struct recovery *r, int64_t now_us, int64_t after_ms);

/* Reads what the sim has appended to its fault log since; NULL path: nothing. Blocks: never. */
void recovery_read(struct recovery *r, const char *path);

size_t recovery_count(const struct recovery *r);

/* The report's "faults", and its timeline's. @began_us: t = 0. NULL: no memory. */
json_t *recovery_report(const struct recovery *r);
json_t *recovery_timeline(const struct recovery *r, int64_t began_us);
