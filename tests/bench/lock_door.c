/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_door.c - how a client gets a lock in each discipline. Asking and waiting are two
 * steps, so that a ticket can be drawn together with the request; flock(2) knows one step only: its
 * waiting asks.
 */
#include "tests/bench/lock.h"

#include "ipc/bleherd.h"
#include "ipc/chan.h"
#include "ipc/lock.pb-c.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { TIMEOUT_MS = LOCK_WAIT_S * 1000, PATH_LEN = 160 };

/* --- raw: lock.proto on a channel --- */

static void raw_send(struct door *door, Bh__Lock__Type type, uint32_t id,
		     const ProtobufCMessage *msg)
{
	int r = chan_send(door->chan, (uint16_t)type, id, 0, msg, NULL, 0);

	if (r < 0)
		die("lockd does not listen: %s", strerrorname_np(-r));
}

static void raw_ask(struct door *door, const char *resource)
{
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;
	char *names[] = { (char *)(uintptr_t)resource };

	msg.resources = names;
	msg.n_resources = 1;
	msg.has_timeout_ms = 1;
	msg.timeout_ms = TIMEOUT_MS;
	raw_send(door, BH__LOCK__TYPE__ACQUIRE, ++door->next_id, &msg.base);
}

static void raw_granted(struct door *door, struct chan_frame *frame)
{
	const Bh__Lock__Granted *msg;

	msg = chan_unpack(door->chan, frame, &bh__lock__granted__descriptor);
	if (!msg || frame->id != door->next_id)
		die("lockd grants what nobody asked for");
	door->grant = msg->grant;
	for (door->n_fds = 0; door->n_fds < frame->n_fds; door->n_fds++)
		door->fds[door->n_fds] = take_fd(&frame->fds[door->n_fds]);
	door->is_granted = true;
}

static void raw_refused(struct door *door, const struct chan_frame *frame)
{
	const Bh__Lock__Refused *msg;

	msg = chan_unpack(door->chan, frame, &bh__lock__refused__descriptor);
	die("lockd refuses: %s", msg && msg->text ? msg->text : "");
}

static void raw_await(struct door *door)
{
	struct pollfd p = { .fd = chan_fd(door->chan), .events = POLLIN };
	struct chan_frame frame;
	int r;

	door->is_granted = false;
	while (!door->is_granted) {
		r = chan_recv(door->chan, &frame);
		if (r == 0 && poll(&p, 1, TIMEOUT_MS) == 1)
			continue;
		if (r != CHAN_FRAME)
			die("no answer from lockd (%d)", r);
		if (frame.type == BH__LOCK__TYPE__GRANTED)
			raw_granted(door, &frame);
		else if (frame.type == BH__LOCK__TYPE__REFUSED)
			raw_refused(door, &frame);
		else if (frame.type != BH__LOCK__TYPE__HELLO_OK)
			die("lockd answers %u", frame.type);
		chan_frame_done(&frame);
	}
}

static void raw_release(struct door *door)
{
	Bh__Lock__Release msg = BH__LOCK__RELEASE__INIT;

	msg.has_grant = 1;
	msg.grant = door->grant;
	raw_send(door, BH__LOCK__TYPE__RELEASE, 0, &msg.base);
	while (door->n_fds > 0)
		(void)close(door->fds[--door->n_fds]);
}

static void raw_open(struct door *door)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;
	char label[] = "bench";

	if (chan_buf_new(&door->buf, CHAN_BODY_CONTROL) < 0 ||
	    chan_new(&door->chan, door->peer_fd, door->buf, CHAN_BODY_CONTROL) < 0)
		die("no memory");
	msg.has_version = 1;
	msg.version = 1;
	msg.label = label;
	/* An id: HELLO has an answer, which is read with the first grant. */
	raw_send(door, BH__LOCK__TYPE__HELLO, ++door->next_id, &msg.base);
}

/* --- lib: bh_lock_* --- */

static void lib_answered(void *ctx, const struct bh_result *result)
{
	struct door *door = ctx;

	if (result->error != BH_CLASS_NONE)
		die("bh_lock_acquire: %s: %s", bh_class_name(result->error), result->text);
	door->is_granted = true;
}

static void lib_ask(struct door *door, const char *resource)
{
	const struct bh_lock_request request = {
		.resources = &resource,
		.n_resources = 1,
		.timeout_ms = TIMEOUT_MS,
	};
	int r;

	door->is_granted = false;
	r = bh_lock_acquire(&door->lock, door->bh, &request, NULL, lib_answered, door);
	if (r < 0)
		die("bh_lock_acquire: %s", strerrorname_np(-r));
}

static void lib_await(struct door *door)
{
	int r;

	while (!door->is_granted) {
		r = bh_wait(door->bh, TIMEOUT_MS);
		if (r < 0)
			die("bh_wait: %s", strerrorname_np(-r));
	}
	door->grant = bh_lock_grant(door->lock);
}

static void lib_open(struct door *door)
{
	int r = bh_new(&door->bh, NULL, "bench");

	if (r < 0)
		die("bh_new: %s", strerrorname_np(-r));
}

/* --- flock, poll: the slot files themselves --- */

static int open_slot(const struct door *door, uint32_t slot)
{
	char path[PATH_LEN];
	int fd;

	/* Opened for each try and made if missing, as the Python programs do. */
	(void)snprintf(path, sizeof(path), "%s/%s%u", door->run->dir, door->run->file, slot);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		die("%s: %s", path, strerrorname_np(errno));
	return fd;
}

/* A program that blocks can wait for one file only. */
static void flock_await(struct door *door)
{
	door->fds[0] = open_slot(door, door->client % door->run->slots);
	door->n_fds = 1;
	while (flock(door->fds[0], LOCK_EX) < 0)
		if (errno != EINTR)
			die("flock: %s", strerrorname_np(errno));
}

static bool try_slot(struct door *door, uint32_t slot)
{
	int fd = open_slot(door, slot);

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return false;
	}
	door->fds[0] = fd;
	door->n_fds = 1;
	return true;
}

static void poll_await(struct door *door)
{
	uint32_t slot;

	for (;;) {
		for (slot = 0; slot < door->run->slots; slot++)
			if (try_slot(door, slot))
				return;
		nap_us(door->run->poll_us);
	}
}

static void close_all(struct door *door)
{
	while (door->n_fds > 0)
		(void)close(door->fds[--door->n_fds]);
}

/* --- all --- */

static void ask(struct door *door, const char *resource)
{
	if (door->run->door == DOOR_RAW)
		raw_ask(door, resource);
	else if (door->run->door == DOOR_LIB)
		lib_ask(door, resource);
}

void door_ask(struct door *door)
{
	ask(door, door->run->resource);
}

void door_await(struct door *door)
{
	static void (*const await[])(struct door *) = {
		[DOOR_RAW] = raw_await,
		[DOOR_LIB] = lib_await,
		[DOOR_FLOCK] = flock_await,
		[DOOR_POLL] = poll_await,
	};

	await[door->run->door](door);
}

void door_release(struct door *door)
{
	if (door->run->door == DOOR_RAW)
		raw_release(door);
	else if (door->run->door == DOOR_LIB)
		door->lock = bh_lock_release(door->lock);
	else
		close_all(door);
}

uint64_t door_order(const struct door *door)
{
	if (door->run->door == DOOR_RAW || door->run->door == DOOR_LIB)
		return door->grant;
	return atomic_fetch_add(&door->run->shared->orders, 1) + 1;
}

/*
 * One grant of something that nobody else wants: what a client does for the first time (the
 * library's LOCK_OPEN, HELLO) is done then.
 */
void door_open(struct door *door)
{
	char resource[32];

	if (door->run->door == DOOR_RAW)
		raw_open(door);
	else if (door->run->door == DOOR_LIB)
		lib_open(door);
	else
		return;
	(void)snprintf(resource, sizeof(resource), "device:C0:BE:00:00:%02X:%02X",
		       door->client >> 8 & 0xff, door->client & 0xff);
	ask(door, resource);
	door_await(door);
	door_release(door);
}
