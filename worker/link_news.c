/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What BlueZ, the supervisor and discovery tell links; worker/link.h. */
#include "worker/link.h"

#include "ipc/clock.h"
#include "worker/notify.h"
#include "worker/validate.h"

/*
 * Device1.Disconnect takes 2.0 to 2.6 s, in which nothing shows that the link is about to go: BlueZ
 * has it connected and resolved, reads work, and a Connect is told OK (lab-facts.md). What was
 * adopted in that window was not a link, unless it was of use until then.
 */
enum { DISCONNECT_WINDOW_MS = 2600 };

static bool is_withdrawn(const struct link *link)
{
	uint64_t now_ms = clock_now_ms();

	/* Who listens there misses values, and is to be told. */
	return link->state == LINK_UP && link->is_adopted && !link->has_answered &&
	       TAILQ_EMPTY(&link->subs) && now_ms - link->adopted_at_ms <= DISCONNECT_WINDOW_MS &&
	       now_ms < link->promised_until_ms;
}

/* A link that was being checked is an attempt that failed; any other one is lost. */
static void lost(struct link *link)
{
	validate_lost(link);
	link_event(link, is_withdrawn(link) ? LINK_EV_WITHDRAWN : LINK_EV_LOST);
}

void links_device(struct links *links, struct device *device, unsigned changes)
{
	const unsigned matters =
		1u << DEVICE_NEW | 1u << DEVICE_CONNECTED | 1u << DEVICE_GATT | 1u << DEVICE_ADVERT;
	struct link *link;

	if (!(changes & matters))
		return;
	link = links_find(links, device->addr);
	if (!link)
		return;
	if (link->state == LINK_SEEKING)
		link_event(link, LINK_EV_SEEN);
	if (changes == 1u << DEVICE_ADVERT)
		return;
	/* Somebody else's attempt succeeded meanwhile (a dead worker's, say): nothing to wait for.
	 */
	if (link->state == LINK_RESTING && device->is_connected)
		link_event(link, LINK_EV_RETRY);
	if (link->state == LINK_QUEUED && device->is_connected)
		link_event(link, LINK_EV_ADOPT);
	if (changes & (1u << DEVICE_CONNECTED | 1u << DEVICE_GATT))
		cure_news(link);
	if ((changes & 1u << DEVICE_CONNECTED) && !device->is_connected) {
		link->peer = DIAGNOSIS_PEER_NOT_ASKED;
		/* Of an orphan BlueZ does not know: its end the next look shows. */
		if (link->stuck.state != DIAGNOSIS_ORPHAN)
			stuck_forget(link);
		if (link->state == LINK_RESOLVING)
			link_event_vague(link, LINK_EV_LOST, CLASS_ABORTED_REMOTE,
					 "the link broke before the services were read");
		else
			lost(link);
		link_tell_gone(link);
	}
	if (link->state == LINK_RESOLVING && device->is_connected && device->is_resolved &&
	    device->db.n_services > 0)
		link_event(link, LINK_EV_RESOLVED);
	link_review(link);
}

void links_device_gone(struct links *links, struct device *device)
{
	struct link *link = links_find(links, device->addr);

	/* All go with bluetoothd: links_gone() follows, and says so. */
	if (!link || !mirror_is_loaded(link->w->mirror))
		return;
	/*
	 * A temporary object goes with its failed connect, and that Connect may never be answered
	 * (reference/lab-facts.md): this is the answer.
	 */
	if (link->state == LINK_CANCELLING)
		link_event(link, LINK_EV_FAILED);
	else if (link->state == LINK_CONNECTING)
		link_event_vague(link, LINK_EV_FAILED, CLASS_ABORTED_LOCAL,
				 "the connect failed, and BlueZ removed the peripheral");
	else if (link->state == LINK_RESOLVING)
		link_event_why(link, LINK_EV_LOST, CLASS_NOT_FOUND, "BlueZ removed the peripheral");
	else
		link_event(link, LINK_EV_LOST);
	link->peer = DIAGNOSIS_PEER_NOT_ASKED;
	if (link->stuck.state != DIAGNOSIS_ORPHAN)
		stuck_forget(link);
	link_tell_gone(link);
	cure_news(link);
	/* Not reviewed: the device is still in the table, and on its way out. */
	link_review_later(link, 0);
}

struct reason {
	enum err_class class;
	const char *text;
};

static void gone(struct link *link, void *arg)
{
	const struct reason *why = arg;

	link->peer = DIAGNOSIS_PEER_NOT_ASKED;
	stuck_forget(link);
	/* An ending link has ended; that is no failure. */
	if (link->state == LINK_ENDING)
		link_event(link, LINK_EV_GONE);
	else
		link_event_why(link, LINK_EV_GONE, why->class, why->text);
	link_tell_gone(link);
	link_review_later(link, 0);
}

void links_gone(struct links *links, enum err_class class, const char *text)
{
	struct reason why = { .class = class, .text = text };

	links_each(links, gone, &why);
}

static void review(struct link *link, void *arg)
{
	(void)arg;
	link_review(link);
}

void links_loaded(struct links *links)
{
	links_each(links, review, NULL);
}

static void renew(struct link *link, void *arg)
{
	(void)arg;
	notify_renew_link(link);
}

void links_bus_leaving(struct links *links)
{
	links_each(links, renew, NULL);
}

static void quiet(struct link *link, void *arg)
{
	(void)arg;
	if (link->state == LINK_PREPARING)
		link_event(link, LINK_EV_QUIET);
}

void links_quiet(struct links *links)
{
	links_each(links, quiet, NULL);
}

void links_cut(struct links *links, uint64_t addr, bool is_lost)
{
	struct link *link = links_find(links, addr);

	if (!link)
		return;
	if (is_lost)
		link_event_why(link, LINK_EV_CUT, CLASS_LINK_LOST,
			       "the machine slept, and the link was gone");
	else
		link_event_why(link, LINK_EV_CUT, CLASS_CANCELLED, "a person ended the link");
	link_review(link);
}

static void stop(struct link *link, void *arg)
{
	(void)arg;
	link_event(link, LINK_EV_UNWANT);
	link_review(link);
}

void links_stop(struct links *links)
{
	links_each(links, stop, NULL);
}

bool links_are_down(const struct links *links)
{
	const struct link *link;
	size_t i;

	for (i = 0; i < ARRAY_LEN(links->buckets); i++)
		for (link = links->buckets[i]; link; link = link->next)
			if (link->state != LINK_DOWN)
				return false;
	return true;
}

struct answer {
	uint32_t token;
	struct link *link;
};

static void match_token(struct link *link, void *arg)
{
	struct answer *answer = arg;

	if (link->token == answer->token)
		answer->link = link;
}

static struct link *by_token(struct links *links, uint32_t token)
{
	struct answer answer = { .token = token };

	if (token != 0)
		links_each(links, match_token, &answer);
	return answer.link;
}

void links_next_step(struct links *links, uint32_t token, const Bh__Ctl__NextStep *step)
{
	struct link *link = by_token(links, token);

	if (!link || link->state != LINK_RESTING)
		return;
	link->token = 0;
	link->is_clear_due |= step->step == BH__CTL__STEP__STEP_CLEAR;
	if (step->step == BH__CTL__STEP__STEP_GIVE_UP)
		link_event(link, LINK_EV_GIVE_UP);
	else
		deadline_set(link->w->deadlines, &link->limit, clock_now_ms() + step->delay_ms);
	link_review(link);
}

void links_kernel(struct links *links, uint32_t token, const Bh__Ctl__KernelLink *said)
{
	struct link *link = by_token(links, token);

	if (!link)
		return;
	link->token = 0;
	cure_kernel(link, said);
}

void links_ended(struct links *links, uint32_t token, const Bh__Ctl__LinkEnded *said)
{
	struct link *link = by_token(links, token);
	const struct device *device;

	if (!link)
		return;
	link->token = 0;
	cure_link_ended(link, said->status);
	if (link->state != LINK_ENDING)
		return;
	device = mirror_device(links->w->mirror, link->addr);
	/* Kept, it is not ours to end any more. */
	if (!device || !device->is_connected || said->kept)
		link_event(link, LINK_EV_LOST);
	else if (said->status != 0)
		link_end_by_bus(link);
	/* Otherwise D-Bus shows it within some 30 ms; the state's limit is there if not. */
	link_review(link);
}

void links_room(struct links *links, uint32_t token, const Bh__Ctl__Room *room)
{
	struct link *link = room->yield ? links_find(links, room->address) : by_token(links, token);

	if (!link)
		return;
	if (!room->yield && link->state == LINK_QUEUED) {
		link->token = 0;
		link_event(link, LINK_EV_ROOM);
	} else if (room->yield && link_is_idle(link)) {
		link_room_yield(link, 0);
	} else if (room->yield) {
		/* It is used again: another one is to be chosen. */
		link_tell_again(link);
	}
	link_review(link);
}
