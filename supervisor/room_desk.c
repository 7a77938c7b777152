/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/room_desk.h"

#include "ipc/clock.h"
#include "supervisor/orphans.h"
#include "supervisor/room.h"

int room_desk_new(struct sup *sup)
{
	int r = room_new(&sup->room, sup->config.devices.total);

	return r < 0 ? r : orphans_new(&sup->orphans, sup);
}

static void tell(const struct adapter *adapter, const struct room_step *step)
{
	Bh__Ctl__Room room = BH__CTL__ROOM__INIT;
	bool is_yield = step->act == ROOM_YIELD;

	room.has_address = room.has_yield = 1;
	room.address = step->address;
	room.yield = is_yield;
	port_send(child_port(adapter->child), BH__CTL__TYPE__ROOM, is_yield ? 0 : step->token, 0,
		  &room.base);
}

static void go_on(struct sup *sup)
{
	const struct adapter *adapter;
	struct room_step step;

	for (step = room_next(sup->room); step.act != ROOM_NOTHING; step = room_next(sup->room)) {
		adapter = adapters_find(sup->adapters, step.adapter);
		if (adapter)
			tell(adapter, &step);
	}
}

void room_desk_reload(struct sup *sup)
{
	room_set_total(sup->room, sup->config.devices.total);
	go_on(sup);
}

void room_desk_asked(struct adapter *adapter, uint32_t id, const Bh__Ctl__RoomWanted *wanted)
{
	struct sup *sup = adapter->sup;

	/* Where too many wait the request runs into its deadline, and says for what. */
	if (wanted->stop)
		room_stop(sup->room, adapter->index, wanted->address);
	else
		(void)!room_ask(sup->room, adapter->index, wanted->address, id);
	go_on(sup);
}

bool room_desk_link(struct adapter *adapter, const Bh__Ctl__Link *link)
{
	const struct room_link is = {
		.is_up = link->up,
		.is_idle = link->idle,
		.is_kept = link->sessions > 0,
	};
	bool was_up =
		room_link(adapter->sup->room, adapter->index, link->address, &is, clock_now_ms());

	orphans_settled(adapter->sup->orphans, adapter, link->address);
	go_on(adapter->sup);
	return was_up;
}

static void on_left(void *ctx, uint64_t address)
{
	const struct adapter *adapter = ctx;

	orphans_left(adapter->sup->orphans, adapter, address);
}

void room_desk_worker_died(struct adapter *adapter)
{
	room_worker_gone(adapter->sup->room, adapter->index, on_left, adapter);
	go_on(adapter->sup);
}
