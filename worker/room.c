/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/room.h"

void room_init(struct room *room, uint32_t max)
{
	room->max = max;
	room->learned = 0;
	room->learned_until_ms = 0;
	TAILQ_INIT(&room->waiting);
	TAILQ_INIT(&room->inside);
}

void room_join(struct room *room, struct room_place *place)
{
	if (place->state != ROOM_NONE)
		return;
	place->state = ROOM_WAITS;
	TAILQ_INSERT_TAIL(&room->waiting, place, entry);
}

void room_leave(struct room *room, struct room_place *place)
{
	if (place->state == ROOM_WAITS)
		TAILQ_REMOVE(&room->waiting, place, entry);
	if (place->state == ROOM_HAS)
		TAILQ_REMOVE(&room->inside, place, entry);
	place->state = ROOM_NONE;
}

struct room_place *room_first(const struct room *room)
{
	return TAILQ_FIRST(&room->waiting);
}

void room_admit(struct room *room)
{
	struct room_place *place = TAILQ_FIRST(&room->waiting);

	TAILQ_REMOVE(&room->waiting, place, entry);
	TAILQ_INSERT_TAIL(&room->inside, place, entry);
	place->state = ROOM_HAS;
}

void room_refused(struct room *room, uint32_t shown, uint64_t now_ms)
{
	if (shown == 0)
		return;
	room->learned = shown;
	room->learned_until_ms = now_ms + ROOM_LEARNED_MS;
}

void room_shown(struct room *room, uint32_t shown)
{
	if (room->learned > 0 && shown > room->learned)
		room->learned = shown;
}

uint32_t room_limit(const struct room *room, uint64_t now_ms)
{
	if (room->learned == 0 || now_ms >= room->learned_until_ms)
		return room->max;
	return room->max > 0 && room->max < room->learned ? room->max : room->learned;
}

enum room_verdict room_decide(const struct room *room, const struct room_count *count,
			      uint64_t now_ms)
{
	const struct room_place *place;
	uint32_t limit = room_limit(room, now_ms);
	uint32_t taken = count->shown + count->pending;
	uint32_t lacking;

	if (TAILQ_EMPTY(&room->waiting))
		return ROOM_SETTLED;
	if (limit == 0 || taken < limit)
		return ROOM_ADMIT;
	lacking = taken - limit;
	TAILQ_FOREACH(place, &room->waiting, entry)
	lacking++;
	/* One place for each: what ends already is not asked for twice. */
	return count->idle > 0 && count->ending < lacking ? ROOM_YIELD : ROOM_SETTLED;
}

bool room_is_less(const struct room_idle *a, const struct room_idle *b)
{
	if (a->is_kept != b->is_kept)
		return b->is_kept;
	return a->since_ms < b->since_ms;
}
