/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/scenes.c - what the demo stages, in a table: how each scene begins, when it is over.
 */
#include "contrib/demo/client.h"
#include "contrib/demo/sim.h"
#include "contrib/demo/stage.h"

#include <string.h>

#define VALUES_WANTED 5 /* notifications per peripheral before the first accident */
#define SAMES_WANTED  5

static void command(struct conductor *c, enum command command)
{
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		int r = c->children[p].fd < 0 ? -EPIPE
					      : report_send_command(c->children[p].fd, command);

		if (r < 0)
			stage_fail(c, "%s: %s", client_role((enum program)p)->name, strerror(-r));
	}
}

static void enter_scan(struct conductor *c)
{
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		const struct role *role = client_role((enum program)p);
		int r = child_start(&c->children[p], role->name);

		if (r < 0)
			stage_fail(c, "cannot start %s: %s", role->name, strerror(-r));
		else
			view_say(&c->view, TONE_PLAIN, role->name, "pid %d: %s",
				 (int)c->children[p].pid, role->what);
	}
}

static bool is_scanned(const struct conductor *c)
{
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		if (!c->tally.doings[p].has_scanned)
			return false;
	}
	return true;
}

static void enter_work(struct conductor *c)
{
	command(c, COMMAND_GO);
}

static bool is_working(const struct conductor *c)
{
	for (uint32_t i = 0; i < STAGE_COLLECTED; i++) {
		if (c->tally.peripherals[i].notifications < VALUES_WANTED)
			return false;
	}
	return c->tally.same >= SAMES_WANTED && c->tally.tours >= 1;
}

static void enter_drop(struct conductor *c)
{
	int r;

	view_say(&c->view, TONE_STRONG, "demo", "cuts the link to BM6-%d, as out of range",
		 STAGE_CUT);
	c->tally.drop_peripheral = STAGE_CUT;
	c->tally.drop_at_us = report_clock_us();
	r = sim_drop(STAGE_CUT);
	if (r < 0)
		stage_fail(c, "the simulator does not drop the link: %s", strerror(-r));
}

static bool is_back(const struct conductor *c)
{
	return c->tally.drop_value_at_us != 0;
}

static void enter_kill(struct conductor *c)
{
	/* The answer to a fresh list does it: the process number must be today's. */
	c->wants_kill = true;
	stage_list(c);
}

static bool is_served_again(const struct conductor *c)
{
	return tally_is_recovered(&c->tally) && c->tally.new_pid;
}

static bool is_going_on(const struct conductor *c)
{
	return c->tally.tours_after_kill > 0 && c->tally.same_after_kill >= SAMES_WANTED;
}

static void enter_stop(struct conductor *c)
{
	command(c, COMMAND_STOP);
}

static bool is_stopped(const struct conductor *c)
{
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		if (c->children[p].pid != 0 || c->children[p].fd >= 0)
			return false;
	}
	return true;
}

static void enter_rest(struct conductor *c)
{
	c->tally.has_status = false;
	stage_ask_status(c);
}

static bool is_at_rest(const struct conductor *c)
{
	return c->tally.has_status && c->tally.sessions_left == 0 && c->tally.links_left == 0;
}

const struct scene scenes[] = {
	{ "all three scan", 1500, 9000, enter_scan, is_scanned },
	{ "they connect, read, write, listen", 5500, 10000, enter_work, is_working },
	{ "a link was cut", 3000, 6000, enter_drop, is_back },
	{ "a worker was killed", 2500, 6000, enter_kill, is_served_again },
	{ "they go on", 3000, 6000, NULL, is_going_on },
	{ "they let go", 0, 3000, enter_stop, is_stopped },
	{ "is anything left?", 0, 3000, enter_rest, is_at_rest },
};
const size_t scene_count = ARRAY_LEN(scenes);
