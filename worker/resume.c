/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/resume.h"

#include "ipc/clock.h"
#include "worker/link.h"
#include "worker/notify_state.h"

#include <stdlib.h>

uint32_t resume_rest_ms(unsigned n_rests, uint32_t random)
{
	const uint32_t spread = 2 * RESUME_SPREAD_PERCENT + 1;
	uint32_t rest_ms = RESUME_BASE_MS;

	while (n_rests-- > 0 && rest_ms < RESUME_MAX_MS)
		rest_ms *= 2;
	if (rest_ms > RESUME_MAX_MS)
		rest_ms = RESUME_MAX_MS;
	return rest_ms / 100 * (100 - RESUME_SPREAD_PERCENT + random % spread);
}

bool resume_is_hopeful(enum err_class class)
{
	return class != CLASS_GATT_MISSING && class != CLASS_GATT_REFUSED && class != CLASS_AUTH &&
	       class != CLASS_KEY_MISSING && class != CLASS_CANCELLED && class != CLASS_LOCK_LOST &&
	       class != CLASS_INVALID && class != CLASS_DENIED;
}

void resume_begin(struct link *link)
{
	link->resume.is_resting = false;
	deadline_clear(link->w->deadlines, &link->resume.rest);
	link->resume.until_ms = clock_now_ms() + RESUME_ATTEMPTS_MS;
}

static void rest(struct link *link)
{
	struct resume *resume = &link->resume;
	uint32_t random = (uint32_t)(clock_now_ms() ^ link->addr) * 2654435761u >> 8;

	if (resume->is_resting)
		return;
	resume->is_resting = true;
	deadline_set(link->w->deadlines, &resume->rest,
		     clock_now_ms() + resume_rest_ms(resume->n_rests++, random));
}

void resume_on_rest(struct deadline *deadline)
{
	struct link *link = container_of(deadline, struct link, resume.rest);

	resume_begin(link);
	link_review(link);
}

static struct request *make_request(struct subscriber *s)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->is_own = true;
	request_open(request, s->seat, s->id, BH__TYPE__SUBSCRIBE, 0);
	return request;
}

bool resume_park(struct subscriber *s, enum err_class class)
{
	struct link *link = s->seat->link;

	/* The limits of a device are meant: nobody is to have it for longer. */
	if (!s->resumes || !resume_is_hopeful(class) || class == CLASS_LIMIT ||
	    (s->request && !s->request->is_resuming))
		return false;
	/* Not there again yet, and it failed: not at once. */
	if (s->request)
		rest(link);
	else if (!(s->request = make_request(s)))
		return false;
	s->request->is_resuming = true;
	s->request->state = REQUEST_QUEUED;
	s->request->has_uuid = s->has_uuid;
	s->request->uuid = s->uuid;
	s->request->handle = s->handle;
	subscriber_unhook(s);
	if (!link->resume.is_resting)
		resume_begin(link);
	return true;
}

bool resume_keeps(struct request *request, enum err_class class)
{
	struct link *link = request->seat->link;

	if (!resume_is_hopeful(class))
		return false;
	rest(link);
	return true;
}

bool resume_rests(const struct request *request)
{
	return request->is_resuming && request->seat->link->resume.is_resting;
}

bool resume_is_any(const struct seat *seat)
{
	const struct request *request;

	TAILQ_FOREACH(request, &seat->requests, entry)
	if (request->is_resuming)
		return true;
	return false;
}

void resume_done(struct request *request)
{
	struct seat *seat = request->seat;

	request->is_resuming = false;
	if (request->is_own)
		request_drop(request, false);
	else
		request_done(request, 0);
	if (!resume_is_any(seat))
		seat_tell_back(seat);
}

void resume_link_lost(struct link *link)
{
	struct resume *resume = &link->resume;

	if (clock_now_ms() - resume->up_at_ms >= RESUME_STEADY_MS)
		resume->n_rests = resume->n_short = 0;
	else if (resume->n_short++ > 0)
		rest(link);
}

void resume_anew(struct link *link, void *unused)
{
	(void)unused;
	link->resume.n_rests = link->resume.n_short = 0;
	if (link->resume.is_resting)
		resume_begin(link);
}

void resume_link_up(struct link *link)
{
	resume_begin(link);
	link->resume.up_at_ms = clock_now_ms();
}

void resume_end(struct seat *seat)
{
	struct request *request;
	struct request *next;

	for (request = TAILQ_FIRST(&seat->requests); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->is_own)
			request_drop(request, false);
		else if (request->is_resuming)
			request_fail(request, CLASS_CANCELLED, "the program gave the link up");
	}
}
