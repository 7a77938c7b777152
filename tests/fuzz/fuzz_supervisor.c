/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole supervisor, made as daemon_run() does it: programs on its socket, children that are no
 * processes on their channels, the kernel on its MGMT socket, all of which say anything. Two
 * adapters with workers that are ready, and an arbiter, when an input begins.
 */
#include "supervisor/daemon.c" /* NOLINT(bugprone-suspicious-include): it makes its parts */

#include "ipc/build_id.h"
#include "ipc/lock.pb-c.h"
#include "supervisor/requests.h"
#include "supervisor/worker_rules.h"
#include "tests/fuzz/children.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/timewarp.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CLIENTS = 3, TURNS_MAX = 500, ACTS_MAX = 200 };

static const struct wire_rules CLIENT = { REQUESTS_RULES, REQUESTS_RULES_LEN };
static const struct wire_rules WORKER = { WORKER_RULES, WORKER_RULES_LEN };

/* As in lockd_child.c, rescue_child.c, lock_self.c; the handlers are theirs. */
static const struct chan_rule LOCKD_RULES[] = {
	{ BH__CTL__TYPE__LOCK_DIRTY, 0, 0, &bh__ctl__lock_ref__descriptor, NULL },
	{ BH__CTL__TYPE__LOCK_OVERDUE, 0, 0, &bh__ctl__lock_ref__descriptor, NULL },
	{ BH__CTL__TYPE__EVENT, 0, 0, &bh__event__descriptor, NULL },
	{ BH__CTL__TYPE__LOCK_TABLE, 1, 1, &bh__ctl__empty__descriptor, NULL },
	{ BH__CTL__TYPE__READY, 0, 0, &bh__ctl__empty__descriptor, NULL },
};
static const struct wire_rules LOCKD = { LOCKD_RULES, ARRAY_LEN(LOCKD_RULES) };

static const struct chan_rule RESCUE_RULES[] = {
	{ BH__CTL__TYPE__RESCUE_DONE, 0, 0, &bh__ctl__rescue_done__descriptor, NULL },
};
static const struct wire_rules RESCUE = { RESCUE_RULES, ARRAY_LEN(RESCUE_RULES) };

static const struct chan_rule SELF_RULES[] = {
	{ BH__LOCK__TYPE__GRANTED, 1, 4, &bh__lock__granted__descriptor, NULL },
	{ BH__LOCK__TYPE__TIMED_OUT, 0, 0, &bh__lock__empty__descriptor, NULL },
	{ BH__LOCK__TYPE__REFUSED, 0, 0, &bh__lock__refused__descriptor, NULL },
	{ BH__LOCK__TYPE__REVOKED, 0, 0, &bh__lock__revoked__descriptor, NULL },
	{ BH__LOCK__TYPE__RENEWED, 0, 0, &bh__lock__renewed__descriptor, NULL },
};
static const struct wire_rules SELF = { SELF_RULES, ARRAY_LEN(SELF_RULES) };

struct world {
	struct daemon daemon;
	struct wire clients[CLIENTS];
	struct wire
		self; /* the supervisor's own channel to the arbiter, where it was handed over */
};

static struct kernel kernel;
static int listener = -EBADF;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct config config;
static char dir[] = "/tmp/bleherd-fuzz-XXXXXX";

static void remove_dir(void)
{
	const char *const argv[] = { "rm", "-rf", dir, NULL };

	execv("/bin/rm", (char *const *)(uintptr_t)argv);
}

static void make_once(void)
{
	static const char TEXT[] = "[device C0:AA:BB:00:00:01]\nstrategy = persistent\n"
				   "[device C0:AA:BB:00:00:02]\nidle_ms = 5000\n"
				   "[links]\ntotal = 2\n";
	char error[CONFIG_ERROR_LEN];

	if (listener >= 0)
		return;
	MUST(mkdtemp(dir) && atexit(remove_dir) == 0);
	config_defaults(&config);
	MUST(config_parse(&config, TEXT, "fuzz", error) == 0);
	(void)snprintf(config.mgmt, sizeof(config.mgmt), "%s/mgmt", dir);
	(void)snprintf(config.lock_dir, sizeof(config.lock_dir), "%s", dir);
	(void)snprintf(config.rescue_socket, sizeof(config.rescue_socket), "%s/no-rescue", dir);
	(void)snprintf(config.bus, sizeof(config.bus), "unix:path=%s/no-bus", dir);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(listen(listener, 16) == 0);
	kernel_listen(&kernel, config.mgmt);
}

/* A child says who it is and that it is ready. */
static void greet(struct world *world, struct fake_child *child)
{
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	(void)world;
	child->is_new = false;
	if (child->role == SPAWN_RESCUE)
		return;
	hello.build_id = (char *)(uintptr_t)BUILD_ID;
	hello.has_pid = hello.has_incarnation = 1;
	hello.pid = (uint32_t)child->pid;
	hello.incarnation = child->incarnation;
	wire_put(&child->wire, BH__CTL__TYPE__HELLO, 0, &hello.base, -EBADF);
	wire_put(&child->wire, BH__CTL__TYPE__READY, 0, &empty.base, -EBADF);
}

static bool settle(struct world *world)
{
	sd_event *event = world->daemon.sup.event;
	unsigned turns = 0;
	size_t i;
	int r = 1;

	while (r > 0 && ++turns < TURNS_MAX) {
		if (sd_event_get_state(event) == SD_EVENT_FINISHED)
			return false;
		kernel_turn(&kernel);
		for (i = 0; i < CHILDREN_MAX; i++) {
			if (children[i].is_used && children[i].is_new)
				greet(world, &children[i]);
			(void)wire_pump(&children[i].wire);
		}
		r = sd_event_run(event, 0);
	}
	for (i = 0; i < CLIENTS; i++)
		(void)wire_pump(&world->clients[i]);
	(void)wire_pump(&world->self);
	return r >= 0;
}

static void come(struct world *world, struct wire *client)
{
	Bh__Hello hello = BH__HELLO__INIT;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)world;
	MUST(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)close_fd(fd);
		return;
	}
	wire_adopt(client, fd);
	hello.has_version = 1;
	hello.version = 1;
	hello.label = (char *)(uintptr_t) "fuzz";
	wire_put(client, BH__TYPE__HELLO, ++client->last_id, &hello.base, -EBADF);
}

static void child_says(struct world *world, struct feed *feed)
{
	struct fake_child *child = &children[feed_below(feed, CHILDREN_MAX)];
	static const struct wire_rules *const RULES[] = {
		[SPAWN_WORKER] = &WORKER, [SPAWN_LOCKD] = &LOCKD, [SPAWN_RESCUE] = &RESCUE
	};
	int fd;

	if (!child->is_used)
		return;
	/* A channel that the arbiter was given: the first is the supervisor's own. */
	if (child->role == SPAWN_LOCKD && (fd = wire_take_fd(&child->wire)) >= 0)
		wire_adopt(&world->self, fd);
	wire_send(&child->wire, feed, RULES[child->role], -EBADF);
}

static void child_ends(struct feed *feed)
{
	static const int SIGNALS[] = { 0, SIGKILL, SIGSEGV, SIGABRT };
	struct fake_child *child = &children[feed_below(feed, CHILDREN_MAX)];

	if (child->is_used)
		children_end(child, SIGNALS[feed_below(feed, ARRAY_LEN(SIGNALS))]);
}

static void act(struct world *world, struct feed *feed)
{
	uint8_t choice = feed_u8(feed);
	struct wire *client = &world->clients[choice % CLIENTS];

	if (choice < 84)
		wire_send(client, feed, &CLIENT, -EBADF);
	else if (choice < 156)
		child_says(world, feed);
	else if (choice < 180)
		kernel_act(&kernel, feed);
	else if (choice < 212)
		timewarp_pass(choice < 196 ? 50 : (uint64_t)feed_u8(feed) * 250u);
	else if (choice < 224)
		wire_send(&world->self, feed, &SELF, -EBADF);
	else if (choice < 236)
		child_ends(feed);
	else if (choice < 246)
		come(world, client);
	else if (choice < 254)
		wire_close(client);
	else
		(void)close_fd(wire_take_fd(client));
}

static void begin(struct world *world)
{
	/* Nobody asks for it anew. */
	static const struct config_sources SOURCES = { .path = "/nonexistent" };
	struct daemon *daemon = &world->daemon;
	struct config_reading *reading;
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		world->clients[i] = (struct wire)WIRE_INIT;
	world->self = (struct wire)WIRE_INIT;
	children_reset();
	kernel_reset(&kernel);
	MUST(config_reading_new(&reading) >= 0);
	reading->config = config;
	access_world(&reading->world);
	fill(daemon, reading, &SOURCES);
	MUST(reload_new(&daemon->sup, reading) >= 0);
	MUST(make_parts(daemon) >= 0);
	MUST(server_new(&daemon->sup.server, &daemon->sup, dup(listener)) >= 0);
	(void)settle(world);
	come(world, &world->clients[0]);
	(void)settle(world);
}

static void end(struct world *world)
{
	size_t i;

	free_parts(&world->daemon);
	children_reset();
	for (i = 0; i < CLIENTS; i++)
		wire_close(&world->clients[i]);
	wire_close(&world->self);
	/* Who came last may not have been let in. */
	while ((world->self.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		wire_close(&world->self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct feed feed = { data, size };
	unsigned acts = 0;

	make_once();
	timewarp_reset();
	world = (struct world){ .daemon = { .stop_at_ms = 0 } };
	begin(&world);
	while (settle(&world) && feed.left > 0 && acts++ < ACTS_MAX)
		act(&world, &feed);
	end(&world);
	return 0;
}
