/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links that wait for a place on the adapter, and those that give theirs; worker/room.h. */
#include "ipc/addr.h"
#include "ipc/clock.h"
#include "worker/link.h"

#include <stdio.h>
#include <string.h>

static bool is_shown(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	return device && device->is_connected;
}

struct tally {
	struct room_count count;
	struct link *least; /* of those that are idle */
	struct room_idle worth;
};

static void count_link(struct link *link, void *ctx)
{
	struct tally *tally = ctx;
	struct room_idle worth;

	if (link->place.state == ROOM_HAS && !is_shown(link))
		tally->count.pending++;
	if (link->state == LINK_ENDING && is_shown(link))
		tally->count.ending++;
	if (!link_is_idle(link))
		return;
	tally->count.idle++;
	worth = (struct room_idle){
		.is_kept = link_use(link) == LINK_USE_KEPT,
		.since_ms = link->used_at_ms > link->since_ms ? link->used_at_ms : link->since_ms,
	};
	if (tally->least && !room_is_less(&worth, &tally->worth))
		return;
	tally->least = link;
	tally->worth = worth;
}

static struct tally count_all(struct links *links)
{
	struct tally tally = { .count.shown = (uint32_t)links->w->n_links };

	links_each(links, count_link, &tally);
	return tally;
}

void link_room_yield(struct link *link, uint64_t waits)
{
	char text[LINK_TEXT_LEN];
	char addr[ADDR_TEXT_LEN + 1];

	if (waits != 0)
		addr_format(waits, addr);
	(void)snprintf(text, sizeof(text), "it gave its place to a link that waits%s%s",
		       waits != 0 ? ": " : "", waits != 0 ? addr : "");
	if (link_is_wanted(link))
		link_event_why(link, LINK_EV_LIMIT, CLASS_OUT_OF_SLOTS, text);
	else
		link_event(link, LINK_EV_UNWANT);
	link_review_later(link, 0);
}

static void admit(struct links *links)
{
	struct link *link = container_of(room_first(&links->room), struct link, place);
	Bh__Ctl__RoomWanted wanted = BH__CTL__ROOM_WANTED__INIT;

	room_admit(&links->room);
	if (!links->w->asks_room) {
		link_event(link, LINK_EV_ROOM);
		return;
	}
	wanted.has_address = 1;
	wanted.address = link->addr;
	link->is_room_asked = true;
	port_send(links->w->up, BH__CTL__TYPE__ROOM_WANTED, link_new_token(link), 0, &wanted.base);
}

static void look(struct links *links)
{
	const uint64_t now_ms = clock_now_ms();
	const struct link *first;
	enum room_verdict verdict;
	struct tally tally;

	/* Each turn admits one, or ends one. */
	while (room_first(&links->room)) {
		/* Without a limit there is nothing to count. */
		tally = (struct tally){ .least = NULL };
		if (room_limit(&links->room, now_ms) > 0)
			tally = count_all(links);
		verdict = room_decide(&links->room, &tally.count, now_ms);
		if (verdict == ROOM_SETTLED)
			break;
		first = container_of(room_first(&links->room), struct link, place);
		if (verdict == ROOM_YIELD)
			link_room_yield(tally.least, first->addr);
		else
			admit(links);
	}
	/* What was learned is believed until then. */
	if (room_first(&links->room) && links->room.learned_until_ms > now_ms)
		deadline_set(links->w->deadlines, &links->room_look, links->room.learned_until_ms);
}

void links_on_room_look(struct deadline *deadline)
{
	look(container_of(deadline, struct links, room_look));
}

void links_room_changed(struct links *links)
{
	room_shown(&links->room, (uint32_t)links->w->n_links);
	if (room_first(&links->room))
		deadline_set(links->w->deadlines, &links->room_look, clock_now_ms());
}

void links_set_max(struct links *links, uint32_t max)
{
	links->w->links_max = max;
	links->room.max = max;
	links_room_changed(links);
}

/* People are to see why nothing happens, and another adapter may have room. */
static void tell_waits(const struct link *link)
{
	Bh__Event event = BH__EVENT__INIT;
	char text[LINK_TEXT_LEN];

	link_room_text(link, text, sizeof(text));
	event.kind = (char *)(uintptr_t) "link-waits";
	event.has_address = event.has_class_ = 1;
	event.address = link->addr;
	event.class_ = BH__CLASS__CLASS_OUT_OF_SLOTS;
	event.text = text;
	port_send(link->w->up, BH__CTL__TYPE__EVENT, 0, 0, &event.base);
}

void link_room_join(struct link *link)
{
	room_join(&link->w->links->room, &link->place);
	look(link->w->links);
	if (link->place.state == ROOM_WAITS)
		tell_waits(link);
}

void link_room_leave(struct link *link)
{
	Bh__Ctl__RoomWanted wanted = BH__CTL__ROOM_WANTED__INIT;

	if (link->place.state == ROOM_NONE)
		return;
	room_leave(&link->w->links->room, &link->place);
	links_room_changed(link->w->links);
	if (!link->is_room_asked)
		return;
	link->is_room_asked = false;
	wanted.has_address = wanted.has_stop = 1;
	wanted.address = link->addr;
	wanted.stop = 1;
	port_send(link->w->up, BH__CTL__TYPE__ROOM_WANTED, 0, 0, &wanted.base);
}

/* --- who has the places --- */

struct names {
	char *at;
	size_t left;
	uint32_t n;
};

enum { NAMES_MAX = 4 };

static void add_name(struct link *link, void *ctx)
{
	struct names *names = ctx;
	const struct seat *seat;
	const struct seat *holder = NULL;
	char addr[ADDR_TEXT_LEN + 1];
	char who[32] = "ending";
	int n;

	if (!is_shown(link) && link->place.state != ROOM_HAS)
		return;
	if (names->n++ >= NAMES_MAX)
		return;
	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat_wants_link(seat) && (!holder || holder->is_keeper))
		holder = seat;
	if (holder)
		(void)snprintf(who, sizeof(who), "%s %u", holder->is_keeper ? "kept" : "session",
			       holder->session);
	addr_format(link->addr, addr);
	n = snprintf(names->at, names->left, "%s%s (%s)", names->n > 1 ? ", " : "", addr, who);
	if (n < 0 || (size_t)n >= names->left) {
		*names->at = '\0';
		names->left = 1;
		return;
	}
	names->at += n;
	names->left -= (size_t)n;
}

void link_room_text(const struct link *link, char *out, size_t size)
{
	struct links *links = link->w->links;
	uint32_t shown = (uint32_t)links->w->n_links;
	char list[LINK_TEXT_LEN] = "";
	struct names names = { .at = list, .left = sizeof(list) };
	uint32_t limit;

	if (link->place.state == ROOM_HAS) {
		(void)snprintf(out, size, "a place among all links that the daemon may have");
		return;
	}
	links_each(links, add_name, &names);
	if (names.n < shown && names.left > 1)
		(void)snprintf(names.at, names.left, "%s%u of other programs",
			       names.n > 0 ? " and " : "", shown - names.n);
	limit = room_limit(&links->room, clock_now_ms());
	(void)snprintf(out, size, "a place: %s has room for %u link%s: %s", links->w->adapter,
		       limit, limit == 1 ? "" : "s", list);
}
