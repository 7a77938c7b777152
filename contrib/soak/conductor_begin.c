/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/conductor_begin.c - what a run needs is made, in order, and undone at its end.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "contrib/soak/conductor_state.h"
#include "contrib/soak/face.h"

/* The first peripheral of the sim; PLAN_ADDRESS_HIGH is its upper half. */
static const uint64_t FIRST = (uint64_t)PLAN_ADDRESS_HIGH << 24;

/* An answer may be a second late (ipc/bleherd.h); the rest is what a machine that is busy, or
 * emulated, may take to let a client run. */
enum { LATE_FAKE_MS = 1000 + 4000, LATE_LAB_MS = 1000 + 9000 };

static const char *env(const char *name)
{
	const char *text = getenv(name);

	return text ? text : "";
}

/* A log of the world, where the face has them. */
static const char *log_path(const struct conductor *c, const char *name, char out[PLACE_LEN])
{
	(void)snprintf(out, PLACE_LEN, "%s/%s",
		       env(c->options->is_lab ? "BLEHERD_LAB_LOGS" : "BLEHERD_WORLD"), name);
	return out;
}

static pid_t pid_of(const char *name)
{
	return (pid_t)strtol(env(name), NULL, 10);
}

static unsigned adapters(const struct conductor *c)
{
	return c->plan->head.adapters ? c->plan->head.adapters : FACE_ADAPTERS;
}

/* What the plan sets in the daemon's configuration; 0: nothing. */
static uint32_t setting(const struct conductor *c, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = c->plan->head.set_count; i-- > 0;)
		if (strncmp(c->plan->head.sets[i], key, len) == 0 &&
		    c->plan->head.sets[i][len] == '=')
			return (uint32_t)strtoul(c->plan->head.sets[i] + len + 1, NULL, 10);
	return 0;
}

static int begin_plan(struct conductor *c)
{
	_cleanup_free_ char *error = NULL;
	int r = plan_read(&c->plan, c->options->plan, c->options->is_lab ? PLAN_LAB : PLAN_FAKE,
			  NULL, &error);

	if (r < 0) {
		(void)fprintf(stderr, "bleherd-soak: %s\n", error ? error : strerror(-r));
		return r;
	}
	return 0;
}

static bool is_ours(const struct conductor *c)
{
	for (size_t i = 0; i < c->plan->rule_count; i++)
		if (c->plan->rules[i].doer == PLAN_SOAK)
			return true;
	return false;
}

/* Three share a resource, one of each kind, so that they contend; then the next three. */
static void begin_claims(struct conductor *c)
{
	static const enum claim_kind KINDS[BOOK_ROLES] = { [BOOK_LOCKER] = CLAIM_LIBRARY,
							   [BOOK_SCRIPT] = CLAIM_SCRIPT,
							   [BOOK_OUTSIDER] = CLAIM_OUTSIDER };
	char who[CLAIMS_WHO_LEN];

	for (uint32_t i = 0; i < c->book->clients; i++) {
		uint32_t rank = book_locker_rank(i);

		if (!book_is_locker(i))
			continue;
		(void)snprintf(who, sizeof(who), "%s %u", book_role_name(book_role_of(i)), i);
		(void)claims_ring(&c->book->claims, rank, KINDS[book_role_of(i)], who,
				  rank / 3 % 2 == 0 ? "connect" : "scan");
	}
}

static int begin_book(struct conductor *c)
{
	int r = book_new(&c->book, &c->book_fd);

	if (r < 0)
		return r;
	c->book->clients = c->options->clients;
	c->book->devices = c->plan->head.devices ? c->plan->head.devices : FACE_DEVICES;
	if (c->book->devices > BOOK_DEVICES_MAX)
		c->book->devices = BOOK_DEVICES_MAX;
	c->book->seed = c->options->seed;
	c->book->first = FIRST;
	for (uint32_t i = 0; i < c->book->clients; i++)
		c->book->pages[i].role = book_role_of(i);
	for (uint32_t i = 0; i < adapters(c) && i < BOOK_ADAPTERS_MAX; i++)
		c->book->adapters[i] = i;
	for (uint32_t i = 0; i < PICTURE_ADAPTERS_MAX; i++)
		(void)snprintf(c->names[i], sizeof(c->names[i]), "hci%u", i);
	c->book->n_adapters = adapters(c);
	begin_claims(c);
	return 0;
}

static int begin_judges(struct conductor *c)
{
	const struct judge_settings judge = {
		.book = c->book,
		.late_ms = c->options->is_lab ? LATE_LAB_MS : LATE_FAKE_MS,
		.answered = conductor_on_answer,
		.violation = conductor_on_violation,
		.ctx = c,
	};
	char own[PLACE_LEN];
	const struct observer_settings observer = {
		.lock_dir = env("BLEHERD_LOCK_DIR"),
		.own_dir = own,
		.claims = &c->book->claims,
		.connect_slots = setting(c, "locks.connect"),
		.scan_slots = setting(c, "locks.scan"),
		.foreign_slots = setting(c, "locks.foreign_slots"),
		.violation = conductor_on_promise,
		.ctx = c,
	};
	const struct links_settings links = { .linger_ms = setting(c, "links.linger_ms"),
					      .violation = conductor_on_promise,
					      .ctx = c };
	int r;

	(void)snprintf(own, sizeof(own), "%s/run", env("BLEHERD_WORLD"));
	if ((r = judge_new(&c->judge, &judge)) < 0 ||
	    (r = observer_new(&c->observer, &observer)) < 0 ||
	    (r = links_new(&c->links, &links)) < 0 || (r = recovery_new(&c->recovery)) < 0 ||
	    (r = resources_new(&c->resources)) < 0)
		return r;
	return 0;
}

static int begin_trace(struct conductor *c)
{
	char path[PLACE_LEN];
	const char *faults = env("BLEHERD_FAULT_LOG");
	int r = trace_new(&c->trace);

	(void)snprintf(c->fault_log, sizeof(c->fault_log), "%s", faults);
	if (r == 0)
		r = trace_follow(c->trace, log_path(c, "bleherdd.log", path), "daemon");
	if (r == 0)
		r = trace_follow(c->trace, log_path(c, "sim.log", path), "sim");
	if (r == 0 && *faults)
		r = trace_follow(c->trace, faults, "fault");
	if (r == 0 && c->options->is_lab)
		r = trace_follow(c->trace, log_path(c, "bluetoothd.log", path), "bluez");
	return r;
}

static int begin_inject(struct conductor *c)
{
	char socket[PLACE_LEN], log[PLACE_LEN], pid_file[PLACE_LEN], bluez_log[PLACE_LEN];
	const struct inject_settings inject = {
		.socket = socket,
		.config = env("BLEHERD_CONFIG"),
		.log = log_path(c, "bleherdd.log", log),
		.daemon = pid_of("BLEHERD_DAEMON_PID"),
		.bluez_pid_file = c->options->is_lab ? pid_file : NULL,
		.bluez_log = c->options->is_lab ? log_path(c, "bluetoothd.log", bluez_log) : NULL,
		.plan = c->plan,
		.seed = c->options->seed,
		.scene = { .adapters = adapters(c),
			   .devices = c->book->devices,
			   .clients = c->book->clients },
		.daemon_started = conductor_on_daemon,
		.daemon_died = conductor_on_daemon_died,
		.kill_client = conductor_on_kill_client,
		.adapter = conductor_adapter,
		.fault = conductor_on_fault,
		.fault_end = conductor_on_fault_end,
		.ctx = c,
	};

	(void)snprintf(socket, sizeof(socket), "%s/door", env("BLEHERD_WORLD"));
	(void)snprintf(pid_file, sizeof(pid_file), "%s/bluetoothd.pid", env("BLEHERD_WORLD"));
	if (is_ours(c))
		return inject_new(&c->inject, &inject);
	conductor_on_daemon(c, inject.daemon);
	return 0;
}

static void on_event(void *ctx, const struct bh_event *event)
{
	result_event(((struct conductor *)ctx)->result, event->kind, event->text);
}

static int begin_daemon(struct conductor *c)
{
	int r = bh_new(&c->bh, NULL, "soak conductor");

	if (r < 0)
		return r;
	bh_stay(c->bh, NULL, NULL);
	r = bh_events(c->bh, false, true, on_event, NULL, c);
	if (r < 0)
		return r;
	return camera_new(&c->camera, NULL, NULL);
}

static int begin_signals(struct conductor *c)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* In the lab it is empty from the begin. */
	c->input = c->options->is_lab ? -EBADF : STDIN_FILENO;
	return c->signals < 0 ? -errno : 0;
}

static int begin_clients(struct conductor *c)
{
	int r = crew_new(&c->crew, c->book, c->book_fd);

	/* Shown, not judged: it is no part of what makes promises. */
	if (pid_of("BLEHERD_SIM_PID") > 0)
		resources_watch(c->resources, pid_of("BLEHERD_SIM_PID"), "sim", false);
	for (uint32_t i = 0; r == 0 && i < c->book->clients; i++) {
		r = crew_start(c->crew, i);
		if (r == 0)
			resources_watch(c->resources, crew_pid(c->crew, i), "clients", true);
	}
	return r;
}

static int begin_faults(struct conductor *c)
{
	c->began_us = c->now_us = c->phase_us = book_now_us();
	if (c->inject)
		inject_begin(c->inject, c->began_us);
	return result_new(&c->result, c->began_us) < 0 ? -ENOMEM
						       : simlink_do(&c->sim, "plan begin");
}

int conductor_begin(struct conductor *c, const struct options *options)
{
	static const struct {
		const char *what;
		int (*begin)(struct conductor *c);
	} STEPS[] = { { "signals", begin_signals },    { "the plan", begin_plan },
		      { "the book", begin_book },      { "the judges", begin_judges },
		      { "the logs", begin_trace },     { "the daemon's door", begin_inject },
		      { "the daemon", begin_daemon },  { "the faults", begin_faults },
		      { "the clients", begin_clients } };
	int r;

	*c = (struct conductor){ .options = options,
				 .book_fd = -EBADF,
				 .signals = -EBADF,
				 .input = -EBADF,
				 .violations = json_array() };
	c->sim.control = c->sim.writes = -EBADF;
	c->is_terminal = isatty(STDOUT_FILENO) == 1;
	r = simlink_open(&c->sim);
	if (r < 0) {
		(void)fputs("bleherd-soak: --inside is for the world that it starts itself\n",
			    stderr);
		return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
		r = STEPS[i].begin(c);
		if (r >= 0)
			continue;
		(void)fprintf(stderr, "bleherd-soak: %s: %s\n", STEPS[i].what, strerror(-r));
		return r;
	}
	return 0;
}

void conductor_end(struct conductor *c)
{
	c->crew = crew_free(c->crew);
	c->camera = camera_free(c->camera);
	c->bh = bh_free(c->bh);
	c->inject = inject_free(c->inject);
	c->resources = resources_free(c->resources);
	c->recovery = recovery_free(c->recovery);
	c->links = links_free(c->links);
	c->observer = observer_free(c->observer);
	c->judge = judge_free(c->judge);
	c->result = result_free(c->result);
	c->trace = trace_free(c->trace);
	c->plan = plan_free(c->plan);
	c->book = book_unmap(c->book);
	simlink_close(&c->sim);
	c->signals = close_fd(c->signals);
	c->book_fd = close_fd(c->book_fd);
	json_decref(c->violations);
}
