/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More links are wanted than there is room for: the policy, and the worker that has it. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "worker/room.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_room(void);

/* --- the policy --- */

enum { PLACES = 12 };

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

/*
 * Random comings, goings and failures against what must hold: never more than the limit, and
 * nobody is let in before somebody who came earlier and still waits.
 */
START_TEST(in_order)
{
	struct room_place places[PLACES] = { { .state = ROOM_NONE } };
	uint32_t came[PLACES] = { 0 };
	bool is_shown[PLACES] = { false };
	struct room_count count;
	uint32_t tickets = 0;
	uint32_t last = 0;
	struct room room;
	size_t i;
	int turn;

	seed = (uint32_t)_i + 1;
	room_init(&room, 1 + dice(4));
	for (turn = 0; turn < 20000; turn++) {
		i = dice(PLACES);
		if (places[i].state == ROOM_NONE) {
			room_join(&room, &places[i]);
			came[i] = ++tickets;
		} else if (places[i].state == ROOM_HAS && !is_shown[i] && dice(2)) {
			is_shown[i] = true;
		} else {
			room_leave(&room, &places[i]);
			is_shown[i] = false;
		}
		for (;;) {
			count = (struct room_count){ .shown = 0 };
			for (i = 0; i < PLACES; i++) {
				count.shown += is_shown[i];
				count.pending += places[i].state == ROOM_HAS && !is_shown[i];
			}
			if (room_decide(&room, &count, 0) != ROOM_ADMIT)
				break;
			i = (size_t)(room_first(&room) - places);
			ck_assert_uint_gt(came[i], last);
			last = came[i];
			room_admit(&room);
		}
		ck_assert_uint_le(count.shown + count.pending, room.max);
		/* Work is not left lying. */
		ck_assert(!room_first(&room) || count.shown + count.pending == room.max);
	}
}
END_TEST

START_TEST(yields)
{
	struct room_place a = { .state = ROOM_NONE }, b = a;
	struct room_count count = { .shown = 3, .idle = 2 };
	struct room room;

	room_init(&room, 3);
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_SETTLED);
	room_join(&room, &a);
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_YIELD);
	/* One is on its way already. */
	count.ending = 1;
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_SETTLED);
	room_join(&room, &b);
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_YIELD);
	count.idle = 0;
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_SETTLED);
	/* Other programs have more than we may: one more is to go. */
	count = (struct room_count){ .shown = 5, .idle = 1, .ending = 3 };
	ck_assert_int_eq((int)room_decide(&room, &count, 0), ROOM_YIELD);
	ck_assert(room_is_less(&(struct room_idle){ .is_kept = false, .since_ms = 9 },
			       &(struct room_idle){ .is_kept = true, .since_ms = 1 }));
	ck_assert(!room_is_less(&(struct room_idle){ .is_kept = true, .since_ms = 1 },
				&(struct room_idle){ .is_kept = false, .since_ms = 9 }));
	ck_assert(room_is_less(&(struct room_idle){ .since_ms = 1 },
			       &(struct room_idle){ .since_ms = 2 }));
}
END_TEST

START_TEST(learns)
{
	struct room room;

	room_init(&room, 0);
	ck_assert_uint_eq(room_limit(&room, 5), 0);
	room_refused(&room, 0, 5);
	ck_assert_uint_eq(room_limit(&room, 5), 0);
	room_refused(&room, 4, 5);
	ck_assert_uint_eq(room_limit(&room, 5), 4);
	room_shown(&room, 5);
	ck_assert_uint_eq(room_limit(&room, 5), 5);
	/* Believed for a while. */
	ck_assert_uint_eq(room_limit(&room, ROOM_LEARNED_MS + 4), 5);
	ck_assert_uint_eq(room_limit(&room, ROOM_LEARNED_MS + 5), 0);
	room_init(&room, 3);
	room_refused(&room, 4, 5);
	ck_assert_uint_eq(room_limit(&room, 5), 3);
	room_refused(&room, 2, 5);
	ck_assert_uint_eq(room_limit(&room, 5), 2);
}
END_TEST

/* --- the worker --- */

static struct harness h;

static void begin(unsigned devices, const char *links_max, const char *const *options)
{
	h.links_max = links_max;
	harness_start(&h, devices, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

static size_t attach(unsigned n)
{
	return harness_attach(&h, n + 1, false, HARNESS_DEVICE(n));
}

static uint32_t send_connect(size_t seat, uint32_t timeout_ms)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = 1;
	connect.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

/* The device of the next link of which it is told that it waits. */
static uint64_t waits(void)
{
	const struct harness_frame *f;
	uint64_t address = 0;
	Bh__Event *event;

	while (address == 0) {
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
		event = bh__event__unpack(NULL, f->len, f->body);
		if (strcmp(event->kind, "link-waits") == 0)
			address = event->address;
		bh__event__free_unpacked(event, NULL);
	}
	return address;
}

/* F59: two places, ten who want one: never more than two at once, in order, nobody is left out. */
START_TEST(line)
{
	size_t seat[10];
	uint32_t id[10];
	unsigned i;

	begin(10, "2", NULL);
	for (i = 0; i < 10; i++) {
		seat[i] = attach(i);
		id[i] = send_connect(seat[i], 30000);
		if (i < 2)
			ck_assert_uint_eq(harness_answer(&h, seat[i], id[i])->type,
					  BH__TYPE__CONNECTED);
		else
			ck_assert_uint_eq(waits(), HARNESS_DEVICE(i));
	}
	/* One that fails, and one that gives up, move the line on. */
	harness_fault(&h, "refuse C0:AA:BB:00:00:03 1");
	harness_send_id(&h, seat[4], BH__TYPE__CANCEL, id[4], &(Bh__Empty)BH__EMPTY__INIT.base);
	ck_assert_int_eq(harness_class(harness_answer(&h, seat[4], id[4])), CLASS_CANCELLED);
	for (i = 0; i < 10; i++) {
		const struct harness_frame *f;

		if (i >= 2 && i != 4) {
			f = harness_answer(&h, seat[i], id[i]);
			ck_assert_int_eq(f->type == BH__TYPE__ERROR, i == 3);
		}
		/* Whoever came last is let in last. */
		if (i < 8)
			ck_assert_uint_eq(harness_count(&h.seats[seat[9]], 0, id[9]), 0);
		if (i != 3 && i != 4)
			ck_assert_uint_eq(harness_disconnect(&h, seat[i])->type, BH__TYPE__DONE);
	}
	ck_assert_uint_eq(harness_stat(&h, "links_max"), 2);
	harness_stop(&h);
}
END_TEST

/* Its deadline comes first: the class, and who has the places. */
START_TEST(overdue)
{
	const struct harness_frame *f;
	Bh__Error *error;
	size_t a, b;

	begin(2, "1", NULL);
	a = attach(0);
	b = attach(1);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	f = harness_answer(&h, b, send_connect(b, 200));
	ck_assert_int_eq(harness_class(f), CLASS_OUT_OF_SLOTS);
	error = bh__error__unpack(NULL, f->len, f->body);
	ck_assert_ptr_nonnull(strstr(error->text, "hci0 has room for 1 link: "
						  "C0:AA:BB:00:00:00 (session 1)"));
	bh__error__free_unpacked(error, NULL);
	/* And it is no longer in line. */
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 2);
	harness_stop(&h);
}
END_TEST

static void keep(unsigned n)
{
	Bh__Ctl__Keep msg = BH__CTL__KEEP__INIT;

	msg.has_session = msg.has_epoch = msg.has_address = msg.has_random = msg.has_hold = 1;
	msg.session = 100 + n;
	msg.epoch = 1;
	msg.address = HARNESS_DEVICE(n);
	msg.random = 1;
	msg.hold = 1;
	harness_up(&h, BH__CTL__TYPE__KEEP, &msg.base);
}

static uint64_t went(void)
{
	const struct harness_frame *f;
	Bh__Ctl__Link *link;
	uint64_t address = 0;

	while (address == 0) {
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
		link = bh__ctl__link__unpack(NULL, f->len, f->body);
		address = link->up ? 0 : link->address;
		bh__ctl__link__free_unpacked(link, NULL);
	}
	return address;
}

/* Lingering links give their places first, the oldest first; then kept ones; never one in use. */
START_TEST(least_valuable)
{
	size_t held, linger1, linger2, late[4];
	unsigned i;

	begin(8, "4", NULL);
	held = attach(0);
	linger1 = attach(2);
	linger2 = attach(3);
	for (i = 0; i < 4; i++)
		late[i] = attach(4 + i);
	ck_assert_uint_eq(harness_connect(&h, held)->type, BH__TYPE__CONNECTED);
	keep(1);
	harness_stat_wait(&h, "links", 2);
	harness_rules(&h, HARNESS_DEVICE(2), 60000, 0, 0);
	harness_rules(&h, HARNESS_DEVICE(3), 60000, 0, 0);
	ck_assert_uint_eq(harness_read(&h, linger1, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_read(&h, linger2, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_stat(&h, "links"), 4);
	for (i = 0; i < 3; i++) {
		static const unsigned GOES[] = { 2, 3, 1 };

		ck_assert_uint_eq(harness_connect(&h, late[i])->type, BH__TYPE__CONNECTED);
		ck_assert_uint_eq(went(), HARNESS_DEVICE(GOES[i]));
	}
	/* All that are left are held by programs. */
	ck_assert_int_eq(harness_class(harness_answer(&h, late[3], send_connect(late[3], 300))),
			 CLASS_OUT_OF_SLOTS);
	ck_assert_uint_eq(harness_read(&h, held, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(harness_count(&h.seats[held], BH__TYPE__LINK_LOST, 0), 0);
	ck_assert_uint_le(harness_stat(&h, "links_max"), 4);
	harness_stop(&h);
}
END_TEST

/* Without a configured limit a refusal teaches one; who was refused waits in line for a place. */
START_TEST(learned)
{
	uint32_t id;
	size_t a, b;

	begin(2, NULL, NULL);
	a = attach(0);
	b = attach(1);
	h.retries = 1;
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "refuse-adapter 0 1 full");
	id = send_connect(b, 20000);
	ck_assert_uint_eq(waits(), HARNESS_DEVICE(1));
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_uint_eq(harness_answer(&h, b, id)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* --- the supervisor's part: all links of the machine --- */

static uint32_t asked(unsigned n, bool is_stop)
{
	const struct harness_frame *f = harness_wait(&h, &h.up, BH__CTL__TYPE__ROOM_WANTED, 0);
	Bh__Ctl__RoomWanted *said = bh__ctl__room_wanted__unpack(NULL, f->len, f->body);

	ck_assert_uint_eq(said->address, HARNESS_DEVICE(n));
	ck_assert_int_eq(said->stop, is_stop);
	bh__ctl__room_wanted__free_unpacked(said, NULL);
	return f->id;
}

static void say(uint32_t token, unsigned n, bool is_yield)
{
	Bh__Ctl__Room room = BH__CTL__ROOM__INIT;

	room.has_address = room.has_yield = 1;
	room.address = HARNESS_DEVICE(n);
	room.yield = is_yield;
	ck_assert(chan_send(h.up.chan, BH__CTL__TYPE__ROOM, token, 0, &room.base, NULL, 0) == 0);
}

START_TEST(asks)
{
	uint32_t id, token;
	size_t a;

	h.ask_room = "1";
	begin(2, NULL, NULL);
	a = attach(0);
	id = send_connect(a, 300);
	(void)asked(0, false);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_OUT_OF_SLOTS);
	(void)asked(0, true);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 0);
	id = send_connect(a, 20000);
	token = asked(0, false);
	say(token, 0, false);
	ck_assert_uint_eq(harness_answer(&h, a, id)->type, BH__TYPE__CONNECTED);
	/* It is held: no yielding, and that is said. */
	harness_rules(&h, HARNESS_DEVICE(0), 60000, 0, 0);
	say(0, 0, true);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_STATE, 0);
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	h.seats[a].chan = chan_free(h.seats[a].chan);
	h.seats[a].is_over = true;
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_ENDED, 0);
	say(0, 0, true);
	(void)asked(0, true);
	harness_stat_wait(&h, "links", 0);
	harness_stop(&h);
}
END_TEST

Suite *suite_room(void)
{
	Suite *s = suite_create("room");
	TCase *c = tcase_create("room");

	tcase_set_timeout(c, 40);
	tcase_add_loop_test(c, in_order, 0, 8);
	tcase_add_test(c, yields);
	tcase_add_test(c, learns);
	tcase_add_test(c, line);
	tcase_add_test(c, overdue);
	tcase_add_test(c, least_valuable);
	tcase_add_test(c, learned);
	tcase_add_test(c, asks);
	suite_add_tcase(s, c);
	return s;
}
