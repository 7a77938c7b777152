/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_notify.c - who gets notifications, by signal or by socket, and their sending.
 *
 * Owns listeners, sockets and the notification timer of a device. As in bluetoothd: sessions by
 * StartNotify survive the link and are subscribed again with the next one; AcquireNotify wants the
 * characteristic alone, and what does not fit its socket is lost.
 */
#include "contrib/sim/fake_gatt.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static struct fake *fake_of(const struct fake_device *device)
{
	return device->adapter->fake;
}

static struct fake_object object_of(struct fake_device *device, const struct model_attr *row)
{
	return fake_attr_object(device, row - 1);
}

static bool has_active(const struct fake_value *value)
{
	for (const struct fake_listener *l = value->listeners; l; l = l->next) {
		if (l->active)
			return true;
	}
	return false;
}

static struct fake_listener *find_listener(struct fake_value *value, const char *sender)
{
	struct fake_listener *listener = value->listeners;

	while (listener && strcmp(listener->sender, sender) != 0)
		listener = listener->next;
	return listener;
}

static struct fake_listener *make_listener(struct fake_value *value, const char *sender)
{
	struct fake_listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return NULL;
	(void)snprintf(listener->sender, sizeof(listener->sender), "%s", sender);
	listener->next = value->listeners;
	value->listeners = listener;
	return listener;
}

/* --- notifications --- */

static void send_by_socket(struct fake_device *device, const struct fake_value *value,
			   const struct model_emission *emission)
{
	ssize_t n;

	n = send(value->notify.fd, emission->data, emission->len_bytes,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		device->model->counters.dropped++;
}

/* One signal per listener: that is how often the real one sends it (from its source). */
static void deliver(struct fake_device *device, const struct model_emission *emission)
{
	struct fake_value *value = fake_value_of(device, emission->attr);

	for (const struct fake_listener *l = value->listeners; l; l = l->next) {
		if (!l->active)
			continue;
		if (l->acquired)
			send_by_socket(device, value, emission);
		else
			fake_value_changed(device, emission->attr, 0, emission->data,
					   emission->len_bytes);
	}
}

static int on_notify(sd_event_source *source, uint64_t usec, void *userdata);

static void arm(struct fake_device *device)
{
	struct fake_gatt *gatt = device->gatt;
	const uint64_t next_at_ms = model_next_emit_at_ms(device->model);

	if (next_at_ms == MODEL_NEVER_MS) {
		fake_disarm(&gatt->notify_timer);
		return;
	}
	if (!gatt->notify_timer) {
		fake_arm(fake_of(device), &gatt->notify_timer, 0, on_notify, device);
		if (!gatt->notify_timer)
			return;
	}
	(void)sd_event_source_set_time(gatt->notify_timer, next_at_ms * 1000);
	(void)sd_event_source_set_enabled(gatt->notify_timer, SD_EVENT_ONESHOT);
}

static int on_notify(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_device *device = userdata;
	struct model_emission emission;
	/* A peripheral that nobody hears goes on counting only when it is heard again. */
	const bool lost = fake_is_deaf(device) || device->model->mute != MODEL_MUTE_OFF ||
			  fake_of(device)->hung;

	if (lost) {
		const uint64_t wait_ms = model_config(device->model->model)->notify_ms;

		(void)sd_event_source_set_time(device->gatt->notify_timer,
					       (fake_now_ms() + wait_ms) * 1000);
		(void)sd_event_source_set_enabled(device->gatt->notify_timer, SD_EVENT_ONESHOT);
		return 0;
	}
	while (model_emit(device->model, fake_now_ms(), &emission) > 0)
		deliver(device, &emission);
	arm(device);
	return 0;
}

void fake_gatt_burst(struct fake_device *device, uint16_t handle, uint64_t count)
{
	struct model_emission emission;

	for (uint64_t i = 0; i < count; i++) {
		if (model_emit_now(device->model, handle, &emission) == 0)
			return;
		deliver(device, &emission);
	}
}

/* --- subscriptions --- */

static int write_cccd(struct fake_device *device, const struct model_attr *row, bool on)
{
	const uint8_t bits = !on ? 0 : row->props & MODEL_PROP_NOTIFY ? 1 : 2;
	const uint8_t data[2] = { bits, 0 };
	int att;

	att = model_write(device->model, (uint16_t)(row->handle + 1), 0, data, sizeof(data),
			  MODEL_WRITE_REQUEST, fake_now_ms());
	arm(device);
	return att;
}

/* Nobody is left: the peripheral is told to stop, if it can still hear. */
static void unsubscribe(struct fake_device *device, const struct model_attr *row)
{
	struct fake_value *value = fake_value_of(device, row);
	struct fake_object object = object_of(device, row);

	if (has_active(value))
		return;
	if (device->connected && !fake_is_deaf(device))
		(void)write_cccd(device, row, false);
	if (!value->notifying)
		return;
	value->notifying = false;
	FAKE_CHANGED(&object, &fake_characteristic1, "Notifying");
}

void fake_listener_remove(struct fake_device *device, const struct model_attr *row,
			  struct fake_listener *listener)
{
	struct fake_value *value = fake_value_of(device, row);
	struct fake_listener **link = &value->listeners;
	const bool active = listener->active;

	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
	/* A request of its own must not come back to it. */
	for (struct fake_op *op = device->gatt->ops; op; op = op->next) {
		if (op->listener == listener)
			op->listener = NULL;
	}
	free(listener);
	if (active)
		unsubscribe(device, row);
}

static void announce_notifying(struct fake_device *device, const struct model_attr *row)
{
	struct fake_value *value = fake_value_of(device, row);
	struct fake_object object = object_of(device, row);

	if (value->notifying)
		return;
	value->notifying = true;
	FAKE_CHANGED(&object, &fake_characteristic1, "Notifying");
}

int fake_subscribe(struct fake_op *op)
{
	struct fake_value *value = fake_value_of(op->device, op->attr);
	int att = MODEL_ATT_OK;

	/* Its sender has left meanwhile. */
	if (!op->listener)
		return MODEL_ATT_UNLIKELY;
	if (!has_active(value))
		att = write_cccd(op->device, op->attr, true);
	if (att != MODEL_ATT_OK)
		return att;
	op->listener->active = true;
	if (!op->listener->acquired)
		announce_notifying(op->device, op->attr);
	return MODEL_ATT_OK;
}

int fake_start_notify(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_attr *row = object->attr + 1;
	struct fake_device *device = object->device;
	struct fake_value *value = fake_value_of(device, row);
	const char *sender = sd_bus_message_get_sender(m);
	struct fake_listener *listener;
	struct fake_op *op;

	if (device->connected && device->down_timer)
		return fake_fail(object->fake, m, "NotConnected", "Not Connected");
	if (value->notify.fd >= 0)
		return fake_fail(object->fake, m, "NotPermitted", "Notify acquired");
	if (!(row->props & (MODEL_PROP_NOTIFY | MODEL_PROP_INDICATE)))
		return fake_fail(object->fake, m, "NotSupported", "Operation is not supported");
	listener = find_listener(value, sender);
	if (listener && listener->active)
		return fake_ok(object->fake, m);
	if (listener)
		return fake_fail(object->fake, m, "InProgress", "In Progress");
	listener = make_listener(value, sender);
	if (!listener)
		return -ENOMEM;
	/* Without a link it is a wish, which the next link fulfils. */
	listener->active = device->connected && has_active(value);
	if (!device->connected || listener->active)
		return fake_ok(object->fake, m);
	if (fake_op_new(&op, device, row, FAKE_OP_SUBSCRIBE, m) < 0)
		return -ENOMEM;
	op->listener = listener;
	fake_op_start(op);
	return 0;
}

int fake_stop_notify(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_attr *row = object->attr + 1;
	struct fake_value *value = fake_value_of(object->device, row);
	struct fake_listener *listener;

	/* Anybody's StopNotify closes the socket of whoever acquired it: so does the real one. */
	if (value->notify.fd >= 0) {
		fake_socket_close(object->device, row, &value->notify);
		return fake_ok(object->fake, m);
	}
	listener = find_listener(value, sd_bus_message_get_sender(m));
	if (!listener)
		return fake_fail(object->fake, m, "Failed", "No notify session started");
	fake_listener_remove(object->device, row, listener);
	return fake_ok(object->fake, m);
}

/* --- sockets --- */

void fake_acquired(struct fake_op *op)
{
	struct fake_object object = object_of(op->device, op->attr);
	struct fake_value *value = fake_value_of(op->device, op->attr);
	sd_bus_message *call = op->calls.messages[0];

	if (fake_socket_open(&object, call, &value->notify, "NotifyAcquired") < 0) {
		(void)fake_fail(fake_of(op->device), call, "Failed", "Input/output error");
		fake_listener_remove(op->device, op->attr, op->listener);
	}
}

int fake_acquire_notify(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_attr *row = object->attr + 1;
	struct fake_value *value = fake_value_of(object->device, row);
	struct fake_op *op;

	if (!object->device->connected)
		return fake_fail(object->fake, m, "Failed", "Not connected");
	if (value->notify.fd >= 0)
		return fake_fail(object->fake, m, "NotPermitted", "Notify acquired");
	if (value->listeners)
		return fake_fail(object->fake, m, "InProgress", "In Progress");
	if (!(row->props & MODEL_PROP_NOTIFY))
		return fake_fail(object->fake, m, "NotSupported", "Operation is not supported");
	if (fake_op_new(&op, object->device, row, FAKE_OP_ACQUIRE, m) < 0)
		return -ENOMEM;
	op->listener = make_listener(value, sd_bus_message_get_sender(m));
	if (!op->listener) {
		fake_op_free(op);
		return -ENOMEM;
	}
	op->listener->acquired = true;
	fake_op_start(op);
	return 0;
}

/* --- the link and the senders come and go --- */

void fake_gatt_resolved(struct fake_device *device)
{
	const struct model_kind *kind = device->model->kind;
	struct fake_op *next;

	for (struct fake_op *op = device->gatt->ops; op; op = next) {
		next = op->next;
		if (op->kind == FAKE_OP_ACQUIRE && !op->timer)
			fake_op_start(op);
	}
	for (size_t i = 0; i < kind->attr_count; i++) {
		struct fake_value *value = &device->gatt->values[i];

		if (!value->listeners || has_active(value))
			continue;
		if (write_cccd(device, &kind->attrs[i], true) != MODEL_ATT_OK)
			continue;
		for (struct fake_listener *l = value->listeners; l; l = l->next)
			l->active = true;
		announce_notifying(device, &kind->attrs[i]);
	}
}

void fake_notify_down(struct fake_device *device)
{
	const struct model_kind *kind = device->model->kind;

	fake_disarm(&device->gatt->notify_timer);
	device->leftover = FAKE_LEFTOVER_NONE;
	for (size_t i = 0; i < kind->attr_count; i++) {
		struct fake_value *value = &device->gatt->values[i];

		for (struct fake_listener *l = value->listeners; l; l = l->next)
			l->active = false;
		fake_socket_close(device, &kind->attrs[i], &value->notify);
		fake_socket_close(device, &kind->attrs[i], &value->write);
	}
}

void fake_notify_free(struct fake_device *device)
{
	fake_notify_down(device);
	for (size_t i = 0; i < device->model->kind->attr_count; i++) {
		struct fake_value *value = &device->gatt->values[i];

		while (value->listeners) {
			struct fake_listener *listener = value->listeners;

			value->listeners = listener->next;
			free(listener);
		}
	}
}

static bool is_under_way(const struct fake_device *device, const struct fake_listener *listener)
{
	const struct fake_op *op = device->gatt->ops;

	while (op && op->listener != listener)
		op = op->next;
	return op != NULL;
}

static void drop_listener(struct fake_device *device, size_t index, const char *sender)
{
	struct fake_value *value = &device->gatt->values[index];
	const struct model_attr *row = &device->model->kind->attrs[index];
	struct fake_listener *listener = find_listener(value, sender);

	if (!listener)
		return;
	/* Its socket goes too: nobody is there to close it properly. */
	if (listener->acquired && value->notify.fd >= 0)
		fake_socket_close(device, row, &value->notify);
	else if (!listener->acquired && is_under_way(device, listener))
		listener->sender[0] = '\0';
	else
		fake_listener_remove(device, row, listener);
}

void fake_gatt_sender_gone(struct fake *fake, const char *sender)
{
	for (struct fake_gatt *gatt = fake->gatts; gatt; gatt = gatt->next) {
		for (size_t i = 0; i < gatt->device->model->kind->attr_count; i++) {
			if (gatt->values[i].listeners)
				drop_listener(gatt->device, i, sender);
		}
	}
}
