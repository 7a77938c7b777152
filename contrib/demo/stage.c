/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/stage.c - the conductor as a client of bleherdd: lists, events, and the worker that
 * is killed (whose process number is in the list).
 */
#include "contrib/demo/stage.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contrib/demo/story.h"

void stage_fail(struct conductor *c, const char *format, ...)
{
	char text[120];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	view_say(&c->view, TONE_BAD, "demo", "%s", text);
	if (!c->failure[0])
		memcpy(c->failure, text, sizeof(text));
}

static void kill_worker(struct conductor *c)
{
	const char *name = c->tally.uses[PROGRAM_SWITCH][STAGE_SHARED].adapter;
	const struct adapter *adapter = tally_find_adapter(&c->tally, name);

	c->wants_kill = false;
	if (!adapter || adapter->worker_pid < 2) {
		stage_fail(c, "no worker to kill on '%s'", name);
		return;
	}
	if (kill((pid_t)adapter->worker_pid, SIGKILL) < 0) {
		stage_fail(c, "kill -9 %u: %s", adapter->worker_pid, strerror(errno));
		return;
	}
	tally_kill(&c->tally, adapter, report_clock_us());
	view_say(&c->view, TONE_STRONG, "demo",
		 "kill -9 %u: the worker of %s, with %u sessions of %u programs",
		 adapter->worker_pid, name, c->tally.kill_sessions, c->tally.kill_programs);
}

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	struct conductor *c = ctx;

	tally_adapter(&c->tally, adapter, c->adapters_listed++, report_clock_us());
	c->view.is_changed = true;
}

static void on_adapters_done(void *ctx, const struct bh_result *result)
{
	struct conductor *c = ctx;

	c->is_listing_adapters = false;
	if (result->error == BH_CLASS_NONE && c->wants_kill)
		kill_worker(c);
}

static void on_device(void *ctx, const struct bh_device *device)
{
	struct conductor *c = ctx;

	tally_device(&c->tally, device);
	c->view.is_changed = true;
}

static void on_devices_done(void *ctx, const struct bh_result *result _unused_)
{
	struct conductor *c = ctx;

	c->is_listing_devices = false;
}

static void on_status(void *ctx, const struct bh_status *status)
{
	struct conductor *c = ctx;

	c->tally.has_status = true;
	c->tally.sessions_left = status->sessions;
	c->tally.links_left = status->links;
}

static void on_status_done(void *ctx, const struct bh_result *result _unused_)
{
	struct conductor *c = ctx;

	c->is_asking_status = false;
}

static void on_event(void *ctx, const struct bh_event *event)
{
	struct conductor *c = ctx;

	story_event(&c->view, event);
}

static void on_events_done(void *ctx, const struct bh_result *result)
{
	struct conductor *c = ctx;

	if (result->error != BH_CLASS_NONE && !c->is_over)
		stage_fail(c, "events: %s", result->text);
}

void stage_list(struct conductor *c)
{
	c->listed_at_us = report_clock_us();
	if (!c->is_listing_adapters) {
		c->adapters_listed = 0;
		c->is_listing_adapters =
			bh_list_adapters(c->bh, on_adapter, on_adapters_done, c) == 0;
	}
	if (!c->is_listing_devices)
		c->is_listing_devices = bh_list_devices(c->bh, on_device, on_devices_done, c) == 0;
}

void stage_ask_status(struct conductor *c)
{
	c->asked_at_us = report_clock_us();
	if (!c->is_asking_status)
		c->is_asking_status = bh_get_status(c->bh, on_status, on_status_done, c) == 0;
}

int stage_follow(struct conductor *c)
{
	return bh_events(c->bh, false, true, on_event, on_events_done, c);
}
