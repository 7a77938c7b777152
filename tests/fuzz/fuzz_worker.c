/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole worker, made as its main() does it, among others who say anything: the supervisor on its
 * channel, programs on up to four data sockets, the arbiter, bluetoothd on the bus. The world is
 * well when an input begins: the bus is there, the adapter has power, peripherals are heard.
 */
int worker_main(int argc, char **argv);
#define main worker_main
#include "worker/main.c" /* NOLINT(bugprone-suspicious-include): its parts are made by it alone */
#undef main

#include "tests/fuzz/bluez.h"
#include "tests/fuzz/timewarp.h"
#include "tests/fuzz/wire.h"
#include "worker/control_rules.h"
#include "worker/seat_rules.h"

#include "ipc/lock.pb-c.h"
#include "ipc/rights.h"
#include "ipc/session.pb-c.h"

#include <sys/socket.h>

enum { SEATS = 4, TURNS_MAX = 400, ACTS_MAX = 200 };

static const struct wire_rules UP = { CONTROL_RULES, CONTROL_RULES_LEN };
static const struct wire_rules SEAT = { SEAT_RULES, SEAT_RULES_LEN };

struct world {
	struct worker w;
	struct bluez bluez;
	struct wire up;
	struct wire lock;
	struct wire seats[SEATS];
	uint32_t n_attached;
	bool is_over;
};

/* Everybody's turn, until nobody has anything to do. */
static void settle(struct world *world)
{
	unsigned turns = 0;
	size_t i;
	int r;

	do {
		r = sd_event_get_state(world->w.event) == SD_EVENT_FINISHED
			    ? -ESTALE
			    : sd_event_run(world->w.event, 0);
		if (bluez_turn(&world->bluez) && r == 0)
			r = 1;
	} while (r > 0 && ++turns < TURNS_MAX);
	world->is_over = r < 0 || sd_event_get_state(world->w.event) == SD_EVENT_FINISHED;
	(void)wire_pump(&world->up);
	(void)wire_pump(&world->lock);
	for (i = 0; i < SEATS; i++)
		(void)wire_pump(&world->seats[i]);
}

/* --- what the supervisor does, as it should --- */

static void give_bus(struct world *world)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int fd = bluez_open(&world->bluez);

	wire_put(&world->up, BH__CTL__TYPE__BUS, 0, &empty.base, fd);
	(void)close_fd(fd);
}

static void give_arbiter(struct world *world)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	Bh__Lock__HelloOk ok = BH__LOCK__HELLO_OK__INIT;
	int fd = wire_open(&world->lock);

	wire_put(&world->up, BH__CTL__TYPE__ARBITER, 0, &empty.base, fd);
	(void)close_fd(fd);
	settle(world);
	ok.has_version = 1;
	ok.version = 1;
	wire_put(&world->lock, BH__LOCK__TYPE__HELLO_OK, world->lock.ids[0], &ok.base, -EBADF);
}

static void attach(struct world *world, struct feed *feed)
{
	Bh__Ctl__SessionAttach msg = BH__CTL__SESSION_ATTACH__INIT;
	Bh__Ctl__Access access = BH__CTL__ACCESS__INIT;
	uint8_t choice = feed_u8(feed);
	struct wire *seat = &world->seats[world->n_attached % SEATS];
	int fd = wire_open(seat);

	msg.has_session = msg.has_epoch = msg.has_kind = msg.has_address = 1;
	msg.has_random = 1;
	msg.session = ++world->n_attached;
	msg.epoch = seat->epoch = 1;
	msg.kind =
		choice % 4 == 3 ? BH__SESSION_KIND__SESSION_SCAN : BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = 0xc0aabb000001u + choice / 4 % 3;
	msg.random = choice / 4 % 3 != 2;
	/* Nearly all may do everything. */
	msg.access = &access;
	access.has_rights = 1;
	access.rights = choice < 224 ? RIGHTS_ALL : choice;
	wire_put(&world->up, BH__CTL__TYPE__SESSION_ATTACH, 0, &msg.base, fd);
	(void)close_fd(fd);
}

/* --- what the feed does --- */

static void act(struct world *world, struct feed *feed)
{
	uint8_t choice = feed_u8(feed);
	struct wire *seat = &world->seats[choice % SEATS];

	if (choice < 72)
		wire_send(seat, feed, &SEAT, -EBADF);
	else if (choice < 112)
		wire_send(&world->up, feed, &UP, -EBADF);
	else if (choice < 176)
		bluez_act(&world->bluez, feed);
	else if (choice < 200)
		timewarp_pass(choice < 188 ? 50 : (uint64_t)feed_u8(feed) * 250u);
	else if (choice < 216)
		wire_send(&world->lock, feed, &WIRE_LOCK, -EBADF);
	else if (choice < 240)
		attach(world, feed);
	else if (choice < 246)
		give_arbiter(world);
	else if (choice < 250)
		wire_close(seat);
	else if (choice < 253)
		wire_close(&world->lock);
	else if (choice < 254)
		bluez_close(&world->bluez);
	else
		give_bus(world);
}

static void begin_world(struct world *world, struct feed *feed)
{
	static int page_fd = -EBADF;
	static struct wpage *first;
	struct worker *w = &world->w;
	uint8_t choice = feed_u8(feed);
	size_t i;

	world->up = world->lock = (struct wire)WIRE_INIT;
	for (i = 0; i < SEATS; i++)
		world->seats[i] = (struct wire)WIRE_INIT;
	world->bluez.notify_fd = -EBADF;
	(void)snprintf(w->adapter, sizeof(w->adapter), "hci0");
	(void)snprintf(w->adapter_path, sizeof(w->adapter_path), "/org/bluez/%s", w->adapter);
	(void)snprintf(w->label, sizeof(w->label), "worker %s", w->adapter);
	w->incarnation = 1;
	w->workarounds = WORKAROUNDS_DEFAULT;
	w->gatt_late_ms = GATT_LATE_MS;
	w->is_passive = choice & 1;
	w->links_max = choice & 2 ? 1 : 0;
	w->asks_room = choice & 4;
	w->pace = 1;
	w->began_ms = clock_now_ms();
	w->starting.fire = control_starting_over;
	w->stopping.fire = control_stop_over;
	TAILQ_INIT(&w->ops);
	TAILQ_INIT(&w->removals);
	if (!first)
		MUST(wpage_create(1, 1000, &page_fd, &first) == 0);
	MUST(wpage_map(page_fd, &w->page) == 0);
	MUST(make_parts(w) >= 0);
	MUST(control_open(w, wire_open(&world->up)) == 0);
	give_bus(world);
	settle(world);
	if (choice & 8)
		give_arbiter(world);
	attach(world, feed);
	settle(world);
}

static void end(struct world *world)
{
	size_t i;

	free_parts(&world->w);
	bluez_close(&world->bluez);
	wire_close(&world->up);
	wire_close(&world->lock);
	for (i = 0; i < SEATS; i++)
		wire_close(&world->seats[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed feed = { data, size };
	struct world world = { .is_over = false };
	unsigned acts;

	timewarp_reset();
	begin_world(&world, &feed);
	for (acts = 0; feed.left > 0 && !world.is_over && acts < ACTS_MAX; acts++) {
		act(&world, &feed);
		settle(&world);
	}
	end(&world);
	return 0;
}
