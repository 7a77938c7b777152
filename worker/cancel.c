/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/cancel.h"

#include "worker/link.h"
#include "worker/objpath.h"

enum { DISCONNECT_MS = 5000 }; /* answered at once where no link is up */

struct cancel {
	TAILQ_ENTRY(cancel) entry;
	struct cancels *cancels;
	uint32_t id;
	uint64_t addr;
};

struct cancels {
	struct worker *w;
	TAILQ_HEAD(, cancel) waiting; /* for bluetoothd */
};

static void answer(const struct worker *w, uint32_t id, uint64_t addr, Bh__Ctl__Cancel outcome,
		   const char *text)
{
	Bh__Ctl__ConnectCancel msg = BH__CTL__CONNECT_CANCEL__INIT;

	msg.has_address = msg.has_outcome = 1;
	msg.address = addr;
	msg.outcome = outcome;
	msg.text = (char *)(uintptr_t)text;
	port_send(w->up, BH__CTL__TYPE__CONNECT_CANCELLED, id, 0, &msg.base);
}

static struct cancel *cancel_free(struct cancel *cancel)
{
	TAILQ_REMOVE(&cancel->cancels->waiting, cancel, entry);
	free(cancel);
	return NULL;
}

/* A Connect goes with its device, with bluetoothd and with the adapter's power. */
static bool is_nothing_left(const struct worker *w, enum err_class class)
{
	if (class == CLASS_BLUEZ_GONE) /* or only the bus */
		return bus_is_up(w->bus) && !mirror_has_bluez(w->mirror);
	return class == CLASS_NOT_FOUND || class == CLASS_ADAPTER_GONE ||
	       class == CLASS_NOT_POWERED || class == CLASS_RFKILL;
}

static void on_done(void *ctx, const struct bus_result *result)
{
	struct cancel *cancel = ctx;
	const struct worker *w = cancel->cancels->w;

	if (result->reply)
		answer(w, cancel->id, cancel->addr, BH__CTL__CANCEL__CANCEL_DONE, NULL);
	else if (is_nothing_left(w, result->class))
		answer(w, cancel->id, cancel->addr, BH__CTL__CANCEL__CANCEL_NOTHING, NULL);
	else
		answer(w, cancel->id, cancel->addr, BH__CTL__CANCEL__CANCEL_FAILED, result->text);
	cancel_free(cancel);
}

/* Not CANCELLING: a second Disconnect does no harm, and its answer says when it is done. */
static bool is_ours(const struct link *link)
{
	return link && (link->state == LINK_CONNECTING || link->state == LINK_RESOLVING ||
			link->state == LINK_UP || link->state == LINK_ENDING);
}

static int ask(struct cancels *cancels, uint32_t id, uint64_t addr)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = addr };
	struct cancel *cancel = calloc(1, sizeof(*cancel));
	char path[OBJPATH_LEN];
	int r;

	if (!cancel)
		return -ENOMEM;
	cancel->cancels = cancels;
	cancel->id = id;
	cancel->addr = addr;
	TAILQ_INSERT_TAIL(&cancels->waiting, cancel, entry);
	objpath_format(&object, cancels->w->adapter_path, path);
	r = worker_call(cancels->w, path, "org.bluez.Device1", "Disconnect", ERRORS_CALL_OTHER,
			DISCONNECT_MS, on_done, cancel, NULL);
	if (r < 0)
		cancel_free(cancel);
	return r;
}

void cancels_begin(struct cancels *cancels, uint32_t id, uint64_t addr)
{
	const struct worker *w = cancels->w;
	const struct device *device = mirror_device(w->mirror, addr);
	Bh__Ctl__Cancel outcome = BH__CTL__CANCEL__CANCEL_NOTHING;
	const char *text = NULL;

	if (!bus_is_up(w->bus)) {
		outcome = BH__CTL__CANCEL__CANCEL_FAILED;
		(void)worker_trouble(w, &text);
	} else if (is_ours(links_find(w->links, addr)) || (device && device->is_connected)) {
		outcome = BH__CTL__CANCEL__CANCEL_LINKED;
	} else if (device) {
		if (ask(cancels, id, addr) == 0)
			return;
		outcome = BH__CTL__CANCEL__CANCEL_FAILED;
		text = "the call could not be sent";
	}
	answer(w, id, addr, outcome, text);
}

int cancels_new(struct cancels **out, struct worker *w)
{
	struct cancels *cancels = calloc(1, sizeof(*cancels));

	if (!cancels)
		return -ENOMEM;
	cancels->w = w;
	TAILQ_INIT(&cancels->waiting);
	*out = cancels;
	return 0;
}

struct cancels *cancels_free(struct cancels *cancels)
{
	struct cancel *cancel;

	if (!cancels)
		return NULL;
	while ((cancel = TAILQ_FIRST(&cancels->waiting)))
		cancel_free(cancel);
	free(cancels);
	return NULL;
}
