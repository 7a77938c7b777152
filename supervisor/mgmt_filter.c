/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/mgmt_filter.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include "supervisor/mgmt_codec.h"

static const uint16_t WANTED[] = {
	MGMT_EV_COMMAND_COMPLETE,    MGMT_EV_COMMAND_STATUS, MGMT_EV_INDEX_ADDED,
	MGMT_EV_INDEX_REMOVED,	     MGMT_EV_NEW_SETTINGS,   MGMT_EV_DEVICE_CONNECTED,
	MGMT_EV_DEVICE_DISCONNECTED, MGMT_EV_CONNECT_FAILED,
};

static uint32_t swap16(uint16_t value)
{
	return (uint32_t)((value & 0xff) << 8 | value >> 8);
}

int mgmt_filter_attach(int fd)
{
	struct sock_filter code[ARRAY_LEN(WANTED) + 3];
	struct sock_fprog program = { .filter = code };
	uint8_t n = ARRAY_LEN(WANTED);
	uint8_t i;

	/* BPF loads are big-endian, the event code is little-endian: compare with it swapped. */
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0);
	for (i = 0; i < n; i++)
		code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   swap16(WANTED[i]), (uint8_t)(n - i), 0);
	code[1 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	code[2 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	program.len = (unsigned short)ARRAY_LEN(code);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}
