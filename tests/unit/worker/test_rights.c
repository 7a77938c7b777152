/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program may not do a worker refuses, and nothing of it reaches BlueZ. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/rights.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_rights(void);

static struct harness h;
static Bh__Ctl__Access access_msg;

/* Sessions from now on have these. */
static void may(uint32_t uid, uint32_t rights)
{
	bh__ctl__access__init(&access_msg);
	access_msg.has_uid = access_msg.has_rights = 1;
	access_msg.uid = uid;
	access_msg.rights = rights;
	access_msg.why = (char *)(uintptr_t) "[access test] says so";
	h.access = &access_msg;
}

static void begin(void)
{
	harness_begin(&h, 2, NULL);
}

static size_t attach(uint32_t session)
{
	return harness_attach(&h, session, false, HARNESS_DEVICE(0));
}

static void denied(const struct harness_frame *frame)
{
	Bh__Error *error;

	ck_assert_int_eq(harness_class(frame), CLASS_DENIED);
	error = bh__error__unpack(NULL, frame->len, frame->body);
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error->text, "uid 1000"));
	ck_assert_ptr_nonnull(strstr(error->text, "[access test] says so"));
	ck_assert_ptr_nonnull(strstr(error->advice, "bleherd.conf"));
	bh__error__free_unpacked(error, NULL);
}

START_TEST(each_right)
{
	size_t s;

	begin();
	may(1000, RIGHT_READ);
	s = attach(1);
	ck_assert_uint_eq(harness_read(&h, s, 0x2a19)->type, BH__TYPE__VALUE);
	denied(harness_write(&h, s, 0xfff3, "x"));
	may(1000, RIGHT_WRITE);
	s = attach(2);
	ck_assert_uint_eq(harness_connect(&h, s)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_write(&h, s, 0xfff3, "x")->type, BH__TYPE__DONE);
	denied(harness_read(&h, s, 0x2a19));
	may(1000, RIGHT_SEE | RIGHT_LOCK);
	s = attach(3);
	denied(harness_connect(&h, s));
	harness_stop(&h);
}
END_TEST

/* Where the supervisor says nothing of rights there are none. */
START_TEST(no_word)
{
	size_t s;

	begin();
	may(1000, RIGHTS_NONE);
	s = attach(1);
	denied(harness_read(&h, s, 0x2a19));
	denied(harness_connect(&h, s));
	/* To let go is always allowed. */
	ck_assert_uint_eq(harness_disconnect(&h, s)->type, BH__TYPE__DONE);
	harness_stop(&h);
}
END_TEST

START_TEST(exclusive_takes_the_right_to_lock)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;
	size_t s;

	begin();
	may(1000, RIGHTS_USE);
	s = attach(1);
	connect.has_exclusive = 1;
	connect.exclusive = 1;
	id = harness_send(&h, s, BH__TYPE__CONNECT, &connect.base);
	denied(harness_answer(&h, s, id));
	ck_assert_uint_eq(harness_connect(&h, s)->type, BH__TYPE__CONNECTED);
	harness_stop(&h);
}
END_TEST

/* The supervisor is told how often, but not for each. */
START_TEST(counted)
{
	const struct harness_frame *frame;
	Bh__Ctl__Denied *msg;
	uint32_t count = 0;
	unsigned i;
	size_t s;

	begin();
	may(1000, RIGHT_READ);
	s = attach(7);
	for (i = 0; i < 50; i++)
		denied(harness_write(&h, s, 0xfff3, "x"));
	while (count < 50) {
		frame = harness_wait(&h, &h.up, BH__CTL__TYPE__DENIED, 0);
		msg = bh__ctl__denied__unpack(NULL, frame->len, frame->body);
		ck_assert_ptr_nonnull(msg);
		ck_assert_uint_eq(msg->session, 7);
		ck_assert_uint_eq(msg->right, RIGHT_WRITE);
		count += msg->count;
		bh__ctl__denied__free_unpacked(msg, NULL);
	}
	ck_assert_uint_eq(count, 50);
	harness_stop(&h);
}
END_TEST

static unsigned limited(const struct harness_peer *peer)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < peer->n_frames; i++)
		n += harness_class(&peer->frames[i]) == CLASS_LIMIT;
	return n;
}

/* More than so many a second are refused, over all sessions of a user; another one is not. */
START_TEST(rate)
{
	enum { SENT = 40 };
	unsigned refused = 0;
	size_t seats[2];
	size_t other;
	size_t i;

	begin();
	may(1000, RIGHTS_USE);
	access_msg.has_requests_per_s = 1;
	access_msg.requests_per_s = 5;
	seats[0] = attach(1);
	seats[1] = attach(2);
	may(1001, RIGHTS_USE);
	other = attach(3);
	for (i = 0; i < SENT; i++)
		(void)harness_send(&h, seats[i % 2], BH__TYPE__CONNECT,
				   &((Bh__Connect)BH__CONNECT__INIT).base);
	for (i = 0; i < 2; i++) {
		/* Nobody is refused that: all before it are answered then. */
		(void)harness_disconnect(&h, seats[i]);
		refused += limited(&h.seats[seats[i]]);
	}
	/* Five at once; how slow this machine is decides on some more. */
	ck_assert_uint_ge(refused, 1);
	ck_assert_uint_le(refused, 35);
	ck_assert_uint_eq(harness_read(&h, other, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* Open requests, and what they are counted as, over all sessions of a user. */
START_TEST(queue)
{
	uint32_t ids[4];
	size_t seats[2];
	size_t other;
	size_t i;

	begin();
	may(1000, RIGHTS_USE);
	access_msg.has_queue = access_msg.has_memory_kib = 1;
	if (_i == 0)
		access_msg.queue = 3;
	else
		access_msg.memory_kib = 3;
	seats[0] = harness_attach(&h, 1, false, HARNESS_DEVICE(9));
	seats[1] = harness_attach(&h, 2, false, HARNESS_DEVICE(9));
	may(1001, RIGHTS_USE);
	other = harness_attach(&h, 3, false, HARNESS_DEVICE(1));
	for (i = 0; i < 3; i++)
		ids[i] = harness_send(&h, seats[0], BH__TYPE__SERVICES_REQUEST,
				      &((Bh__ServicesRequest)BH__SERVICES_REQUEST__INIT).base);
	/* The answer to a fourth, wrong one in the same session: the three have been read. */
	ids[3] = harness_send(&h, seats[0], BH__TYPE__SERVICES_REQUEST,
			      &((Bh__ServicesRequest)BH__SERVICES_REQUEST__INIT).base);
	ck_assert_int_eq(harness_class(harness_answer(&h, seats[0], ids[3])), CLASS_LIMIT);
	ck_assert_int_eq(harness_class(harness_connect(&h, seats[1])), CLASS_LIMIT);
	ck_assert_uint_eq(harness_read(&h, other, 0x2a19)->type, BH__TYPE__VALUE);
	harness_stop(&h);
}
END_TEST

/* A right that is taken away ends what it allowed, and nothing else. */
START_TEST(taken_away)
{
	const struct harness_frame *frame;
	uint32_t id;
	size_t told;
	size_t s;

	begin();
	may(1000, RIGHTS_USE);
	s = attach(1);
	id = harness_subscribe(&h, s, 0xfff4);
	(void)harness_wait(&h, &h.seats[s], BH__TYPE__NOTIFIED, id);
	may(1000, RIGHT_READ);
	access_msg.has_session = 1;
	access_msg.session = 1;
	harness_up(&h, BH__CTL__TYPE__ACCESS, &access_msg.base);
	frame = harness_wait(&h, &h.seats[s], BH__TYPE__ERROR, id);
	denied(frame);
	ck_assert_uint_eq(harness_read(&h, s, 0x2a19)->type, BH__TYPE__VALUE);
	told = harness_count(&h.seats[s], BH__TYPE__NOTIFIED, id);
	harness_pump(&h, 300);
	ck_assert_uint_eq(harness_count(&h.seats[s], BH__TYPE__NOTIFIED, id), told);
	harness_stop(&h);
}
END_TEST

static uint64_t heard(const struct harness_frame *frame)
{
	Bh__Advert *advert = bh__advert__unpack(NULL, frame->len, frame->body);
	uint64_t address;

	ck_assert_ptr_nonnull(advert);
	address = advert->address;
	bh__advert__free_unpacked(advert, NULL);
	return address;
}

/* A scan shows what may be seen, and the first pattern decides. */
START_TEST(scans)
{
	Bh__Ctl__Sight sights[2];
	Bh__Ctl__Sight *list[2] = { &sights[0], &sights[1] };
	uint32_t other_id;
	uint32_t id;
	size_t other;
	size_t s;
	size_t i;

	begin();
	may(1000, RIGHT_SEE);
	for (i = 0; i < 2; i++) {
		bh__ctl__sight__init(&sights[i]);
		sights[i].has_kind = sights[i].has_seen = 1;
	}
	sights[0].kind = BH__CTL__PATTERN_KIND__PATTERN_ADDRESS;
	sights[0].has_address = 1;
	sights[0].address = HARNESS_DEVICE(0);
	sights[0].seen = 0;
	sights[1].seen = 1;
	access_msg.n_sights = 2;
	access_msg.sights = list;
	s = harness_attach(&h, 1, true, 0);
	id = harness_send(&h, s, BH__TYPE__SCAN, &((Bh__Scan)BH__SCAN__INIT).base);
	/* Somebody else hears the one that this program may not see. */
	h.access = NULL;
	other = harness_scan_for(&h, 2, 0, &other_id);
	harness_hears(&h, other, other_id);
	ck_assert_uint_eq(heard(harness_wait(&h, &h.seats[s], BH__TYPE__ADVERT, id)),
			  HARNESS_DEVICE(1));
	harness_pump(&h, 300);
	for (i = 0; i < h.seats[s].n_frames; i++)
		if (h.seats[s].frames[i].type == BH__TYPE__ADVERT)
			ck_assert_uint_eq(heard(&h.seats[s].frames[i]), HARNESS_DEVICE(1));
	harness_stop(&h);
}
END_TEST

Suite *suite_rights(void)
{
	Suite *suite = suite_create("rights");
	TCase *tc = tcase_create("rights");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, each_right);
	tcase_add_test(tc, no_word);
	tcase_add_test(tc, exclusive_takes_the_right_to_lock);
	tcase_add_test(tc, counted);
	tcase_add_test(tc, rate);
	tcase_add_loop_test(tc, queue, 0, 2);
	tcase_add_test(tc, taken_away);
	tcase_add_test(tc, scans);
	suite_add_tcase(suite, tc);
	return suite;
}
