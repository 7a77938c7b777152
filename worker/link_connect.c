/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Device1.Connect of a link: how long it may take, what its answer means, its end; worker/link.h.
 *
 * What BlueZ knows is connected without an advert: the kernel waits for one by itself, and a
 * Connect while discovery runs takes 8.7 s instead of 0.4 (lab-facts.md), so the two come one after
 * the other. A Connect to somebody who is not there keeps all others waiting, though, which
 * discovery does not: who was not heard lately gets a short time to answer, and is sought then.
 */
#include "worker/link.h"

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/objpath.h"

/*
 * CALL_MS: the state's own limit comes first and cancels; this one is for the books.
 * HEARD_MS: as long BlueZ believes in a peripheral that it does not hear any more
 * (TemporaryTimeout, bluetooth-stack.md 7).
 * DIRECT_MS: some adverts of all but the slowest; a connect takes 0.4 s in the lab, ten times that
 * where the radio is busy.
 * CUT_MS: who gets no more before he is sought has failed in it, so whoever was heard has, too.
 */
enum {
	CALL_MS = 90000,
	DISCONNECT_MS = 5000,
	HEARD_MS = 30000,
	DIRECT_MS = 5000,
	CUT_MS = DIRECT_MS,
};

static const char DEVICE[] = "org.bluez.Device1";

int link_call(struct link *link, const char *member, uint32_t timeout_ms, bus_done done,
	      struct bus_call **out)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = link->addr };
	char path[OBJPATH_LEN];

	objpath_format(&object, link->w->adapter_path, path);
	return worker_call(link->w, path, DEVICE, member, ERRORS_CALL_CONNECT, timeout_ms, done,
			   link, out);
}

bool link_is_there(const struct link *link, const struct device *device)
{
	return device && !(link->is_silent && link->attempts > 0);
}

/* A link that ended was a sign of life until then. */
static bool is_heard_lately(const struct device *device, uint64_t now_ms)
{
	uint64_t at_ms = device->heard_at_ms > device->connected_at_ms ? device->heard_at_ms
								       : device->connected_at_ms;

	return at_ms != 0 && now_ms - at_ms <= HEARD_MS;
}

/* Temporary objects go by themselves, and others with a RemoveDevice: no failure of the attempt. */
static void vanished(struct link *link)
{
	char addr[ADDR_TEXT_LEN + 1];

	addr_format(link->addr, addr);
	log_info(
		"event=attempt-seeks addr=%s text=\"BlueZ has forgotten the peripheral meanwhile\"",
		addr);
	/* Its going looked like the end of a Connect. */
	link_cause_forget(link);
	link->is_silent = true;
	link_event(link, LINK_EV_VANISHED);
}

static void on_connect(void *ctx, const struct bus_result *result)
{
	struct link *link = ctx;

	link->call = NULL;
	if (result->reply)
		link_event(link, LINK_EV_CONNECTED);
	else if (link->state == LINK_CANCELLING)
		link_event(link, LINK_EV_FAILED); /* as asked: why it was cancelled is known */
	else if (result->is_unknown)
		vanished(link);
	else
		link_event_vague(link, LINK_EV_FAILED, result->class, result->text);
	link_review(link);
}

void link_count_attempt(struct link *link)
{
	if (link->attempts++ == 0)
		link->attempts_since_ms = clock_now_ms();
}

void link_connect(struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	const uint64_t now_ms = clock_now_ms();
	const char *text;
	enum err_class trouble = worker_trouble(link->w, &text);

	if (trouble != CLASS_NONE) {
		link_event_why(link, LINK_EV_FAILED, trouble, text);
		return;
	}
	if (!device) {
		vanished(link);
		return;
	}
	link->is_random = device->is_random;
	/* An attempt of its own: given up because nobody wants it, it is no failure. */
	link->failed = CLASS_NONE;
	link->is_silent = false;
	link_cause_forget(link);
	if (link->left)
		bus_abandon(link->left);
	link->left = NULL;
	if (!is_heard_lately(device, now_ms))
		deadline_set(link->w->deadlines, &link->limit, now_ms + DIRECT_MS);
	worker_op_begin(link->w, &link->op, WPAGE_OP_CONNECT,
			link_table_limit_ms(LINK_CONNECTING) +
				link_table_limit_ms(LINK_CANCELLING));
	if (link_call(link, "Connect", CALL_MS, on_connect, &link->call) < 0)
		link_event_why(link, LINK_EV_FAILED, CLASS_BLUEZ_GONE,
			       "the call could not be sent");
}

static void on_cancelled(void *ctx, const struct bus_result *result)
{
	struct link *link = ctx;

	(void)result; /* what counts is the answer to Connect */
	link->end_call = NULL;
}

/*
 * Its requests ended before it did, after a time in which it would have come up. Where all attempts
 * hang and wait for each other none would ever fail by itself: that is counted, or the device would
 * stay on an adapter that cannot connect it.
 */
static void tell_cut(const struct link *link)
{
	Bh__Ctl__AttemptFailed msg = BH__CTL__ATTEMPT_FAILED__INIT;

	if (link_is_wanted(link) || !link->op.is_on || !link->w->up ||
	    clock_span_ms(link->op.at_ms, clock_now_ms()) < CUT_MS)
		return;
	msg.has_address = msg.has_class_ = msg.has_cut = 1;
	msg.address = link->addr;
	/* As if its own time had been over. */
	msg.class_ = (Bh__Class)CLASS_NOT_FOUND;
	msg.cut = true;
	port_send(link->w->up, BH__CTL__TYPE__ATTEMPT_FAILED, 0, 0, &msg.base);
}

void link_cancel(struct link *link)
{
	tell_cut(link);
	if (!link->end_call)
		(void)!link_call(link, "Disconnect", DISCONNECT_MS, on_cancelled, &link->end_call);
}

static void on_left(void *ctx, const struct bus_result *result)
{
	struct link *link = ctx;

	link->left = NULL;
	/* Somebody may want it by now; then it is the link that he waits for. */
	if (result->reply && link->state == LINK_DOWN && !link_is_wanted(link))
		link_event(link, LINK_EV_CONNECTED);
	link_review(link);
}

void link_connect_leave(struct link *link)
{
	if (!link->call)
		return;
	if (link->left)
		bus_abandon(link->left);
	link->left = TAKE_PTR(link->call);
	bus_call_leave(link->left, on_left, link);
}
