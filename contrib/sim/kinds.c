/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/kinds.c - attribute tables with explicit handles, and what the values do.
 *
 * Called by model.c only. Handles never change: BlueZ caches them, and both faces put them on the
 * wire (object paths in the fake, ATT in the radio). Gaps between groups are deliberate: a client
 * that assumes dense handles is wrong on real devices too.
 */
#include "contrib/sim/kinds.h"

#include <string.h>

enum slot {
	SLOT_ECHO,
	SLOT_COUNTER,
	SLOT_INDICATED,
	SLOT_LONG,
	SLOT_SERVICE_CHANGED,
	SLOT_BATTERY,
	SLOT_COUNT,
};
static_assert(SLOT_COUNT <= MODEL_SLOTS, "a device has room for each slot");

/* Longer than any MTU's worth that BlueZ negotiates by default, so that reading it takes blobs. */
#define LONG_DEFAULT_BYTES 300

static void put_le16(struct model_buffer *out, uint16_t value)
{
	out->data[out->len_bytes++] = (uint8_t)value;
	out->data[out->len_bytes++] = (uint8_t)(value >> 8);
}

static void put_le32(struct model_buffer *out, uint32_t value)
{
	put_le16(out, (uint16_t)value);
	put_le16(out, (uint16_t)(value >> 16));
}

static void read_declaration(const struct model_device *device _unused_,
			     const struct model_attr *attr, struct model_buffer *out)
{
	if (attr->type == MODEL_TYPE_CHARACTERISTIC) {
		out->data[out->len_bytes++] = attr->props;
		put_le16(out, (uint16_t)(attr->handle + 1));
	}
	put_le16(out, attr->uuid);
}

static void read_cccd(const struct model_device *device, const struct model_attr *attr,
		      struct model_buffer *out)
{
	put_le16(out, device->cccd[attr->slot]);
}

static void read_text(const struct model_device *device _unused_, const struct model_attr *attr,
		      struct model_buffer *out)
{
	out->len_bytes = strlen(attr->text);
	memcpy(out->data, attr->text, out->len_bytes);
}

static void read_name(const struct model_device *device, const struct model_attr *attr _unused_,
		      struct model_buffer *out)
{
	out->len_bytes = strlen(device->name);
	memcpy(out->data, device->name, out->len_bytes);
}

static void read_stored(const struct model_device *device, const struct model_attr *attr,
			struct model_buffer *out)
{
	const struct model_buffer *value = device->values[attr->slot];

	if (!value) {
		if (attr->text)
			read_text(device, attr, out);
		return;
	}
	out->len_bytes = value->len_bytes;
	memcpy(out->data, value->data, value->len_bytes);
}

/* Until it is written: a pattern in which each byte tells its offset, so that lost blobs show. */
static void read_long(const struct model_device *device, const struct model_attr *attr,
		      struct model_buffer *out)
{
	if (device->values[attr->slot]) {
		read_stored(device, attr, out);
		return;
	}
	out->len_bytes = LONG_DEFAULT_BYTES;
	for (size_t i = 0; i < LONG_DEFAULT_BYTES; i++)
		out->data[i] = (uint8_t)(i ^ (i >> 8) ^ device->index);
}

static void read_battery(const struct model_device *device, const struct model_attr *attr _unused_,
			 struct model_buffer *out)
{
	out->data[out->len_bytes++] = device->battery;
}

/* What was written is in values[] already; there is nothing else to do. */
static void written_plain(struct model_device *device _unused_,
			  const struct model_attr *attr _unused_,
			  const struct model_buffer *value _unused_)
{
}

/* Counts what was sent over the device's life, so that a receiver sees each loss and each double
 * across links, adapters and restarts of whoever listens. */
static void emit_counter(struct model_device *device, const struct model_attr *attr _unused_,
			 struct model_buffer *out)
{
	put_le32(out, ++device->counter);
}

static void emit_indicated(struct model_device *device, const struct model_attr *attr _unused_,
			   struct model_buffer *out)
{
	put_le32(out, ++device->indicated);
}

/* A battery that drains a per cent at a time and is changed when it is empty. */
static void emit_battery(struct model_device *device, const struct model_attr *attr _unused_,
			 struct model_buffer *out)
{
	device->battery = device->battery ? (uint8_t)(device->battery - 1) : 100;
	out->data[out->len_bytes++] = device->battery;
}

/* The whole range of handles: "discover everything again". Only a fault makes the device send it.
 */
static void emit_service_changed(struct model_device *device _unused_,
				 const struct model_attr *attr _unused_, struct model_buffer *out)
{
	put_le16(out, 0x0001);
	put_le16(out, 0xffff);
}

#define SERVICE(h, e, u)                                                                           \
	{                                                                                          \
		.handle = (h), .end = (e), .type = MODEL_TYPE_SERVICE, .uuid = (u),                \
		.read = read_declaration                                                           \
	}
#define CHARACTERISTIC(h, u, p)                                                                    \
	{                                                                                          \
		.handle = (h), .type = MODEL_TYPE_CHARACTERISTIC, .uuid = (u), .props = (p),       \
		.read = read_declaration                                                           \
	}
#define DESCRIPTION(h, t)                                                                          \
	{                                                                                          \
		.handle = (h), .type = MODEL_TYPE_DESCRIPTION, .text = (t), .read = read_text      \
	}
#define CCCD(h, s)                                                                                 \
	{                                                                                          \
		.handle = (h), .type = MODEL_TYPE_CCCD, .slot = (s), .read = read_cccd             \
	}

enum {
	READ = MODEL_PROP_READ,
	NOTIFY = MODEL_PROP_NOTIFY,
	INDICATE = MODEL_PROP_INDICATE,
	READ_WRITE = MODEL_PROP_READ | MODEL_PROP_WRITE,
	ECHO = MODEL_PROP_READ | MODEL_PROP_WRITE | MODEL_PROP_COMMAND,
};

static const struct model_attr plain_attrs[] = {
	SERVICE(0x0001, 0x0003, 0x1800),
	CHARACTERISTIC(0x0002, 0x2a00, READ),
	{ .handle = 0x0003, .type = 0x2a00, .props = READ, .read = read_name },

	SERVICE(0x0004, 0x0007, 0x1801),
	CHARACTERISTIC(0x0005, 0x2a05, INDICATE),
	{ .handle = 0x0006,
	  .type = 0x2a05,
	  .props = INDICATE,
	  .slot = SLOT_SERVICE_CHANGED,
	  .emit = emit_service_changed },
	CCCD(0x0007, SLOT_SERVICE_CHANGED),

	SERVICE(0x0010, 0x001f, 0xfff0),
	CHARACTERISTIC(0x0011, 0xfff3, ECHO),
	{ .handle = 0x0012,
	  .type = 0xfff3,
	  .props = ECHO,
	  .slot = SLOT_ECHO,
	  .text = "hello",
	  .read = read_stored,
	  .written = written_plain },
	DESCRIPTION(0x0013, "echo"),
	CHARACTERISTIC(0x0014, 0xfff4, NOTIFY),
	{ .handle = 0x0015,
	  .type = 0xfff4,
	  .props = NOTIFY,
	  .slot = SLOT_COUNTER,
	  .period = 1,
	  .emit = emit_counter },
	CCCD(0x0016, SLOT_COUNTER),
	CHARACTERISTIC(0x0017, 0xfff5, INDICATE),
	{ .handle = 0x0018,
	  .type = 0xfff5,
	  .props = INDICATE,
	  .slot = SLOT_INDICATED,
	  .period = 5,
	  .emit = emit_indicated },
	CCCD(0x0019, SLOT_INDICATED),
	CHARACTERISTIC(0x001a, 0xfff6, READ_WRITE),
	{ .handle = 0x001b,
	  .type = 0xfff6,
	  .props = READ_WRITE,
	  .slot = SLOT_LONG,
	  .read = read_long,
	  .written = written_plain },

	SERVICE(0x0020, 0x0026, 0x180a),
	CHARACTERISTIC(0x0021, 0x2a29, READ),
	{ .handle = 0x0022,
	  .type = 0x2a29,
	  .props = READ,
	  .text = "bleherd sim",
	  .read = read_text },
	CHARACTERISTIC(0x0023, 0x2a24, READ),
	{ .handle = 0x0024, .type = 0x2a24, .props = READ, .text = "plain", .read = read_text },
	CHARACTERISTIC(0x0025, 0x2a26, READ),
	{ .handle = 0x0026,
	  .type = 0x2a26,
	  .props = READ,
	  .text = BLEHERD_VERSION,
	  .read = read_text },

	SERVICE(0x0030, 0x0033, 0x180f),
	CHARACTERISTIC(0x0031, 0x2a19, READ | NOTIFY),
	{ .handle = 0x0032,
	  .type = 0x2a19,
	  .props = READ | NOTIFY,
	  .slot = SLOT_BATTERY,
	  .period = 300,
	  .read = read_battery,
	  .emit = emit_battery },
	CCCD(0x0033, SLOT_BATTERY),
};

const struct model_kind kind_plain = {
	.name = "plain",
	.attrs = plain_attrs,
	.attr_count = ARRAY_LEN(plain_attrs),
};
