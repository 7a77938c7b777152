/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/lock_peers.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "ipc/session.pb-c.h"
#include "supervisor/client.h"
#include "supervisor/lockd_child.h"

enum {
	CLIENT_BACKLOG_MAX = 128, /* frames that the program has not read: more than lists queue */
	RETRY_MS = 5,		  /* while lockd does not read */
	WHY_LEN = 512,
};

enum lock_peer_state { LOCK_PEER_WAITING, LOCK_PEER_OPEN, LOCK_PEER_GONE };

struct lock_peer {
	TAILQ_ENTRY(lock_peer) entry;
	struct lock_peers *peers;
	struct client *client; /* NULL when GONE */
	enum lock_peer_state state;
	uint32_t request; /* WAITING: to be answered */
	uint32_t number;  /* lockd's name for it */
};

struct lock_peers {
	struct sup *sup;
	TAILQ_HEAD(, lock_peer) all; /* in the order in which lockd is to hear of them */
	sd_event_source *retry;
};

static void drop(struct lock_peer *peer)
{
	if (peer->client)
		peer->client->lock = NULL;
	TAILQ_REMOVE(&peer->peers->all, peer, entry);
	free(peer);
}

/* --- telling lockd --- */

static void introduce(struct lock_peer *peer)
{
	struct client *client = peer->client;
	Bh__Empty empty = BH__EMPTY__INIT;
	_cleanup_close_ int fd = -EBADF;
	struct lockd_who who = {
		.label = client_label(client),
		.pid = client->pid,
		.uid = client->peer.uid,
	};
	int r = lockd_child_connect(client->sup->lockd, &who, &peer->number, &fd);

	if (r < 0) {
		client_error(client, peer->request, CLASS_LIMIT,
			     "no descriptors left for a channel to the arbiter");
		drop(peer);
		return;
	}
	peer->state = LOCK_PEER_OPEN;
	client_send_fd(client, BH__TYPE__LOCK_OPENED, peer->request, &empty.base, fd);
}

static void tell_lockd(struct lock_peer *peer)
{
	if (peer->state == LOCK_PEER_WAITING) {
		introduce(peer);
		return;
	}
	lockd_child_peer_gone(peer->peers->sup->lockd, peer->number);
	drop(peer);
}

static void pump(struct lock_peers *peers)
{
	struct lockd_child *lockd = peers->sup->lockd;
	struct lock_peer *peer = TAILQ_FIRST(&peers->all);
	struct lock_peer *next;

	for (; peer; peer = next) {
		next = TAILQ_NEXT(peer, entry);
		if (peer->state == LOCK_PEER_OPEN)
			continue;
		if (!lockd_child_is_there(lockd))
			return;
		if (!lockd_child_has_room(lockd)) {
			(void)sd_event_source_set_time_relative(peers->retry, RETRY_MS * 1000);
			(void)sd_event_source_set_enabled(peers->retry, SD_EVENT_ONESHOT);
			return;
		}
		tell_lockd(peer);
	}
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	pump(userdata);
	return 0;
}

/* --- programs --- */

/* The program is done with it: lockd is to know, if it knew of it. */
static void let_go(struct lock_peer *peer)
{
	if (peer->state == LOCK_PEER_WAITING) {
		drop(peer);
		return;
	}
	peer->client->lock = NULL;
	peer->client = NULL;
	peer->state = LOCK_PEER_GONE;
}

static void fail_parked(struct client *client, uint32_t request, const char *why)
{
	char text[WHY_LEN];

	(void)snprintf(text, sizeof(text), "the arbiter is parked: %s", why);
	client_error(client, request, CLASS_INTERNAL, text);
}

void lock_peers_open(struct sup *sup, struct client *client, uint32_t request)
{
	const char *parked = lockd_child_parked(sup->lockd);
	struct lock_peer *peer;

	if (parked) {
		fail_parked(client, request, parked);
		return;
	}
	if (client->lock && client->lock->state == LOCK_PEER_WAITING) {
		client_error(client, request, CLASS_LIMIT,
			     "this program waits for a channel to the arbiter already");
		return;
	}
	/* Each waits with a descriptor: a program that reads none must not use up all of them. */
	if (client_queued(client) > CLIENT_BACKLOG_MAX) {
		client_error(client, request, CLASS_LIMIT, "read what was sent before");
		return;
	}
	peer = calloc(1, sizeof(*peer));
	if (!peer) {
		client_error(client, request, CLASS_INTERNAL, "out of memory");
		return;
	}
	if (client->lock)
		let_go(client->lock);
	peer->peers = sup->lock_peers;
	peer->client = client;
	peer->request = request;
	client->lock = peer;
	TAILQ_INSERT_TAIL(&sup->lock_peers->all, peer, entry);
	pump(sup->lock_peers);
}

bool lock_peers_is_opening(const struct client *client, uint32_t request)
{
	return client->lock && client->lock->state == LOCK_PEER_WAITING &&
	       client->lock->request == request;
}

bool lock_peers_cancel(struct client *client, uint32_t request)
{
	if (!lock_peers_is_opening(client, request))
		return false;
	drop(client->lock);
	client_error(client, request, CLASS_CANCELLED, "cancelled by its program");
	return true;
}

void lock_peers_client_gone(struct client *client)
{
	struct lock_peers *peers = client->sup->lock_peers;

	if (!client->lock)
		return;
	let_go(client->lock);
	pump(peers);
}

void lock_peers_deny(struct client *client, const char *text)
{
	if (client->lock->state == LOCK_PEER_WAITING)
		client_error(client, client->lock->request, CLASS_DENIED, text);
	lock_peers_client_gone(client);
}

/* --- lockd --- */

void lock_peers_lockd_up(struct sup *sup)
{
	pump(sup->lock_peers);
}

void lock_peers_lockd_down(struct sup *sup, const char *parked)
{
	struct lock_peer *peer = TAILQ_FIRST(&sup->lock_peers->all);
	struct lock_peer *next;

	for (; peer; peer = next) {
		next = TAILQ_NEXT(peer, entry);
		if (peer->state == LOCK_PEER_WAITING && !parked)
			continue;
		if (peer->state == LOCK_PEER_WAITING)
			fail_parked(peer->client, peer->request, parked);
		drop(peer);
	}
}

int lock_peers_new(struct lock_peers **out, struct sup *sup)
{
	struct lock_peers *peers = calloc(1, sizeof(*peers));
	int r;

	if (!peers)
		return -ENOMEM;
	peers->sup = sup;
	TAILQ_INIT(&peers->all);
	r = sd_event_add_time(sup->event, &peers->retry, CLOCK_MONOTONIC, 0, 1000, on_retry, peers);
	if (r >= 0)
		r = sd_event_source_set_enabled(peers->retry, SD_EVENT_OFF);
	if (r < 0) {
		lock_peers_free(peers);
		return r;
	}
	*out = peers;
	return 0;
}

struct lock_peers *lock_peers_free(struct lock_peers *peers)
{
	struct lock_peer *peer;

	if (!peers)
		return NULL;
	while ((peer = TAILQ_FIRST(&peers->all)))
		drop(peer);
	sd_event_source_disable_unref(peers->retry);
	free(peers);
	return NULL;
}
