/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/attempts.h - attempts to connect, as workers report them: asks escalation.c what comes
 * next and sees to it. Called by worker_rules.c; all functions return at once.
 */
#include "ipc/control.pb-c.h"
#include "supervisor/adapters.h"

/* Makes sup->escalation. */
must_check int attempts_new(struct sup *sup);
/* sup->config has changed. */
void attempts_reload(struct sup *sup);

/* Answers the request @id by NEXT_STEP. */
void attempts_failed(struct adapter *adapter, uint32_t id, const Bh__Ctl__AttemptFailed *failed);

/* One whose requests ended first, after a time in which it would have come up: is counted. */
void attempts_cut(struct adapter *adapter, const Bh__Ctl__AttemptFailed *failed);

/* A link to that device waits for a place there: its sessions go where there is one. */
void attempts_full(struct adapter *adapter, uint64_t address);

/* A link to that device is up. */
void attempts_worked(struct adapter *adapter, uint64_t address);
