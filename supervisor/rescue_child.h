/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/rescue_child.h - has bleherd-rescue take one step: through the socket of its own root
 * unit where systemd listens there, else as a child. It answers once, or its time is up; a child
 * that a signal does not end then (it sleeps in the kernel) keeps further ones from starting.
 */
#include "ipc/base.h"
#include "ipc/control.pb-c.h"
#include "supervisor/ctx.h"

struct rescue_child;

/* From the loop. @error: errno, 0: none. */
typedef void (*rescue_child_cb)(struct sup *sup, Bh__Ctl__RescueOutcome outcome, int error);

must_check int rescue_child_new(struct rescue_child **out, struct sup *sup, rescue_child_cb told);

/* Kills what still runs. NULL is fine; returns NULL. */
struct rescue_child *rescue_child_free(struct rescue_child *rescue);

/**
 * rescue_child_run() - take a step on the adapter of this number and address
 * @timeout_ms: for the whole; the outcome is TIMED_OUT then
 *
 * Errors: -EBUSY an earlier step hangs in the kernel; errno of the start.  Blocks: never.
 */
must_check int rescue_child_run(struct rescue_child *rescue, Bh__Ctl__RescueKind kind,
				uint16_t index, uint64_t address, uint32_t timeout_ms);

/* "not possible for this adapter", ...; for messages. */
const char *rescue_child_text(Bh__Ctl__RescueOutcome outcome);
