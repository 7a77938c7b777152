/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/stuck.h"

#include "ipc/clock.h"
#include "worker/link.h"

#include <stdio.h>

/*
 * The steps take 7 s and are in vain while the controller or bluetoothd is as it is; that it healed
 * without a sign (BlueZ shows the link's end, bluetoothd comes anew) is looked for once a minute.
 */
enum { REMEMBER_MS = 60000 };

/* The others are somebody's business with the peripheral, or BlueZ's memory of it. */
static bool is_of_link(enum diagnosis state)
{
	return state == DIAGNOSIS_PHANTOM || state == DIAGNOSIS_INACTIVE ||
	       state == DIAGNOSIS_ORPHAN || state == DIAGNOSIS_DEAD;
}

static void describe(const struct link *link, enum diagnosis state, const char *done,
		     const char *when, char *out, size_t size)
{
	bool is_useful = is_of_link(state);

	(void)snprintf(out, size, "%s: %s%s%s%s%s%s", diagnosis_name(state),
		       done[0] ? done : "nothing may be done about it",
		       done[0] ? " did not help" : "", when, is_useful ? "; bleherd reset " : "",
		       is_useful ? link->w->adapter : "", is_useful ? " would" : "");
}

void stuck_note(struct link *link, enum diagnosis state, const char *done, uint64_t began_ms)
{
	uint64_t now_ms = clock_now_ms();
	char text[LINK_TEXT_LEN];
	char took[32];

	(void)snprintf(took, sizeof(took), " within %u ms", clock_span_ms(began_ms, now_ms));
	describe(link, state, done, done[0] ? took : "", text, sizeof(text));
	link_tell_event(link, "stuck", 0, diagnosis_class(state), text);
	link->stuck = (struct stuck){ .state = state, .at_ms = now_ms };
	/* Otherwise for the text of this failure only. */
	if (is_of_link(state))
		link->stuck.until_ms = now_ms + REMEMBER_MS;
	(void)snprintf(link->stuck.done, sizeof(link->stuck.done), "%s", done);
}

void stuck_forget(struct link *link)
{
	link->stuck = (struct stuck){ .state = DIAGNOSIS_SOUND };
}

bool stuck_is_any(const struct link *link)
{
	return link->stuck.state != DIAGNOSIS_SOUND && clock_now_ms() < link->stuck.until_ms;
}

bool stuck_is(const struct link *link, enum diagnosis state)
{
	return link->stuck.state == state && stuck_is_any(link);
}

bool stuck_has_failed(const struct link *link)
{
	return stuck_is_any(link) && link->failed == diagnosis_class(link->stuck.state);
}

void stuck_text(const struct link *link, char *out, size_t size)
{
	uint32_t ago_s = clock_span_ms(link->stuck.at_ms, clock_now_ms()) / 1000;
	char when[32] = "";

	if (ago_s > 0 && link->stuck.done[0])
		(void)snprintf(when, sizeof(when), " %u s ago", ago_s);
	describe(link, link->stuck.state, link->stuck.done, when, out, size);
}

void stuck_tell_cured(const struct link *link, enum diagnosis state, const char *done,
		      uint64_t began_ms)
{
	char text[LINK_TEXT_LEN];

	(void)snprintf(text, sizeof(text), "%s: %s; gone after %u ms", diagnosis_name(state),
		       done[0] ? done : "nothing done", clock_span_ms(began_ms, clock_now_ms()));
	link_tell_event(link, "cured", 0, CLASS_NONE, text);
}
