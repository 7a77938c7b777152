/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/client_use.c - those that use peripherals: pollers, subscribers, scanners.
 */
#include <inttypes.h>

#include "contrib/soak/client.h"

enum {
	THINK_MS = 100,
	STAY_ROUNDS = 30,     /* a subscriber's reads before it begins anew, at least */
	SUBSCRIBER_MS = 1000, /* between its reads, at most */
	SCAN_MS = 1500,
	PAUSE_MS = 1000, /* between scans */
	/* Each device has as long without pollers: a link that nobody ends is seen then. */
	SHIFT_US = 20000000,
};

/* --- on demand: open, use, close --- */

static void use(struct client *c)
{
	for (uint32_t n = 1 + client_dice(c, 4); n > 0 && !c->is_ended; n--) {
		for (uint32_t i = client_dice(c, 3); i > 0 && !c->is_ended; i--)
			(void)client_write(c);
		if (!c->is_ended)
			(void)client_read(c);
		client_settle(c);
		client_think(c, 1 + client_dice(c, THINK_MS));
	}
}

/* Of every other device, all pollers of the same ones; the others rest. */
static uint16_t pick(struct client *c)
{
	uint32_t half = (c->book->devices + 1) / 2;
	uint32_t shift = (uint32_t)(book_now_us() / SHIFT_US % 2);

	return (uint16_t)((client_dice(c, half) * 2 + shift) % c->book->devices);
}

void client_poll(struct client *c)
{
	while (!client_is_over(c)) {
		/* It does not stay: a program that runs for one request. */
		if (c->is_gone)
			client_hang_up(c);
		if (!c->bh && !client_dial(c, false))
			return;
		if (client_open(c, pick(c))) {
			if (client_dice(c, 2) == 0) {
				if (client_connect(c))
					use(c);
				if (!c->is_ended)
					client_disconnect(c);
			} else {
				use(c);
			}
			client_settle(c);
		}
		client_close(c);
		client_think(c, 1 + client_dice(c, THINK_MS));
	}
}

/* --- a subscription that is to last --- */

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	const struct call *call = ctx;
	struct client *c = call->client;
	uint32_t counter = 0;

	for (size_t i = 0; i < len_bytes && i < 4; i++)
		counter |= (uint32_t)value[i] << (8 * i);
	atomic_fetch_add(&c->page->notified, 1);
	if (counter <= c->seen)
		client_find(c, BOOK_NOTIFY_ORDER, call->number, c->device,
			    "value %u after value %u (%s)", counter, c->seen, c->said);
	else if (seq != c->seq + 1 + lost)
		client_find(c, BOOK_NOTIFY_ORDER, call->number, c->device,
			    "number %" PRIu64 " with %u lost after number %" PRIu64 " (%s)", seq,
			    lost, c->seq, c->said);
	else if (!c->is_gap && counter != c->seen + 1 + lost)
		client_find(c, BOOK_NOTIFY_ORDER, call->number, c->device,
			    "value %u with %u lost after value %u, and no word of a loss (%s)",
			    counter, lost, c->seen, c->said);
	c->seen = counter;
	c->seq = seq;
	c->is_gap = false;
}

/* A second call with a class is its end; with success it would be a second answer. */
static void on_subscription(void *ctx, const struct bh_result *result)
{
	struct call *call = ctx;

	if (call->is_open || result->error == BH_CLASS_NONE || call->is_over)
		client_on_answer(call, result);
	else
		call->is_over = true;
}

static void listen(struct client *c)
{
	static const struct bh_subscribe_options OPTIONS = { .resumes = true };
	struct call *call = client_begin(c, BOOK_SUBSCRIBE, c->device, CLIENT_WAIT_MS);
	uint32_t id = 0;
	uint32_t rounds = STAY_ROUNDS + client_dice(c, STAY_ROUNDS);

	c->seen = 0;
	c->seq = 0;
	c->is_gap = true;
	if (!client_asked(c, call,
			  bh_subscribe_with(c->session, &c->counter, CLIENT_WAIT_MS, &OPTIONS,
					    on_value, on_subscription, call, &id)))
		return;
	client_settle(c);
	while (call->error == BH_CLASS_NONE && !call->is_over && !c->is_ended && rounds-- > 0 &&
	       !client_is_over(c)) {
		if (client_dice(c, 4) == 0)
			(void)client_write(c);
		if (!c->is_ended)
			(void)client_read(c);
		client_settle(c);
		client_think(c, 1 + client_dice(c, SUBSCRIBER_MS));
	}
}

void client_subscribe(struct client *c)
{
	uint16_t device = (uint16_t)(book_rank_of(c->number) % c->book->devices);

	if (!client_dial(c, true))
		return;
	while (!client_is_over(c)) {
		if (client_open(c, device))
			listen(c);
		client_settle(c);
		client_close(c);
		client_think(c, 1 + client_dice(c, THINK_MS));
	}
}

/* --- who is there --- */

struct looking {
	struct call *call;
	uint32_t adverts;
};

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct looking *looking = ctx;

	(void)advert;
	if (looking->adverts++ == 0 && looking->call->is_open)
		client_answer(looking->call, BH_CLASS_NONE);
}

static void on_end(void *ctx, const struct bh_result *result)
{
	struct looking *looking = ctx;

	if (looking->call->is_open)
		client_answer(looking->call, result->error);
	else if (result->error == BH_CLASS_NONE)
		client_on_answer(looking->call, result);
}

/* Answered by the first advert; a scan that hears nobody for as long as a request may take is given
 * up by us, and counts as one that failed. */
static void look(struct client *c)
{
	struct looking looking = { .call = client_begin(c, BOOK_SCAN, BOOK_NOWHERE,
							CLIENT_WAIT_MS) };
	int64_t end_us = book_now_us() + (int64_t)CLIENT_WAIT_MS * 1000;
	struct bh_scan *scan = NULL;

	if (!client_asked(c, looking.call,
			  bh_scan_start(&scan, c->bh, NULL, on_advert, on_end, &looking)))
		return;
	client_think(c, 100 + client_dice(c, SCAN_MS));
	while (looking.call->is_open && book_now_us() < end_us)
		client_think(c, 50);
	(void)bh_scan_stop(scan);
	if (looking.call->is_open)
		client_answer(looking.call, BH_CLASS_DEADLINE);
}

void client_scan(struct client *c)
{
	if (!client_dial(c, true))
		return;
	while (!client_is_over(c)) {
		look(c);
		client_think(c, 1 + client_dice(c, PAUSE_MS));
	}
}
