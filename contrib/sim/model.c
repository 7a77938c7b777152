/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/model.c - the state of the simulated world; see model.h for the contract.
 *
 * Owns adapters, devices and their values. No I/O and no clock, so that the unit tests and both
 * faces see the same world for the same seed and the same times.
 */
#include "contrib/sim/model.h"

#include <stdio.h>
#include <string.h>

#include "contrib/sim/kinds.h"

/* Real RSSI moves slowly against adverts; the jitter changes once per step. */
#define RSSI_STEP_MS   3000
#define RSSI_NEAR_DBM  (-40)
#define RSSI_SPAN_DB   46
#define RSSI_JITTER_DB 2
/* A timer that is later than this does not make up for what it missed. */
#define EMIT_CATCH_UP_MS 1000

#define AD_FLAGS	0x01
#define AD_UUID16_ALL	0x03
#define AD_NAME		0x09
#define AD_MANUFACTURER 0xff

struct model {
	struct model_config config;
	struct model_adapter *adapters;
	struct model_device *devices;
	void (*observer)(const struct model_write_record *record, void *data);
	void *observer_data;
};

/* splitmix64: enough to make neighbours differ, and the same everywhere. */
static uint64_t mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

static void make_adapters(struct model *model)
{
	for (unsigned i = 0; i < model->config.adapters; i++) {
		struct model_adapter *adapter = &model->adapters[i];

		*adapter = (struct model_adapter){
			.index = i,
			.address = { 0xaa, 0xbb, 0xcc, 0, 0, (uint8_t)i },
			.plugged = true,
		};
	}
}

static void make_devices(struct model *model)
{
	for (unsigned i = 0; i < model->config.devices; i++) {
		struct model_device *device = &model->devices[i];

		*device = (struct model_device){
			.model = model,
			.kind = &kind_plain,
			.index = i,
			.address = { 0xc0, 0xaa, 0xbb, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
				     (uint8_t)i },
			.link = MODEL_NO_ADAPTER,
			.connect_ms = -1,
			.battery = (uint8_t)(20 + mix(model->config.seed ^ i) % 81),
		};
		(void)snprintf(device->name, sizeof(device->name), "BM6-%u", i);
	}
}

int model_new(struct model **out, const struct model_config *config)
{
	struct model *model;

	if (config->adapters > MODEL_ADAPTERS_MAX || config->devices > MODEL_DEVICES_MAX ||
	    config->notify_ms < 1)
		return -EINVAL;

	model = calloc(1, sizeof(*model));
	if (!model)
		return -ENOMEM;

	model->config = *config;
	/* One more than needed: calloc(0) may be NULL without being an error. */
	model->adapters = calloc((size_t)config->adapters + 1, sizeof(*model->adapters));
	model->devices = calloc((size_t)config->devices + 1, sizeof(*model->devices));
	if (!model->adapters || !model->devices) {
		model_free(model);
		return -ENOMEM;
	}
	make_adapters(model);
	make_devices(model);
	*out = model;
	return 0;
}

struct model *model_free(struct model *model)
{
	if (!model)
		return NULL;
	for (unsigned i = 0; model->devices && i < model->config.devices; i++) {
		for (size_t slot = 0; slot < MODEL_SLOTS; slot++)
			free(model->devices[i].values[slot]);
	}
	free(model->devices);
	free(model->adapters);
	free(model);
	return NULL;
}

const struct model_config *model_config(const struct model *model)
{
	return &model->config;
}

unsigned model_adapter_count(const struct model *model)
{
	return model->config.adapters;
}

unsigned model_device_count(const struct model *model)
{
	return model->config.devices;
}

struct model_adapter *model_adapter(struct model *model, unsigned index)
{
	return index < model->config.adapters ? &model->adapters[index] : NULL;
}

struct model_device *model_device(struct model *model, unsigned index)
{
	return index < model->config.devices ? &model->devices[index] : NULL;
}

struct model_device *model_device_by_address(struct model *model, const uint8_t *address)
{
	if (address[0] != 0xc0 || address[1] != 0xaa || address[2] != 0xbb)
		return NULL;
	return model_device(model, (unsigned)address[3] << 16 | (unsigned)address[4] << 8 |
					   (unsigned)address[5]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int model_address_parse(const char *text, uint8_t *out_address)
{
	uint8_t address[MODEL_ADDRESS_BYTES];

	if (strlen(text) != MODEL_ADDRESS_CHARS - 1)
		return -EINVAL;
	for (size_t i = 0; i < MODEL_ADDRESS_BYTES; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		if (i + 1 < MODEL_ADDRESS_BYTES && text[3 * i + 2] != ':')
			return -EINVAL;
		address[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(out_address, address, sizeof(address));
	return 0;
}

void model_address_format(const uint8_t *address, char *out_text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < MODEL_ADDRESS_BYTES; i++) {
		out_text[3 * i] = digits[address[i] >> 4];
		out_text[3 * i + 1] = digits[address[i] & 15];
		out_text[3 * i + 2] = i + 1 < MODEL_ADDRESS_BYTES ? ':' : '\0';
	}
}

void model_address_swap(const uint8_t *address, uint8_t *out_address)
{
	uint8_t swapped[MODEL_ADDRESS_BYTES];

	for (size_t i = 0; i < MODEL_ADDRESS_BYTES; i++)
		swapped[i] = address[MODEL_ADDRESS_BYTES - 1 - i];
	memcpy(out_address, swapped, sizeof(swapped));
}

int8_t model_rssi_dbm(const struct model *model, unsigned adapter,
		      const struct model_device *device, uint64_t now_ms)
{
	uint64_t pair = mix(model->config.seed ^ mix((uint64_t)device->index << 8 | adapter));
	/* Each pair steps at its own time: a thousand devices must not all change at once. */
	uint64_t step = (now_ms + pair % RSSI_STEP_MS) / RSSI_STEP_MS;
	int base = RSSI_NEAR_DBM - (int)((pair >> 32) % RSSI_SPAN_DB);
	int jitter = (int)(mix(pair ^ step) % (2 * RSSI_JITTER_DB + 1)) - RSSI_JITTER_DB;

	return (int8_t)(base + jitter);
}

static size_t put_ad(uint8_t *data, size_t at, uint8_t type, const void *value, size_t len)
{
	data[at] = (uint8_t)(len + 1);
	data[at + 1] = type;
	memcpy(data + at + 2, value, len);
	return at + 2 + len;
}

size_t model_advert(const struct model_device *device, uint8_t *out_data)
{
	const uint8_t flags = 0x06; /* general discoverable, no BR/EDR */
	const uint8_t uuid[2] = { MODEL_ADVERTISED_UUID & 0xff, MODEL_ADVERTISED_UUID >> 8 };
	uint8_t manufacturer[2 + 2] = { MODEL_MANUFACTURER & 0xff, MODEL_MANUFACTURER >> 8 };
	size_t at = 0, payload;

	at = put_ad(out_data, at, AD_FLAGS, &flags, sizeof(flags));
	at = put_ad(out_data, at, AD_UUID16_ALL, uuid, sizeof(uuid));
	at = put_ad(out_data, at, AD_NAME, device->name, strlen(device->name));
	payload = model_manufacturer_data(device, manufacturer + 2, 2);
	if (payload)
		at = put_ad(out_data, at, AD_MANUFACTURER, manufacturer, 2 + payload);
	return at;
}

size_t model_manufacturer_data(const struct model_device *device, uint8_t *out_data, size_t size)
{
	if (!device->model->config.manufacturer_data || size < 2)
		return 0;
	out_data[0] = (uint8_t)device->index;
	out_data[1] = (uint8_t)(device->index >> 8);
	return 2;
}

bool model_is_advertising(const struct model_device *device)
{
	return !device->silent && device->link == MODEL_NO_ADAPTER;
}

int model_link_up(struct model_device *device, unsigned adapter)
{
	struct model_adapter *holder = model_adapter(device->model, adapter);

	if (!holder || !holder->plugged)
		return -ENODEV;
	if (device->link != MODEL_NO_ADAPTER)
		return -EBUSY;
	if (device->silent)
		return -EHOSTUNREACH;

	device->link = (int)adapter;
	device->counters.connects++;
	if (++holder->links > holder->links_max)
		holder->links_max = holder->links;
	return 0;
}

void model_link_down(struct model_device *device)
{
	if (device->link == MODEL_NO_ADAPTER)
		return;
	device->model->adapters[device->link].links--;
	device->link = MODEL_NO_ADAPTER;
	device->counters.disconnects++;
	/* Not bonded: the peripheral forgets who subscribed. The counters go on. */
	memset(device->cccd, 0, sizeof(device->cccd));
}

void model_connecting(struct model_adapter *adapter, int change)
{
	if (change > 0) {
		if (++adapter->connecting > adapter->connecting_max)
			adapter->connecting_max = adapter->connecting;
		return;
	}
	assert(adapter->connecting > 0);
	adapter->connecting--;
}

const struct model_attr *model_attr(const struct model_device *device, uint16_t handle)
{
	const struct model_attr *attrs = device->kind->attrs;
	size_t low = 0, high = device->kind->attr_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (attrs[middle].handle == handle)
			return &attrs[middle];
		if (attrs[middle].handle < handle)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Properties guard values only; declarations and descriptors are free to read. */
static bool is_value(const struct model_attr *attr)
{
	return attr->type != MODEL_TYPE_CHARACTERISTIC && attr->props;
}

int model_read(struct model_device *device, uint16_t handle, size_t offset, uint8_t *out,
	       size_t size, size_t *out_len)
{
	const struct model_attr *attr = model_attr(device, handle);
	struct model_buffer value;
	size_t len;

	if (!attr)
		return MODEL_ATT_INVALID_HANDLE;
	if (!attr->read || (is_value(attr) && !(attr->props & MODEL_PROP_READ)))
		return MODEL_ATT_READ_NOT_PERMITTED;

	value.len_bytes = 0;
	attr->read(device, attr, &value);
	if (offset > value.len_bytes)
		return MODEL_ATT_INVALID_OFFSET;
	if (offset == 0 && is_value(attr))
		device->counters.reads++;

	len = value.len_bytes - offset < size ? value.len_bytes - offset : size;
	memcpy(out, value.data + offset, len);
	*out_len = len;
	return MODEL_ATT_OK;
}

static int write_cccd(struct model_device *device, const struct model_attr *attr,
		      const uint8_t *data, size_t len_bytes, uint64_t now_ms)
{
	const struct model_attr *value = attr - 1;

	if (len_bytes != 2)
		return MODEL_ATT_INVALID_LENGTH;
	/* The value row stands right before its CCCD; only the bits that it has can be set. */
	device->cccd[attr->slot] = (uint16_t)(data[0] & value->props >> 4 & 3);
	device->counters.subscribes++;
	device->next_at_ms[attr->slot] =
		value->period ? now_ms + (uint64_t)value->period * device->model->config.notify_ms
			      : MODEL_NEVER_MS;
	return MODEL_ATT_OK;
}

static int store(struct model_device *device, const struct model_attr *attr, size_t offset,
		 const void *data, size_t len_bytes)
{
	struct model_buffer *value = device->values[attr->slot];

	if (offset + len_bytes > MODEL_VALUE_BYTES)
		return MODEL_ATT_INVALID_LENGTH;
	if (!value) {
		value = calloc(1, sizeof(*value));
		if (!value)
			return MODEL_ATT_RESOURCES;
		/* What stood there before the first write is the start of a write at an offset. */
		attr->read(device, attr, value);
		device->values[attr->slot] = value;
	}
	if (offset > value->len_bytes)
		return MODEL_ATT_INVALID_OFFSET;
	if (len_bytes)
		memcpy(value->data + offset, data, len_bytes);
	value->len_bytes = offset + len_bytes;
	attr->written(device, attr, value);
	return MODEL_ATT_OK;
}

int model_write(struct model_device *device, uint16_t handle, size_t offset, const void *data,
		size_t len_bytes, enum model_write_kind kind, uint64_t now_ms)
{
	const uint8_t needed = kind == MODEL_WRITE_COMMAND ? MODEL_PROP_COMMAND : MODEL_PROP_WRITE;
	const struct model_attr *attr = model_attr(device, handle);
	struct model_write_record record;
	int r;

	if (!attr)
		return MODEL_ATT_INVALID_HANDLE;
	if (attr->type == MODEL_TYPE_CCCD)
		return write_cccd(device, attr, data, len_bytes, now_ms);
	if (!attr->written || !(attr->props & needed))
		return MODEL_ATT_WRITE_NOT_PERMITTED;

	r = store(device, attr, offset, data, len_bytes);
	if (r != MODEL_ATT_OK)
		return r;
	if (kind == MODEL_WRITE_COMMAND)
		device->counters.commands++;
	else
		device->counters.writes++;

	record = (struct model_write_record){
		.at_ms = now_ms,
		.device = device,
		.attr = attr,
		.kind = kind,
		.data = data,
		.len_bytes = len_bytes,
	};
	if (device->model->observer)
		device->model->observer(&record, device->model->observer_data);
	return MODEL_ATT_OK;
}

void model_set_write_observer(struct model *model,
			      void (*observer)(const struct model_write_record *record, void *data),
			      void *data)
{
	model->observer = observer;
	model->observer_data = data;
}

static bool can_emit(const struct model_device *device, const struct model_attr *attr)
{
	return attr->emit && device->cccd[attr->slot] && device->link != MODEL_NO_ADAPTER;
}

uint64_t model_next_emit_at_ms(const struct model_device *device)
{
	uint64_t next_at_ms = MODEL_NEVER_MS;

	for (size_t i = 0; i < device->kind->attr_count; i++) {
		const struct model_attr *attr = &device->kind->attrs[i];

		if (can_emit(device, attr) && device->next_at_ms[attr->slot] < next_at_ms)
			next_at_ms = device->next_at_ms[attr->slot];
	}
	return next_at_ms;
}

static void emit(struct model_device *device, const struct model_attr *attr,
		 struct model_emission *out)
{
	struct model_buffer value = { .len_bytes = 0 };

	attr->emit(device, attr, &value);
	assert(value.len_bytes <= MODEL_EMIT_BYTES && device->pad_bytes <= MODEL_EMIT_BYTES);
	if (value.len_bytes < device->pad_bytes) {
		memset(value.data + value.len_bytes, 0, device->pad_bytes - value.len_bytes);
		value.len_bytes = device->pad_bytes;
	}
	device->counters.notifications++;
	out->attr = attr;
	out->indicate = device->cccd[attr->slot] == 2;
	out->len_bytes = value.len_bytes;
	memcpy(out->data, value.data, value.len_bytes);
}

int model_emit(struct model_device *device, uint64_t now_ms, struct model_emission *out)
{
	for (size_t i = 0; i < device->kind->attr_count; i++) {
		const struct model_attr *attr = &device->kind->attrs[i];
		uint64_t *next_at_ms = &device->next_at_ms[attr->slot];

		if (!can_emit(device, attr) || *next_at_ms > now_ms)
			continue;
		/* Steps from the planned time, so that the rate is exact in spite of late timers.
		 */
		if (now_ms - *next_at_ms > EMIT_CATCH_UP_MS)
			*next_at_ms = now_ms;
		*next_at_ms += (uint64_t)attr->period * device->model->config.notify_ms;
		emit(device, attr, out);
		return 1;
	}
	return 0;
}

int model_emit_now(struct model_device *device, uint16_t handle, struct model_emission *out)
{
	const struct model_attr *attr = model_attr(device, handle);

	if (!attr || !can_emit(device, attr))
		return 0;
	emit(device, attr, out);
	return 1;
}
