/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/judge_register.h"

#include <string.h>

/* Nobody asks what was proved so long ago: a request is judged within its deadline. */
enum { KEPT = 4096 };

struct place {
	uint32_t place; /* 1 and up, per device; 0: never arrived */
	uint16_t device;
};

/* "from @at_us on the device had the @place-th value, or a later one". */
struct proof {
	int64_t at_us;
	uint32_t place, value;
};

/* Proofs rise in both, as stairs: what a later or an older value adds nothing to is left out. */
struct device {
	uint32_t arrived;
	size_t n, room;
	struct proof *proofs;
};

struct judge_register {
	struct {
		struct place *at;
		uint32_t n;
	} clients[256];
	struct device devices[BOOK_DEVICES_MAX];
};

/* A tool that cannot remember cannot judge. */
static void *grow(void *at, size_t old, size_t more, size_t size)
{
	char *bigger = reallocarray(at, more, size);

	if (!bigger)
		abort();
	memset(bigger + old * size, 0, (more - old) * size);
	return bigger;
}

int judge_register_new(struct judge_register **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct judge_register *judge_register_free(struct judge_register *reg)
{
	if (!reg)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(reg->clients); i++)
		free(reg->clients[i].at);
	for (size_t i = 0; i < ARRAY_LEN(reg->devices); i++)
		free(reg->devices[i].proofs);
	free(reg);
	return NULL;
}

static const struct place *find(const struct judge_register *reg, uint32_t value)
{
	uint32_t client = value >> 24, number = value & 0xffffff;

	return number < reg->clients[client].n ? &reg->clients[client].at[number] : NULL;
}

/* 0: not there. */
static uint32_t place_of(const struct judge_register *reg, uint16_t device, uint32_t value)
{
	const struct place *place = find(reg, value);

	return place && place->device == device ? place->place : 0;
}

bool judge_register_arrived(struct judge_register *reg, uint16_t device, uint32_t value)
{
	uint32_t client = value >> 24, number = value & 0xffffff;
	struct place *place;

	if (number >= reg->clients[client].n) {
		uint32_t more = number * 2 + 64;

		reg->clients[client].at = grow(reg->clients[client].at, reg->clients[client].n,
					       more, sizeof(struct place));
		reg->clients[client].n = more;
	}
	place = &reg->clients[client].at[number];
	if (place->place > 0)
		return false;
	*place = (struct place){ ++reg->devices[device].arrived, device };
	return true;
}

bool judge_register_has(const struct judge_register *reg, uint16_t device, uint32_t value)
{
	return value == BOOK_VALUE_NONE || place_of(reg, device, value) > 0;
}

/* The first proof later than @at_us. */
static size_t after_time(const struct device *d, int64_t at_us)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (d->proofs[mid].at_us <= at_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void make_room(struct device *d)
{
	if (d->n >= KEPT) {
		d->n -= KEPT / 2;
		memmove(d->proofs, d->proofs + KEPT / 2, d->n * sizeof(*d->proofs));
	}
	if (d->n < d->room)
		return;
	d->proofs = grow(d->proofs, d->room, d->room * 2 + 16, sizeof(*d->proofs));
	d->room = d->room * 2 + 16;
}

void judge_register_proved(struct judge_register *reg, uint16_t device, uint32_t value,
			   int64_t at_us)
{
	struct proof proof = { at_us, place_of(reg, device, value), value };
	struct device *d = &reg->devices[device];
	size_t at, end;

	if (proof.place == 0)
		return;
	make_room(d);
	at = after_time(d, at_us);
	if (at > 0 && d->proofs[at - 1].place >= proof.place)
		return;
	for (end = at; end < d->n && d->proofs[end].place <= proof.place; end++)
		;
	memmove(d->proofs + at + 1, d->proofs + end, (d->n - end) * sizeof(*d->proofs));
	d->proofs[at] = proof;
	d->n = d->n + 1 - (end - at);
}

int judge_register_read(const struct judge_register *reg, uint16_t device, uint32_t value,
			int64_t began_us, uint32_t after, uint32_t *out_newer)
{
	const struct device *d = &reg->devices[device];
	uint32_t place = place_of(reg, device, value);
	size_t at;

	if (value != BOOK_VALUE_NONE && place == 0)
		return JUDGE_READ_ODD;
	/* What was proved in that very microsecond was not proved before. */
	at = after_time(d, began_us - 1);
	if (at > 0 && place < d->proofs[at - 1].place) {
		*out_newer = d->proofs[at - 1].value;
		return JUDGE_READ_STALE;
	}
	if (after != 0 && place < place_of(reg, device, after)) {
		*out_newer = after;
		return JUDGE_READ_STALE;
	}
	return JUDGE_READ_RIGHT;
}
