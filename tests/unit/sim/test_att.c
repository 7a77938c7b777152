/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_att.c - the peripheral's ATT server, PDU by PDU.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/att.h"
#include "contrib/sim/model.h"
#include "tests/unit/sim/wire.h"

#define NOTIFY_MS   UINT64_C(10)
#define HANDLE_ECHO 0x0012
#define HANDLE_LONG 0x001b
#define RANDOM_PDUS 20000
#define PDU_BYTES   512
#define HEX_CHARS   (2 * PDU_BYTES + 1)

static struct model *model;
static struct model_device *device;
static struct att att;
static uint64_t random_state;

static void setup(void)
{
	const struct model_config config = {
		.adapters = 1,
		.devices = 1,
		.seed = 1,
		.notify_ms = (unsigned)NOTIFY_MS,
	};

	ck_assert_int_eq(model_new(&model, &config), 0);
	device = model_device(model, 0);
	ck_assert_int_eq(model_link_up(device, 0), 0);
	att_init(&att, device);
}

static void teardown(void)
{
	model = model_free(model);
}

/* Sends one PDU; the answer's length is returned, its bytes are in @out. */
static size_t ask(const uint8_t *pdu, size_t len, uint8_t *out)
{
	struct packet answer = { .data = out, .size = ATT_MTU_MAX };

	att_handle(&att, pdu, len, 0, &answer);
	ck_assert(!answer.overflow);
	ck_assert_uint_le(answer.len_bytes, att.mtu);
	return answer.len_bytes;
}

static void expect(const char *pdu_hex, const char *answer_hex)
{
	uint8_t pdu[PDU_BYTES], answer[ATT_MTU_MAX];
	char hex[HEX_CHARS], expected[HEX_CHARS];

	wire_to_hex(answer, ask(pdu, wire_from_hex(pdu_hex, pdu), answer), hex);
	wire_squeeze(answer_hex, expected);
	ck_assert_msg(strcmp(hex, expected) == 0, "%s: %s instead of %s", pdu_hex, hex, expected);
}

START_TEST(answers)
{
	static const struct {
		const char *pdu;
		const char *answer;
	} rows[] = {
		/* the name, by type; whole groups; one service by its UUID; types of handles */
		{ "080100ffff002a", "0907030042 4d362d30" },
		{ "100100ffff0028", "11060100030000180400070001181000 1f00f0ff" },
		{ "060100ffff0028f0ff", "0710001f00" },
		{ "0412001300", "05011200f3ff13000129" },
		{ "0a1200", "0b68656c6c6f" },
		{ "0c12000300", "0d6c6f" },
		{ "0e03001200", "0f424d362d3068656c6c6f" },
		/* the same type as a 128-bit UUID, and one that nobody has */
		{ "080100ffff fb349b5f80000080001000 00002a0000", "0907030042 4d362d30" },
		{ "080100ffff ffffffffffffffffffffff 00002a0000", "01080100 0a" },
		/* no database hash, no services of a kind that is not there */
		{ "080100ffff2a2b", "010801000a" },
		{ "100100ffff0128", "0110010010" },
		{ "103400ffff0028", "011034000a" },
		{ "060100ffff0028f1ff", "010601000a" },
		{ "040800 0f00", "010408000a" },
		/* what is not allowed: handle 0, a range that runs backwards, rights, offsets */
		{ "040000ffff", "0104000001" },
		{ "0410000100", "0104100001" },
		{ "0a0000", "010a000001" },
		{ "0a7700", "010a770001" },
		{ "0a1500", "010a150002" },
		{ "0c12000900", "010c120007" },
		{ "12030041", "0112030003" },
		{ "12160001", "011216000d" },
		{ "16030000004142", "0116030003" },
		/* wrong lengths, unknown requests; commands and answers get nothing */
		{ "02", "0102000004" },
		{ "0a120000", "010a000004" },
		{ "20120015", "0120000006" },
		{ "520300ff", "" },
		{ "52", "" },
		{ "d2120041", "" },
		{ "1e", "" },
		{ "03f700", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].pdu, rows[i].answer);
}
END_TEST

START_TEST(mtu_is_the_smaller_one_and_agreed_once)
{
	expect("02ffff", "03f700");
	ck_assert_uint_eq(att.mtu, ATT_MTU_MAX);
	expect("021700", "03f700");
	ck_assert_uint_eq(att.mtu, ATT_MTU_MAX);
	att_init(&att, device);
	expect("020a00", "03f700");
	ck_assert_uint_eq(att.mtu, ATT_MTU_DEFAULT);
}
END_TEST

START_TEST(every_attribute_is_found)
{
	uint8_t pdu[] = { ATT_FIND_INFO_REQUEST, 1, 0, 0xff, 0xff }, answer[ATT_MTU_MAX] = { 0 };
	size_t found = 0;

	for (;;) {
		const size_t len = ask(pdu, sizeof(pdu), answer);
		uint16_t next;

		if (answer[0] == ATT_ERROR)
			break;
		ck_assert_uint_eq(answer[1], 1);
		ck_assert_uint_eq((len - 2) % 4, 0);
		for (size_t at = 2; at < len; at += 4, found++) {
			const struct model_attr *attr = &device->kind->attrs[found];

			ck_assert_uint_eq(bytes_get16(answer + at), attr->handle);
			ck_assert_uint_eq(bytes_get16(answer + at + 2), attr->type);
		}
		next = (uint16_t)(bytes_get16(answer + len - 4) + 1);
		pdu[1] = (uint8_t)next;
		pdu[2] = (uint8_t)(next >> 8);
	}
	ck_assert_uint_eq(found, device->kind->attr_count);
}
END_TEST

/* Reads a whole value as a client does: blobs until one is not full. */
static size_t read_long(uint16_t handle, uint8_t *out)
{
	uint8_t pdu[5] = { ATT_READ_BLOB_REQUEST, (uint8_t)handle, (uint8_t)(handle >> 8) };
	uint8_t answer[ATT_MTU_MAX];
	size_t at = 0, len;

	do {
		pdu[3] = (uint8_t)at;
		pdu[4] = (uint8_t)(at >> 8);
		len = ask(pdu, sizeof(pdu), answer);
		ck_assert_uint_eq(answer[0], ATT_READ_BLOB_REQUEST + 1);
		memcpy(out + at, answer + 1, len - 1);
		at += len - 1;
	} while (len == att.mtu);
	return at;
}

static void prepare(uint16_t offset, const uint8_t *data, size_t len, uint8_t expected)
{
	uint8_t pdu[ATT_MTU_MAX] = { ATT_PREPARE_REQUEST, HANDLE_LONG, 0, (uint8_t)offset,
				     (uint8_t)(offset >> 8) };
	uint8_t answer[ATT_MTU_MAX];
	size_t answer_bytes;

	memcpy(pdu + 5, data, len);
	answer_bytes = ask(pdu, 5 + len, answer);
	ck_assert_uint_eq(answer[0], expected);
	if (expected == ATT_ERROR)
		return;
	ck_assert_uint_eq(answer_bytes, 5 + len);
	ck_assert_mem_eq(answer + 1, pdu + 1, 4 + len);
}

START_TEST(long_values)
{
	uint8_t value[MODEL_VALUE_BYTES], back[2 * MODEL_VALUE_BYTES];
	const size_t step = 18;

	ck_assert_uint_eq(read_long(HANDLE_LONG, back), 300);
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 7);
	for (size_t at = 0; at < sizeof(value); at += step) {
		const size_t left = sizeof(value) - at;

		prepare((uint16_t)at, value + at, left < step ? left : step, 0x17);
	}
	ck_assert_uint_eq(device->counters.writes, 0);
	expect("1801", "19");
	ck_assert_uint_eq(device->counters.writes, 1);
	ck_assert_uint_eq(read_long(HANDLE_LONG, back), sizeof(value));
	ck_assert_mem_eq(back, value, sizeof(value));
	/* With the large MTU the same value comes in fewer pieces. */
	expect("02f700", "03f700");
	ck_assert_uint_eq(read_long(HANDLE_LONG, back), sizeof(value));
	ck_assert_mem_eq(back, value, sizeof(value));
}
END_TEST

START_TEST(prepared_writes_are_dropped_or_refused)
{
	const uint8_t byte = 0x55;

	prepare(0, &byte, 1, 0x17);
	expect("1800", "19");
	expect("1801", "19");
	ck_assert_uint_eq(device->counters.writes, 0);
	/* Beyond the value's end: told when it is executed, and the queue is empty after that. */
	prepare(400, &byte, 1, 0x17);
	expect("1801", "01181b0007");
	expect("1801", "19");
	for (int i = 0; i < ATT_PREPARED_MAX; i++)
		prepare((uint16_t)i, &byte, 1, 0x17);
	prepare(ATT_PREPARED_MAX, &byte, 1, ATT_ERROR);
	expect("1802", "0118000004");
	ck_assert_uint_eq(device->counters.writes, 0);
}
END_TEST

START_TEST(writes_are_counted_by_kind)
{
	expect("1212004142", "13");
	expect("0a1200", "0b4142");
	expect("52120043", "");
	expect("0a1200", "0b43");
	ck_assert_uint_eq(device->counters.writes, 1);
	ck_assert_uint_eq(device->counters.commands, 1);
}
END_TEST

static int emit(uint64_t now_ms, char *out_hex)
{
	uint8_t data[ATT_MTU_MAX];
	struct packet pdu = PACKET_OVER(data);
	int r;

	r = att_emit(&att, now_ms, &pdu);
	wire_to_hex(data, pdu.len_bytes, out_hex);
	return r;
}

START_TEST(notifications_come_on_time)
{
	char hex[HEX_CHARS], expected[HEX_CHARS];

	ck_assert_uint_eq(att_next_emit_at_ms(&att), MODEL_NEVER_MS);
	expect("1216000100", "13");
	for (unsigned i = 1; i <= 300; i++) {
		ck_assert_uint_eq(att_next_emit_at_ms(&att), i * NOTIFY_MS);
		ck_assert_int_eq(emit(i * NOTIFY_MS - 1, hex), 0);
		ck_assert_int_eq(emit(i * NOTIFY_MS, hex), 1);
		(void)sprintf(expected, "1b1500%02x%02x0000", i & 0xff, i >> 8);
		ck_assert_str_eq(hex, expected);
	}
	expect("1216000000", "13");
	ck_assert_int_eq(emit(UINT32_MAX, hex), 0);
}
END_TEST

START_TEST(indications_wait_for_their_confirmation)
{
	char hex[HEX_CHARS];

	expect("1219000200", "13");
	ck_assert_int_eq(emit(5 * NOTIFY_MS, hex), 1);
	ck_assert_str_eq(hex, "1d180001000000");
	/* The second and third are due, kept, and come one by one. */
	ck_assert_int_eq(emit(10 * NOTIFY_MS, hex), 0);
	ck_assert_int_eq(emit(15 * NOTIFY_MS, hex), 0);
	expect("1e", "1d180002000000");
	expect("1e", "1d180003000000");
	expect("1e", "");
	expect("1e", "");
	ck_assert_int_eq(emit(20 * NOTIFY_MS, hex), 1);
	ck_assert_str_eq(hex, "1d180004000000");
}
END_TEST

START_TEST(unconfirmed_indications_are_limited)
{
	char hex[HEX_CHARS];

	expect("1219000200", "13");
	ck_assert_int_eq(emit(5 * NOTIFY_MS, hex), 1);
	for (unsigned i = 2; i < 100; i++)
		ck_assert_int_eq(emit(5 * NOTIFY_MS * i, hex), 0);
	ck_assert_uint_eq(att_next_emit_at_ms(&att), MODEL_NEVER_MS);
	ck_assert_uint_eq(device->counters.notifications, 1 + ATT_INDICATED_MAX);
}
END_TEST

START_TEST(random_pdus_are_survived)
{
	static const uint8_t opcodes[] = { 0x02, 0x04, 0x06, 0x08, 0x0a, 0x0c, 0x0e,
					   0x10, 0x12, 0x16, 0x18, 0x1e, 0x52 };
	uint8_t pdu[300] = { 0 }, answer[ATT_MTU_MAX] = { 0 };

	for (unsigned i = 0; i < RANDOM_PDUS; i++) {
		const size_t len = wire_random(&random_state) % (i % 8 ? 24 : sizeof(pdu));

		for (size_t at = 0; at < len; at++)
			pdu[at] = (uint8_t)(wire_random(&random_state) % (at % 2 ? 64 : 256));
		if (len && i % 4)
			pdu[0] = opcodes[wire_random(&random_state) % ARRAY_LEN(opcodes)];
		if (ask(pdu, len, answer) == 0)
			continue;
		/* Requests only, by the next number or by an error that names them. */
		if (answer[0] == ATT_ERROR)
			ck_assert_uint_eq(answer[1], pdu[0]);
		else
			ck_assert(answer[0] == pdu[0] + 1 || answer[0] == ATT_INDICATION);
	}
}
END_TEST

Suite *suite_att(void);

Suite *suite_att(void)
{
	Suite *suite = suite_create("att");
	TCase *tcase = tcase_create("att");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, answers);
	tcase_add_test(tcase, mtu_is_the_smaller_one_and_agreed_once);
	tcase_add_test(tcase, every_attribute_is_found);
	tcase_add_test(tcase, long_values);
	tcase_add_test(tcase, prepared_writes_are_dropped_or_refused);
	tcase_add_test(tcase, writes_are_counted_by_kind);
	tcase_add_test(tcase, notifications_come_on_time);
	tcase_add_test(tcase, indications_wait_for_their_confirmation);
	tcase_add_test(tcase, unconfirmed_indications_are_limited);
	tcase_add_test(tcase, random_pdus_are_survived);
	suite_add_tcase(suite, tcase);

	return suite;
}
