/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/gatt.h"

#include "ipc/clock.h"
#include "worker/acquire_write.h"
#include "worker/notify.h"
#include "worker/objpath.h"
#include "worker/recall.h"

#include <stdio.h>
#include <string.h>

/* The request's own deadline comes first; BUSY_MS: how soon a busy characteristic is tried again.
 */
enum { CALL_GRACE_MS = 1000, BUSY_MS = 20, FLAGS_MAX = 32 };

static const char CHRC[] = "org.bluez.GattCharacteristic1";

void gatt_path(const struct link *link, const struct gatt_chrc *chrc, char *out_path)
{
	const struct objpath object = { .kind = OBJPATH_CHRC,
					.addr = link->addr,
					.service = chrc->service,
					.chrc = chrc->handle };

	objpath_format(&object, link->w->adapter_path, out_path);
}

struct gatt_chrc *gatt_target(struct link *link, struct request *request, uint32_t flags,
			      const char *refusal)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	struct gatt_chrc *chrc = NULL;
	char uuid[UUID_TEXT_LEN + 1];
	char text[128];

	if (device)
		chrc = gatt_db_find(&device->db, request->has_uuid ? &request->uuid : NULL,
				    (uint16_t)request->handle);
	if (chrc && (chrc->flags & flags)) {
		request->chrc = chrc->handle;
		return chrc;
	}
	uuid_format_short(&request->uuid, uuid);
	if (chrc) {
		uuid_format_short(&chrc->uuid, uuid);
		(void)snprintf(text, sizeof(text), "characteristic %s %s", uuid, refusal);
		request_fail(request, CLASS_GATT_REFUSED, text);
		return NULL;
	}
	if (!request->has_uuid)
		(void)snprintf(text, sizeof(text),
			       "the peripheral has no characteristic with handle 0x%04x",
			       request->handle);
	else
		(void)snprintf(text, sizeof(text), "the peripheral has no characteristic %s", uuid);
	request_fail(request, CLASS_GATT_MISSING, text);
	return NULL;
}

/* --- who is busy with what --- */

static struct request *busy_with(const struct link *link, uint16_t chrc)
{
	struct request *r;

	TAILQ_FOREACH(r, &link->flying, flying)
	if (r->chrc == chrc && r->state == REQUEST_ISSUED)
		return r;
	return NULL;
}

bool gatt_is_reading(const struct link *link, uint16_t chrc)
{
	const struct request *r = busy_with(link, chrc);

	return r && r->type == BH__TYPE__READ;
}

static void fly(struct link *link, struct request *request, enum request_state state)
{
	request->state = state;
	request_issued(request);
	TAILQ_INSERT_TAIL(&link->flying, request, flying);
}

static struct handled handle(const struct request *request)
{
	return worker_handle(request->seat->w,
			     (struct handled){ request->seat->session, request->id });
}

/* It was not carried out: a successor may do it. */
static void take_back(struct request *request)
{
	if (request->is_on_page)
		wpage_answered(request->seat->w->page, request->seat->session, request->id);
	request->is_on_page = false;
}

/* Busy with somebody else's operation BlueZ did not carry out ours. A read does no harm twice. */
static bool may_repeat(const struct request *request, const struct bus_result *result)
{
	if (result->is_lost)
		return request->type == BH__TYPE__READ;
	return result->is_busy || acquire_write_is_ours(request->seat->link, result);
}

/* As long as that characteristic rests everybody's order on it stays as it is. */
static void rest(struct link *link, uint16_t handle)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	struct gatt_chrc *chrc = device ? gatt_db_chrc(&device->db, handle) : NULL;

	if (chrc)
		chrc->again_at_ms = clock_now_ms() + BUSY_MS;
}

static bool is_resting(struct link *link, const struct gatt_chrc *chrc)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms >= chrc->again_at_ms)
		return false;
	link_review_later(link, clock_left_ms(chrc->again_at_ms, now_ms));
	return true;
}

/* Once more, soon, when there is time for that answer, too; where BlueZ is gone when it is back. */
static bool try_again(struct request *request, const struct bus_result *result)
{
	struct link *link = request->seat->link;

	if (!may_repeat(request, result) || request_left_ms(request) <= 2 * BUSY_MS ||
	    link->state != LINK_UP)
		return false;
	take_back(request);
	link_unfly(request);
	rest(link, request->chrc);
	return true;
}

bool gatt_is_unanswered(const struct bus_result *result)
{
	return strstr(result->text, "ATT error: 0x0e") != NULL;
}

static void fail_from(struct request *request, const struct bus_result *result)
{
	if (gatt_is_unanswered(result))
		link_doubt(request->seat->link);
	if (result->is_lost)
		request_lost(request, result->class, result->text);
	else
		request_fail(request, result->class, result->text);
}

/* --- read --- */

static void answer_sharers(struct link *link, const struct request *leader,
			   const struct bus_result *result, const void *value, size_t len)
{
	struct request *r = TAILQ_FIRST(&link->flying);
	struct request *next;

	for (; r; r = next) {
		next = TAILQ_NEXT(r, flying);
		if (r->leader != leader)
			continue;
		if (result->reply)
			request_value(r, value, len);
		else if (!try_again(r, result))
			fail_from(r, result);
	}
}

static void on_read(void *ctx, const struct bus_result *result)
{
	const struct bus_result odd = { .class = CLASS_INTERNAL,
					.text = "BlueZ's answer to ReadValue was odd" };
	struct request *request = ctx;
	struct handled before = handle(request);
	struct link *link = request->seat->link;
	const void *value = NULL;
	size_t len = 0;

	request->call = NULL;
	if (result->reply &&
	    sd_bus_message_read_array(result->reply, SD_BUS_TYPE_BYTE, &value, &len) < 0)
		result = &odd;
	notify_read_answered(link, request->chrc, value, len);
	if (result->reply)
		recall_value(link, request->chrc, value, len);
	answer_sharers(link, request, result, value, len);
	if (result->reply)
		request_value(request, value, len);
	else if (!try_again(request, result))
		fail_from(request, result);
	(void)worker_handle(link->w, before);
	link_review(link);
}

static int append_options(sd_bus_message *m, const char *type)
{
	int r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");

	if (r >= 0 && type)
		r = sd_bus_message_append(m, "{sv}", "type", "s", type);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Starts ReadValue or WriteValue. */
static int call_chrc(struct link *link, struct request *request, const struct gatt_chrc *chrc,
		     bool is_write, bus_done done)
{
	const char *type = request->no_response ? "command" : "request";
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	gatt_path(link, chrc, path);
	r = bus_message(link->w->bus, &m, path, CHRC, is_write ? "WriteValue" : "ReadValue");
	if (r < 0)
		return r;
	if (is_write)
		r = sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, request->value, request->len);
	if (r >= 0)
		r = append_options(m, is_write ? type : NULL);
	if (r >= 0)
		r = bus_call(link->w->bus, m, ERRORS_CALL_GATT,
			     request_left_ms(request) + CALL_GRACE_MS, done, request,
			     &request->call);
	sd_bus_message_unref(m);
	return r;
}

/* False: the bus went in this moment, and the request waits as in gatt_try(). */
static bool not_sent(struct request *request, const char *text)
{
	if (!bus_is_up(request->seat->w->bus)) {
		take_back(request);
		return false;
	}
	request_fail(request, CLASS_BLUEZ_GONE, text);
	return true;
}

static bool try_read(struct link *link, struct request *request)
{
	const struct gatt_chrc *chrc =
		gatt_target(link, request, GATT_READ, "does not allow reading");
	struct request *busy;

	if (!chrc)
		return true;
	if (is_resting(link, chrc))
		return false;
	busy = busy_with(link, chrc->handle);
	if (busy && busy->type != BH__TYPE__READ)
		return false;
	if (busy) {
		request->leader = busy;
		fly(link, request, REQUEST_SHARED);
		return true;
	}
	if (call_chrc(link, request, chrc, false, on_read) < 0)
		return not_sent(request, "the read could not be sent");
	fly(link, request, REQUEST_ISSUED);
	return true;
}

/* --- write --- */

static void on_write(void *ctx, const struct bus_result *result)
{
	struct request *request = ctx;
	struct handled before = handle(request);
	struct link *link = request->seat->link;

	request->call = NULL;
	if (result->reply)
		request_done(request, 0);
	else if (!try_again(request, result))
		fail_from(request, result);
	(void)worker_handle(link->w, before);
	link_review(link);
}

static bool try_write(struct link *link, struct request *request)
{
	const uint32_t flags =
		request->no_response ? GATT_WRITE_COMMAND : GATT_WRITE | GATT_RELIABLE_WRITE;
	const struct gatt_chrc *chrc =
		gatt_target(link, request, flags,
			    request->no_response ? "does not allow writing without response"
						 : "does not allow writing with response");
	enum acquire_write_way way;
	int r = -ENOTCONN;

	if (!chrc)
		return true;
	if (is_resting(link, chrc))
		return false;
	way = acquire_write_way(link, request, chrc);
	if (way == ACQUIRE_WRITE_WAIT ||
	    (way == ACQUIRE_WRITE_CALL && busy_with(link, chrc->handle)))
		return false;
	/* On the page before it can have happened: a successor must not write it again. */
	if (wpage_issue(link->w->page, request->seat->session, request->id) < 0) {
		link_review_later(link, BUSY_MS);
		return false;
	}
	request->is_on_page = true;
	recall_written(link, chrc->handle);
	if (way == ACQUIRE_WRITE_SOCKET)
		r = acquire_write_send(link, request);
	if (r == -EAGAIN) {
		take_back(request);
		return false;
	}
	if (r < 0 && call_chrc(link, request, chrc, true, on_write) < 0)
		return not_sent(request, "the write could not be sent");
	fly(link, request, REQUEST_ISSUED);
	return true;
}

/* --- services --- */

static size_t fill_flags(uint32_t bits, char **out)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < FLAGS_MAX; i++)
		if (bits & 1u << i && gatt_db_flag_name(i))
			out[n++] = (char *)(uintptr_t)gatt_db_flag_name(i);
	return n;
}

/* Characteristics of one service as a message; the caller frees the three arrays. */
struct service_parts {
	Bh__Characteristic *chrcs;
	Bh__Characteristic **list;
	char **flags;
};

static size_t fill_chrcs(const struct gatt_db *db, uint16_t service, struct service_parts *parts)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < db->n_chrcs; i++) {
		const struct gatt_chrc *chrc = &db->chrcs[i];
		Bh__Characteristic *out = &parts->chrcs[n];

		if (chrc->service != service)
			continue;
		bh__characteristic__init(out);
		out->has_uuid = out->has_handle = 1;
		out->uuid.data = (uint8_t *)(uintptr_t)chrc->uuid.octets;
		out->uuid.len = sizeof(chrc->uuid.octets);
		out->handle = chrc->handle;
		out->flags = &parts->flags[n * FLAGS_MAX];
		out->n_flags = fill_flags(chrc->flags, out->flags);
		parts->list[n++] = out;
	}
	return n;
}

static void send_service(const struct request *request, const struct gatt_db *db,
			 const struct gatt_service *service, struct service_parts *parts)
{
	Bh__Service msg = BH__SERVICE__INIT;

	msg.has_uuid = msg.has_handle = msg.has_primary = 1;
	msg.uuid.data = (uint8_t *)(uintptr_t)service->uuid.octets;
	msg.uuid.len = sizeof(service->uuid.octets);
	msg.handle = service->handle;
	msg.primary = service->is_primary;
	msg.n_characteristics = fill_chrcs(db, service->handle, parts);
	msg.characteristics = parts->list;
	port_send(request->seat->port, BH__TYPE__SERVICE, request->id, request->seat->epoch,
		  &msg.base);
}

void gatt_answer_services(struct request *request, const struct gatt_db *db)
{
	struct service_parts parts = { .chrcs = NULL };
	size_t n = db->n_chrcs + 1;
	size_t i;

	parts.chrcs = calloc(n, sizeof(*parts.chrcs));
	parts.list = calloc(n, sizeof(*parts.list));
	parts.flags = calloc(n * FLAGS_MAX, sizeof(*parts.flags));
	if (parts.chrcs && parts.list && parts.flags) {
		for (i = 0; i < db->n_services; i++)
			send_service(request, db, &db->services[i], &parts);
		request_done(request, (uint32_t)db->n_services);
	} else {
		request_fail(request, CLASS_INTERNAL, "the services could not be listed");
	}
	free(parts.chrcs);
	free(parts.list);
	free(parts.flags);
}

static bool try_services(struct link *link, struct request *request)
{
	static const struct gatt_db NOTHING;
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	recall_up(link);
	gatt_answer_services(request, device ? &device->db : &NOTHING);
	return true;
}

/* --- by type --- */

static const struct {
	uint16_t type;
	bool (*attempt)(struct link *link, struct request *request);
} KINDS[] = {
	{ BH__TYPE__READ, try_read },
	{ BH__TYPE__WRITE, try_write },
	{ BH__TYPE__SUBSCRIBE, notify_subscribe },
	{ BH__TYPE__SERVICES_REQUEST, try_services },
};

bool gatt_try(struct link *link, struct request *request)
{
	struct handled before;
	bool is_begun = true;
	size_t i = 0;

	if (request->type != BH__TYPE__WRITE && acquire_write_is_behind(request, false))
		return false;
	/* It went in this moment: the link follows, and the request waits for both. */
	if (!bus_is_up(link->w->bus))
		return false;
	before = handle(request);
	while (i < ARRAY_LEN(KINDS) && KINDS[i].type != request->type)
		i++;
	if (i < ARRAY_LEN(KINDS))
		is_begun = KINDS[i].attempt(link, request);
	else
		request_fail(request, CLASS_INVALID, "no such request");
	(void)worker_handle(link->w, before);
	return is_begun;
}
