/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/control.h - the channel to the supervisor (control.proto), and what the bus and the mirror
 * tell the rest of the worker. The channel's end is the worker's end.
 */
#include "worker/worker.h"

/* Takes @fd over on success; says HELLO. */
must_check int control_open(struct worker *w, int fd);

/* A worker that is run by hand asks nobody for anything. */
extern const struct bus_ops CONTROL_BUS_OPS;
extern const struct mirror_ops CONTROL_MIRROR_OPS;

/* Sends ADAPTER_STATE, and READY once; after worker_state_due(), when the turn's work is done. */
void control_settle(struct worker *w);
void control_tick(struct worker *w);
/* worker.starting fired: bluetoothd has had its time. */
void control_starting_over(struct deadline *deadline);
/* worker.stopping fired: so have the links that STOP ends. */
void control_stop_over(struct deadline *deadline);
