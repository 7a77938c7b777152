/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/power_up.h"

#include "ipc/clock.h"
#include "ipc/errors.h"
#include "ipc/workarounds.h"
#include "supervisor/adapters.h"
#include "supervisor/events.h"
#include "supervisor/mgmt.h"
#include "supervisor/reset.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_rules.h"

bool power_up_is_due(const struct power_up *power_up, const struct power_up_view *view,
		     uint64_t now_ms)
{
	if (view->trouble != CLASS_NOT_POWERED || view->is_on || view->is_resetting ||
	    !view->is_wanted)
		return false;
	return power_up->tried_at_ms == 0 || now_ms - power_up->tried_at_ms >= POWER_UP_REST_MS;
}

enum err_class power_up_class(uint8_t status)
{
	/* BUSY: somebody else switches it, as bluetoothd does with an adapter that is new. */
	if (status == MGMT_STATUS_SUCCESS || status == MGMT_STATUS_BUSY)
		return CLASS_NONE;
	/* What 6.1 and 6.12 say of a controller that answers nothing. */
	if (status == MGMT_STATUS_NO_ANSWER || status == MGMT_STATUS_AUTH_FAILED)
		return CLASS_NO_REPLY;
	return errors_from_mgmt(status);
}

static void tell(const struct adapter *adapter, enum event_kind kind, enum err_class class,
		 const char *text)
{
	struct event event = worker_event(adapter, kind);

	event.class = class;
	events_add(adapter->sup->events, &event, "power: %s", text);
}

static void on_answer(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		      struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);
	enum err_class class = power_up_class(status);
	enum err_class told;

	(void)data;
	(void)len;
	if (!adapter || adapter->address != token.address)
		return;
	told = adapter->power_up.told;
	adapter->power_up.told = class;
	if (status == MGMT_STATUS_SUCCESS)
		tell(adapter, EVENT_CURED, CLASS_NONE, "switched on");
	else if (class != CLASS_NONE && class != told)
		tell(adapter, EVENT_STUCK, class,
		     class == CLASS_NO_REPLY ? "it does not answer"
					     : mgmt_codec_status_text(status));
}

static bool has_adapter(const struct session *session)
{
	const struct adapters *adapters = session->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (adapter_is_suitable(adapters->list[i]) &&
		    finder_allows(session, adapters->list[i]))
			return true;
	return false;
}

/* One that waits while another adapter works waits for its peripheral. */
static bool is_wanted(const struct adapter *adapter)
{
	const struct session *session;

	TAILQ_FOREACH(session, &adapter->sup->sessions->all, entry)
	{
		if (session->state == SESSION_SERVED) {
			if (session->home == adapter->index)
				return true;
			continue;
		}
		if (finder_allows(session, adapter) && !has_adapter(session))
			return true;
	}
	return false;
}

static void look(struct adapter *adapter, uint64_t now_ms)
{
	struct mgmt_token token = { .address = adapter->address };
	const char *text;
	struct power_up_view view = {
		.is_on = adapter->has_power,
		.is_resetting = reset_is_of(adapter->sup, adapter->address),
		.trouble = adapter_trouble(adapter, &text),
	};

	/* Who wants it is asked only of those that are off. */
	view.is_wanted = view.trouble == CLASS_NOT_POWERED && is_wanted(adapter);
	if (!power_up_is_due(&adapter->power_up, &view, now_ms))
		return;
	/* A socket that is lost comes back. */
	if (mgmt_set_powered(adapter->sup->mgmt, adapter->index, true, on_answer, token) == 0)
		adapter->power_up.tried_at_ms = now_ms;
}

void power_up_watch(struct sup *sup)
{
	uint64_t now_ms = clock_now_ms();
	size_t i;

	if (!(sup->config.workarounds & WORKAROUND_BIT(POWER)) || sup->is_stopping)
		return;
	for (i = 0; i < sup->adapters->n; i++)
		if (sup->adapters->list[i]->is_present)
			look(sup->adapters->list[i], now_ms);
}
