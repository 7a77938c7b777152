/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/sight.h"

#include "ipc/clock.h"

/* PER_MESSAGE devices with the longest names stay below CHAN_BODY_CONTROL. */
enum { PER_MESSAGE = 30, UUIDS_PER_MESSAGE = 64, GONE_MAX = 256 };
static_assert(PER_MESSAGE * (DEVICE_NAME_LEN + 32) + UUIDS_PER_MESSAGE * 18 < CHAN_BODY_CONTROL,
	      "a batch fits a frame");
static_assert((int)UUIDS_PER_MESSAGE >= (int)DEVICE_UUIDS_MAX, "those of one device fit");

struct sight {
	struct worker *w;
	TAILQ_HEAD(, device) queue;
	uint64_t gone[GONE_MAX];
	size_t n_gone;
	uint64_t sent_at_ms;
	struct deadline flush;
};

struct batch {
	Bh__Ctl__Seen seen[PER_MESSAGE];
	Bh__Ctl__Seen *list[PER_MESSAGE];
	size_t n;
	ProtobufCBinaryData uuids[UUIDS_PER_MESSAGE];
	size_t n_uuids;
};

static void send_batch(struct sight *sight, struct batch *batch)
{
	Bh__Ctl__Sightings msg = BH__CTL__SIGHTINGS__INIT;

	if (batch->n == 0)
		return;
	msg.seen = batch->list;
	msg.n_seen = batch->n;
	port_send(sight->w->up, BH__CTL__TYPE__SIGHTINGS, 0, 0, &msg.base);
	batch->n = 0;
	batch->n_uuids = 0;
}

static Bh__Ctl__Seen *add(struct sight *sight, struct batch *batch, uint64_t addr)
{
	Bh__Ctl__Seen *seen;

	if (batch->n == PER_MESSAGE)
		send_batch(sight, batch);
	seen = &batch->seen[batch->n];
	batch->list[batch->n++] = seen;
	bh__ctl__seen__init(seen);
	seen->has_address = 1;
	seen->address = addr;
	return seen;
}

/* They change rarely, and then there are more or fewer. */
static bool has_new_uuids(const struct device *device)
{
	return device->n_uuids != device->sight.n_uuids;
}

/* Pointers into the device: the batch is sent before anything else happens. */
static void add_uuids(struct batch *batch, Bh__Ctl__Seen *seen, const struct device *device)
{
	size_t i;

	seen->uuids = batch->uuids + batch->n_uuids;
	seen->n_uuids = device->n_uuids;
	for (i = 0; i < device->n_uuids; i++)
		batch->uuids[batch->n_uuids++] = (ProtobufCBinaryData){
			.len = sizeof(device->uuids[i].octets),
			.data = device->uuids[i].octets,
		};
}

static void tell(struct sight *sight, struct batch *batch, struct device *device, uint64_t now_ms)
{
	Bh__Ctl__Seen *seen;

	if (batch->n_uuids + device->n_uuids > UUIDS_PER_MESSAGE)
		send_batch(sight, batch);
	seen = add(sight, batch, device->addr);
	if (has_new_uuids(device))
		add_uuids(batch, seen, device);
	device->sight.n_uuids = device->n_uuids;
	seen->has_random = seen->has_connected = 1;
	seen->random = device->is_random;
	seen->connected = device->is_connected;
	seen->has_bonded = device->is_bonded || device->sight.is_bonded;
	seen->bonded = device->is_bonded;
	seen->has_rssi_dbm = device->has_rssi;
	seen->rssi_dbm = device->rssi_dbm;
	seen->name = device->name[0] ? device->name : NULL;
	device->sight.is_queued = false;
	device->sight.is_told = true;
	device->sight.is_connected = device->is_connected;
	device->sight.is_bonded = device->is_bonded;
	device->sight.has_rssi = device->has_rssi;
	device->sight.rssi_dbm = device->rssi_dbm;
	device->sight.at_ms = now_ms;
}

void sight_flush(struct sight *sight)
{
	struct batch batch = { .n = 0 };
	uint64_t now_ms = clock_now_ms();
	struct device *device;
	size_t i;

	deadline_clear(sight->w->deadlines, &sight->flush);
	for (i = 0; i < sight->n_gone; i++) {
		Bh__Ctl__Seen *seen = add(sight, &batch, sight->gone[i]);

		seen->has_gone = 1;
		seen->gone = 1;
	}
	sight->n_gone = 0;
	while ((device = TAILQ_FIRST(&sight->queue))) {
		TAILQ_REMOVE(&sight->queue, device, sight.entry);
		tell(sight, &batch, device, now_ms);
	}
	send_batch(sight, &batch);
	sight->sent_at_ms = now_ms;
}

static void on_flush(struct deadline *deadline)
{
	sight_flush(container_of(deadline, struct sight, flush));
}

/* At once after a quiet time, else when the interval is over. */
static void plan(struct sight *sight)
{
	if (!sight->flush.is_set)
		deadline_set(sight->w->deadlines, &sight->flush,
			     sight->sent_at_ms + SIGHT_EVERY_MS);
}

static bool is_news(const struct device *device, unsigned changes)
{
	int step = device->rssi_dbm - device->sight.rssi_dbm;

	if (!device->sight.is_told || (changes & 1u << DEVICE_NAME) ||
	    device->is_connected != device->sight.is_connected ||
	    device->is_bonded != device->sight.is_bonded || has_new_uuids(device))
		return true;
	if (!(changes & 1u << DEVICE_ADVERT) || !device->has_rssi)
		return false;
	return !device->sight.has_rssi || step >= SIGHT_RSSI_STEP_DB ||
	       step <= -SIGHT_RSSI_STEP_DB ||
	       clock_now_ms() - device->sight.at_ms >= SIGHT_REFRESH_MS;
}

void sight_device(struct sight *sight, struct device *device, unsigned changes)
{
	if (device->sight.is_queued || !is_news(device, changes))
		return;
	device->sight.is_queued = true;
	TAILQ_INSERT_TAIL(&sight->queue, device, sight.entry);
	plan(sight);
}

void sight_device_gone(struct sight *sight, struct device *device)
{
	if (device->sight.is_queued)
		TAILQ_REMOVE(&sight->queue, device, sight.entry);
	device->sight.is_queued = false;
	if (!device->sight.is_told)
		return;
	if (sight->n_gone == GONE_MAX)
		sight_flush(sight);
	sight->gone[sight->n_gone++] = device->addr;
	plan(sight);
}

int sight_new(struct sight **out, struct worker *w)
{
	struct sight *sight = calloc(1, sizeof(*sight));

	if (!sight)
		return -ENOMEM;
	sight->w = w;
	sight->flush.fire = on_flush;
	TAILQ_INIT(&sight->queue);
	*out = sight;
	return 0;
}

struct sight *sight_free(struct sight *sight)
{
	if (!sight)
		return NULL;
	deadline_clear(sight->w->deadlines, &sight->flush);
	free(sight);
	return NULL;
}
