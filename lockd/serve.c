/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/serve.h"

#include "ipc/clock.h"
#include "ipc/guard/alarm.h"
#include "ipc/guard/confine.h"
#include "ipc/log.h"
#include "ipc/loop/tick.h"
#include "lockd/serve_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-id128.h>
#include <time.h>

enum {
	PEERS_MAX = 1024,
	/*
	 * Descriptors of a peer: its channel, and duplicates that wait while it does not read. Some
	 * are kept for lockd itself and for the slot files, so that running out means fewer
	 * programs, never a lost lock.
	 */
	FDS_PER_PEER = 1 + CHAN_FDS_MAX,
	FDS_RESERVED = 48,
	PUBLISH_AFTER_MS = 5, /* changes of that time make one publication */
	/*
	 * All before the peers (0): those can keep the loop busy for ever, and then nothing after
	 * them would run. The table costs some microseconds in PUBLISH_AFTER_MS.
	 */
	PRIORITY_CONTROL = -10,
	PRIORITY_TIMER = -5,
	PRIORITY_PUBLISH = -4,
	TIMER_ACCURACY_US = 1000,
	TICK_MS = 200, /* a fifth of the watchdog's window */
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

void serve_changed(void *ctx)
{
	struct serve *s = ctx;

	arm_timer(s);
	arm_publisher(s);
	watch_readers(s->watch, arbiter_is_blocked(s->arbiter));
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct serve *s = userdata;

	(void)source;
	(void)at_us;
	s->timer_at_ms = UINT64_MAX;
	arbiter_tick(s->arbiter, clock_now_ms());
	serve_changed(s);
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

/* The loop turns, and this before all else: what peers do must not look like a standstill. */
static int on_tick(sd_event_source *source, uint64_t at_us, void *userdata)
{
	const struct serve *s = userdata;

	(void)at_us;
	alarm_tick();
	wpage_tick(s->page, clock_now_ms());
	log_tick();
	return sd_event_source_set_time_relative(source, TICK_MS * 1000u);
}

static int add_tick(struct serve *s)
{
	return s->page ? tick_add(s->event, 0, on_tick, s) : 0;
}

/* --- programs outside --- */

static void on_slot_file(void *ctx, const char *name, enum watch_event event)
{
	static const enum arbiter_outside whats[] = {
		[WATCH_CLOSED] = ARBITER_FILE_CLOSED,
		[WATCH_MADE] = ARBITER_FILE_MADE,
	};
	struct serve *s = ctx;
	uint64_t now_ms = clock_now_ms();

	if (event == WATCH_LOST)
		arbiter_look_again(s->arbiter, now_ms);
	else
		arbiter_outside(s->arbiter, name, whats[event], now_ms);
	serve_changed(s);
}

/* --- peers --- */

void serve_drop_peer(struct serve *s, struct peer *peer)
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
	serve_changed(s);
}

static void on_peer_closed(void *ctx, struct peer *peer)
{
	serve_drop_peer(ctx, peer);
}

void serve_add_peer(struct serve *s, int *fd, const struct peer_info *info)
{
	struct peer *peer = NULL;
	int r = -ENFILE;

	if (s->n_peers >= s->peers_max)
		peer_refuse(*fd, s->buf, "too many programs use the arbiter: try later");
	else
		r = peer_new(&peer, &s->host, *fd, info);
	if (r < 0) {
		/* Its channel closes with the frame: it learns that nobody serves it. */
		log_warn("event=peer-refused pid=%u error=%s", info->pid, strerrorname_np(-r));
		return;
	}
	(void)take_fd(fd);
	peer_set_next(peer, s->peers);
	s->peers = peer;
	s->n_peers++;
	wpage_crumb(s->page, clock_now_ms(), "peer %u: pid %u", info->number, info->pid);
	log_debug("event=peer number=%u pid=%u worker=%d", info->number, info->pid,
		  info->is_worker);
}

struct peer *serve_find_peer(const struct serve *s, uint32_t number)
{
	struct peer *peer;

	for (peer = s->peers; peer; peer = peer_next(peer))
		if (peer_number(peer) == number)
			break;
	return peer;
}

/* --- start and end --- */

static uint64_t boot_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint32_t peers_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur >= FDS_RESERVED + PEERS_MAX * FDS_PER_PEER)
		return PEERS_MAX;
	if (limit.rlim_cur < FDS_RESERVED + FDS_PER_PEER)
		return 1;
	return (uint32_t)(limit.rlim_cur - FDS_RESERVED) / FDS_PER_PEER;
}

static int make_arbiter(struct serve *s, const struct options *options,
			const struct serve_dirs *dirs, uint64_t now_ms)
{
	struct arbiter_config config = {
		.dir_fd = dirs->slots_fd,
		.own_dir_fd = dirs->own_fd,
		.counts = options->counts,
		.foreign_slots = options->foreign_slots,
		.limits = options->limits,
		.first_grant = arbiter_epoch(boot_us()),
		.settled_at_ms = options->settle_ms > 0 ? now_ms + options->settle_ms : 0,
		.fds_max = CHAN_FDS_MAX,
		.is_watching = s->watch,
		.ctx = s,
	};

	s->ops = (struct arbiter_ops){ .dirty = serve_tell_dirty, .overdue = serve_tell_overdue };
	peer_fill_ops(&s->ops);
	return arbiter_new(&s->arbiter, &config, &s->ops);
}

static int start(struct serve *s, const struct options *options, const struct serve_dirs *dirs)
{
	uint64_t now_ms = clock_now_ms();
	int watching;
	int r;

	s->timer_at_ms = UINT64_MAX;
	s->peers_max = peers_max();
	s->page = dirs->page;
	r = sd_event_new(&s->event);
	if (r >= 0)
		r = chan_buf_new(&s->buf, CHAN_BODY_CONTROL);
	if (r >= 0)
		r = publish_new(&s->table, now_ms);
	if (r < 0)
		return r;
	watching = watch_new(&s->watch, s->event, options->dir, PRIORITY_TIMER, on_slot_file, s);
	if (watching < 0)
		log_warn("event=no-inotify error=%s", strerrorname_np(-watching));
	r = make_arbiter(s, options, dirs, now_ms);
	if (r >= 0)
		r = add_timer(s, &s->timer, on_timer, PRIORITY_TIMER);
	if (r >= 0)
		r = add_timer(s, &s->publisher, on_publish, PRIORITY_PUBLISH);
	if (r >= 0)
		r = add_tick(s);
	s->host = (struct peer_host){
		.event = s->event,
		.buf = s->buf,
		.arbiter = s->arbiter,
		.ctx = s,
		.changed = serve_changed,
		.closed = on_peer_closed,
		.revoked = serve_tell_revoked,
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
	watch_free(s->watch);
	publish_free(s->table);
	sd_event_unref(s->event);
	chan_buf_free(s->buf);
}

/* sd-event asks for the boot's id in its loop, and remembers it. */
static int seal(void)
{
	char why[CONFINE_WHY_LEN];
	sd_id128_t boot;
	int r;

	(void)sd_id128_get_boot(&boot);
	r = confine_seal(&FILTER_LOCKD, why);
	if (r < 0)
		log_error("event=not-confined %s", why);
	return r < 0 ? -EPERM : 0;
}

int serve_run(const struct options *options, const struct serve_dirs *dirs, int control_fd)
{
	struct serve s = { 0 };
	int r;

	r = start(&s, options, dirs);
	if (r >= 0)
		r = port_new(&s.control, s.event, control_fd, s.buf, CHAN_BODY_CONTROL,
			     &SERVE_CONTROL_OPS, &s, PRIORITY_CONTROL);
	if (r < 0) {
		(void)close_fd(control_fd);
	} else {
		serve_introduce(&s);
		r = seal();
		if (r >= 0)
			r = sd_event_loop(s.event);
	}
	finish(&s);
	return r;
}
