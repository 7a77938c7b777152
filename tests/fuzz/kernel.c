/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/kernel.h"

#include "supervisor/mgmt_codec.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { INFO_LEN = 280, INFO_ADDRESS_LEN = 6, DATA_MAX = 400, SETTINGS = 0x2ff };

static void send_packet(struct kernel *kernel, uint16_t code, uint16_t index, const uint8_t *params,
			size_t len)
{
	uint8_t packet[MGMT_HEADER_LEN + DATA_MAX + 8];
	uint16_t len16 = (uint16_t)len;

	memcpy(packet, &code, 2);
	memcpy(packet + 2, &index, 2);
	memcpy(packet + 4, &len16, 2);
	if (len > 0)
		memcpy(packet + MGMT_HEADER_LEN, params, len);
	(void)!send(kernel->fd, packet, MGMT_HEADER_LEN + len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void complete(struct kernel *kernel, uint8_t status, const uint8_t *data, size_t len)
{
	uint8_t params[3 + DATA_MAX];

	memcpy(params, &kernel->opcode, 2);
	params[2] = status;
	if (len > 0)
		memcpy(params + 3, data, len);
	kernel->is_asked = false;
	send_packet(kernel,
		    status == MGMT_STATUS_SUCCESS ? MGMT_EV_COMMAND_COMPLETE
						  : MGMT_EV_COMMAND_STATUS,
		    kernel->index, params, 3 + len);
}

static void answer_well(struct kernel *kernel)
{
	static const uint8_t INDEXES[] = { 2, 0, 0, 0, 1, 0 };
	uint8_t info[INFO_LEN] = { [0] = (uint8_t)(kernel->index + 1), [5] = 0xaa };
	uint32_t settings = SETTINGS;

	if (kernel->opcode == MGMT_READ_INDEX_LIST) {
		complete(kernel, MGMT_STATUS_SUCCESS, INDEXES, sizeof(INDEXES));
		return;
	}
	memcpy(info + 9, &settings, 4);
	memcpy(info + 13, &settings, 4);
	complete(kernel, MGMT_STATUS_SUCCESS, info, sizeof(info));
}

void kernel_turn(struct kernel *kernel)
{
	uint8_t packet[MGMT_PACKET_MAX];
	ssize_t n;

	if (kernel->fd < 0)
		kernel->fd = accept4(kernel->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (kernel->fd >= 0) {
		n = recv(kernel->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			kernel->fd = close_fd(kernel->fd);
		if (n < MGMT_HEADER_LEN)
			return;
		memcpy(&kernel->opcode, packet, 2);
		memcpy(&kernel->index, packet + 2, 2);
		kernel->is_asked = true;
		if (kernel->opcode == MGMT_READ_INDEX_LIST || kernel->opcode == MGMT_READ_INFO)
			answer_well(kernel);
	}
}

/* A device, with what comes behind it in events. */
static size_t put_peer(uint8_t out[16], uint8_t choice, uint8_t reason)
{
	static const uint8_t ADDRESS[] = { 1, 0, 0, 0xbb, 0xaa, 0xc0 };

	memset(out, 0, 16);
	memcpy(out, ADDRESS, sizeof(ADDRESS));
	out[0] = (uint8_t)(choice % 3 + 1);
	out[6] = choice & 1 ? 1 : 2;
	out[7] = reason;
	return choice & 128 ? 13 : 8;
}

void kernel_act(struct kernel *kernel, struct feed *feed)
{
	static const uint16_t EVENTS[] = { MGMT_EV_DEVICE_CONNECTED, MGMT_EV_DEVICE_DISCONNECTED,
					   MGMT_EV_CONNECT_FAILED,   MGMT_EV_INDEX_REMOVED,
					   MGMT_EV_INDEX_ADDED,	     MGMT_EV_NEW_SETTINGS };
	uint8_t choice = feed_u8(feed);
	uint8_t more = feed_u8(feed);
	const uint8_t *bytes;
	uint8_t params[16];
	size_t n;

	if (kernel->fd < 0)
		return;
	if (choice < 64) {
		if (kernel->is_asked)
			complete(kernel, more % 2 ? 0 : more % 24, NULL, 0);
	} else if (choice < 96) {
		n = feed_bytes(feed, more, &bytes);
		complete(kernel, 0, bytes, n);
	} else if (choice < 224) {
		n = put_peer(params, more, feed_u8(feed));
		send_packet(kernel, EVENTS[choice % ARRAY_LEN(EVENTS)], more >> 5 & 1, params, n);
	} else if (choice < 240) {
		n = feed_bytes(feed, more, &bytes);
		(void)!send(kernel->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		kernel->fd = close_fd(kernel->fd);
	}
}

void kernel_listen(struct kernel *kernel, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path) + 1);
	kernel->fd = -EBADF;
	kernel->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(bind(kernel->listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(listen(kernel->listener, 16) == 0);
}

void kernel_reset(struct kernel *kernel)
{
	do {
		kernel->fd = close_fd(kernel->fd);
		kernel->fd = accept4(kernel->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (kernel->fd >= 0);
	kernel->is_asked = false;
}
