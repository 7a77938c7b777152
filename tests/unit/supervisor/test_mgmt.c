/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_mgmt.c - MGMT bytes, and the filter in the kernel.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "supervisor/mgmt_codec.h"
#include "supervisor/mgmt_filter.h"

Suite *suite_mgmt(void);

START_TEST(test_put)
{
	static const uint8_t EXPECTED[] = { 0x14, 0, 1, 0, 7, 0, 6, 5, 4, 3, 2, 0xc1, 2 };
	uint8_t params[MGMT_PARAMS_MAX];
	uint8_t out[MGMT_HEADER_LEN + MGMT_PARAMS_MAX];
	size_t len;

	len = mgmt_codec_put_peer(params, 0xc10203040506, MGMT_LE_RANDOM);
	len = mgmt_codec_put(out, MGMT_DISCONNECT, 1, params, len);
	ck_assert_uint_eq(len, sizeof(EXPECTED));
	ck_assert_mem_eq(out, EXPECTED, len);
}
END_TEST

START_TEST(test_reply)
{
	static const uint8_t BYTES[] = { 1, 0, 0xff, 0xff, 9, 0, 3, 0, 0, 2, 0, 0, 0, 5, 0 };
	struct mgmt_index_list list;
	struct mgmt_packet packet;
	struct mgmt_reply reply;
	size_t len;

	for (len = 0; len < sizeof(BYTES); len++)
		ck_assert_int_eq(mgmt_codec_packet(BYTES, len, &packet), -EBADMSG);
	ck_assert_int_eq(mgmt_codec_packet(BYTES, len, &packet), 0);
	ck_assert_uint_eq(packet.index, MGMT_INDEX_NONE);
	ck_assert_int_eq(mgmt_codec_reply(&packet, &reply), 0);
	ck_assert_uint_eq(reply.opcode, MGMT_READ_INDEX_LIST);
	ck_assert_int_eq(mgmt_codec_index_list(reply.data, reply.len, &list), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_uint_eq(list.indexes[1], 5);
	ck_assert_int_eq(mgmt_codec_index_list(reply.data, reply.len - 1, &list), -EBADMSG);
}
END_TEST

START_TEST(test_info)
{
	uint8_t data[280] = { 6, 5, 4, 3, 2, 0xc1, 10, 2, 0, 0xff, 2, 0, 0, 1, 2, 0, 0 };
	struct mgmt_info info;

	ck_assert_int_eq(mgmt_codec_info(data, sizeof(data), &info), 0);
	ck_assert_uint_eq(info.address, 0xc10203040506);
	ck_assert_uint_eq(info.supported_settings, 0x2ff);
	ck_assert_uint_eq(info.current_settings, MGMT_SETTING_POWERED | MGMT_SETTING_LE);
	ck_assert_int_eq(mgmt_codec_info(data, 16, &info), -EBADMSG);
}
END_TEST

START_TEST(test_peer)
{
	uint8_t data[13] = { 6, 5, 4, 3, 2, 0xc1, 2, 3 };
	struct mgmt_packet packet = { .code = MGMT_EV_DEVICE_DISCONNECTED,
				      .params = data,
				      .len = 8 };
	struct mgmt_peer peer;

	ck_assert_int_eq(mgmt_codec_peer(&packet, &peer), 0);
	ck_assert_uint_eq(peer.address, 0xc10203040506);
	ck_assert_int_eq(peer.type, MGMT_LE_RANDOM);
	ck_assert_uint_eq(peer.reason, 3);
	packet.len = 7;
	ck_assert_int_eq(mgmt_codec_peer(&packet, &peer), -EBADMSG);
	packet.code = MGMT_EV_DEVICE_CONNECTED;
	packet.len = 12;
	ck_assert_int_eq(mgmt_codec_peer(&packet, &peer), -EBADMSG);
	packet.len = 13;
	data[6] = 9;
	ck_assert_int_eq(mgmt_codec_peer(&packet, &peer), -EBADMSG);
}
END_TEST

static void read_all(const struct mgmt_packet *packet)
{
	struct mgmt_index_list list;
	struct mgmt_reply reply;
	struct mgmt_info info;
	struct mgmt_peer peer;
	uint32_t settings;

	if (mgmt_codec_reply(packet, &reply) == 0) {
		(void)!mgmt_codec_index_list(reply.data, reply.len, &list);
		(void)!mgmt_codec_info(reply.data, reply.len, &info);
	}
	(void)!mgmt_codec_peer(packet, &peer);
	(void)!mgmt_codec_settings(packet->params, packet->len, &settings);
}

START_TEST(test_noise)
{
	struct mgmt_packet packet;
	unsigned i;
	size_t j, len;

	srandom(11);
	for (i = 0; i < 100000; i++) {
		/* Exactly as long as it is, so that a sanitizer sees each byte too far. */
		uint8_t *data;

		len = (size_t)random() % 64;
		data = malloc(len ? len : 1);
		for (j = 0; j < len; j++)
			data[j] = (uint8_t)(random() % 20);
		if (len >= MGMT_HEADER_LEN) {
			data[4] = (uint8_t)(len - MGMT_HEADER_LEN);
			data[5] = 0;
		}
		if (mgmt_codec_packet(data, len, &packet) == 0)
			read_all(&packet);
		free(data);
	}
}
END_TEST

/* The filter works on any socket: of all event codes the wanted ones come through. */
START_TEST(test_filter)
{
	bool wanted[256] = { false };
	uint8_t packet[MGMT_HEADER_LEN] = { 0 };
	uint8_t got[64];
	int ends[2];
	unsigned code;

	wanted[1] = wanted[2] = wanted[4] = wanted[5] = wanted[6] = true;
	wanted[0x0b] = wanted[0x0c] = wanted[0x0d] = true;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(mgmt_filter_attach(ends[1]), 0);
	for (code = 0; code < 256; code++) {
		packet[0] = (uint8_t)code;
		(void)!send(ends[0], packet, sizeof(packet), MSG_DONTWAIT);
		ck_assert_msg((recv(ends[1], got, sizeof(got), MSG_DONTWAIT) > 0) == wanted[code],
			      "event 0x%x", code);
	}
	/* The other byte of the code counts, too. */
	packet[0] = 1;
	packet[1] = 1;
	(void)!send(ends[0], packet, sizeof(packet), MSG_DONTWAIT);
	ck_assert_int_lt(recv(ends[1], got, sizeof(got), MSG_DONTWAIT), 0);
}
END_TEST

Suite *suite_mgmt(void)
{
	Suite *suite = suite_create("mgmt");
	TCase *tc = tcase_create("codec");

	tcase_add_test(tc, test_put);
	tcase_add_test(tc, test_reply);
	tcase_add_test(tc, test_info);
	tcase_add_test(tc, test_peer);
	tcase_add_test(tc, test_noise);
	tcase_add_test(tc, test_filter);
	suite_add_tcase(suite, tc);
	return suite;
}
