/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MGMT packets of a kernel that says anything, through every reader; the kernel's rows of HCI. */
#include "supervisor/hci_list.h"
#include "supervisor/mgmt_codec.h"
#include "tests/fuzz/feed.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <string.h>

enum { ADDRESS = 0x01 };

static void read_reply(const struct mgmt_packet *packet)
{
	enum mgmt_address_type type = MGMT_BREDR;
	struct mgmt_index_list list;
	struct mgmt_reply reply;
	struct mgmt_info info;
	uint32_t settings;

	if (mgmt_codec_reply(packet, &reply) < 0)
		return;
	feed_touch(reply.data, reply.len);
	feed_touch(mgmt_codec_status_text(reply.status), 1);
	if (mgmt_codec_index_list(reply.data, reply.len, &list) == 0) {
		MUST(list.n <= MGMT_INDEXES_MAX);
		feed_touch(list.indexes, list.n * sizeof(list.indexes[0]));
	}
	if (mgmt_codec_info(reply.data, reply.len, &info) == 0)
		MUST(info.address >> 48 == 0);
	(void)!mgmt_codec_settings(reply.data, reply.len, &settings);
	if (mgmt_codec_listed(reply.data, reply.len, ADDRESS, &type) == 0)
		MUST(type == MGMT_LE_PUBLIC || type == MGMT_LE_RANDOM);
}

static void read_rows(const uint8_t *data, size_t size)
{
	struct hci_conn_info rows[2 * HCI_LIST_MAX];
	uint64_t out[HCI_LIST_MAX];
	size_t n = size / sizeof(rows[0]);

	n = n < ARRAY_LEN(rows) ? n : ARRAY_LEN(rows);
	memcpy(rows, data, n * sizeof(rows[0]));
	MUST(hci_list_pick(rows, n, out) <= HCI_LIST_MAX);
	(void)hci_list_find(rows, n, ADDRESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mgmt_packet packet;
	struct mgmt_peer peer;

	if (size > 0)
		read_rows(data, size);
	if (mgmt_codec_packet(data, size, &packet) < 0)
		return 0;
	read_reply(&packet);
	if (mgmt_codec_peer(&packet, &peer) == 0)
		MUST(peer.address >> 48 == 0 && peer.type <= MGMT_LE_RANDOM);
	return 0;
}
