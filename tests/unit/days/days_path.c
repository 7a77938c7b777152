/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_path.c - from what is wanted to a link: choice of the adapter, lock,
 * attempt, and after a failure what escalation says. What attempts_failed() and a worker do,
 * without them.
 */
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/seek.h"
#include "tests/unit/days/days.h"

enum { LISTEN_MS = 10000, CONNECT_MS = 20000, CUT_MS = 5000, LOCK_MS = 120000 };

static uint32_t left_ms(const struct days *days, const struct days_path *path)
{
	return clock_left_ms(path->deadline_at_ms, days->now_ms);
}

static void end(struct days *days, struct days_device *device, enum err_class class)
{
	unsigned wants = device->path.wants;

	device->path.wants = 0;
	device->path.stage = STAGE_IDLE;
	timer_clear(days, &device->path.timer);
	if (wants & WANT_POLL)
		poll_broken(days, device, class);
	if (wants & WANT_KEEPER)
		keeper_event(days, device,
			     class == CLASS_NOT_FOUND && !device->was_awaited ? KEEPER_EV_GONE
									      : KEEPER_EV_DOWN);
}

static void lock(struct days *days, struct days_device *device)
{
	uint32_t left = left_ms(days, &device->path);

	device->path.stage = STAGE_LOCKING;
	locks_ask(days, device, left < LOCK_MS ? left : LOCK_MS);
}

static void go_to(struct days *days, struct days_device *device, uint16_t adapter)
{
	struct days_path *path = &device->path;
	uint32_t left = left_ms(days, path);

	path->adapter = adapter;
	path->tries++;
	judge_attempt(days, device);
	days_note(days, NOTE_ATTEMPT, device->index, path->adapter);
	if (!device->model->silent || choice_is_fresh(days, device, adapter)) {
		lock(days, device);
		return;
	}
	/* It is listened for first, without the lock that others need. */
	path->stage = STAGE_LISTENING;
	path->outcome = left > LISTEN_MS ? CLASS_NOT_FOUND : CLASS_DEADLINE;
	path->came_up = false;
	timer_in(days, &path->timer, left < LISTEN_MS ? left : LISTEN_MS);
}

void path_heard(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;

	if (path->stage == STAGE_SEEKING)
		path_seek(days, device);
	if (path->stage != STAGE_LISTENING || !choice_is_fresh(days, device, path->adapter))
		return;
	timer_clear(days, &path->timer);
	lock(days, device);
}

void path_seek(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;
	struct score_row rows[DAYS_ADAPTERS];
	struct seek seek = { .is_enumerated = true };
	struct seek_answer answer;
	unsigned i;

	path->stage = STAGE_SEEKING;
	for (i = 0; i < DAYS_ADAPTERS; i++) {
		rows[i] = choice_row(days, device, i);
		if (rows[i].is_fresh && path->heard_at_ms == 0)
			path->heard_at_ms = days->now_ms;
	}
	seek.is_first = path->deadline_at_ms != UINT64_MAX;
	seek.asked_at_ms = path->asked_at_ms;
	seek.deadline_at_ms = path->deadline_at_ms;
	seek.heard_at_ms = path->heard_at_ms;
	seek.now_ms = days->now_ms;
	seek.rows = rows;
	seek.n_rows = DAYS_ADAPTERS;
	answer = seek_decide(&seek);
	timer_clear(days, &path->timer);
	if (answer.verdict == SEEK_ATTACH)
		go_to(days, device, rows[answer.row].adapter);
	else if (answer.verdict == SEEK_FAIL)
		end(days, device, answer.class);
	else if (answer.until_ms != UINT64_MAX)
		timer_set(days, &path->timer, answer.until_ms);
}

/* --- an attempt --- */

/* What the world makes of it, and how long that takes. */
static enum err_class outcome(struct days *days, struct days_device *device, uint32_t *out_took_ms,
			      bool *out_came_up)
{
	const struct days_adapter *adapter = &days->adapters[device->path.adapter];

	*out_came_up = false;
	*out_took_ms = 50;
	if (!days->has_bluez)
		return CLASS_BLUEZ_GONE;
	*out_took_ms = 100;
	if (adapter->model->links >= DAYS_LINKS)
		return CLASS_OUT_OF_SLOTS;
	*out_took_ms = CONNECT_MS;
	if (adapter->sick > 0)
		return dice(days) % 3 == 0 ? CLASS_NO_REPLY : CLASS_ABORTED_LOCAL;
	if (device->model->silent)
		return CLASS_ABORTED_LOCAL;
	*out_took_ms = 300;
	if (device->model->refuse > 0) {
		device->model->refuse--;
		return CLASS_ABORTED_REMOTE;
	}
	*out_took_ms = 300 + dice(days) % 500;
	return faults_attempt(days, device, out_took_ms, out_came_up);
}

void path_granted(struct days *days, struct days_device *device, uint64_t grant)
{
	struct days_path *path = &device->path;
	struct days_adapter *adapter = &days->adapters[path->adapter];
	uint32_t left = left_ms(days, path);
	uint32_t took_ms;

	path->grant = grant;
	path->stage = STAGE_TRYING;
	path->tried_at_ms = days->now_ms;
	path->outcome = outcome(days, device, &took_ms, &path->came_up);
	if (took_ms >= left) {
		took_ms = left;
		path->outcome = CLASS_DEADLINE;
		path->came_up = false;
	}
	model_connecting(adapter->model, 1);
	timer_in(days, &path->timer, took_ms);
}

void path_refused(struct days *days, struct days_device *device)
{
	if (device->path.stage == STAGE_LOCKING)
		end(days, device, CLASS_LOCK_TIMEOUT);
}

static void stop_trying(struct days *days, struct days_device *device)
{
	struct days_adapter *adapter = &days->adapters[device->path.adapter];

	model_connecting(adapter->model, -1);
	device->path.grant = 0;
}

static void is_there(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;
	struct days_adapter *adapter = &days->adapters[path->adapter];

	(void)escalation_worked(days->escalation, device->address, path->adapter, days->now_ms);
	if (path->came_up)
		return;
	path->stage = STAGE_UP;
	slots_shown(&adapter->slots, adapter->model->links);
	days_note(days, NOTE_UP, device->index, path->adapter);
	if (path->wants & WANT_KEEPER)
		keeper_event(days, device, KEEPER_EV_UP);
	if (path->wants & WANT_POLL)
		poll_link(days, device);
}

/* --- what follows --- */

static struct escalation_failure describe(const struct days *days, const struct days_device *device)
{
	const struct days_path *path = &device->path;
	const struct days_adapter *adapter = &days->adapters[path->adapter];
	bool is_alone = adapter->model->links == 0;
	bool hears = false;
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++) {
		const struct days_device *other = &days->devices[i];

		hears |= choice_is_fresh(days, other, adapter->index);
		is_alone &= other == device || other->path.stage < STAGE_LOCKING ||
			    other->path.adapter != adapter->index;
	}
	return (struct escalation_failure){
		.address = device->address,
		.adapter = path->adapter,
		.other = choice_other(days, device),
		.session = path->session,
		.class = path->outcome,
		.attempt = path->attempt,
		.left_ms = left_ms(days, path),
		.since_ms = path->asked_at_ms,
		.came_up = path->came_up,
		.is_heard = choice_is_heard(days, device),
		.is_alone = is_alone,
		.is_carrying = adapter->model->links > 0 && hears,
	};
}

static void follow(struct days *days, struct days_device *device,
		   const struct escalation_answer *answer)
{
	struct days_path *path = &device->path;

	if (answer->step == ESCALATION_GIVE_UP) {
		end(days, device, path->outcome);
		return;
	}
	path->attempt++;
	if (answer->step == ESCALATION_ROTATE) {
		path->attempt = 1;
		path->adapter = choice_other(days, device);
		go_to(days, device, path->adapter);
		return;
	}
	path->stage = STAGE_PAUSED;
	timer_in(days, &path->timer, answer->delay_ms);
}

static void has_failed(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;
	struct days_adapter *adapter = &days->adapters[path->adapter];
	const struct escalation_failure failure = describe(days, device);
	const struct escalation_answer answer = escalation_failed(
		days->escalation, device->profile, &failure, days->now_ms, dice(days));

	path->is_excused |= adapter->chain.state != RESET_IDLE ||
			    resume_is_lenient(&days->resume, days->now_ms);
	days_note(days, NOTE_STEP, device->index, (uint64_t)answer.step << 32 | answer.delay_ms);
	judge_step(days, device, &answer);
	if (path->outcome == CLASS_OUT_OF_SLOTS)
		slots_refused(&adapter->slots, adapter->model->links, days->now_ms);
	path->stage = STAGE_PAUSED;
	follow(days, device, &answer);
	/* Now that this one knows where it goes: the others on that adapter have to go, too. */
	if (answer.is_reset_due) {
		judge_reset(days, adapter);
		adapter_reset(days, adapter);
	}
}

/* Its requests ended before it did. */
static void was_cut(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;
	uint64_t until_ms = path->wants == 0 ? path->left_at_ms : days->now_ms;
	struct escalation_failure failure = describe(days, device);

	failure.class = CLASS_NOT_FOUND;
	if (path->outcome != CLASS_NONE && until_ms - path->tried_at_ms >= CUT_MS)
		escalation_cut(days->escalation, &failure, days->now_ms);
	model_link_down(device->model);
	path->stage = STAGE_IDLE;
	if (path->wants != 0)
		end(days, device, CLASS_DEADLINE);
}

static void has_tried(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;
	uint64_t grant = path->grant;

	stop_trying(days, device);
	if ((path->outcome == CLASS_NONE || path->came_up) &&
	    model_link_up(device->model, path->adapter) < 0) {
		path->outcome = CLASS_ABORTED_LOCAL;
		path->came_up = false;
	}
	path->stage = STAGE_PAUSED;
	locks_give(days, &days->adapters[path->adapter].owner, grant);
	if (path->wants == 0 || path->outcome == CLASS_DEADLINE) {
		was_cut(days, device);
		return;
	}
	if (path->outcome == CLASS_NONE || path->came_up)
		is_there(days, device);
	if (path->came_up)
		model_link_down(device->model);
	if (path->outcome != CLASS_NONE)
		has_failed(days, device);
}

/* Its adapter is being reset: what it has behind it is counted there. */
static void go_elsewhere(struct days *days, struct days_device *device)
{
	device->path.is_excused = true;
	path_seek(days, device);
}

static void on_timer(struct days *days, struct days_timer *timer)
{
	struct days_device *device = container_of(timer, struct days_device, path.timer);

	switch (device->path.stage) {
	case STAGE_SEEKING:
		path_seek(days, device);
		return;
	case STAGE_LISTENING:
		has_failed(days, device);
		return;
	case STAGE_TRYING:
		has_tried(days, device);
		return;
	case STAGE_PAUSED:
		if (adapter_suits(days, &days->adapters[device->path.adapter]))
			go_to(days, device, device->path.adapter);
		else
			go_elsewhere(days, device);
		return;
	case STAGE_IDLE:
	case STAGE_LOCKING:
	case STAGE_UP:
		return;
	}
}

/* --- who wants it --- */

static void anew(const struct days *days, struct days_path *path)
{
	path->attempt = 1;
	path->tries = 0;
	path->is_excused = false;
	path->asked_at_ms = days->now_ms;
	path->heard_at_ms = 0;
}

static void begin(struct days *days, struct days_device *device)
{
	struct days_path *path = &device->path;

	judge_request(days, device);
	path->session = ++days->last_session;
	anew(days, path);
	path_seek(days, device);
}

void path_want(struct days *days, struct days_device *device, enum days_want who,
	       uint64_t deadline_at_ms)
{
	struct days_path *path = &device->path;
	bool is_new = path->wants == 0;

	path->wants |= who;
	if (is_new || deadline_at_ms > path->deadline_at_ms)
		path->deadline_at_ms = deadline_at_ms;
	if (path->stage == STAGE_IDLE)
		begin(days, device);
	else if (path->stage == STAGE_UP && who == WANT_KEEPER)
		keeper_event(days, device, KEEPER_EV_UP);
	else if (path->stage == STAGE_UP && who == WANT_POLL)
		poll_link(days, device);
}

static void drop_link(struct days *days, struct days_device *device)
{
	model_link_down(device->model);
	device->path.stage = STAGE_IDLE;
	days_note(days, NOTE_DOWN, device->index, 0);
}

void path_leave(struct days *days, struct days_device *device, enum days_want who)
{
	struct days_path *path = &device->path;

	path->wants &= ~(unsigned)who;
	if (path->wants != 0)
		return;
	path->left_at_ms = days->now_ms;
	if (path->stage == STAGE_UP)
		drop_link(days, device);
	if (path->stage == STAGE_SEEKING || path->stage == STAGE_LISTENING ||
	    path->stage == STAGE_PAUSED) {
		timer_clear(days, &path->timer);
		path->stage = STAGE_IDLE;
	}
	if (path->stage == STAGE_LOCKING) {
		locks_cancel(days, device);
		path->stage = STAGE_IDLE;
	}
	/* An attempt that is under way comes to its end, and finds nobody. */
}

void path_lost(struct days *days, struct days_device *device, enum err_class class)
{
	unsigned wants = device->path.wants;
	bool is_dead = class == CLASS_ZOMBIE || class == CLASS_NO_REPLY;

	if (device->path.stage != STAGE_UP)
		return;
	drop_link(days, device);
	device->path.wants = 0;
	if (wants & WANT_POLL)
		poll_broken(days, device, class);
	if (wants & WANT_KEEPER)
		keeper_event(days, device, is_dead ? KEEPER_EV_DEAD : KEEPER_EV_DOWN);
}

void path_uproot(struct days *days, struct days_device *device, bool is_link_lost)
{
	struct days_path *path = &device->path;
	uint64_t grant;

	if (path->stage == STAGE_UP && is_link_lost)
		path_lost(days, device, CLASS_LINK_LOST);
	if (path->stage == STAGE_UP || path->stage == STAGE_IDLE || path->stage == STAGE_SEEKING)
		return;
	grant = path->grant;
	if (path->stage == STAGE_TRYING)
		stop_trying(days, device);
	/* Both are gone already where the worker is. */
	if (path->stage == STAGE_LOCKING)
		locks_cancel(days, device);
	locks_give(days, &days->adapters[path->adapter].owner, grant);
	timer_clear(days, &path->timer);
	anew(days, path);
	/* Its worker's requests went with it; it goes on where there is one. */
	path->stage = STAGE_SEEKING;
	timer_in(days, &path->timer, 0);
}

void path_init(struct days_device *device)
{
	device->path.timer.fire = on_timer;
	device->path.adapter = DAYS_NONE;
	device->path.deadline_at_ms = UINT64_MAX;
}
