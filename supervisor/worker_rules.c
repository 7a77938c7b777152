/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/worker_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "supervisor/admission.h"
#include "supervisor/attempts.h"
#include "supervisor/bus_feed.h"
#include "supervisor/caches.h"
#include "supervisor/cleaner.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/identity.h"
#include "supervisor/keeper.h"
#include "supervisor/kernel_link.h"
#include "supervisor/mgmt.h"
#include "supervisor/reset.h"
#include "supervisor/room_desk.h"
#include "supervisor/sessions.h"

/* SAID_PER_S: all sessions of an adapter may have news at once; a worker that has gone mad has
 * 70000. */
enum { LINKS_SANE = 1024, SAID_PER_S = 1000 };

static bool is_address(uint64_t address)
{
	return address != 0 && address >> 48 == 0;
}

static void note_bluez(struct adapter *adapter, enum err_class trouble)
{
	struct sup *sup = adapter->sup;
	struct event event = worker_event(adapter, EVENT_BLUEZ_GONE);

	if (trouble == CLASS_BLUEZ_GONE && !sup->is_bluez_gone) {
		sup->is_bluez_gone = true;
		event.class = CLASS_BLUEZ_GONE;
		events_add(sup->events, &event, "%s", adapter->state.text);
	}
	if (adapter->state.has_bluez && sup->is_bluez_gone) {
		sup->is_bluez_gone = false;
		event.kind = EVENT_BLUEZ_BACK;
		events_add(sup->events, &event, "bluetoothd is back");
	}
}

/* How many there are on the adapter: sessions that look for one may choose differently now. */
static void note_links(struct adapter *adapter, uint32_t links)
{
	adapter->state.links = links < LINKS_SANE ? links : LINKS_SANE;
	slots_shown(&adapter->slots, adapter->state.links);
	sessions_adapter_changed(adapter->sup);
}

static int on_state(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__AdapterState *state = msg;

	(void)frame;
	adapter->state.has_bluez = state->bluez;
	adapter->state.is_powered = state->powered;
	adapter->state.is_discovering = state->discovering;
	adapter->state.attempts = state->attempts < LINKS_SANE ? state->attempts : LINKS_SANE;
	adapter->state.trouble = class_from_wire((int)state->trouble);
	(void)snprintf(adapter->state.text, sizeof(adapter->state.text), "%s",
		       state->trouble_text ? state->trouble_text : "");
	note_bluez(adapter, adapter->state.trouble);
	note_links(adapter, state->links);
	reset_worker_changed(adapter);
	return 0;
}

static int read_services(const Bh__Ctl__Seen *seen, struct uuid out[DEVICES_UUIDS_MAX],
			 size_t *out_n)
{
	size_t i;

	if (seen->n_uuids > DEVICES_UUIDS_MAX)
		return -EINVAL;
	for (i = 0; i < seen->n_uuids; i++) {
		if (seen->uuids[i].len != sizeof(out[i].octets))
			return -EINVAL;
		memcpy(out[i].octets, seen->uuids[i].data, sizeof(out[i].octets));
	}
	*out_n = seen->n_uuids;
	return 0;
}

/* Pairing happens while the link is up. */
static void note_bond(struct adapter *adapter, uint64_t address)
{
	const struct identity_seen seen = {
		.address = address,
		.adapter = adapter->index,
		.has_bond = true,
		.is_bonded = true,
	};

	(void)identities_note(adapter->sup->identities, &seen);
}

static int note_seen(struct adapter *adapter, const Bh__Ctl__Seen *seen, uint64_t now_ms)
{
	struct uuid services[DEVICES_UUIDS_MAX];
	struct devices_report report = {
		.address = seen->address,
		.adapter = adapter->index,
		.has_random = seen->has_random,
		.is_random = seen->random,
		.name = seen->name,
		.rssi_dbm = seen->has_rssi_dbm ? seen->rssi_dbm : DEVICES_RSSI_NONE,
		.has_connected = seen->has_connected,
		.is_connected = seen->connected,
		.has_bonded = seen->has_bonded,
		.is_bonded = seen->bonded,
		.is_gone = seen->gone,
		.services = services,
	};
	int r = read_services(seen, services, &report.n_services);

	if (r == 0)
		r = devices_report(adapter->sup->devices, &report, now_ms);
	if (r == -EINVAL)
		return -EBADMSG;
	if (seen->bonded)
		note_bond(adapter, seen->address);
	if (r == DEVICES_RENAMED) {
		keepers_renamed(adapter->sup, seen->address);
		access_renamed(adapter->sup, seen->address);
	}
	if (seen->has_rssi_dbm) {
		device_log_heard(adapter->sup, seen->address);
		keepers_heard(adapter, seen->address);
	}
	if (seen->has_rssi_dbm)
		adapter->heard_at_ms = now_ms;
	sessions_seen(adapter->sup, seen->address);
	if (seen->has_rssi_dbm)
		reset_heard(adapter);
	return 0;
}

static int on_sightings(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__Sightings *sightings = msg;
	uint64_t now_ms = clock_now_ms();
	size_t i;
	int r = 0;

	(void)frame;
	/* Its last words about an adapter that is gone: devices.c has forgotten it already. */
	if (!adapter->is_present)
		return 0;
	for (i = 0; i < sightings->n_seen && r == 0; i++)
		r = note_seen(adapter, sightings->seen[i], now_ms);
	return r;
}

static int on_session_ended(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);

	(void)frame;
	sessions_ended(adapter->sup, adapter, ((const Bh__Ctl__SessionRef *)msg)->session);
	return 0;
}

static int on_given_up(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__SessionRef *ref = msg;

	(void)frame;
	sessions_given_up(adapter->sup, adapter, ref->session, ref->text);
	return 0;
}

static int on_attempt_failed(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__AttemptFailed *failed = msg;

	if ((frame->id == 0) != failed->cut || !is_address(failed->address))
		return -EBADMSG;
	if (failed->cut) {
		attempts_cut(child_owner(ctx), failed);
		return 0;
	}
	/* What a refusal teaches is how many fit. */
	if (failed->has_links)
		note_links(child_owner(ctx), failed->links);
	attempts_failed(child_owner(ctx), frame->id, failed);
	return 0;
}

static void send_link_ended(struct adapter *adapter, uint32_t id, uint8_t status)
{
	Bh__Ctl__LinkEnded ended = BH__CTL__LINK_ENDED__INIT;

	ended.has_status = ended.has_kept = 1;
	ended.status = status;
	/* A worker on its way out: the reset that sends it away ends its links, in the right order.
	 */
	ended.kept = reset_is_of(adapter->sup, adapter->address);
	port_send(child_port(adapter->child), BH__CTL__TYPE__LINK_ENDED, id, 0, &ended.base);
}

static void on_disconnected(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			    size_t len, struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);

	(void)data;
	(void)len;
	/* Who asked may be dead: his successor did not ask. */
	if (adapter && child_incarnation(adapter->child) == token.who)
		send_link_ended(adapter, token.id, status);
}

static void on_disconnected_quietly(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
				    size_t len, struct mgmt_token token)
{
	if (status != 0)
		on_disconnected(ctx, index, status, data, len, token);
}

/* Of its own adapter only: which one that is the channel says, not the message. */
static int on_link_end(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__Link *link = msg;
	struct mgmt_token token = { .who = child_incarnation(ctx), .id = frame->id };

	if (frame->id == 0 || !is_address(link->address))
		return -EBADMSG;
	device_log_ending(adapter, link->address, NULL);
	if (reset_is_of(adapter->sup, adapter->address) ||
	    mgmt_disconnect(adapter->sup->mgmt, adapter->index, link->address, link->random,
			    link->only_failure ? on_disconnected_quietly : on_disconnected,
			    token) < 0)
		send_link_ended(adapter, frame->id, MGMT_STATUS_NO_ANSWER);
	return 0;
}

static void note_identity(struct adapter *adapter, const Bh__Ctl__Link *link)
{
	const struct identity_seen seen = {
		.address = link->address,
		.adapter = adapter->index,
		.services_hash = link->services_hash,
		.has_bond = link->has_bonded,
		.is_bonded = link->bonded,
	};
	struct event event = worker_event(adapter, EVENT_IDENTITY_CHANGED);
	unsigned changes = identities_note(adapter->sup->identities, &seen);

	event.address = link->address;
	if (changes)
		caches_forget(adapter->sup, link->address, adapter);
	if (changes & IDENTITY_SERVICES)
		events_add(adapter->sup->events, &event, "other services than before");
	if (changes & IDENTITY_BOND)
		events_add(adapter->sup->events, &event, "bond lost: pair with it again");
}

static int on_link_state(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__Link *link = msg;
	struct event event = worker_event(adapter, link->up ? EVENT_CONNECTED : EVENT_DISCONNECTED);

	(void)frame;
	if (!is_address(link->address))
		return -EBADMSG;
	if (link->has_links)
		note_links(adapter, link->links);
	if (link->up)
		note_identity(adapter, link);
	/* It may only say that nobody uses the link now, or that none was to be had. */
	if (room_desk_link(adapter, link) == link->up) {
		if (!link->up)
			keepers_link(adapter, link);
		return 0;
	}
	devices_link(adapter->sup->devices, link->address, adapter->index, link->up);
	event.address = link->address;
	event.class = class_from_wire((int)link->class_);
	events_add(adapter->sup->events, &event, "on %s%s%s", adapter->name,
		   link->text && link->text[0] ? ": " : "", link->text ? link->text : "");
	if (link->up)
		attempts_worked(adapter, link->address);
	device_log_link(adapter, link);
	keepers_link(adapter, link);
	if (link->up)
		sessions_gather(adapter->sup, adapter, link->address);
	sessions_seen(adapter->sup, link->address);
	return 0;
}

static int on_room_wanted(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__RoomWanted *wanted = msg;

	if (!is_address(wanted->address) || (frame->id == 0 && !wanted->stop))
		return -EBADMSG;
	room_desk_asked(child_owner(ctx), frame->id, wanted);
	return 0;
}

static int on_checked(void *ctx, struct chan_frame *frame, const void *msg)
{
	if (frame->id == 0)
		return -EBADMSG;
	keepers_checked(child_owner(ctx), frame->id, msg);
	return 0;
}

static int on_cache_cleared(void *ctx, struct chan_frame *frame, const void *msg)
{
	if (frame->id == 0)
		return -EBADMSG;
	caches_cleared(child_owner(ctx), frame->id, msg);
	return 0;
}

static int on_usage(void *ctx, struct chan_frame *frame, const void *msg)
{
	(void)frame;
	return device_log_usage(child_owner(ctx), msg);
}

static int on_bus_wanted(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);

	(void)frame;
	(void)msg;
	bus_feed_again(adapter->feed);
	return 0;
}

static int on_find_done(void *ctx, struct chan_frame *frame, const void *msg)
{
	/* The sighting came before it and has done its work. */
	(void)ctx;
	(void)frame;
	(void)msg;
	return 0;
}

static int on_connect_cancelled(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);

	if (frame->id == 0)
		return -EBADMSG;
	cleaner_answer(adapter, frame->id, msg);
	return 0;
}

static int on_denied(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__Denied *denied = msg;

	(void)frame;
	if ((denied->right & RIGHTS_ALL) == 0)
		return -EBADMSG;
	sessions_denied(child_owner(ctx), denied->session, denied->right & RIGHTS_ALL,
			denied->count);
	return 0;
}

/* A flood would push everything else out of the log, and out of what `bleherd events` shows. */
static bool may_say(struct adapter *adapter, enum event_kind kind)
{
	if (!event_kind_is_logged(kind) || bucket_take(&adapter->said, SAID_PER_S, clock_now_ms()))
		return true;
	adapter->unsaid++;
	/* At each power of two: few lines, however many they are. */
	if ((adapter->unsaid & (adapter->unsaid - 1)) == 0)
		log_warn("event=flood adapter=%s dropped=%" PRIu64
			 " text=\"its worker has more than %d events a second\"",
			 adapter->name, adapter->unsaid, SAID_PER_S);
	return false;
}

static int on_event(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Event *said = msg;
	struct event event = worker_event(adapter, EVENT_CONNECTED);

	(void)frame;
	if (!said->kind || event_kind_from_name(said->kind, &event.kind) != 0) {
		log_debug("child=\"%s\" event=unknown", adapter->name);
		return 0;
	}
	event.address = said->address >> 48 == 0 ? said->address : 0;
	event.session = said->session;
	event.class = class_from_wire((int)said->class_);
	if (may_say(adapter, event.kind))
		events_add(adapter->sup->events, &event, "%s", said->text ? said->text : "");
	if (event.kind == EVENT_LINK_WAITS && event.address != 0)
		attempts_full(adapter, event.address);
	if (event.kind == EVENT_ADAPTER_SILENT)
		escalation_sick(adapter->sup->escalation, adapter->index, ESCALATION_SILENT,
				clock_now_ms());
	return 0;
}

const struct chan_rule WORKER_RULES[WORKER_RULES_LEN] = {
	{ BH__CTL__TYPE__HELLO, 0, 0, &bh__ctl__hello__descriptor, child_on_hello },
	{ BH__CTL__TYPE__READY, 0, 0, &bh__ctl__empty__descriptor, child_on_ready },
	{ BH__CTL__TYPE__EVENT, 0, 0, &bh__event__descriptor, on_event },
	{ BH__CTL__TYPE__ADAPTER_STATE, 0, 0, &bh__ctl__adapter_state__descriptor, on_state },
	{ BH__CTL__TYPE__SIGHTINGS, 0, 0, &bh__ctl__sightings__descriptor, on_sightings },
	{ BH__CTL__TYPE__SESSION_ENDED, 0, 0, &bh__ctl__session_ref__descriptor, on_session_ended },
	{ BH__CTL__TYPE__SESSION_GIVEN_UP, 0, 0, &bh__ctl__session_ref__descriptor, on_given_up },
	{ BH__CTL__TYPE__ATTEMPT_FAILED, 0, 0, &bh__ctl__attempt_failed__descriptor,
	  on_attempt_failed },
	{ BH__CTL__TYPE__LINK_END, 0, 0, &bh__ctl__link__descriptor, on_link_end },
	{ BH__CTL__TYPE__KERNEL_LINK, 0, 0, &bh__ctl__link__descriptor, kernel_link_asked },
	{ BH__CTL__TYPE__LINK_STATE, 0, 0, &bh__ctl__link__descriptor, on_link_state },
	{ BH__CTL__TYPE__ROOM_WANTED, 0, 0, &bh__ctl__room_wanted__descriptor, on_room_wanted },
	{ BH__CTL__TYPE__DENIED, 0, 0, &bh__ctl__denied__descriptor, on_denied },
	{ BH__CTL__TYPE__USAGE, 0, 0, &bh__ctl__usage__descriptor, on_usage },
	{ BH__CTL__TYPE__BUS_WANTED, 0, 0, &bh__ctl__empty__descriptor, on_bus_wanted },
	{ BH__CTL__TYPE__FIND_DONE, 0, 0, &bh__ctl__find__descriptor, on_find_done },
	{ BH__CTL__TYPE__CHECKED, 0, 0, &bh__ctl__checked__descriptor, on_checked },
	{ BH__CTL__TYPE__CACHE_CLEARED, 0, 0, &bh__ctl__cache_cleared__descriptor,
	  on_cache_cleared },
	{ BH__CTL__TYPE__CONNECT_CANCELLED, 0, 0, &bh__ctl__connect_cancel__descriptor,
	  on_connect_cancelled },
};
