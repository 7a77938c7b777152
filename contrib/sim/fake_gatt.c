/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_gatt.c - what bluetoothd knows of a device's GATT, and requests to the
 * peripheral with all that can happen to them: they take their time, fail, or are never answered.
 *
 * Owned by the device from its first link on; the methods are in fake_gatt_dbus.c.
 */
#include "contrib/sim/fake_gatt.h"

#include <string.h>

static struct fake *fake_of(const struct fake_device *device)
{
	return device->adapter->fake;
}

/* GAP is used by bluetoothd itself, which does not export what one of its plugins claims. */
bool fake_gatt_claimed(const struct model_attr *service)
{
	return service->uuid == 0x1800;
}

const struct model_attr *fake_value_row(const struct fake_object *object)
{
	return object->kind == FAKE_CHARACTERISTIC ? object->attr + 1 : object->attr;
}

struct fake_value *fake_value_of(struct fake_device *device, const struct model_attr *row)
{
	return &device->gatt->values[row - device->model->kind->attrs];
}

/* --- requests --- */

int fake_op_new(struct fake_op **out, struct fake_device *device, const struct model_attr *attr,
		enum fake_op_kind kind, sd_bus_message *m)
{
	struct fake_op *op = calloc(1, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->device = device;
	op->attr = attr;
	op->kind = kind;
	fake_calls_add(&op->calls, m);
	op->next = device->gatt->ops;
	device->gatt->ops = op;
	*out = op;
	return 0;
}

void fake_op_free(struct fake_op *op)
{
	struct fake_value *value = fake_value_of(op->device, op->attr);
	struct fake_op **link = &op->device->gatt->ops;

	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
	if (value->reading == op)
		value->reading = NULL;
	if (value->writing == op)
		value->writing = NULL;
	fake_disarm(&op->timer);
	fake_calls_clear(&op->calls);
	free(op->data);
	free(op);
}

static void answer_read(struct fake_op *op, sd_bus_message *call)
{
	const struct model_buffer *value = fake_value_of(op->device, op->attr)->cached;
	sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_append_array(reply, 'y', value->data + op->offset,
						value->len_bytes - op->offset);
	if (r < 0)
		reply = sd_bus_message_unref(reply);
	if (reply)
		fake_answer(fake_of(op->device), call, reply);
}

void fake_op_finish(struct fake_op *op, int att)
{
	struct fake *fake = fake_of(op->device);

	if (att && op->listener)
		fake_listener_remove(op->device, op->attr, op->listener);
	if (!att && op->kind == FAKE_OP_ACQUIRE) {
		fake_acquired(op);
		fake_op_free(op);
		return;
	}
	for (size_t i = 0; i < op->calls.count; i++) {
		if (att)
			(void)fake_fail_att(fake, op->calls.messages[i], att);
		else if (op->kind == FAKE_OP_READ)
			answer_read(op, op->calls.messages[i]);
		else
			(void)fake_ok(fake, op->calls.messages[i]);
	}
	fake_op_free(op);
}

/* ATT gives up: so do all requests, and the link goes a little later. */
static int on_att_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	const struct fake_op *op = userdata;
	struct fake_device *device = op->device;

	while (device->gatt->ops)
		fake_op_finish(device->gatt->ops, MODEL_ATT_UNLIKELY);
	if (!device->adapter->hung && device->dead != FAKE_STUCK)
		fake_link_drop_later(device, FAKE_KERNEL_DROP_MS);
	return 0;
}

static int do_read(struct fake_op *op)
{
	uint8_t data[MODEL_VALUE_BYTES];
	size_t len_bytes = 0;
	int att;

	att = model_read(op->device->model, op->attr->handle, op->offset, data, sizeof(data),
			 &len_bytes);
	if (att == MODEL_ATT_OK)
		fake_value_changed(op->device, op->attr, op->offset, data, len_bytes);
	return att;
}

static int do_op(struct fake_op *op)
{
	switch (op->kind) {
	case FAKE_OP_READ:
		return do_read(op);
	case FAKE_OP_WRITE:
		return model_write(op->device->model, op->attr->handle, op->offset, op->data,
				   op->len_bytes, MODEL_WRITE_REQUEST, fake_now_ms());
	case FAKE_OP_SUBSCRIBE:
	case FAKE_OP_ACQUIRE:
		return fake_subscribe(op);
	}
	return MODEL_ATT_UNLIKELY;
}

/* Nothing comes back from there. */
bool fake_is_deaf(const struct fake_device *device)
{
	return device->adapter->hung || device->dead != FAKE_ALIVE ||
	       device->model->mute == MODEL_MUTE_ON;
}

static void carry_out(struct fake_op *op)
{
	struct fake *fake = fake_of(op->device);
	int att;

	if (fake_is_deaf(op->device)) {
		fake_arm(fake, &op->timer, fake->options.att_timeout_ms, on_att_timeout, op);
		return;
	}
	if (op->device->model->mute == MODEL_MUTE_REPLIES) {
		/* A read has no effect that anybody could see, so it is not even made. */
		if (op->kind == FAKE_OP_WRITE)
			(void)do_op(op);
		op->done = true;
		fake_arm(fake, &op->timer, fake->options.att_timeout_ms, on_att_timeout, op);
		return;
	}
	att = do_op(op);
	fake_op_finish(op, att);
}

static int on_op(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_op *op = userdata;

	fake_disarm(&op->timer);
	carry_out(op);
	return 0;
}

void fake_op_start(struct fake_op *op)
{
	struct fake_gatt *gatt = op->device->gatt;
	struct fake *fake = fake_of(op->device);
	uint64_t now_ms;

	/* A socket is handed out only when all services are known: fake_gatt_resolved(). */
	if (op->kind == FAKE_OP_ACQUIRE && !op->device->resolved)
		return;
	if (!fake->options.gatt_ms) {
		carry_out(op);
		return;
	}
	now_ms = fake_now_ms();
	if (gatt->busy_until_ms < now_ms)
		gatt->busy_until_ms = now_ms;
	gatt->busy_until_ms += fake->options.gatt_ms;
	fake_arm(fake, &op->timer, gatt->busy_until_ms - now_ms, on_op, op);
}

void fake_value_changed(struct fake_device *device, const struct model_attr *row, size_t offset,
			const uint8_t *data, size_t len_bytes)
{
	struct fake_value *value = fake_value_of(device, row);
	struct fake_object object;

	if (!value->cached)
		value->cached = calloc(1, sizeof(*value->cached));
	if (!value->cached || offset + len_bytes > MODEL_VALUE_BYTES)
		return;
	if (len_bytes)
		memcpy(value->cached->data + offset, data, len_bytes);
	value->cached->len_bytes = offset + len_bytes;
	/* The row above a value is the declaration, which is what has a path. */
	if (row->props) {
		object = fake_attr_object(device, row - 1);
		FAKE_CHANGED(&object, &fake_characteristic1, "Value");
		return;
	}
	object = fake_attr_object(device, row);
	FAKE_CHANGED(&object, &fake_descriptor1, "Value");
}

/* --- a device's GATT as a whole --- */

int fake_gatt_ready(struct fake_device *device)
{
	const size_t count = device->model->kind->attr_count;
	struct fake *fake = fake_of(device);
	struct fake_gatt *gatt;

	if (device->gatt)
		return 0;
	gatt = calloc(1, sizeof(*gatt) + count * sizeof(gatt->values[0]));
	if (!gatt)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		gatt->values[i].notify.fd = gatt->values[i].write.fd = -EBADF;
	gatt->device = device;
	gatt->next = fake->gatts;
	fake->gatts = gatt;
	device->gatt = gatt;
	return 0;
}

void fake_gatt_down(struct fake_device *device)
{
	if (!device->gatt)
		return;
	while (device->gatt->ops)
		fake_op_finish(device->gatt->ops, MODEL_ATT_UNLIKELY);
	fake_notify_down(device);
}

void fake_gatt_free(struct fake_device *device)
{
	struct fake_gatt *gatt = device->gatt, **link;

	if (!gatt)
		return;
	while (gatt->ops)
		fake_op_free(gatt->ops);
	fake_notify_free(device);
	for (size_t i = 0; i < device->model->kind->attr_count; i++)
		free(gatt->values[i].cached);
	link = &fake_of(device)->gatts;
	while (*link != gatt)
		link = &(*link)->next;
	*link = gatt->next;
	free(gatt);
	device->gatt = NULL;
}
