/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/enumerate.h"

#include <stdio.h>
#include <string.h>

#include "ipc/errors.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/lockd_child.h"
#include "supervisor/reset.h"
#include "supervisor/sessions.h"
#include "supervisor/worker_child.h"

enum { AGAIN_MS = 60000 };

/* HCI says why a link ended; MGMT condenses it to these. */
enum { REASON_TIMEOUT = 1, REASON_REMOTE = 3 };

static const struct mgmt_token NO_TOKEN = { .who = 0 };

/* A program that asks for an adapter in the first moments is not told that there is none. */
static void note_enumerated(struct sup *sup)
{
	if (sup->infos_asked > 0 || !sup->is_listed || sup->is_enumerated)
		return;
	sup->is_enumerated = true;
	lockd_child_adapters(sup->lockd);
	sessions_adapter_changed(sup);
}

static void plug(struct sup *sup, uint16_t index, const uint8_t *data, size_t len)
{
	struct mgmt_info info;
	int r;

	r = mgmt_codec_info(data, len, &info);
	if (r == 0)
		r = adapters_plug(sup, index, info.address, info.current_settings);
	if (r < 0)
		log_error("adapter=hci%u error=\"%s\"", index, strerror(-r));
}

static void on_info(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		    struct mgmt_token token)
{
	struct sup *sup = ctx;

	(void)token;
	sup->infos_asked--;
	if (status == MGMT_STATUS_SUCCESS && !sup->is_stopping)
		plug(sup, index, data, len);
	note_enumerated(sup);
}

static void ask_info(struct sup *sup, uint16_t index)
{
	if (mgmt_send(sup->mgmt, MGMT_READ_INFO, index, NULL, 0, on_info, NO_TOKEN) < 0)
		log_warn("mgmt=busy adapter=hci%u", index);
	else
		sup->infos_asked++;
}

static bool is_listed(const struct mgmt_index_list *list, uint16_t index)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->indexes[i] == index)
			return true;
	return false;
}

static void on_index_list(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			  size_t len, struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct mgmt_index_list list;
	size_t i;

	(void)index;
	(void)token;
	if (status != MGMT_STATUS_SUCCESS || mgmt_codec_index_list(data, len, &list) < 0)
		return;
	for (i = 0; i < sup->adapters->n; i++)
		if (!is_listed(&list, sup->adapters->list[i]->index))
			adapters_unplug(sup, sup->adapters->list[i]);
	for (i = 0; i < list.n; i++)
		ask_info(sup, list.indexes[i]);
	sup->is_listed = true;
	note_enumerated(sup);
}

static void read_list(struct sup *sup)
{
	/* A socket that is lost reads it when it comes up. */
	if (mgmt_send(sup->mgmt, MGMT_READ_INDEX_LIST, MGMT_INDEX_NONE, NULL, 0, on_index_list,
		      NO_TOKEN) < 0)
		log_debug("mgmt=down list=skipped");
}

/* --- events --- */

static void on_removed(struct sup *sup, const struct mgmt_packet *packet)
{
	struct adapter *adapter = adapters_find(sup->adapters, packet->index);

	if (adapter)
		adapters_unplug(sup, adapter);
}

static void on_added(struct sup *sup, const struct mgmt_packet *packet)
{
	ask_info(sup, packet->index);
}

static void on_settings(struct sup *sup, const struct mgmt_packet *packet)
{
	struct adapter *adapter = adapters_find(sup->adapters, packet->index);
	uint32_t settings;

	if (adapter && mgmt_codec_settings(packet->params, packet->len, &settings) == 0)
		adapters_note_settings(adapter, settings);
}

static void on_link_up(struct sup *sup, const struct mgmt_packet *packet)
{
	struct mgmt_peer peer;

	if (mgmt_codec_peer(packet, &peer) == 0)
		devices_link(sup->devices, peer.address, packet->index, true);
}

/* The worker learns from D-Bus that it failed, and from here why. */
static void tell_cause(struct sup *sup, uint16_t index, const struct mgmt_peer *peer,
		       bool is_disconnect)
{
	struct adapter *adapter = adapters_find(sup->adapters, index);

	if (adapter)
		worker_child_cause(adapter, peer->address, peer->reason, is_disconnect);
}

static void on_link_down(struct sup *sup, const struct mgmt_packet *packet)
{
	struct event event = { .kind = EVENT_LINK_LOST, .class = CLASS_LINK_LOST };
	struct errors_cause cause = { .is_disconnect = true };
	struct mgmt_peer peer;

	if (mgmt_codec_peer(packet, &peer) < 0)
		return;
	tell_cause(sup, packet->index, &peer, true);
	devices_link(sup->devices, peer.address, packet->index, false);
	if (peer.reason != REASON_TIMEOUT && peer.reason != REASON_REMOTE)
		return;
	event.address = peer.address;
	(void)snprintf(event.adapter, sizeof(event.adapter), "hci%u", packet->index);
	cause.status = peer.reason;
	events_add(sup->events, &event, "%s", errors_cause_text(&cause));
}

static void on_failed(struct sup *sup, const struct mgmt_packet *packet)
{
	struct mgmt_peer peer;

	if (mgmt_codec_peer(packet, &peer) < 0)
		return;
	log_debug("mgmt=connect-failed adapter=hci%u status=\"%s\"", packet->index,
		  mgmt_codec_status_text(peer.reason));
	tell_cause(sup, packet->index, &peer, false);
}

static const struct {
	uint16_t code;
	void (*handle)(struct sup *sup, const struct mgmt_packet *packet);
} EVENTS[] = {
	{ MGMT_EV_INDEX_ADDED, on_added },
	{ MGMT_EV_INDEX_REMOVED, on_removed },
	{ MGMT_EV_NEW_SETTINGS, on_settings },
	{ MGMT_EV_DEVICE_CONNECTED, on_link_up },
	{ MGMT_EV_DEVICE_DISCONNECTED, on_link_down },
	{ MGMT_EV_CONNECT_FAILED, on_failed },
};

static void on_event(void *ctx, const struct mgmt_packet *packet)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(EVENTS); i++)
		if (EVENTS[i].code == packet->code)
			EVENTS[i].handle(ctx, packet);
}

static void on_up(void *ctx)
{
	struct sup *sup = ctx;

	events_add(sup->events, &(struct event){ .kind = EVENT_MGMT_UP }, "MGMT socket open");
	read_list(sup);
	reset_mgmt_up(sup);
}

static void on_lost(void *ctx, int error)
{
	struct sup *sup = ctx;

	events_add(sup->events, &(struct event){ .kind = EVENT_MGMT_LOST },
		   "MGMT socket: %s; trying again", strerror(-error));
}

const struct mgmt_ops ENUMERATE_MGMT_OPS = {
	.up = on_up,
	.lost = on_lost,
	.event = on_event,
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct sup *sup = userdata;

	(void)usec;
	read_list(sup);
	(void)sd_event_source_set_time_relative(source, AGAIN_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int enumerate_start(struct sup *sup)
{
	int r = sd_event_add_time_relative(sup->event, NULL, CLOCK_MONOTONIC, AGAIN_MS * 1000,
					   1000000, on_timer, sup);

	return r < 0 ? r : 0;
}
