/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/strays_watch.c - reads the kernel's lists of connections and ends what strays.c names.
 * What BlueZ shows is what the adapter's worker has told: only where one is ready is anything said.
 */
#include "ipc/clock.h"
#include "ipc/workarounds.h"
#include "supervisor/devices.h"
#include "supervisor/mgmt.h"
#include "supervisor/reset.h"
#include "supervisor/sessions_state.h"
#include "supervisor/strays.h"
#include "supervisor/worker_rules.h"

/* A worker that has a session on it has its own ways: it may be connecting it this moment. */
static bool is_sought(const struct sup *sup, uint64_t address)
{
	const struct session *session;
	bool is_searching = false;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	{
		if (session->is_scan || session->address != address)
			continue;
		if (session->state == SESSION_SERVED)
			return false;
		is_searching |= session->is_searching;
	}
	return is_searching;
}

static bool is_shown(const struct sup *sup, const struct adapter *adapter, uint64_t address)
{
	const struct sighting *sighting =
		device_sighting(devices_find(sup->devices, address), adapter->index);

	return sighting && sighting->is_connected;
}

/* BlueZ shows a link that the kernel may list under another address: nobody can tell which. */
static bool is_unclear(const struct adapter *adapter, const uint8_t *data, size_t len)
{
	const struct sup *sup = adapter->sup;
	const struct device *device;
	enum mgmt_address_type type;
	size_t cursor = 0;

	while ((device = devices_next(sup->devices, &cursor)))
		if (strays_may_be_alias(device->address, device->is_random) &&
		    is_shown(sup, adapter, device->address) &&
		    mgmt_codec_listed(data, len, device->address, &type) != 0)
			return true;
	return false;
}

static void on_ended(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		     struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);
	struct event event;

	(void)data;
	(void)len;
	if (!adapter || child_incarnation(adapter->child) != token.who)
		return;
	/* Another disconnect of the adapter is under way: the kernel takes one at a time. */
	if (status == MGMT_STATUS_BUSY || status == MGMT_STATUS_NO_ANSWER)
		strays_untried(&adapter->strays, token.address);
	/* It went by itself, or its worker has ended it. */
	if (status == MGMT_STATUS_BUSY || status == MGMT_STATUS_NO_ANSWER ||
	    status == MGMT_STATUS_NOT_CONNECTED)
		return;
	event = worker_event(adapter, status == MGMT_STATUS_SUCCESS ? EVENT_CURED : EVENT_STUCK);
	event.address = token.address;
	if (status == MGMT_STATUS_SUCCESS) {
		events_add(sup->events, &event, "orphan handle: MGMT Disconnect; gone");
		return;
	}
	event.class = CLASS_PHANTOM;
	events_add(sup->events, &event,
		   "orphan handle: MGMT Disconnect did not help (%s); bleherd reset %s would",
		   mgmt_codec_status_text(status), adapter->name);
}

static void end(struct adapter *adapter, const struct stray *stray)
{
	const struct mgmt_token token = { .who = child_incarnation(adapter->child),
					  .address = stray->address };

	if (mgmt_disconnect(adapter->sup->mgmt, adapter->index, stray->address, stray->is_random,
			    on_ended, token) < 0)
		strays_untried(&adapter->strays, stray->address);
}

static void on_connections(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			   size_t len, struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);
	struct mgmt_peer listed[STRAYS_MAX];
	struct stray seen[STRAYS_MAX];
	const struct stray *stray;
	uint64_t now_ms = clock_now_ms();
	size_t n = 0;
	size_t n_seen = 0;
	size_t i;

	if (!adapter)
		return;
	adapter->strays.is_asking = false;
	if (child_incarnation(adapter->child) != token.who || !adapter_is_suitable(adapter))
		return;
	if (status == MGMT_STATUS_SUCCESS)
		n = mgmt_codec_links(data, len, listed, STRAYS_MAX);
	for (i = 0; i < n; i++)
		if (!is_shown(sup, adapter, listed[i].address))
			seen[n_seen++] = (struct stray){
				.address = listed[i].address,
				.is_random = listed[i].type == MGMT_LE_RANDOM,
				.is_sought = is_sought(sup, listed[i].address),
			};
	if (n_seen > 0 && is_unclear(adapter, data, len))
		n_seen = 0;
	strays_note(&adapter->strays, seen, n_seen, now_ms);
	while ((stray = strays_take(&adapter->strays, now_ms)))
		end(adapter, stray);
}

static void look(struct adapter *adapter, bool is_hurried, uint64_t now_ms)
{
	const struct mgmt_token token = { .who = child_incarnation(adapter->child) };
	struct strays *strays = &adapter->strays;

	if (!adapter_is_suitable(adapter) || reset_is_of(adapter->sup, adapter->address)) {
		strays->n = 0;
		/* What comes back with it is looked at soon. */
		strays->has_news = true;
		return;
	}
	if (!strays_is_look_due(strays, adapter->state.links, is_hurried, now_ms))
		return;
	strays_looked(strays,
		      mgmt_send(adapter->sup->mgmt, MGMT_GET_CONNECTIONS, adapter->index, NULL, 0,
				on_connections, token) == 0,
		      now_ms);
}

/* A keeper waits for as long as it takes, and nobody with it. */
static bool is_any_sought(const struct sup *sup)
{
	const struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->homeless, homeless)
	if (session->is_searching && !session->keeper)
		return true;
	return false;
}

void strays_watch(struct sup *sup)
{
	uint64_t now_ms = clock_now_ms();
	bool is_hurried;
	size_t i;

	if (!(sup->config.workarounds & WORKAROUND_BIT(ORPHAN)) || sup->is_stopping ||
	    !mgmt_is_up(sup->mgmt))
		return;
	is_hurried = is_any_sought(sup);
	for (i = 0; i < sup->adapters->n; i++)
		look(sup->adapters->list[i], is_hurried, now_ms);
}
