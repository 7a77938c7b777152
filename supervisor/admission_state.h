/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* supervisor/admission_state.h - what admission.c and access_apply.c share. For nobody else. */
#include <sys/queue.h>

#include "supervisor/admission.h"

/* Outlives his connections, for the counts. */
struct admission_user {
	TAILQ_ENTRY(admission_user) entry;
	uint32_t uid;
	uint32_t n_clients;
	uint32_t n_sessions;
	uint64_t denied;
	uint64_t crowd_at_ms; /* when it was last logged that there are too many; 0: never */
	uint32_t n_deaths;    /* of workers, that its sessions were blamed for */
	uint64_t death_at_ms; /* the last of them */
	struct bucket bucket;
	struct {
		uint64_t at_ms; /* the last event; 0: none yet */
		uint32_t untold;
	} told[RIGHTS_COUNT];
};

struct admission {
	struct sup *sup;
	struct access_world world;
	TAILQ_HEAD(, admission_user) users;
	size_t n_gone; /* users without a connection */
	uint64_t denied;
};

void admission_verdict(const struct client *client, uint64_t address, struct access_verdict *out);
