/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/hci_list.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { LE_LINK = 0x80 }; /* of the kernel's hci.h; libbluetooth has only those of BR/EDR */

static uint64_t address_of(const bdaddr_t *from)
{
	uint64_t address = 0;
	size_t i;

	for (i = sizeof(from->b); i > 0; i--)
		address = address << 8 | from->b[i - 1];
	return address;
}

size_t hci_list_pick(const struct hci_conn_info *rows, size_t n, uint64_t out[HCI_LIST_MAX])
{
	size_t found = 0;
	size_t i;

	for (i = 0; i < n && found < HCI_LIST_MAX; i++)
		if (rows[i].type == LE_LINK && rows[i].state == BT_CONNECT)
			out[found++] = address_of(&rows[i].bdaddr);
	return found;
}

int hci_list_find(const struct hci_conn_info *rows, size_t n, uint64_t address)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].type == LE_LINK && address_of(&rows[i].bdaddr) == address)
			return rows[i].state;
	return 0;
}

static int ask(uint16_t index, struct hci_conn_list_req *request)
{
	_cleanup_close_ int fd = -EBADF;

	fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);
	if (fd < 0)
		return -errno;
	request->dev_id = index;
	request->conn_num = HCI_LIST_MAX;
	if (ioctl(fd, HCIGETCONNLIST, request) < 0)
		return -errno;
	return request->conn_num <= HCI_LIST_MAX ? 0 : -EPROTO;
}

int hci_list_connecting(uint16_t index, uint64_t out[HCI_LIST_MAX], size_t *out_n)
{
	_cleanup_free_ struct hci_conn_list_req *request =
		calloc(1, sizeof(*request) + HCI_LIST_MAX * sizeof(struct hci_conn_info));
	int r = request ? ask(index, request) : -ENOMEM;

	if (r == 0)
		*out_n = hci_list_pick(request->conn_info, request->conn_num, out);
	return r;
}

int hci_list_state(uint16_t index, uint64_t address, int *out_state)
{
	_cleanup_free_ struct hci_conn_list_req *request =
		calloc(1, sizeof(*request) + HCI_LIST_MAX * sizeof(struct hci_conn_info));
	int r = request ? ask(index, request) : -ENOMEM;

	if (r == 0)
		*out_state = hci_list_find(request->conn_info, request->conn_num, address);
	return r;
}
