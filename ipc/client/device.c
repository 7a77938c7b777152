/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/device.h"

#include <string.h>

#include "ipc/class.h"
#include "ipc/client/lists.h"

enum { DEVICE_MS = 30000 };

static_assert((int)BH_HEALTH_UNHEALTHY == (int)BH__HEALTH__HEALTH_UNHEALTHY, "as in session.proto");

/* A number of a newer daemon has no name. */
const char *bh_health_name(enum bh_health health)
{
	static const char *const NAMES[] = {
		[BH_HEALTH_UNKNOWN] = "unknown",
		[BH_HEALTH_HEALTHY] = "healthy",
		[BH_HEALTH_DEGRADED] = "degraded",
		[BH_HEALTH_UNHEALTHY] = "unhealthy",
	};

	return (unsigned)health < ARRAY_LEN(NAMES) && NAMES[health] ? NAMES[health] : "";
}

const char *device_state_name(int state)
{
	static const char *const NAMES[] = {
		[BH__DEVICE_STATE__DEVICE_DISCONNECTED] = "disconnected",
		[BH__DEVICE_STATE__DEVICE_CONNECTING] = "connecting",
		[BH__DEVICE_STATE__DEVICE_CONNECTED] = "connected",
		[BH__DEVICE_STATE__DEVICE_DISCONNECTING] = "disconnecting",
		[BH__DEVICE_STATE__DEVICE_ERROR] = "error",
	};

	return (unsigned)state < ARRAY_LEN(NAMES) && NAMES[state] ? NAMES[state] : "";
}

static const char *part_name(int part)
{
	static const char *const NAMES[] = {
		[BH__PART__PART_QUEUE] = "queue",	[BH__PART__PART_CONNECT] = "connect",
		[BH__PART__PART_SERVICES] = "services", [BH__PART__PART_QUERY] = "query",
		[BH__PART__PART_TOTAL] = "total",
	};

	return (unsigned)part < ARRAY_LEN(NAMES) && NAMES[part] ? NAMES[part] : "";
}

struct bh_distribution device_distribution(const Bh__Distribution *wire)
{
	return (struct bh_distribution){
		.part = part_name((int)wire->part),
		.count = wire->count,
		.min_ms = wire->min_ms,
		.p50_ms = wire->p50_ms,
		.p95_ms = wire->p95_ms,
		.max_ms = wire->max_ms,
	};
}

/* --- frames --- */

static struct bh_device_items items_of(const struct request *request)
{
	struct bh_device_items items;

	memcpy(&items, request->value, sizeof(items));
	return items;
}

void device_item(struct request *request, const struct bh_device *device)
{
	struct bh_device_items items = items_of(request);

	if (items.device)
		items.device(request->ctx, device);
}

int device_on_info(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__DeviceInfo *wire = msg;
	struct bh_device_counts counts = {
		.adapter = request_text(wire->adapter),
		.connects = wire->connects,
		.attempts_failed = wire->attempts_failed,
		.given_up = wire->given_up,
		.losses = wire->losses,
		.checks = wire->checks,
		.checks_failed = wire->checks_failed,
		.request_failures = wire->request_failures,
		.health_failures = wire->health_failures,
		.health_successes = wire->health_successes,
		.transitions = wire->transitions,
	};
	struct request *request;
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__DEVICE_INFO_REQUEST, &request);
	if (r > 0)
		request->has_items = true;
	if (r > 0 && items_of(request).counts)
		items_of(request).counts(request->ctx, &counts);
	return r < 0 ? r : 0;
}

int device_on_history(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__History *wire = msg;
	struct bh_transition transition = {
		.at_ms = wire->at_ms,
		.state = device_state_name((int)wire->state),
		.adapter = request_text(wire->adapter),
		.error = (enum bh_class)class_from_wire((int)wire->class_),
		.text = request_text(wire->text),
	};
	struct request *request;
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__DEVICE_INFO_REQUEST, &request);
	if (r > 0)
		request->has_items = true;
	if (r > 0 && items_of(request).transition)
		items_of(request).transition(request->ctx, &transition);
	return r < 0 ? r : 0;
}

int device_on_distribution(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_distribution timing = device_distribution(msg);
	struct request *request;
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__DEVICE_INFO_REQUEST, &request);
	if (r > 0 && items_of(request).timing)
		items_of(request).timing(request->ctx, &timing);
	return r < 0 ? r : 0;
}

int device_on_session(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__SessionRow *wire = msg;
	struct bh_session_row row = {
		.session = wire->session,
		.address = wire->address,
		.adapter = request_text(wire->adapter),
		.label = request_text(wire->label),
		.pid = wire->pid,
		.state = request_text(wire->state),
		.state_for_ms = wire->state_for_ms,
		.holds_link = wire->holds,
		.subscriptions = wire->subscriptions,
		.is_own = wire->own,
		.text = request_text(wire->text),
	};
	struct request *request;
	int r;

	r = lists_asked(ctx, frame, BH__TYPE__SESSIONS_REQUEST, &request);
	if (r > 0)
		request->has_items = true;
	if (r > 0 && request->item.session)
		request->item.session(request->ctx, &row);
	return r < 0 ? r : 0;
}

/* --- questions --- */

static bool is_address(uint64_t address)
{
	return address != 0 && address >> 48 == 0;
}

int bh_device_info(struct bh_client *client, uint64_t address, const struct bh_device_items *items,
		   bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__DEVICE_INFO_REQUEST,
				     .timeout_ms = DEVICE_MS,
				     .value = (const uint8_t *)items,
				     .len = sizeof(*items),
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	if (!is_address(address) || !items)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	return client_ask(client, request);
}

int bh_health_mark(struct bh_client *client, uint64_t address, enum bh_health health,
		   bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__HEALTH_MARK, .timeout_ms = DEVICE_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (!is_address(address) || !*bh_health_name(health))
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	request->number = (uint32_t)health;
	return client_ask(client, request);
}

int bh_list_sessions(struct bh_client *client, uint64_t address,
		     void (*item)(void *ctx, const struct bh_session_row *row), bh_result_cb done,
		     void *ctx)
{
	struct request_args args = { .type = BH__TYPE__SESSIONS_REQUEST,
				     .timeout_ms = DEVICE_MS,
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	if (address != 0 && !is_address(address))
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	request->item.session = item;
	return client_ask(client, request);
}
