/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The library in a program that calls anything, with a daemon, workers and an arbiter that answer
 * anything. Every request that was taken is answered exactly once, at the latest by bh_free().
 */
#include "ipc/bleherd.h"
#include "ipc/client/client.h"
#include "ipc/lock.pb-c.h"
#include "ipc/session.pb-c.h"
#include "tests/fuzz/reader.h"
#include "tests/fuzz/timewarp.h"
#include "tests/fuzz/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SESSIONS = 3, LOCKS = 2, ACTS_MAX = 200, ASKED_MAX = 512, TURNS_MAX = 64 };

/* What the library takes on each channel, as in client.c, data.c and lock_frames.c. */
static const struct chan_rule CONTROL_RULES[] = {
	{ BH__TYPE__SESSION_OPENED, 1, 1, &bh__session_opened__descriptor, NULL },
	{ BH__TYPE__MOVED, 1, 1, &bh__moved__descriptor, NULL },
	{ BH__TYPE__SESSION_WAITS, 0, 0, &bh__session_waits__descriptor, NULL },
	{ BH__TYPE__SESSION_CLOSED, 0, 0, &bh__session_closed__descriptor, NULL },
	{ BH__TYPE__DONE, 0, 0, &bh__done__descriptor, NULL },
	{ BH__TYPE__ERROR, 0, 0, &bh__error__descriptor, NULL },
	{ BH__TYPE__HELLO_OK, 0, 0, &bh__hello_ok__descriptor, NULL },
	{ BH__TYPE__STATUS, 0, 0, &bh__status__descriptor, NULL },
	{ BH__TYPE__ADAPTER, 0, 0, &bh__adapter__descriptor, NULL },
	{ BH__TYPE__DEVICE, 0, 0, &bh__device__descriptor, NULL },
	{ BH__TYPE__EVENT, 0, 0, &bh__event__descriptor, NULL },
	{ BH__TYPE__LOCKS, 1, 1, &bh__empty__descriptor, NULL },
	{ BH__TYPE__LOCK_OPENED, 1, 1, &bh__empty__descriptor, NULL },
	{ BH__TYPE__RESET_VICTIM, 0, 0, &bh__reset_victim__descriptor, NULL },
	{ BH__TYPE__RESET_STEP, 0, 0, &bh__reset_step__descriptor, NULL },
	{ BH__TYPE__DEVICE_INFO, 0, 0, &bh__device_info__descriptor, NULL },
	{ BH__TYPE__HISTORY, 0, 0, &bh__history__descriptor, NULL },
	{ BH__TYPE__DISTRIBUTION, 0, 0, &bh__distribution__descriptor, NULL },
	{ BH__TYPE__SESSION_ROW, 0, 0, &bh__session_row__descriptor, NULL },
};
static const struct wire_rules CONTROL = { CONTROL_RULES, ARRAY_LEN(CONTROL_RULES) };

static const struct chan_rule DATA_RULES[] = {
	{ BH__TYPE__VALUE, 0, 0, &bh__value__descriptor, NULL },
	{ BH__TYPE__DONE, 0, 0, &bh__done__descriptor, NULL },
	{ BH__TYPE__NOTIFIED, 0, 0, &bh__notified__descriptor, NULL },
	{ BH__TYPE__CONNECTED, 0, 0, &bh__connected__descriptor, NULL },
	{ BH__TYPE__ERROR, 0, 0, &bh__error__descriptor, NULL },
	{ BH__TYPE__ADVERT, 0, 0, &bh__advert__descriptor, NULL },
	{ BH__TYPE__SERVICE, 0, 0, &bh__service__descriptor, NULL },
	{ BH__TYPE__LINK_LOST, 0, 0, &bh__link_lost__descriptor, NULL },
	{ BH__TYPE__LINK_BACK, 0, 0, &bh__link_back__descriptor, NULL },
};
static const struct wire_rules DATA = { DATA_RULES, ARRAY_LEN(DATA_RULES) };

static struct world {
	struct bh_client *client;
	struct bh_session *sessions[SESSIONS];
	struct bh_scan *scan;
	struct bh_lock *locks[LOCKS];
	struct wire control;
	struct wire data[SESSIONS];
	struct wire lock;
	uint32_t n_data;
	uint8_t answers[ASKED_MAX]; /* of each request */
	size_t n_asked;
	uint8_t scan_ends;
	struct feed *feed;
	uint8_t n_callbacks; /* so many of the next callbacks do something themselves */
} world;

static int listener = -EBADF;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* --- the program's callbacks: they read all that they are given --- */

enum { ENDED = 64 }; /* a subscription that was there has ended, too */

static void program_acts(struct feed *feed);

/* Callbacks may call anything. */
static void act_inside(void)
{
	if (world.n_callbacks == 0 || !world.feed)
		return;
	world.n_callbacks--;
	program_acts(world.feed);
}

static void read_result(const struct bh_result *result)
{
	feed_touch(result->text, strlen(result->text));
	feed_touch(result->advice, strlen(result->advice));
	feed_touch(result->adapter, result->adapter ? strlen(result->adapter) : 0);
	feed_touch(result->value, result->len_bytes);
}

static void on_result(void *ctx, const struct bh_result *result)
{
	uint8_t *answers = ctx;

	MUST(++*answers == 1);
	act_inside();
	read_result(result);
}

/* A subscription's: once more when it ends by itself. */
static void on_subscribed(void *ctx, const struct bh_result *result)
{
	uint8_t *answers = ctx;

	MUST(*answers <= 1);
	*answers = *answers == 0 ? 1 : 1 + ENDED;
	act_inside();
	read_result(result);
}

static void on_session(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	(void)ctx;
	feed_touch(bh_session_adapter(session), strlen(bh_session_adapter(session)));
	act_inside();
	feed_touch(news->text, news->text ? strlen(news->text) : 0);
}

static void on_value(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	(void)ctx;
	(void)seq;
	(void)lost;
	act_inside();
	feed_touch(value, len);
}

/* --- what the program does --- */

/* A slot for the next request; what was not taken needs no answer. */
static uint8_t *asked(void)
{
	return &world.answers[world.n_asked];
}

static void took(int r)
{
	if (r == 0)
		world.n_asked++;
}

static void open_something(struct feed *feed)
{
	uint8_t choice = feed_u8(feed);
	struct bh_session **session = &world.sessions[choice % SESSIONS];

	if (*session)
		*session = bh_session_close(*session);
	else
		took(bh_session_open(session, world.client, 0xc0aabb000001u, NULL,
				     feed_below(feed, 2) * 1000, on_session, on_result, asked()));
}

/* Only of one that ends by itself. */
static void on_scan_end(void *ctx, const struct bh_result *result)
{
	MUST(++*(uint8_t *)ctx == 1);
	read_result(result);
}

static void scan_something(struct feed *feed)
{
	struct bh_scan_filter filter = { .adapter = feed_u8(feed) & 1 ? "hci0" : NULL };

	if (world.scan) {
		world.scan = bh_scan_stop(world.scan);
		return;
	}
	world.scan_ends = 0;
	(void)!bh_scan_start(&world.scan, world.client, &filter, reader_advert, on_scan_end,
			     &world.scan_ends);
}

static void lock_something(struct feed *feed)
{
	static const char *const NAMES[] = { "connect:hci0", "device:C0:AA:BB:00:00:01" };
	struct bh_lock_request request = { .resources = NAMES,
					   .n_resources = 1 + feed_below(feed, 2),
					   .timeout_ms = 1000 };
	struct bh_lock **lock = &world.locks[feed_below(feed, LOCKS)];

	if (*lock && feed_u8(feed) < 64)
		took(bh_lock_renew(*lock, on_result, asked()));
	else if (*lock)
		*lock = bh_lock_release(*lock);
	else
		took(bh_lock_acquire(lock, world.client, &request, reader_lock, on_result,
				     asked()));
}

static void ask_session(struct feed *feed)
{
	static const struct bh_uuid UUID = { { 0, 0, 0xff, 0xf3, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80,
					       0x5f, 0x9b, 0x34, 0xfb } };
	struct bh_subscribe_options options = { .resumes = true };
	uint8_t choice = feed_u8(feed);
	struct bh_session *s = world.sessions[choice % SESSIONS];
	uint32_t timeout_ms = feed_below(feed, 4) * 500;
	uint32_t id = 0;

	if (!s)
		return;
	switch (choice / SESSIONS % 9) {
	case 0:
		took(bh_connect(s, timeout_ms, on_result, asked()));
		return;
	case 1:
		took(bh_disconnect(s, on_result, asked()));
		return;
	case 2:
		took(bh_read(s, &UUID, timeout_ms, on_result, asked()));
		return;
	case 3:
		took(bh_write(s, &UUID, (const uint8_t *)"ab", 2, false, timeout_ms, on_result,
			      asked()));
		return;
	case 4:
		took(bh_services(s, reader_service, on_result, asked()));
		return;
	case 5:
		took(bh_subscribe(s, &UUID, timeout_ms, on_value, on_subscribed, asked(), &id));
		return;
	case 6:
		took(bh_subscribe_with(s, &UUID, timeout_ms, &options, on_value, on_subscribed,
				       asked(), &id));
		return;
	case 7:
		took(bh_connect_rejected(s, "not it", timeout_ms, on_result, asked()));
		return;
	default:
		took(bh_unsubscribe(s, feed_u8(feed), on_result, asked()));
	}
}

static void ask_client(struct feed *feed)
{
	static const struct bh_device_items ITEMS = { .device = reader_device,
						      .transition = reader_transition,
						      .timing = reader_timing };
	struct bh_client *c = world.client;

	switch (feed_below(feed, 9)) {
	case 0:
		took(bh_get_status(c, reader_status, on_result, asked()));
		return;
	case 1:
		took(bh_list_adapters(c, reader_adapter, on_result, asked()));
		return;
	case 2:
		took(bh_list_devices(c, reader_device, on_result, asked()));
		return;
	case 3:
		took(bh_events(c, true, true, reader_event, on_result, asked()));
		return;
	case 4:
		took(bh_get_locks(c, reader_fd, on_result, asked()));
		return;
	case 5:
		took(bh_reset_adapter(c, "hci0", NULL, false, reader_reset, on_result, asked()));
		return;
	case 6:
		took(bh_device_info(c, 0xc0aabb000001u, &ITEMS, on_result, asked()));
		return;
	case 7:
		took(bh_list_sessions(c, 0, reader_row, on_result, asked()));
		return;
	default:
		bh_stay(c, reader_daemon, NULL);
	}
}

/* --- what the daemon does --- */

/* A frame on the control connection, with an end of a new pair where it brings one. */
static void daemon_says(struct feed *feed)
{
	uint8_t choice = feed->left > 0 ? feed->at[0] : 0;
	const struct chan_rule *rule = &CONTROL_RULES[choice % ARRAY_LEN(CONTROL_RULES)];
	struct wire *wire = rule->type == BH__TYPE__LOCK_OPENED
				    ? &world.lock
				    : &world.data[world.n_data % SESSIONS];
	int fd = -EBADF;

	if (rule->fds_min > 0) {
		world.n_data++;
		fd = wire_open(wire);
		wire->epoch = 1;
	}
	wire_send(&world.control, feed, &CONTROL, fd);
	(void)close_fd(fd);
}

static void take_connection(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		wire_adopt(&world.control, fd);
}

static void greet(void)
{
	Bh__HelloOk ok = BH__HELLO_OK__INIT;

	(void)wire_pump(&world.control);
	ok.has_version = 1;
	ok.version = 1;
	ok.has_run = 1;
	ok.run = 1;
	wire_put(&world.control, BH__TYPE__HELLO_OK,
		 world.control.ids[(world.control.n_ids + WIRE_IDS - 1u) % WIRE_IDS], &ok.base,
		 -EBADF);
}

static void program_acts(struct feed *feed)
{
	uint32_t choice = feed_below(feed, 96);

	if (world.n_asked >= ASKED_MAX - 1)
		return;
	if (choice < 40)
		ask_session(feed);
	else if (choice < 56)
		open_something(feed);
	else if (choice < 64)
		scan_something(feed);
	else if (choice < 80)
		lock_something(feed);
	else
		ask_client(feed);
}

static void act(struct feed *feed)
{
	uint8_t choice = feed_u8(feed);

	if (choice < 92)
		program_acts(feed);
	else if (choice < 96)
		world.n_callbacks = choice % 4 + 1;
	else if (choice < 144)
		daemon_says(feed);
	else if (choice < 200)
		wire_send(&world.data[choice % SESSIONS], feed, &DATA, -EBADF);
	else if (choice < 216)
		wire_send(&world.lock, feed, &WIRE_LOCK, -EBADF);
	else if (choice < 236)
		timewarp_pass(choice < 226 ? 50 : (uint64_t)feed_u8(feed) * 250u);
	else if (choice < 242)
		wire_close(&world.data[choice % SESSIONS]);
	else if (choice < 246)
		wire_close(&world.lock);
	else if (choice < 250)
		wire_close(&world.control);
	else
		greet();
}

static bool settle(void)
{
	unsigned turns;
	size_t i;
	int r = 0;

	for (turns = 0; turns < 3 && r == 0; turns++)
		r = bh_process(world.client);
	take_connection();
	(void)wire_pump(&world.control);
	(void)wire_pump(&world.lock);
	for (i = 0; i < SESSIONS; i++)
		(void)wire_pump(&world.data[i]);
	return r == 0;
}

static void forget_socket(void)
{
	(void)unlink(address.sun_path);
}

static void listen_once(void)
{
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/bleherd-fuzz-%d",
		       (int)getpid());
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(address.sun_path);
	MUST(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(listen(listener, 64) == 0);
	MUST(atexit(forget_socket) == 0);
}

static void begin(struct feed *feed)
{
	size_t i;

	world = (struct world){ .n_asked = 0 };
	world.control = world.lock = (struct wire)WIRE_INIT;
	for (i = 0; i < SESSIONS; i++)
		world.data[i] = (struct wire)WIRE_INIT;
	if (listener < 0)
		listen_once();
	MUST(bh_new(&world.client, address.sun_path, "fuzz") == 0);
	take_connection();
	if (feed_u8(feed) & 1)
		bh_stay(world.client, reader_daemon, NULL);
	greet();
	(void)settle();
}

static void end(void)
{
	size_t i;

	world.n_callbacks = 0;
	/* Some of it goes with the client. */
	if (world.n_asked & 1)
		for (i = 0; i < SESSIONS; i++)
			world.sessions[i] =
				world.sessions[i] ? bh_session_close(world.sessions[i]) : NULL;
	(void)bh_free(world.client);
	for (i = 0; i < world.n_asked; i++)
		MUST(world.answers[i] % ENDED == 1);
	wire_close(&world.control);
	wire_close(&world.lock);
	for (i = 0; i < SESSIONS; i++)
		wire_close(&world.data[i]);
	while ((take_connection(), world.control.fd >= 0))
		wire_close(&world.control);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed feed = { data, size };
	unsigned acts;

	timewarp_reset();
	begin(&feed);
	world.feed = &feed;
	for (acts = 0; feed.left > 0 && acts < ACTS_MAX; acts++) {
		act(&feed);
		if (!settle())
			break;
	}
	end();
	return 0;
}
