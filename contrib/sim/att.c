/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/att.c - reading, writing, long writes, notifications and indications; see att.h.
 *
 * Input is what the kernel under test sends: lengths and handles are checked here, rights and
 * values by the model.
 */
#include "contrib/sim/att.h"

void att_init(struct att *att, struct model_device *device)
{
	att->device = device;
	att->mtu = ATT_MTU_DEFAULT;
	att->mtu_done = false;
	att->is_confirming = false;
	att->indicated_count = 0;
	att->part_count = 0;
	att->prepared_bytes = 0;
}

void att_error(struct packet *out, uint8_t opcode, uint16_t handle, int code)
{
	out->len_bytes = 0;
	packet_put8(out, ATT_ERROR);
	packet_put8(out, opcode);
	packet_put16(out, handle);
	packet_put8(out, (unsigned)code);
}

static void handle_mtu(struct att *att, const uint8_t *pdu, size_t len_bytes _unused_,
		       uint64_t now_ms _unused_, struct packet *out)
{
	const size_t wanted = bytes_get16(pdu + 1);

	packet_put8(out, ATT_MTU_REQUEST + 1);
	packet_put16(out, ATT_MTU_MAX);
	/* Once per link, and it holds from the next PDU on. */
	if (att->mtu_done)
		return;
	att->mtu_done = true;
	att->mtu = wanted < ATT_MTU_MAX ? wanted : ATT_MTU_MAX;
	if (att->mtu < ATT_MTU_DEFAULT)
		att->mtu = ATT_MTU_DEFAULT;
}

static void read_at(struct att *att, uint8_t opcode, uint16_t handle, uint16_t offset,
		    struct packet *out)
{
	uint8_t value[ATT_MTU_MAX];
	size_t len;
	int r;

	r = model_read(att->device, handle, offset, value, att->mtu - 1, &len);
	if (r != MODEL_ATT_OK) {
		att_error(out, opcode, handle, r);
		return;
	}
	packet_put8(out, opcode + 1U);
	packet_put(out, value, len);
}

static void handle_read(struct att *att, const uint8_t *pdu, size_t len_bytes _unused_,
			uint64_t now_ms _unused_, struct packet *out)
{
	read_at(att, pdu[0], bytes_get16(pdu + 1), 0, out);
}

static void handle_read_blob(struct att *att, const uint8_t *pdu, size_t len_bytes _unused_,
			     uint64_t now_ms _unused_, struct packet *out)
{
	read_at(att, pdu[0], bytes_get16(pdu + 1), bytes_get16(pdu + 3), out);
}

static void handle_read_multiple(struct att *att, const uint8_t *pdu, size_t len_bytes,
				 uint64_t now_ms _unused_, struct packet *out)
{
	uint8_t value[ATT_MTU_MAX];
	size_t len;
	int r;

	packet_put8(out, ATT_READ_MULTIPLE_REQUEST + 1);
	for (size_t at = 1; at + 1 < len_bytes; at += 2) {
		const size_t room = att->mtu - out->len_bytes;

		r = model_read(att->device, bytes_get16(pdu + at), 0, value, room, &len);
		if (r != MODEL_ATT_OK) {
			att_error(out, pdu[0], bytes_get16(pdu + at), r);
			return;
		}
		packet_put(out, value, len);
	}
}

static void handle_write(struct att *att, const uint8_t *pdu, size_t len_bytes, uint64_t now_ms,
			 struct packet *out)
{
	const uint16_t handle = bytes_get16(pdu + 1);
	const bool is_command = pdu[0] == ATT_WRITE_COMMAND;
	int r;

	r = model_write(att->device, handle, 0, pdu + 3, len_bytes - 3,
			is_command ? MODEL_WRITE_COMMAND : MODEL_WRITE_REQUEST, now_ms);
	if (is_command)
		return;
	if (r != MODEL_ATT_OK)
		att_error(out, pdu[0], handle, r);
	else
		packet_put8(out, ATT_WRITE_REQUEST + 1);
}

/* Rights are checked now, offsets and lengths when it is executed, as the standard allows. */
static int prepare(struct att *att, uint16_t handle, uint16_t offset, const uint8_t *data,
		   size_t len_bytes)
{
	const struct model_attr *attr = model_attr(att->device, handle);

	if (!attr)
		return MODEL_ATT_INVALID_HANDLE;
	if (!attr->written || !(attr->props & MODEL_PROP_WRITE))
		return MODEL_ATT_WRITE_NOT_PERMITTED;
	if (att->part_count == ATT_PREPARED_MAX ||
	    len_bytes > sizeof(att->prepared_data) - att->prepared_bytes)
		return ATT_QUEUE_FULL;

	att->parts[att->part_count++] = (struct att_part){
		.handle = handle,
		.offset = offset,
		.at = (uint16_t)att->prepared_bytes,
		.len_bytes = (uint16_t)len_bytes,
	};
	if (len_bytes)
		memcpy(att->prepared_data + att->prepared_bytes, data, len_bytes);
	att->prepared_bytes += len_bytes;
	return MODEL_ATT_OK;
}

static void handle_prepare(struct att *att, const uint8_t *pdu, size_t len_bytes,
			   uint64_t now_ms _unused_, struct packet *out)
{
	const uint16_t handle = bytes_get16(pdu + 1);
	int r;

	r = prepare(att, handle, bytes_get16(pdu + 3), pdu + 5, len_bytes - 5);
	if (r != MODEL_ATT_OK) {
		att_error(out, pdu[0], handle, r);
		return;
	}
	packet_put8(out, ATT_PREPARE_REQUEST + 1);
	packet_put(out, pdu + 1, len_bytes - 1);
}

/* Parts that follow each other are one write: the model sees, and counts, what the client meant. */
static int execute(struct att *att, uint64_t now_ms, uint16_t *out_handle)
{
	size_t i = 0;
	int r;

	while (i < att->part_count) {
		const struct att_part *first = &att->parts[i];
		size_t len = first->len_bytes;

		for (i++; i < att->part_count && att->parts[i].handle == first->handle &&
			  att->parts[i].offset == first->offset + len;
		     i++)
			len += att->parts[i].len_bytes;
		*out_handle = first->handle;
		r = model_write(att->device, first->handle, first->offset,
				att->prepared_data + first->at, len, MODEL_WRITE_REQUEST, now_ms);
		if (r != MODEL_ATT_OK)
			return r;
	}
	return MODEL_ATT_OK;
}

static void handle_execute(struct att *att, const uint8_t *pdu, size_t len_bytes _unused_,
			   uint64_t now_ms, struct packet *out)
{
	uint16_t handle = 0;
	int r = MODEL_ATT_OK;

	if (pdu[1] > 1)
		r = ATT_INVALID_PDU;
	else if (pdu[1] == 1)
		r = execute(att, now_ms, &handle);
	att->part_count = 0;
	att->prepared_bytes = 0;
	if (r != MODEL_ATT_OK)
		att_error(out, pdu[0], handle, r);
	else
		packet_put8(out, ATT_EXECUTE_REQUEST + 1);
}

static void put_emission(const struct att *att, const struct model_emission *emission,
			 struct packet *out)
{
	const size_t room = att->mtu - 3;

	packet_put8(out, emission->indicate ? ATT_INDICATION : ATT_NOTIFICATION);
	packet_put16(out, emission->attr->handle);
	packet_put(out, emission->data, emission->len_bytes < room ? emission->len_bytes : room);
}

static void handle_confirmation(struct att *att, const uint8_t *pdu _unused_,
				size_t len_bytes _unused_, uint64_t now_ms _unused_,
				struct packet *out)
{
	att->is_confirming = att->indicated_count > 0;
	if (!att->is_confirming)
		return;
	put_emission(att, &att->indicated[0], out);
	att->indicated_count--;
	memmove(&att->indicated[0], &att->indicated[1],
		att->indicated_count * sizeof(att->indicated[0]));
}

int att_emission(struct att *att, const struct model_emission *emission, struct packet *out)
{
	if (emission->indicate && att->is_confirming) {
		/* att_emit() keeps a place free; only a burst can find none, and is cut. */
		if (att->indicated_count < ATT_INDICATED_MAX)
			att->indicated[att->indicated_count++] = *emission;
		return 0;
	}
	att->is_confirming |= emission->indicate;
	put_emission(att, emission, out);
	return 1;
}

int att_emit(struct att *att, uint64_t now_ms, struct packet *out)
{
	struct model_emission emission;

	/* What the model hands out counts as sent, so it is not asked while one could not be kept.
	 */
	while (att->indicated_count < ATT_INDICATED_MAX) {
		if (model_emit(att->device, now_ms, &emission) == 0)
			return 0;
		if (att_emission(att, &emission, out) == 1)
			return 1;
	}
	return 0;
}

uint64_t att_next_emit_at_ms(const struct att *att)
{
	if (att->indicated_count == ATT_INDICATED_MAX)
		return MODEL_NEVER_MS;
	return model_next_emit_at_ms(att->device);
}

static void handle_find(struct att *att, const uint8_t *pdu, size_t len_bytes,
			uint64_t now_ms _unused_, struct packet *out)
{
	att_find(att, pdu, len_bytes, out);
}

/* min and max: lengths of the whole PDU; 0: up to the MTU. */
static const struct {
	uint8_t opcode;
	uint8_t min_bytes;
	uint8_t max_bytes;
	void (*run)(struct att *att, const uint8_t *pdu, size_t len_bytes, uint64_t now_ms,
		    struct packet *out);
} handlers[] = {
	{ ATT_MTU_REQUEST, 3, 3, handle_mtu },
	{ ATT_FIND_INFO_REQUEST, 5, 5, handle_find },
	{ ATT_FIND_VALUE_REQUEST, 7, 0, handle_find },
	{ ATT_READ_TYPE_REQUEST, 7, 21, handle_find },
	{ ATT_READ_GROUP_REQUEST, 7, 21, handle_find },
	{ ATT_READ_REQUEST, 3, 3, handle_read },
	{ ATT_READ_BLOB_REQUEST, 5, 5, handle_read_blob },
	{ ATT_READ_MULTIPLE_REQUEST, 5, 0, handle_read_multiple },
	{ ATT_WRITE_REQUEST, 3, 0, handle_write },
	{ ATT_WRITE_COMMAND, 3, 0, handle_write },
	{ ATT_PREPARE_REQUEST, 5, 0, handle_prepare },
	{ ATT_EXECUTE_REQUEST, 2, 2, handle_execute },
	{ ATT_CONFIRMATION, 1, 1, handle_confirmation },
};

/* Only requests are answered with errors: they are even below 0x1e, or have an unknown number. */
static bool wants_answer(uint8_t opcode)
{
	return !(opcode & 0x40) && opcode != ATT_CONFIRMATION && !(opcode & 1);
}

void att_handle(struct att *att, const uint8_t *pdu, size_t len_bytes, uint64_t now_ms,
		struct packet *out)
{
	if (len_bytes == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		const size_t max = handlers[i].max_bytes ? handlers[i].max_bytes : att->mtu;

		if (handlers[i].opcode != pdu[0])
			continue;
		if (len_bytes >= handlers[i].min_bytes && len_bytes <= max)
			handlers[i].run(att, pdu, len_bytes, now_ms, out);
		else if (wants_answer(pdu[0]))
			att_error(out, pdu[0], 0, ATT_INVALID_PDU);
		return;
	}
	if (wants_answer(pdu[0]))
		att_error(out, pdu[0], 0, ATT_NOT_SUPPORTED);
}
