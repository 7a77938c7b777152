/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/peer.h"

#include "ipc/clock.h"
#include "ipc/lock.pb-c.h"
#include "ipc/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	VERSION = 1,
	WORKER_REQUESTS_MAX = 256,
	PROGRAM_REQUESTS_MAX = 32,
	PRIORITY = 0,
};

struct peer {
	struct arbiter_owner owner;
	const struct peer_host *host;
	struct port *port;
	struct peer *next;
	struct peer_info info; /* without the label: that is the owner's */
};

static const enum slotq_class CLASSES[] = {
	[BH__LOCK__CLASS__CLASS_RECOVERY] = SLOTQ_RECOVERY,
	[BH__LOCK__CLASS__CLASS_INTERACTIVE] = SLOTQ_INTERACTIVE,
	[BH__LOCK__CLASS__CLASS_CONNECT] = SLOTQ_CONNECT,
	[BH__LOCK__CLASS__CLASS_SCAN] = SLOTQ_SCAN,
	[BH__LOCK__CLASS__CLASS_BACKGROUND_SCAN] = SLOTQ_BACKGROUND_SCAN,
};

/* For requests that name no class: by the first resource of the sorted set. */
static const enum slotq_class DEFAULT_CLASSES[RESOURCE_KINDS] = {
	[RESOURCE_DEVICE] = SLOTQ_CONNECT,
	[RESOURCE_CONNECT] = SLOTQ_CONNECT,
	[RESOURCE_SCAN] = SLOTQ_SCAN,
	[RESOURCE_MAINTENANCE] = SLOTQ_INTERACTIVE,
};

static struct peer *peer_of(struct arbiter_owner *owner)
{
	return container_of(owner, struct peer, owner);
}

/* --- the arbiter's answers --- */

static void send_empty(struct arbiter_owner *owner, Bh__Lock__Type type, uint32_t id)
{
	Bh__Lock__Empty msg = BH__LOCK__EMPTY__INIT;

	port_send(peer_of(owner)->port, (uint16_t)type, id, 0, &msg.base);
}

static void on_granted(struct arbiter_owner *owner, uint32_t id, uint64_t grant, uint32_t waited_ms,
		       uint32_t lease_ms, const int *fds, size_t n_fds)
{
	Bh__Lock__Granted msg = BH__LOCK__GRANTED__INIT;

	msg.has_grant = msg.has_waited_ms = msg.has_lease_ms = 1;
	msg.grant = grant;
	msg.waited_ms = waited_ms;
	msg.lease_ms = lease_ms;
	port_send_fds(peer_of(owner)->port, BH__LOCK__TYPE__GRANTED, id, 0, &msg.base, fds, n_fds);
}

static void on_timed_out(struct arbiter_owner *owner, uint32_t id)
{
	send_empty(owner, BH__LOCK__TYPE__TIMED_OUT, id);
}

/* protobuf-c wants char *; packing reads only. */
static char *wire_text(const char *text)
{
	return (char *)(uintptr_t)text;
}

static Bh__Lock__Reason wire_reason(enum arbiter_reason reason)
{
	return (Bh__Lock__Reason)reason;
}
static_assert((int)ARBITER_INVALID == (int)BH__LOCK__REASON__REASON_INVALID, "as in lock.proto");
static_assert((int)ARBITER_TAKEN == (int)BH__LOCK__REASON__REASON_TAKEN, "as in lock.proto");

static void refuse(struct port *port, uint32_t id, Bh__Lock__Reason reason, const char *text)
{
	Bh__Lock__Refused msg = BH__LOCK__REFUSED__INIT;

	msg.text = wire_text(text);
	msg.has_reason = 1;
	msg.reason = reason;
	port_send(port, BH__LOCK__TYPE__REFUSED, id, 0, &msg.base);
}

static void on_refused(struct arbiter_owner *owner, uint32_t id,
		       const struct arbiter_verdict *verdict)
{
	log_debug("event=refused peer=\"%s\" why=\"%s\"", owner->label, verdict->text);
	refuse(peer_of(owner)->port, id, wire_reason(verdict->reason), verdict->text);
}

static void on_revoked(struct arbiter_owner *owner, uint64_t grant,
		       const struct arbiter_verdict *verdict)
{
	const struct peer_host *host = peer_of(owner)->host;
	Bh__Lock__Revoked msg = BH__LOCK__REVOKED__INIT;

	msg.has_grant = msg.has_reason = msg.has_grace_ms = 1;
	msg.grant = grant;
	msg.text = wire_text(verdict->text);
	msg.reason = wire_reason(verdict->reason);
	msg.grace_ms = verdict->grace_ms;
	log_info("event=revoked peer=\"%s\" grant=%" PRIu64 " grace_ms=%u why=\"%s\"", owner->label,
		 grant, verdict->grace_ms, verdict->text);
	port_send(peer_of(owner)->port, BH__LOCK__TYPE__REVOKED, 0, 0, &msg.base);
	/* That a part ends with its whole is no event. */
	if (verdict->reason != ARBITER_FENCED)
		host->revoked(host->ctx, owner->label, verdict);
}

void peer_fill_ops(struct arbiter_ops *ops)
{
	ops->granted = on_granted;
	ops->timed_out = on_timed_out;
	ops->refused = on_refused;
	ops->revoked = on_revoked;
}

/* --- its messages --- */

/* Labels end up in tables, logs and JSON: what is not printable ASCII is replaced. */
static void copy_label(char out_label[LOCKTAB_LABEL_LEN], const char *label)
{
	size_t i;

	for (i = 0; label && label[i] != '\0' && i < LOCKTAB_LABEL_LEN - 1; i++)
		out_label[i] = label[i] >= ' ' && label[i] <= '~' ? label[i] : '?';
	out_label[i] = '\0';
}

static int on_hello(void *ctx, struct chan_frame *frame, const void *body)
{
	Bh__Lock__HelloOk ok = BH__LOCK__HELLO_OK__INIT;
	const Bh__Lock__Hello *msg = body;
	struct peer *peer = ctx;
	char text[96];

	if (msg->has_version && msg->version != VERSION) {
		(void)snprintf(text, sizeof(text),
			       "this arbiter speaks version %d of lock.proto, not %u", VERSION,
			       msg->version);
		refuse(peer->port, frame->id, BH__LOCK__REASON__REASON_VERSION, text);
		return -EPROTONOSUPPORT;
	}
	if (msg->label && msg->label[0] != '\0')
		copy_label(peer->owner.label, msg->label);
	ok.has_version = 1;
	ok.version = VERSION;
	port_send(peer->port, BH__LOCK__TYPE__HELLO_OK, frame->id, 0, &ok.base);
	return 0;
}

/* What ACQUIRE and HELD have in common. NULL, or why not. */
static const char *read_request(char *const *names, size_t n_names, bool has_class, int class,
				struct arbiter_request *out)
{
	int r = resource_set_parse(names, n_names, &out->set);

	if (r != 0)
		return resource_set_text(r);
	out->class = DEFAULT_CLASSES[out->set.items[0].kind];
	if (!has_class)
		return NULL;
	if (class < (int)BH__LOCK__CLASS__CLASS_RECOVERY || class >= (int)ARRAY_LEN(CLASSES))
		return "no such class: recovery, interactive, connect, scan, background";
	out->class = CLASSES[class];
	return NULL;
}

static int on_acquire(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Lock__Acquire *msg = body;
	struct arbiter_request request = { .id = frame->id };
	char label[LOCKTAB_LABEL_LEN];
	struct peer *peer = ctx;
	const char *why;
	int r;

	if (frame->id == 0)
		return -EBADMSG;
	why = read_request(msg->resources, msg->n_resources, msg->has_class_, (int)msg->class_,
			   &request);
	if (why) {
		refuse(peer->port, frame->id, BH__LOCK__REASON__REASON_INVALID, why);
		return 0;
	}
	copy_label(label, msg->label);
	request.label = label;
	request.under = msg->has_under ? msg->under : 0;
	request.timeout_ms = msg->has_timeout_ms ? msg->timeout_ms : 0;
	request.max_hold_ms = msg->has_max_hold_ms ? msg->max_hold_ms : 0;
	r = arbiter_acquire(peer->host->arbiter, &peer->owner, &request, clock_now_ms());
	peer->host->changed(peer->host->ctx);
	return r == ARBITER_DUPLICATE ? -EBADMSG : 0;
}

static int on_held(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Lock__Held *msg = body;
	struct arbiter_request request = { .id = 0 };
	struct arbiter_verdict verdict = { .reason = ARBITER_INVALID,
					   .adapter = RESOURCE_ADAPTERS_MAX };
	char label[LOCKTAB_LABEL_LEN];
	struct peer *peer = ctx;

	if (!msg->has_grant || msg->grant == 0)
		return -EBADMSG;
	verdict.text = read_request(msg->resources, msg->n_resources, msg->has_class_,
				    (int)msg->class_, &request);
	if (verdict.text) {
		on_revoked(&peer->owner, msg->grant, &verdict);
		return 0;
	}
	copy_label(label, msg->label);
	request.label = label;
	request.max_hold_ms = msg->has_max_hold_ms ? msg->max_hold_ms : 0;
	request.under = msg->has_under ? msg->under : 0;
	arbiter_adopt(peer->host->arbiter, &peer->owner, &request, msg->grant, frame->fds,
		      frame->n_fds, clock_now_ms());
	peer->host->changed(peer->host->ctx);
	return 0;
}

static int on_release(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Lock__Release *msg = body;
	struct peer *peer = ctx;

	(void)frame;
	/* One that we do not know was revoked while the message was under way. */
	if (arbiter_release(peer->host->arbiter, &peer->owner, msg->has_grant ? msg->grant : 0,
			    clock_now_ms()) == 0)
		peer->host->changed(peer->host->ctx);
	return 0;
}

static int on_renew(void *ctx, struct chan_frame *frame, const void *body)
{
	Bh__Lock__Renewed renewed = BH__LOCK__RENEWED__INIT;
	const Bh__Lock__Renew *msg = body;
	struct peer *peer = ctx;
	bool is_wanted = false;

	if (frame->id == 0)
		return -EBADMSG;
	if (arbiter_renew(peer->host->arbiter, &peer->owner, msg->has_grant ? msg->grant : 0,
			  clock_now_ms(), &renewed.lease_ms, &is_wanted) != 0) {
		refuse(peer->port, frame->id, BH__LOCK__REASON__REASON_FENCED,
		       "that grant is over");
		return 0;
	}
	renewed.has_lease_ms = renewed.has_wanted = 1;
	renewed.wanted = is_wanted;
	port_send(peer->port, BH__LOCK__TYPE__RENEWED, frame->id, 0, &renewed.base);
	peer->host->changed(peer->host->ctx);
	return 0;
}

static int on_cancel(void *ctx, struct chan_frame *frame, const void *body)
{
	struct peer *peer = ctx;

	(void)body;
	/* Too late: the answer is under way. */
	if (arbiter_cancel(peer->host->arbiter, &peer->owner, frame->id, clock_now_ms()) != 0)
		return 0;
	send_empty(&peer->owner, BH__LOCK__TYPE__CANCELLED, frame->id);
	peer->host->changed(peer->host->ctx);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__LOCK__TYPE__HELLO, 0, 0, &bh__lock__hello__descriptor, on_hello },
	{ BH__LOCK__TYPE__HELD, 0, CHAN_FDS_MAX, &bh__lock__held__descriptor, on_held },
	{ BH__LOCK__TYPE__ACQUIRE, 0, 0, &bh__lock__acquire__descriptor, on_acquire },
	{ BH__LOCK__TYPE__RELEASE, 0, 0, &bh__lock__release__descriptor, on_release },
	{ BH__LOCK__TYPE__CANCEL, 0, 0, &bh__lock__empty__descriptor, on_cancel },
	{ BH__LOCK__TYPE__RENEW, 0, 0, &bh__lock__renew__descriptor, on_renew },
};

static void on_closed(struct port *port, void *ctx, int error)
{
	struct peer *peer = ctx;

	(void)port;
	if (error < 0)
		log_warn("event=peer-dropped peer=%s pid=%u error=%s", peer->owner.label,
			 peer->owner.pid, strerrorname_np(-error));
	peer->host->closed(peer->host->ctx, peer);
}

static const struct port_ops OPS = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_closed,
};

/* --- birth and death --- */

int peer_new(struct peer **out, const struct peer_host *host, int fd, const struct peer_info *info)
{
	struct peer *peer;
	int r;

	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	peer->host = host;
	peer->info = *info;
	peer->info.label = NULL;
	peer->owner = (struct arbiter_owner)ARBITER_OWNER_INIT;
	peer->owner.pid = info->pid;
	peer->owner.uid = info->uid;
	peer->owner.is_worker = info->is_worker;
	peer->owner.requests_max = info->is_worker ? WORKER_REQUESTS_MAX : PROGRAM_REQUESTS_MAX;
	copy_label(peer->owner.label, info->label);
	r = port_new(&peer->port, host->event, fd, host->buf, CHAN_BODY_CONTROL, &OPS, peer,
		     PRIORITY);
	if (r < 0) {
		free(peer);
		return r;
	}
	*out = peer;
	return 0;
}

struct peer *peer_free(struct peer *peer)
{
	if (!peer)
		return NULL;
	if (peer->host->arbiter)
		arbiter_owner_gone(peer->host->arbiter, &peer->owner, clock_now_ms());
	port_free(peer->port);
	free(peer);
	return NULL;
}

void peer_drain(struct peer *peer)
{
	port_drain(peer->port);
}

void peer_refuse(int fd, struct chan_buf *buf, const char *text)
{
	Bh__Lock__Refused msg = BH__LOCK__REFUSED__INIT;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct chan *chan = NULL;

	/* It learns from the end of its channel that nobody serves it, if not why. */
	if (copy < 0 || chan_new(&chan, copy, buf, CHAN_BODY_CONTROL) < 0) {
		(void)close_fd(copy);
		return;
	}
	msg.text = wire_text(text);
	msg.has_reason = 1;
	msg.reason = BH__LOCK__REASON__REASON_LIMIT;
	(void)!chan_send(chan, BH__LOCK__TYPE__REFUSED, 0, 0, &msg.base, NULL, 0);
	chan_free(chan);
}

uint32_t peer_number(const struct peer *peer)
{
	return peer->info.number;
}

uint32_t peer_number_of(const struct arbiter_owner *owner)
{
	return container_of((struct arbiter_owner *)(uintptr_t)owner, struct peer, owner)
		->info.number;
}

struct peer *peer_next(const struct peer *peer)
{
	return peer->next;
}

void peer_set_next(struct peer *peer, struct peer *next)
{
	peer->next = next;
}
