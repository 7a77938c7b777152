/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/request.h"

#include <string.h>

#include "ipc/class.h"
#include "ipc/clock.h"

int request_new(struct request **out, const struct request_args *args)
{
	struct request *request;
	uint32_t allowed_ms = args->timeout_ms ? args->timeout_ms : REQUEST_DEFAULT_MS;
	size_t why_len = args->why ? strlen(args->why) + 1 : 0;

	request = calloc(1, sizeof(*request) + args->len + why_len);
	if (!request)
		return -ENOMEM;
	request->type = args->type;
	request->timeout_ms = args->timeout_ms;
	request->started_at_ms = clock_now_ms();
	request->deadline_at_ms =
		args->is_endless ? REQUEST_FOR_EVER : request->started_at_ms + allowed_ms;
	request->done = args->done;
	request->ctx = args->ctx;
	request->len = args->len;
	if (args->len > 0)
		memcpy(request->value, args->value, args->len);
	if (args->why)
		request->why = memcpy(request->value + args->len, args->why, why_len);
	*out = request;
	return 0;
}

uint64_t request_due_ms(const struct request *request)
{
	if (request->deadline_at_ms == REQUEST_FOR_EVER || !request->is_sent)
		return request->deadline_at_ms;
	return request->deadline_at_ms + REQUEST_GRACE_MS;
}

/* What is left for the daemon; its default stays its default, and 0 would mean that. */
static uint32_t left_ms(const struct request *request, uint64_t now_ms)
{
	uint32_t left = clock_left_ms(request->deadline_at_ms, now_ms);

	if (request->timeout_ms == 0)
		return 0;
	return left > 0 ? left : 1;
}

static Bh__Target target_of(const struct request *request)
{
	Bh__Target target = BH__TARGET__INIT;

	target.has_uuid = true;
	target.uuid.len = sizeof(request->uuid.octets);
	target.uuid.data = (uint8_t *)(uintptr_t)request->uuid.octets;
	return target;
}

/* --- one function per body --- */

struct way {
	struct chan *chan;
	uint32_t epoch;
	uint64_t now_ms;
};

static int put(const struct request *request, const struct way *way, const ProtobufCMessage *msg)
{
	return chan_send(way->chan, request->type, request->id, way->epoch, msg, NULL, 0);
}

static int put_empty(const struct request *request, const struct way *way)
{
	Bh__Empty msg = BH__EMPTY__INIT;

	return put(request, way, &msg.base);
}

static int put_hello(const struct request *request, const struct way *way)
{
	Bh__Hello msg = BH__HELLO__INIT;

	msg.has_version = true;
	msg.version = 1;
	msg.label = (char *)(uintptr_t)request->text;
	return put(request, way, &msg.base);
}

static int put_events(const struct request *request, const struct way *way)
{
	Bh__EventsRequest msg = BH__EVENTS_REQUEST__INIT;

	msg.has_history = true;
	msg.history = request->wants_history || request->is_resumed;
	msg.has_follow = true;
	msg.follow = request->wants_follow;
	return put(request, way, &msg.base);
}

static int put_session_open(const struct request *request, const struct way *way)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;

	msg.has_kind = true;
	msg.kind = request->is_scan ? BH__SESSION_KIND__SESSION_SCAN
				    : BH__SESSION_KIND__SESSION_DEVICE;
	msg.has_address = !request->is_scan;
	msg.address = request->address;
	msg.adapter = (char *)(uintptr_t)request->text;
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	msg.has_under = request->under != 0;
	msg.under = request->under;
	msg.has_fail_fast = request->is_failing_fast;
	msg.fail_fast = request->is_failing_fast;
	return put(request, way, &msg.base);
}

static int put_session_close(const struct request *request, const struct way *way)
{
	Bh__SessionClose msg = BH__SESSION_CLOSE__INIT;

	msg.has_session = true;
	msg.session = request->number;
	return put(request, way, &msg.base);
}

static int put_link_drop(const struct request *request, const struct way *way)
{
	Bh__LinkDrop msg = BH__LINK_DROP__INIT;

	msg.has_address = true;
	msg.address = request->address;
	return put(request, way, &msg.base);
}

static int put_reset(const struct request *request, const struct way *way)
{
	Bh__ResetAdapter msg = BH__RESET_ADAPTER__INIT;

	msg.adapter = (char *)(uintptr_t)request->value;
	msg.has_level = true;
	msg.level = (Bh__ResetLevel)request->number;
	msg.has_only_list = true;
	msg.only_list = request->only_list;
	return put(request, way, &msg.base);
}

static int put_strategy(const struct request *request, const struct way *way)
{
	Bh__StrategySet msg = BH__STRATEGY_SET__INIT;

	msg.has_address = true;
	msg.address = request->address;
	msg.has_strategy = request->strategy != BH_STRATEGY_UNKNOWN;
	msg.strategy = (Bh__Strategy)request->strategy;
	msg.has_check_interval_ms = request->number != BH_INTERVAL_SAME;
	msg.check_interval_ms = request->number;
	return put(request, way, &msg.base);
}

static int put_device_info(const struct request *request, const struct way *way)
{
	Bh__DeviceInfoRequest msg = BH__DEVICE_INFO_REQUEST__INIT;

	msg.has_address = true;
	msg.address = request->address;
	return put(request, way, &msg.base);
}

static int put_sessions(const struct request *request, const struct way *way)
{
	Bh__SessionsRequest msg = BH__SESSIONS_REQUEST__INIT;

	msg.has_address = request->address != 0;
	msg.address = request->address;
	return put(request, way, &msg.base);
}

static int put_deaths(const struct request *request, const struct way *way)
{
	Bh__DeathsRequest msg = BH__DEATHS_REQUEST__INIT;

	msg.has_last = request->number != 0;
	msg.last = request->number;
	return put(request, way, &msg.base);
}

static int put_mark(const struct request *request, const struct way *way)
{
	Bh__HealthMark msg = BH__HEALTH_MARK__INIT;

	msg.has_address = true;
	msg.address = request->address;
	msg.has_health = true;
	msg.health = (Bh__Health)request->number;
	return put(request, way, &msg.base);
}

static int put_connect(const struct request *request, const struct way *way)
{
	Bh__Connect msg = BH__CONNECT__INIT;
	struct bh_check checks[BH_CHECKS_MAX];
	Bh__Check wire[BH_CHECKS_MAX];
	Bh__Check *list[BH_CHECKS_MAX];
	size_t n = request->len / sizeof(checks[0]);
	size_t i;

	memcpy(checks, request->value, n * sizeof(checks[0]));
	for (i = 0; i < n; i++) {
		bh__check__init(&wire[i]);
		wire[i].has_kind = true;
		wire[i].kind = (Bh__CheckKind)checks[i].kind;
		wire[i].has_uuid = checks[i].kind != BH_CHECK_GATT;
		wire[i].uuid.len = sizeof(checks[i].uuid.octets);
		wire[i].uuid.data = checks[i].uuid.octets;
		list[i] = &wire[i];
	}
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	msg.n_checks = n;
	msg.checks = list;
	msg.has_rejects = request->why && request->epoch == way->epoch;
	msg.rejects = msg.has_rejects;
	if (msg.rejects && *request->why)
		msg.reject_text = (char *)(uintptr_t)request->why;
	msg.has_exclusive = request->is_exclusive;
	msg.exclusive = request->is_exclusive;
	return put(request, way, &msg.base);
}

static int put_services(const struct request *request, const struct way *way)
{
	Bh__ServicesRequest msg = BH__SERVICES_REQUEST__INIT;

	msg.has_fresh = request->is_fresh;
	msg.fresh = request->is_fresh;
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	return put(request, way, &msg.base);
}

static int put_cache_clear(const struct request *request, const struct way *way)
{
	Bh__CacheClear msg = BH__CACHE_CLEAR__INIT;

	msg.has_address = msg.has_bluez = msg.has_bond = true;
	msg.address = request->address;
	msg.bluez = (request->number & BH_CLEAR_BLUEZ) != 0;
	msg.bond = (request->number & BH_CLEAR_BOND) != 0;
	return put(request, way, &msg.base);
}

static int put_read(const struct request *request, const struct way *way)
{
	Bh__Read msg = BH__READ__INIT;
	Bh__Target target = target_of(request);

	msg.target = &target;
	msg.has_fresh = request->is_fresh;
	msg.fresh = request->is_fresh;
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	return put(request, way, &msg.base);
}

static int put_write(const struct request *request, const struct way *way)
{
	Bh__Write msg = BH__WRITE__INIT;
	Bh__Target target = target_of(request);

	msg.target = &target;
	msg.has_value = true;
	msg.value.len = request->len;
	msg.value.data = (uint8_t *)(uintptr_t)request->value;
	msg.has_no_response = true;
	msg.no_response = request->no_response;
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	return put(request, way, &msg.base);
}

static int put_subscribe(const struct request *request, const struct way *way)
{
	Bh__Subscribe msg = BH__SUBSCRIBE__INIT;
	Bh__Target target = target_of(request);

	msg.target = &target;
	msg.has_timeout_ms = true;
	msg.timeout_ms = left_ms(request, way->now_ms);
	msg.has_silence_ms = request->number > 0;
	msg.silence_ms = request->number;
	msg.has_resume = request->resumes;
	msg.has_resumed = request->is_replay;
	msg.resume = request->resumes;
	msg.resumed = request->is_replay;
	return put(request, way, &msg.base);
}

static int put_unsubscribe(const struct request *request, const struct way *way)
{
	Bh__Unsubscribe msg = BH__UNSUBSCRIBE__INIT;

	msg.has_subscription = true;
	msg.subscription = request->number;
	return put(request, way, &msg.base);
}

static int put_scan(const struct request *request, const struct way *way)
{
	const struct request_filter *filter = request->filter;
	_cleanup_free_ ProtobufCBinaryData *uuids = NULL;
	Bh__Scan msg = BH__SCAN__INIT;
	size_t i;

	uuids = calloc(filter->n_uuids + 1, sizeof(*uuids));
	if (!uuids)
		return -ENOMEM;
	for (i = 0; i < filter->n_uuids; i++) {
		uuids[i].len = sizeof(filter->uuids[i].octets);
		uuids[i].data = (uint8_t *)(uintptr_t)filter->uuids[i].octets;
	}
	msg.n_uuids = filter->n_uuids;
	msg.uuids = uuids;
	msg.has_rssi_min_dbm = filter->rssi_min_dbm != 0;
	msg.rssi_min_dbm = filter->rssi_min_dbm;
	msg.has_address = filter->address != 0;
	msg.address = filter->address;
	return put(request, way, &msg.base);
}

static const struct {
	uint16_t type;
	int (*put)(const struct request *request, const struct way *way);
} BODIES[] = {
	{ BH__TYPE__READ, put_read },
	{ BH__TYPE__WRITE, put_write },
	{ BH__TYPE__CONNECT, put_connect },
	{ BH__TYPE__DISCONNECT, put_empty },
	{ BH__TYPE__SERVICES_REQUEST, put_services },
	{ BH__TYPE__SUBSCRIBE, put_subscribe },
	{ BH__TYPE__UNSUBSCRIBE, put_unsubscribe },
	{ BH__TYPE__SCAN, put_scan },
	{ BH__TYPE__HELLO, put_hello },
	{ BH__TYPE__STATUS_REQUEST, put_empty },
	{ BH__TYPE__ADAPTERS_REQUEST, put_empty },
	{ BH__TYPE__DEVICES_REQUEST, put_empty },
	{ BH__TYPE__EVENTS_REQUEST, put_events },
	{ BH__TYPE__LOCKS_REQUEST, put_empty },
	{ BH__TYPE__LOCK_OPEN, put_empty },
	{ BH__TYPE__SESSION_OPEN, put_session_open },
	{ BH__TYPE__SESSION_CLOSE, put_session_close },
	{ BH__TYPE__LINK_DROP, put_link_drop },
	{ BH__TYPE__RESET_ADAPTER, put_reset },
	{ BH__TYPE__STRATEGY_SET, put_strategy },
	{ BH__TYPE__CACHE_CLEAR, put_cache_clear },
	{ BH__TYPE__DEVICE_INFO_REQUEST, put_device_info },
	{ BH__TYPE__SESSIONS_REQUEST, put_sessions },
	{ BH__TYPE__HEALTH_MARK, put_mark },
	{ BH__TYPE__DEATHS_REQUEST, put_deaths },
};

int request_send(const struct request *request, struct chan *chan, uint32_t epoch, uint64_t now_ms)
{
	struct way way = { .chan = chan, .epoch = epoch, .now_ms = now_ms };
	size_t i;

	for (i = 0; i < ARRAY_LEN(BODIES); i++)
		if (BODIES[i].type == request->type)
			return BODIES[i].put(request, &way);
	/* A type without a body is a mistake of ours. */
	assert(false);
	return -EINVAL;
}

/* --- results --- */

const char *request_text(const char *text)
{
	return text ? text : "";
}

struct bh_timings request_timings(const Bh__Timings *timings)
{
	if (!timings)
		return (struct bh_timings){ 0 };
	return (struct bh_timings){
		.queue_ms = timings->queue_ms,
		.connect_ms = timings->connect_ms,
		.services_ms = timings->services_ms,
		.query_ms = timings->query_ms,
		.total_ms = timings->total_ms,
		.is_cached = timings->cached,
	};
}

struct bh_result request_result(enum bh_class class, const char *text, const char *advice)
{
	enum err_class ours = class_from_wire((int)class);

	if (!text)
		text = ours == CLASS_NONE ? "" : class_name(ours);
	return (struct bh_result){
		.error = class,
		.text = text,
		.advice = advice && *advice ? advice : class_advice(ours),
		.adapter = "",
	};
}

struct bh_result request_error(const Bh__Error *error)
{
	enum bh_class class = (enum bh_class)class_from_wire((int)error->class_);
	struct bh_result result;

	/* An error without a class would read as success. */
	if (class == BH_CLASS_NONE)
		class = BH_CLASS_INTERNAL;
	result = request_result(class, error->text, error->advice);
	result.attempts = error->attempts;
	result.timings = request_timings(error->timings);
	return result;
}
