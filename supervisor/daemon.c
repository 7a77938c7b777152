/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/daemon.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/admission.h"
#include "supervisor/attempts.h"
#include "supervisor/caches.h"
#include "supervisor/cleaner.h"
#include "supervisor/deaths.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/enumerate.h"
#include "supervisor/escalation.h"
#include "supervisor/events.h"
#include "supervisor/identity.h"
#include "supervisor/keeper.h"
#include "supervisor/lock_peers.h"
#include "supervisor/lockd_child.h"
#include "supervisor/orphans.h"
#include "supervisor/power_up.h"
#include "supervisor/readiness.h"
#include "supervisor/reload.h"
#include "supervisor/reset_state.h"
#include "supervisor/room.h"
#include "supervisor/room_desk.h"
#include "supervisor/server.h"
#include "supervisor/sessions.h"
#include "supervisor/slept.h"
#include "supervisor/strays.h"

enum {
	WATCH_MS = 200,
	PASSES_PER_MEAL = 5,  /* of systemd's watchdog */
	STOP_LIMIT_MS = 4000, /* then the rest dies with us, by PDEATHSIG */
	STOP_LOOK_MS = 10,
	PRIORITY_WATCH =
		SD_EVENT_PRIORITY_IMPORTANT, /* before clients: a flood must not starve it */
};

struct daemon {
	struct sup sup;
	uint64_t stop_at_ms;
	sd_event_source *stopping;
	bool is_fed; /* systemd's watchdog is on */
	unsigned passes;
	struct access_world world; /* of the start; later ones are admission's */
};

/* A client, its sessions' pairs, the children: the soft limit of 1024 is for users of select(). */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_news(void *ctx)
{
	struct sup *sup = ctx;

	server_wake_streams(sup->server);
}

/* --- the watchdog pass --- */

static int on_watch(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	struct sup *sup = &daemon->sup;
	uint64_t now_ms = clock_now_ms();
	size_t i;

	(void)usec;
	for (i = 0; i < sup->adapters->n; i++)
		child_watch(sup->adapters->list[i]->child, now_ms);
	lockd_child_watch(sup->lockd, now_ms);
	slept_watch(sup);
	power_up_watch(sup);
	strays_watch(sup);
	adapters_sweep(sup);
	sessions_rules_review(sup);
	log_tick();
	/* Only after a whole pass: a supervisor that is stuck in one is to be restarted. */
	if (daemon->is_fed && ++daemon->passes % PASSES_PER_MEAL == 0)
		readiness_tell("WATCHDOG=1");
	(void)sd_event_source_set_time_relative(source, WATCH_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- stopping --- */

static bool is_all_off(const struct sup *sup)
{
	size_t i;

	for (i = 0; i < sup->adapters->n; i++)
		if (child_pid(sup->adapters->list[i]->child) > 0)
			return false;
	return lockd_child_is_off(sup->lockd);
}

static int on_stopping(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)usec;
	if (is_all_off(&daemon->sup) || clock_now_ms() >= daemon->stop_at_ms)
		return sd_event_exit(daemon->sup.event, 0);
	(void)sd_event_source_set_time_relative(source, STOP_LOOK_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *daemon = userdata;
	struct sup *sup = &daemon->sup;
	size_t i;

	(void)source;
	/* A second one means: at once. */
	if (sup->is_stopping)
		return sd_event_exit(sup->event, 0);
	log_info("stopping=1 signal=%s", sigabbrev_np((int)info->ssi_signo));
	readiness_tell("STOPPING=1");
	sup->is_stopping = true;
	daemon->stop_at_ms = clock_now_ms() + STOP_LIMIT_MS;
	for (i = 0; i < sup->adapters->n; i++)
		child_stop(sup->adapters->list[i]->child);
	lockd_child_stop(sup->lockd);
	return sd_event_add_time_relative(sup->event, &daemon->stopping, CLOCK_MONOTONIC, 0, 1000,
					  on_stopping, daemon);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	(void)info;
	if (!daemon->sup.is_stopping)
		reload_run(&daemon->sup);
	return 0;
}

/* --- making and unmaking --- */

static int add_sources(struct daemon *daemon)
{
	struct sup *sup = &daemon->sup;
	sd_event_source *watch = NULL;
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_add_signal(sup->event, NULL, SIGTERM, on_signal, daemon);
	if (r >= 0)
		r = sd_event_add_signal(sup->event, NULL, SIGHUP, on_reload, daemon);
	if (r >= 0)
		r = sd_event_add_signal(sup->event, NULL, SIGINT, on_signal, daemon);
	if (r >= 0)
		r = sd_event_add_time_relative(sup->event, &watch, CLOCK_MONOTONIC, WATCH_MS * 1000,
					       20000, on_watch, daemon);
	if (r >= 0)
		r = sd_event_source_set_priority(watch, PRIORITY_WATCH);
	if (r >= 0)
		r = sd_event_source_set_floating(watch, true);
	sd_event_source_unref(watch);
	return r < 0 ? r : 0;
}

static int make_parts(struct daemon *daemon)
{
	struct sup *sup = &daemon->sup;
	int r;

	r = sd_event_new(&sup->event);
	if (r >= 0)
		r = add_sources(daemon);
	if (r >= 0)
		r = chan_buf_new(&sup->buf, CHAN_BODY_CONTROL);
	if (r >= 0)
		r = events_new(&sup->events, on_news, sup);
	if (r >= 0)
		r = deaths_new(&sup->deaths);
	if (r >= 0)
		r = devices_new(&sup->devices);
	if (r >= 0)
		r = attempts_new(sup);
	if (r >= 0)
		r = room_desk_new(sup);
	if (r >= 0)
		r = adapters_new(&sup->adapters);
	if (r >= 0)
		r = sessions_new(&sup->sessions, sup);
	if (r >= 0)
		r = identities_new(&sup->identities);
	if (r >= 0)
		r = device_log_new(sup);
	if (r >= 0)
		r = keepers_new(sup);
	if (r >= 0)
		r = admission_new(&sup->admission, sup, &daemon->world);
	if (r >= 0)
		r = caches_new(sup);
	if (r >= 0)
		r = lock_peers_new(&sup->lock_peers, sup);
	if (r >= 0)
		r = cleaner_new(&sup->cleaner, sup);
	if (r >= 0)
		r = lock_self_new(&sup->lock_self, sup, reset_on_lock);
	if (r >= 0)
		r = rescue_child_new(&sup->rescue, sup, reset_on_rescue);
	if (r >= 0)
		r = reset_new(&sup->reset, sup);
	if (r >= 0)
		r = lockd_child_new(&sup->lockd, sup);
	if (r >= 0)
		r = mgmt_new(&sup->mgmt, sup->event, sup->config.mgmt, sup->config.mgmt_timeout_ms,
			     &ENUMERATE_MGMT_OPS, sup);
	if (r >= 0)
		r = enumerate_start(sup);
	return r;
}

/* Backwards; clients take their sessions along, sessions tell workers, so those come later. */
static void free_parts(struct daemon *daemon)
{
	struct sup *sup = &daemon->sup;

	sup->is_stopping = true;
	sd_event_source_disable_unref(daemon->stopping);
	sup->server = server_free(sup->server);
	sup->lock_peers = lock_peers_free(sup->lock_peers);
	sup->mgmt = mgmt_free(sup->mgmt);
	sup->cleaner = cleaner_free(sup->cleaner);
	sup->reset = reset_free(sup->reset);
	sup->rescue = rescue_child_free(sup->rescue);
	sup->lock_self = lock_self_free(sup->lock_self);
	sup->lockd = lockd_child_free(sup->lockd);
	sup->caches = caches_free(sup->caches);
	sup->keepers = keepers_free(sup->keepers);
	sup->reload = reload_free(sup->reload);
	sup->admission = admission_free(sup->admission);
	sup->identities = identities_free(sup->identities);
	sup->sessions = sessions_free(sup->sessions);
	sup->adapters = adapters_free(sup->adapters);
	sup->orphans = orphans_free(sup->orphans);
	sup->room = room_free(sup->room);
	sup->escalation = escalation_free(sup->escalation);
	sup->devices = devices_free(sup->devices);
	sup->log = device_log_free(sup->log);
	sup->deaths = deaths_free(sup->deaths);
	sup->events = events_free(sup->events);
	sup->buf = chan_buf_free(sup->buf);
	spawn_close(&sup->binaries);
	sd_event_unref(sup->event);
}

/* Most of a configuration is room for rules that nobody made: zeros, which then take no memory. */
static void copy_config(struct config *out, const struct config *config)
{
	enum { PIECE = 4096 };
	size_t at, len;

	for (at = 0; at < sizeof(*config); at += PIECE) {
		len = sizeof(*config) - at < PIECE ? sizeof(*config) - at : PIECE;
		if (memcmp((char *)out + at, (const char *)config + at, len) != 0)
			memcpy((char *)out + at, (const char *)config + at, len);
	}
}

static void fill(struct daemon *daemon, const struct config_reading *reading,
		 const struct config_sources *sources)
{
	struct sup *sup = &daemon->sup;

	daemon->world = reading->world;
	daemon->is_fed = getenv("WATCHDOG_USEC") != NULL;
	copy_config(&sup->config, &reading->config);
	sup->sources = *sources;
	sup->started_at_ms = clock_now_ms();
	reload_fill_limits(sup);
	/* From here on a sleep is one of ours. */
	slept_watch(sup);
}

int daemon_run(struct config_reading *reading, const struct config_sources *sources, int listen_fd)
{
	_cleanup_close_ int fd = listen_fd;
	static struct daemon daemon; /* no memory for what is left zero */
	char missing[SPAWN_PATH_LEN] = "";
	int r;

	raise_fd_limit();
	fill(&daemon, reading, sources);
	r = spawn_open(&daemon.sup.binaries, missing);
	if (r < 0) {
		config_reading_free(reading);
		log_error("cannot open %s: %s; install it, or set BLEHERD_LIBEXEC", missing,
			  strerror(-r));
		return r;
	}
	r = reload_new(&daemon.sup, reading);
	if (r >= 0)
		r = make_parts(&daemon);
	if (r >= 0)
		r = server_new(&daemon.sup.server, &daemon.sup, fd);
	if (r >= 0) {
		(void)take_fd(&fd);
		readiness_tell("READY=1");
		log_info("listening=%s pid=%d", daemon.sup.config.socket, getpid());
		r = sd_event_loop(daemon.sup.event);
	}
	if (r < 0)
		log_error("error=\"%s\"", strerror(-r));
	free_parts(&daemon);
	return r;
}
