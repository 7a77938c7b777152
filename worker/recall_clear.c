/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CACHE_CLEAR: what is remembered of a device is forgotten, and where a person wants that BlueZ
 * forgets it, too (RemoveDevice); worker/recall.h. Never in the middle of a link or of an attempt,
 * and a bond goes only where that was said in so many words: nobody but a person can make a new
 * one.
 */
#include "worker/gatt_cache.h"
#include "worker/recall.h"

#include "worker/objpath.h"

#include <stdio.h>

/* As in cure_stale.c: 1.8 s in the lab for a device that is connected. */
enum { REMOVE_MS = 5000 };

struct removal {
	TAILQ_ENTRY(removal) entry;
	struct worker *w;
	uint32_t id;
};

static struct removal *forget(struct removal *removal)
{
	if (removal)
		TAILQ_REMOVE(&removal->w->removals, removal, entry);
	free(removal);
	return NULL;
}

void recall_end(struct worker *w)
{
	while (!TAILQ_EMPTY(&w->removals))
		forget(TAILQ_FIRST(&w->removals));
}

static void answer(struct worker *w, uint32_t id, enum err_class class, const char *text,
		   bool is_removed)
{
	Bh__Ctl__CacheCleared msg = BH__CTL__CACHE_CLEARED__INIT;

	msg.has_class_ = msg.has_removed = 1;
	msg.class_ = (Bh__Class) class;
	msg.text = (char *)(uintptr_t)text;
	msg.removed = is_removed;
	port_send(w->up, BH__CTL__TYPE__CACHE_CLEARED, id, 0, &msg.base);
}

static void on_removed(void *ctx, const struct bus_result *result)
{
	struct removal *removal = ctx;
	bool is_gone = result->reply != NULL || result->is_unknown;

	answer(removal->w, removal->id, is_gone ? CLASS_NONE : result->class,
	       is_gone ? NULL : result->text, result->reply != NULL);
	forget(removal);
}

/* Negative: it cannot be sent; @removal is still the caller's. */
static int call_remove(struct removal *removal, uint64_t addr)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = addr };
	struct worker *w = removal->w;
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	objpath_format(&object, w->adapter_path, path);
	r = bus_message(w->bus, &m, w->adapter_path, "org.bluez.Adapter1", "RemoveDevice");
	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_OBJECT_PATH, path);
	if (r >= 0)
		r = bus_call(w->bus, m, ERRORS_CALL_OTHER, REMOVE_MS, on_removed, removal, NULL);
	sd_bus_message_unref(m);
	return r;
}

/* Why BlueZ must not be made to forget it now; NULL: it may. */
static const char *refusal(const struct worker *w, const struct device *device, bool takes_bond,
			   enum err_class *out_class)
{
	const struct link *link = links_find(w->links, device->addr);

	*out_class = CLASS_BUSY_SAME_DEVICE;
	if (device->is_connected || (link && link->state != LINK_DOWN))
		return "BlueZ cannot forget it while it is connected, or about to be";
	*out_class = CLASS_INVALID;
	if ((device->is_bonded || device->is_paired) && !takes_bond)
		return "it is paired, and would not be any more";
	return NULL;
}

static void clear_bluez(struct worker *w, uint32_t id, const Bh__Ctl__CacheClear *clear)
{
	const struct device *device = mirror_device(w->mirror, clear->address);
	struct removal *removal;
	enum err_class class;
	const char *text;

	if (!device) {
		answer(w, id, CLASS_NONE, NULL, false);
		return;
	}
	text = refusal(w, device, clear->bond, &class);
	if (text) {
		answer(w, id, class, text, false);
		return;
	}
	removal = calloc(1, sizeof(*removal));
	if (removal) {
		removal->w = w;
		removal->id = id;
		TAILQ_INSERT_TAIL(&w->removals, removal, entry);
	}
	if (!removal || call_remove(removal, clear->address) < 0) {
		forget(removal);
		answer(w, id, CLASS_BLUEZ_GONE, "the call could not be sent", false);
	}
}

int recall_on_clear(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__CacheClear *clear = msg;
	struct worker *w = ctx;

	gatt_cache_drop(w->gatt_cache, clear->address);
	if (clear->bluez)
		clear_bluez(w, frame->id, clear);
	else if (frame->id != 0)
		answer(w, frame->id, CLASS_NONE, NULL, false);
	return 0;
}
