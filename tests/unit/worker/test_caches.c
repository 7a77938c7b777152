/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is answered without radio, when it is asked for anew, and what answers say they cost. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_caches(void);

enum { FIXED = 0x2a29, BATTERY = 0x2a19, ECHO = 0xfff3, KEEPER = 7, LONG_MS = 60000 };

static struct harness h;

static void begin(const char *const *options)
{
	harness_start(&h, 2, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
}

static ProtobufCBinaryData uuid_of(unsigned uuid16, uint8_t space[16])
{
	static const uint8_t BASE[16] = { 0,	0, 0, 0,    0,	  0,	0x10, 0,
					  0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb };

	memcpy(space, BASE, sizeof(BASE));
	space[2] = (uint8_t)(uuid16 >> 8);
	space[3] = (uint8_t)uuid16;
	return (ProtobufCBinaryData){ .len = 16, .data = space };
}

/* FIXED and ECHO never change. */
static void set_rules(uint32_t linger_ms)
{
	Bh__Ctl__DeviceRules rules = BH__CTL__DEVICE_RULES__INIT;
	ProtobufCBinaryData fixed[2];
	uint8_t space[2][16];

	fixed[0] = uuid_of(FIXED, space[0]);
	fixed[1] = uuid_of(ECHO, space[1]);
	rules.has_address = rules.has_linger_ms = 1;
	rules.address = HARNESS_DEVICE(0);
	rules.linger_ms = linger_ms;
	rules.fixed = fixed;
	rules.n_fixed = 2;
	harness_up(&h, BH__CTL__TYPE__DEVICE_RULES, &rules.base);
}

static size_t attach(uint32_t session, uint32_t linger_ms)
{
	size_t seat = harness_attach(&h, session, false, HARNESS_DEVICE(0));

	set_rules(linger_ms);
	return seat;
}

static uint32_t send_read(size_t seat, unsigned uuid16, bool is_fresh)
{
	Bh__Target target = BH__TARGET__INIT;
	Bh__Read read = BH__READ__INIT;
	uint8_t space[16];

	target.has_uuid = 1;
	target.uuid = uuid_of(uuid16, space);
	read.target = &target;
	read.has_fresh = read.fresh = is_fresh;
	return harness_send(&h, seat, BH__TYPE__READ, &read.base);
}

/* --- answers --- */

struct said {
	uint16_t type;
	uint32_t query_ms, link_ms, total_ms;
	bool is_cached;
	uint32_t count;
};

/* F34: all of them are there in every answer, and their sum is no more than the whole. */
static struct said timings_of(const Bh__Timings *timings)
{
	struct said said = { .type = 0 };

	ck_assert_ptr_nonnull(timings);
	ck_assert(timings->has_queue_ms && timings->has_connect_ms && timings->has_services_ms);
	ck_assert(timings->has_query_ms && timings->has_total_ms && timings->has_cached);
	said.query_ms = timings->query_ms;
	said.link_ms = timings->queue_ms + timings->connect_ms + timings->services_ms;
	said.total_ms = timings->total_ms;
	said.is_cached = timings->cached;
	ck_assert_uint_le(said.query_ms + said.link_ms, said.total_ms + 5);
	if (said.is_cached)
		ck_assert_uint_eq(said.query_ms + said.link_ms + said.total_ms, 0);
	return said;
}

static struct said look(const struct harness_frame *f)
{
	struct said said = { .type = 0 };
	Bh__Connected *connected;
	Bh__Value *value;
	Bh__Error *error;
	Bh__Done *done;

	switch (f->type) {
	case BH__TYPE__CONNECTED:
		connected = bh__connected__unpack(NULL, f->len, f->body);
		said = timings_of(connected->timings);
		bh__connected__free_unpacked(connected, NULL);
		break;
	case BH__TYPE__VALUE:
		value = bh__value__unpack(NULL, f->len, f->body);
		said = timings_of(value->timings);
		bh__value__free_unpacked(value, NULL);
		break;
	case BH__TYPE__DONE:
		done = bh__done__unpack(NULL, f->len, f->body);
		said = timings_of(done->timings);
		said.count = done->count;
		bh__done__free_unpacked(done, NULL);
		break;
	default:
		ck_assert_uint_eq(f->type, BH__TYPE__ERROR);
		error = bh__error__unpack(NULL, f->len, f->body);
		said = timings_of(error->timings);
		bh__error__free_unpacked(error, NULL);
		break;
	}
	said.type = f->type;
	return said;
}

static struct said answered(size_t seat, uint32_t id)
{
	return look(harness_answer(&h, seat, id));
}

static struct said read_it(size_t seat, unsigned uuid16, bool is_fresh)
{
	return answered(seat, send_read(seat, uuid16, is_fresh));
}

static struct said services(size_t seat, bool is_fresh)
{
	Bh__ServicesRequest request = BH__SERVICES_REQUEST__INIT;
	uint32_t id;

	request.has_fresh = request.fresh = is_fresh;
	id = harness_send(&h, seat, BH__TYPE__SERVICES_REQUEST, &request.base);
	return look(harness_wait(&h, &h.seats[seat], BH__TYPE__DONE, id));
}

static void no_link(void)
{
	harness_stat_wait(&h, "links", 0);
}

/* The class of its answer; *out_removed: BlueZ has forgotten it. */
static int clear(bool from_bluez, bool with_bond, bool *out_removed)
{
	static uint32_t id;
	Bh__Ctl__CacheClear msg = BH__CTL__CACHE_CLEAR__INIT;
	const struct harness_frame *f;
	Bh__Ctl__CacheCleared *said;
	int class;

	msg.has_address = 1;
	msg.address = HARNESS_DEVICE(0);
	msg.has_bluez = msg.bluez = from_bluez;
	msg.has_bond = msg.bond = with_bond;
	ck_assert(chan_send(h.up.chan, BH__CTL__TYPE__CACHE_CLEAR, ++id, 0, &msg.base, NULL, 0) ==
		  0);
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__CACHE_CLEARED, id);
	said = bh__ctl__cache_cleared__unpack(NULL, f->len, f->body);
	class = (int)said->class_;
	*out_removed = said->removed;
	bh__ctl__cache_cleared__free_unpacked(said, NULL);
	return class;
}

/* --- services --- */

/* F04: known without a link, also to others and while BlueZ knows nothing. */
START_TEST(services_are_known)
{
	struct said first, again;
	size_t a, b;

	begin(NULL);
	a = attach(1, 0);
	b = attach(2, 0);
	first = services(a, false);
	ck_assert(!first.is_cached);
	ck_assert_uint_eq(first.count, 4);
	no_link();
	again = services(b, false);
	ck_assert(again.is_cached);
	ck_assert_uint_eq(again.count, 4);
	ck_assert_uint_eq(harness_count(&h.seats[b], BH__TYPE__SERVICE, 0), 4);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	ck_assert(!services(a, true).is_cached);
	no_link();
	ck_assert_uint_eq(harness_stat(&h, "connects"), 2);
	/* Of the other one nothing is known. */
	b = harness_attach(&h, 3, false, HARNESS_DEVICE(1));
	ck_assert(!services(b, false).is_cached);
	no_link();
	harness_kill_sim(&h);
	ck_assert(services(a, false).is_cached);
	harness_stop(&h);
}
END_TEST

/* --- values --- */

/* F35: once over the radio, for everybody; without a link. */
START_TEST(fixed_values)
{
	size_t a, b;
	int i;

	begin(NULL);
	a = attach(1, 0);
	b = attach(2, 0);
	ck_assert(!read_it(a, FIXED, false).is_cached);
	no_link();
	for (i = 0; i < 20; i++) {
		ck_assert(read_it(i % 2 ? a : b, FIXED, false).is_cached);
		ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	}
	ck_assert_uint_eq(harness_stat(&h, "reads"), 1);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 1);
	ck_assert(!read_it(a, FIXED, true).is_cached);
	no_link();
	ck_assert_uint_eq(harness_stat(&h, "reads"), 2);
	ck_assert(read_it(b, FIXED, false).is_cached);
	/* What may change is asked for each time. */
	ck_assert(!read_it(b, BATTERY, false).is_cached);
	ck_assert(!read_it(b, BATTERY, false).is_cached);
	ck_assert_uint_eq(harness_stat(&h, "reads"), 4);
	harness_stop(&h);
}
END_TEST

/* Also on a link; whoever writes it says that it changes. */
START_TEST(written_values)
{
	const struct harness_frame *f;
	Bh__Value *value;
	size_t a;

	begin(NULL);
	a = attach(1, LONG_MS);
	ck_assert(!read_it(a, ECHO, false).is_cached);
	ck_assert(read_it(a, ECHO, false).is_cached);
	ck_assert_uint_eq(harness_write(&h, a, ECHO, "new")->type, BH__TYPE__DONE);
	f = harness_answer(&h, a, send_read(a, ECHO, false));
	value = bh__value__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(value->value.len, 3);
	ck_assert_mem_eq(value->value.data, "new", 3);
	bh__value__free_unpacked(value, NULL);
	ck_assert(read_it(a, ECHO, false).is_cached);
	ck_assert_uint_eq(harness_stat(&h, "reads"), 2);
	harness_stop(&h);
}
END_TEST

/* The daemon's polls are about the peripheral, not about the value. */
START_TEST(polls_ask)
{
	Bh__Ctl__Check check = BH__CTL__CHECK__INIT;
	Bh__Ctl__Keep keep = BH__CTL__KEEP__INIT;
	uint8_t space[16];
	uint32_t i;
	size_t a;

	begin(NULL);
	a = attach(1, 0);
	ck_assert(!read_it(a, FIXED, false).is_cached);
	keep.has_session = keep.has_epoch = keep.has_address = keep.has_random = 1;
	keep.session = KEEPER;
	keep.epoch = 1;
	keep.address = HARNESS_DEVICE(0);
	keep.random = 1;
	harness_up(&h, BH__CTL__TYPE__KEEP, &keep.base);
	check.has_session = check.has_uuid = 1;
	check.session = KEEPER;
	for (i = 31; i < 33; i++) {
		check.uuid = uuid_of(FIXED, space);
		check.has_uuid = i == 31;
		no_link();
		ck_assert(chan_send(h.up.chan, BH__CTL__TYPE__CHECK, i, 0, &check.base, NULL, 0) ==
			  0);
		(void)harness_wait(&h, &h.up, BH__CTL__TYPE__CHECKED, i);
	}
	ck_assert_uint_eq(harness_stat(&h, "reads"), 2);
	ck_assert_uint_eq(harness_stat(&h, "connects"), 3);
	harness_stop(&h);
}
END_TEST

/* --- forgetting --- */

enum cause { CLEARED, SERVICE_CHANGED, CHANGED_MEANWHILE, BOND_LOST, REMOVED, CAUSES };

static void happen(enum cause cause, size_t seat)
{
	bool is_removed;

	switch (cause) {
	case CLEARED:
		ck_assert_int_eq(clear(false, false, &is_removed), CLASS_NONE);
		return;
	case SERVICE_CHANGED:
		ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
		harness_fault(&h, "hide C0:AA:BB:00:00:00 0x2a24");
		/* A barrier on the bus: the signal is before this answer. */
		ck_assert(!read_it(seat, BATTERY, false).is_cached);
		ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
		return;
	case CHANGED_MEANWHILE:
		harness_fault(&h, "hide C0:AA:BB:00:00:00 0x2a24");
		ck_assert(!read_it(seat, BATTERY, false).is_cached);
		no_link();
		return;
	case BOND_LOST:
		harness_fault(&h, "bonded C0:AA:BB:00:00:00 off");
		ck_assert(!read_it(seat, BATTERY, false).is_cached);
		no_link();
		return;
	case REMOVED:
		/* Answered when BlueZ shows its end. */
		ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
		ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
		ck_assert_int_eq(clear(true, false, &is_removed), CLASS_NONE);
		ck_assert(is_removed);
		return;
	case CAUSES:
		return;
	}
}

/* The first one after it asks the peripheral, whoever asks with it shares, the next ones do not. */
START_TEST(forgotten)
{
	const enum cause cause = (enum cause)_i;
	unsigned reads, connects;
	struct said one, two;
	uint32_t id, with;
	size_t a, b;

	begin((const char *const[]){ "--gatt-ms", "50", NULL });
	a = attach(1, 0);
	b = attach(2, 0);
	if (cause == BOND_LOST)
		harness_fault(&h, "bonded C0:AA:BB:00:00:00 on");
	ck_assert(!read_it(a, FIXED, false).is_cached);
	no_link();
	ck_assert(read_it(b, FIXED, false).is_cached);
	ck_assert(services(b, false).is_cached);
	happen(cause, a);
	no_link();
	reads = harness_stat(&h, "reads");
	connects = harness_stat(&h, "connects");
	if (cause == CLEARED || cause == SERVICE_CHANGED || cause == REMOVED) {
		ck_assert(!services(b, false).is_cached);
		no_link();
		connects++;
	}
	id = send_read(a, FIXED, false);
	with = send_read(b, FIXED, false);
	one = answered(a, id);
	two = answered(b, with);
	ck_assert(!one.is_cached && !two.is_cached);
	ck_assert_uint_eq(one.type, BH__TYPE__VALUE);
	ck_assert_uint_eq(two.type, BH__TYPE__VALUE);
	no_link();
	ck_assert(read_it(a, FIXED, false).is_cached);
	ck_assert(read_it(b, FIXED, false).is_cached);
	ck_assert(services(b, false).is_cached);
	ck_assert_uint_eq(harness_stat(&h, "reads"), reads + 1);
	ck_assert_uint_eq(harness_stat(&h, "connects"), connects + 1);
	harness_stop(&h);
}
END_TEST

/* BlueZ forgets it only where nobody uses it, and a bond goes only where that is said. */
START_TEST(bluez_forgets)
{
	bool is_removed;
	size_t a;

	begin(NULL);
	a = attach(1, 0);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	ck_assert_int_eq(clear(true, true, &is_removed), CLASS_BUSY_SAME_DEVICE);
	ck_assert(!is_removed);
	harness_fault(&h, "bonded C0:AA:BB:00:00:00 on");
	ck_assert(!read_it(a, BATTERY, false).is_cached);
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	ck_assert_int_eq(clear(true, false, &is_removed), CLASS_INVALID);
	ck_assert(!is_removed);
	ck_assert_int_eq(clear(true, true, &is_removed), CLASS_NONE);
	ck_assert(is_removed);
	/* There is nothing left. */
	ck_assert_int_eq(clear(true, true, &is_removed), CLASS_NONE);
	ck_assert(!is_removed);
	harness_stop(&h);
}
END_TEST

/* --- what it cost --- */

START_TEST(timings)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	struct said said;
	uint32_t id, with;
	size_t a, b;

	begin((const char *const[]){ "--gatt-ms", "50", "--connect-ms", "150", "--resolve-ms",
				     "150", NULL });
	a = attach(1, LONG_MS);
	b = attach(2, LONG_MS);
	/* Fresh: each part of it, for both who waited. */
	id = send_read(a, FIXED, false);
	harness_stat_wait(&h, "connecting", 1);
	with = send_read(b, BATTERY, false);
	said = answered(a, id);
	ck_assert_uint_ge(said.link_ms, 250);
	ck_assert_uint_ge(said.query_ms, 45);
	said = answered(b, with);
	ck_assert_uint_ge(said.link_ms, 100);
	/* The link was there. */
	said = look(harness_connect(&h, b));
	ck_assert_uint_eq(said.link_ms, 0);
	said = read_it(b, BATTERY, false);
	ck_assert_uint_eq(said.link_ms, 0);
	ck_assert_uint_ge(said.query_ms, 45);
	said = look(harness_write(&h, a, ECHO, "x"));
	ck_assert_uint_eq(said.type, BH__TYPE__DONE);
	said = services(a, false);
	ck_assert(!said.is_cached && said.link_ms == 0);
	id = harness_subscribe(&h, a, 0xfff4);
	ck_assert_uint_eq(answered(a, id).type, BH__TYPE__DONE);
	ck_assert(read_it(a, FIXED, false).is_cached);
	/* Failed, on a link and without one. */
	ck_assert_uint_eq(read_it(a, 0x1234, false).type, BH__TYPE__ERROR);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	connect.has_timeout_ms = 1;
	connect.timeout_ms = 400;
	id = harness_send(&h, a, BH__TYPE__CONNECT, &connect.base);
	said = answered(a, id);
	ck_assert_uint_eq(said.type, BH__TYPE__ERROR);
	ck_assert_uint_ge(said.total_ms, 400);
	harness_stop(&h);
}
END_TEST

/* Behind a DISCONNECT it is another link that is waited for. */
START_TEST(timings_of_next_link)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	struct said said;
	uint32_t id;
	size_t a;

	begin((const char *const[]){ "--connect-ms", "200", NULL });
	a = attach(1, 0);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	(void)harness_send(&h, a, BH__TYPE__DISCONNECT, &empty.base);
	id = send_read(a, BATTERY, false);
	said = look(harness_wait(&h, &h.seats[a], BH__TYPE__VALUE, id));
	ck_assert_uint_ge(said.link_ms, 190);
	harness_stop(&h);
}
END_TEST

Suite *suite_caches(void)
{
	Suite *s = suite_create("caches");
	TCase *c = tcase_create("caches");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, services_are_known);
	tcase_add_test(c, fixed_values);
	tcase_add_test(c, written_values);
	tcase_add_test(c, polls_ask);
	tcase_add_loop_test(c, forgotten, 0, CAUSES);
	tcase_add_test(c, bluez_forgets);
	tcase_add_test(c, timings);
	tcase_add_test(c, timings_of_next_link);
	suite_add_tcase(s, c);
	return s;
}
