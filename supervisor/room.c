/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/room.h"

#include <sys/queue.h>

enum row_state { ROW_WAITS, ROW_GRANTED, ROW_UP };

struct row {
	TAILQ_ENTRY(row) entry;
	enum row_state state;
	uint16_t adapter;
	uint64_t address;
	uint32_t token;
	bool is_idle;
	bool is_kept;
	bool is_yielding; /* it was asked to end */
	uint64_t idle_at_ms;
};

struct room {
	uint32_t total;
	size_t n;
	uint32_t n_waiting;
	TAILQ_HEAD(, row) rows; /* in the order in which they came */
};

int room_new(struct room **out, uint32_t total)
{
	struct room *room = calloc(1, sizeof(*room));

	if (!room)
		return -ENOMEM;
	room->total = total;
	TAILQ_INIT(&room->rows);
	*out = room;
	return 0;
}

void room_set_total(struct room *room, uint32_t total)
{
	room->total = total;
}

static void set_state(struct room *room, struct row *row, enum row_state state)
{
	room->n_waiting -= row->state == ROW_WAITS;
	row->state = state;
	room->n_waiting += row->state == ROW_WAITS;
}

static void row_free(struct room *room, struct row *row)
{
	set_state(room, row, ROW_UP);
	TAILQ_REMOVE(&room->rows, row, entry);
	room->n--;
	free(row);
}

struct room *room_free(struct room *room)
{
	struct row *row;

	if (!room)
		return NULL;
	while ((row = TAILQ_FIRST(&room->rows)))
		row_free(room, row);
	free(room);
	return NULL;
}

static struct row *find(const struct room *room, uint16_t adapter, uint64_t address)
{
	struct row *row;

	TAILQ_FOREACH(row, &room->rows, entry)
	if (row->adapter == adapter && row->address == address)
		return row;
	return NULL;
}

static struct row *add(struct room *room, uint16_t adapter, uint64_t address)
{
	struct row *row = room->n < ROOM_ROWS_MAX ? calloc(1, sizeof(*row)) : NULL;

	if (!row)
		return NULL;
	row->state = ROW_UP;
	row->adapter = adapter;
	row->address = address;
	TAILQ_INSERT_TAIL(&room->rows, row, entry);
	room->n++;
	return row;
}

int room_ask(struct room *room, uint16_t adapter, uint64_t address, uint32_t token)
{
	struct row *row = find(room, adapter, address);

	/* Whoever asks has none, whatever we believed. */
	if (row && row->state != ROW_WAITS) {
		row_free(room, row);
		row = NULL;
	}
	if (!row) {
		row = add(room, adapter, address);
		if (!row)
			return ROOM_FULL;
		set_state(room, row, ROW_WAITS);
	}
	row->token = token;
	return 0;
}

void room_stop(struct room *room, uint16_t adapter, uint64_t address)
{
	struct row *row = find(room, adapter, address);

	if (row && row->state != ROW_UP)
		row_free(room, row);
}

uint32_t room_on(const struct room *room, uint16_t adapter)
{
	const struct row *row;
	uint32_t n = 0;

	TAILQ_FOREACH(row, &room->rows, entry)
	n += row->adapter == adapter;
	return n;
}

bool room_link(struct room *room, uint16_t adapter, uint64_t address, const struct room_link *link,
	       uint64_t now_ms)
{
	struct row *row = find(room, adapter, address);
	bool was_up = row && row->state == ROW_UP;

	if (!link->is_up) {
		if (was_up)
			row_free(room, row);
		return was_up;
	}
	if (!row)
		row = add(room, adapter, address);
	if (!row)
		return was_up;
	set_state(room, row, ROW_UP);
	if (!row->is_idle)
		row->idle_at_ms = now_ms;
	row->is_idle = link->is_idle;
	row->is_kept = link->is_kept;
	row->is_yielding = false;
	return was_up;
}

void room_worker_gone(struct room *room, uint16_t adapter,
		      void (*left)(void *ctx, uint64_t address), void *ctx)
{
	struct row *row = TAILQ_FIRST(&room->rows);
	struct row *next;

	for (; row; row = next) {
		next = TAILQ_NEXT(row, entry);
		if (row->adapter != adapter)
			continue;
		if (row->state == ROW_UP)
			left(ctx, row->address);
		row_free(room, row);
	}
}

static bool is_less(const struct row *a, const struct row *b)
{
	if (a->is_kept != b->is_kept)
		return b->is_kept;
	return a->idle_at_ms < b->idle_at_ms;
}

static struct room_step step_of(enum room_act act, const struct row *row)
{
	return (struct room_step){
		.act = act, .adapter = row->adapter, .address = row->address, .token = row->token
	};
}

struct room_step room_next(struct room *room)
{
	const struct room_step nothing = { .act = ROOM_NOTHING };
	struct row *first = NULL;
	struct row *least = NULL;
	uint32_t yielding = 0;
	uint32_t taken = 0;
	struct row *row;

	/* The usual case, for each link that comes or goes. */
	if (room->n_waiting == 0)
		return nothing;
	TAILQ_FOREACH(row, &room->rows, entry)
	{
		taken += row->state != ROW_WAITS;
		yielding += row->is_yielding;
		if (row->state == ROW_WAITS && !first)
			first = row;
		if (row->state == ROW_UP && row->is_idle && !row->is_yielding &&
		    (!least || is_less(row, least)))
			least = row;
	}
	if (!first)
		return nothing;
	if (room->total == 0 || taken < room->total) {
		set_state(room, first, ROW_GRANTED);
		return step_of(ROOM_GRANT, first);
	}
	if (!least || yielding >= taken - room->total + room->n_waiting)
		return nothing;
	least->is_yielding = true;
	return step_of(ROOM_YIELD, least);
}
