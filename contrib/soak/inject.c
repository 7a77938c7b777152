/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/inject.h"

#include "contrib/soak/bluez.h"
#include "contrib/soak/gate.h"
#include "contrib/soak/held.h"
#include "contrib/soak/proc.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	GIVE_WAY_MS = 10000,
	SOON_US = 2000,	    /* until what was killed is looked at again */
	SELDOM_US = 200000, /* a daemon that dies by itself is noticed as soon */
};

struct inject {
	struct inject_settings settings;
	char bluez_pid_file[256], bluez_log[256];
	struct plan_turn *turn;
	struct gate gate;
	struct held held;
	struct bluez bluez;
	bool has_begun;
	bool is_killed; /* the daemon, by us */
	int64_t began_us, next_us;
};

/* --- the daemon --- */

/* The world's own; it is not our child. */
static int end_daemon(pid_t pid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int r;

	if (p.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	(void)syscall(SYS_pidfd_send_signal, p.fd, SIGTERM, NULL, 0);
	r = poll(&p, 1, GIVE_WAY_MS);
	(void)close(p.fd);
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int start_daemon(struct inject *i)
{
	int r = gate_start(&i->gate);

	if (r < 0)
		return r;
	i->is_killed = false;
	i->settings.daemon_started(i->settings.ctx, i->gate.daemon);
	return 0;
}

static void turn_daemon(struct inject *i)
{
	int status = 0;

	if (gate_reap(&i->gate, &status) && !i->is_killed)
		i->settings.daemon_died(i->settings.ctx, status);
	/* Without a process for it the next turn tries again. */
	if (i->gate.daemon == 0 && start_daemon(i) < 0)
		i->is_killed = true;
}

/* --- who is meant --- */

static pid_t child_of(const struct inject *i, const char *program, const char *argument)
{
	pid_t children[PROC_CHILDREN_MAX];
	size_t n = 0;

	if (i->gate.daemon > 0)
		n = proc_children(i->gate.daemon, children, PROC_CHILDREN_MAX);
	for (size_t k = 0; k < n; k++)
		if (proc_is_program(children[k], program) &&
		    (!argument || proc_has_argument(children[k], argument)))
			return children[k];
	return 0;
}

static pid_t target_pid(struct inject *i, const struct plan_target *target)
{
	switch (target->sort) {
	case PLAN_WORKER:
		return child_of(i, "bleherd-worker",
				i->settings.adapter(i->settings.ctx, target->index));
	case PLAN_LOCKD:
		return child_of(i, "bleherd-lockd", NULL);
	case PLAN_DAEMON:
		return i->gate.daemon;
	case PLAN_BLUETOOTHD:
		return bluez_pid(&i->bluez);
	case PLAN_NOTHING:
	case PLAN_DEVICE:
	case PLAN_ADAPTER:
	case PLAN_OBJECT:
	case PLAN_CLIENT:
		break;
	}
	return 0;
}

/* --- what is done --- */

static int kill_one(struct inject *i, const struct plan_target *target)
{
	pid_t pid;

	if (target->sort == PLAN_CLIENT) {
		i->settings.kill_client(i->settings.ctx, target->index);
		return 0;
	}
	if (target->sort == PLAN_BLUETOOTHD)
		return bluez_kill(&i->bluez);
	pid = target_pid(i, target);
	if (pid <= 0)
		return -ESRCH;
	i->is_killed |= target->sort == PLAN_DAEMON;
	/* A child of the daemon that is found at this moment; the daemon is ours. */
	return kill(pid, SIGKILL) < 0 ? -errno : 0;
}

static int begin_one(struct inject *i, const struct plan_deed *deed, int64_t now_us)
{
	pid_t pid;

	switch (deed->rule->verb) {
	case PLAN_KILL:
		return kill_one(i, &deed->target);
	case PLAN_STOP:
	case PLAN_STARVE:
		pid = target_pid(i, &deed->target);
		return pid <= 0 ? -ESRCH
				: held_begin(&i->held, pid, deed->index,
					     deed->rule->verb == PLAN_STARVE, now_us);
	case PLAN_COMMAND:
		break;
	}
	return -EINVAL;
}

static void tell(struct inject *i, const struct plan_deed *deed, int64_t now_us)
{
	struct recovery_fault fault = { .at_us = now_us,
					.for_ms = (int64_t)deed->for_ms,
					.line = deed->rule->line };

	if (deed->for_ms == 0 && deed->rule->verb != PLAN_KILL)
		fault.for_ms = RECOVERY_FOR_EVER;
	(void)snprintf(fault.kind, sizeof(fault.kind), "%s", deed->rule->kind);
	(void)snprintf(fault.where, sizeof(fault.where), "%s", deed->where);
	(void)snprintf(fault.text, sizeof(fault.text), "%.*s", (int)sizeof(fault.text) - 1,
		       deed->text);
	i->settings.fault(i->settings.ctx, &fault);
}

/* No fault of the plan's, but clients suffer it all the same. */
static void tell_of_bluez(struct inject *i, int64_t now_us)
{
	const struct recovery_fault fault = { .at_us = now_us,
					      .kind = "bluetoothd-died",
					      .text = "bluetoothd ended by itself" };

	i->settings.fault(i->settings.ctx, &fault);
}

static void do_deed(struct inject *i, const struct plan_deed *deed, int64_t now_us)
{
	if (deed->ends) {
		held_end(&i->held, deed->index);
		i->settings.fault_end(i->settings.ctx, deed->rule->line, now_us);
	} else if (begin_one(i, deed, now_us) < 0) {
		plan_turn_failed(i->turn, deed);
	} else {
		tell(i, deed, now_us);
	}
}

static uint64_t plan_ms(const struct inject *i, int64_t now_us)
{
	return now_us > i->began_us ? (uint64_t)(now_us - i->began_us) / 1000 : 0;
}

static void turn_plan(struct inject *i, int64_t now_us)
{
	struct plan_deed deed;

	while (i->has_begun && plan_turn_step(i->turn, plan_ms(i, now_us), &deed))
		do_deed(i, &deed, now_us);
}

static int64_t plan_next_us(const struct inject *i)
{
	uint64_t next_ms = i->has_begun ? plan_turn_next_at_ms(i->turn) : PLAN_NEVER_MS;

	return next_ms == PLAN_NEVER_MS ? INT64_MAX : i->began_us + (int64_t)next_ms * 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void inject_turn(struct inject *i, int64_t now_us)
{
	bool is_soon;

	turn_daemon(i);
	is_soon = bluez_turn(&i->bluez, now_us);
	if (bluez_has_died(&i->bluez))
		tell_of_bluez(i, now_us);
	turn_plan(i, now_us);
	is_soon |= i->is_killed;
	i->next_us = earlier(now_us + (is_soon ? SOON_US : SELDOM_US), plan_next_us(i));
	i->next_us = earlier(i->next_us, held_turn(&i->held, now_us));
}

int64_t inject_next_us(const struct inject *i)
{
	return i->next_us;
}

void inject_rest(struct inject *i, int64_t now_us)
{
	plan_turn_rest(i->turn, plan_ms(i, now_us));
	inject_turn(i, now_us);
	held_rest(&i->held);
}

/* --- itself --- */

int inject_new(struct inject **out, const struct inject_settings *settings)
{
	struct inject *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return -ENOMEM;
	i->settings = *settings;
	i->gate = (struct gate)GATE_INIT;
	held_init(&i->held);
	if (settings->bluez_pid_file)
		(void)snprintf(i->bluez_pid_file, sizeof(i->bluez_pid_file), "%s",
			       settings->bluez_pid_file);
	(void)snprintf(i->bluez_log, sizeof(i->bluez_log), "%s",
		       settings->bluez_log ? settings->bluez_log : "/dev/null");
	bluez_init(&i->bluez, settings->bluez_pid_file ? i->bluez_pid_file : NULL, i->bluez_log);
	r = plan_turn_new(&i->turn, settings->plan, PLAN_SOAK, settings->seed, &settings->scene);
	if (r == 0)
		r = end_daemon(settings->daemon);
	if (r == 0)
		r = gate_open(&i->gate, settings->socket, settings->config, settings->log);
	if (r == 0)
		r = start_daemon(i);
	if (r < 0) {
		inject_free(i);
		return r;
	}
	*out = i;
	return 0;
}

struct inject *inject_free(struct inject *i)
{
	if (!i)
		return NULL;
	held_rest(&i->held);
	gate_close(&i->gate);
	(void)close_fd(i->bluez.dying);
	plan_turn_free(i->turn);
	free(i);
	return NULL;
}

void inject_begin(struct inject *i, int64_t now_us)
{
	i->began_us = now_us;
	i->has_begun = true;
	i->next_us = now_us;
}

pid_t inject_daemon(const struct inject *i)
{
	return i->gate.daemon;
}
