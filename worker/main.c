/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/main.c - bleherd-worker: one adapter over sd-bus, DESIGN 2. Started by the supervisor with
 * a channel on fd 3 and its status page on fd 4; opens nothing itself.
 *
 * By hand it does little: without a channel it has no bus either.
 */
#include "ipc/clock.h"
#include "ipc/guard/alarm.h"
#include "ipc/guard/confine.h"
#include "ipc/log.h"
#include "ipc/loop/tick.h"
#include "ipc/workarounds.h"
#include "worker/cancel.h"
#include "worker/control.h"
#include "worker/gatt_cache.h"
#include "worker/link.h"
#include "worker/recall.h"
#include "worker/scan.h"
#include "worker/seat.h"
#include "worker/sight.h"
#include "worker/usage.h"

#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <time.h>

/* Statuses: supervisor/child.h. */
enum { EXIT_INTERNAL = 70, EXIT_TEMPORARY = 75, EXIT_CONFIG = 78 };

enum { FD_CHANNEL = 3, FD_PAGE = 4, TICK_MS = 250, PACE_MAX = 1000 };

/* A session has a socket, a subscription another one; sessions.max is 65536 at most. */
enum { FDS_MAX = 2 * 65536 };

struct options {
	const char *adapter;
	uint64_t incarnation;
	uint64_t workarounds;
	uint64_t gatt_late_ms;
	uint64_t is_passive;
	uint64_t links_max;
	uint64_t asks_room;
	pid_t parent;
	enum log_level level;
	uint64_t pace;
};

static int parse_number(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return -EINVAL;
	*out = value;
	return 0;
}

/* "debug" or "7". */
static enum log_level parse_level(const char *text)
{
	static const struct {
		const char *name;
		enum log_level level;
	} LEVELS[] = {
		{ "error", LOG_LEVEL_ERROR }, { "3", LOG_LEVEL_ERROR },
		{ "warn", LOG_LEVEL_WARN },   { "warning", LOG_LEVEL_WARN },
		{ "4", LOG_LEVEL_WARN },      { "info", LOG_LEVEL_INFO },
		{ "6", LOG_LEVEL_INFO },      { "debug", LOG_LEVEL_DEBUG },
		{ "7", LOG_LEVEL_DEBUG },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(LEVELS); i++)
		if (strcmp(LEVELS[i].name, text) == 0)
			return LEVELS[i].level;
	return LOG_LEVEL_INFO;
}

static bool is_adapter_name(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && n < 12 && strncmp(name, "hci", 3) == 0 &&
	       strspn(name + 3, "0123456789") == n - 3;
}

static int parse_options(int argc, char **argv, struct options *out)
{
	static const struct option LONG[] = {
		{ "adapter", required_argument, NULL, 'a' },
		{ "incarnation", required_argument, NULL, 'i' },
		{ "parent", required_argument, NULL, 'p' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "workarounds", required_argument, NULL, 'w' },
		{ "gatt-late-ms", required_argument, NULL, 'g' },
		{ "passive", required_argument, NULL, 's' },
		{ "links-max", required_argument, NULL, 'n' },
		{ "ask-room", required_argument, NULL, 'r' },
		{ "pace", required_argument, NULL, 'f' }, /* for tests: worker.h */
		{ NULL, 0, NULL, 0 },
	};
	uint64_t parent = 0;
	int r = 0;
	int c;

	*out = (struct options){ .level = LOG_LEVEL_INFO,
				 .workarounds = WORKAROUNDS_DEFAULT,
				 .gatt_late_ms = GATT_LATE_MS,
				 .pace = 1 };
	while (r == 0 && (c = getopt_long(argc, argv, "", LONG, NULL)) != -1)
		switch (c) {
		case 'a':
			out->adapter = optarg;
			break;
		case 'i':
			r = parse_number(optarg, &out->incarnation);
			break;
		case 'p':
			r = parse_number(optarg, &parent);
			break;
		case 'f':
			r = parse_number(optarg, &out->pace);
			break;
		case 'l':
			out->level = parse_level(optarg);
			break;
		case 'w':
			r = parse_number(optarg, &out->workarounds);
			break;
		case 's':
			r = parse_number(optarg, &out->is_passive);
			break;
		case 'n':
			r = parse_number(optarg, &out->links_max);
			break;
		case 'r':
			r = parse_number(optarg, &out->asks_room);
			break;
		case 'g':
			r = parse_number(optarg, &out->gatt_late_ms);
			break;
		default:
			r = -EINVAL;
		}
	out->parent = (pid_t)parent;
	if (r < 0 || optind != argc || out->pace == 0 || out->pace > PACE_MAX)
		return -EINVAL;
	return out->adapter && is_adapter_name(out->adapter) ? 0 : -EINVAL;
}

/* --- the loop --- */

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct worker *w = userdata;

	(void)usec;
	alarm_tick();
	wpage_tick(w->page, clock_now_ms());
	control_tick(w);
	seats_tick(w->seats);
	rights_tick(w->seats);
	log_tick();
	links_tick(w->links);
	return sd_event_source_set_time_relative(source, TICK_MS * 1000u);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_settle(sd_event_source *source, void *userdata)
{
	(void)source;
	control_settle(userdata);
	return 0;
}

static int add_sources(struct worker *w)
{
	sigset_t stop;
	int r;

	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	r = sd_event_add_signal(w->event, NULL, SIGTERM, on_signal, w);
	if (r >= 0)
		r = sd_event_add_signal(w->event, NULL, SIGINT, on_signal, w);
	if (r < 0)
		return r;
	r = tick_add(w->event, TICK_MS, on_tick, w);
	if (r < 0)
		return r;
	/* Behind all that has work now. */
	r = sd_event_add_defer(w->event, &w->settle, on_settle, w);
	if (r >= 0)
		r = sd_event_source_set_priority(w->settle, SD_EVENT_PRIORITY_IDLE);
	return r;
}

static int make_parts(struct worker *w)
{
	int r;

	r = sd_event_new(&w->event);
	if (r >= 0)
		r = chan_buf_new(&w->buf, CHAN_BODY_DATA);
	if (r >= 0)
		r = deadlines_new(&w->deadlines, w->event);
	if (r >= 0)
		r = bus_new(&w->bus, w->event, w->deadlines, &CONTROL_BUS_OPS, w);
	if (r >= 0)
		r = mirror_new(&w->mirror, w->bus, w->deadlines, w->adapter_path,
			       &CONTROL_MIRROR_OPS, w);
	if (r >= 0)
		r = lockc_new(&w->lockc, w->event, w->buf, w->deadlines, w->label);
	if (r >= 0)
		r = scan_new(&w->scan, w);
	if (r >= 0)
		r = sight_new(&w->sight, w);
	if (r >= 0)
		r = usages_new(&w->usages, w);
	if (r >= 0)
		r = links_new(&w->links, w);
	if (r >= 0)
		r = seats_new(&w->seats, w);
	if (r >= 0)
		r = cancels_new(&w->cancels, w);
	if (r >= 0)
		r = gatt_cache_new(&w->gatt_cache);
	return r >= 0 ? add_sources(w) : r;
}

/* Without goodbyes: what must be said was said (STOP), BlueZ learns the rest from the bus. */
static void free_parts(struct worker *w)
{
	seats_free(w->seats);
	w->up = port_free(w->up);
	links_free(w->links);
	scan_free(w->scan);
	mirror_free(w->mirror);
	sight_free(w->sight);
	usages_free(w->usages);
	lockc_free(w->lockc);
	bus_free(w->bus);
	cancels_free(w->cancels);
	recall_end(w);
	gatt_cache_free(w->gatt_cache);
	deadlines_free(w->deadlines);
	chan_buf_free(w->buf);
	sd_event_source_disable_unref(w->settle);
	sd_event_unref(w->event);
	wpage_unmap(w->page);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* sd-event asks for the boot's id in its loop, and remembers it. */
static int seal(void)
{
	char why[CONFINE_WHY_LEN];
	sd_id128_t boot;
	int r;

	(void)sd_id128_get_boot(&boot);
	r = confine_seal(NULL, why);
	if (r < 0)
		log_error("event=not-confined %s", why);
	return r;
}

/* Up to the channel, on which it is told what to do. */
static int begin(struct worker *w)
{
	int r = 0;

	if (is_open(FD_PAGE)) {
		r = wpage_map(FD_PAGE, &w->page);
		(void)close_fd(FD_PAGE);
	}
	if (r >= 0)
		r = alarm_begin(w->page);
	if (r >= 0)
		r = make_parts(w);
	if (r >= 0 && is_open(FD_CHANNEL))
		r = control_open(w, FD_CHANNEL);
	return r;
}

/* Its status. */
static int run(struct worker *w)
{
	int status = EXIT_INTERNAL;
	int r = begin(w);

	if (r >= 0 && seal() < 0) {
		status = EXIT_CONFIG;
	} else {
		if (r >= 0)
			r = sd_event_loop(w->event);
		if (r < 0)
			log_error("event=ended error=%s", strerror(-r));
		else if (r == 0)
			status = EXIT_SUCCESS;
	}
	free_parts(w);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct worker w = { .n_links = 0 };
	char why[CONFINE_WHY_LEN];
	int r;

	if (parse_options(argc, argv, &options) < 0) {
		(void)fprintf(stderr,
			      "usage: bleherd-worker --adapter hciN [--incarnation N]"
			      " [--parent PID] [--log-level L] [--workarounds N] [--gatt-late-ms N]"
			      " [--passive 0|1] [--links-max N] [--ask-room 0|1]\n");
		return EXIT_CONFIG;
	}
	(void)snprintf(w.adapter, sizeof(w.adapter), "%s", options.adapter);
	(void)snprintf(w.adapter_path, sizeof(w.adapter_path), "/org/bluez/%s", w.adapter);
	(void)snprintf(w.label, sizeof(w.label), "worker %s", w.adapter);
	w.incarnation = options.incarnation;
	w.workarounds = (uint32_t)options.workarounds;
	w.gatt_late_ms = (uint32_t)options.gatt_late_ms;
	w.is_passive = options.is_passive != 0;
	w.links_max = (uint32_t)options.links_max;
	w.asks_room = options.asks_room != 0;
	w.pace = (uint32_t)options.pace;
	w.began_ms = clock_now_ms();
	w.starting.fire = control_starting_over;
	w.stopping.fire = control_stop_over;
	TAILQ_INIT(&w.ops);
	TAILQ_INIT(&w.removals);
	log_setup(w.label, options.level);
	/*
	 * The list of BlueZ's objects (0.8 MB where 100 peripherals have services) is read again
	 * after each change of the bus connection. glibc serves what is so large by mmap, until the
	 * first one was freed: then it raises this limit (from the same 128 KiB), and the heap
	 * keeps the peak for good.
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	r = confine_begin(options.parent, FDS_MAX, why);
	if (r == -ESRCH)
		return EXIT_TEMPORARY; /* nobody is there to be served */
	if (r < 0) {
		log_error("event=not-confined %s", why);
		return EXIT_CONFIG;
	}
	return run(&w);
}
