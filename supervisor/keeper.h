/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/keeper.h - what the daemon does for a device by itself: it keeps the link of a
 * persistent one (keeper_table.h), polls those that the configuration names (keeper_poll.c), and
 * knows which strategy somebody chose while it runs (keepers.c). For both it has a session without
 * a program, which is found, scored, rotated and handed over like any other:
 *
 *   there is a session  ⇔  the link is wanted (connecting, held), or a poll runs
 *
 * Calls return at once. Everything ends with the daemon.
 */
#include "ipc/class.h"
#include "ipc/control.pb-c.h"
#include "ipc/session.pb-c.h"
#include "supervisor/ctx.h"
#include "supervisor/device_rules.h"

struct adapter;
struct client;
struct keeper;
struct keepers;

/* After the sessions: those that the configuration names by address begin now. */
must_check int keepers_new(struct sup *sup);
struct keepers *keepers_free(struct keepers *keepers);
/* sup->config has changed. */
void keepers_reload(struct sup *sup);

/* What holds for that device now: configuration, name, services and what was chosen. */
void keepers_rule(struct sup *sup, uint64_t address, struct device_rule *out);

/* --- what happens --- */
void keepers_heard(struct adapter *adapter, uint64_t address);
void keepers_renamed(struct sup *sup, uint64_t address);
void keepers_link(struct adapter *adapter, const Bh__Ctl__Link *link);
/* Its attempts there were given up. */
void keepers_failed(struct adapter *adapter, uint64_t address, enum err_class class);
void keepers_checked(struct adapter *adapter, uint32_t token, const Bh__Ctl__Checked *checked);
void keepers_adapter_ready(struct adapter *adapter);

/* --- sessions.c and finder.c --- */
void keeper_attached(struct keeper *keeper);
void keeper_uprooted(struct keeper *keeper);
/* Its session was closed, and not by it. */
void keeper_unseated(struct keeper *keeper);
bool keeper_holds(const struct keeper *keeper);
/* Whether adapters listen for that device. */
bool keepers_watch(struct sup *sup, uint64_t address);

/* --- what programs ask --- */
void keepers_strategy(struct client *client, uint32_t id, const Bh__StrategySet *msg);
/* The part of a list of devices. */
void keepers_describe(struct sup *sup, uint64_t address, Bh__Device *out);

/**
 * keepers_circuit() - for requests that want to fail fast
 * @out_text: written if the circuit is open
 * Outcomes: CLASS_NONE: it is not; the class of the last poll.
 */
enum err_class keepers_circuit(struct sup *sup, uint64_t address, char *out_text, size_t size);
