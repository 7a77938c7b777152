/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/lists.h"

#include "ipc/class.h"
#include "ipc/client/device.h"

enum { LIST_MS = 30000, USERS_MAX = 64 };

int lists_asked(struct bh_client *client, const struct chan_frame *frame, uint16_t type,
		struct request **out)
{
	struct request *request = lane_find(&client->control, frame->id);

	if (!request)
		return 0;
	if (request->type != type)
		return -EBADMSG;
	*out = request;
	return 1;
}

static void answer_done(struct bh_client *client, struct request *request)
{
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);

	lane_answer(&client->control, request, &result);
}

/* An item's callback may have given the question up, or everything. */
static void answer_after_item(struct bh_client *client, uint32_t id)
{
	struct request *request = lane_find(&client->control, id);

	if (request)
		answer_done(client, request);
}

static size_t take_users(const Bh__Status *wire, struct bh_user users[USERS_MAX])
{
	size_t n = wire->n_users < USERS_MAX ? wire->n_users : USERS_MAX;
	size_t i;

	for (i = 0; i < n; i++)
		users[i] = (struct bh_user){
			.uid = wire->users[i]->uid,
			.clients = wire->users[i]->clients,
			.sessions = wire->users[i]->sessions,
			.denied = wire->users[i]->denied,
		};
	return n;
}

int lists_on_status(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	const Bh__Status *wire = msg;
	struct request *request;
	struct bh_user users[USERS_MAX];
	struct bh_status status = {
		.version = request_text(wire->daemon_version),
		.pid = wire->pid,
		.uptime_ms = wire->uptime_ms,
		.adapters = wire->adapters,
		.devices = wire->devices,
		.sessions = wire->sessions,
		.links = wire->links,
		.clients = wire->clients,
		.worker_deaths = wire->worker_deaths,
		.sessions_moved = wire->sessions_moved,
		.has_bluez = wire->bluez,
		.has_arbiter = wire->arbiter,
		.has_mgmt = wire->mgmt,
		.arbiter_trouble = request_text(wire->arbiter_trouble),
		.denied = wire->denied,
		.users = users,
	};
	int r;

	status.n_users = take_users(wire, users);
	r = lists_asked(client, frame, BH__TYPE__STATUS_REQUEST, &request);
	if (r <= 0)
		return r;
	if (request->item.status)
		request->item.status(request->ctx, &status);
	answer_after_item(client, frame->id);
	return 0;
}

int lists_on_adapter(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Adapter *wire = msg;
	struct bh_distribution timings[BH__PART__PART_TOTAL];
	struct request *request;
	struct bh_adapter adapter = {
		.name = request_text(wire->name),
		.address = wire->address,
		.state = request_text(wire->state),
		.is_powered = wire->powered,
		.is_discovering = wire->discovering,
		.links = wire->links,
		.sessions = wire->sessions,
		.worker_pid = wire->worker_pid,
		.deaths = wire->deaths,
		.trouble = (enum bh_class)class_from_wire((int)wire->trouble),
		.trouble_text = request_text(wire->trouble_text),
		.slots = wire->slots,
		.attempts = wire->attempts,
		.requests = wire->requests,
		.values = wire->values,
		.timings = timings,
	};
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__ADAPTERS_REQUEST, &request);
	if (r <= 0)
		return r;
	request->has_items = true;
	while (adapter.n_timings < ARRAY_LEN(timings) && adapter.n_timings < wire->n_timings) {
		timings[adapter.n_timings] = device_distribution(wire->timings[adapter.n_timings]);
		adapter.n_timings++;
	}
	if (request->item.adapter)
		request->item.adapter(request->ctx, &adapter);
	return 0;
}

static int8_t take_rssi(const Bh__Sighting *wire)
{
	if (!wire->has_rssi_dbm || wire->rssi_dbm < INT8_MIN || wire->rssi_dbm > INT8_MAX)
		return BH_RSSI_UNKNOWN;
	return (int8_t)wire->rssi_dbm;
}

/* One of a newer daemon is unknown here. */
static enum bh_strategy take_strategy(const Bh__Device *wire)
{
	if (!wire->has_strategy || wire->strategy < BH__STRATEGY__STRATEGY_ON_DEMAND ||
	    wire->strategy > BH__STRATEGY__STRATEGY_PERSISTENT)
		return BH_STRATEGY_UNKNOWN;
	return (enum bh_strategy)wire->strategy;
}

int lists_on_device(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Device *wire = msg;
	_cleanup_free_ struct bh_sighting *sightings = NULL;
	struct request *request;
	struct bh_device device = {
		.address = wire->address,
		.is_random = wire->random,
		.name = request_text(wire->name),
		.n_sightings = wire->n_sightings,
		.strategy = take_strategy(wire),
		.keeper = request_text(wire->keeper),
		.check_interval_ms = wire->check_interval_ms,
		.circuit_failures = wire->circuit_failures,
		.health = bh_health_name((enum bh_health)wire->health),
		.state = device_state_name((int)wire->state),
		.state_for_ms = wire->has_state_for_ms ? wire->state_for_ms : UINT32_MAX,
		.requests = wire->requests,
		.values = wire->values,
	};
	size_t i;
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__DEVICES_REQUEST, &request);
	if (r == -EBADMSG)
		r = lists_asked(ctx, frame, BH__TYPE__STRATEGY_SET, &request);
	if (r == -EBADMSG)
		r = lists_asked(ctx, frame, BH__TYPE__DEVICE_INFO_REQUEST, &request);
	if (r <= 0)
		return r;
	sightings = calloc(wire->n_sightings + 1, sizeof(*sightings));
	if (!sightings)
		return -ENOMEM;
	for (i = 0; i < wire->n_sightings; i++) {
		const Bh__Sighting *sighting = wire->sightings[i];

		sightings[i].adapter = request_text(sighting->adapter);
		sightings[i].rssi_dbm = take_rssi(sighting);
		sightings[i].age_ms = sighting->has_age_ms ? sighting->age_ms : UINT32_MAX;
		sightings[i].is_connected = sighting->connected;
	}
	device.sightings = sightings;
	request->has_items = true;
	if (request->type == BH__TYPE__DEVICE_INFO_REQUEST)
		device_item(request, &device);
	else if (request->item.device)
		request->item.device(request->ctx, &device);
	return 0;
}

int lists_on_event(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Event *wire = msg;
	struct request *request;
	struct bh_event event = {
		.seq = wire->seq,
		.at_ms = wire->at_ms,
		.kind = request_text(wire->kind),
		.adapter = request_text(wire->adapter),
		.address = wire->address,
		.session = wire->session,
		.error = (enum bh_class)class_from_wire((int)wire->class_),
		.text = request_text(wire->text),
	};
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__EVENTS_REQUEST, &request);
	if (r <= 0)
		return r;
	/* It was given before the daemon went, or the connection to it. */
	if (request->is_resumed && event.seq <= request->last_seq)
		return 0;
	request->last_seq = event.seq;
	request->has_items = true;
	if (request->item.event)
		request->item.event(request->ctx, &event);
	return 0;
}

int lists_on_locks(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct request *request;
	int r;

	(void)msg;
	r = lists_asked(ctx, frame, BH__TYPE__LOCKS_REQUEST, &request);
	if (r <= 0)
		return r;
	if (request->item.locks)
		request->item.locks(request->ctx, take_fd(&frame->fds[0]));
	answer_after_item(ctx, frame->id);
	return 0;
}

int lists_on_done(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	struct request *request = lane_find(&client->control, frame->id);

	(void)msg;
	if (!request)
		return 0;
	/* These bring something: without it they are not done. */
	if (request->type == BH__TYPE__SESSION_OPEN || request->type == BH__TYPE__HELLO ||
	    request->type == BH__TYPE__STATUS_REQUEST || request->type == BH__TYPE__LOCKS_REQUEST ||
	    request->type == BH__TYPE__LOCK_OPEN)
		return -EBADMSG;
	answer_done(client, request);
	return 0;
}

int lists_on_error(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	struct bh_result result = request_error(msg);
	struct request *request = lane_find(&client->control, frame->id);

	if (request)
		client_fail(&client->control, request, &result);
	return 0;
}

/* --- questions --- */

static int ask(struct bh_client *client, struct request *request, uint32_t *out_id)
{
	request->id = lane_new_id(&client->control);
	if (out_id)
		*out_id = request->id;
	return client_ask(client, request);
}

int bh_get_status(struct bh_client *client, void (*item)(void *ctx, const struct bh_status *status),
		  bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__STATUS_REQUEST, .timeout_ms = LIST_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.status = item;
	return ask(client, request, NULL);
}

int lists_adapters(struct bh_client *client,
		   void (*item)(void *ctx, const struct bh_adapter *adapter), bh_result_cb done,
		   void *ctx, uint32_t *out_id)
{
	struct request_args args = {
		.type = BH__TYPE__ADAPTERS_REQUEST, .timeout_ms = LIST_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.adapter = item;
	return ask(client, request, out_id);
}

int bh_list_adapters(struct bh_client *client,
		     void (*item)(void *ctx, const struct bh_adapter *adapter), bh_result_cb done,
		     void *ctx)
{
	return lists_adapters(client, item, done, ctx, NULL);
}

int bh_list_devices(struct bh_client *client,
		    void (*item)(void *ctx, const struct bh_device *device), bh_result_cb done,
		    void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__DEVICES_REQUEST, .timeout_ms = LIST_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.device = item;
	return ask(client, request, NULL);
}

int lists_events(struct bh_client *client, bool history, bool follow,
		 void (*item)(void *ctx, const struct bh_event *event), bh_result_cb done,
		 void *ctx, uint32_t *out_id)
{
	struct request_args args = { .type = BH__TYPE__EVENTS_REQUEST,
				     .timeout_ms = LIST_MS,
				     .is_endless = follow,
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.event = item;
	request->wants_history = history;
	request->wants_follow = follow;
	return ask(client, request, out_id);
}

int bh_events(struct bh_client *client, bool history, bool follow,
	      void (*item)(void *ctx, const struct bh_event *event), bh_result_cb done, void *ctx)
{
	return lists_events(client, history, follow, item, done, ctx, NULL);
}

int bh_get_locks(struct bh_client *client, void (*item)(void *ctx, int fd), bh_result_cb done,
		 void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__LOCKS_REQUEST, .timeout_ms = LIST_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (!item)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.locks = item;
	return ask(client, request, NULL);
}

int bh_link_drop(struct bh_client *client, uint64_t address, bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__LINK_DROP, .timeout_ms = LIST_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (address == 0 || address >> 48 != 0)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	return ask(client, request, NULL);
}

void lists_drop(struct bh_client *client, uint32_t id)
{
	struct request *request = id ? lane_find(&client->control, id) : NULL;

	if (!request)
		return;
	if (request->is_sent)
		lane_cancel(&client->control, id);
	lane_unlink(&client->control, request);
	free(request);
}
