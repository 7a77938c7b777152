/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_room.c - the links of all workers together: room.c. */
#include <check.h>
#include <stdlib.h>

#include "supervisor/room.h"

Suite *suite_room(void);

static struct room *room;
static unsigned n_left;

static void on_left(void *ctx, uint64_t address)
{
	(void)ctx;
	(void)address;
	n_left++;
}

static void begin(uint32_t total)
{
	ck_assert_int_eq(room_new(&room, total), 0);
}

static void expect(enum room_act act, uint16_t adapter, uint64_t address)
{
	struct room_step step = room_next(room);

	ck_assert_int_eq((int)step.act, (int)act);
	if (act == ROOM_NOTHING)
		return;
	ck_assert_uint_eq(step.adapter, adapter);
	ck_assert_uint_eq(step.address, address);
	if (act == ROOM_GRANT)
		ck_assert_uint_eq(step.token, address + 1000);
}

static void ask(uint16_t adapter, uint32_t address)
{
	ck_assert_int_eq(room_ask(room, adapter, address, address + 1000), 0);
}

static bool is(uint16_t adapter, uint64_t address, bool is_up, bool is_idle, bool is_kept,
	       uint64_t now_ms)
{
	const struct room_link link = { is_up, is_idle, is_kept };

	return room_link(room, adapter, address, &link, now_ms);
}

/* Over all adapters, in order; a failure and a worker's death move the line on. */
START_TEST(one_line)
{
	begin(2);
	ask(0, 1);
	ask(1, 2);
	ask(0, 3);
	ask(1, 4);
	ask(0, 5);
	expect(ROOM_GRANT, 0, 1);
	expect(ROOM_GRANT, 1, 2);
	expect(ROOM_NOTHING, 0, 0);
	/* Asked for again it has its place still, and the token of the last. */
	ck_assert_int_eq(room_ask(room, 0, 3, 1003), 0);
	ck_assert(!is(0, 1, true, false, false, 0));
	room_stop(room, 1, 2);
	expect(ROOM_GRANT, 0, 3);
	expect(ROOM_NOTHING, 0, 0);
	/* What is up is not given back by a word alone. */
	room_stop(room, 0, 1);
	expect(ROOM_NOTHING, 0, 0);
	ck_assert(is(0, 1, false, false, false, 0));
	expect(ROOM_GRANT, 1, 4);
	room_worker_gone(room, 0, on_left, NULL);
	ck_assert_uint_eq(n_left, 0);
	expect(ROOM_NOTHING, 0, 0);
	ask(0, 6);
	expect(ROOM_GRANT, 0, 6);
	(void)is(0, 6, true, false, false, 0);
	ask(0, 7);
	expect(ROOM_NOTHING, 0, 0);
	/* It does not wait any more. */
	room_stop(room, 0, 7);
	room_stop(room, 1, 4);
	expect(ROOM_NOTHING, 0, 0);
	room_worker_gone(room, 0, on_left, NULL);
	ck_assert_uint_eq(n_left, 1);
	room_free(room);
}
END_TEST

/* An idle link on whichever adapter: what lingers, then what is kept; never what is used. */
START_TEST(least_valuable)
{
	begin(3);
	(void)is(0, 1, true, true, true, 10);
	(void)is(0, 2, true, true, false, 30);
	(void)is(1, 3, true, true, false, 20);
	ask(1, 9);
	expect(ROOM_YIELD, 1, 3);
	expect(ROOM_NOTHING, 0, 0);
	/* It is used again: another one. */
	(void)is(1, 3, true, false, false, 40);
	expect(ROOM_YIELD, 0, 2);
	expect(ROOM_NOTHING, 0, 0);
	ck_assert(is(0, 2, false, false, false, 50));
	expect(ROOM_GRANT, 1, 9);
	ask(1, 8);
	expect(ROOM_YIELD, 0, 1);
	ask(1, 7);
	expect(ROOM_NOTHING, 0, 0);
	room_free(room);
}
END_TEST

START_TEST(no_limit)
{
	begin(0);
	ask(0, 1);
	ask(0, 2);
	expect(ROOM_GRANT, 0, 1);
	expect(ROOM_GRANT, 0, 2);
	expect(ROOM_NOTHING, 0, 0);
	room_free(room);
}
END_TEST

enum { ADAPTERS = 3, DEVICES = 5, ROWS = ADAPTERS * DEVICES };

/*
 * Random asking, failing, connecting, going and dying against a naive count: never more than the
 * total, nobody before somebody who came earlier, and no place stays empty while somebody waits.
 */
START_TEST(random_news)
{
	enum { OUT, WAITS, GRANTED, UP } state[ROWS] = { OUT };
	uint32_t came[ROWS] = { 0 };
	uint32_t total, ticket = 0, last = 0;
	unsigned seed = (unsigned)_i + 1;
	int turn;

	total = 1 + (uint32_t)rand_r(&seed) % 6;
	begin(total);
	for (turn = 0; turn < 20000; turn++) {
		size_t i = (size_t)rand_r(&seed) % ROWS;
		uint16_t adapter = (uint16_t)(i / DEVICES);
		uint32_t taken = 0, waiting = 0;
		struct room_step step;

		if (rand_r(&seed) % 200 == 0) {
			room_worker_gone(room, adapter, on_left, NULL);
			for (i = adapter * DEVICES; i < (adapter + 1u) * DEVICES; i++)
				state[i] = OUT;
		} else if (state[i] == OUT) {
			ask(adapter, (uint32_t)i);
			state[i] = WAITS;
			came[i] = ++ticket;
		} else if (state[i] == GRANTED && rand_r(&seed) % 2) {
			ck_assert(!is(adapter, i, true, false, false, 0));
			state[i] = UP;
		} else if (state[i] == UP) {
			ck_assert(is(adapter, i, false, false, false, 0));
			state[i] = OUT;
		} else {
			room_stop(room, adapter, i);
			state[i] = OUT;
		}
		for (step = room_next(room); step.act == ROOM_GRANT; step = room_next(room)) {
			ck_assert_int_eq((int)state[step.address], WAITS);
			ck_assert_uint_gt(came[step.address], last);
			last = came[step.address];
			state[step.address] = GRANTED;
		}
		for (i = 0; i < ROWS; i++) {
			taken += state[i] == GRANTED || state[i] == UP;
			waiting += state[i] == WAITS;
		}
		ck_assert_uint_le(taken, total);
		ck_assert(waiting == 0 || taken == total);
	}
	room_free(room);
}
END_TEST

Suite *suite_room(void)
{
	Suite *s = suite_create("room");
	TCase *c = tcase_create("room");

	tcase_add_test(c, one_line);
	tcase_add_test(c, least_valuable);
	tcase_add_test(c, no_limit);
	tcase_add_loop_test(c, random_news, 0, 8);
	suite_add_tcase(s, c);
	return s;
}
