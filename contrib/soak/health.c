/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/health.h"

#include "ipc/bleherd.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void health_begin(struct health *h, const struct health_settings *settings, int64_t now_us)
{
	*h = (struct health){ .settings = *settings, .began_us = now_us };
	(void)snprintf(h->why, sizeof(h->why), "the daemon has not answered yet");
}

_printf_(2, 3) static bool is_ill(struct health *h, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(h->why, sizeof(h->why), format, ap);
	va_end(ap);
	return true;
}

static bool has_ill_adapter(struct health *h, const struct picture *picture)
{
	for (size_t i = 0; i < picture->n_adapters; i++) {
		const struct picture_adapter *adapter = &picture->adapters[i];

		if (adapter->name[0] == '\0')
			return is_ill(
				h, "the daemon knows no adapter of the address of adapter %zu", i);
		if (!adapter->is_ready)
			return is_ill(h, "%s is %s", adapter->name, adapter->state);
	}
	return picture->n_adapters == 0 && is_ill(h, "there is no adapter");
}

static bool has_waiting_session(struct health *h, const struct picture *picture)
{
	char address[18];

	for (size_t i = 0; i < picture->n_sessions; i++) {
		const struct picture_session *session = &picture->sessions[i];

		if (!session->is_waiting)
			continue;
		bh_format_address(session->address, address);
		return is_ill(h, "session %u of %s on %s waits for %u ms: %s", session->session,
			      session->label, address, session->state_for_ms, session->text);
	}
	return false;
}

static bool has_other(struct health *h)
{
	const char *client = h->settings.client(h->settings.ctx, h->began_us);
	const char *lock = h->settings.lock ? h->settings.lock(h->settings.ctx) : NULL;

	if (client)
		return is_ill(h, "%s has had no success since", client);
	return lock && is_ill(h, "%s", lock);
}

int health_look(struct health *h, const struct picture *picture, int64_t now_us)
{
	char text[sizeof(h->why) + 64];

	if (h->outcome != HEALTH_PENDING)
		return h->outcome;
	if (picture && picture->at_us > h->began_us && !has_ill_adapter(h, picture) &&
	    !has_waiting_session(h, picture) && !has_other(h)) {
		h->why[0] = '\0';
		return h->outcome = HEALTH_WELL;
	}
	if (now_us - h->began_us < h->settings.bound_ms * 1000)
		return HEALTH_PENDING;
	h->outcome = HEALTH_ILL;
	(void)snprintf(text, sizeof(text), "%" PRId64 " s after the last fault %s",
		       (now_us - h->began_us) / 1000000, h->why);
	h->settings.violation(h->settings.ctx, "healthy", now_us, text);
	return HEALTH_ILL;
}

const char *health_why(const struct health *h)
{
	return h->why;
}
