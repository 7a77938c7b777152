/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/cure.h"

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/gatt_cache.h"
#include "worker/link.h"
#include "worker/objpath.h"

#include <stdio.h>
#include <string.h>

/* The supervisor answers in a millisecond, or its MGMT socket is in trouble. */
enum { ASK_MS = 1000 };

static const struct cure *const CURES[] = {
	&CURE_OF_PHANTOM, &CURE_OF_INACTIVE, &CURE_OF_ORPHAN,
	&CURE_OF_PENDING, &CURE_OF_STALE,    &CURE_OF_DEAD,
};

static bool is_on(const struct worker *w, enum workaround workaround)
{
	return w->workarounds & 1u << workaround;
}

/* NULL: there is nothing to cure, or it is not wanted. */
static const struct cure *cure_for(const struct worker *w, enum diagnosis state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(CURES); i++)
		if (CURES[i]->state == state && is_on(w, CURES[i]->workaround))
			return CURES[i];
	return NULL;
}

static enum diagnosis diagnose(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	struct diagnosis_evidence evidence = {
		.has_object = device != NULL,
		.kernel = link->cure.kernel,
		.peer = link->peer,
		.failed = link->cure.failed,
	};

	if (device) {
		evidence.is_connected = device->is_connected;
		evidence.is_resolved = device->is_resolved;
		evidence.is_late =
			clock_now_ms() >= device->connected_at_ms + link->w->gatt_late_ms;
	}
	return diagnosis_of(&evidence);
}

static void ask(struct link *link)
{
	struct cure_run *run = &link->cure;

	run->is_asking = true;
	run->is_stepping = false;
	deadline_set(link->w->deadlines, &run->limit, clock_now_ms() + (link->w->up ? ASK_MS : 0));
	if (link->w->up)
		link_tell(link, BH__CTL__TYPE__KERNEL_LINK);
}

void cure_stop(struct link *link)
{
	struct cure_run *run = &link->cure;

	deadline_clear(link->w->deadlines, &run->limit);
	if (run->call)
		bus_abandon(run->call);
	run->call = NULL;
	run->is_asking = false;
	run->is_stepping = false;
	run->cure = NULL;
}

/* --- steps --- */

/* BlueZ answers before it signals what it did, and MGMT long before: until then nothing is known.
 */
static bool is_shown(const struct link *link)
{
	const struct cure_run *run = &link->cure;
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	if (run->cure->steps[run->step - 1].kind == CURE_REMOVE)
		return !device;
	return !device || !device->is_connected;
}

static void on_step_answered(struct link *link, bool is_done)
{
	/* What BlueZ said its InProgress of is over. */
	if (is_done)
		link->cure.failed = CLASS_NONE;
	if (!is_done || is_shown(link))
		ask(link);
}

static void on_called(void *ctx, const struct bus_result *result)
{
	struct link *link = ctx;

	link->cure.call = NULL;
	on_step_answered(link, result->reply != NULL);
}

static int remove_device(struct link *link, uint32_t limit_ms)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = link->addr };
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	gatt_cache_drop(link->w->gatt_cache, link->addr);
	objpath_format(&object, link->w->adapter_path, path);
	r = bus_message(link->w->bus, &m, link->w->adapter_path, "org.bluez.Adapter1",
			"RemoveDevice");
	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_OBJECT_PATH, path);
	if (r >= 0)
		r = bus_call(link->w->bus, m, ERRORS_CALL_OTHER, limit_ms, on_called, link,
			     &link->cure.call);
	sd_bus_message_unref(m);
	return r;
}

static int disconnect(struct link *link, uint32_t limit_ms)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = link->addr };
	char path[OBJPATH_LEN];

	objpath_format(&object, link->w->adapter_path, path);
	return worker_call(link->w, path, "org.bluez.Device1", "Disconnect", ERRORS_CALL_OTHER,
			   limit_ms, on_called, link, &link->cure.call);
}

static const struct {
	const char *name;
	int (*call)(struct link *link, uint32_t limit_ms);
} KINDS[] = {
	[CURE_WAIT] = { "waited", NULL },
	[CURE_END] = { "MGMT Disconnect", NULL },
	[CURE_DISCONNECT] = { "Disconnect", disconnect },
	[CURE_REMOVE] = { "RemoveDevice", remove_device },
};

/* Whether it makes sense, and may be. */
static bool is_possible(const struct link *link, const struct cure_step *step)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	bool is_kept = device && (device->is_bonded || device->is_paired) &&
		       !is_on(link->w, WORKAROUND_REMOVE_BONDED);

	if (step->kind == CURE_REMOVE)
		return device && !is_kept;
	if (step->kind == CURE_END)
		return link->w->up != NULL;
	if (step->kind == CURE_DISCONNECT)
		return device && (!step->only_bonded || is_kept);
	return true;
}

static void note(struct cure_run *run, const char *name)
{
	size_t at = strlen(run->done);

	(void)snprintf(run->done + at, sizeof(run->done) - at, "%s%s", at > 0 ? ", " : "", name);
}

static void begin_step(struct link *link, const struct cure_step *step)
{
	struct cure_run *run = &link->cure;

	note(run, KINDS[step->kind].name);
	run->is_stepping = true;
	deadline_set(link->w->deadlines, &run->limit, clock_now_ms() + step->limit_ms);
	if (step->kind == CURE_END)
		link_tell(link, BH__CTL__TYPE__LINK_END);
	/* One that cannot be sent runs into the step's limit. */
	if (KINDS[step->kind].call)
		(void)!KINDS[step->kind].call(link, step->limit_ms);
}

/* --- the outcome --- */

/* The last step did not help, or the same did not lately. */
static void give_up(struct link *link, enum diagnosis state)
{
	char text[LINK_TEXT_LEN];

	stuck_text(link, text, sizeof(text));
	/* It was an attempt: they must come to an end. */
	link_count_attempt(link);
	link_event_why(link, LINK_EV_FAILED, diagnosis_class(state), text);
}

static void look(struct link *link)
{
	struct cure_run *run = &link->cure;
	enum diagnosis state = diagnose(link);

	if (!run->cure)
		run->cure = cure_for(link->w, state);
	if (!run->cure || run->cure->state != state) {
		if (run->cure)
			stuck_tell_cured(link, run->cure->state, run->done, run->began_ms);
		stuck_forget(link);
		link->peer = DIAGNOSIS_PEER_NOT_ASKED;
		link_event(link, LINK_EV_CURED);
		return;
	}
	if (run->step == 0 && stuck_is(link, state)) {
		give_up(link, state);
		return;
	}
	while (run->step < run->cure->n_steps) {
		const struct cure_step *step = &run->cure->steps[run->step++];

		if (!is_possible(link, step))
			continue;
		begin_step(link, step);
		return;
	}
	/* A bond is in the way: then it is tried with what BlueZ remembers. */
	if (state == DIAGNOSIS_STALE && !run->done[0]) {
		link_event(link, LINK_EV_CURED);
		return;
	}
	stuck_note(link, state, run->done, run->began_ms);
	give_up(link, state);
}

static void check(struct link *link)
{
	enum diagnosis state = diagnose(link);
	char addr[ADDR_TEXT_LEN + 1];

	if (!cure_for(link->w, state)) {
		link_event(link, LINK_EV_SOUND);
		return;
	}
	addr_format(link->addr, addr);
	log_info("event=stuck addr=%s state=\"%s\"", addr, diagnosis_name(state));
	link->is_clear_due = true;
	link_event(link, LINK_EV_STUCK);
}

/* The kernel said what it says, or nothing. */
static void answered(struct link *link)
{
	link->cure.is_asking = false;
	deadline_clear(link->w->deadlines, &link->cure.limit);
	if (link->state == LINK_CHECKING)
		check(link);
	else if (link->state == LINK_CURING)
		look(link);
	link_review(link);
}

static void on_limit(struct deadline *deadline)
{
	struct link *link = container_of(deadline, struct link, cure.limit);

	if (link->cure.is_asking) {
		answered(link);
		return;
	}
	if (link->cure.call)
		bus_abandon(link->cure.call);
	link->cure.call = NULL;
	ask(link);
}

void cure_init(struct link *link)
{
	link->cure.limit.fire = on_limit;
}

static void begin(struct link *link)
{
	struct cure_run *run = &link->cure;

	cure_stop(link);
	run->step = 0;
	run->kernel = DIAGNOSIS_KERNEL_UNKNOWN;
	run->failed = link->failed;
	run->began_ms = clock_now_ms();
	run->done[0] = '\0';
	ask(link);
}

void cure_check(struct link *link)
{
	begin(link);
	/* What there is to adopt is there whatever failed before. */
	link->cure.failed = CLASS_NONE;
}

void cure_begin(struct link *link)
{
	link->is_clear_due = false;
	begin(link);
}

void cure_news(struct link *link)
{
	struct cure_run *run = &link->cure;

	if (link->state != LINK_CURING || !run->is_stepping || !is_shown(link))
		return;
	/* It worked, whatever the answer will be. */
	if (run->call)
		bus_abandon(run->call);
	run->call = NULL;
	ask(link);
}

void cure_kernel(struct link *link, const Bh__Ctl__KernelLink *said)
{
	static const enum diagnosis_kernel STATES[] = {
		[BH__CTL__KERNEL_STATE__KERNEL_UNKNOWN] = DIAGNOSIS_KERNEL_UNKNOWN,
		[BH__CTL__KERNEL_STATE__KERNEL_NONE] = DIAGNOSIS_KERNEL_NONE,
		[BH__CTL__KERNEL_STATE__KERNEL_CONNECTING] = DIAGNOSIS_KERNEL_CONNECTING,
		[BH__CTL__KERNEL_STATE__KERNEL_UP] = DIAGNOSIS_KERNEL_UP,
		[BH__CTL__KERNEL_STATE__KERNEL_ENDING] = DIAGNOSIS_KERNEL_ENDING,
	};
	bool is_new = said->state != BH__CTL__KERNEL_STATE__KERNEL_UNKNOWN;

	if (!link->cure.is_asking)
		return;
	/* In the middle of a cure a kernel that says nothing says what it said. */
	if (is_new && (size_t)said->state < ARRAY_LEN(STATES))
		link->cure.kernel = STATES[said->state];
	/* MGMT takes the right type of address only, and without an object nobody else knows it. */
	if (said->has_random)
		link->is_random = said->random;
	answered(link);
}

void cure_link_ended(struct link *link, uint32_t status)
{
	if (link->state == LINK_CURING && link->cure.is_stepping)
		on_step_answered(link, status == 0);
}
