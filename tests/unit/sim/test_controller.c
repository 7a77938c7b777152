/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_controller.c - controllers as the kernel sees them: commands, scanning and
 * creating links.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/hci.h"
#include "tests/unit/sim/bench.h"
#include "tests/unit/sim/wire.h"

#define RANDOM_PACKETS 50000

static void setup(void)
{
	bench_start(2, 0);
}

START_TEST(every_command_is_answered)
{
	bench_clear();
	for (unsigned opcode = 0; opcode < 0x2100; opcode++) {
		char hex[16];

		(void)snprintf(hex, sizeof(hex), "01%02x%02x00", opcode & 0xff, opcode >> 8);
		bench_clear();
		bench_send(0, hex);
		ck_assert_uint_eq(bench_sent(0), 1);
		/* 040eLL 01 opcode status; or 040f04 status 01 opcode */
		hex[6] = '\0';
		ck_assert(strncmp(bench_packet(0, 0) + 6, hex, 6) == 0 ||
			  strncmp(bench_packet(0, 0) + 8, hex, 6) == 0);
	}
}
END_TEST

START_TEST(commands_say_what_they_are)
{
	EXPECT(0, "01030c00", "040e0401030c00", NULL);
	EXPECT(0, "01091000", "040e0a010910000000 00ccbbaa", NULL);
	EXPECT(1, "01091000", "040e0a010910000100 00ccbbaa", NULL);
	EXPECT(0, "01022000", "040e0701022000 fb0008", NULL);
	EXPECT(0, "01031000", "040e0c01031000 0000000060000000", NULL);
	/* Unknown; known with a wrong length; a link that is not there. */
	EXPECT(0, "0141200101", "040f0401014120", NULL);
	EXPECT(0, "010b200100", "040f0412010b20", NULL);
	EXPECT(0, "010604034000 13", "040f0402010604", NULL);
	EXPECT(0, "0105140240 00", "040e070105140240 0000", NULL);
	/* Too short for a command, lengths that lie, other types: nothing. */
	EXPECT(0, "0103", NULL);
	EXPECT(0, "01030c05", NULL);
	EXPECT(0, "", NULL);
	EXPECT(0, "0511", NULL);
}
END_TEST

START_TEST(scanning_reports_each_once)
{
	EXPECT(0, "010b2007 01 12001200 00 00", "040e04010b2000", NULL);
	EXPECT(0, "010c2002 0101", "040e04010c2000", NULL);
	EXPECT(0, "010b2007 01 12001200 00 00", "040e04010b200c", NULL);
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_count(0, "043e"), 2 * BENCH_DEVICES);
	ck_assert_uint_eq(bench_count(0, "043e1a0201 0001"), BENCH_DEVICES);
	ck_assert_uint_eq(bench_count(0, "043e0c0201 0401"), BENCH_DEVICES);
	ck_assert_uint_eq(bench_sent(1), 0);
	/* The filter forgets when scanning is enabled again, and not before. */
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_sent(0), 0);
	bench_send(0, "010c2002 0101");
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_count(0, "043e"), 2 * BENCH_DEVICES);
	/* Without it there are about ten a second. */
	bench_send(0, "010c2002 0100");
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_ge(bench_count(0, "043e1a0201 0001"), BENCH_DEVICES * 8);
	ck_assert_uint_le(bench_count(0, "043e1a0201 0001"), BENCH_DEVICES * 11);
	bench_send(0, "010c2002 0000");
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_sent(0), 0);
}
END_TEST

START_TEST(accept_list_scanning)
{
	EXPECT(0, "01112007 01 020000bbaac0", "040e0401112000", NULL);
	EXPECT(0, "010b2007 00 60006000 00 01", "040e04010b2000", NULL);
	EXPECT(0, "010c2002 0101", "040e04010c2000", NULL);
	/* In use: the list cannot be changed. */
	EXPECT(0, "01112007 01 030000bbaac0", "040e040111200c", NULL);
	EXPECT(0, "01102000", "040e040110200c", NULL);
	bench_run_ms(1000);
	/* Passive: no scan response. A public address of the same number is another device. */
	ck_assert_uint_eq(bench_count(0, "043e"), 1);
	ck_assert_uint_eq(bench_count(0, "043e1a0201 0001 020000bbaac0"), 1);
	bench_send(0, "010c2002 0001");
	EXPECT(0, "01122007 01 020000bbaac0", "040e0401122000", NULL);
	EXPECT(0, "01112007 00 020000bbaac0", "040e0401112000", NULL);
	bench_send(0, "010c2002 0101");
	bench_clear();
	bench_run_ms(1000);
	ck_assert_uint_eq(bench_count(0, "043e"), 0);
}
END_TEST

START_TEST(a_window_shortens_what_is_heard)
{
	/* 10 ms in each 100: some adverts, not all, and every device sooner or later. */
	bench_send(0, "010b2007 00 a0001000 00 00");
	bench_send(0, "010c2002 0100");
	bench_clear();
	bench_run_ms(10000);
	ck_assert_uint_ge(bench_count(0, "043e1a0201"), BENCH_DEVICES * 3);
	ck_assert_uint_le(bench_count(0, "043e1a0201"), BENCH_DEVICES * 25);
}
END_TEST

START_TEST(a_create_waits_for_its_peripheral)
{
	model_device(bench_model, 1)->silent = true;
	bench_create(0, 1);
	SENT(0, "040f0400010d20", NULL);
	ck_assert_uint_eq(model_adapter(bench_model, 0)->connecting, 1);
	bench_clear();
	bench_run_ms(60000);
	ck_assert_uint_eq(bench_sent(0), 0);
	/* Only one at a time. */
	bench_create(0, 2);
	SENT(0, "040f040c010d20", NULL);
	model_device(bench_model, 1)->silent = false;
	bench_clear();
	bench_run_ms(1000);
	SENT(0, "043e130100 4000 00 01 010000bbaac0 28000000 2a00 00", NULL);
	ck_assert_uint_eq(model_adapter(bench_model, 0)->connecting, 0);
	ck_assert_int_eq(model_device(bench_model, 1)->link, 0);
}
END_TEST

START_TEST(a_create_can_be_cancelled)
{
	EXPECT(0, "010e2000", "040e04010e200c", NULL);
	model_device(bench_model, 1)->silent = true;
	bench_create(0, 1);
	EXPECT(0, "010e2000", "040e04010e2000",
	       "043e130102 0000 00 01 010000bbaac0 000000000000 00", NULL);
	EXPECT(0, "010e2000", "040e04010e200c", NULL);
	ck_assert_uint_eq(model_adapter(bench_model, 0)->connecting, 0);
	model_device(bench_model, 1)->silent = false;
	ck_assert_uint_ne(bench_link_up(0, 1), 0);
}
END_TEST

START_TEST(a_slow_connect_holds_its_peripheral_alone)
{
	model_device(bench_model, 1)->connect_ms = 5000;
	bench_create(0, 1);
	bench_run_ms(1000);
	/* Caught by the first: the second adapter does not get it, also after a cancel at once. */
	ck_assert_uint_eq(bench_link_up(1, 1), 0);
	bench_send(0, "010e2000");
	bench_run_ms(6000);
	ck_assert_int_eq(model_device(bench_model, 1)->link, 1);
	ck_assert_uint_eq(model_device(bench_model, 1)->counters.connects, 1);
}
END_TEST

START_TEST(links_are_limited_and_apart)
{
	const unsigned first = bench_link_up(0, 0), second = bench_link_up(0, 1);

	ck_assert_uint_ne(first, second);
	bench_create(0, 2);
	SENT(0, "040f0409010d20", NULL);
	/* A linked peripheral does not advertise, not to another adapter either. */
	ck_assert_uint_eq(bench_link_up(1, 0), 0);
	bench_send(1, "010e2000");
	ck_assert_uint_ne(bench_link_up(1, 2), 0);
	EXPECT(0, "010604034000 13", "040f0400010604", "0405040040 0016", NULL);
	ck_assert_int_eq(model_device(bench_model, 0)->link, MODEL_NO_ADAPTER);
	/* The handle is not used again at once. */
	ck_assert_uint_gt(bench_link_up(0, 0), second);
}
END_TEST

START_TEST(accept_list_connects_to_whoever_is_there)
{
	bench_send(0, "01112007 01 030000bbaac0");
	bench_send(0, "01112007 01 040000bbaac0");
	model_device(bench_model, 3)->silent = true;
	bench_send(0, "010d2019 60006000 01 00 000000000000 00 180028000000 2a00 00000000");
	EXPECT(0, "01102000", "040e040110200c", NULL);
	bench_run_ms(1000);
	ck_assert_int_eq(model_device(bench_model, 4)->link, 0);
	EXPECT(0, "01102000", "040e0401102000", NULL);
}
END_TEST

START_TEST(random_packets_are_survived)
{
	uint64_t state = 7;

	/* Each malformed packet is worth a line to a person, but not these. */
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	for (unsigned i = 0; i < RANDOM_PACKETS; i++) {
		const struct hci_row_probe {
			uint8_t low, high, len;
		} known[] = { { 0x06, 0x04, 3 },  { 0x0b, 0x20, 7 }, { 0x0c, 0x20, 2 },
			      { 0x0d, 0x20, 25 }, { 0x0e, 0x20, 0 }, { 0x11, 0x20, 7 },
			      { 0x13, 0x20, 14 }, { 0x16, 0x20, 2 }, { 0x03, 0x0c, 0 } };
		uint8_t packet[300];
		size_t len = wire_random(&state) % 40;

		for (size_t at = 0; at < sizeof(packet); at++)
			packet[at] = (uint8_t)(wire_random(&state) % (at % 3 ? 4 : 256));
		packet[0] = wire_random(&state) % 3 ? HCI_COMMAND : HCI_ACL;
		if (packet[0] == HCI_COMMAND && i % 4) {
			const size_t row = wire_random(&state) % ARRAY_LEN(known);

			packet[1] = known[row].low;
			packet[2] = known[row].high;
			packet[3] = known[row].len;
			len = 4U + known[row].len;
		}
		bench_clear();
		controller_receive(bench_hci[i % BENCH_ADAPTERS], packet, len, bench_now_ms);
		bench_run_ms(i % 50 == 0 ? 100 : 1);
	}
}
END_TEST

Suite *suite_controller(void);

Suite *suite_controller(void)
{
	Suite *suite = suite_create("controller");
	TCase *tcase = tcase_create("controller");

	tcase_add_checked_fixture(tcase, setup, bench_stop);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, every_command_is_answered);
	tcase_add_test(tcase, commands_say_what_they_are);
	tcase_add_test(tcase, scanning_reports_each_once);
	tcase_add_test(tcase, accept_list_scanning);
	tcase_add_test(tcase, a_window_shortens_what_is_heard);
	tcase_add_test(tcase, a_create_waits_for_its_peripheral);
	tcase_add_test(tcase, a_create_can_be_cancelled);
	tcase_add_test(tcase, a_slow_connect_holds_its_peripheral_alone);
	tcase_add_test(tcase, links_are_limited_and_apart);
	tcase_add_test(tcase, accept_list_connects_to_whoever_is_there);
	tcase_add_test(tcase, random_packets_are_survived);
	suite_add_tcase(suite, tcase);
	return suite;
}
