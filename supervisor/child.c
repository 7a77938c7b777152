/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "supervisor/dice.h"
#include "supervisor/watchdog.h"

enum {
	START_TIMEOUT_MS = 10000,
	STOP_TIMEOUT_MS = 1000,	 /* STOP message → SIGTERM */
	TERM_TIMEOUT_MS = 1000,	 /* SIGTERM → SIGKILL */
	ABORT_TIMEOUT_MS = 2000, /* SIGABRT → SIGKILL */
	KILL_AGAIN_MS = 2000,
	LINGER_MS = 500,
	LAST_WORDS_MS = 200, /* from death to the end of what it sent */
	ARGS_TEXT_LEN = 512,
};

struct child {
	sd_event *event;
	struct chan_buf *buf;
	const struct spawn_binaries *binaries;
	const struct child_ops *ops;
	void *ctx;
	const struct backoff_limits *limits;
	char name[48];
	enum child_state state;
	bool is_wanted;
	bool has_said_impossible;
	struct backoff backoff;
	struct watchdog watchdog;
	uint32_t deaths;
	uint64_t incarnation;

	/* of the process that runs now */
	pid_t pid;
	bool is_dead; /* its status is known; what it sent may not have been read yet */
	bool has_said_hello;
	enum child_cause cause;
	siginfo_t status;
	uint64_t ready_at_ms; /* 0: not yet */
	int exec_fd;
	struct port *port;
	struct wpage *page;
	sd_event_source *reaper;
	sd_event_source *timer;
	sd_event_source *last_words;
};

static void handle(struct child *child, enum child_event event);

/* --- helpers --- */

static void arm(struct child *child, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(child->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(child->timer, SD_EVENT_ONESHOT);
}

static void disarm(struct child *child)
{
	(void)sd_event_source_set_enabled(child->timer, SD_EVENT_OFF);
}

/* Only while it is not reaped: until then the pid is its own. */
static void send_signal(struct child *child, int signal)
{
	if (child->reaper && !child->is_dead)
		(void)sd_event_source_send_child_signal(child->reaper, signal, NULL, 0);
}

static void blame(struct child *child, enum child_cause cause)
{
	if (child->cause == CHILD_CAUSE_NONE)
		child->cause = cause;
}

static void drop_process(struct child *child)
{
	child->reaper = sd_event_source_disable_unref(child->reaper);
	child->last_words = sd_event_source_disable_unref(child->last_words);
	child->port = port_free(child->port);
	child->page = wpage_unmap(child->page);
	child->exec_fd = close_fd(child->exec_fd);
	child->pid = 0;
	child->ready_at_ms = 0;
}

/* --- life --- */

void child_closed(struct port *port, void *ctx, int error)
{
	struct child *child = ctx;

	(void)port;
	child->port = port_free(child->port);
	if (child->is_dead) {
		handle(child, CHILD_EV_REAPED);
		return;
	}
	if (error < 0) {
		blame(child, CHILD_CAUSE_BAD);
		log_warn("child=\"%s\" channel=broken error=\"%s\"", child->name, strerror(-error));
	}
	handle(child, error < 0 ? CHILD_EV_BAD : CHILD_EV_CLOSED);
}

static int on_last_words(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct child *child = userdata;

	(void)source;
	(void)usec;
	child->port = port_free(child->port);
	handle(child, CHILD_EV_REAPED);
	return 0;
}

/*
 * Its status is known before its last frames are read: they matter (a session that ended is not to
 * be handed over), and its end of the channel is closed, so the end of file comes. Unless somebody
 * holds a copy of it: then a timer has to do.
 */
static int on_reaped(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct child *child = userdata;

	(void)source;
	child->is_dead = true;
	child->status = *info;
	if (!child->port) {
		handle(child, CHILD_EV_REAPED);
		return 0;
	}
	if (sd_event_add_time_relative(child->event, &child->last_words, CLOCK_MONOTONIC,
				       LAST_WORDS_MS * 1000, 1000, on_last_words, child) < 0)
		(void)on_last_words(NULL, 0, child);
	return 0;
}

static int make_page(struct child *child, int *out_fd)
{
	*out_fd = -EBADF;
	if (!child->ops->has_page)
		return 0;
	return wpage_create(child->incarnation, out_fd, &child->page);
}

static int fork_role(struct child *child, int channel_fd, int page_fd)
{
	const char *argv[SPAWN_ARGS_MAX] = { spawn_role_name(child->ops->role) };
	char text[ARGS_TEXT_LEN];
	size_t n;
	int r;

	n = 1 + child->ops->arguments(child, child->ctx, argv + 1, text, sizeof(text));
	assert(n < SPAWN_ARGS_MAX);
	r = spawn_start(child->binaries, child->ops->role, argv, channel_fd, page_fd, &child->pid,
			&child->exec_fd);
	if (r < 0)
		return r;
	r = sd_event_add_child(child->event, &child->reaper, child->pid, WEXITED, on_reaped, child);
	if (r < 0) {
		(void)kill(child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
	}
	return r < 0 ? r : 0;
}

static int start_process(struct child *child)
{
	_cleanup_close_ int ours = -EBADF;
	_cleanup_close_ int theirs = -EBADF;
	_cleanup_close_ int page_fd = -EBADF;
	int ends[2];
	int r;

	child->incarnation++;
	child->is_dead = false;
	child->has_said_hello = false;
	child->cause = CHILD_CAUSE_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	r = make_page(child, &page_fd);
	if (r == 0)
		r = port_new(&child->port, child->event, ours, child->buf, CHAN_BODY_CONTROL,
			     child->ops->port, child, CHILD_PRIORITY);
	if (r < 0)
		return r;
	(void)take_fd(&ours);
	return fork_role(child, theirs, page_fd);
}

/* --- actions: each returns the state to be in --- */

static enum child_state restart_later(struct child *child, uint64_t healthy_ms, bool counts,
				      uint32_t *out_delay_ms)
{
	int verdict = backoff_died(&child->backoff, child->limits, clock_now_ms(), healthy_ms,
				   counts, dice_throw(), out_delay_ms);

	if (verdict == BACKOFF_PARK) {
		*out_delay_ms = UINT32_MAX;
		return CHILD_PARKED;
	}
	arm(child, *out_delay_ms);
	return CHILD_BACKOFF;
}

static enum child_state spawn(struct child *child)
{
	uint32_t delay_ms;
	int r;

	child->is_wanted = true;
	r = start_process(child);
	if (r == 0) {
		arm(child, START_TIMEOUT_MS);
		child->ops->spawned(child, child->ctx);
		return CHILD_STARTING;
	}
	log_error("child=\"%s\" start=failed error=\"%s\"", child->name, strerror(-r));
	drop_process(child);
	return restart_later(child, 0, false, &delay_ms);
}

static void describe_death(const struct child *child, struct child_obituary *out)
{
	*out = (struct child_obituary){
		.pid = child->pid,
		.is_signal = child->status.si_code != CLD_EXITED,
		.status = child->status.si_status,
		.exec_error = spawn_exec_error(child->exec_fd),
		.cause = child->cause,
		.has_page = child->page != NULL,
	};
	if (child->ready_at_ms > 0)
		out->healthy_ms = clock_now_ms() - child->ready_at_ms;
	if (child->page)
		wpage_read(child->page, &out->page);
}

/* What exit statuses mean: the rest is a crash. */
static enum child_state after_death(struct child *child, const struct child_obituary *obituary,
				    uint32_t *out_delay_ms)
{
	bool counts = child->ops->counts(child, child->ctx, obituary);

	*out_delay_ms = UINT32_MAX;
	if (!child->is_wanted)
		return CHILD_OFF;
	if (!obituary->is_signal && obituary->status == CHILD_EXIT_ADAPTER_GONE) {
		child->is_wanted = false;
		return CHILD_OFF;
	}
	if (!obituary->is_signal && obituary->status == CHILD_EXIT_CONFIG)
		return CHILD_PARKED;
	return restart_later(child, obituary->healthy_ms, counts, out_delay_ms);
}

static enum child_state bury(struct child *child, bool is_asked)
{
	struct child_obituary obituary;
	enum child_state next;
	uint32_t delay_ms;
	char text[160];

	describe_death(child, &obituary);
	disarm(child);
	next = after_death(child, &obituary, &delay_ms);
	if (is_asked && child->is_wanted) {
		delay_ms = 0;
		next = CHILD_BACKOFF;
		arm(child, 0);
	}
	if (!is_asked) {
		child->deaths++;
		child_obituary_text(&obituary, text, sizeof(text));
		log_warn("child=\"%s\" pid=%d died=\"%s\" next=%s", child->name, (int)child->pid,
			 text, child_state_name(next));
	}
	drop_process(child);
	child->state = next;
	child->ops->died(child, child->ctx, &obituary, delay_ms);
	return next;
}

static enum child_state act(struct child *child, enum child_event event,
			    const struct child_cell *cell)
{
	Bh__Ctl__Empty stop = BH__CTL__EMPTY__INIT;

	switch (cell->action) {
	case CHILD_ACT_SPAWN:
		return spawn(child);
	case CHILD_ACT_NOTE_READY:
		disarm(child);
		child->ready_at_ms = clock_now_ms();
		if (child->page) {
			struct wpage_view view;

			wpage_read(child->page, &view);
			watchdog_begin(&child->watchdog, view.tick, child->ready_at_ms);
		}
		break;
	case CHILD_ACT_ASK_STOP:
		child->is_wanted = false;
		blame(child, CHILD_CAUSE_ASKED);
		port_send(child->port, BH__CTL__TYPE__STOP, 0, 0, &stop.base);
		arm(child, STOP_TIMEOUT_MS);
		break;
	case CHILD_ACT_TERMINATE:
		send_signal(child, SIGTERM);
		arm(child, TERM_TIMEOUT_MS);
		break;
	case CHILD_ACT_ABORT:
		blame(child, CHILD_CAUSE_HUNG);
		send_signal(child, SIGABRT);
		send_signal(child, SIGCONT);
		arm(child, ABORT_TIMEOUT_MS);
		break;
	case CHILD_ACT_KILL:
		blame(child, event == CHILD_EV_BAD ? CHILD_CAUSE_BAD : CHILD_CAUSE_LATE);
		send_signal(child, SIGKILL);
		arm(child, KILL_AGAIN_MS);
		break;
	case CHILD_ACT_LINGER:
		arm(child, LINGER_MS);
		break;
	case CHILD_ACT_BURY:
		return bury(child, true);
	case CHILD_ACT_OBITUARY:
		return bury(child, false);
	case CHILD_ACT_WANT:
		child->is_wanted = true;
		break;
	case CHILD_ACT_UNWANT:
		child->is_wanted = false;
		if (cell->next == CHILD_OFF)
			disarm(child);
		break;
	case CHILD_ACT_NONE:
	case CHILD_ACT_COUNT:
		break;
	}
	return cell->next;
}

static void handle(struct child *child, enum child_event event)
{
	struct child_cell cell;

	if (child_table_look(child->state, event, &cell) == CHILD_TABLE_IMPOSSIBLE) {
		if (!child->has_said_impossible)
			log_warn("child=\"%s\" state=%s impossible=%s", child->name,
				 child_state_name(child->state), child_event_name(event));
		child->has_said_impossible = true;
		return;
	}
	child->state = act(child, event, &cell);
	if (event == CHILD_EV_READY && child->state == CHILD_READY)
		child->ops->ready(child, child->ctx);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct child *child = userdata;

	(void)source;
	(void)usec;
	handle(child, CHILD_EV_TIMER);
	return 0;
}

/* --- what others see --- */

int child_new(struct child **out, sd_event *event, struct chan_buf *buf,
	      const struct spawn_binaries *binaries, const struct child_ops *ops, void *ctx,
	      const char *name, const struct backoff_limits *limits)
{
	struct child *child = calloc(1, sizeof(*child));
	int r;

	if (!child)
		return -ENOMEM;
	child->event = event;
	child->buf = buf;
	child->binaries = binaries;
	child->ops = ops;
	child->ctx = ctx;
	child->limits = limits;
	child->exec_fd = -EBADF;
	(void)snprintf(child->name, sizeof(child->name), "%s", name);
	r = sd_event_add_time_relative(event, &child->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
				       child);
	if (r >= 0)
		r = sd_event_source_set_enabled(child->timer, SD_EVENT_OFF);
	if (r < 0) {
		child_free(child);
		return r;
	}
	*out = child;
	return 0;
}

struct child *child_free(struct child *child)
{
	if (!child)
		return NULL;
	send_signal(child, SIGKILL);
	if (child->pid > 0 && !child->is_dead)
		(void)waitpid(child->pid, NULL, 0);
	drop_process(child);
	sd_event_source_disable_unref(child->timer);
	free(child);
	return NULL;
}

void child_start(struct child *child)
{
	handle(child, CHILD_EV_START);
}

void child_stop(struct child *child)
{
	handle(child, CHILD_EV_STOP);
}

int child_hello(struct child *child, const char *build_id, uint32_t pid, uint64_t incarnation)
{
	if (!build_id || strcmp(build_id, BUILD_ID) != 0) {
		log_error("child=\"%s\" refused=\"of another build; restart bleherdd\"",
			  child->name);
		return -EBADMSG;
	}
	if ((pid_t)pid != child->pid || (child->ops->has_page && incarnation != child->incarnation))
		return -EBADMSG;
	child->has_said_hello = true;
	return 0;
}

int child_said_ready(struct child *child)
{
	if (!child->has_said_hello)
		return -EBADMSG;
	if (child->state == CHILD_STARTING)
		handle(child, CHILD_EV_READY);
	return 0;
}

void child_watch(struct child *child, uint64_t now_ms, uint32_t window_ms)
{
	struct wpage_view view;

	if (child->state != CHILD_READY || !child->page)
		return;
	wpage_read(child->page, &view);
	switch (watchdog_look(&child->watchdog, view.tick, now_ms, window_ms)) {
	case WATCHDOG_WARN:
		log_warn("child=\"%s\" warning=\"its loop does not turn\" operation=%s",
			 child->name, wpage_op_name(view.op));
		break;
	case WATCHDOG_HUNG:
		handle(child, CHILD_EV_HUNG);
		break;
	case WATCHDOG_OK:
		break;
	}
}

struct port *child_port(const struct child *child)
{
	return child->is_dead ? NULL : child->port;
}

bool child_read_page(const struct child *child, struct wpage_view *out)
{
	if (!child->page)
		return false;
	wpage_read(child->page, out);
	return true;
}

enum child_state child_state(const struct child *child)
{
	return child->state;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

uint64_t child_incarnation(const struct child *child)
{
	return child->incarnation;
}

uint32_t child_deaths(const struct child *child)
{
	return child->deaths;
}

const char *child_name(const struct child *child)
{
	return child->name;
}

void *child_owner(const struct child *child)
{
	return child->ctx;
}
