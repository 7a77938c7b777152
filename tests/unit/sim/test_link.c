/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_link.c - links as the kernel sees them: data, credits, ends and faults.
 */
#include <check.h>

#include "contrib/sim/hci.h"
#include "contrib/sim/link.h"
#include "tests/unit/sim/bench.h"

static void setup(void)
{
	bench_start(2, 0);
}

START_TEST(data_is_answered_and_credited)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	/* Read of fff3 ("hello") on the first link; the answer comes back on it. */
	EXPECT(0, "024020 0700 0300 0400 0a1200", "0413050140000100",
	       "024020 0a00 0600 0400 0b68656c6c6f", NULL);
	/* In two fragments: a credit for each. */
	EXPECT(0, "024000 0300 0300 04", "0413050140000100", NULL);
	EXPECT(0, "024010 0400 000a 1200", "0413050140000100", "024020 0a00 0600 0400 0b68656c6c6f",
	       NULL);
	/* A link that is not there: the credit, no more. Lengths that lie: nothing. */
	EXPECT(0, "024120 0700 0300 0400 0a1200", "0413050141000100", NULL);
	EXPECT(0, "024020 0800 0300 0400 0a1200", NULL);
}
END_TEST

START_TEST(answers_are_fragmented)
{
	bench_air.settings.acl_bytes = 27;
	EXPECT(0, "01022000", "040e0701022000 1b0008", NULL);
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	bench_send(0, "024020 0700 0300 0400 02f700");
	bench_clear();
	bench_send(0, "024020 0700 0300 0400 0a1b00");
	ck_assert_uint_eq(bench_count(0, "0413"), 1);
	ck_assert_uint_eq(bench_count(0, "024020 1b00 f7000400 0b"), 1);
	ck_assert_uint_eq(bench_count(0, "024010 1b00"), 8);
	/* 251 = 9 * 27 + 8 */
	ck_assert_uint_eq(bench_count(0, "024010 0800"), 1);
}
END_TEST

START_TEST(connection_events_delay_data)
{
	bench_stop();
	bench_start(2, 30);
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	EXPECT(0, "024020 0700 0300 0400 0a1200", NULL);
	bench_run_ms(29);
	ck_assert_uint_eq(bench_sent(0), 0);
	bench_run_ms(2);
	ck_assert_uint_eq(bench_sent(0), 2);
	/* What is under way when the link ends is flushed without credits. */
	EXPECT(0, "024020 0700 0300 0400 0a1200", NULL);
	EXPECT(0, "010604034000 13", "040f0400010604", NULL);
	bench_clear();
	controller_end_link(bench_hci[0], bench_hci[0]->links[0], HCI_REMOTE_ENDED);
	bench_run_ms(100);
	SENT(0, "0405040040 0013", NULL);
}
END_TEST

START_TEST(features_are_asked_over_the_air)
{
	/* At once where packets do not wait, */
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	EXPECT(0, "01162002 4000", "040f0400011620", "043e0c04004000 0000000000000000", NULL);
	/* else after two events, and not while nobody is there to answer. */
	bench_stop();
	bench_start(2, 30);
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	EXPECT(0, "01162002 4000", "040f0400011620", NULL);
	bench_run_ms(59);
	ck_assert_uint_eq(bench_sent(0), 1);
	bench_run_ms(2);
	ck_assert_uint_eq(bench_count(0, "043e0c04004000"), 1);
	bench_run_ms(200);
	ck_assert_uint_eq(bench_sent(0), 2);
	bench_send(0, "01162002 4000");
	bench_clear();
	air_device(&bench_air, model_device(bench_model, 0))->vanished = true;
	link_set_vanished(bench_hci[0]->links[0], true, bench_now_ms);
	bench_run_ms(100);
	ck_assert_uint_eq(bench_sent(0), 0);
}
END_TEST

START_TEST(notifications_stop_with_the_link)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	bench_send(0, "024020 0900 0500 0400 1216000100");
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_count(0, "024020 0b00 0700 0400 1b1500"), 10);
	bench_send(0, "010604034000 13");
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_sent(0), 0);
	ck_assert_uint_eq(bench_link_up(0, 0), 0x41);
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_sent(0), 0);
}
END_TEST

/* What is lost on a link ends it: a program that misses a value has been told so. */
START_TEST(a_mute_peripheral_counts_on_when_it_is_heard)
{
	struct model_device *device = model_device(bench_model, 0);

	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	bench_send(0, "024020 0900 0500 0400 1216000100");
	bench_clear();
	bench_run_ms(200);
	ck_assert_uint_eq(bench_count(0, "024020 0b00 0700 0400 1b1500 02000000"), 1);
	device->mute = MODEL_MUTE_REPLIES;
	bench_clear();
	bench_run_ms(3000);
	ck_assert_uint_eq(bench_sent(0), 0);
	device->mute = MODEL_MUTE_OFF;
	bench_run_ms(150);
	ck_assert_uint_eq(bench_count(0, "024020 0b00 0700 0400 1b1500 03000000"), 1);
}
END_TEST

START_TEST(a_burst_is_paced_and_complete)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	link_burst(bench_hci[0]->links[0], 0x0015, 50, bench_now_ms);
	bench_run_ms(100);
	/* Nobody has subscribed. */
	ck_assert_uint_eq(bench_sent(0), 0);
	bench_send(0, "024020 0900 0500 0400 1216000100");
	bench_clear();
	link_burst(bench_hci[0]->links[0], 0x0015, 50, bench_now_ms);
	bench_run_ms(20);
	ck_assert_uint_le(bench_sent(0), 21);
	bench_run_ms(70);
	ck_assert_uint_eq(bench_sent(0), 50);
}
END_TEST

START_TEST(a_peripheral_out_of_range)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	air_device(&bench_air, model_device(bench_model, 0))->vanished = true;
	link_set_vanished(bench_hci[0]->links[0], true, bench_now_ms);
	EXPECT(0, "024020 0700 0300 0400 0a1200", NULL);
	bench_run_ms(419);
	ck_assert_uint_eq(bench_sent(0), 0);
	bench_run_ms(2);
	SENT(0, "0405040040 0008", NULL);
	ck_assert_uint_eq(bench_link_up(0, 0), 0);
}
END_TEST

START_TEST(ghosts_are_links_to_the_host_only)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	link_make_ghost(bench_hci[0]->links[0]);
	ck_assert_int_eq(model_device(bench_model, 0)->link, MODEL_NO_ADAPTER);
	EXPECT(0, "024020 0700 0300 0400 0a1200", "0413050140000100", NULL);
	EXPECT(0, "010604034000 13", "040f0400010604", NULL);
	EXPECT(0, "010604034000 13", "040f0400010604", NULL);
	/* A reset of the controller is the cure. */
	bench_send(0, "01030c00");
	EXPECT(0, "010604034000 13", "040f0402010604", NULL);
}
END_TEST

START_TEST(connects_that_are_made_to_fail)
{
	struct model_device *device = model_device(bench_model, 0);
	struct air_device *extra = air_device(&bench_air, device);

	device->refuse = 1;
	extra->refuse_status = HCI_CONNECTION_LIMIT;
	bench_create(0, 0);
	SENT(0, "040f0409010d20", NULL);
	extra->lie = 1;
	extra->lie_status = HCI_NOT_ESTABLISHED;
	bench_create(0, 0);
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_count(0, "043e13013e"), 1);
	extra->early_drop = 1;
	extra->early_reason = HCI_NOT_ESTABLISHED;
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	ck_assert_uint_eq(bench_hci[0]->link_count, 0);
	extra->deaf = true;
	ck_assert_uint_eq(bench_link_up(0, 0), 0);
	extra->deaf = false;
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_hci[0]->link_count, 1);
	ck_assert_uint_eq(device->counters.refused, 2);
}
END_TEST

START_TEST(a_hung_controller_is_silent)
{
	ck_assert_uint_eq(bench_link_up(0, 0), 0x40);
	bench_hci[0]->hung = true;
	EXPECT(0, "01030c00", NULL);
	EXPECT(0, "024020 0700 0300 0400 0a1200", NULL);
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_sent(0), 0);
	bench_hci[0]->hung = false;
	EXPECT(0, "01030c00", "040e0401030c00", NULL);
	ck_assert_int_eq(model_device(bench_model, 0)->link, MODEL_NO_ADAPTER);
}
END_TEST

Suite *suite_link(void);

Suite *suite_link(void)
{
	Suite *suite = suite_create("link");
	TCase *tcase = tcase_create("link");

	tcase_add_checked_fixture(tcase, setup, bench_stop);
	tcase_add_test(tcase, data_is_answered_and_credited);
	tcase_add_test(tcase, answers_are_fragmented);
	tcase_add_test(tcase, connection_events_delay_data);
	tcase_add_test(tcase, features_are_asked_over_the_air);
	tcase_add_test(tcase, notifications_stop_with_the_link);
	tcase_add_test(tcase, a_mute_peripheral_counts_on_when_it_is_heard);
	tcase_add_test(tcase, a_burst_is_paced_and_complete);
	tcase_add_test(tcase, a_peripheral_out_of_range);
	tcase_add_test(tcase, ghosts_are_links_to_the_host_only);
	tcase_add_test(tcase, connects_that_are_made_to_fail);
	tcase_add_test(tcase, a_hung_controller_is_silent);
	suite_add_tcase(suite, tcase);
	return suite;
}
