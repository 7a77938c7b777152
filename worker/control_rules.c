/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/control_rules.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/cancel.h"
#include "worker/control.h"
#include "worker/keeper.h"
#include "worker/link.h"
#include "worker/recall.h"
#include "worker/scan.h"
#include "worker/seat.h"

#include <string.h>

/*
 * bluetoothd 5.66 was seen to crash when a client left the bus in the moment in which MGMT ended a
 * link of which it had notifications (contrib/lab/README.md): the links come first. MGMT needs
 * 30 ms for that, Device1.Disconnect 2 s, which it does without us. supervisor/child.c waits
 * longer.
 */
enum { STOP_LIMIT_MS = 1500 };

static int on_stop(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	w->is_stopping = true;
	deadline_set(w->deadlines, &w->stopping, clock_now_ms() + STOP_LIMIT_MS);
	seats_close(w->seats);
	links_stop(w->links);
	worker_state_due(w);
	return 0;
}

void control_stop_over(struct deadline *deadline)
{
	const struct worker *w = container_of(deadline, struct worker, stopping);

	log_warn("event=stop-late text=\"a link did not end in time\"");
	(void)sd_event_exit(w->event, 0);
}

static int on_bus(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int fd = take_fd(&frame->fds[0]);
	int r;

	(void)msg;
	wpage_crumb(w->page, clock_now_ms(), "a new connection to the bus");
	r = bus_adopt(w->bus, fd);
	if (r < 0)
		log_error("event=bus-failed error=%s", strerror(-r));
	return 0;
}

static int on_arbiter(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int r = lockc_adopt(w->lockc, frame->fds[0]);

	(void)msg;
	if (r < 0)
		return r;
	(void)take_fd(&frame->fds[0]);
	return 0;
}

static int on_arbiter_gone(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	lockc_orphan(w->lockc);
	return 0;
}

static int on_attach(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int fd = take_fd(&frame->fds[0]);
	uint32_t session = ((const Bh__Ctl__SessionAttach *)msg)->session;
	int r;

	wpage_crumb(w->page, clock_now_ms(), "session %u comes", session);
	r = w->is_stopping ? -ESHUTDOWN : seats_attach(w->seats, msg, fd);
	if (r < 0 && r != -ESHUTDOWN)
		log_error("event=attach-failed error=%s", strerror(-r));
	if (r < 0 && r != -ESTALE)
		(void)close_fd(fd);
	if (r < 0)
		seats_detach(w->seats, session, false);
	return 0;
}

static int on_access(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	rights_changed(w->seats, msg);
	return 0;
}

static int on_detach(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__SessionRef *ref = msg;
	struct worker *w = ctx;

	(void)frame;
	seats_detach(w->seats, ref->session, ref->class_ == BH__CLASS__CLASS_CANCELLED);
	return 0;
}

static int on_next_step(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_next_step(w->links, frame->id, msg);
	return 0;
}

static int on_link_ended(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_ended(w->links, frame->id, msg);
	return 0;
}

static int on_kernel_link(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_kernel(w->links, frame->id, msg);
	return 0;
}

static int on_link_cause(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__LinkCause *said = msg;
	const struct errors_cause cause = {
		.is_disconnect = said->is_disconnect,
		.status = (uint8_t)said->status,
	};
	struct worker *w = ctx;

	(void)frame;
	links_cause(w->links, said->address, &cause);
	return 0;
}

static int on_link_cut(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__Link *link = msg;
	struct worker *w = ctx;

	(void)frame;
	links_cut(w->links, link->address, link->has_class_);
	return 0;
}

static int on_locks_wanted(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	lockc_ask(w->lockc, NULL);
	return 0;
}

static int on_find(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	const Bh__Ctl__Find *find = msg;

	(void)frame;
	if (find->stop)
		scan_find_stop(w->scan, find->address);
	else
		scan_find(w->scan, find->address, find->under, find->watch);
	return 0;
}

static int on_rules(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	links_rules(w->links, msg);
	return 0;
}

static int on_settings(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__Settings *settings = msg;
	struct worker *w = ctx;

	(void)frame;
	if (settings->has_log_level && settings->log_level <= LOG_LEVEL_DEBUG)
		log_set_level((enum log_level)settings->log_level);
	if (settings->has_workarounds)
		w->workarounds = settings->workarounds;
	if (settings->has_gatt_late_ms)
		w->gatt_late_ms = settings->gatt_late_ms;
	if (settings->has_passive)
		scan_set_passive(w->scan, settings->passive);
	if (settings->has_ask_room)
		w->asks_room = settings->ask_room;
	if (settings->has_links_max)
		links_set_max(w->links, settings->links_max);
	return 0;
}

static int on_room(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_room(w->links, frame->id, msg);
	return 0;
}

static int on_keep(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	keeper_keep(w->seats, msg);
	return 0;
}

static int on_check(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	keeper_check(w->seats, frame->id, msg);
	return 0;
}

static int on_connect_cancel(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	cancels_begin(w->cancels, frame->id, ((const Bh__Ctl__ConnectCancel *)msg)->address);
	return 0;
}

const struct chan_rule CONTROL_RULES[CONTROL_RULES_LEN] = {
	{ BH__CTL__TYPE__STOP, 0, 0, &bh__ctl__empty__descriptor, on_stop },
	{ BH__CTL__TYPE__BUS, 1, 1, &bh__ctl__empty__descriptor, on_bus },
	{ BH__CTL__TYPE__ARBITER, 1, 1, &bh__ctl__empty__descriptor, on_arbiter },
	{ BH__CTL__TYPE__ARBITER_GONE, 0, 0, &bh__ctl__empty__descriptor, on_arbiter_gone },
	{ BH__CTL__TYPE__SESSION_ATTACH, 1, 1, &bh__ctl__session_attach__descriptor, on_attach },
	{ BH__CTL__TYPE__ACCESS, 0, 0, &bh__ctl__access__descriptor, on_access },
	{ BH__CTL__TYPE__SESSION_DETACH, 0, 0, &bh__ctl__session_ref__descriptor, on_detach },
	{ BH__CTL__TYPE__NEXT_STEP, 0, 0, &bh__ctl__next_step__descriptor, on_next_step },
	{ BH__CTL__TYPE__LINK_ENDED, 0, 0, &bh__ctl__link_ended__descriptor, on_link_ended },
	{ BH__CTL__TYPE__KERNEL_LINK_IS, 0, 0, &bh__ctl__kernel_link__descriptor, on_kernel_link },
	{ BH__CTL__TYPE__LINK_CUT, 0, 0, &bh__ctl__link__descriptor, on_link_cut },
	{ BH__CTL__TYPE__LINK_CAUSE, 0, 0, &bh__ctl__link_cause__descriptor, on_link_cause },
	{ BH__CTL__TYPE__LOCKS_WANTED, 0, 0, &bh__ctl__empty__descriptor, on_locks_wanted },
	{ BH__CTL__TYPE__FIND, 0, 0, &bh__ctl__find__descriptor, on_find },
	{ BH__CTL__TYPE__DEVICE_RULES, 0, 0, &bh__ctl__device_rules__descriptor, on_rules },
	{ BH__CTL__TYPE__KEEP, 0, 0, &bh__ctl__keep__descriptor, on_keep },
	{ BH__CTL__TYPE__CACHE_CLEAR, 0, 0, &bh__ctl__cache_clear__descriptor, recall_on_clear },
	{ BH__CTL__TYPE__CHECK, 0, 0, &bh__ctl__check__descriptor, on_check },
	{ BH__CTL__TYPE__SETTINGS, 0, 0, &bh__ctl__settings__descriptor, on_settings },
	{ BH__CTL__TYPE__ROOM, 0, 0, &bh__ctl__room__descriptor, on_room },
	{ BH__CTL__TYPE__CONNECT_CANCEL, 0, 0, &bh__ctl__connect_cancel__descriptor,
	  on_connect_cancel },
};
