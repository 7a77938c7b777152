/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/hci_commands.c - the commands that a controller knows, and the answers to those that
 * only ask what it is; see controller.h.
 *
 * One table: it dispatches, checks lengths, and is what Read Local Supported Commands reports, so
 * the kernel never sends what nobody handles. Extended scanning, advertising and connecting are
 * not in it on purpose: bleherd's users have 4.x adapters too.
 */
#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/hci.h"

#define COMMANDS_BYTES	 64
#define HCI_VERSION	 0x09	/* 5.0 */
#define MANUFACTURER	 0x05f1 /* Linux Foundation */
#define FEATURE_NO_BREDR 0x20
#define FEATURE_LE	 0x40
#define ADVERT_POWER_DBM 0
#define RAND_BYTES	 8
/* Everything up to "scanning, initiating and central at once". */
static const uint8_t supported_states[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0x00, 0x00 };

static hci_run_fn report_commands;

static uint8_t accept(struct controller *controller _unused_, const uint8_t *params _unused_,
		      uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	return HCI_OK;
}

static uint8_t run_reset(struct controller *controller, const uint8_t *params _unused_,
			 uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	controller_reset(controller);
	return HCI_OK;
}

static uint8_t report_version(struct controller *controller _unused_,
			      const uint8_t *params _unused_, uint64_t now_ms _unused_,
			      struct packet *reply)
{
	packet_put8(reply, HCI_VERSION);
	packet_put16(reply, 0);
	packet_put8(reply, HCI_VERSION);
	packet_put16(reply, MANUFACTURER);
	packet_put16(reply, 0);
	return HCI_OK;
}

static uint8_t report_features(struct controller *controller _unused_,
			       const uint8_t *params _unused_, uint64_t now_ms _unused_,
			       struct packet *reply)
{
	packet_zero(reply, 4);
	packet_put8(reply, FEATURE_NO_BREDR | FEATURE_LE);
	packet_zero(reply, 3);
	return HCI_OK;
}

/* BR/EDR buffers: none, the LE ones are all there is. */
static uint8_t report_buffers(struct controller *controller _unused_,
			      const uint8_t *params _unused_, uint64_t now_ms _unused_,
			      struct packet *reply)
{
	packet_zero(reply, 7);
	return HCI_OK;
}

static uint8_t report_le_buffers(struct controller *controller, const uint8_t *params _unused_,
				 uint64_t now_ms _unused_, struct packet *reply)
{
	packet_put16(reply, controller->air->settings.acl_bytes);
	packet_put8(reply, CONTROLLER_ACL_BUFFERS);
	return HCI_OK;
}

static uint8_t report_address(struct controller *controller, const uint8_t *params _unused_,
			      uint64_t now_ms _unused_, struct packet *reply)
{
	uint8_t address[HCI_ADDRESS_BYTES];

	model_address_swap(controller->adapter->address, address);
	packet_put(reply, address, sizeof(address));
	return HCI_OK;
}

static uint8_t report_le_features(struct controller *controller _unused_,
				  const uint8_t *params _unused_, uint64_t now_ms _unused_,
				  struct packet *reply)
{
	packet_zero(reply, 8);
	return HCI_OK;
}

static uint8_t report_adv_power(struct controller *controller _unused_,
				const uint8_t *params _unused_, uint64_t now_ms _unused_,
				struct packet *reply)
{
	packet_put8(reply, ADVERT_POWER_DBM);
	return HCI_OK;
}

static uint8_t report_states(struct controller *controller _unused_, const uint8_t *params _unused_,
			     uint64_t now_ms _unused_, struct packet *reply)
{
	packet_put(reply, supported_states, sizeof(supported_states));
	return HCI_OK;
}

static uint8_t report_random(struct controller *controller, const uint8_t *params _unused_,
			     uint64_t now_ms, struct packet *reply)
{
	uint64_t value = controller->air->random ^ now_ms * UINT64_C(0x9e3779b97f4a7c15);

	packet_put(reply, &value, RAND_BYTES);
	return HCI_OK;
}

/* Answered by Command Status, done() follows; the others are answered by Command Complete. */
#define STATUS	 true
#define COMPLETE false

/* octet and bit: where Read Local Supported Commands has it; octet 0xff: it has no bit. */
static const struct hci_row {
	uint16_t opcode;
	uint8_t params_bytes;
	uint8_t octet;
	uint8_t bit;
	bool status;
	hci_run_fn *run;
	hci_done_fn *done;
} rows[] = {
	{ HCI_DISCONNECT, 3, 0, 5, STATUS, hci_disconnect, hci_disconnected },
	{ HCI_READ_REMOTE_VERSION, 2, 2, 7, STATUS, hci_needs_link, hci_remote_version },
	{ HCI_SET_EVENT_MASK, 8, 5, 6, COMPLETE, accept, NULL },
	{ HCI_RESET, 0, 5, 7, COMPLETE, run_reset, NULL },
	{ HCI_READ_TX_POWER, 3, 10, 2, COMPLETE, hci_read_tx_power, NULL },
	{ HCI_READ_LOCAL_VERSION, 0, 14, 3, COMPLETE, report_version, NULL },
	{ HCI_READ_LOCAL_COMMANDS, 0, 14, 4, COMPLETE, report_commands, NULL },
	{ HCI_READ_LOCAL_FEATURES, 0, 14, 5, COMPLETE, report_features, NULL },
	{ HCI_READ_BUFFER_SIZE, 0, 14, 7, COMPLETE, report_buffers, NULL },
	{ HCI_READ_BD_ADDR, 0, 15, 1, COMPLETE, report_address, NULL },
	{ HCI_READ_RSSI, 2, 15, 5, COMPLETE, hci_read_rssi, NULL },
	{ HCI_LE_SET_EVENT_MASK, 8, 25, 0, COMPLETE, accept, NULL },
	{ HCI_LE_READ_BUFFER_SIZE, 0, 25, 1, COMPLETE, report_le_buffers, NULL },
	{ HCI_LE_READ_LOCAL_FEATURES, 0, 25, 2, COMPLETE, report_le_features, NULL },
	{ HCI_LE_SET_RANDOM_ADDRESS, 6, 25, 4, COMPLETE, hci_random_address, NULL },
	{ HCI_LE_SET_ADV_PARAMETERS, 15, 25, 5, COMPLETE, accept, NULL },
	{ HCI_LE_READ_ADV_TX_POWER, 0, 25, 6, COMPLETE, report_adv_power, NULL },
	{ HCI_LE_SET_ADV_DATA, 32, 25, 7, COMPLETE, accept, NULL },
	{ HCI_LE_SET_SCAN_RESPONSE, 32, 26, 0, COMPLETE, accept, NULL },
	{ HCI_LE_SET_ADV_ENABLE, 1, 26, 1, COMPLETE, accept, NULL },
	{ HCI_LE_SET_SCAN_PARAMETERS, 7, 26, 2, COMPLETE, hci_scan_parameters, NULL },
	{ HCI_LE_SET_SCAN_ENABLE, 2, 26, 3, COMPLETE, hci_scan_enable, NULL },
	{ HCI_LE_CREATE_CONNECTION, 25, 26, 4, STATUS, hci_create_connection, NULL },
	{ HCI_LE_CREATE_CONNECTION_CANCEL, 0, 26, 5, COMPLETE, hci_create_cancel,
	  hci_create_cancelled },
	{ HCI_LE_READ_ACCEPT_LIST_SIZE, 0, 26, 6, COMPLETE, hci_accept_list_size, NULL },
	{ HCI_LE_CLEAR_ACCEPT_LIST, 0, 26, 7, COMPLETE, hci_accept_list_clear, NULL },
	{ HCI_LE_ADD_TO_ACCEPT_LIST, 7, 27, 0, COMPLETE, hci_accept_list_add, NULL },
	{ HCI_LE_REMOVE_FROM_ACCEPT_LIST, 7, 27, 1, COMPLETE, hci_accept_list_remove, NULL },
	{ HCI_LE_CONNECTION_UPDATE, 14, 27, 2, STATUS, hci_connection_update,
	  hci_connection_updated },
	{ HCI_LE_READ_REMOTE_FEATURES, 2, 27, 5, STATUS, hci_needs_link, hci_remote_features },
	{ HCI_LE_RAND, 0, 27, 7, COMPLETE, report_random, NULL },
	{ HCI_LE_READ_SUPPORTED_STATES, 0, 28, 3, COMPLETE, report_states, NULL },
};

static uint8_t report_commands(struct controller *controller _unused_,
			       const uint8_t *params _unused_, uint64_t now_ms _unused_,
			       struct packet *reply)
{
	uint8_t commands[COMMANDS_BYTES] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		commands[rows[i].octet] |= (uint8_t)(1 << rows[i].bit);
	packet_put(reply, commands, sizeof(commands));
	return HCI_OK;
}

static void send_status(struct controller *controller, uint16_t opcode, uint8_t status)
{
	uint8_t data[4];
	struct packet event = PACKET_OVER(data);

	packet_put8(&event, status);
	packet_put8(&event, 1); /* the host may send one more command */
	packet_put16(&event, opcode);
	controller_event(controller, HCI_EV_COMMAND_STATUS, &event);
}

static void send_complete(struct controller *controller, uint16_t opcode, uint8_t status,
			  const struct packet *reply)
{
	uint8_t data[HCI_EVENT_BYTES];
	struct packet event = PACKET_OVER(data);

	packet_put8(&event, 1);
	packet_put16(&event, opcode);
	packet_put8(&event, status);
	packet_put(&event, reply->data, reply->len_bytes);
	controller_event(controller, HCI_EV_COMMAND_COMPLETE, &event);
}

static void run_row(struct controller *controller, const struct hci_row *row, const uint8_t *params,
		    uint64_t now_ms)
{
	uint8_t data[HCI_EVENT_BYTES - 4], status;
	struct packet reply = PACKET_OVER(data);

	status = row->run(controller, params, now_ms, &reply);
	if (row->status)
		send_status(controller, row->opcode, status);
	else
		send_complete(controller, row->opcode, status, &reply);
	if (row->done && status == HCI_OK)
		row->done(controller, params, now_ms);
}

void hci_command(struct controller *controller, const uint8_t *data, size_t len_bytes,
		 uint64_t now_ms)
{
	uint16_t opcode;

	if (len_bytes < 3 || data[2] != len_bytes - 3) {
		air_log("adapter=%u malformed command, %zu bytes", controller->adapter->index,
			len_bytes);
		return;
	}
	opcode = bytes_get16(data);
	if (controller->air->settings.trace)
		air_log("adapter=%u command=0x%04x params=%u", controller->adapter->index, opcode,
			data[2]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].opcode != opcode)
			continue;
		if (rows[i].params_bytes != data[2])
			send_status(controller, opcode, HCI_INVALID_PARAMETERS);
		else
			run_row(controller, &rows[i], data + 3, now_ms);
		return;
	}
	air_log("adapter=%u unknown command=0x%04x", controller->adapter->index, opcode);
	send_status(controller, opcode, HCI_UNKNOWN_COMMAND);
}
