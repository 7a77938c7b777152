/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_caches.c - workers forget what they know of a device: all of them. */
#include "ipc/class.h"
#include "tests/unit/supervisor/rig.h"

#include <check.h>
#include <string.h>

Suite *suite_caches(void);

static struct rig *rig;

static void set_up(void)
{
	rig = rig_start(rig_quick);
	rig_follow(rig);
}

static void tear_down(void)
{
	rig = rig_stop(rig);
}

/* Its class, or how many adapters' BlueZ have forgotten it. */
static int clear(uint64_t address, bool is_bluez, bool with_bond, uint32_t *out_count,
		 const char *text)
{
	Bh__CacheClear msg = BH__CACHE_CLEAR__INIT;
	struct chan_frame frame;
	const Bh__Error *error;
	uint32_t id;
	int class = CLASS_NONE;

	msg.has_address = msg.has_bluez = msg.has_bond = 1;
	msg.address = address;
	msg.bluez = is_bluez;
	msg.bond = with_bond;
	id = rig_ask(rig, rig->control, BH__TYPE__CACHE_CLEAR, &msg.base);
	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.id, id);
	if (frame.type == BH__TYPE__DONE) {
		*out_count =
			((const Bh__Done *)chan_unpack(rig->control, &frame, &bh__done__descriptor))
				->count;
	} else {
		ck_assert_uint_eq(frame.type, BH__TYPE__ERROR);
		error = chan_unpack(rig->control, &frame, &bh__error__descriptor);
		class = (int)error->class_;
		ck_assert_msg(strstr(error->text, text) != NULL, "%s", error->text);
	}
	chan_frame_done(&frame);
	return class;
}

START_TEST(all_of_them)
{
	uint32_t n = 77;

	ck_assert_int_eq(clear(RIG_SEEN, false, false, &n, ""), CLASS_NONE);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(clear(RIG_SEEN, true, true, &n, ""), CLASS_NONE);
	ck_assert_uint_eq(n, RIG_ADAPTERS);
	/* One that refuses speaks for all, and says where. */
	ck_assert_int_eq(clear(RIG_CACHE_REFUSED, true, true, &n, "hci1: it is paired"),
			 CLASS_INVALID);
	/* A dead one has forgotten it. */
	ck_assert_int_eq(clear(RIG_CACHE_DIES, true, true, &n, ""), CLASS_NONE);
	ck_assert_uint_eq(n, RIG_ADAPTERS - 1);
	rig_expect_event(rig, "worker-died", NULL);
}
END_TEST

START_TEST(mistakes)
{
	uint32_t n;

	ck_assert_int_eq(clear(0, false, false, &n, "address"), CLASS_INVALID);
	ck_assert_int_eq(clear(1ull << 48, false, false, &n, "address"), CLASS_INVALID);
	ck_assert_int_eq(clear(RIG_SEEN, false, true, &n, "bond"), CLASS_INVALID);
}
END_TEST

Suite *suite_caches(void)
{
	Suite *s = suite_create("caches");
	TCase *c = tcase_create("caches");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, all_of_them);
	tcase_add_test(c, mistakes);
	suite_add_tcase(s, c);
	return s;
}
