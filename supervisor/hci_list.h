/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/hci_list.h - the kernel's own list of an adapter's connections: unlike MGMT's it has
 * those that are still being made. One short ioctl on a socket that is opened for it.
 */
#include "ipc/base.h"

struct hci_conn_info;

enum { HCI_LIST_MAX = 32 };

/* Of the kernel's rows the addresses of LE connections that are being made, at most HCI_LIST_MAX;
 * returns how many. Pure. */
size_t hci_list_pick(const struct hci_conn_info *rows, size_t n, uint64_t out[HCI_LIST_MAX]);

/* The kernel's state (BT_CONNECTED, ...) of the LE connection to @address, 0: it lists none. Pure.
 */
int hci_list_find(const struct hci_conn_info *rows, size_t n, uint64_t address);

/**
 * hci_list_state() - the same, asked of the kernel now
 * Errors: as hci_list_connecting().
 */
must_check int hci_list_state(uint16_t index, uint64_t address, int *out_state);

/**
 * hci_list_connecting() - addresses of the LE connections that an adapter is making
 * @index: of the adapter
 * @out_n: how many
 *
 * Errors: errno of socket() and ioctl(); -ENODEV: there is no such adapter.
 */
must_check int hci_list_connecting(uint16_t index, uint64_t out[HCI_LIST_MAX], size_t *out_n);
