/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whoever wants discovery: programs that scan, the supervisor's searches; worker/scan.h. */
#include "ipc/clock.h"
#include "worker/scan_state.h"
#include "worker/sight.h"

/*
 * QUEUED_MAX: frames to a program that has just begun; the channel takes 256.
 * HEARD_MS: who was heard is there; BlueZ forgets what is longer ago (TemporaryTimeout), and of
 * what it has stored it keeps the RSSI however old.
 */
enum { FINDS_MAX = 256, QUEUED_MAX = 192, HEARD_MS = 30000 };

/*
 * A program that reads slowly does not get every advert, but hears of each device: what it missed
 * the mirror has, in its newest state, and it is told once there is room.
 */
struct scan_client {
	TAILQ_ENTRY(scan_client) entry;
	struct scan_want want;
	struct request *request;
	uint64_t missed_ms; /* heard since then, and it may not have been told; 0: nothing */
	size_t skip;	    /* so many devices were told last time: the others come first now */
};

struct scan_find {
	TAILQ_ENTRY(scan_find) entry;
	struct scan_want want;
	uint64_t addr;
	bool is_watch;
};

/* --- programs that scan --- */

void scan_remove(struct scan *scan, struct request *request)
{
	struct scan_client *client;

	TAILQ_FOREACH(client, &scan->clients, entry)
	if (client->request == request)
		break;
	if (!client)
		return;
	TAILQ_REMOVE(&scan->clients, client, entry);
	scan_unwant(scan, &client->want);
	free(client);
}

static void miss(struct scan_client *client, const struct device *device)
{
	if (client->missed_ms == 0 || device->heard_at_ms < client->missed_ms)
		client->missed_ms = device->heard_at_ms;
}

/* @only: to this client; NULL: to all. */
static void tell_advert(struct scan *scan, const struct device *device,
			const struct scan_client *only)
{
	ProtobufCBinaryData uuids[DEVICE_UUIDS_MAX];
	Bh__Advert msg = BH__ADVERT__INIT;
	struct scan_client *client;
	size_t i;

	if (TAILQ_EMPTY(&scan->clients))
		return;
	for (i = 0; i < device->n_uuids; i++) {
		uuids[i].data = device->uuids[i].octets;
		uuids[i].len = sizeof(device->uuids[i].octets);
	}
	msg.has_address = msg.has_random = 1;
	msg.address = device->addr;
	msg.random = device->is_random;
	msg.name = (char *)(uintptr_t)device->name;
	msg.has_rssi_dbm = device->has_rssi;
	msg.rssi_dbm = device->rssi_dbm;
	msg.uuids = uuids;
	msg.n_uuids = device->n_uuids;
	msg.has_company = msg.has_manufacturer_data = device->has_company;
	msg.company = device->company;
	msg.manufacturer_data.data = device->manufacturer;
	msg.manufacturer_data.len = device->manufacturer_len;
	msg.adapter = scan->w->adapter;
	TAILQ_FOREACH(client, &scan->clients, entry)
	{
		const struct seat *seat = client->request->seat;

		if ((only && client != only) || !scan_passes(client->request, device) ||
		    !rights_sees(&seat->rights, device))
			continue;
		if (port_queued(seat->port) > (only ? QUEUED_MAX : 0))
			miss(client, device);
		else
			port_send(seat->port, BH__TYPE__ADVERT, client->request->id, seat->epoch,
				  &msg.base);
	}
}

void scan_advert(struct scan *scan, const struct device *device)
{
	tell_advert(scan, device, NULL);
}

static bool is_heard(const struct scan *scan, const struct device *device)
{
	return device->heard_at_ms != 0 &&
	       clock_now_ms() - device->heard_at_ms < HEARD_MS / scan->w->pace;
}

static void tell_known(void *ctx, struct device *device)
{
	struct scan_client *client = ctx;
	struct scan *scan = client->request->seat->w->scan;

	if (device->has_rssi && is_heard(scan, device))
		tell_advert(scan, device, client);
}

struct telling {
	struct scan *scan;
	struct scan_client *client;
	uint64_t since_ms;
	size_t from, to; /* of the mirror's order, which hardly changes meanwhile */
	size_t at;
	size_t stopped_at; /* there was no room any more */
};

static void tell_missed(void *ctx, struct device *device)
{
	struct telling *telling = ctx;
	size_t at = telling->at++;

	if (at < telling->from || at >= telling->to || device->heard_at_ms < telling->since_ms)
		return;
	if (port_queued(telling->client->request->seat->port) > QUEUED_MAX &&
	    telling->stopped_at == SIZE_MAX)
		telling->stopped_at = at;
	tell_advert(telling->scan, device, telling->client);
}

static void tell_range(struct telling *telling, size_t from, size_t to)
{
	telling->from = from;
	telling->to = to;
	telling->at = 0;
	mirror_each(telling->scan->w->mirror, tell_missed, telling);
}

void scan_drained(struct scan *scan, const struct seat *seat)
{
	struct scan_client *client;

	TAILQ_FOREACH(client, &scan->clients, entry)
	{
		struct telling telling = {
			.scan = scan,
			.client = client,
			.since_ms = client->missed_ms,
			.stopped_at = SIZE_MAX,
		};

		if (client->request->seat != seat || client->missed_ms == 0)
			continue;
		client->missed_ms = 0;
		/* Who was told last time comes last, or a flood of few would drown the others. */
		tell_range(&telling, client->skip, SIZE_MAX);
		tell_range(&telling, 0, client->skip);
		client->skip = telling.stopped_at == SIZE_MAX ? 0 : telling.stopped_at;
	}
}

static void on_fenced(struct scan_want *want, uint64_t under)
{
	struct scan_client *client = container_of(want, struct scan_client, want);

	(void)under;
	request_fail(client->request, CLASS_LOCK_LOST, "the grant under which it scanned is over");
}

void scan_add(struct scan *scan, struct request *request)
{
	struct scan_client *client = calloc(1, sizeof(*client));

	if (!client) {
		request_fail(request, CLASS_INTERNAL, "out of memory");
		return;
	}
	client->request = request;
	client->want.under = request->seat->under;
	client->want.fenced = on_fenced;
	request->state = REQUEST_HELD;
	TAILQ_INSERT_TAIL(&scan->clients, client, entry);
	scan_want(scan, &client->want);
	/*
	 * Of a discovery that runs already one hears each device once in ten seconds: a program
	 * that comes later gets what was heard so far. BlueZ takes the RSSI away at its end.
	 */
	mirror_each(scan->w->mirror, tell_known, client);
}

/* --- the supervisor's searches --- */

static void found(struct scan *scan, uint64_t addr)
{
	Bh__Ctl__Find msg = BH__CTL__FIND__INIT;

	sight_flush(scan->w->sight);
	msg.has_address = 1;
	msg.address = addr;
	port_send(scan->w->up, BH__CTL__TYPE__FIND_DONE, 0, 0, &msg.base);
}

static struct scan_find *find_of(struct scan *scan, uint64_t addr)
{
	struct scan_find *find;

	TAILQ_FOREACH(find, &scan->finds, entry)
	if (find->addr == addr)
		return find;
	return NULL;
}

static void end_find(struct scan *scan, struct scan_find *find)
{
	TAILQ_REMOVE(&scan->finds, find, entry);
	scan->n_finds--;
	scan_unwant(scan, &find->want);
	free(find);
}

void scan_find(struct scan *scan, uint64_t addr, uint64_t under, bool is_watch)
{
	const struct device *device = mirror_device(scan->w->mirror, addr);
	struct scan_find *find = find_of(scan, addr);

	/* Who watches asks what is heard from now on. */
	if (device && !is_watch && (is_heard(scan, device) || device->is_connected)) {
		if (find)
			end_find(scan, find);
		found(scan, addr);
		return;
	}
	if (find) {
		find->is_watch = is_watch;
		if (under != 0)
			scan_want_under(scan, &find->want, under);
		return;
	}
	if (scan->n_finds == FINDS_MAX)
		return;
	find = calloc(1, sizeof(*find));
	if (!find)
		return;
	find->addr = addr;
	find->is_watch = is_watch;
	find->want.under = under;
	find->want.is_search = true;
	TAILQ_INSERT_TAIL(&scan->finds, find, entry);
	scan->n_finds++;
	scan_want(scan, &find->want);
}

void scan_find_stop(struct scan *scan, uint64_t addr)
{
	struct scan_find *find = find_of(scan, addr);

	if (find)
		end_find(scan, find);
}

void scan_heard(struct scan *scan, const struct device *device, unsigned changes)
{
	struct scan_find *find;

	if (changes & 1u << DEVICE_ADVERT)
		scan_watch_heard(scan, device);
	if ((changes & 1u << DEVICE_CONNECTED) && device->is_connected)
		scan_pause_connected(scan, device->addr);
	if (!is_heard(scan, device) && !device->is_connected)
		return;
	find = find_of(scan, device->addr);
	if (!find || find->is_watch)
		return;
	end_find(scan, find);
	found(scan, device->addr);
}

/* Without goodbyes: nobody discovers any more. */
void scan_users_free(struct scan *scan)
{
	struct scan_find *find;

	while ((find = TAILQ_FIRST(&scan->finds))) {
		TAILQ_REMOVE(&scan->finds, find, entry);
		free(find);
	}
}
