/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a discovery's answers and its silence say of the adapter, and who is told;
 * worker/scan_ready.h, silence.h.
 */
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/scan_state.h"

#include <stdio.h>

/*
 * RENEW_MS: not more often; if a new connection does not cure it, another one will not either.
 * SETTLE_MS: Discovering follows the answer to StopDiscovery within some 30 ms.
 * REPEAT_MS: evidence, which the supervisor counts for 60 s, is told again so often; all else once.
 * AGAIN_MS: whom the controller hears once it withholds for 10 s as a duplicate. A stranger that it
 * hears in the 2 ms before bluetoothd takes its discovery for begun is dropped there and stays
 * unknown (contrib/lab/README.md). A second start hears it; most have advertised by then. Twice as
 * long after that, until the kernel does the same (AGAIN_MAX_MS).
 */
enum {
	RENEW_MS = 30000,
	SETTLE_MS = 1000,
	REPEAT_MS = 45000,
	AGAIN_MS = 1000,
	AGAIN_MAX_MS = 4000,
};

void scan_watch_tell(struct scan *scan, const char *kind, enum err_class class, const char *text)
{
	Bh__Event event = BH__EVENT__INIT;

	log_debug("event=%s class=%s text=\"%s\"", kind, class_name(class), text);
	event.kind = (char *)(uintptr_t)kind;
	event.has_class_ = 1;
	event.class_ = (Bh__Class) class;
	event.text = (char *)(uintptr_t)text;
	port_send(scan->w->up, BH__CTL__TYPE__EVENT, 0, 0, &event.base);
}

static void tell_ready(struct scan *scan, enum scan_ready ready)
{
	const struct scan_cure *cure = scan_ready_cure(ready);
	uint64_t now_ms = clock_now_ms();

	if (!cure->event)
		return;
	if (scan->told == ready &&
	    (cure->class != CLASS_NO_REPLY || now_ms - scan->told_at_ms < REPEAT_MS))
		return;
	scan->told = ready;
	scan->told_at_ms = now_ms;
	scan_watch_tell(scan, cure->event, cure->class, cure->text);
}

/*
 * A session of ours that BlueZ has lost track of ends only when its sender leaves the bus
 * (reference/lab-facts.md).
 */
static void renew(struct scan *scan)
{
	uint64_t now_ms = clock_now_ms();

	if (scan->renewed_at_ms != 0 && now_ms - scan->renewed_at_ms < RENEW_MS)
		return;
	scan->renewed_at_ms = now_ms;
	bus_renew(scan->w->bus);
}

static enum scan_reply reply_of(const struct bus_result *result, uint64_t took_ms)
{
	if (result->reply)
		return SCAN_REPLY_OK;
	if (result->is_timeout)
		return SCAN_REPLY_NONE;
	if (!result->is_busy)
		return SCAN_REPLY_ERROR;
	return took_ms >= SCAN_READY_LATE_MS ? SCAN_REPLY_BUSY_LATE : SCAN_REPLY_BUSY;
}

static enum scan_ready conclude(struct scan *scan, const struct scan_answer *answer)
{
	enum scan_ready ready = scan_ready_judge(answer);
	const struct scan_cure *cure = scan_ready_cure(ready);

	tell_ready(scan, ready);
	if (cure->is_renewing)
		renew(scan);
	if (scan->rest_ms < cure->rest_ms)
		scan->rest_ms = cure->rest_ms;
	return ready;
}

bool scan_watch_started(struct scan *scan, const struct bus_result *result)
{
	const struct scan_answer answer = {
		.reply = reply_of(result, clock_now_ms() - scan->asked_at_ms),
		.is_discovering = mirror_is_discovering(scan->w->mirror),
		.is_fresh = !scan->had_session,
	};

	/* Unanswered, it may have begun all the same; answered with an error, it has not. */
	if (!result->reply && !result->is_timeout)
		scan->has_session = scan->had_session;
	if (conclude(scan, &answer) != SCAN_READY)
		return false;
	/* That another program discovers is so until Discovering is false. */
	if (scan->told != SCAN_READY_SHARED)
		scan->told = SCAN_READY;
	return true;
}

void scan_watch_stopped(struct scan *scan, const struct bus_result *result)
{
	const struct scan_answer answer = {
		.is_stop = true,
		.reply = reply_of(result, clock_now_ms() - scan->asked_at_ms),
		/* Not known yet: on_settle(). */
		.is_discovering = false,
	};

	if (conclude(scan, &answer) != SCAN_READY)
		return;
	scan->has_session = false;
	deadline_set(scan->w->deadlines, &scan->settle, clock_now_ms() + SETTLE_MS);
}

void scan_watch_on_settle(struct deadline *deadline)
{
	struct scan *scan = container_of(deadline, struct scan, settle);
	const struct scan_answer answer = {
		.is_stop = true,
		.reply = SCAN_REPLY_OK,
		.is_discovering = mirror_is_discovering(scan->w->mirror),
	};

	/* Ours was started again meanwhile: no telling. */
	if (!scan->has_session)
		(void)conclude(scan, &answer);
}

/* --- what the controller withholds --- */

/* It pauses for nobody, so it is started again at once. */
static void start_again(struct scan *scan)
{
	scan_event(scan, SCAN_EV_PAUSE);
}

static void plan_again(struct scan *scan)
{
	if (scan->state != SCAN_ON) {
		deadline_clear(scan->w->deadlines, &scan->again);
		return;
	}
	scan->again_ms = scan->is_again ? 2 * scan->again_ms : AGAIN_MS;
	scan->is_again = false;
	if (scan->again_ms <= AGAIN_MAX_MS && !scan->passive.is_running)
		deadline_set(scan->w->deadlines, &scan->again, clock_now_ms() + scan->again_ms);
}

static bool is_sought(const struct scan *scan)
{
	const struct scan_want *want;

	TAILQ_FOREACH(want, &scan->wants, entry)
	if (want->is_search)
		return true;
	return false;
}

void scan_watch_on_again(struct deadline *deadline)
{
	struct scan *scan = container_of(deadline, struct scan, again);

	/* Once for whoever listens, more often only for those who wait for somebody. */
	if (scan->again_ms > AGAIN_MS && !is_sought(scan))
		return;
	scan->is_again = true;
	start_again(scan);
}

/* BlueZ has forgotten who was heard before that, and is not told of him again. */
void scan_watch_sought(struct scan *scan)
{
	if (scan->state == SCAN_ON && !scan->passive.is_running)
		start_again(scan);
}

/* --- silence --- */

static void plan(struct scan *scan)
{
	if (scan->silence.is_running)
		deadline_set(scan->w->deadlines, &scan->silent, silence_due_at_ms(&scan->silence));
	else
		deadline_clear(scan->w->deadlines, &scan->silent);
}

void scan_watch_stepped(struct scan *scan)
{
	bool is_on = scan->state == SCAN_ON;

	if (scan->state == SCAN_IDLE)
		scan->is_again = false;
	if (is_on == scan->silence.is_running)
		return;
	plan_again(scan);
	if (is_on)
		silence_begin(&scan->silence, clock_now_ms());
	else
		silence_end(&scan->silence, clock_now_ms());
	plan(scan);
}

/* The deadline stays where it is: it looks again when it comes. */
void scan_watch_heard(struct scan *scan, const struct device *device)
{
	if (device->name[0] || device->n_uuids > 0 || device->has_company ||
	    device->has_service_data)
		silence_heard(&scan->silence, clock_now_ms());
}

void scan_watch_on_silent(struct deadline *deadline)
{
	struct scan *scan = container_of(deadline, struct scan, silent);
	uint64_t silent_ms = silence_ms(&scan->silence, clock_now_ms());
	enum silence_step step = silence_due(&scan->silence, clock_now_ms());
	char text[96];

	plan(scan);
	if (step == SILENCE_NONE)
		return;
	if (scan->passive.is_running) {
		(void)snprintf(text, sizeof(text), "the monitor has heard no advert for %llu s",
			       (unsigned long long)silent_ms / 1000);
		passive_give_up(scan, text);
		return;
	}
	log_info("event=discovery-silent ms=%llu", (unsigned long long)silent_ms);
	if (step == SILENCE_REPORT) {
		(void)snprintf(text, sizeof(text),
			       "discovery runs, was restarted, and has heard no advert for %llu s",
			       (unsigned long long)silent_ms / 1000);
		scan_watch_tell(scan, "adapter-silent", CLASS_NO_REPLY, text);
	}
	start_again(scan);
}
