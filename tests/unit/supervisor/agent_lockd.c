/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/agent_lockd.c - this test program as bleherd-lockd. It locks nothing: it
 * tells all its peers what the supervisor says, as the text of REVOKED, also what it said before
 * they came, and does what a program tells it by the label of an ACQUIRE:
 *
 *   who                          answers REFUSED "peer N pid P uid U worker W LABEL"
 *   dirty GRANT ADAPTER ADDRESS  says LOCK_DIRTY
 *   overdue LABEL                says LOCK_OVERDUE of the peer with that label, "" the asking one
 *   die, park                    ends, with status 78 for good
 *
 * As the real one it ends with status 78 where --dir is missing.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ipc/build_id.h"
#include "ipc/chan.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/lock.pb-c.h"
#include "ipc/wpage.h"
#include "tests/unit/supervisor/rig.h"

enum { PEERS_MAX = 512, LINES_MAX = 32, LINE_LEN = 128, TICK_MS = 200 };

struct lock_peer {
	struct chan *chan;
	uint32_t number;
	uint32_t pid;
	uint32_t uid;
	bool is_worker;
	char label[64];
};

struct fake_lockd {
	struct chan_buf *buf;
	struct chan *up;
	struct wpage *page;
	struct lock_peer peers[PEERS_MAX];
	size_t n_lines;
	char lines[LINES_MAX][LINE_LEN];
};

static void tell_up(struct fake_lockd *lockd, uint16_t type, const ProtobufCMessage *msg)
{
	(void)!chan_send(lockd->up, type, 0, 0, msg, NULL, 0);
}

static void tell_line(struct lock_peer *peer, char *line)
{
	Bh__Lock__Revoked revoked = BH__LOCK__REVOKED__INIT;

	revoked.text = line;
	(void)!chan_send(peer->chan, BH__LOCK__TYPE__REVOKED, 0, 0, &revoked.base, NULL, 0);
}

static void _printf_(2, 3) note(struct fake_lockd *lockd, const char *format, ...)
{
	char *line = lockd->lines[lockd->n_lines++ % LINES_MAX];
	va_list args;
	size_t i;

	va_start(args, format);
	(void)vsnprintf(line, LINE_LEN, format, args);
	va_end(args);
	for (i = 0; i < PEERS_MAX; i++)
		if (lockd->peers[i].chan)
			tell_line(&lockd->peers[i], line);
}

/* --- the supervisor --- */

static void on_lock_peer(struct fake_lockd *lockd, struct chan_frame *frame)
{
	const Bh__Ctl__LockPeer *msg =
		chan_unpack(lockd->up, frame, &bh__ctl__lock_peer__descriptor);
	struct lock_peer *peer = lockd->peers;
	size_t i;

	while (peer->chan)
		peer++;
	peer->number = msg->peer;
	peer->pid = msg->pid;
	peer->uid = msg->uid;
	peer->is_worker = msg->worker;
	(void)snprintf(peer->label, sizeof(peer->label), "%s", msg->label);
	if (chan_new(&peer->chan, take_fd(&frame->fds[0]), lockd->buf, CHAN_BODY_CONTROL) < 0)
		_exit(9);
	for (i = 0; i < lockd->n_lines && i < LINES_MAX; i++)
		tell_line(peer, lockd->lines[i]);
}

static void on_adapters(struct fake_lockd *lockd, const struct chan_frame *frame)
{
	const Bh__Ctl__Adapters *msg =
		chan_unpack(lockd->up, frame, &bh__ctl__adapters__descriptor);
	char names[64] = "";
	size_t len = 0;
	size_t i;

	for (i = 0; i < msg->n_adapters; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s", msg->adapters[i]);
	note(lockd, "adapters%s default %s", names,
	     msg->default_adapter ? msg->default_adapter : "none");
}

static void on_control_frame(struct fake_lockd *lockd, struct chan_frame *frame)
{
	const Bh__Ctl__PeerRef *gone;
	const Bh__Ctl__LockRef *clean;
	size_t i;

	if (frame->type == BH__CTL__TYPE__STOP)
		_exit(0);
	if (frame->type == BH__CTL__TYPE__LOCK_PEER)
		on_lock_peer(lockd, frame);
	if (frame->type == BH__CTL__TYPE__ADAPTERS)
		on_adapters(lockd, frame);
	if (frame->type == BH__CTL__TYPE__LOCK_CLEAN) {
		clean = chan_unpack(lockd->up, frame, &bh__ctl__lock_ref__descriptor);
		note(lockd, "clean %llu", (unsigned long long)clean->grant);
	}
	if (frame->type != BH__CTL__TYPE__PEER_GONE)
		return;
	gone = chan_unpack(lockd->up, frame, &bh__ctl__peer_ref__descriptor);
	for (i = 0; i < PEERS_MAX; i++)
		if (lockd->peers[i].chan && lockd->peers[i].number == gone->peer)
			lockd->peers[i].chan = chan_free(lockd->peers[i].chan);
	note(lockd, "gone %u", gone->peer);
}

static void on_control(struct fake_lockd *lockd)
{
	struct chan_frame frame;
	int r;

	while ((r = chan_recv(lockd->up, &frame)) != 0) {
		if (r != CHAN_FRAME)
			_exit(0);
		on_control_frame(lockd, &frame);
		chan_frame_done(&frame);
	}
}

/* --- programs --- */

static void say_who(struct lock_peer *peer, uint32_t id)
{
	Bh__Lock__Refused refused = BH__LOCK__REFUSED__INIT;
	char text[LINE_LEN];

	(void)snprintf(text, sizeof(text), "peer %u pid %u uid %u worker %d %s", peer->number,
		       peer->pid, peer->uid, peer->is_worker, peer->label);
	refused.text = text;
	(void)!chan_send(peer->chan, BH__LOCK__TYPE__REFUSED, id, 0, &refused.base, NULL, 0);
}

static void say_dirty(struct fake_lockd *lockd, struct lock_peer *peer, const char *words)
{
	Bh__Ctl__LockRef ref = BH__CTL__LOCK_REF__INIT;
	unsigned long long grant = 0;
	unsigned long long address = 0;
	char adapter[16] = "";

	if (sscanf(words, "%llu %15s %llx", &grant, adapter, &address) != 3)
		_exit(9);
	ref.has_grant = ref.has_peer = ref.has_pid = ref.has_address = 1;
	ref.grant = grant;
	ref.peer = peer->number;
	ref.pid = 4711;
	ref.label = (char *)(uintptr_t) "the holder";
	ref.adapter = adapter;
	ref.address = address;
	tell_up(lockd, BH__CTL__TYPE__LOCK_DIRTY, &ref.base);
}

static const struct lock_peer *find_peer(const struct fake_lockd *lockd, const char *label)
{
	size_t i;

	for (i = 0; i < PEERS_MAX; i++)
		if (lockd->peers[i].chan && strcmp(lockd->peers[i].label, label) == 0)
			return &lockd->peers[i];
	return NULL;
}

/* The present one: what the supervisor said of it may still be unread, or on its way. */
static const struct lock_peer *wait_for_peer(struct fake_lockd *lockd, const char *label)
{
	struct pollfd p = { .fd = chan_fd(lockd->up), .events = POLLIN };

	on_control(lockd);
	while (!find_peer(lockd, label)) {
		(void)poll(&p, 1, -1);
		on_control(lockd);
	}
	return find_peer(lockd, label);
}

static void say_overdue(struct fake_lockd *lockd, struct lock_peer *asking, const char *words)
{
	Bh__Ctl__LockRef ref = BH__CTL__LOCK_REF__INIT;
	const struct lock_peer *peer = asking;
	char label[LINE_LEN]; /* the words go with the next frame that is read */

	(void)snprintf(label, sizeof(label), "%s", words);
	if (label[0])
		peer = wait_for_peer(lockd, label);
	ref.has_grant = ref.has_peer = ref.has_pid = 1;
	ref.grant = 77;
	ref.peer = peer->number;
	ref.pid = peer->pid;
	ref.label = (char *)(uintptr_t)peer->label;
	ref.adapter = (char *)(uintptr_t) "hci1";
	tell_up(lockd, BH__CTL__TYPE__LOCK_OVERDUE, &ref.base);
}

static void obey(struct fake_lockd *lockd, struct lock_peer *peer, uint32_t id, const char *words)
{
	if (strcmp(words, "die") == 0)
		_exit(3);
	if (strcmp(words, "park") == 0)
		_exit(78);
	if (strcmp(words, "who") == 0)
		say_who(peer, id);
	if (strncmp(words, "dirty ", 6) == 0)
		say_dirty(lockd, peer, words + 6);
	if (strncmp(words, "overdue ", 8) == 0)
		say_overdue(lockd, peer, words + 8);
}

/* As the real one: of no grant it is refused at once. */
static void answer_renew(struct lock_peer *peer, const struct chan_frame *frame)
{
	const Bh__Lock__Renew *msg = chan_unpack(peer->chan, frame, &bh__lock__renew__descriptor);
	Bh__Lock__Refused refused = BH__LOCK__REFUSED__INIT;
	Bh__Lock__Renewed renewed = BH__LOCK__RENEWED__INIT;

	refused.has_reason = 1;
	refused.reason = BH__LOCK__REASON__REASON_FENCED;
	if (msg->grant == 0)
		(void)!chan_send(peer->chan, BH__LOCK__TYPE__REFUSED, frame->id, 0, &refused.base,
				 NULL, 0);
	else
		(void)!chan_send(peer->chan, BH__LOCK__TYPE__RENEWED, frame->id, 0, &renewed.base,
				 NULL, 0);
}

/* Grants each, unless there is a file "deny". */
static void serve_supervisor(struct fake_lockd *lockd, struct lock_peer *peer,
			     const struct chan_frame *frame)
{
	Bh__Lock__Granted granted = BH__LOCK__GRANTED__INIT;
	Bh__Lock__Empty empty = BH__LOCK__EMPTY__INIT;
	const Bh__Lock__Acquire *msg;
	const Bh__Lock__Held *held;

	if (frame->type == BH__LOCK__TYPE__RELEASE)
		note(lockd, "released");
	if (frame->type == BH__LOCK__TYPE__HELD) {
		held = chan_unpack(peer->chan, frame, &bh__lock__held__descriptor);
		note(lockd, "held %llu %s", (unsigned long long)held->grant, held->resources[0]);
	}
	if (frame->type == BH__LOCK__TYPE__RENEW) {
		answer_renew(peer, frame);
		return;
	}
	if (frame->type != BH__LOCK__TYPE__ACQUIRE)
		return;
	msg = chan_unpack(peer->chan, frame, &bh__lock__acquire__descriptor);
	note(lockd, "%s class %d worker %d", msg->resources[0], (int)msg->class_, peer->is_worker);
	granted.has_grant = 1;
	granted.grant = 5;
	if (agent_read("deny", NULL, 0))
		(void)!chan_send(peer->chan, BH__LOCK__TYPE__TIMED_OUT, frame->id, 0, &empty.base,
				 NULL, 0);
	else
		(void)!chan_send(peer->chan, BH__LOCK__TYPE__GRANTED, frame->id, 0, &granted.base,
				 NULL, 0);
}

static void on_peer(struct fake_lockd *lockd, struct lock_peer *peer)
{
	const Bh__Lock__Acquire *msg;
	struct chan_frame frame;
	int r;

	while (peer->chan && (r = chan_recv(peer->chan, &frame)) != 0) {
		if (r != CHAN_FRAME) {
			peer->chan = chan_free(peer->chan);
			return;
		}
		if (strcmp(peer->label, "supervisor") == 0) {
			serve_supervisor(lockd, peer, &frame);
			continue;
		}
		msg = chan_unpack(peer->chan, &frame, &bh__lock__acquire__descriptor);
		if (frame.type == BH__LOCK__TYPE__ACQUIRE && msg && msg->label)
			obey(lockd, peer, frame.id, msg->label);
	}
}

static void turn(struct fake_lockd *lockd)
{
	struct pollfd p[PEERS_MAX + 1] = { { .fd = chan_fd(lockd->up), .events = POLLIN } };
	size_t i;

	for (i = 0; i < PEERS_MAX; i++)
		p[i + 1] = (struct pollfd){
			.fd = lockd->peers[i].chan ? chan_fd(lockd->peers[i].chan) : -1,
			.events = POLLIN,
		};
	(void)poll(p, PEERS_MAX + 1, TICK_MS);
	wpage_tick(lockd->page, clock_now_ms());
	for (i = 0; i < PEERS_MAX; i++)
		if (p[i + 1].revents)
			on_peer(lockd, &lockd->peers[i]);
	if (p[0].revents)
		on_control(lockd);
}

static void say_hello(struct fake_lockd *lockd)
{
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int table = memfd_create("table", MFD_CLOEXEC);

	hello.build_id = (char *)(uintptr_t)BUILD_ID;
	hello.has_pid = 1;
	hello.pid = (uint32_t)getpid();
	tell_up(lockd, BH__CTL__TYPE__HELLO, &hello.base);
	(void)!chan_send(lockd->up, BH__CTL__TYPE__LOCK_TABLE, 0, 0, &empty.base, &table, 1);
	tell_up(lockd, BH__CTL__TYPE__READY, &empty.base);
}

_Noreturn void agent_be_lockd(char **argv)
{
	static struct fake_lockd lockd;

	if (strcmp(argv[1], "--dir") != 0 || access(argv[2], R_OK | X_OK) < 0)
		_exit(78);
	if (chan_buf_new(&lockd.buf, CHAN_BODY_CONTROL) < 0 ||
	    chan_new(&lockd.up, 3, lockd.buf, CHAN_BODY_CONTROL) < 0 ||
	    wpage_map(4, &lockd.page) < 0)
		_exit(9);
	say_hello(&lockd);
	for (;;)
		turn(&lockd);
}
