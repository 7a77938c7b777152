/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/serve.h"

#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "ipc/loop/port.h"
#include "lockd/arbiter.h"
#include "lockd/peer.h"
#include "lockd/publish.h"

#include <string.h>
#include <time.h>

enum {
	PEERS_MAX = 1024,
	PUBLISH_AFTER_MS = 5, /* changes of that time make one publication */
	/*
	 * All before the peers (0): those can keep the loop busy for ever, and then nothing after
	 * them would run. The table costs some microseconds in PUBLISH_AFTER_MS.
	 */
	PRIORITY_CONTROL = -10,
	PRIORITY_TIMER = -5,
	PRIORITY_PUBLISH = -4,
	TIMER_ACCURACY_US = 1000,
};

struct serve {
	sd_event *event;
	struct chan_buf *buf;
	struct port *control;
	struct arbiter *arbiter;
	struct publish *table;
	sd_event_source *timer;
	sd_event_source *publisher;
	struct peer *peers;
	uint32_t n_peers;
	uint64_t timer_at_ms;	/* UINT64_MAX: off */
	uint64_t published;	/* arbiter_changes() then */
	bool is_publishing_due; /* the publisher is armed */
	struct peer_host host;
};

/* --- timers --- */

/*
 * An earlier time than needed stays: it costs one idle wake-up, while moving the timer with every
 * request would cost a system call each.
 */
static void arm_timer(struct serve *s)
{
	uint64_t at = arbiter_next_at_ms(s->arbiter);

	if (at >= s->timer_at_ms)
		return;
	s->timer_at_ms = at;
	(void)sd_event_source_set_time(s->timer, at * 1000u);
	(void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void arm_publisher(struct serve *s)
{
	if (s->is_publishing_due || arbiter_changes(s->arbiter) == s->published)
		return;
	s->is_publishing_due = true;
	(void)sd_event_source_set_time(s->publisher, (clock_now_ms() + PUBLISH_AFTER_MS) * 1000u);
	(void)sd_event_source_set_enabled(s->publisher, SD_EVENT_ONESHOT);
}

static void on_changed(void *ctx)
{
	struct serve *s = ctx;

	arm_timer(s);
	arm_publisher(s);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct serve *s = userdata;

	(void)source;
	(void)at_us;
	s->timer_at_ms = UINT64_MAX;
	arbiter_tick(s->arbiter, clock_now_ms());
	on_changed(s);
	return 0;
}

static void publish_item(void *ctx, const struct locktab_row *row)
{
	struct serve *s = ctx;

	publish_row(s->table, row);
}

static int on_publish(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct serve *s = userdata;
	uint64_t now_ms = clock_now_ms();

	(void)source;
	(void)at_us;
	s->is_publishing_due = false;
	s->published = arbiter_changes(s->arbiter);
	publish_begin(s->table);
	arbiter_list(s->arbiter, now_ms, publish_item, s);
	publish_end(s->table, now_ms);
	return 0;
}

static int add_timer(struct serve *s, sd_event_source **out, sd_event_time_handler_t handler,
		     int64_t priority)
{
	int r;

	r = sd_event_add_time(s->event, out, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US, handler, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(*out, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(*out, priority);
	return r;
}

/* --- peers --- */

static void drop_peer(struct serve *s, struct peer *peer)
{
	struct peer *before = s->peers;

	if (before == peer) {
		s->peers = peer_next(peer);
	} else {
		while (peer_next(before) != peer)
			before = peer_next(before);
		peer_set_next(before, peer_next(peer));
	}
	s->n_peers--;
	peer_free(peer);
	on_changed(s);
}

static void on_peer_closed(void *ctx, struct peer *peer)
{
	drop_peer(ctx, peer);
}

static struct peer *find_peer(const struct serve *s, uint32_t number)
{
	struct peer *peer;

	for (peer = s->peers; peer; peer = peer_next(peer))
		if (peer_number(peer) == number)
			break;
	return peer;
}

/* --- what the supervisor says --- */

static int on_lock_peer(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__LockPeer *msg = body;
	struct serve *s = ctx;
	struct peer_info info = {
		.number = msg->has_peer ? msg->peer : 0,
		.label = msg->label,
		.pid = msg->has_pid ? msg->pid : 0,
		.uid = msg->has_uid ? msg->uid : 0,
		.is_worker = msg->has_worker && msg->worker,
	};
	struct peer *peer = NULL;
	int r = -ENFILE;

	if (s->n_peers < PEERS_MAX)
		r = peer_new(&peer, &s->host, frame->fds[0], &info);
	if (r < 0) {
		/* Its channel closes with the frame: it learns that nobody serves it. */
		log_warn("event=peer-refused pid=%u error=%s", info.pid, strerrorname_np(-r));
		return 0;
	}
	(void)take_fd(&frame->fds[0]);
	peer_set_next(peer, s->peers);
	s->peers = peer;
	s->n_peers++;
	log_debug("event=peer number=%u pid=%u worker=%d", info.number, info.pid, info.is_worker);
	return 0;
}

static int on_peer_gone(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__PeerRef *msg = body;
	struct serve *s = ctx;
	struct peer *peer = find_peer(s, msg->has_peer ? msg->peer : 0);

	(void)frame;
	if (peer)
		drop_peer(s, peer);
	return 0;
}

static int on_adapter_lost(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__AdapterName *msg = body;
	struct serve *s = ctx;
	uint32_t adapter = 0;

	(void)frame;
	if (!msg->adapter || resource_parse_adapter(msg->adapter, &adapter) < 0)
		return -EBADMSG;
	log_info("event=adapter-lost adapter=hci%u", adapter);
	arbiter_adapter_lost(s->arbiter, adapter, clock_now_ms());
	on_changed(s);
	return 0;
}

static int on_stop(void *ctx, struct chan_frame *frame, const void *body)
{
	struct serve *s = ctx;

	(void)frame;
	(void)body;
	return sd_event_exit(s->event, 0);
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__LOCK_PEER, 1, 1, &bh__ctl__lock_peer__descriptor, on_lock_peer },
	{ BH__CTL__TYPE__PEER_GONE, 0, 0, &bh__ctl__peer_ref__descriptor, on_peer_gone },
	{ BH__CTL__TYPE__ADAPTER_LOST, 0, 0, &bh__ctl__adapter_name__descriptor, on_adapter_lost },
	{ BH__CTL__TYPE__STOP, 0, 0, &bh__ctl__empty__descriptor, on_stop },
};

static void on_control_closed(struct port *port, void *ctx, int error)
{
	struct serve *s = ctx;

	(void)port;
	(void)sd_event_exit(s->event, error);
}

static const struct port_ops CONTROL_OPS = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_control_closed,
};

/* --- start and end --- */

static void introduce(struct serve *s)
{
	static char build_id[] = BUILD_ID;
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int fd = publish_fd(s->table);

	hello.build_id = build_id;
	hello.has_pid = 1;
	hello.pid = (uint32_t)getpid();
	port_send(s->control, BH__CTL__TYPE__HELLO, 0, 0, &hello.base);
	port_send_fds(s->control, BH__CTL__TYPE__LOCK_TABLE, 0, 0, &empty.base, &fd, 1);
	port_send(s->control, BH__CTL__TYPE__READY, 0, 0, &empty.base);
}

static uint64_t boot_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int start(struct serve *s, const struct options *options, int dir_fd)
{
	uint64_t now_ms = clock_now_ms();
	struct arbiter_config config = {
		.dir_fd = dir_fd,
		.counts = options->counts,
		.age_step_ms = options->age_step_ms,
		.first_grant = arbiter_epoch(boot_us()),
		.settled_at_ms = options->settle_ms > 0 ? now_ms + options->settle_ms : 0,
		.fds_max = CHAN_FDS_MAX,
	};
	int r;

	s->timer_at_ms = UINT64_MAX;
	r = sd_event_new(&s->event);
	if (r >= 0)
		r = chan_buf_new(&s->buf, CHAN_BODY_CONTROL);
	if (r >= 0)
		r = publish_new(&s->table, now_ms);
	if (r >= 0)
		r = arbiter_new(&s->arbiter, &config, &PEER_ARBITER_OPS);
	if (r >= 0)
		r = add_timer(s, &s->timer, on_timer, PRIORITY_TIMER);
	if (r >= 0)
		r = add_timer(s, &s->publisher, on_publish, PRIORITY_PUBLISH);
	s->host = (struct peer_host){
		.event = s->event,
		.buf = s->buf,
		.arbiter = s->arbiter,
		.ctx = s,
		.changed = on_changed,
		.closed = on_peer_closed,
	};
	return r;
}

/*
 * Nothing is unlocked on the way out: a lockd that ends, ends as if it were killed, and the
 * holders' duplicates keep their locks until they hand them to the next one.
 */
static void finish(struct serve *s)
{
	struct peer *peer;

	arbiter_free(s->arbiter);
	s->host.arbiter = NULL;
	while (s->peers) {
		peer = s->peers;
		s->peers = peer_next(peer);
		peer_free(peer);
	}
	port_free(s->control);
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->publisher);
	publish_free(s->table);
	sd_event_unref(s->event);
	chan_buf_free(s->buf);
}

int serve_run(const struct options *options, int dir_fd, int control_fd)
{
	struct serve s = { 0 };
	int r;

	r = start(&s, options, dir_fd);
	if (r >= 0)
		r = port_new(&s.control, s.event, control_fd, s.buf, CHAN_BODY_CONTROL,
			     &CONTROL_OPS, &s, PRIORITY_CONTROL);
	if (r < 0) {
		(void)close_fd(control_fd);
	} else {
		introduce(&s);
		r = sd_event_loop(s.event);
	}
	finish(&s);
	return r;
}
