/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/supervisor/rig_lock.h - a program's channel to the fake arbiter (agent_lockd.c says
 * what it can be told).
 */
#include "tests/unit/supervisor/rig.h"

/* LOCK_OPEN on a control connection: asks, returning the request's id; waits; both. */
uint32_t lock_ask(struct rig *rig, struct chan *control);
struct chan *lock_expect(struct rig *rig, struct chan *control, uint32_t id);
struct chan *lock_open(struct rig *rig, struct chan *control);

void lock_command(struct rig *rig, struct chan *lock, const char *words);

/* What the arbiter knows of this program; returns its number. */
unsigned lock_who(struct rig *rig, struct chan *lock, char out[128]);

/* Waits until the supervisor has told the arbiter that. */
void lock_expect_told(struct rig *rig, struct chan *lock, const char *line);
void lock_expect_gone(struct rig *rig, struct chan *lock, unsigned number);
