/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "supervisor/child_process.h"
#include "supervisor/dice.h"

enum {
	START_TIMEOUT_MS = 10000,
	STOP_TIMEOUT_MS = 2000,	 /* STOP message → SIGTERM; worker/control.c takes 1.5 s */
	TERM_TIMEOUT_MS = 1000,	 /* SIGTERM → SIGKILL */
	ABORT_TIMEOUT_MS = 2000, /* SIGABRT → SIGKILL */
	KILL_AGAIN_MS = 2000,
	UNKILLABLE_MS = 10000, /* c-models 7: then it is in a system call that does not end */
	LINGER_MS = 500,
};

static void arm(struct child *child, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(child->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(child->timer, SD_EVENT_ONESHOT);
}

static void disarm(struct child *child)
{
	(void)sd_event_source_set_enabled(child->timer, SD_EVENT_OFF);
}

/* --- actions: each returns the state that follows, usually the one in its cell --- */

/* A death that nobody asked for: what it costs. */
static enum child_state account(struct child *child, const struct child_obituary *obituary)
{
	enum child_weight weight = child_obituary_weigh(obituary);
	bool is_blamed = child->ops->counts(child, child->ctx, obituary);
	uint32_t delay_ms = UINT32_MAX;
	int verdict;

	if (weight != CHILD_WEIGHT_NONE)
		child->deaths++;
	if (obituary->healthy_ms >= BACKOFF_HEALTHY_MS)
		child->has_told_loop = false;
	verdict = backoff_died(&child->backoff, child->limits, clock_now_ms(), obituary->healthy_ms,
			       weight == CHILD_WEIGHT_CRASH && is_blamed, dice_throw(), &delay_ms);
	/* The state first: whom died() tells may look at it. */
	child->state = weight == CHILD_WEIGHT_PARK ? CHILD_PARKED : CHILD_BACKOFF;
	if (weight == CHILD_WEIGHT_PARK)
		delay_ms = UINT32_MAX;
	else
		arm(child, delay_ms);
	child->ops->died(child, child->ctx, obituary, delay_ms);
	if (verdict == BACKOFF_LOOP && child->state == CHILD_BACKOFF && !child->has_told_loop) {
		child->has_told_loop = true;
		if (child->ops->crash_loop)
			child->ops->crash_loop(child, child->ctx);
	}
	return child->state;
}

static enum child_state act_none(struct child *child, enum child_state next)
{
	(void)child;
	return next;
}

static enum child_state act_spawn(struct child *child, enum child_state next)
{
	struct child_obituary stillborn = { .pid = 0 };
	int r;

	child->is_wanted = true;
	r = child_process_start(child);
	if (r < 0) {
		stillborn.exec_error = -r;
		child_process_drop(child);
		return account(child, &stillborn);
	}
	arm(child, START_TIMEOUT_MS);
	child->state = next;
	child->ops->spawned(child, child->ctx);
	return child->state;
}

static enum child_state act_note_ready(struct child *child, enum child_state next)
{
	struct wpage_view view = { .tick = 0 };

	disarm(child);
	child->ready_at_ms = clock_now_ms();
	(void)child_read_page(child, &view);
	child->watchdog_op = (struct watchdog_op){ .op = WPAGE_OP_NONE };
	watchdog_begin(&child->watchdog, view.tick, child->ready_at_ms);
	child->state = next;
	child->ops->ready(child, child->ctx);
	return child->state;
}

static enum child_state act_ask_stop(struct child *child, enum child_state next)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	child->is_wanted = false;
	child_process_blame(child, CHILD_CAUSE_ASKED);
	port_send(child->port, BH__CTL__TYPE__STOP, 0, 0, &empty.base);
	arm(child, STOP_TIMEOUT_MS);
	return next;
}

static enum child_state act_terminate(struct child *child, enum child_state next)
{
	child_process_signal(child, SIGTERM);
	arm(child, TERM_TIMEOUT_MS);
	return next;
}

static enum child_state act_abort(struct child *child, enum child_state next)
{
	child_process_blame(child, CHILD_CAUSE_HUNG);
	log_warn("child=\"%s\" loop=hung action=abort", child->name);
	child_process_signal(child, SIGABRT);
	/* A stopped process takes no signal but this and SIGKILL. */
	child_process_signal(child, SIGCONT);
	arm(child, ABORT_TIMEOUT_MS);
	return next;
}

static void note_unkillable(struct child *child)
{
	struct child_obituary obituary;

	child->is_unkillable = true;
	child_process_obituary(child, &obituary);
	if (child->ops->unkillable)
		child->ops->unkillable(child, child->ctx, &obituary);
}

static enum child_state act_kill(struct child *child, enum child_state next)
{
	uint64_t now_ms = clock_now_ms();

	child_process_blame(child,
			    child->state == CHILD_STARTING ? CHILD_CAUSE_LATE : CHILD_CAUSE_CLOSED);
	child_process_signal(child, SIGKILL);
	child_process_look_again(child);
	arm(child, KILL_AGAIN_MS);
	if (child->killed_at_ms == 0)
		child->killed_at_ms = now_ms;
	if (!child->is_unkillable && now_ms - child->killed_at_ms >= UNKILLABLE_MS)
		note_unkillable(child);
	return next;
}

static enum child_state act_linger(struct child *child, enum child_state next)
{
	arm(child, LINGER_MS);
	return next;
}

static enum child_state act_obituary(struct child *child, enum child_state next)
{
	struct child_obituary obituary;

	(void)next;
	disarm(child);
	child_process_obituary(child, &obituary);
	child_process_drop(child);
	if (child->is_wanted && obituary.cause != CHILD_CAUSE_ASKED)
		return account(child, &obituary);
	/* Asked to stop, or killed on the way out: no lesson. Perhaps it is wanted again. */
	child->state = CHILD_OFF;
	child->ops->died(child, child->ctx, &obituary, child->is_wanted ? 0 : UINT32_MAX);
	return child->is_wanted ? act_spawn(child, CHILD_STARTING) : CHILD_OFF;
}

static enum child_state act_want(struct child *child, enum child_state next)
{
	child->is_wanted = true;
	return next;
}

static enum child_state act_unwant(struct child *child, enum child_state next)
{
	child->is_wanted = false;
	if (next == CHILD_OFF)
		disarm(child);
	return next;
}

static enum child_state (*const ACTIONS[CHILD_ACT_COUNT])(struct child *, enum child_state) = {
	[CHILD_ACT_NONE] = act_none,
	[CHILD_ACT_SPAWN] = act_spawn,
	[CHILD_ACT_NOTE_READY] = act_note_ready,
	[CHILD_ACT_ASK_STOP] = act_ask_stop,
	[CHILD_ACT_TERMINATE] = act_terminate,
	[CHILD_ACT_ABORT] = act_abort,
	[CHILD_ACT_KILL] = act_kill,
	[CHILD_ACT_LINGER] = act_linger,
	[CHILD_ACT_BURY] = act_obituary,
	[CHILD_ACT_OBITUARY] = act_obituary,
	[CHILD_ACT_WANT] = act_want,
	[CHILD_ACT_UNWANT] = act_unwant,
};

void child_handle(struct child *child, enum child_event event)
{
	struct child_cell cell;

	if (child_table_look(child->state, event, &cell) == CHILD_TABLE_IMPOSSIBLE) {
		if (!child->has_said_impossible)
			log_error("child=\"%s\" state=%s event=%s impossible=1", child->name,
				  child_state_name(child->state), child_event_name(event));
		child->has_said_impossible = true;
		return;
	}
	child->state = ACTIONS[cell.action](child, cell.next);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	child_handle(userdata, CHILD_EV_TIMER);
	return 0;
}

/* --- the outside --- */

int child_new(struct child **out, sd_event *event, struct chan_buf *buf,
	      const struct spawn_binaries *binaries, const struct child_ops *ops, void *ctx,
	      const char *name, const struct backoff_limits *limits, uint32_t window_ms)
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
	child->window_ms = window_ms;
	child->exec_fd = -EBADF;
	(void)snprintf(child->name, sizeof(child->name), "%s", name);
	r = sd_event_add_time(event, &child->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, child);
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
	/* One in D state is not waited for: we are ending, and it dies with us. */
	child_process_signal(child, SIGKILL);
	if (child->pid > 0 && !child->is_dead)
		(void)waitpid(child->pid, NULL, WNOHANG);
	child_process_drop(child);
	sd_event_source_disable_unref(child->timer);
	free(child);
	return NULL;
}

void child_start(struct child *child)
{
	child_handle(child, CHILD_EV_START);
}

void child_stop(struct child *child)
{
	child_handle(child, CHILD_EV_STOP);
}

void child_overdue(struct child *child, const char *adapter)
{
	if (child->pid <= 0 || child->is_dead)
		return;
	child_process_blame(child, CHILD_CAUSE_OVERDUE);
	(void)snprintf(child->lock, sizeof(child->lock), "%s", adapter);
	child_handle(child, CHILD_EV_BAD);
}

int child_on_hello(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct child *child = ctx;
	const Bh__Ctl__Hello *hello = msg;

	(void)frame;
	if (!hello->build_id || strcmp(hello->build_id, BUILD_ID) != 0) {
		log_error("child=\"%s\" build=other ours=%s: restart bleherdd", child->name,
			  BUILD_ID);
		return -EBADMSG;
	}
	if ((pid_t)hello->pid != child->pid || child->has_said_hello ||
	    (hello->has_incarnation && hello->incarnation != child->incarnation))
		return -EBADMSG;
	child->has_said_hello = true;
	return 0;
}

int child_on_ready(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct child *child = ctx;

	(void)frame;
	(void)msg;
	if (!child->has_said_hello || child->ready_at_ms != 0)
		return -EBADMSG;
	if (!child->is_dead)
		child_handle(child, CHILD_EV_READY);
	return 0;
}

void child_watch(struct child *child, uint64_t now_ms)
{
	enum watchdog_verdict verdict;
	enum watchdog_cure cure;
	struct wpage_view view;

	if (child->state != CHILD_READY || child->is_dead || !child_read_page(child, &view))
		return;
	verdict = watchdog_look(&child->watchdog, view.tick, now_ms, child->window_ms);
	if (verdict == WATCHDOG_WARN)
		log_warn("child=\"%s\" loop=slow op=%s session=%u", child->name,
			 wpage_op_name(view.op), view.handling_session);
	if (verdict == WATCHDOG_HUNG) {
		child_handle(child, CHILD_EV_HUNG);
		return;
	}
	cure = watchdog_op_look(&child->watchdog_op, &view, now_ms);
	if (cure != WATCHDOG_CURE_NONE && child->ops->overrun)
		child->ops->overrun(child, child->ctx, cure, &view);
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

bool child_is_unkillable(const struct child *child)
{
	return child->is_unkillable && child->pid > 0 && !child->is_dead;
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
