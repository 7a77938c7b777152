/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A protobuf message of a descriptor, encoded by hand: wrong types of values are possible, too. */
#include "tests/fuzz/wire.h"

#include <string.h>

enum { DEPTH_MAX = 3, REPEATS_MAX = 4, NESTED_MAX = 1024, TEXT_SIZE = 96 };

struct body {
	uint8_t *at;
	size_t left;
};

/* UUIDs that the fake peripherals have, and one that they have not. */
static const uint8_t UUIDS[3][16] = {
	{ 0, 0, 0xff, 0xf3, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb },
	{ 0, 0, 0xff, 0xf4, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb },
	{ 0, 0, 0x2a, 0x19, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb },
};

static void put(struct body *body, const void *data, size_t len)
{
	if (len > body->left)
		return;
	if (len > 0)
		memcpy(body->at, data, len);
	body->at += len;
	body->left -= len;
}

static void put_varint(struct body *body, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (uint8_t)(value & 0x7f);
		value >>= 7;
		bytes[n++] |= value > 0 ? 0x80 : 0;
	} while (value > 0);
	put(body, bytes, n);
}

static void put_chunk(struct body *body, const void *data, size_t len)
{
	put_varint(body, len);
	put(body, data, len);
}

static size_t make(struct feed *feed, const ProtobufCMessageDescriptor *descriptor, uint8_t *out,
		   size_t max, unsigned depth);

static void put_bytes(struct body *body, struct feed *feed)
{
	uint8_t choice = feed_u8(feed);
	const uint8_t *bytes;
	size_t n;

	if (choice < 96) {
		put_chunk(body, UUIDS[choice % ARRAY_LEN(UUIDS)], sizeof(UUIDS[0]));
		return;
	}
	n = feed_bytes(feed, choice - 96u, &bytes);
	put_chunk(body, bytes, n);
}

static void put_enum(struct body *body, struct feed *feed, const ProtobufCEnumDescriptor *words)
{
	uint8_t choice = feed_u8(feed);

	if (choice < 224)
		put_varint(body, (uint64_t)words->values[choice % words->n_values].value);
	else
		put_varint(body, feed_number(feed));
}

static void put_value(struct body *body, struct feed *feed, const ProtobufCFieldDescriptor *field,
		      unsigned depth)
{
	static uint8_t nested[DEPTH_MAX + 1][NESTED_MAX];
	char text[TEXT_SIZE];
	uint64_t value;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		feed_text(feed, text, sizeof(text));
		put_chunk(body, text, strlen(text));
		return;
	case PROTOBUF_C_TYPE_BYTES:
		put_bytes(body, feed);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		put_chunk(body, nested[depth],
			  depth < DEPTH_MAX ? make(feed, field->descriptor, nested[depth],
						   NESTED_MAX, depth + 1)
					    : 0);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(body, feed, field->descriptor);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		put_varint(body, feed_u8(feed) & 1u);
		return;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		value = feed_number(feed);
		put(body, &value, 8);
		return;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		value = feed_number(feed);
		put(body, &value, 4);
		return;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_UINT64:
		put_varint(body, feed_number(feed));
		return;
	}
}

/* Of the encoding. */
static unsigned form_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return 2;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 1;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return 5;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_BOOL:
		return 0;
	}
	return 0;
}

static size_t make(struct feed *feed, const ProtobufCMessageDescriptor *descriptor, uint8_t *out,
		   size_t max, unsigned depth)
{
	struct body body = { out, max };
	unsigned times;
	unsigned i;

	for (i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		/* Most are there. */
		times = feed_u8(feed);
		times = field->label == PROTOBUF_C_LABEL_REPEATED ? times % REPEATS_MAX
								  : (times > 63 ? 1 : 0);
		for (; times > 0; times--) {
			put_varint(&body, (uint64_t)field->id << 3 | form_of(field->type));
			put_value(&body, feed, field, depth);
		}
	}
	return max - body.left;
}

size_t body_make(struct feed *feed, const ProtobufCMessageDescriptor *descriptor,
		 uint8_t out[BODY_MAX])
{
	return make(feed, descriptor, out, BODY_MAX, 0);
}
