/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/requests.h"

#include <stdio.h>
#include <string.h>

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/session.pb-c.h"
#include "supervisor/adapters.h"
#include "supervisor/admission.h"
#include "supervisor/caches.h"
#include "supervisor/client.h"
#include "supervisor/deaths.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/lock_peers.h"
#include "supervisor/lockd_child.h"
#include "supervisor/mgmt.h"
#include "supervisor/reset.h"
#include "supervisor/server.h"
#include "supervisor/sessions.h"
#include "supervisor/streams.h"
#include "supervisor/worker_child.h"

enum { PROTOCOL_VERSION = 1 };

/* HELLO comes first; an id is never 0 and never one that is still open. */
static bool is_proper(struct client *client, uint32_t id)
{
	return client->has_said_hello && id != 0 && !streams_find(client, id) &&
	       !sessions_is_opening(client->sup, client, id) &&
	       !lock_peers_is_opening(client, id) && !reset_is_asked(client->sup, client, id) &&
	       !caches_is_asked(client, id);
}

static int on_hello(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__Hello *hello = msg;
	Bh__HelloOk ok = BH__HELLO_OK__INIT;

	if (client->has_said_hello || frame->id == 0)
		return -EBADMSG;
	if (hello->version != PROTOCOL_VERSION) {
		client_error(client, frame->id, CLASS_INVALID,
			     "this daemon speaks version 1 of the protocol only");
		return 0;
	}
	client->has_said_hello = true;
	(void)snprintf(client->label, sizeof(client->label), "%s",
		       hello->label ? hello->label : "");
	ok.has_version = ok.has_pid = 1;
	ok.version = PROTOCOL_VERSION;
	ok.daemon_version = (char *)(uintptr_t)BLEHERD_VERSION;
	ok.pid = (uint32_t)getpid();
	ok.has_run = true;
	ok.run = client->sup->started_at_ms;
	client_send(client, BH__TYPE__HELLO_OK, frame->id, &ok.base);
	return 0;
}

static void sum_adapters(const struct sup *sup, Bh__Status *status)
{
	size_t i;

	for (i = 0; i < sup->adapters->n; i++) {
		const struct adapter *adapter = sup->adapters->list[i];

		status->links += adapter->state.links;
		status->bluez |= adapter->state.has_bluez;
	}
}

static int on_status(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	struct sup *sup = client->sup;
	Bh__Status status = BH__STATUS__INIT;
	struct admission_users users;

	(void)msg;
	status.has_pid = status.has_uptime_ms = status.has_adapters = status.has_devices = 1;
	status.has_sessions = status.has_links = status.has_clients = status.has_bluez = 1;
	status.has_arbiter = status.has_worker_deaths = status.has_sessions_moved = 1;
	status.has_mgmt = 1;
	status.daemon_version = (char *)(uintptr_t)BLEHERD_VERSION;
	status.pid = (uint32_t)getpid();
	status.uptime_ms = clock_now_ms() - sup->started_at_ms;
	status.adapters = (uint32_t)adapters_present(sup->adapters);
	status.devices = (uint32_t)devices_count(sup->devices);
	status.sessions = sessions_count(sup);
	status.clients = server_clients(sup->server);
	status.arbiter = lockd_child_is_ready(sup->lockd);
	status.arbiter_trouble = (char *)(uintptr_t)lockd_child_parked(sup->lockd);
	status.worker_deaths = sup->worker_deaths;
	status.sessions_moved = sessions_moved(sup);
	status.mgmt = mgmt_is_up(sup->mgmt);
	sum_adapters(sup, &status);
	admission_status(sup, &status, &users);
	client_send(client, BH__TYPE__STATUS, frame->id, &status.base);
	return 0;
}

/* --- lists --- */

static int begin_stream(struct client *client, const struct chan_frame *frame, struct stream **out)
{
	*out = NULL;
	if (streams_begin(client, frame->id, frame->type, out) == STREAMS_FULL)
		client_error(client, frame->id, CLASS_LIMIT, "too many lists at once");
	else
		server_wake_streams(client->sup->server);
	return 0;
}

static int on_adapters(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct stream *stream;

	(void)msg;
	return begin_stream(ctx, frame, &stream);
}

static int on_devices(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__DevicesRequest *request = msg;
	struct stream *stream;
	int r = begin_stream(ctx, frame, &stream);

	if (stream)
		stream->address = request->address;
	return r;
}

static int on_events(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__EventsRequest *request = msg;
	uint64_t next_seq = events_next_seq(client->sup->events);
	struct stream *stream;
	int r = begin_stream(client, frame, &stream);

	if (!stream)
		return r;
	stream->cursor = request->history ? 0 : next_seq;
	stream->end = next_seq;
	stream->is_following = request->follow;
	return r;
}

/* What cannot be filtered, since devices are anywhere in it; if not it is answered. */
static bool may_see_all(struct client *client, uint32_t id, const char *what)
{
	char text[96];

	if (admission_sees_all(client))
		return true;
	(void)snprintf(text, sizeof(text), "%s may show devices that this user may not see", what);
	client_error(client, id, CLASS_DENIED, text);
	return false;
}

static int on_locks(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	Bh__Empty empty = BH__EMPTY__INIT;
	int fd = lockd_child_table(client->sup->lockd);

	(void)msg;
	if (!may_see_all(client, frame->id, "the lock table"))
		return 0;
	if (fd < 0)
		client_error(client, frame->id, CLASS_INTERNAL, "the arbiter is not running");
	else
		client_send_fd(client, BH__TYPE__LOCKS, frame->id, &empty.base, fd);
	return 0;
}

static int on_lock_open(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;

	(void)msg;
	lock_peers_open(client->sup, client, frame->id);
	return 0;
}

/* --- sessions --- */

static int on_session_open(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__SessionOpen *open = msg;
	bool is_scan = open->kind == BH__SESSION_KIND__SESSION_SCAN;

	if (admission_may(client, frame->id, is_scan ? RIGHT_SEE : RIGHTS_USE,
			  is_scan ? 0 : open->address) &&
	    admission_session(client, frame->id))
		sessions_open(client->sup, client, frame->id, open);
	return 0;
}

static int on_session_close(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__SessionClose *request = msg;

	if (!is_proper(client, frame->id))
		return -EBADMSG;
	if (sessions_close(client->sup, client, request->session) == SESSIONS_UNKNOWN)
		client_error(client, frame->id, CLASS_INVALID, "there is no such session");
	else
		client_done(client, frame->id, 0);
	return 0;
}

static int on_cancel(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	struct stream *stream;

	(void)msg;
	if (!client->has_said_hello || frame->id == 0)
		return -EBADMSG;
	stream = streams_find(client, frame->id);
	if (stream) {
		streams_end(client, stream);
		client_error(client, frame->id, CLASS_CANCELLED, "cancelled by its program");
		return 0;
	}
	/* If there is none its answer is under way already. */
	if (!lock_peers_cancel(client, frame->id))
		(void)sessions_cancel(client->sup, client, frame->id);
	return 0;
}

/* --- ending a link --- */

static struct adapter *linked_adapter(const struct sup *sup, uint64_t address)
{
	const struct device *device = devices_find(sup->devices, address);
	size_t i;

	for (i = 0; device && i < device->n_sightings; i++)
		if (device->sightings[i].is_connected)
			return adapters_find(sup->adapters, device->sightings[i].adapter);
	return NULL;
}

static void on_dropped(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		       struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct client *client = server_find(sup->server, token.who);
	/* It may have gone by itself, or its worker was quicker. */
	bool is_down = status == MGMT_STATUS_SUCCESS || status == MGMT_STATUS_NOT_CONNECTED;
	char text[96];

	(void)data;
	(void)len;
	if (!is_down)
		devices_link(sup->devices, token.address, index, true);
	if (!client)
		return;
	if (is_down) {
		client_done(client, token.id, 1);
		return;
	}
	(void)snprintf(text, sizeof(text), "the kernel did not end the link on hci%u: %s", index,
		       mgmt_codec_status_text(status));
	client_error(client, token.id,
		     status == MGMT_STATUS_NO_ANSWER ? CLASS_NO_REPLY : CLASS_ZOMBIE, text);
}

static void drop_link(struct client *client, uint32_t id, struct adapter *adapter, uint64_t address)
{
	struct sup *sup = client->sup;
	const struct device *device = devices_find(sup->devices, address);
	bool is_random = device && device->is_random;
	struct mgmt_token token = { .who = client->serial, .address = address, .id = id };
	struct event event = { .kind = EVENT_LINK_CUT, .address = address };

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", adapter->name);
	events_add(sup->events, &event, "asked for by %s",
		   client->label[0] ? client->label : "a program");
	device_log_ending(adapter, address, client->label[0] ? client->label : "a program");
	/* Its worker first: it is not to take this for a loss. */
	worker_child_cut(adapter, address, is_random);
	if (mgmt_disconnect(sup->mgmt, adapter->index, address, is_random, on_dropped, token) < 0) {
		client_error(client, id, CLASS_NO_REPLY, "the MGMT socket is not open");
		return;
	}
	/* A second wish is not to find it again before the worker has told. */
	devices_link(sup->devices, address, adapter->index, false);
}

static int on_link_drop(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__LinkDrop *request = msg;
	char address[ADDR_TEXT_LEN + 1];
	struct adapter *adapter;
	char text[64];

	if (request->address == 0 || request->address >> 48 != 0) {
		client_error(client, frame->id, CLASS_INVALID, "that is no device address");
		return 0;
	}
	if (sessions_of_others(client->sup, request->address, client->peer.uid) &&
	    !admission_may(client, frame->id, RIGHT_CONFIGURE, request->address))
		return 0;
	adapter = linked_adapter(client->sup, request->address);
	if (adapter) {
		drop_link(client, frame->id, adapter, request->address);
		return 0;
	}
	addr_format(request->address, address);
	(void)snprintf(text, sizeof(text), "there is no link to %s", address);
	client_error(client, frame->id, CLASS_NOT_FOUND, text);
	return 0;
}

static int on_reset(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;

	reset_ask(client->sup, client, frame->id, msg);
	return 0;
}

static int on_strategy(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__StrategySet *set = msg;
	bool is_question = !set->has_strategy && !set->has_check_interval_ms;

	if (admission_may(client, frame->id, is_question ? RIGHT_SEE : RIGHT_CONFIGURE,
			  set->address))
		keepers_strategy(client, frame->id, set);
	return 0;
}

static int on_cache_clear(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;

	caches_ask(client, frame->id, msg);
	return 0;
}

static int on_device_info(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;

	device_log_answer(client, frame->id, ((const Bh__DeviceInfoRequest *)msg)->address);
	return 0;
}

static int on_mark(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;

	device_log_mark(client, frame->id, msg);
	return 0;
}

static int on_sessions(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct stream *stream;
	int r = begin_stream(ctx, frame, &stream);

	if (stream)
		stream->address = ((const Bh__SessionsRequest *)msg)->address;
	return r;
}

static int on_deaths(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	const Bh__DeathsRequest *request = msg;
	uint64_t next = deaths_next(client->sup->deaths);
	struct stream *stream;
	int r;

	if (!may_see_all(client, frame->id, "the list of deaths"))
		return 0;
	r = begin_stream(client, frame, &stream);
	if (stream && request->has_last && request->last < next)
		stream->cursor = next - request->last;
	return r;
}

/* --- one entry for all: rights and rates first, then the kind --- */

#define ADDRESS(type) offsetof(type, address)

enum { NO_ADDRESS = 0 };

static const struct {
	uint16_t type;
	bool is_free;	/* it ends something: nobody is refused it, and it counts for no rate */
	uint32_t needs; /* one of these rights */
	size_t address; /* where the message has its device's */
	int (*handle)(void *ctx, struct chan_frame *frame, const void *msg);
} KINDS[] = {
	{ BH__TYPE__HELLO, true, 0, NO_ADDRESS, on_hello },
	{ BH__TYPE__CANCEL, true, 0, NO_ADDRESS, on_cancel },
	{ BH__TYPE__SESSION_CLOSE, true, 0, NO_ADDRESS, on_session_close },
	{ BH__TYPE__STATUS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_status },
	{ BH__TYPE__ADAPTERS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_adapters },
	{ BH__TYPE__DEVICES_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_devices },
	{ BH__TYPE__EVENTS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_events },
	{ BH__TYPE__SESSIONS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_sessions },
	{ BH__TYPE__DEATHS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_deaths },
	{ BH__TYPE__LOCKS_REQUEST, false, RIGHT_SEE, NO_ADDRESS, on_locks },
	{ BH__TYPE__DEVICE_INFO_REQUEST, false, RIGHT_SEE, ADDRESS(Bh__DeviceInfoRequest),
	  on_device_info },
	/* What these two need depends on what they say. */
	{ BH__TYPE__SESSION_OPEN, false, 0, NO_ADDRESS, on_session_open },
	{ BH__TYPE__STRATEGY_SET, false, 0, NO_ADDRESS, on_strategy },
	{ BH__TYPE__LINK_DROP, false, RIGHTS_USE, ADDRESS(Bh__LinkDrop), on_link_drop },
	{ BH__TYPE__LOCK_OPEN, false, RIGHT_LOCK, NO_ADDRESS, on_lock_open },
	{ BH__TYPE__RESET_ADAPTER, false, RIGHT_RESET, NO_ADDRESS, on_reset },
	{ BH__TYPE__CACHE_CLEAR, false, RIGHT_CONFIGURE, ADDRESS(Bh__CacheClear), on_cache_clear },
	{ BH__TYPE__HEALTH_MARK, false, RIGHT_CONFIGURE, ADDRESS(Bh__HealthMark), on_mark },
};

static uint64_t address_in(const void *msg, size_t offset)
{
	uint64_t address = 0;

	if (offset != NO_ADDRESS)
		memcpy(&address, (const char *)msg + offset, sizeof(address));
	return address;
}

static int on_request(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct client *client = ctx;
	uint64_t address;
	size_t i;

	for (i = 0; KINDS[i].type != frame->type; i++)
		assert(i + 1 < ARRAY_LEN(KINDS));
	if (KINDS[i].is_free)
		return KINDS[i].handle(ctx, frame, msg);
	if (!is_proper(client, frame->id))
		return -EBADMSG;
	address = address_in(msg, KINDS[i].address);
	if (!admission_in_time(client, frame->id) ||
	    !admission_may(client, frame->id, KINDS[i].needs, address))
		return 0;
	return KINDS[i].handle(ctx, frame, msg);
}

const struct chan_rule REQUESTS_RULES[REQUESTS_RULES_LEN] = {
	{ BH__TYPE__HELLO, 0, 0, &bh__hello__descriptor, on_request },
	{ BH__TYPE__STATUS_REQUEST, 0, 0, &bh__empty__descriptor, on_request },
	{ BH__TYPE__ADAPTERS_REQUEST, 0, 0, &bh__empty__descriptor, on_request },
	{ BH__TYPE__DEVICES_REQUEST, 0, 0, &bh__devices_request__descriptor, on_request },
	{ BH__TYPE__EVENTS_REQUEST, 0, 0, &bh__events_request__descriptor, on_request },
	{ BH__TYPE__LOCKS_REQUEST, 0, 0, &bh__empty__descriptor, on_request },
	{ BH__TYPE__SESSION_OPEN, 0, 0, &bh__session_open__descriptor, on_request },
	{ BH__TYPE__SESSION_CLOSE, 0, 0, &bh__session_close__descriptor, on_request },
	{ BH__TYPE__LINK_DROP, 0, 0, &bh__link_drop__descriptor, on_request },
	{ BH__TYPE__LOCK_OPEN, 0, 0, &bh__empty__descriptor, on_request },
	{ BH__TYPE__RESET_ADAPTER, 0, 0, &bh__reset_adapter__descriptor, on_request },
	{ BH__TYPE__STRATEGY_SET, 0, 0, &bh__strategy_set__descriptor, on_request },
	{ BH__TYPE__CACHE_CLEAR, 0, 0, &bh__cache_clear__descriptor, on_request },
	{ BH__TYPE__DEVICE_INFO_REQUEST, 0, 0, &bh__device_info_request__descriptor, on_request },
	{ BH__TYPE__SESSIONS_REQUEST, 0, 0, &bh__sessions_request__descriptor, on_request },
	{ BH__TYPE__DEATHS_REQUEST, 0, 0, &bh__deaths_request__descriptor, on_request },
	{ BH__TYPE__HEALTH_MARK, 0, 0, &bh__health_mark__descriptor, on_request },
	{ BH__TYPE__CANCEL, 0, 0, &bh__empty__descriptor, on_request },
};
