/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/child_process.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ipc/clock.h"
#include "ipc/log.h"

enum {
	LAST_WORDS_MS = 200, /* from death to the end of what it sent */
	ARGS_TEXT_LEN = 512,
};

void child_process_signal(struct child *child, int signal)
{
	/* Until it is reaped the pid is its own. */
	if (child->reaper && !child->is_dead)
		(void)sd_event_source_send_child_signal(child->reaper, signal, NULL, 0);
}

void child_process_look_again(struct child *child)
{
	if (!child->reaper || child->is_dead)
		return;
	(void)sd_event_source_set_enabled(child->reaper, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(child->reaper, SD_EVENT_ONESHOT);
}

void child_process_drop(struct child *child)
{
	child->reaper = sd_event_source_disable_unref(child->reaper);
	child->last_words = sd_event_source_disable_unref(child->last_words);
	child->port = port_free(child->port);
	child->page = wpage_unmap(child->page);
	child->exec_fd = close_fd(child->exec_fd);
	child->pid = 0;
	child->ready_at_ms = 0;
}

void child_process_obituary(const struct child *child, struct child_obituary *out)
{
	uint64_t now_ms = clock_now_ms();

	*out = (struct child_obituary){
		.pid = child->pid,
		.is_signal = child->status.si_code != CLD_EXITED,
		.status = child->status.si_status,
		.exec_error = spawn_exec_error(child->exec_fd),
		.cause = child->cause,
		.healthy_ms = child->ready_at_ms ? now_ms - child->ready_at_ms : 0,
		.lived_ms = now_ms - child->started_at_ms,
	};
	memcpy(out->lock, child->lock, sizeof(out->lock));
	out->has_page = child_read_page(child, &out->page);
	if (!out->has_page)
		return;
	wpage_read_traces(child->page, &out->traces);
	/* Its own timer is before us. */
	if (out->cause == CHILD_CAUSE_NONE && out->is_signal && out->status == SIGABRT &&
	    out->traces.end == WPAGE_END_HUNG)
		out->cause = CHILD_CAUSE_HUNG;
}

/* --- the end --- */

void child_closed(struct port *port, void *ctx, int error)
{
	struct child *child = ctx;

	(void)port;
	child->port = port_free(child->port);
	if (child->is_dead) {
		child_handle(child, CHILD_EV_REAPED);
		return;
	}
	if (error < 0) {
		child_process_blame(child, CHILD_CAUSE_BAD);
		log_warn("child=\"%s\" channel=broken error=\"%s\"", child->name, strerror(-error));
	}
	child_handle(child, error < 0 ? CHILD_EV_BAD : CHILD_EV_CLOSED);
}

static int on_last_words(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct child *child = userdata;

	(void)source;
	(void)usec;
	child->port = port_free(child->port);
	child_handle(child, CHILD_EV_REAPED);
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
		child_handle(child, CHILD_EV_REAPED);
		return 0;
	}
	if (sd_event_add_time_relative(child->event, &child->last_words, CLOCK_MONOTONIC,
				       LAST_WORDS_MS * 1000, 1000, on_last_words, child) < 0)
		(void)on_last_words(NULL, 0, child);
	return 0;
}

/* --- the start --- */

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

int child_process_start(struct child *child)
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
	child->killed_at_ms = 0;
	child->is_unkillable = false;
	child->started_at_ms = clock_now_ms();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	r = wpage_create(child->incarnation, child->window_ms, &page_fd, &child->page);
	if (r == 0)
		r = port_new(&child->port, child->event, ours, child->buf, CHAN_BODY_CONTROL,
			     child->ops->port, child, CHILD_PRIORITY);
	if (r < 0)
		return r;
	(void)take_fd(&ours);
	return fork_role(child, theirs, page_fd);
}
