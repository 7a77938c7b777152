/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/kernel_link.h"

#include <bluetooth/bluetooth.h>

#include "ipc/control.pb-c.h"
#include "supervisor/adapters.h"
#include "supervisor/child.h"
#include "supervisor/hci_list.h"
#include "supervisor/mgmt.h"

int kernel_link_state(const struct kernel_link_words *words)
{
	/*
	 * MGMT lists what it has told as connected, down to the end of a disconnect; that one is
	 * under way only the other list says.
	 */
	if (words->is_state_known && words->state == BT_DISCONN)
		return BH__CTL__KERNEL_STATE__KERNEL_ENDING;
	if (words->is_listed)
		return BH__CTL__KERNEL_STATE__KERNEL_UP;
	if (words->is_state_known && words->state == BT_CONNECTED && !words->is_listed_known)
		return BH__CTL__KERNEL_STATE__KERNEL_UP;
	if (words->is_state_known && (words->state == BT_CONNECT || words->state == BT_CONNECT2))
		return BH__CTL__KERNEL_STATE__KERNEL_CONNECTING;
	if (words->is_listed_known || words->is_state_known)
		return BH__CTL__KERNEL_STATE__KERNEL_NONE;
	return BH__CTL__KERNEL_STATE__KERNEL_UNKNOWN;
}

static void answer(struct adapter *adapter, uint32_t id, uint64_t address,
		   struct kernel_link_words *words, enum mgmt_address_type type)
{
	Bh__Ctl__KernelLink link = BH__CTL__KERNEL_LINK__INIT;

	/* A MGMT socket that is not the kernel's is about other adapters than the kernel's list. */
	if (adapter->sup->config.mgmt[0] == '\0')
		words->is_state_known = hci_list_state(adapter->index, address, &words->state) == 0;
	link.has_state = 1;
	link.state = (Bh__Ctl__KernelState)kernel_link_state(words);
	link.has_random = words->is_listed;
	link.random = type == MGMT_LE_RANDOM;
	port_send(child_port(adapter->child), BH__CTL__TYPE__KERNEL_LINK_IS, id, 0, &link.base);
}

static void on_connections(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			   size_t len, struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);
	struct kernel_link_words words = { .is_listed_known = false };
	enum mgmt_address_type type = MGMT_LE_PUBLIC;
	int r = -EIO;

	/* Who asked may be dead: his successor did not ask. */
	if (!adapter || child_incarnation(adapter->child) != token.who)
		return;
	if (status == MGMT_STATUS_SUCCESS)
		r = mgmt_codec_listed(data, len, token.address, &type);
	words.is_listed_known = r >= 0;
	words.is_listed = r == 0;
	answer(adapter, token.id, token.address, &words, type);
}

int kernel_link_asked(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct adapter *adapter = child_owner(ctx);
	const Bh__Ctl__Link *link = msg;
	struct kernel_link_words words = { .is_listed_known = false };
	struct mgmt_token token = { .who = child_incarnation(ctx),
				    .id = frame->id,
				    .address = link->address };

	if (frame->id == 0 || link->address == 0 || link->address >> 48 != 0)
		return -EBADMSG;
	if (mgmt_send(adapter->sup->mgmt, MGMT_GET_CONNECTIONS, adapter->index, NULL, 0,
		      on_connections, token) < 0)
		answer(adapter, frame->id, link->address, &words, MGMT_LE_PUBLIC);
	return 0;
}
