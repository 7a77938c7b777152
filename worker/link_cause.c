/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a connect failed or a link ended, worker/link.h. BlueZ says "le-connection-abort-by-local" of
 * everything; the kernel told MGMT more, and the supervisor passes it on (LINK_CAUSE). D-Bus says
 * that something ended, the kernel only why: a link's state follows D-Bus alone.
 */
#include "ipc/clock.h"
#include "worker/link.h"

#include <stdio.h>

/*
 * FRESH_MS: what was said before that is of something else. WAIT_MS: kernel and supervisor need a
 * few milliseconds, and for some failures there is no MGMT event at all (lab-facts.md: a full
 * controller), so this delays such an attempt's end.
 */
enum { FRESH_MS = 2000, WAIT_MS = 200 };

static bool is_fresh(const struct link *link)
{
	return link->cause.at_ms != 0 && clock_now_ms() - link->cause.at_ms <= FRESH_MS;
}

static void happen(struct link *link, enum link_event event, enum err_class class, const char *text)
{
	const struct errors_cause *said = &link->cause.said;
	char more[LINK_TEXT_LEN];

	if (!is_fresh(link) || !errors_tells_more(class, text, said)) {
		link_event_why(link, event, class, text);
		return;
	}
	(void)snprintf(more, sizeof(more), "%s (%s)", errors_cause_text(said), text);
	link_event_why(link, event, errors_cause_class(said), more);
}

static void happen_now(struct link *link)
{
	struct link_cause *cause = &link->cause;
	char text[LINK_TEXT_LEN];

	deadline_clear(link->w->deadlines, &cause->wait);
	(void)snprintf(text, sizeof(text), "%s", cause->text);
	happen(link, cause->event, cause->class, text);
}

void link_event_vague(struct link *link, enum link_event event, enum err_class class,
		      const char *text)
{
	struct link_cause *cause = &link->cause;

	if (cause->wait.is_set || !link_table_step(link->state, event).is_known)
		return;
	if (is_fresh(link) || !errors_is_vague(class) || !link->w->up) {
		happen(link, event, class, text);
		return;
	}
	cause->event = event;
	cause->class = class;
	(void)snprintf(cause->text, sizeof(cause->text), "%s", text);
	deadline_set(link->w->deadlines, &cause->wait, clock_now_ms() + WAIT_MS);
}

void link_cause_first(struct link *link, enum link_event event)
{
	if (link->cause.wait.is_set && link_table_step(link->state, event).is_known)
		happen_now(link);
}

void link_on_cause_wait(struct deadline *deadline)
{
	struct link *link = container_of(deadline, struct link, cause.wait);

	happen_now(link);
	link_review(link);
}

void links_cause(struct links *links, uint64_t addr, const struct errors_cause *said)
{
	struct link *link = links_find(links, addr);

	if (!link)
		return;
	link->cause.said = *said;
	link->cause.at_ms = clock_now_ms();
	if (link->cause.wait.is_set)
		happen_now(link);
	link_review(link);
}

const char *link_cause_text(const struct link *link)
{
	return is_fresh(link) ? errors_cause_text(&link->cause.said) : "";
}

void link_cause_forget(struct link *link)
{
	deadline_clear(link->w->deadlines, &link->cause.wait);
	link->cause.at_ms = 0;
}
