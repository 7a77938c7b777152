/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/room_desk.h - what workers say of their links, to room.c, and its answers to them.
 * Called by worker_rules.c and worker_child.c; all return at once.
 */
#include "ipc/control.pb-c.h"
#include "supervisor/adapters.h"

/* Makes sup->room and sup->orphans, after sup->config. */
must_check int room_desk_new(struct sup *sup);
/* sup->config has changed. */
void room_desk_reload(struct sup *sup);

/* ROOM_WANTED, with its id. */
void room_desk_asked(struct adapter *adapter, uint32_t id, const Bh__Ctl__RoomWanted *wanted);
/* LINK_STATE. Whether the link was up before. */
bool room_desk_link(struct adapter *adapter, const Bh__Ctl__Link *link);
void room_desk_worker_died(struct adapter *adapter);
