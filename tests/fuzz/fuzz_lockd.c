/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole lockd with real slot files: the supervisor on its channel, up to four programs and
 * workers that ask, renew, hand back, die and break the form, and a program outside that locks a
 * file. Its table is read after each step, and nobody holds more units than there are.
 */
#include "lockd/serve.c" /* NOLINT(bugprone-suspicious-include): it makes and ends its parts */

#include "ipc/control.pb-c.h"
#include "ipc/lock.pb-c.h"
#include "ipc/locktab.h"
#include "tests/fuzz/timewarp.h"
#include "tests/fuzz/wire.h"

#include <fcntl.h>
#include <sys/file.h>

enum { PEERS = 4, TURNS_MAX = 400, ACTS_MAX = 200, ADAPTERS = 4 };

/* As in serve_control.c and peer.c; the handlers are theirs. */
static const struct chan_rule CONTROL_RULES[] = {
	{ BH__CTL__TYPE__LOCK_PEER, 1, 1, &bh__ctl__lock_peer__descriptor, NULL },
	{ BH__CTL__TYPE__PEER_GONE, 0, 0, &bh__ctl__peer_ref__descriptor, NULL },
	{ BH__CTL__TYPE__ADAPTER_LOST, 0, 0, &bh__ctl__adapter_name__descriptor, NULL },
	{ BH__CTL__TYPE__LOCK_CLEAN, 0, 0, &bh__ctl__lock_ref__descriptor, NULL },
	{ BH__CTL__TYPE__ADAPTERS, 0, 0, &bh__ctl__adapters__descriptor, NULL },
	{ BH__CTL__TYPE__STOP, 0, 0, &bh__ctl__empty__descriptor, NULL },
};
static const struct wire_rules CONTROL = { CONTROL_RULES, ARRAY_LEN(CONTROL_RULES) };

static const struct chan_rule PEER_RULES[] = {
	{ BH__LOCK__TYPE__ACQUIRE, 0, 0, &bh__lock__acquire__descriptor, NULL },
	{ BH__LOCK__TYPE__RELEASE, 0, 0, &bh__lock__release__descriptor, NULL },
	{ BH__LOCK__TYPE__CANCEL, 0, 0, &bh__lock__empty__descriptor, NULL },
	{ BH__LOCK__TYPE__RENEW, 0, 0, &bh__lock__renew__descriptor, NULL },
	{ BH__LOCK__TYPE__HELLO, 0, 0, &bh__lock__hello__descriptor, NULL },
	{ BH__LOCK__TYPE__HELD, 1, 4, &bh__lock__held__descriptor, NULL },
};
static const struct wire_rules PEER = { PEER_RULES, ARRAY_LEN(PEER_RULES) };

struct world {
	struct serve s;
	struct wire control;
	struct wire peers[PEERS];
	uint32_t last_peer;
	int outsider;
	int table_fd;
};

/* One directory for all inputs: files without a lock are as good as none. */
static char dir[] = "/tmp/bleherd-fuzz-XXXXXX";
static int dir_fd = -EBADF;

static void remove_dir(void)
{
	const char *const argv[] = { "rm", "-rf", dir, NULL };

	execv("/bin/rm", (char *const *)(uintptr_t)argv);
}

static void make_dir(void)
{
	if (dir_fd >= 0)
		return;
	MUST(mkdtemp(dir));
	dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	MUST(dir_fd >= 0 && atexit(remove_dir) == 0);
}

static void check_table(struct world *world)
{
	static struct locktab_copy copy;
	unsigned holders[RESOURCE_KINDS][ADAPTERS] = { 0 };
	struct resource resource;
	uint32_t i;

	if (locktab_read(world->table_fd, &copy) < 0)
		return;
	for (i = 0; i < copy.n_rows; i++) {
		const struct locktab_row *row = &copy.rows[i];

		if (row->grant == 0 || row->place > 0 || row->flags & LOCKTAB_UNDER)
			continue;
		if (resource_parse(row->resource, &resource) < 0 ||
		    resource.kind == RESOURCE_DEVICE || resource.key >= ADAPTERS)
			continue;
		holders[resource.kind][resource.key]++;
	}
	for (i = 0; i < ADAPTERS; i++) {
		MUST(holders[RESOURCE_MAINTENANCE][i] <= 1);
		MUST(holders[RESOURCE_SCAN][i] <= 1);
	}
}

static bool settle(struct world *world)
{
	unsigned turns = 0;
	size_t i;
	int r = 1;

	while (r > 0 && ++turns < TURNS_MAX) {
		if (sd_event_get_state(world->s.event) == SD_EVENT_FINISHED)
			return false;
		r = sd_event_run(world->s.event, 0);
	}
	(void)wire_pump(&world->control);
	for (i = 0; i < PEERS; i++)
		(void)wire_pump(&world->peers[i]);
	return r >= 0 && sd_event_get_state(world->s.event) != SD_EVENT_FINISHED;
}

static void add_peer(struct world *world, struct feed *feed)
{
	Bh__Ctl__LockPeer msg = BH__CTL__LOCK_PEER__INIT;
	Bh__Lock__Hello hello = BH__LOCK__HELLO__INIT;
	struct wire *peer = &world->peers[world->last_peer % PEERS];
	uint8_t choice = feed_u8(feed);
	int fd = wire_open(peer);

	msg.has_peer = msg.has_pid = msg.has_uid = msg.has_worker = 1;
	msg.peer = ++world->last_peer;
	msg.label = (char *)(uintptr_t) "peer";
	msg.pid = msg.peer;
	msg.uid = 1000u + (choice & 1);
	msg.worker = (choice & 2) != 0;
	wire_put(&world->control, BH__CTL__TYPE__LOCK_PEER, 0, &msg.base, fd);
	(void)close_fd(fd);
	hello.has_version = 1;
	hello.version = 1;
	wire_put(peer, BH__LOCK__TYPE__HELLO, ++peer->last_id, &hello.base, -EBADF);
}

/* A program outside comes and goes. */
static void outside(struct world *world, uint8_t choice)
{
	static const char *const FILES[] = { "bleak-cm-hci0-slot-0.lock",
					     "bleak-cm-hci0-slot-1.lock",
					     "bleak-cm-hci1-slot-0.lock" };

	if (world->outsider >= 0) {
		world->outsider = close_fd(world->outsider);
		return;
	}
	world->outsider = openat(dir_fd, FILES[choice % ARRAY_LEN(FILES)],
				 O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (world->outsider >= 0 && flock(world->outsider, LOCK_EX | LOCK_NB) < 0)
		world->outsider = close_fd(world->outsider);
}

static void act(struct world *world, struct feed *feed)
{
	uint8_t choice = feed_u8(feed);
	struct wire *peer = &world->peers[choice % PEERS];

	if (choice < 128)
		wire_send(peer, feed, &PEER, peer->fds[choice / 4 % WIRE_FDS]);
	else if (choice < 152)
		wire_send(&world->control, feed, &CONTROL, -EBADF);
	else if (choice < 192)
		timewarp_pass(choice < 172 ? 50 : (uint64_t)feed_u8(feed) * 250u);
	else if (choice < 216)
		add_peer(world, feed);
	else if (choice < 232)
		wire_close(peer);
	else
		outside(world, choice);
}

static void begin(struct world *world, struct feed *feed)
{
	static const uint32_t HOLD_MS[SLOTQ_CLASSES] = { 5000, 10000, 10000, 10000, 10000 };
	struct options options = { .dir = dir,
				   .counts = { .of = { [RESOURCE_DEVICE] = 1,
						       [RESOURCE_CONNECT] = 1,
						       [RESOURCE_SCAN] = 1,
						       [RESOURCE_MAINTENANCE] = 1,
						       [RESOURCE_UNDER] = 1 } },
				   .limits.foreign_yield_ms = 300,
				   .limits.age_step_ms = 5000,
				   .limits.hold_total_ms = 60000,
				   .limits.grace_ms = 2000,
				   .limits.dirty_ms = 2000,
				   .limits.per_user = 8 };
	struct serve_dirs dirs = { .slots_fd = dir_fd, .own_fd = -EBADF };
	uint8_t choice = feed_u8(feed);
	size_t i;

	world->control = (struct wire)WIRE_INIT;
	for (i = 0; i < PEERS; i++)
		world->peers[i] = (struct wire)WIRE_INIT;
	world->outsider = -EBADF;
	memcpy(options.limits.hold_ms, HOLD_MS, sizeof(HOLD_MS));
	options.counts.of[RESOURCE_CONNECT] += choice & 1;
	options.foreign_slots = choice & 2;
	options.settle_ms = choice & 4 ? 200 : 0;
	MUST(start(&world->s, &options, &dirs) >= 0);
	MUST(port_new(&world->s.control, world->s.event, wire_open(&world->control), world->s.buf,
		      CHAN_BODY_CONTROL, &SERVE_CONTROL_OPS, &world->s, PRIORITY_CONTROL) == 0);
	serve_introduce(&world->s);
	(void)settle(world);
	world->table_fd = wire_take_fd(&world->control);
	MUST(world->table_fd >= 0);
	add_peer(world, feed);
	add_peer(world, feed);
}

static void end(struct world *world)
{
	size_t i;

	finish(&world->s);
	wire_close(&world->control);
	for (i = 0; i < PEERS; i++)
		wire_close(&world->peers[i]);
	(void)close_fd(world->outsider);
	(void)close_fd(world->table_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed feed = { data, size };
	struct world world = { .last_peer = 0 };
	unsigned acts = 0;

	make_dir();
	timewarp_reset();
	begin(&world, &feed);
	while (settle(&world) && feed.left > 0 && acts++ < ACTS_MAX) {
		check_table(&world);
		act(&world, &feed);
	}
	end(&world);
	return 0;
}
