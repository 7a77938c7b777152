/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/validate.h"

#include "ipc/clock.h"
#include "worker/gatt.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/objpath.h"

#include <stdio.h>
#include <string.h>

/* How soon a busy characteristic is tried again, as in gatt.c. */
enum { BUSY_MS = 20 };

static int take(const Bh__Check *wire, struct validate_check *out)
{
	static const enum validate_kind KINDS[] = {
		[BH__CHECK_KIND__CHECK_GATT] = VALIDATE_GATT,
		[BH__CHECK_KIND__CHECK_CHARACTERISTIC] = VALIDATE_CHARACTERISTIC,
		[BH__CHECK_KIND__CHECK_READ] = VALIDATE_READ,
	};

	if (!wire->has_kind || (size_t)wire->kind >= ARRAY_LEN(KINDS) ||
	    wire->kind < BH__CHECK_KIND__CHECK_GATT)
		return -EINVAL;
	out->kind = KINDS[wire->kind];
	if (out->kind == VALIDATE_GATT)
		return 0;
	if (!wire->has_uuid || wire->uuid.len != sizeof(out->uuid.octets))
		return -EINVAL;
	memcpy(out->uuid.octets, wire->uuid.data, sizeof(out->uuid.octets));
	return 0;
}

int validate_new(struct validate **out, const Bh__Connect *connect)
{
	_cleanup_free_ struct validate *validate = NULL;
	size_t i;
	int r;

	if (connect->n_checks == 0)
		return 0;
	if (connect->n_checks > VALIDATE_MAX)
		return -EINVAL;
	validate = calloc(1, sizeof(*validate));
	if (!validate)
		return -ENOMEM;
	validate->n = connect->n_checks;
	for (i = 0; i < validate->n; i++) {
		r = take(connect->checks[i], &validate->checks[i]);
		if (r < 0)
			return r;
	}
	*out = TAKE_PTR(validate);
	return 0;
}

enum validate_verdict validate_look(struct validate *validate, const struct gatt_db *db,
				    const struct gatt_chrc **out_chrc)
{
	const struct validate_check *check;

	for (; validate->at < validate->n; validate->at++) {
		check = &validate->checks[validate->at];
		if (check->kind == VALIDATE_GATT) {
			if (db->n_services == 0 || db->n_chrcs == 0)
				return VALIDATE_MISSING;
			continue;
		}
		*out_chrc = gatt_db_find(db, &check->uuid, 0);
		if (!*out_chrc)
			return VALIDATE_MISSING;
		if (check->kind == VALIDATE_READ)
			return VALIDATE_PROBE;
	}
	return VALIDATE_PASSED;
}

/* --- a link that does not pass --- */

static bool is_wanted_by_others(const struct link *link, const struct seat *own)
{
	const struct seat *seat;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat != own && seat_wants_link(seat))
		return true;
	return false;
}

/* Whether nobody else would miss it. */
static bool is_alone(const struct link *link, const struct request *request)
{
	return !is_wanted_by_others(link, request->seat) && TAILQ_EMPTY(&link->subs) &&
	       TAILQ_EMPTY(&link->flying);
}

static void fail_attempt(struct link *link, struct request *request, enum err_class class,
			 const char *text)
{
	/* It came to a link that was there: that was the first attempt. */
	if (!request->has_waited || link->attempts == 0) {
		link->attempts = 1;
		link->began_ms = request->at_ms;
	}
	request->has_waited = true;
	link_event_why(link, LINK_EV_INVALID, class, text);
}

static void reject(struct link *link, struct request *request, enum err_class class,
		   const char *text)
{
	if (is_alone(link, request))
		fail_attempt(link, request, class, text);
	else
		request_fail(request, class, text);
}

static void describe(const struct validate_check *check, char *out, size_t size)
{
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format_short(&check->uuid, uuid);
	if (check->kind == VALIDATE_GATT)
		(void)snprintf(out, size, "the link has no services");
	else
		(void)snprintf(out, size, "the peripheral has no characteristic %s", uuid);
}

static bool miss(struct link *link, struct request *request)
{
	const struct validate *validate = request->checks;
	uint64_t late_at_ms = validate->up_ms + link->w->gatt_late_ms;
	uint64_t now_ms = clock_now_ms();
	char text[LINK_TEXT_LEN];

	if (now_ms < late_at_ms) {
		link_review_later(link, clock_left_ms(late_at_ms, now_ms));
		return false;
	}
	describe(&validate->checks[validate->at], text, sizeof(text));
	if (!is_alone(link, request)) {
		request_fail(request, CLASS_VALIDATION, text);
		return true;
	}
	/* Once: what BlueZ remembers may be what is wrong. */
	link->is_clear_due = !link->has_forgotten;
	link->has_forgotten = true;
	fail_attempt(link, request, CLASS_VALIDATION, text);
	return false;
}

/* --- the program's own check --- */

static bool take_rejection(struct link *link, struct request *request)
{
	const char *why = (const char *)request->value;
	struct seat *seat = request->seat;
	char text[LINK_TEXT_LEN + 64];
	bool is_shared;

	if (!request_is_first(request))
		return false;
	notify_drop_seat(seat);
	seat_let_go(seat);
	is_shared = is_wanted_by_others(link, seat);
	(void)snprintf(text, sizeof(text), "the program rejected the link%s%s%s", *why ? ": " : "",
		       why, is_shared ? "; others use it: it was not ended" : "");
	if (is_shared) {
		request_fail(request, CLASS_VALIDATION, text);
		link_review(link);
		return true;
	}
	request->rejects = false;
	request->has_rejected = true;
	request->has_waited = request->at_ms <= seat->connecting_until_ms;
	link->began_ms = request->at_ms;
	fail_attempt(link, request, CLASS_VALIDATION, text);
	return false;
}

/* --- reading --- */

static void fail_probe(struct link *link, struct request *request, const struct bus_result *result)
{
	char text[LINK_TEXT_LEN];

	/* Its own limit, or ATT's: the peripheral did not answer. */
	if (result->is_timeout || gatt_is_unanswered(result)) {
		link->peer = DIAGNOSIS_PEER_SILENT;
		reject(link, request, CLASS_ZOMBIE, "the peripheral does not answer a read");
		return;
	}
	(void)snprintf(text, sizeof(text), "the check's read failed: %.120s", result->text);
	reject(link, request, CLASS_VALIDATION, text);
}

static void on_probe(void *ctx, const struct bus_result *result)
{
	struct request *request = ctx;
	struct link *link = request->seat->link;

	request->call = NULL;
	link_unfly(request);
	link->has_answered |= result->reply != NULL;
	if (result->reply)
		request->checks->at++;
	else if (result->is_busy && request_left_ms(request) > BUSY_MS)
		link_review_later(link, BUSY_MS);
	else
		fail_probe(link, request, result);
	link_review(link);
}

static int call_read(struct link *link, struct request *request, const struct gatt_chrc *chrc)
{
	uint32_t left_ms = request_left_ms(request);
	sd_bus_message *m = NULL;
	char path[OBJPATH_LEN];
	int r;

	gatt_path(link, chrc, path);
	r = bus_message(link->w->bus, &m, path, "org.bluez.GattCharacteristic1", "ReadValue");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 0);
	if (r >= 0)
		r = bus_call(link->w->bus, m, ERRORS_CALL_GATT,
			     left_ms < VALIDATE_READ_MS ? left_ms + 1 : VALIDATE_READ_MS, on_probe,
			     request, &request->call);
	sd_bus_message_unref(m);
	return r;
}

static bool probe(struct link *link, struct request *request, const struct gatt_chrc *chrc)
{
	if (call_read(link, request, chrc) < 0) {
		request_fail(request, CLASS_BLUEZ_GONE, "the read could not be sent");
		return true;
	}
	request->chrc = chrc->handle;
	request->state = REQUEST_ISSUED;
	request_issued(request);
	TAILQ_INSERT_TAIL(&link->flying, request, flying);
	return false;
}

bool validate_try(struct link *link, struct request *request)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	struct validate *validate = request->checks;
	const struct gatt_chrc *chrc = NULL;
	enum validate_verdict verdict = VALIDATE_PASSED;

	if (request->rejects)
		return take_rejection(link, request);
	if (validate && validate->up_ms != link->since_ms) {
		validate->at = 0;
		validate->up_ms = link->since_ms;
	}
	if (validate && device)
		verdict = validate_look(validate, &device->db, &chrc);
	switch (verdict) {
	case VALIDATE_MISSING:
		return miss(link, request);
	case VALIDATE_PROBE:
		return probe(link, request, chrc);
	case VALIDATE_PASSED:
		link->has_forgotten = false;
		request->seat->connecting_until_ms =
			request->has_waited ? request->deadline.at_ms : 0;
		request_connected(request);
		return true;
	}
	return false;
}

void validate_lost(struct link *link)
{
	struct request *request = NULL;
	const struct seat *seat;
	struct request *r;

	if (link->state != LINK_UP)
		return;
	TAILQ_FOREACH(seat, &link->seats, on_link)
	TAILQ_FOREACH(r, &seat->requests, entry)
	if (r->checks)
		request = r;
	if (!request)
		return;
	link_unfly(request);
	if (is_alone(link, request))
		fail_attempt(link, request, CLASS_LINK_LOST, "the link broke while it was checked");
}
