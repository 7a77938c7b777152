/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_l2cap.c - reassembly of fragments, and the channels beside ATT.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/l2cap.h"
#include "tests/unit/sim/wire.h"

#define HEX_CHARS (2 * L2CAP_FRAME_BYTES + 1)

static uint64_t random_state;

START_TEST(frames_survive_any_fragmentation)
{
	uint8_t frame[L2CAP_FRAME_BYTES];
	struct l2cap l2cap = { .have_bytes = 0 };

	for (unsigned i = 0; i < 2000; i++) {
		const size_t payload = wire_random(&random_state) % (L2CAP_MTU_MAX + 1);
		const size_t whole = L2CAP_HEADER_BYTES + payload;
		struct packet out = PACKET_OVER(frame);
		size_t at = 0;
		int r = 0;

		l2cap_begin(&out, L2CAP_CID_ATT, payload);
		for (size_t j = 0; j < payload; j++)
			packet_put8(&out, (uint8_t)wire_random(&random_state));
		while (at < whole) {
			size_t len = 1 + wire_random(&random_state) % 60;

			ck_assert_int_eq(r, 0);
			if (len > whole - at)
				len = whole - at;
			r = l2cap_feed(&l2cap, at ? ACL_CONTINUED : ACL_FIRST, frame + at, len);
			at += len;
		}
		ck_assert_int_eq(r, L2CAP_WHOLE);
		ck_assert_uint_eq(l2cap.want_bytes, whole);
		ck_assert_mem_eq(l2cap.frame, frame, whole);
	}
}
END_TEST

START_TEST(broken_frames_are_dropped)
{
	static const uint8_t good[] = { 1, 0, 4, 0, 0x1e };
	static const uint8_t endless[] = { 0xff, 0xff, 4, 0, 0x1e };
	static const uint8_t more[] = { 1, 0, 4, 0, 0x1e, 0x1e };
	struct l2cap l2cap = { .have_bytes = 0 };

	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_CONTINUED, good, sizeof(good)), -EPROTO);
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_FIRST, endless, sizeof(endless)), -EPROTO);
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_CONTINUED, good, 1), -EPROTO);
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_FIRST, more, sizeof(more)), -EPROTO);
	/* A beginning in the middle of a frame starts afresh. */
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_FIRST, good, 3), 0);
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_FIRST_FLUSHABLE, good, sizeof(good)), L2CAP_WHOLE);
	ck_assert_int_eq(l2cap_feed(&l2cap, ACL_CONTINUED, good, 1), -EPROTO);
}
END_TEST

START_TEST(signals_and_pairing)
{
	static const struct {
		bool security;
		const char *payload;
		const char *frame;
	} rows[] = {
		{ false, "12010800180028000000c800", "0600050001010200 0000" },
		{ false, "14050a0023004000f7004000ffff", "0600050001050200 0000" },
		{ false, "13070200 0000", "" },
		{ true, "01030005100000", "020006000505" },
		{ true, "0c00", "020006000507" },
		{ true, "0508", "" },
		{ true, "", "" },
	};
	uint8_t payload[64], frame[64];
	struct l2cap l2cap = { .have_bytes = 0 };
	char hex[HEX_CHARS], expected[HEX_CHARS];
	int accepted;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const size_t len = wire_from_hex(rows[i].payload, payload);
		struct packet out = PACKET_OVER(frame);

		if (rows[i].security)
			l2cap_security(payload, len, &out);
		else
			ck_assert_int_eq(l2cap_signal(&l2cap, payload, len, &out, &accepted), 0);
		wire_to_hex(frame, out.len_bytes, hex);
		wire_squeeze(rows[i].frame, expected);
		ck_assert_str_eq(hex, expected);
	}
	ck_assert_int_eq(l2cap_signal(&l2cap, payload, 3, &PACKET_OVER(frame), &accepted), -EPROTO);
}
END_TEST

START_TEST(parameters_are_asked_for)
{
	static const uint8_t yes[] = { 0x13, 1, 2, 0, 0, 0 }, no[] = { 0x13, 1, 2, 0, 1, 0 };
	static const uint8_t other[] = { 0x13, 9, 2, 0, 0, 0 };
	struct l2cap l2cap = { .have_bytes = 0 };
	uint8_t frame[64];
	struct packet out = PACKET_OVER(frame);
	char hex[HEX_CHARS];
	int accepted;

	l2cap_ask_parameters(&l2cap, 0x18, 0x2a, &out);
	wire_to_hex(frame, out.len_bytes, hex);
	ck_assert_str_eq(hex, "0c000500120108001800180000002a00");
	ck_assert_int_eq(l2cap_signal(&l2cap, yes, sizeof(yes), &out, &accepted), 0);
	ck_assert_int_eq(accepted, 1);
	ck_assert_int_eq(l2cap_signal(&l2cap, no, sizeof(no), &out, &accepted), 0);
	ck_assert_int_eq(accepted, 0);
	ck_assert_int_eq(l2cap_signal(&l2cap, other, sizeof(other), &out, &accepted), 0);
	ck_assert_int_eq(accepted, -1);
}
END_TEST

Suite *suite_l2cap(void);

Suite *suite_l2cap(void)
{
	Suite *suite = suite_create("l2cap");
	TCase *tcase = tcase_create("l2cap");

	tcase_add_test(tcase, frames_survive_any_fragmentation);
	tcase_add_test(tcase, broken_frames_are_dropped);
	tcase_add_test(tcase, signals_and_pairing);
	tcase_add_test(tcase, parameters_are_asked_for);
	suite_add_tcase(suite, tcase);
	return suite;
}
