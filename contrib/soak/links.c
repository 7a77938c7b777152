/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/links.h"

#include "ipc/bleherd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINGER_MS = 1000 /* supervisor/device_rules.c */, MARGIN_MS = 10000, REQUEST_MS = 20000 };

/*
 * More than that between two pictures is not counted: nobody was there to be asked, and what was
 * not seen is not held against anybody.
 */
enum { STEP_MAX_US = 2 * PICTURE_EVERY_US };

/* A link that nobody was seen to own since. */
struct unowned {
	uint64_t address;
	int64_t for_us;
	uint64_t requests;
	bool is_there, is_told;
};

struct links {
	struct links_settings settings;
	int64_t last_us;
	uint64_t checked, broken;
	size_t n;
	struct unowned all[PICTURE_DEVICES_MAX];
};

int links_new(struct links **out, const struct links_settings *settings)
{
	struct links *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->settings = *settings;
	if (settings->linger_ms == 0)
		l->settings.linger_ms = LINGER_MS;
	if (settings->margin_ms == 0)
		l->settings.margin_ms = MARGIN_MS;
	if (settings->request_ms == 0)
		l->settings.request_ms = REQUEST_MS;
	*out = l;
	return 0;
}

struct links *links_free(struct links *l)
{
	free(l);
	return NULL;
}

static struct unowned *unowned_of(struct links *l, uint64_t address)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].address == address)
			return &l->all[i];
	if (l->n == PICTURE_DEVICES_MAX)
		return NULL;
	l->all[l->n] = (struct unowned){ .address = address };
	return &l->all[l->n++];
}

/* Of a link on another adapter than its session nobody makes use. */
static bool is_owner(const struct picture_session *session, const struct picture_device *device,
		     const char *adapter)
{
	if (session->address != device->address ||
	    (!session->holds_link && !session->subscriptions))
		return false;
	return !session->is_served || adapter[0] == '\0' || strcmp(session->adapter, adapter) == 0;
}

static bool is_owned(const struct picture *picture, const struct picture_device *device)
{
	const char *adapter = picture->adapters[device->link].name;

	for (size_t i = 0; i < picture->n_sessions; i++)
		if (is_owner(&picture->sessions[i], device, adapter))
			return true;
	return device->is_kept;
}

static bool has_session(const struct picture *picture, uint64_t address)
{
	for (size_t i = 0; i < picture->n_sessions; i++)
		if (picture->sessions[i].address == address)
			return true;
	return false;
}

static void judge(struct links *l, const struct picture *picture,
		  const struct picture_device *device, struct unowned *unowned)
{
	int64_t may_ms = (int64_t)l->settings.linger_ms + l->settings.margin_ms;
	bool is_open = has_session(picture, device->address);
	char text[160], address[18];

	if (is_open)
		may_ms += l->settings.request_ms;
	if (unowned->for_us <= may_ms * 1000 || unowned->is_told)
		return;
	unowned->is_told = true;
	l->broken++;
	bh_format_address(device->address, address);
	(void)snprintf(text, sizeof(text), "the link to %s on %s has no owner for %" PRId64 " s%s",
		       address, picture->adapters[device->link].name, unowned->for_us / 1000000,
		       is_open ? ": its sessions do not hold it" : ": there is no session");
	l->settings.violation(l->settings.ctx, "owner", picture->at_us, text);
}

void links_look(struct links *l, const struct picture *picture, bool is_faulty)
{
	struct unowned *unowned;
	int64_t step_us;

	if (!picture)
		return;
	step_us = l->last_us == 0 ? 0 : picture->at_us - l->last_us;
	l->last_us = picture->at_us;
	if (step_us > STEP_MAX_US)
		step_us = STEP_MAX_US;
	for (size_t i = 0; i < picture->n_devices; i++) {
		const struct picture_device *device = &picture->devices[i];

		unowned = unowned_of(l, device->address);
		if (!unowned)
			continue;
		l->checked += device->link >= 0;
		if (device->link < 0 || is_faulty || device->requests != unowned->requests ||
		    is_owned(picture, device)) {
			unowned->requests = device->requests;
			unowned->is_there = false;
			unowned->is_told = false;
			unowned->for_us = 0;
			continue;
		}
		/* The time before it was first seen unowned is nobody's. */
		unowned->for_us += unowned->is_there ? step_us : 0;
		unowned->is_there = true;
		judge(l, picture, device, unowned);
	}
}

uint64_t links_checked(const struct links *l)
{
	return l->checked;
}

uint64_t links_broken(const struct links *l)
{
	return l->broken;
}
