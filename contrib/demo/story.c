/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/story.c - one function per kind of report, in a table; kinds without one are silent.
 */
#include "contrib/demo/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

struct chapter {
	struct view *view;
	const struct tally *tally;
	enum program program;
	const char *who;
	const struct report *report;
	char name[16]; /* of the peripheral */
};

static void say_scanned(const struct chapter *c)
{
	view_say(c->view, TONE_PLAIN, c->who,
		 "scanned: heard %" PRIu32 " peripherals on both adapters in %s", c->report->number,
		 view_duration(c->report->took_us).text);
}

static void say_connected(const struct chapter *c)
{
	/* The logger connects all the time; its tours tell that. */
	if (c->program == PROGRAM_LOGGER)
		return;
	if (c->report->number == 0) {
		view_say(c->view, TONE_GOOD, c->who, "shares the link to %s on %s", c->name,
			 c->report->adapter);
		return;
	}
	view_say(c->view, TONE_GOOD, c->who, "connected to %s over %s in %s", c->name,
		 c->report->adapter, view_duration(c->report->took_us).text);
}

static void say_gap(const struct chapter *c)
{
	view_say(c->view, TONE_BAD, c->who, "%s: %" PRIu32 " notifications lost", c->name,
		 c->report->number);
}

static void say_missed(const struct chapter *c)
{
	view_say(c->view, TONE_PLAIN, c->who, "%s: sent %" PRIu32 " while nobody could listen",
		 c->name, c->report->number);
}

static void say_twice(const struct chapter *c)
{
	view_say(c->view, TONE_BAD, c->who, "%s: notification #%" PRIu32 " came twice", c->name,
		 c->report->number);
}

static void say_different(const struct chapter *c)
{
	view_say(c->view, TONE_BAD, c->who, "%s: read back '%s', which was not written last",
		 c->name, c->report->text);
}

static void say_interrupted(const struct chapter *c)
{
	view_say(c->view, TONE_WARN, c->who,
		 "%s: write '%s' interrupted, reading what became of it", c->name, c->report->text);
}

static void say_link_lost(const struct chapter *c)
{
	view_say(c->view, TONE_WARN, c->who, "lost the link to %s: %s", c->name, c->report->text);
}

static void say_waits(const struct chapter *c)
{
	view_say(c->view, TONE_WARN, c->who, "%s waits: %s", c->name, c->report->text);
}

static void say_moved(const struct chapter *c)
{
	uint64_t from_us = c->tally->kill_at_us;

	if (!from_us || from_us > c->report->at_us) {
		view_say(c->view, TONE_WARN, c->who, "%s moved to %s: %s", c->name,
			 c->report->adapter, c->report->text);
		return;
	}
	view_say(c->view, TONE_GOOD, c->who, "%s moved to %s, %s after the kill", c->name,
		 c->report->adapter, view_duration(c->report->at_us - from_us).text);
}

static void say_tour(const struct chapter *c)
{
	view_say(c->view, TONE_PLAIN, c->who,
		 "tour %" PRIu32 ": six connected and read twice in %s", c->report->number,
		 view_duration(c->report->took_us).text);
}

static void say_error(const struct chapter *c)
{
	/* The one whose link was cut on purpose may say so. */
	bool is_expected = c->tally->drop_at_us && c->report->error == BH_CLASS_LINK_LOST &&
			   c->report->peripheral == c->tally->drop_peripheral;

	view_say(c->view, is_expected ? TONE_WARN : TONE_BAD, c->who, "%s%s%s", c->name,
		 c->name[0] ? ": " : "", c->report->text);
}

static void (*const rows[REPORT_KINDS])(const struct chapter *chapter) = {
	[REPORT_SCANNED] = say_scanned,
	[REPORT_CONNECTED] = say_connected,
	[REPORT_GAP] = say_gap,
	[REPORT_MISSED] = say_missed,
	[REPORT_TWICE] = say_twice,
	[REPORT_DIFFERENT] = say_different,
	[REPORT_INTERRUPTED] = say_interrupted,
	[REPORT_LINK_LOST] = say_link_lost,
	[REPORT_WAITS] = say_waits,
	[REPORT_MOVED] = say_moved,
	[REPORT_TOUR] = say_tour,
	[REPORT_ERROR] = say_error,
};

void story_report(struct view *view, const struct tally *tally, enum program program,
		  const struct report *report)
{
	struct chapter chapter = {
		.view = view,
		.tally = tally,
		.program = program,
		.who = client_role(program)->name,
		.report = report,
	};

	view->is_changed = true;
	if (report->kind >= REPORT_KINDS || !rows[report->kind])
		return;
	if (report->peripheral < DEMO_PERIPHERALS)
		(void)snprintf(chapter.name, sizeof(chapter.name), "BM6-%" PRIu32,
			       report->peripheral);
	rows[report->kind](&chapter);
}

/* Of what bleherdd tells, this is everyday life, and the programs tell it too. */
static bool is_everyday(const char *kind)
{
	static const char *const kinds[] = {
		"session-opened", "session-closed", "connecting", "connected", "disconnected",
		"link-cut",	  "moving",	    "moved",	  "waiting",
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i], kind) == 0)
			return true;
	}
	return false;
}

void story_event(struct view *view, const struct bh_event *event)
{
	uint32_t peripheral = report_peripheral(event->address);
	char kind[24], text[96], name[16] = "";

	if (is_everyday(event->kind))
		return;
	if (peripheral != DEMO_NOBODY)
		(void)snprintf(name, sizeof(name), " BM6-%" PRIu32, peripheral);
	report_text(kind, sizeof(kind), event->kind, strlen(event->kind));
	report_text(text, sizeof(text), event->text, strlen(event->text));
	view_say(view, TONE_PLAIN, "bleherdd", "%s%s%.8s%s%s%s", kind, event->adapter[0] ? " " : "",
		 event->adapter, name, text[0] ? ": " : "", text);
}

void story_progress(struct view *view, const struct tally *tally)
{
	if (view->is_table)
		return;
	view_say(view, TONE_PLAIN, "so far",
		 "%" PRIu32 " notifications, %" PRIu32 " written and read back, %" PRIu32 " tours",
		 tally_notifications(tally), tally->same, tally->tours);
}
