/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random programs against random workers that die at every moment, with a model that counts: each
 * request is answered once, each write reaches the peripheral at most once and in order, a write
 * that is `done` did, notifications come whole and in order over all moves. In some worlds
 * the daemon dies, too.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_model(void);

enum { KILLS = 1000, ASKS_MAX = 60000, SUBS_MAX = 4000, OPEN_MAX = 70, ISSUED_MAX = 64 };

struct ask {
	uint16_t type;
	uint32_t id;
	unsigned answers;
	unsigned executions;
	enum bh_class error;
};

struct sub {
	uint32_t id;
	bool is_on;	  /* as the program sees it */
	bool is_left;	  /* bh_unsubscribe() was called */
	bool was_on;	  /* a worker said so */
	bool may_end;	  /* the world gave a reason */
	unsigned answers; /* to SUBSCRIBE */
	unsigned sent;
	unsigned received;
};

/* What lives as long as one worker. */
struct world {
	struct fake_peer peer;
	uint32_t epoch;
	bool has_link;
	uint32_t page[ISSUED_MAX]; /* writes that were given to the radio */
	bool is_answered[ISSUED_MAX];
	size_t n_page;
	struct sub *subs[64];
	uint64_t seq[64];
	size_t n_subs;
};

static struct fake fake;
static struct bh_client *client;
static struct bh_session *session;
static struct world world;
static struct ask asks[ASKS_MAX];
static struct sub subs[SUBS_MAX];
static size_t n_asks;
static size_t n_subs;
static size_t n_open;
static size_t last_executed;
static unsigned interrupted;
static bool is_daemon_killed;
static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 33) % sides;
}

/* --- the program --- */

static void on_answer(void *ctx, const struct bh_result *result)
{
	struct ask *ask = ctx;
	uint32_t echoed = 0;
	size_t i;

	ask->answers++;
	ask->error = result->error;
	n_open--;
	ck_assert_uint_eq(ask->answers, 1);
	if (ask->type == BH__TYPE__READ) {
		ck_assert_uint_eq(result->len_bytes, sizeof(echoed));
		memcpy(&echoed, result->value, sizeof(echoed));
		ck_assert_uint_eq(echoed, ask->id);
	}
	if (ask->type == BH__TYPE__WRITE) {
		ck_assert(ask->error == BH_CLASS_NONE || ask->error == BH_CLASS_INTERRUPTED);
		interrupted += ask->error == BH_CLASS_INTERRUPTED;
		/* A daemon that dies cannot say which ones were issued. */
		if (ask->error == BH_CLASS_NONE || !is_daemon_killed)
			ck_assert_uint_eq(ask->executions, 1);
	}
	for (i = 0; i < n_subs && ask->type == BH__TYPE__DISCONNECT; i++)
		if (subs[i].answers > 0)
			subs[i].is_on = false;
}

static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct sub *sub = ctx;

	if (sub->answers++ == 0) {
		sub->is_on = result->error == BH_CLASS_NONE;
		return;
	}
	ck_assert_uint_eq(sub->answers, 2);
	ck_assert_int_ne(result->error, BH_CLASS_NONE);
	ck_assert(sub->is_on && sub->may_end && !sub->is_left);
	sub->is_on = false;
}

static void on_value(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	struct sub *sub = ctx;

	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(lost, 0);
	ck_assert(!sub->is_left);
	ck_assert_uint_eq(value[0], sub->received & 0xff);
	sub->received++;
	ck_assert_uint_eq(seq, sub->received);
}

static struct ask *new_ask(uint16_t type)
{
	struct ask *ask = &asks[n_asks++];

	ck_assert_uint_lt(n_asks, ASKS_MAX);
	ask->type = type;
	n_open++;
	return ask;
}

static void ask_write(void)
{
	uint32_t index = (uint32_t)n_asks;
	struct ask *ask = new_ask(BH__TYPE__WRITE);

	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)&index, sizeof(index),
				  false, 0, on_answer, ask),
			 0);
	ask->id = session->lane.tail->id;
}

static void ask_subscribe(void)
{
	struct sub *sub = &subs[n_subs++];

	ck_assert_uint_lt(n_subs, SUBS_MAX);
	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, on_value, on_subscribed, sub, &sub->id), 0);
}

static void ask_unsubscribe(void)
{
	struct sub *sub = n_subs > 0 ? &subs[n_subs - 1] : NULL;

	if (!sub || !sub->is_on || sub->is_left)
		return;
	sub->is_left = true;
	ck_assert_int_eq(
		bh_unsubscribe(session, sub->id, on_answer, new_ask(BH__TYPE__UNSUBSCRIBE)), 0);
}

static void program_step(void)
{
	uint32_t what = roll(100);
	struct ask *ask;

	if (n_open >= OPEN_MAX)
		return;
	if (what < 50) {
		ask_write();
	} else if (what < 75) {
		ask = new_ask(BH__TYPE__READ);
		ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, on_answer, ask), 0);
		ask->id = session->lane.tail->id;
	} else if (what < 85) {
		ask = new_ask(BH__TYPE__CONNECT);
		ck_assert_int_eq(bh_connect(session, 0, on_answer, ask), 0);
	} else if (what < 87) {
		ask = new_ask(BH__TYPE__DISCONNECT);
		ck_assert_int_eq(bh_disconnect(session, on_answer, ask), 0);
	} else if (what < 93) {
		ask_subscribe();
	} else {
		ask_unsubscribe();
	}
}

/* --- the worker --- */

static size_t place_of(uint32_t id)
{
	size_t i;

	for (i = 0; i < world.n_subs; i++)
		if (world.subs[i]->id == id)
			return i;
	return world.n_subs;
}

static struct sub *sub_of(uint32_t id)
{
	size_t i;

	for (i = n_subs; i > 0; i--)
		if (subs[i - 1].id == id)
			return &subs[i - 1];
	ck_abort_msg("a subscription that nobody made");
	return NULL;
}

static void execute(const struct fake_frame *frame)
{
	Bh__Write *write = bh__write__unpack(NULL, frame->len, frame->body);
	uint32_t index;

	ck_assert_ptr_nonnull(write);
	memcpy(&index, write->value.data, sizeof(index));
	bh__write__free_unpacked(write, NULL);
	ck_assert_uint_eq(asks[index].id, frame->id);
	ck_assert_uint_eq(++asks[index].executions, 1);
	ck_assert_uint_ge(index, last_executed);
	last_executed = index;
	world.is_answered[world.n_page] = false;
	world.page[world.n_page++] = frame->id;
}

static void subscribe(uint32_t id)
{
	if (!world.has_link) {
		fake_send_error(&world.peer, id, BH__CLASS__CLASS_LINK_LOST, "no link");
		return;
	}
	ck_assert_uint_lt(world.n_subs, ARRAY_LEN(world.subs));
	sub_of(id)->was_on = true;
	world.seq[world.n_subs] = 1;
	world.subs[world.n_subs++] = sub_of(id);
	fake_send_done(&world.peer, id);
}

static void unsubscribe(const struct fake_frame *frame)
{
	Bh__Unsubscribe *msg = bh__unsubscribe__unpack(NULL, frame->len, frame->body);
	size_t place = place_of(msg->subscription);

	bh__unsubscribe__free_unpacked(msg, NULL);
	if (place == world.n_subs) {
		fake_send_error(&world.peer, frame->id, BH__CLASS__CLASS_INVALID, "no such");
		return;
	}
	world.n_subs--;
	world.subs[place] = world.subs[world.n_subs];
	world.seq[place] = world.seq[world.n_subs];
	fake_send_done(&world.peer, frame->id);
}

static void handle(const struct fake_frame *frame)
{
	ck_assert_uint_eq(frame->epoch, world.epoch);
	switch (frame->type) {
	case BH__TYPE__WRITE:
		execute(frame);
		return;
	case BH__TYPE__READ:
		fake_send_value(&world.peer, frame->id, &frame->id, sizeof(frame->id));
		return;
	case BH__TYPE__CONNECT:
		world.has_link = true;
		fake_send_connected(&world.peer, frame->id);
		return;
	case BH__TYPE__DISCONNECT:
		world.has_link = false;
		world.n_subs = 0;
		fake_send_done(&world.peer, frame->id);
		return;
	case BH__TYPE__SUBSCRIBE:
		subscribe(frame->id);
		return;
	case BH__TYPE__UNSUBSCRIBE:
		unsubscribe(frame);
		return;
	default:
		ck_abort_msg("a frame of type %u", frame->type);
	}
}

static void handle_next(void)
{
	struct fake_frame *frame;

	fake_pump(&fake, &world.peer);
	frame = world.peer.head;
	if (!frame || world.n_page == ISSUED_MAX)
		return;
	world.peer.head = frame->next;
	handle(frame);
	free(frame);
}

/* The answer and the page are two steps: a worker can die in between. */
static void answer_write(void)
{
	size_t i = world.n_page > 0 ? roll((uint32_t)world.n_page) : 0;

	if (world.n_page == 0)
		return;
	if (!world.is_answered[i]) {
		fake_send_done(&world.peer, world.page[i]);
		world.is_answered[i] = true;
		return;
	}
	world.n_page--;
	world.page[i] = world.page[world.n_page];
	world.is_answered[i] = world.is_answered[world.n_page];
}

static void notify(void)
{
	size_t i = world.n_subs > 0 ? roll((uint32_t)world.n_subs) : 0;
	uint32_t n = 1 + roll(3);

	if (world.n_subs == 0)
		return;
	fake_notify(&world.peer, world.subs[i]->id, world.seq[i], 0, n,
		    (uint8_t)world.subs[i]->sent);
	world.subs[i]->sent += n;
	world.seq[i] += n;
}

static void lose_link(void)
{
	size_t i;

	if (!world.has_link)
		return;
	world.has_link = false;
	/* Those of an earlier worker too, that this one was not asked for yet. */
	for (i = 0; i < n_subs; i++)
		subs[i].may_end = subs[i].was_on;
	world.n_subs = 0;
	fake_send_link_lost(&world.peer);
}

static void kill_worker(void)
{
	struct world next = { .epoch = world.epoch + 1 };

	fake_drop(&world.peer);
	fake_send_moved(&fake, FAKE_SESSION, next.epoch, world.page, world.n_page, &next.peer);
	world = next;
}

/* All of it dies, in any order; the program goes on asking meanwhile. */
static void kill_daemon(void)
{
	struct world next = { .epoch = 1 };
	uint32_t steps = roll(4);
	uint32_t id;

	is_daemon_killed = true;
	/* As after a daemon that stood: dialled at once. */
	client->dial.tries = 0;
	if (roll(2) == 0)
		fake_drop(&world.peer);
	fake_restart(&fake, client);
	while (steps-- > 0)
		program_step();
	fake_drop(&world.peer);
	fake_greet(&fake, 2 + roll(UINT32_MAX));
	id = fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
	fake_send_opened(&fake, id, FAKE_SESSION, next.epoch, &next.peer);
	world = next;
}

static void world_step(bool is_loss_allowed)
{
	uint32_t what = roll(100);

	if (what < 55)
		handle_next();
	else if (what < 85)
		answer_write();
	else if (what < 99)
		notify();
	else if (is_loss_allowed && roll(3) == 0)
		lose_link();
}

static void begin(int seed)
{
	dice = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(seed + 1);
	n_asks = n_subs = n_open = last_executed = interrupted = 0;
	memset(asks, 0, sizeof(asks));
	memset(subs, 0, sizeof(subs));
	memset(&world, 0, sizeof(world));
	fake_open(&fake);
	client = fake_client(&fake);
	session = fake_session(&fake, client, &world.peer);
	world.epoch = 1;
}

static void finish(void)
{
	size_t i;
	int rounds;

	for (rounds = 0; rounds < 2000 && (session->lane.n_open > 0 || world.n_page > 0);
	     rounds++) {
		handle_next();
		answer_write();
		fake_settle(&fake, client);
	}
	fake_settle(&fake, client);
	ck_assert_uint_eq(n_open, 0);
	for (i = 0; i < n_asks; i++)
		ck_assert_uint_eq(asks[i].answers, 1);
	for (i = 0; i < n_subs; i++) {
		ck_assert_uint_ge(subs[i].answers, 1);
		ck_assert_uint_le(subs[i].received, subs[i].sent);
		if (subs[i].is_on && !subs[i].is_left)
			ck_assert_uint_eq(subs[i].received, subs[i].sent);
	}
	ck_assert_uint_gt(interrupted, KILLS / 20);
	ck_assert_uint_gt(n_subs, 20);
	client = bh_free(client);
	fake_drop(&world.peer);
	fake_close(&fake);
}

START_TEST(kills)
{
	int n_fds = fake_count_fds();
	int n_kills = 0;
	uint32_t what;

	begin(_i);
	bh_stay(client, NULL, NULL);
	is_daemon_killed = false;
	while (n_kills < KILLS) {
		what = roll(1000);
		if (what < 400) {
			program_step();
		} else if (what < 800) {
			world_step(_i % 2 == 0);
		} else if (what < 975) {
			fake_pump(&fake, &fake.control);
			ck_assert_int_eq(bh_process(client), 0);
		} else {
			if (_i >= 6 && roll(2) == 0)
				kill_daemon();
			else
				kill_worker();
			n_kills++;
		}
	}
	finish();
	ck_assert_int_eq(fake_count_fds(), n_fds);
}
END_TEST

Suite *suite_model(void)
{
	Suite *suite = suite_create("model");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, kills, 0, 10);
	suite_add_tcase(suite, all);
	return suite;
}
