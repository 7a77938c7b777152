/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/conductor.c - a loop over programs, bleherdd and signals, from scene to scene.
 *
 * A scene is over when what it waits for has been reported and people had time to see it, or when
 * it is late; then the next one begins all the same, so that the summary tells as much as it can.
 * Single-threaded; nothing blocks but the terminal and one line to the simulator.
 */
#include "contrib/demo/conductor.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "contrib/demo/client.h"
#include "contrib/demo/promises.h"
#include "contrib/demo/sim.h"
#include "contrib/demo/stage.h"
#include "contrib/demo/story.h"

#define LIST_EVERY_US (250 * 1000)
#define ASK_EVERY_US  (50 * 1000)
#define TELL_EVERY_US (2000 * 1000)
#define EX_NO_DAEMON  69
#define EX_SIGNAL     128
/* `make run` promises to end within 40 s. */
#define DEMO_AT_MOST_US (34 * 1000 * 1000)

static void enter(struct conductor *c, size_t scene)
{
	c->scene = scene;
	c->scene_from_us = report_clock_us();
	if (scene == scene_count) {
		c->is_over = true;
		return;
	}
	c->view.scene = scenes[scene].name;
	c->view.is_changed = true;
	if (scenes[scene].enter)
		scenes[scene].enter(c);
}

static void go_on(struct conductor *c)
{
	const struct scene *scene = &scenes[c->scene];
	uint64_t for_us = report_clock_us() - c->scene_from_us;

	if (scene->is_over(c)) {
		if (for_us >= scene->at_least_ms * UINT64_C(1000))
			enter(c, c->scene + 1);
		return;
	}
	if (for_us < scene->at_most_ms * UINT64_C(1000))
		return;
	stage_fail(c, "'%s' is not over after %u s", scene->name, scene->at_most_ms / 1000);
	enter(c, c->scene + 1);
}

static void hear(struct conductor *c, enum program program)
{
	struct child *child = &c->children[program];
	struct report report;
	int r;

	while ((r = report_receive(child->fd, &report)) == 1) {
		tally_report(&c->tally, program, &report);
		story_report(&c->view, &c->tally, program, &report);
	}
	if (r == 0)
		return;
	child->fd = close_fd(child->fd);
	if (!c->tally.doings[program].said_bye)
		stage_fail(c, "%s has ended in the middle", client_role(program)->name);
}

static void take_signal(struct conductor *c)
{
	struct signalfd_siginfo info;

	while (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			view_resize(&c->view);
		else if (info.ssi_signo != SIGCHLD)
			c->signal = (int)info.ssi_signo;
	}
	for (unsigned p = 0; p < PROGRAM_COUNT; p++)
		child_reap(&c->children[p]);
}

/* Milliseconds until the next list, the scene's next instant, or the next frame. */
static int next_timeout_ms(struct conductor *c)
{
	int timeout_ms = (int)(LIST_EVERY_US / 1000 / 2);
	int frame_ms = view_draw(&c->view, &c->tally), bh_ms = bh_timeout_ms(c->bh);

	if (frame_ms >= 0 && frame_ms < timeout_ms)
		timeout_ms = frame_ms;
	if (bh_ms >= 0 && bh_ms < timeout_ms)
		timeout_ms = bh_ms;
	return timeout_ms;
}

static void on_time(struct conductor *c)
{
	uint64_t now_us = report_clock_us();

	if (now_us - c->listed_at_us >= LIST_EVERY_US)
		stage_list(c);
	if (now_us - c->told_at_us >= TELL_EVERY_US) {
		c->told_at_us = now_us;
		story_progress(&c->view, &c->tally);
	}
	/* The programs have gone, what they held may take a moment. */
	if (c->scene == scene_count - 1 && now_us - c->asked_at_us >= ASK_EVERY_US)
		stage_ask_status(c);
	if (now_us - c->view.from_us >= DEMO_AT_MOST_US) {
		stage_fail(c, "not over after %d s", DEMO_AT_MOST_US / 1000000);
		c->is_over = true;
	}
}

static int turn(struct conductor *c)
{
	struct pollfd fds[2 + PROGRAM_COUNT] = {
		{ .fd = bh_fd(c->bh), .events = POLLIN },
		{ .fd = c->signal_fd, .events = POLLIN },
	};
	int r;

	for (unsigned p = 0; p < PROGRAM_COUNT; p++)
		fds[2 + p] = (struct pollfd){ .fd = c->children[p].fd, .events = POLLIN };
	if (poll(fds, ARRAY_LEN(fds), next_timeout_ms(c)) < 0 && errno != EINTR)
		return -errno;
	r = bh_process(c->bh);
	if (r < 0)
		return r;
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		if (fds[2 + p].revents)
			hear(c, (enum program)p);
	}
	if (fds[1].revents)
		take_signal(c);
	on_time(c);
	if (!c->is_over)
		go_on(c);
	return 0;
}

static int open_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH };
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int play(struct conductor *c)
{
	int r = stage_follow(c);

	if (r < 0)
		return r;
	stage_list(c);
	c->told_at_us = report_clock_us();
	enter(c, 0);
	while (r >= 0 && !c->is_over && !c->signal)
		r = turn(c);
	if (r < 0)
		stage_fail(c, "bleherdd has gone: %s", strerror(-r));
	c->is_over = true;
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		if (!c->signal && !child_is_well(&c->children[p]))
			stage_fail(c, "%s did not end well", client_role((enum program)p)->name);
		child_kill(&c->children[p]);
	}
	return 0;
}

static int finish(struct conductor *c)
{
	bool is_kept;
	int r;

	view_end(&c->view, &c->tally);
	if (c->signal) {
		(void)printf("bleherd-demo: ended by signal %d\n", c->signal);
		return EX_SIGNAL + c->signal;
	}
	r = sim_count_writes(&c->tally, STAGE_SHARED);
	if (r < 0)
		(void)printf("bleherd-demo: the simulator's write log: %s\n", strerror(-r));
	is_kept = promises_print(&c->view, &c->tally);
	if (c->failure[0])
		(void)printf("%sdemo: %s%s\n", view_on(&c->view, TONE_BAD), c->failure,
			     view_off(&c->view));
	return is_kept && !c->failure[0] ? EXIT_SUCCESS : EXIT_FAILURE;
}

int conductor_main(bool plain)
{
	static struct conductor c;
	int r;

	for (unsigned p = 0; p < PROGRAM_COUNT; p++)
		c.children[p] = (struct child)CHILD_INIT;
	c.signal_fd = open_signals();
	r = c.signal_fd < 0 ? c.signal_fd : bh_new(&c.bh, NULL, "demo");
	if (r < 0) {
		(void)fprintf(stderr,
			      "bleherd-demo: no bleherdd: %s; contrib/demo/run makes a world\n",
			      strerror(-r));
		return EX_NO_DAEMON;
	}
	view_begin(&c.view, plain);
	r = play(&c);
	if (r < 0)
		stage_fail(&c, "%s", strerror(-r));
	r = finish(&c);
	c.bh = bh_free(c.bh);
	c.signal_fd = close_fd(c.signal_fd);
	return r;
}
