/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_mgmt.c - the kernel's management interface on a Unix socket, byte for byte
 * (BlueZ doc/mgmt-api.txt): 6 bytes of header, little-endian, one packet per command or event.
 *
 * It goes on working while the fake bluetoothd hangs or is away, as the kernel does.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

#include "contrib/sim/mgmt_packet.h"
#include "contrib/sim/seqpacket.h"

#define NO_INDEX       0xffff
#define ADDRESS_BYTES  7 /* address and its type */
#define TYPE_LE_RANDOM 2
#define DISCOVERY_LE   6 /* LE public and LE random */
#define NAME_BYTES     249
#define SHORT_BYTES    11
/* Powered, connectable, bondable, LE, secure connections, privacy, static address. */
#define SETTINGS_ALL	0x0000aa13
#define SETTING_POWERED 0x00000001
#define SETTINGS_ON	0x00000210 /* bondable, LE */

enum {
	OP_READ_VERSION = 0x0001,
	OP_READ_COMMANDS = 0x0002,
	OP_READ_INDEX_LIST = 0x0003,
	OP_READ_INFO = 0x0004,
	OP_SET_POWERED = 0x0005,
	OP_DISCONNECT = 0x0014,
	OP_GET_CONNECTIONS = 0x0015,
	OP_LOAD_CONN_PARAM = 0x0035,
	OP_READ_UNCONFIGURED_LIST = 0x0036,
	OP_READ_EXT_INDEX_LIST = 0x003c,
	OP_READ_EXT_INFO = 0x0042,
};

enum {
	EV_COMMAND_COMPLETE = 0x0001,
	EV_COMMAND_STATUS = 0x0002,
	EV_INDEX_ADDED = 0x0004,
	EV_INDEX_REMOVED = 0x0005,
	EV_NEW_SETTINGS = 0x0006,
	EV_DEVICE_CONNECTED = 0x000b,
	EV_DEVICE_DISCONNECTED = 0x000c,
	EV_CONNECT_FAILED = 0x000d,
	EV_DEVICE_FOUND = 0x0012,
	EV_DISCOVERING = 0x0013,
};

struct fake_mgmt {
	struct fake *fake;
	struct seqpacket *server;
};

/* A command that is being answered. */
struct command {
	struct fake_mgmt *mgmt;
	struct seqpacket_peer *peer;
	struct fake_adapter *adapter; /* NULL for those without */
	uint16_t opcode;
	uint16_t index;
	const uint8_t *body;
	size_t len_bytes;
};

static unsigned get_16(const uint8_t *data)
{
	return data[0] | (unsigned)data[1] << 8;
}

static void put_address(struct mgmt_packet *p, const struct fake_device *device)
{
	uint8_t address[MODEL_ADDRESS_BYTES];

	model_address_swap(device->model->address, address);
	mgmt_put_bytes(p, address, sizeof(address));
	mgmt_put_8(p, TYPE_LE_RANDOM);
}

/* --- events --- */

static bool is_heard(const struct fake *fake)
{
	return fake->mgmt && seqpacket_has_peers(fake->mgmt->server);
}

static void broadcast(struct fake *fake, struct mgmt_packet *p, const struct seqpacket_peer *except)
{
	mgmt_end(p);
	seqpacket_broadcast(fake->mgmt->server, except, p->data, p->len_bytes);
}

static uint32_t settings(const struct fake_adapter *adapter)
{
	return (adapter->no_le ? 0x10u : SETTINGS_ON) | (adapter->powered ? SETTING_POWERED : 0);
}

void fake_mgmt_index(struct fake_adapter *adapter, bool added)
{
	struct mgmt_packet p;

	if (!is_heard(adapter->fake))
		return;
	mgmt_begin(&p, added ? EV_INDEX_ADDED : EV_INDEX_REMOVED, adapter->hci);
	broadcast(adapter->fake, &p, NULL);
}

void fake_mgmt_settings(struct fake_adapter *adapter, const struct seqpacket_peer *except)
{
	struct mgmt_packet p;

	if (!is_heard(adapter->fake))
		return;
	mgmt_begin(&p, EV_NEW_SETTINGS, adapter->hci);
	mgmt_put_32(&p, settings(adapter));
	broadcast(adapter->fake, &p, except);
}

void fake_mgmt_discovering(struct fake_adapter *adapter)
{
	struct mgmt_packet p;

	if (!is_heard(adapter->fake))
		return;
	mgmt_begin(&p, EV_DISCOVERING, adapter->hci);
	mgmt_put_8(&p, DISCOVERY_LE);
	mgmt_put_8(&p, adapter->discovering);
	broadcast(adapter->fake, &p, NULL);
}

static void put_advert(struct mgmt_packet *p, const struct fake_device *device)
{
	uint8_t advert[MODEL_ADVERT_BYTES];
	size_t len = model_advert(device->model, advert);

	mgmt_put_16(p, (unsigned)len);
	mgmt_put_bytes(p, advert, len);
}

void fake_mgmt_connected(struct fake_device *device)
{
	struct mgmt_packet p;

	if (!is_heard(device->adapter->fake))
		return;
	mgmt_begin(&p, EV_DEVICE_CONNECTED, device->adapter->hci);
	put_address(&p, device);
	mgmt_put_32(&p, 0);
	put_advert(&p, device);
	broadcast(device->adapter->fake, &p, NULL);
}

void fake_mgmt_disconnected(struct fake_device *device, int reason,
			    const struct seqpacket_peer *except)
{
	struct mgmt_packet p;

	if (!is_heard(device->adapter->fake))
		return;
	mgmt_begin(&p, EV_DEVICE_DISCONNECTED, device->adapter->hci);
	put_address(&p, device);
	mgmt_put_8(&p, (unsigned)reason);
	broadcast(device->adapter->fake, &p, except);
}

void fake_mgmt_connect_failed(struct fake_device *device, int status)
{
	struct mgmt_packet p;

	if (!is_heard(device->adapter->fake))
		return;
	mgmt_begin(&p, EV_CONNECT_FAILED, device->adapter->hci);
	put_address(&p, device);
	mgmt_put_8(&p, (unsigned)status);
	broadcast(device->adapter->fake, &p, NULL);
}

void fake_mgmt_found(struct fake_device *device)
{
	struct mgmt_packet p;

	if (!is_heard(device->adapter->fake))
		return;
	mgmt_begin(&p, EV_DEVICE_FOUND, device->adapter->hci);
	put_address(&p, device);
	mgmt_put_8(&p, (uint8_t)device->rssi_dbm);
	mgmt_put_32(&p, 0);
	put_advert(&p, device);
	broadcast(device->adapter->fake, &p, NULL);
}

/* --- answers --- */

static void begin_complete(struct mgmt_packet *p, const struct command *c, int status)
{
	mgmt_begin(p, EV_COMMAND_COMPLETE, c->index);
	mgmt_put_16(p, c->opcode);
	mgmt_put_8(p, (unsigned)status);
}

static void reply(const struct command *c, struct mgmt_packet *p)
{
	mgmt_end(p);
	seqpacket_send(c->peer, p->data, p->len_bytes);
}

static void reply_status(const struct command *c, int status)
{
	struct mgmt_packet p;

	mgmt_begin(&p, EV_COMMAND_STATUS, c->index);
	mgmt_put_16(&p, c->opcode);
	mgmt_put_8(&p, (unsigned)status);
	reply(c, &p);
}

static void read_version(const struct command *c)
{
	struct mgmt_packet p;

	begin_complete(&p, c, MGMT_OK);
	mgmt_put_8(&p, 1);
	mgmt_put_16(&p, 22);
	reply(c, &p);
}

static void read_index_list(const struct command *c)
{
	const struct fake *fake = c->mgmt->fake;
	const bool extended = c->opcode == OP_READ_EXT_INDEX_LIST;
	unsigned count = 0;
	struct mgmt_packet p;

	begin_complete(&p, c, MGMT_OK);
	mgmt_put_16(&p, 0);
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		if (!fake->adapters[i].model->plugged || c->opcode == OP_READ_UNCONFIGURED_LIST)
			continue;
		mgmt_put_16(&p, fake->adapters[i].hci);
		/* Primary controller, virtual bus. */
		if (extended)
			mgmt_put_zeros(&p, 2);
		count++;
	}
	p.data[MGMT_HEADER_BYTES + 3] = (uint8_t)count;
	reply(c, &p);
}

static void put_controller(struct mgmt_packet *p, const struct fake_adapter *adapter)
{
	uint8_t address[MODEL_ADDRESS_BYTES];

	model_address_swap(adapter->model->address, address);
	mgmt_put_bytes(p, address, sizeof(address));
	mgmt_put_8(p, 9);	/* Bluetooth 5.0 */
	mgmt_put_16(p, 0x05f1); /* the Linux Foundation */
	mgmt_put_32(p, SETTINGS_ALL);
	mgmt_put_32(p, settings(adapter));
}

/* Answers from the kernel's memory: it works on a controller that is hung. */
static void read_info(const struct command *c)
{
	static const char name[] = "bleherd-sim";
	struct mgmt_packet p;

	begin_complete(&p, c, MGMT_OK);
	put_controller(&p, c->adapter);
	if (c->opcode == OP_READ_EXT_INFO) {
		mgmt_put_16(&p, 2 + sizeof(name) - 1);
		mgmt_put_8(&p, sizeof(name));
		mgmt_put_8(&p, 0x09); /* complete local name */
		mgmt_put_bytes(&p, name, sizeof(name) - 1);
	} else {
		mgmt_put_zeros(&p, 3); /* class of device */
		mgmt_put_bytes(&p, name, sizeof(name));
		mgmt_put_zeros(&p, NAME_BYTES - sizeof(name) + SHORT_BYTES);
	}
	reply(c, &p);
}

static void set_powered(const struct command *c)
{
	struct mgmt_packet p;
	int status;

	if (c->body[0] > 1) {
		reply_status(c, MGMT_INVALID_PARAMS);
		return;
	}
	status = fake_adapter_power(c->adapter, c->body[0], c->peer, NULL);
	if (status != MGMT_OK) {
		reply_status(c, status);
		return;
	}
	begin_complete(&p, c, MGMT_OK);
	mgmt_put_32(&p, settings(c->adapter));
	reply(c, &p);
}

static struct fake_device *find_device(const struct command *c)
{
	uint8_t address[MODEL_ADDRESS_BYTES];
	struct model_device *model;

	model_address_swap(c->body, address);
	model = model_device_by_address(c->mgmt->fake->model, address);
	/* With the wrong type it is another device, which is not connected. */
	if (!model || c->body[MODEL_ADDRESS_BYTES] != TYPE_LE_RANDOM)
		return NULL;
	return &c->adapter->devices[model->index];
}

static void reply_disconnect(const struct command *c, int status)
{
	struct mgmt_packet p;

	begin_complete(&p, c, status);
	mgmt_put_bytes(&p, c->body, ADDRESS_BYTES);
	reply(c, &p);
}

void fake_mgmt_connect_ended(struct fake_device *device)
{
	struct fake_mgmt *mgmt = device->adapter->fake->mgmt;
	struct command c = {
		.opcode = OP_DISCONNECT,
		.index = (uint16_t)device->adapter->hci,
	};
	struct mgmt_packet address = { .len_bytes = 0 };
	int status;

	if (!mgmt || device->mgmt_waiter == 0)
		return;
	c.peer = seqpacket_peer(mgmt->server, device->mgmt_waiter);
	device->mgmt_waiter = 0;
	put_address(&address, device);
	c.body = address.data;
	status = fake_link_mgmt_disconnect(device, c.peer);
	if (c.peer)
		reply_disconnect(&c, status);
}

static void disconnect(const struct command *c)
{
	struct fake_device *device = find_device(c);
	int status = MGMT_NOT_CONNECTED;

	if (c->body[MODEL_ADDRESS_BYTES] > TYPE_LE_RANDOM)
		status = MGMT_INVALID_PARAMS;
	else if (!c->adapter->powered)
		status = MGMT_NOT_POWERED;
	else if (device)
		status = fake_link_mgmt_disconnect(device, c->peer);
	if (status == MGMT_LATER)
		device->mgmt_waiter = seqpacket_peer_number(c->peer);
	else
		reply_disconnect(c, status);
}

static void get_connections(const struct command *c)
{
	const struct model *model = c->mgmt->fake->model;
	unsigned count = 0;
	struct mgmt_packet p;

	if (!c->adapter->powered) {
		reply_status(c, MGMT_NOT_POWERED);
		return;
	}
	begin_complete(&p, c, MGMT_OK);
	mgmt_put_16(&p, 0);
	for (unsigned i = 0; i < model_device_count(model); i++) {
		if (!c->adapter->devices[i].kernel_link ||
		    p.len_bytes + ADDRESS_BYTES > sizeof(p.data))
			continue;
		put_address(&p, &c->adapter->devices[i]);
		count++;
	}
	p.data[MGMT_HEADER_BYTES + 3] = (uint8_t)count;
	p.data[MGMT_HEADER_BYTES + 4] = (uint8_t)(count >> 8);
	reply(c, &p);
}

static void accept_only(const struct command *c)
{
	struct mgmt_packet p;

	begin_complete(&p, c, MGMT_OK);
	reply(c, &p);
}

static void read_commands(const struct command *c);

static const struct row {
	uint16_t opcode;
	bool needs_adapter;
	bool longer;	  /* the body is at least, not exactly, that long */
	size_t len_bytes; /* of the body */
	void (*run)(const struct command *c);
} rows[] = {
	{ OP_READ_VERSION, false, false, 0, read_version },
	{ OP_READ_COMMANDS, false, false, 0, read_commands },
	{ OP_READ_INDEX_LIST, false, false, 0, read_index_list },
	{ OP_READ_UNCONFIGURED_LIST, false, false, 0, read_index_list },
	{ OP_READ_EXT_INDEX_LIST, false, false, 0, read_index_list },
	{ OP_READ_INFO, true, false, 0, read_info },
	{ OP_READ_EXT_INFO, true, false, 0, read_info },
	{ OP_SET_POWERED, true, false, 1, set_powered },
	{ OP_DISCONNECT, true, false, ADDRESS_BYTES, disconnect },
	{ OP_GET_CONNECTIONS, true, false, 0, get_connections },
	{ OP_LOAD_CONN_PARAM, true, true, 2, accept_only },
};

static void read_commands(const struct command *c)
{
	static const uint16_t events[] = {
		EV_INDEX_ADDED,		EV_INDEX_REMOVED,  EV_NEW_SETTINGS, EV_DEVICE_CONNECTED,
		EV_DEVICE_DISCONNECTED, EV_CONNECT_FAILED, EV_DEVICE_FOUND, EV_DISCOVERING,
	};
	struct mgmt_packet p;

	begin_complete(&p, c, MGMT_OK);
	mgmt_put_16(&p, ARRAY_LEN(rows) - 2);
	mgmt_put_16(&p, ARRAY_LEN(events));
	/* The first two are mandatory and therefore not listed. */
	for (size_t i = 2; i < ARRAY_LEN(rows); i++)
		mgmt_put_16(&p, rows[i].opcode);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		mgmt_put_16(&p, events[i]);
	reply(c, &p);
}

static void run(struct command *c)
{
	const struct row *row = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].opcode == c->opcode)
			row = &rows[i];
	}
	if (!row) {
		reply_status(c, MGMT_UNKNOWN_COMMAND);
		return;
	}
	c->adapter = fake_adapter_by_hci(c->mgmt->fake, c->index);
	if (row->needs_adapter ? !c->adapter : c->index != NO_INDEX) {
		reply_status(c, MGMT_INVALID_INDEX);
		return;
	}
	if (row->longer ? c->len_bytes < row->len_bytes : c->len_bytes != row->len_bytes) {
		reply_status(c, MGMT_INVALID_PARAMS);
		return;
	}
	row->run(c);
}

static void on_packet(struct seqpacket_peer *peer, const uint8_t *data, size_t len, void *userdata)
{
	struct command c = { .mgmt = userdata, .peer = peer };

	/* As the kernel: what is no command is dropped without a word. */
	if (len < MGMT_HEADER_BYTES || get_16(data + 4) != len - MGMT_HEADER_BYTES)
		return;
	c.opcode = (uint16_t)get_16(data);
	c.index = (uint16_t)get_16(data + 2);
	c.body = data + MGMT_HEADER_BYTES;
	c.len_bytes = len - MGMT_HEADER_BYTES;
	run(&c);
}

int fake_mgmt_new(struct fake *fake)
{
	struct fake_mgmt *mgmt = calloc(1, sizeof(*mgmt));
	int r;

	if (!mgmt)
		return -ENOMEM;
	mgmt->fake = fake;
	r = seqpacket_new(&mgmt->server, fake->event, fake->options.mgmt_path, on_packet, mgmt);
	if (r < 0) {
		free(mgmt);
		return r;
	}
	fake->mgmt = mgmt;
	return 0;
}

void fake_mgmt_free(struct fake *fake)
{
	if (!fake->mgmt)
		return;
	seqpacket_free(fake->mgmt->server);
	free(fake->mgmt);
	fake->mgmt = NULL;
}
