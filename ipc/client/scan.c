/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/scan.c - a scan is one session of kind SCAN per adapter, each with one SCAN request
 * that stays open for as long as it lasts. That request's answer is the only sign of the end of a
 * radio, whatever the reason: the adapter refused, the session closed, the daemon went.
 *
 * Without a fixed adapter the scan follows the daemon's events, and asks for them before it asks
 * for the list, so that no adapter can come in between.
 */
#include "ipc/client/scan.h"

#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "ipc/client/lists.h"

enum { SCAN_UUIDS_MAX = 64 };

struct scan_radio {
	struct scan_radio *next;
	struct bh_scan *scan;
	struct bh_session *session;
	char adapter[16];
};

struct bh_scan {
	struct bh_scan *prev;
	struct bh_scan *next;
	struct bh_client *client;
	struct request_filter filter;
	struct bh_uuid *uuids;
	void (*advert)(void *ctx, const struct bh_advert *advert);
	bh_result_cb done;
	void *ctx;
	struct scan_radio *radios;
	uint32_t events_id; /* 0: not asked */
	uint32_t list_id;   /* 0: not asked, or answered */
	bool is_over;	    /* @done was called, or will never be */
	enum bh_class last_class;
	char last_text[192];
};

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct scan_radio *radio = ctx;

	if (!radio->scan->is_over)
		radio->scan->advert(radio->scan->ctx, advert);
}

static void note(struct bh_scan *scan, enum bh_class class, const char *text)
{
	scan->last_class = class;
	(void)snprintf(scan->last_text, sizeof(scan->last_text), "%.191s", text);
}

static void unlink_radio(struct scan_radio *radio)
{
	struct scan_radio **at = &radio->scan->radios;

	while (*at != radio)
		at = &(*at)->next;
	*at = radio->next;
}

/* Frees a radio that no list has; its request is answered meanwhile and finds no session. */
static void free_radio(struct scan_radio *radio)
{
	(void)bh_session_close(TAKE_PTR(radio->session));
	free(radio);
}

/* Nothing is left that could hear anything, and no adapter is expected. */
static void check_over(struct bh_scan *scan)
{
	struct bh_result result;

	if (scan->is_over || scan->radios || scan->list_id)
		return;
	scan->is_over = true;
	lists_drop(scan->client, scan->events_id);
	scan->events_id = 0;
	result = request_result(scan->last_class, scan->last_text, NULL);
	if (scan->done)
		scan->done(scan->ctx, &result);
}

static void on_radio_end(void *ctx, const struct bh_result *result)
{
	struct scan_radio *radio = ctx;
	struct bh_scan *scan = radio->scan;

	/* Answered because it is being freed. */
	if (!radio->session)
		return;
	note(scan, result->error == BH_CLASS_NONE ? BH_CLASS_INTERNAL : result->error,
	     result->error == BH_CLASS_NONE ? "the scan ended" : result->text);
	unlink_radio(radio);
	free_radio(radio);
	check_over(scan);
}

static int ask_scan(struct scan_radio *radio)
{
	struct request_args args = {
		.type = BH__TYPE__SCAN, .is_endless = true, .done = on_radio_end, .ctx = radio
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.advert = on_advert;
	request->filter = &radio->scan->filter;
	return session_ask(radio->session, request);
}

static int start_radio(struct bh_scan *scan, const char *adapter)
{
	struct session_args args = { .is_scan = true };
	struct scan_radio *radio;
	int r;

	radio = calloc(1, sizeof(*radio));
	if (!radio)
		return -ENOMEM;
	radio->scan = scan;
	(void)snprintf(radio->adapter, sizeof(radio->adapter), "%.15s", adapter);
	args.adapter = adapter;
	r = session_new(&radio->session, scan->client, &args);
	if (r < 0) {
		free(radio);
		return r;
	}
	r = ask_scan(radio);
	if (r < 0) {
		free_radio(radio);
		return r;
	}
	radio->next = scan->radios;
	scan->radios = radio;
	return 0;
}

/* --- adapters that are there, come and go --- */

static struct scan_radio *find_radio(const struct bh_scan *scan, const char *adapter)
{
	struct scan_radio *radio;

	for (radio = scan->radios; radio; radio = radio->next)
		if (strcmp(radio->adapter, adapter) == 0)
			return radio;
	return NULL;
}

static void add_adapter(struct bh_scan *scan, const char *adapter)
{
	int r;

	if (scan->is_over || !*adapter || find_radio(scan, adapter))
		return;
	r = start_radio(scan, adapter);
	if (r < 0)
		note(scan, BH_CLASS_INTERNAL, strerror(-r));
}

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	add_adapter(ctx, adapter->name);
}

static void on_listed(void *ctx, const struct bh_result *result)
{
	struct bh_scan *scan = ctx;

	scan->list_id = 0;
	if (result->error != BH_CLASS_NONE)
		note(scan, result->error, result->text);
	check_over(scan);
}

static void on_event(void *ctx, const struct bh_event *event)
{
	struct bh_scan *scan = ctx;
	struct scan_radio *radio;
	struct bh_result gone;

	/* worker-ready: one that could not scan before may be able to now. */
	if (strcmp(event->kind, "adapter-added") == 0 || strcmp(event->kind, "worker-ready") == 0)
		add_adapter(scan, event->adapter);
	if (strcmp(event->kind, "adapter-removed") != 0)
		return;
	radio = find_radio(scan, event->adapter);
	if (!radio)
		return;
	gone = request_result(BH_CLASS_ADAPTER_GONE, "the adapter was removed", NULL);
	on_radio_end(radio, &gone);
}

/* Without events the scan goes on with the adapters it has. */
static void on_events_end(void *ctx, const struct bh_result *result)
{
	struct bh_scan *scan = ctx;

	(void)result;
	scan->events_id = 0;
}

/* --- beginning and end --- */

static void link_in(struct bh_scan *scan)
{
	scan->next = scan->client->scans;
	if (scan->next)
		scan->next->prev = scan;
	scan->client->scans = scan;
}

static void link_out(struct bh_scan *scan)
{
	if (scan->prev)
		scan->prev->next = scan->next;
	else
		scan->client->scans = scan->next;
	if (scan->next)
		scan->next->prev = scan->prev;
}

static void free_scan(struct bh_scan *scan)
{
	free(scan->uuids);
	free(scan);
}

void scan_free_all(struct bh_scan *list)
{
	struct bh_scan *next;

	for (; list; list = next) {
		next = list->next;
		free_scan(list);
	}
}

void scan_mute_all(struct bh_scan *list)
{
	for (; list; list = list->next)
		list->done = NULL;
}

static int copy_filter(struct bh_scan *scan, const struct bh_scan_filter *filter)
{
	if (filter->n_uuids > 0) {
		scan->uuids = calloc(filter->n_uuids, sizeof(scan->uuids[0]));
		if (!scan->uuids)
			return -ENOMEM;
		memcpy(scan->uuids, filter->uuids, filter->n_uuids * sizeof(scan->uuids[0]));
	}
	scan->filter.uuids = scan->uuids;
	scan->filter.n_uuids = filter->n_uuids;
	scan->filter.rssi_min_dbm = filter->rssi_min_dbm;
	scan->filter.address = filter->address;
	return 0;
}

static int begin(struct bh_scan *scan, const char *adapter)
{
	int r;

	if (adapter)
		return start_radio(scan, adapter);
	r = lists_events(scan->client, false, true, on_event, on_events_end, scan,
			 &scan->events_id);
	if (r < 0)
		return r;
	return lists_adapters(scan->client, on_adapter, on_listed, scan, &scan->list_id);
}

int bh_scan_start(struct bh_scan **out, struct bh_client *client,
		  const struct bh_scan_filter *filter,
		  void (*advert)(void *ctx, const struct bh_advert *advert), bh_result_cb done,
		  void *ctx)
{
	static const struct bh_scan_filter EVERYTHING;
	struct bh_scan *scan;
	int r;

	if (!out || !client || !advert)
		return -EINVAL;
	if (!filter)
		filter = &EVERYTHING;
	if ((filter->n_uuids > 0 && !filter->uuids) || filter->n_uuids > SCAN_UUIDS_MAX ||
	    filter->address >> 48 != 0)
		return -EINVAL;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->client = client;
	scan->advert = advert;
	scan->done = done;
	scan->ctx = ctx;
	note(scan, BH_CLASS_ADAPTER_GONE, "there is no adapter");
	link_in(scan);
	r = copy_filter(scan, filter);
	if (r == 0)
		r = begin(scan, filter->adapter);
	if (r < 0) {
		(void)bh_scan_stop(scan);
		return r;
	}
	*out = scan;
	return 0;
}

struct bh_scan *bh_scan_stop(struct bh_scan *scan)
{
	struct scan_radio *radio;
	struct bh_client *client;

	if (!scan)
		return NULL;
	client = scan->client;
	client_enter(client);
	scan->is_over = true;
	lists_drop(client, scan->events_id);
	lists_drop(client, scan->list_id);
	while ((radio = scan->radios)) {
		scan->radios = radio->next;
		free_radio(radio);
	}
	link_out(scan);
	scan->next = client->dead_scans;
	client->dead_scans = scan;
	(void)client_leave(client);
	return NULL;
}

void scan_discard(struct bh_scan *scan)
{
	struct bh_result result = request_result(BH_CLASS_CANCELLED, NULL, NULL);
	bh_result_cb done = scan->is_over ? NULL : scan->done;
	void *ctx = scan->ctx;

	(void)bh_scan_stop(scan);
	if (done)
		done(ctx, &result);
}
