/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/rescue_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ipc/loop/port.h"
#include "supervisor/dial.h"
#include "supervisor/events.h"
#include "supervisor/spawn.h"

enum {
	GRACE_MS = 500, /* it ends itself at its deadline, and can say so */
	REAP_MS = 1000, /* SIGKILL ends it at once, unless a system call of it does not end */
};

struct rescue_child {
	struct sup *sup;
	rescue_child_cb told;
	struct port *port;		/* a step is under way */
	Bh__Ctl__RescueOutcome outcome; /* what it said; 0: nothing yet */
	int error;
	bool is_killed;
	pid_t pid; /* 0: none, or systemd's */
	sd_event_source *reaper;
	sd_event_source *timer;
};

static void on_closed(struct port *port, void *ctx, int error);

static void finish(struct rescue_child *rescue, Bh__Ctl__RescueOutcome outcome, int error)
{
	rescue->port = port_free(rescue->port);
	rescue->outcome = 0;
	(void)sd_event_source_set_enabled(rescue->timer, SD_EVENT_OFF);
	rescue->told(rescue->sup, outcome, error);
}

/* A child is over when it is reaped: the next step may follow at once. */
static void note(struct rescue_child *rescue, Bh__Ctl__RescueOutcome outcome, int error)
{
	if (rescue->outcome == 0) {
		rescue->outcome = outcome;
		rescue->error = error;
	}
	if (!rescue->reaper)
		finish(rescue, rescue->outcome, rescue->error);
}

static int on_done(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__RescueDone *done = msg;

	(void)frame;
	if (!done->has_outcome || done->outcome < BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return -EBADMSG;
	note(ctx, done->outcome, (int)done->error);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__RESCUE_DONE, 0, 0, &bh__ctl__rescue_done__descriptor, on_done },
};

static const struct port_ops PORT = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_closed,
};

static void on_closed(struct port *port, void *ctx, int error)
{
	struct rescue_child *rescue = ctx;

	rescue->port = port_free(port);
	note(rescue, BH__CTL__RESCUE_OUTCOME__RESCUE_FAILED, error < 0 ? -error : 0);
}

static void tell_stuck(const struct rescue_child *rescue)
{
	const struct event event = { .kind = EVENT_RESCUE_STUCK, .class = CLASS_INTERNAL };

	events_add(
		rescue->sup->events, &event,
		"rescue (pid %d) does not die of SIGKILL: a system call of it does not end; resets "
		"go on without the steps that need it until it does",
		rescue->pid);
}

static void note_late(struct rescue_child *rescue)
{
	if (rescue->outcome != 0)
		return;
	rescue->outcome = BH__CTL__RESCUE_OUTCOME__RESCUE_TIMED_OUT;
	rescue->error = 0;
}

/* Late: SIGKILL, and the step is over when it is reaped. Later still: over without that. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct rescue_child *rescue = userdata;

	(void)usec;
	note_late(rescue);
	if (rescue->reaper && !rescue->is_killed) {
		(void)sd_event_source_send_child_signal(rescue->reaper, SIGKILL, NULL, 0);
		rescue->is_killed = true;
		(void)sd_event_source_set_time_relative(source, REAP_MS * 1000);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	if (rescue->reaper)
		tell_stuck(rescue);
	finish(rescue, rescue->outcome, rescue->error);
	return 0;
}

static int on_reaped(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct rescue_child *rescue = userdata;
	bool is_awaited = rescue->port || rescue->outcome != 0;

	(void)source;
	(void)info;
	rescue->reaper = sd_event_source_disable_unref(rescue->reaper);
	rescue->pid = 0;
	rescue->is_killed = false;
	if (!is_awaited)
		return 0;
	/* Its last word may not have been read yet; with the child gone it is the end of the step.
	 */
	if (rescue->outcome == 0)
		port_drain(rescue->port);
	else
		finish(rescue, rescue->outcome, rescue->error);
	return 0;
}

/* --- starting it --- */

static int fork_it(struct rescue_child *rescue, int channel_fd)
{
	const struct config *config = &rescue->sup->config;
	const char *const argv[] = {
		spawn_role_name(SPAWN_RESCUE),
		"--bluetoothd",
		config->rescue_bluetoothd,
		"--hardware",
		config->rescue_hardware,
		"--bus",
		config->bus,
		NULL,
	};
	int exec_fd = -EBADF;
	int r;

	r = spawn_start(&rescue->sup->binaries, SPAWN_RESCUE, argv, channel_fd, -EBADF,
			&rescue->pid, &exec_fd);
	if (r < 0)
		return r;
	/* If exec fails the channel's end says enough. */
	(void)close_fd(exec_fd);
	r = sd_event_add_child(rescue->sup->event, &rescue->reaper, rescue->pid, WEXITED, on_reaped,
			       rescue);
	if (r >= 0)
		return 0;
	(void)kill(rescue->pid, SIGKILL);
	(void)waitpid(rescue->pid, NULL, 0);
	rescue->pid = 0;
	return r;
}

static int start(struct rescue_child *rescue, int *out_fd)
{
	_cleanup_close_ int ours = -EBADF;
	_cleanup_close_ int theirs = -EBADF;
	int ends[2];
	int r;

	r = dial(rescue->sup->config.rescue_socket);
	if (r >= 0) {
		*out_fd = r;
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	r = fork_it(rescue, theirs);
	if (r < 0)
		return r;
	*out_fd = take_fd(&ours);
	return 0;
}

int rescue_child_run(struct rescue_child *rescue, Bh__Ctl__RescueKind kind, uint16_t index,
		     uint64_t address, uint32_t timeout_ms)
{
	Bh__Ctl__RescueStep step = BH__CTL__RESCUE_STEP__INIT;
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (rescue->port || rescue->reaper)
		return -EBUSY;
	r = start(rescue, &fd);
	if (r == 0)
		r = port_new(&rescue->port, rescue->sup->event, fd, rescue->sup->buf,
			     CHAN_BODY_CONTROL, &PORT, rescue, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	(void)take_fd(&fd);
	step.has_kind = step.has_index = step.has_address = step.has_timeout_ms = 1;
	step.kind = kind;
	step.index = index;
	step.address = address;
	step.timeout_ms = timeout_ms;
	port_send(rescue->port, BH__CTL__TYPE__RESCUE_STEP, 0, 0, &step.base);
	(void)sd_event_source_set_time_relative(rescue->timer,
						((uint64_t)timeout_ms + GRACE_MS) * 1000);
	(void)sd_event_source_set_enabled(rescue->timer, SD_EVENT_ONESHOT);
	return 0;
}

const char *rescue_child_text(Bh__Ctl__RescueOutcome outcome)
{
	static const char *const TEXTS[] = {
		[BH__CTL__RESCUE_OUTCOME__RESCUE_OK] = "taken",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE] = "not possible for this adapter",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_PERMITTED] = "bleherd may not do that",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_FAILED] = "failed",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_GONE] = "the kernel has no such adapter",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_BLOCKED] = "blocked by a switch of hardware",
		[BH__CTL__RESCUE_OUTCOME__RESCUE_TIMED_OUT] = "not over in time",
	};

	return outcome > 0 && (size_t)outcome < ARRAY_LEN(TEXTS) ? TEXTS[outcome] : "failed";
}

int rescue_child_new(struct rescue_child **out, struct sup *sup, rescue_child_cb told)
{
	struct rescue_child *rescue = calloc(1, sizeof(*rescue));
	int r;

	if (!rescue)
		return -ENOMEM;
	rescue->sup = sup;
	rescue->told = told;
	r = sd_event_add_time(sup->event, &rescue->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
			      rescue);
	if (r >= 0)
		r = sd_event_source_set_enabled(rescue->timer, SD_EVENT_OFF);
	if (r < 0) {
		rescue_child_free(rescue);
		return r;
	}
	*out = rescue;
	return 0;
}

struct rescue_child *rescue_child_free(struct rescue_child *rescue)
{
	if (!rescue)
		return NULL;
	port_free(rescue->port);
	sd_event_source_disable_unref(rescue->timer);
	if (rescue->reaper) {
		struct pollfd end = { .fd = sd_event_source_get_child_pidfd(rescue->reaper),
				      .events = POLLIN };

		/* Not for long: one that sleeps in the kernel dies with us, some day. */
		(void)sd_event_source_send_child_signal(rescue->reaper, SIGKILL, NULL, 0);
		(void)poll(&end, 1, GRACE_MS);
		sd_event_source_disable_unref(rescue->reaper);
		(void)waitpid(rescue->pid, NULL, WNOHANG);
	}
	free(rescue);
	return NULL;
}
