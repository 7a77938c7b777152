/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/fault/taken_over.c - bleherd-worker as it would be if somebody had taken it over: the real
 * one, confined like the real one, whose tick (linked with --wrap) is hostile on hci0. Each life
 * has another plan, by its incarnation, tells about it on stderr and ends; on other adapters it is
 * good.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/clock.h"
#include "ipc/guard/confine.h"
#include "ipc/log.h"
#include "tests/support/breakout.h"
#include "worker/control.h"
#include "worker/worker.h"

enum {
	CHANNEL_FD = 3,
	FDS_LOOKED_AT = 64,
	FLOOD_MS = 300,
	SESSIONS_GUESSED = 64,
};

/* Where the neighbour's session is, as the test has it. */
static const uint64_t NEIGHBOUR = 0xc0aabb000000;

void __real_control_tick(struct worker *w);
void __wrap_control_tick(struct worker *w);

/* --- plans --- */

static void break_out(struct worker *w)
{
	const struct breakout_target target = { .victim = getppid(), .socket = CHANNEL_FD };
	size_t i;

	(void)w;
	for (i = 0; confine_has_filter() && i < N_BREAKOUTS; i++)
		if (breakout_works(&BREAKOUTS[i], &target))
			log_error("let-through=%s", BREAKOUTS[i].name);
}

/* Messages that name what is another adapter's. */
static void reach_across(struct worker *w)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;
	Bh__Ctl__Link link = BH__CTL__LINK__INIT;

	link.has_address = link.has_random = link.has_up = 1;
	link.address = NEIGHBOUR;
	link.random = 1;
	port_send(w->up, BH__CTL__TYPE__LINK_END, 1, 0, &link.base);
	port_send(w->up, BH__CTL__TYPE__LINK_STATE, 0, 0, &link.base);
	ref.has_session = ref.has_class_ = 1;
	for (ref.session = 1; ref.session < SESSIONS_GUESSED; ref.session++) {
		port_send(w->up, BH__CTL__TYPE__SESSION_ENDED, 0, 0, &ref.base);
		port_send(w->up, BH__CTL__TYPE__SESSION_GIVEN_UP, 0, 0, &ref.base);
	}
}

/* Whenever the channel takes more; so until somebody ends it. */
static int on_flood(sd_event_source *source, void *userdata)
{
	Bh__Event event = BH__EVENT__INIT;
	struct worker *w = userdata;
	char kind[] = "link-waits";

	(void)source;
	event.kind = kind;
	event.has_address = 1;
	event.address = NEIGHBOUR;
	while (port_queued(w->up) == 0)
		port_send(w->up, BH__CTL__TYPE__EVENT, 0, 0, &event.base);
	return 0;
}

static void flood_supervisor(struct worker *w)
{
	sd_event_source *source = NULL;

	if (sd_event_add_defer(w->event, &source, on_flood, w) < 0 ||
	    sd_event_source_set_enabled(source, SD_EVENT_ON) < 0)
		_exit(EXIT_FAILURE);
}

/* The arbiter's, and whatever else it holds: not one of them is told apart. */
static void flood_others(struct worker *w)
{
	uint64_t end_ms = clock_now_ms() + FLOOD_MS;
	unsigned char junk[256];
	int fd;

	(void)w;
	memset(junk, 0x5a, sizeof(junk));
	while (clock_now_ms() < end_ms)
		for (fd = CHANNEL_FD + 1; fd < FDS_LOOKED_AT; fd++)
			(void)send(fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void scribble(struct worker *w)
{
	uint64_t end_ms = clock_now_ms() + FLOOD_MS;
	unsigned char *page = (unsigned char *)w->page;
	unsigned char value = 0;

	while (clock_now_ms() < end_ms)
		memset(page, value++, 4096);
}

static void send_descriptors(struct worker *w)
{
	static const int fds[] = { 0, 0, 0, 0 };
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send_fds(w->up, BH__CTL__TYPE__BUS_WANTED, 0, 0, &empty.base, fds, ARRAY_LEN(fds));
}

static void break_the_form(struct worker *w)
{
	(void)w;
	(void)send(CHANNEL_FD, "\377\377\377\377", 4, MSG_NOSIGNAL);
}

static const struct {
	const char *name;
	void (*run)(struct worker *w);
} PLANS[] = {
	{ "break-out", break_out },
	{ "reach-across", reach_across },
	{ "flood-supervisor", flood_supervisor },
	{ "flood-others", flood_others },
	{ "scribble", scribble },
	{ "send-descriptors", send_descriptors },
	{ "break-the-form", break_the_form },
};

void __wrap_control_tick(struct worker *w)
{
	static unsigned ticks;
	size_t plan = (size_t)(w->incarnation % ARRAY_LEN(PLANS));

	__real_control_tick(w);
	if (!w->is_ready || strcmp(w->adapter, "hci0") != 0)
		return;
	if (ticks++ > 0)
		_exit(EXIT_SUCCESS);
	log_info("taken-over=%s", PLANS[plan].name);
	PLANS[plan].run(w);
}
