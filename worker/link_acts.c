/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a link does in its states, and what the worker tells it; worker/link.h, link_table.h. */
#include "worker/link.h"

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/notify.h"
#include "worker/recall.h"
#include "worker/scan.h"

#include <stdio.h>
#include <string.h>

/*
 * LAG_MS: in which D-Bus shows what the kernel did; 30 ms in the lab.
 * ADVICE_MS: how long the supervisor may think about the next step.
 */
enum { DISCONNECT_MS = 5000, LAG_MS = 500, ADVICE_MS = 3000 };

/* --- holding and letting go --- */

static void let_scan_go_on(struct link *link)
{
	scan_resume(link->w->scan, &link->pause);
}

static void stop_seeking(struct link *link)
{
	if (link->seek.is_on)
		scan_unwant(link->w->scan, &link->seek);
}

void link_release(struct link *link)
{
	stop_seeking(link);
	link_room_leave(link);
	lockc_drop(link->w->lockc, &link->lock);
	let_scan_go_on(link);
	if (link->call)
		bus_abandon(link->call);
	if (link->end_call)
		bus_abandon(link->end_call);
	link->call = NULL;
	link->end_call = NULL;
	link->token = 0;
	cure_stop(link);
	worker_op_end(link->w, &link->op);
}

/* --- actions --- */

static void act_seek(struct link *link)
{
	const char *text;
	enum err_class trouble = worker_trouble(link->w, &text);

	link_count_attempt(link);
	if (trouble != CLASS_NONE) {
		link_event_why(link, LINK_EV_GONE, trouble, text);
		return;
	}
	link->seek.under = link_under(link);
	scan_want(link->w->scan, &link->seek);
}

/* The longest that anybody waits: requests run out by themselves. */
static uint32_t longest_left_ms(const struct link *link)
{
	const struct request *request;
	const struct seat *seat;
	uint32_t longest = 0;
	uint32_t left;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	TAILQ_FOREACH(request, &seat->requests, entry)
	{
		left = request->is_resuming ? clock_left_ms(link->resume.until_ms, clock_now_ms())
		       : request_needs_link(request) ? request_left_ms(request)
						     : 0;
		longest = left > longest ? left : longest;
	}
	/* Who was told CONNECTED waits without a request. */
	left = clock_left_ms(link->promised_until_ms, clock_now_ms());
	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat->holds_link && left > longest)
		longest = left;
	return longest;
}

/* worker/cure.h: a cure that hangs must not hold up other connects. */
static bool has_device_lock_only(const struct link *link)
{
	return link->is_clear_due && link->failed != CLASS_BUSY_SAME_DEVICE &&
	       link->lock.under == 0;
}

static void act_queue(struct link *link)
{
	if (!link->seek.is_on)
		link_count_attempt(link);
	stop_seeking(link);
	link_room_join(link);
}

static void act_lock(struct link *link)
{
	link->lock.under = link_under(link);
	link->lock.n_resources = has_device_lock_only(link) ? 1 : 2;
	link->lock.local_kind = link->lock.n_resources == 1 ? link->lock.resources[0] : "connect";
	lockc_acquire(link->w->lockc, &link->lock, longest_left_ms(link));
}

static void act_under(struct link *link)
{
	uint64_t under = link_under(link);

	if (link->seek.is_on) {
		scan_want_under(link->w->scan, &link->seek, under);
		return;
	}
	lockc_drop(link->w->lockc, &link->lock);
	link->lock.under = under;
	lockc_acquire(link->w->lockc, &link->lock, longest_left_ms(link));
}

/* A Connect would be told OK of a link that is dead or on its way down (lab-facts.md). */
static bool is_shown_up(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	return device && device->is_connected;
}

static void act_check(struct link *link)
{
	lockc_drop(link->w->lockc, &link->lock);
	let_scan_go_on(link);
	cure_check(link);
}

static void act_prepare(struct link *link)
{
	link->queue_ms = clock_span_ms(link->began_ms, clock_now_ms());
	if (link->is_clear_due) {
		link_event(link, LINK_EV_CLEAR);
		return;
	}
	if (is_shown_up(link)) {
		link_event(link, LINK_EV_ADOPT);
		return;
	}
	if (scan_pause(link->w->scan, &link->pause, link->addr))
		link_event(link, LINK_EV_QUIET);
}

static bool has_services(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	return device && device->is_connected && device->is_resolved && device->db.n_services > 0;
}

/* When an adopted link counts as inactive. */
static uint64_t late_at_ms(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	return (device ? device->connected_at_ms : clock_now_ms()) + link->w->gatt_late_ms;
}

static void act_resolve(struct link *link)
{
	/* Adopted, it was not we who connected it. */
	link->is_adopted = !link->op.is_on;
	link->adopted_at_ms = clock_now_ms();
	link->has_answered = false;
	link->connect_ms = link->op.is_on ? clock_span_ms(link->op.at_ms, clock_now_ms()) : 0;
	link->resolving_at_ms = clock_now_ms();
	if (link->attempts == 0)
		link->queue_ms = 0;
	/* The radio has done its part; the next connect may begin while services are read. */
	lockc_drop(link->w->lockc, &link->lock);
	worker_op_end(link->w, &link->op);
	link->failed = CLASS_NONE;
	if (has_services(link))
		link_event(link, LINK_EV_RESOLVED);
	else if (link->is_adopted && link->cure.kernel == DIAGNOSIS_KERNEL_UP)
		deadline_set(link->w->deadlines, &link->limit, late_at_ms(link));
}

static void act_up(struct link *link)
{
	char addr[ADDR_TEXT_LEN + 1];
	struct seat *seat;

	let_scan_go_on(link);
	link->services_ms = clock_span_ms(link->resolving_at_ms, clock_now_ms());
	link->failed = CLASS_NONE;
	stuck_forget(link);
	addr_format(link->addr, addr);
	log_debug("event=link-up addr=%s attempts=%u connect_ms=%u", addr, link->attempts,
		  link->connect_ms);
	/* It may be had again by sessions that were not told that it was gone. */
	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat->holds_link && seat->is_exclusive)
		link->exclusive = seat;
	link->used_at_ms = 0;
	link->unwanted_at_ms = 0;
	recall_up(link);
	resume_link_up(link);
	link_tell_up(link);
}

static void on_disconnected(void *ctx, const struct bus_result *result)
{
	struct link *link = ctx;

	link->end_call = NULL;
	/* bluetoothd answers before it signals Connected=false: LOST comes by itself then. */
	if (!is_shown_up(link))
		link_event(link, LINK_EV_LOST);
	else if (!result->reply)
		link_not_ended(link);
	link_review(link);
}

void link_end_by_bus(struct link *link)
{
	if (link->is_end_forced)
		return;
	link->is_end_forced = true;
	/* That of a cancelled Connect which came true: its answer would come to a link that is
	 * over. */
	if (link->end_call)
		bus_abandon(link->end_call);
	link->end_call = NULL;
	deadline_set(link->w->deadlines, &link->limit, clock_now_ms() + DISCONNECT_MS + LAG_MS);
	if (link_call(link, "Disconnect", DISCONNECT_MS, on_disconnected, &link->end_call) < 0)
		link_not_ended(link);
}

static void act_end(struct link *link)
{
	lockc_drop(link->w->lockc, &link->lock);
	let_scan_go_on(link);
	link->is_end_forced = false;
	if (link->call)
		bus_abandon(link->call);
	link->call = NULL;
	if (!link->w->up) {
		link_end_by_bus(link);
		return;
	}
	/* DESIGN 6: MGMT ends a link in milliseconds, D-Bus takes two seconds on purpose. */
	link_tell(link, BH__CTL__TYPE__LINK_END);
}

static void act_abort(struct link *link)
{
	link_connect_leave(link);
	act_end(link);
}

/*
 * BlueZ went, which is nobody's fault: a request that has done nothing yet waits for it, as one
 * that comes now would. A subscription's state went with BlueZ, a check is half done.
 */
static bool waits_for_bluez(struct request *request, enum err_class class)
{
	if (class != CLASS_BLUEZ_GONE ||
	    (request->state != REQUEST_QUEUED && request->type != BH__TYPE__READ))
		return false;
	link_unfly(request);
	return true;
}

/* Everybody who used it learns of it; nobody wants it until he says so again. */
static void tell_users(struct link *link, enum err_class class, const char *text)
{
	struct request *request;
	struct request *next;
	struct seat *seat;

	link->went = class;
	(void)snprintf(link->went_text, sizeof(link->went_text), "%s", text);
	TAILQ_FOREACH(seat, &link->seats, on_link)
	seat->loses_link = seat->holds_link || notify_is_on_link(seat);
	notify_drop_link_why(link, class, text);
	resume_link_lost(link);
	TAILQ_FOREACH(seat, &link->seats, on_link)
	{
		seat_let_go(seat);
		for (request = TAILQ_FIRST(&seat->requests); request; request = next) {
			next = TAILQ_NEXT(request, entry);
			if (request_needs_link(request) && !waits_for_bluez(request, class) &&
			    !(request->is_resuming && resume_is_hopeful(class)))
				request_lost(request, class, text);
		}
		if (seat->loses_link)
			seat_tell_lost(seat, class, text);
	}
}

static void act_lost(struct link *link)
{
	enum err_class class = link->failed != CLASS_NONE ? link->failed : CLASS_LINK_LOST;
	const char *cause = link_cause_text(link);
	const char *text = link->failed != CLASS_NONE ? link->failed_text
			   : *cause		      ? cause
						      : "the link broke";
	char addr[ADDR_TEXT_LEN + 1];

	addr_format(link->addr, addr);
	log_info("event=link-lost addr=%s class=%s text=\"%s\"", addr, class_name(class), text);
	tell_users(link, class, text);
	link_tell_down(link, class, text);
	link->failed = CLASS_NONE;
	link->attempts = 0;
	link_release(link);
}

static void act_again(struct link *link)
{
	char text[LINK_TEXT_LEN];

	(void)snprintf(text, sizeof(text),
		       "another program's link, taken over, went after %u ms as in a Disconnect; "
		       "connecting anew",
		       clock_span_ms(link->adopted_at_ms, clock_now_ms()));
	link_tell_event(link, "connect-failed", 0, CLASS_ABORTED_LOCAL, text);
	link_tell_down(link, CLASS_ABORTED_LOCAL, text);
	link->attempts = 0;
	link_release(link);
}

static void act_cut(struct link *link)
{
	tell_users(link, CLASS_CANCELLED, "a person ended the link");
	/* It is no failure of whoever wants the link again. */
	link->failed = CLASS_NONE;
	act_end(link);
}

static void act_dead(struct link *link)
{
	tell_users(link, link->failed, link->failed_text);
	link->failed = CLASS_NONE;
	act_end(link);
}

/* Whoever waits for the link in that session is answered. */
static void give_up_seat(struct seat *seat, enum err_class class, const char *text)
{
	struct request *request;
	struct request *next;

	if (seat->holds_link) {
		seat_let_go(seat);
		seat_tell_lost(seat, class, text);
	}
	for (request = TAILQ_FIRST(&seat->requests); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (!request_needs_link(request))
			continue;
		request->has_waited = true;
		request_lost(request, class, text);
	}
}

void link_fence(struct link *link, uint64_t under)
{
	struct seat *seat;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (under != 0 && seat->under == under)
		give_up_seat(seat, CLASS_LOCK_LOST, "the grant under which it connected is over");
}

void link_on_seek_fenced(struct scan_want *want, uint64_t under)
{
	struct link *link = container_of(want, struct link, seek);

	link_fence(link, under);
	link_review(link);
}

static void act_give_up(struct link *link)
{
	struct seat *seat;

	link_release(link);
	TAILQ_FOREACH(seat, &link->seats, on_link)
	give_up_seat(seat, link->failed, link->failed_text);
	link->attempts = 0;
	link->failed = CLASS_NONE;
	link->is_clear_due = false;
}

static void act_rest(struct link *link)
{
	link_release(link);
	if (!link_is_wanted(link)) {
		link->attempts = 0;
		link->failed = CLASS_NONE;
		link->is_clear_due = false;
	}
}

static void ask_next_step(struct link *link, bool came_up)
{
	Bh__Ctl__AttemptFailed msg = BH__CTL__ATTEMPT_FAILED__INIT;
	const struct seat *seat;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat_wants_link(seat))
		break;
	msg.has_session = msg.has_address = msg.has_attempt = 1;
	msg.has_class_ = msg.has_left_ms = msg.has_links = 1;
	msg.session = seat ? seat->session : 0;
	msg.address = link->addr;
	msg.links = (uint32_t)link->w->n_links;
	msg.attempt = link->attempts > 0 ? link->attempts : 1;
	msg.class_ = (Bh__Class)link->failed;
	msg.left_ms = longest_left_ms(link);
	msg.text = link->failed_text;
	msg.has_stuck = 1;
	msg.stuck = stuck_has_failed(link);
	msg.has_came_up = came_up;
	msg.came_up = came_up;
	msg.has_since_ms = 1;
	msg.since_ms = link->attempts_since_ms;
	port_send(link->w->up, BH__CTL__TYPE__ATTEMPT_FAILED, link_new_token(link), 0, &msg.base);
	deadline_set(link->w->deadlines, &link->limit, clock_now_ms() + ADVICE_MS);
}

static void act_report(struct link *link)
{
	bool came_up = link->is_told_up;
	char addr[ADDR_TEXT_LEN + 1];

	if (link->op.is_on)
		link->connect_ms = clock_span_ms(link->op.at_ms, clock_now_ms());
	link_release(link);
	if (link->failed == CLASS_OUT_OF_SLOTS)
		room_refused(&link->w->links->room, (uint32_t)link->w->n_links, clock_now_ms());
	/* Whoever does not answer a Connect is sought next, and the other way round. */
	link->is_silent = link->failed == CLASS_NOT_FOUND && !link->is_silent;
	if (!stuck_is_any(link) || !is_shown_up(link))
		link_tell_down(link, link->failed != CLASS_NONE ? link->failed : link->went,
			       link->failed != CLASS_NONE ? link->failed_text : link->went_text);
	if (!link_is_wanted(link) || link->failed == CLASS_NONE) {
		/* It ended as it should; whoever wants it again begins anew. */
		if (link->failed == CLASS_NONE)
			link->attempts = 0;
		link_event(link, LINK_EV_RETRY);
		return;
	}
	addr_format(link->addr, addr);
	log_info("event=attempt-failed addr=%s attempt=%u class=%s text=\"%s\"", addr,
		 link->attempts, class_name(link->failed), link->failed_text);
	if (link->w->up)
		ask_next_step(link, came_up);
	else
		link_event(link, LINK_EV_GIVE_UP);
}

static void (*const ACTS[])(struct link *link) = {
	[LINK_ACT_NONE] = NULL,		  [LINK_ACT_SEEK] = act_seek,
	[LINK_ACT_QUEUE] = act_queue,	  [LINK_ACT_LOCK] = act_lock,
	[LINK_ACT_PREPARE] = act_prepare, [LINK_ACT_CONNECT] = link_connect,
	[LINK_ACT_CANCEL] = link_cancel,  [LINK_ACT_RESOLVE] = act_resolve,
	[LINK_ACT_UP] = act_up,		  [LINK_ACT_END] = act_end,
	[LINK_ACT_CUT] = act_cut,	  [LINK_ACT_LOST] = act_lost,
	[LINK_ACT_AGAIN] = act_again,	  [LINK_ACT_REPORT] = act_report,
	[LINK_ACT_UNDER] = act_under,	  [LINK_ACT_GIVE_UP] = act_give_up,
	[LINK_ACT_REST] = act_rest,	  [LINK_ACT_CHECK] = act_check,
	[LINK_ACT_ABORT] = act_abort,	  [LINK_ACT_CURE] = cure_begin,
	[LINK_ACT_DEAD] = act_dead,
};

void link_act(struct link *link, enum link_act act)
{
	if (ACTS[act])
		ACTS[act](link);
}
