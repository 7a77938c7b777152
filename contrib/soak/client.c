/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/client.c - requests of a client, from the question to the note in the book.
 */
#include "contrib/soak/client.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	REDIAL_MS = 100,
	/* How many entries may be unjudged: the judge comes every 200 ms. */
	ROOM = BOOK_RING - CLIENT_CALLS,
};

bool client_is_over(const struct client *c)
{
	return atomic_load(&c->book->is_over) != 0;
}

uint32_t client_dice(struct client *c, uint32_t below)
{
	return book_random(&c->random, below);
}

void client_find(struct client *c, enum book_promise promise, uint32_t number, uint16_t device,
		 const char *format, ...)
{
	struct book_finding *finding = &c->page->finding;
	va_list args;

	if (atomic_load(&finding->is_there))
		return;
	finding->promise = promise;
	finding->number = number;
	finding->device = device;
	finding->at_us = book_now_us();
	va_start(args, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	atomic_store(&finding->is_there, 1);
}

/* --- the loop --- */

static void turn(struct client *c, int timeout_ms)
{
	int r;

	if (!c->bh || c->is_gone) {
		(void)poll(NULL, 0, timeout_ms);
		return;
	}
	r = bh_wait(c->bh, timeout_ms);
	if (r < 0 && r != -EINTR)
		c->is_gone = true;
}

void client_think(struct client *c, uint32_t ms)
{
	int64_t end_us = book_now_us() + (int64_t)ms * 1000;
	int64_t left_us;

	while ((left_us = end_us - book_now_us()) > 0)
		turn(c, (int)(left_us / 1000) + 1);
}

/* What is never answered is for the judge, who ends the soak then. */
void client_settle(struct client *c)
{
	while (c->open > 0)
		turn(c, 100);
}

bool client_dial(struct client *c, bool stays)
{
	char label[40];

	(void)snprintf(label, sizeof(label), "soak %s %u",
		       book_role_name((enum book_role)c->page->role), c->number);
	c->is_gone = false;
	while (!client_is_over(c)) {
		if (bh_new(&c->bh, NULL, label) == 0) {
			if (stays)
				bh_stay(c->bh, NULL, NULL);
			return true;
		}
		(void)poll(NULL, 0, REDIAL_MS);
	}
	return false;
}

void client_hang_up(struct client *c)
{
	client_close(c);
	c->bh = bh_free(c->bh);
}

/* --- requests --- */

struct call *client_begin(struct client *c, enum book_kind kind, uint16_t device,
			  uint32_t timeout_ms)
{
	struct call *call = &c->calls[c->next++ % CLIENT_CALLS];
	uint32_t number = atomic_load(&c->page->asked) + 1;
	struct book_entry *entry = &c->page->ring[number % BOOK_RING];

	/* Never while a conductor judges. */
	while (number - atomic_load(&c->page->judged) > ROOM)
		turn(c, 10);
	if (call->is_open)
		client_find(c, BOOK_ANSWERED_ONCE, call->number, call->entry->device,
			    "%d requests later it is not answered", CLIENT_CALLS);
	*call = (struct call){ .client = c, .entry = entry, .number = number, .is_open = true };
	atomic_store(&entry->answered_us, 0);
	entry->number = number;
	entry->device = device;
	entry->kind = (uint8_t)kind;
	entry->error = 0;
	entry->adapter = BOOK_NO_ADAPTER;
	entry->value = 0;
	entry->after = 0;
	entry->timeout_ms = timeout_ms;
	entry->asked_us = book_now_us();
	c->open++;
	/* Not seen by the judge before client_asked(). */
	return call;
}

bool client_asked(struct client *c, struct call *call, int r)
{
	if (r >= 0) {
		atomic_store(&c->page->asked, call->number);
		return true;
	}
	call->is_open = false;
	call->error = BH_CLASS_NO_DAEMON;
	c->open--;
	c->is_ended = true;
	if (r != -ENOTCONN)
		client_find(c, BOOK_ANSWERED_ONCE, 0, call->entry->device,
			    "%s could not be asked: %s",
			    book_kind_name((enum book_kind)call->entry->kind), strerror(-r));
	return false;
}

static uint8_t adapter_of(const struct client *c)
{
	const char *name = c->session ? bh_session_adapter(c->session) : "";

	if (!name || strncmp(name, "hci", 3) != 0)
		return BOOK_NO_ADAPTER;
	return (uint8_t)strtoul(name + 3, NULL, 10);
}

void client_answer(struct call *call, enum bh_class error)
{
	call->is_open = false;
	call->client->open--;
	call->error = error;
	call->entry->error = (uint8_t)error;
	call->entry->adapter = adapter_of(call->client);
	atomic_store(&call->entry->answered_us, book_now_us());
}

static uint32_t value_of(const struct bh_result *result)
{
	const uint8_t *v = result->value;

	if (result->len_bytes == 5 && memcmp(v, "hello", 5) == 0)
		return BOOK_VALUE_NONE;
	if (result->len_bytes != 4)
		return BOOK_VALUE_ODD;
	return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
}

void client_on_answer(void *ctx, const struct bh_result *result)
{
	struct call *call = ctx;
	struct client *c = call->client;

	if (!call->is_open) {
		client_find(c, BOOK_ANSWERED_ONCE, call->number, call->entry->device,
			    "answered a second time, now with %s",
			    result->error == BH_CLASS_NONE ? "success"
							   : bh_class_name(result->error));
		return;
	}
	if (call->entry->kind == BOOK_WRITE && result->error == BH_CLASS_NONE)
		c->written_done = call->entry->value;
	if (call->entry->kind == BOOK_READ && result->error == BH_CLASS_NONE) {
		call->entry->value = value_of(result);
		/* Requests of a session keep their order: that write was answered before. */
		if (call->entry->after != c->written_done)
			call->entry->after = 0;
	}
	client_answer(call, result->error);
}

/* --- a session --- */

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct client *c = ((struct call *)ctx)->client;

	(void)session;
	(void)snprintf(c->said, sizeof(c->said), "last news %d: %s", (int)news->event, news->text);
	c->is_gap = true;
	if (news->event == BH_SESSION_MOVED)
		atomic_fetch_add(&c->page->moves, 1);
	if (news->event == BH_SESSION_LINK_LOST)
		atomic_fetch_add(&c->page->link_losses, 1);
	if (news->event == BH_SESSION_CLOSED)
		c->is_ended = true;
}

bool client_open(struct client *c, uint16_t device)
{
	struct call *call = client_begin(c, BOOK_OPEN, device, CLIENT_WAIT_MS);

	c->is_ended = false;
	c->device = device;
	c->written = c->written_done = 0;
	return client_asked(c, call,
			    bh_session_open(&c->session, c->bh, c->book->first + device, NULL,
					    CLIENT_WAIT_MS, on_news, client_on_answer, call));
}

void client_close(struct client *c)
{
	c->session = bh_session_close(c->session);
	c->is_ended = true;
}

bool client_connect(struct client *c)
{
	struct call *call = client_begin(c, BOOK_CONNECT, c->device, CLIENT_WAIT_MS);

	if (client_asked(c, call, bh_connect(c->session, CLIENT_WAIT_MS, client_on_answer, call)))
		client_settle(c);
	return call->error == BH_CLASS_NONE && !c->is_ended;
}

void client_disconnect(struct client *c)
{
	/* It has no timeout of its own: the end of a link has one in the daemon. */
	struct call *call = client_begin(c, BOOK_DISCONNECT, c->device, CLIENT_WAIT_MS);

	(void)client_asked(c, call, bh_disconnect(c->session, client_on_answer, call));
	client_settle(c);
}

struct call *client_read(struct client *c)
{
	struct call *call = client_begin(c, BOOK_READ, c->device, CLIENT_WAIT_MS);

	call->entry->after = c->written;
	(void)client_asked(c, call,
			   bh_read(c->session, &c->echo, CLIENT_WAIT_MS, client_on_answer, call));
	return call;
}

struct call *client_write(struct client *c)
{
	struct call *call = client_begin(c, BOOK_WRITE, c->device, CLIENT_WAIT_MS);
	uint32_t id = c->number << 24 | (++c->page->written & 0xffffff);
	uint8_t value[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
			     (uint8_t)id };

	call->entry->value = id;
	if (client_asked(c, call,
			 bh_write(c->session, &c->echo, value, sizeof(value), false, CLIENT_WAIT_MS,
				  client_on_answer, call)))
		c->written = id;
	return call;
}

/* --- the process --- */

void client_main(uint32_t number)
{
	static void (*const ROLES[BOOK_ROLES])(struct client *) = {
		[BOOK_POLLER] = client_poll,   [BOOK_SUBSCRIBER] = client_subscribe,
		[BOOK_SCANNER] = client_scan,  [BOOK_LOCKER] = client_lock,
		[BOOK_SCRIPT] = client_script, [BOOK_OUTSIDER] = client_outsider,
	};
	static struct client c;
	int r = book_map(&c.book, BOOK_FD);

	if (r < 0 || number >= c.book->clients) {
		(void)fprintf(stderr, "bleherd-soak: client %u: no book\n", number);
		_exit(1);
	}
	c.number = number;
	c.page = &c.book->pages[number];
	/* One that was killed and is started anew does not begin where the first one did. */
	c.random = (c.book->seed + atomic_load(&c.page->asked)) * 2654435761u + number + 1;
	if (bh_parse_uuid("fff3", &c.echo) < 0 || bh_parse_uuid("fff4", &c.counter) < 0)
		_exit(1);
	ROLES[c.page->role](&c);
	client_hang_up(&c);
	_exit(0);
}
