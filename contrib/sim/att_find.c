/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/att_find.c - the discovery half of the ATT server; see att.h.
 *
 * All four requests are one walk over the attribute table from a start to an end handle, each with
 * its own idea of what fits and what an entry looks like.
 */
#include "contrib/sim/att.h"

#define UUID16_BYTES  2
#define UUID128_BYTES 16
/* The length byte of Read By Type and Read By Group Type counts the whole entry. */
#define ENTRY_MAX 255

/* 0000xxxx-0000-1000-8000-00805f9b34fb, as it stands on the wire, without the xxxx. */
static const uint8_t base_uuid[] = { 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00,
				     0x00, 0x80, 0x00, 0x10, 0x00, 0x00 };

struct walk {
	struct att *att;
	struct packet *out;
	uint16_t start;
	uint16_t end;
	uint16_t type;	      /* of attributes that are looked for */
	const uint8_t *value; /* Find By Type Value */
	size_t value_bytes;
	size_t entry_bytes; /* all entries of an answer have one length; 0: not known yet */
	size_t entries;
	int error; /* of reading the first entry */
	uint16_t error_handle;
};

/* 0 is no type: a UUID that is none of ours is found nowhere. */
static uint16_t parse_type(const uint8_t *data, size_t len_bytes)
{
	if (len_bytes == UUID16_BYTES)
		return bytes_get16(data);
	if (len_bytes == UUID128_BYTES && memcmp(data, base_uuid, sizeof(base_uuid)) == 0 &&
	    data[14] == 0 && data[15] == 0)
		return bytes_get16(data + sizeof(base_uuid));
	return 0;
}

/* Each returns false when the answer is full or must not go on. */
typedef bool visit_fn(struct walk *walk, const struct model_attr *attr);

static bool has_room(const struct walk *walk, size_t len_bytes)
{
	return walk->out->len_bytes + len_bytes <= walk->att->mtu;
}

static bool visit_info(struct walk *walk, const struct model_attr *attr)
{
	if (!has_room(walk, 4))
		return false;
	packet_put16(walk->out, attr->handle);
	packet_put16(walk->out, attr->type);
	walk->entries++;
	return true;
}

static bool visit_value(struct walk *walk, const struct model_attr *attr)
{
	uint8_t value[MODEL_VALUE_BYTES];
	size_t len;

	if (attr->type != walk->type)
		return true;
	if (model_read(walk->att->device, attr->handle, 0, value, sizeof(value), &len) != 0 ||
	    len != walk->value_bytes || memcmp(value, walk->value, len) != 0)
		return true;
	if (!has_room(walk, 4))
		return false;
	packet_put16(walk->out, attr->handle);
	packet_put16(walk->out, attr->end ? attr->end : attr->handle);
	walk->entries++;
	return true;
}

/* Read By Type and Read By Group Type: handle, group end for groups, value. */
static bool visit_read(struct walk *walk, const struct model_attr *attr)
{
	const bool is_group = walk->out->data[0] == ATT_READ_GROUP_REQUEST + 1;
	const size_t head = is_group ? 4 : 2;
	uint8_t value[ENTRY_MAX];
	size_t room, len;
	int r;

	if (attr->type != walk->type)
		return true;
	room = walk->att->mtu - 2 - head;
	r = model_read(walk->att->device, attr->handle, 0, value,
		       room < ENTRY_MAX - head ? room : ENTRY_MAX - head, &len);
	if (r != MODEL_ATT_OK) {
		walk->error = r;
		walk->error_handle = attr->handle;
		return false;
	}
	if (walk->entry_bytes == 0) {
		walk->entry_bytes = head + len;
		walk->out->data[1] = (uint8_t)walk->entry_bytes;
	}
	if (head + len != walk->entry_bytes || !has_room(walk, head + len))
		return false;
	packet_put16(walk->out, attr->handle);
	if (is_group)
		packet_put16(walk->out, attr->end);
	packet_put(walk->out, value, len);
	walk->entries++;
	return true;
}

static void walk_table(struct walk *walk, visit_fn *visit)
{
	const struct model_kind *kind = walk->att->device->kind;

	for (size_t i = 0; i < kind->attr_count; i++) {
		const struct model_attr *attr = &kind->attrs[i];

		if (attr->handle < walk->start || attr->handle > walk->end)
			continue;
		if (!visit(walk, attr))
			return;
	}
}

static visit_fn *begin(struct walk *walk, const uint8_t *pdu, size_t len_bytes)
{
	packet_put8(walk->out, pdu[0] + 1U);
	switch (pdu[0]) {
	case ATT_FIND_INFO_REQUEST:
		packet_put8(walk->out, 1); /* 16-bit UUIDs */
		return visit_info;
	case ATT_FIND_VALUE_REQUEST:
		walk->type = bytes_get16(pdu + 5);
		walk->value = pdu + 7;
		walk->value_bytes = len_bytes - 7;
		return visit_value;
	default:
		packet_put8(walk->out, 0); /* entry length, filled in by the first */
		walk->type = parse_type(pdu + 5, len_bytes - 5);
		return visit_read;
	}
}

void att_find(struct att *att, const uint8_t *pdu, size_t len_bytes, struct packet *out)
{
	struct walk walk = {
		.att = att,
		.out = out,
		.start = bytes_get16(pdu + 1),
		.end = bytes_get16(pdu + 3),
	};
	visit_fn *visit;

	if (walk.start == 0 || walk.start > walk.end) {
		att_error(out, pdu[0], walk.start, MODEL_ATT_INVALID_HANDLE);
		return;
	}
	visit = begin(&walk, pdu, len_bytes);
	if (pdu[0] == ATT_READ_GROUP_REQUEST && walk.type != MODEL_TYPE_SERVICE) {
		att_error(out, pdu[0], walk.start, ATT_UNSUPPORTED_GROUP);
		return;
	}
	walk_table(&walk, visit);
	if (walk.entries)
		return;
	if (walk.error)
		att_error(out, pdu[0], walk.error_handle, walk.error);
	else
		att_error(out, pdu[0], walk.start, ATT_NOT_FOUND);
}
