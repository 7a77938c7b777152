/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/hci_names.c - HCI commands as fault plans name them, and whom each is about.
 *
 * The names are those of the Bluetooth Core specification, volume 4, part E, section 7. Only what
 * the host sends while it works is here: what it asks once, at power-on, nobody wants to hit.
 */
#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/link.h"
#include "contrib/sim/plan_turn.h"
#include "contrib/sim/radio.h"

#define HEADER_BYTES 3

/* What a command's parameters say of the device. */
enum about { NOBODY, HANDLE, ADDRESS, CREATED };

static const struct name {
	uint16_t opcode;
	enum about about;
	const char *name;
} names[] = {
	{ HCI_DISCONNECT, HANDLE, "Disconnect" },
	{ HCI_READ_REMOTE_VERSION, HANDLE, "Read_Remote_Version_Information" },
	{ HCI_RESET, NOBODY, "Reset" },
	{ HCI_LE_SET_SCAN_PARAMETERS, NOBODY, "LE_Set_Scan_Parameters" },
	{ HCI_LE_SET_SCAN_ENABLE, NOBODY, "LE_Set_Scan_Enable" },
	{ HCI_LE_CREATE_CONNECTION, CREATED, "LE_Create_Connection" },
	{ HCI_LE_CREATE_CONNECTION_CANCEL, NOBODY, "LE_Create_Connection_Cancel" },
	{ HCI_LE_ADD_TO_ACCEPT_LIST, ADDRESS, "LE_Add_Device_To_Filter_Accept_List" },
	{ HCI_LE_REMOVE_FROM_ACCEPT_LIST, ADDRESS, "LE_Remove_Device_From_Filter_Accept_List" },
	{ HCI_LE_CONNECTION_UPDATE, HANDLE, "LE_Connection_Update" },
	{ HCI_LE_READ_REMOTE_FEATURES, HANDLE, "LE_Read_Remote_Features" },
};

int radio_trigger(const char *name, enum plan_sort *out_sort)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		*out_sort = names[i].about == NOBODY ? PLAN_ADAPTER : PLAN_DEVICE;
		return 0;
	}
	return -ENOENT;
}

static const struct model_device *by_address(const struct controller *controller,
					     const uint8_t *bytes, size_t len_bytes)
{
	uint8_t address[HCI_ADDRESS_BYTES];

	if (len_bytes < 1 + sizeof(address) || bytes[0] != HCI_ADDRESS_RANDOM)
		return NULL;
	model_address_swap(bytes + 1, address);
	return model_device_by_address(controller->air->model, address);
}

/* Of a connect by the accept list nobody can tell whom it will meet. */
static const struct model_device *created(const struct controller *controller,
					  const uint8_t *params, size_t len_bytes)
{
	const size_t policy_at = 4, peer_at = 5;

	if (len_bytes <= peer_at || params[policy_at] != 0)
		return NULL;
	return by_address(controller, params + peer_at, len_bytes - peer_at);
}

static const struct model_device *by_handle(const struct controller *controller,
					    const uint8_t *params, size_t len_bytes)
{
	const struct link *link =
		len_bytes >= 2 ? controller_link(controller, bytes_get16(params)) : NULL;

	return link ? link->device : NULL;
}

bool hci_sight(const struct controller *controller, const uint8_t *data, size_t len_bytes,
	       struct plan_sight *out)
{
	const uint8_t *params = data + HEADER_BYTES;
	const struct model_device *device = NULL;
	const struct name *name = NULL;

	for (size_t i = 0; len_bytes >= HEADER_BYTES && i < ARRAY_LEN(names); i++) {
		if (names[i].opcode == bytes_get16(data))
			name = &names[i];
	}
	if (!name)
		return false;
	len_bytes -= HEADER_BYTES;
	if (name->about == HANDLE)
		device = by_handle(controller, params, len_bytes);
	else if (name->about == ADDRESS)
		device = by_address(controller, params, len_bytes);
	else if (name->about == CREATED)
		device = created(controller, params, len_bytes);
	*out = (struct plan_sight){
		.name = name->name,
		.device = device ? (int)device->index : -1,
		.adapter = (int)controller->adapter->index,
	};
	return true;
}
