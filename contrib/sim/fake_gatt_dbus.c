/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_gatt_dbus.c - GattService1, GattCharacteristic1, GattDescriptor1: methods and
 * tables over what fake_gatt.c keeps.
 *
 * As in bluetoothd: reads of one value at the same offset share a request, a second write does not
 * wait but fails, and whoever reads tells everybody (PropertiesChanged of Value).
 */
#include "contrib/sim/fake_gatt.h"

#include <string.h>
#include <strings.h>

struct options {
	uint16_t offset;
	char type[16];
};

static int parse_option(sd_bus_message *m, struct options *out)
{
	const char *key, *contents, *text;
	char type;
	int r;

	r = sd_bus_message_read_basic(m, 's', &key);
	if (r < 0)
		return r;
	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	if (strcasecmp(key, "offset") == 0)
		return sd_bus_message_read(m, "v", "q", &out->offset);
	if (strcasecmp(key, "type") == 0) {
		r = sd_bus_message_read(m, "v", "s", &text);
		if (r < 0 || strlen(text) >= sizeof(out->type))
			return -EINVAL;
		memcpy(out->type, text, strlen(text) + 1);
		return 0;
	}
	return sd_bus_message_skip(m, "v");
}

static int parse_options(sd_bus_message *m, struct options *out)
{
	int r;

	*out = (struct options){ 0 };
	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = parse_option(m, out);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? -EINVAL : 0;
}

static int invalid(struct fake *fake, sd_bus_message *m)
{
	return fake_fail(fake, m, "InvalidArguments", "Invalid arguments in method call");
}

static int busy(const struct fake_object *object, sd_bus_message *m)
{
	object->device->model->counters.busy++;
	return fake_fail(object->fake, m, "InProgress", "In Progress");
}

static int read_value(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_attr *row = fake_value_row(object);
	struct fake_device *device = object->device;
	struct options options;
	struct fake_value *value;
	struct fake_op *op;

	if (!device->connected)
		return fake_fail(object->fake, m, "Failed", "Not connected");
	if (parse_options(m, &options) < 0)
		return invalid(object->fake, m);
	value = fake_value_of(device, row);
	if (value->reading && value->reading->offset != options.offset)
		return busy(object, m);
	if (value->reading) {
		fake_calls_add(&value->reading->calls, m);
		return 0;
	}
	if (fake_op_new(&op, device, row, FAKE_OP_READ, m) < 0)
		return -ENOMEM;
	op->offset = options.offset;
	value->reading = op;
	fake_op_start(op);
	return 0;
}

static int start_write(const struct fake_object *object, sd_bus_message *m,
		       const struct options *options, const void *data, size_t len_bytes)
{
	const struct model_attr *row = fake_value_row(object);
	struct fake_op *op;

	if (fake_op_new(&op, object->device, row, FAKE_OP_WRITE, m) < 0)
		return -ENOMEM;
	op->offset = options->offset;
	op->data = malloc(len_bytes + 1);
	if (!op->data) {
		fake_op_free(op);
		return -ENOMEM;
	}
	if (len_bytes)
		memcpy(op->data, data, len_bytes);
	op->len_bytes = len_bytes;
	fake_value_of(object->device, row)->writing = op;
	fake_op_start(op);
	return 0;
}

static int write_value(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_attr *row = fake_value_row(object);
	struct fake_device *device = object->device;
	struct options options;
	struct fake_value *value;
	const void *data;
	size_t len_bytes;

	if (!device->connected)
		return fake_fail(object->fake, m, "Failed", "Not connected");
	value = fake_value_of(device, row);
	if (value->write.fd >= 0)
		return fake_fail(object->fake, m, "NotPermitted", "Write acquired");
	if (value->writing)
		return busy(object, m);
	if (sd_bus_message_read_array(m, 'y', &data, &len_bytes) < 0 ||
	    parse_options(m, &options) < 0)
		return invalid(object->fake, m);
	if (row->type == MODEL_TYPE_CCCD)
		return fake_fail(object->fake, m, "NotPermitted", "Write not permitted");
	if (object->kind == FAKE_DESCRIPTOR || strcasecmp(options.type, "request") == 0 ||
	    strcasecmp(options.type, "reliable") == 0 ||
	    (!options.type[0] && row->props & MODEL_PROP_WRITE))
		return start_write(object, m, &options, data, len_bytes);

	if (options.offset || (options.type[0] && strcasecmp(options.type, "command") != 0) ||
	    (!options.type[0] && !(row->props & MODEL_PROP_COMMAND)))
		return fake_fail(object->fake, m, "NotSupported", "Operation is not supported");
	if (len_bytes > FAKE_ATT_MTU - 3)
		return fake_fail(object->fake, m, "Failed", "Failed to initiate write");
	if (!fake_is_deaf(device))
		(void)!model_write(device->model, row->handle, 0, data, len_bytes,
				   MODEL_WRITE_COMMAND, fake_now_ms());
	return fake_ok(object->fake, m);
}

/* --- the tables --- */

static int get_uuid(sd_bus_message *m, const struct fake_object *object)
{
	return fake_append_uuid(m, object->kind == FAKE_DESCRIPTOR ? object->attr->type
								   : object->attr->uuid);
}

static int append_parent(sd_bus_message *m, const struct fake_object *object)
{
	char path[FAKE_PATH_CHARS];

	fake_path(object, path);
	*strrchr(path, '/') = '\0';
	return sd_bus_message_append_basic(m, 'o', path);
}

static int get_primary(sd_bus_message *m, const struct fake_object *object _unused_)
{
	const int primary = true;

	return sd_bus_message_append_basic(m, 'b', &primary);
}

static int get_includes(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append(m, "ao", 0);
}

/* There from the start, and empty until something was read or notified. */
static int get_value(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_buffer *value =
		fake_value_of(object->device, fake_value_row(object))->cached;

	return sd_bus_message_append_array(m, 'y', value ? value->data : NULL,
					   value ? value->len_bytes : 0);
}

static bool can_notify(const struct fake_object *object)
{
	return object->attr->props & (MODEL_PROP_NOTIFY | MODEL_PROP_INDICATE);
}

static int append_bool(sd_bus_message *m, bool value)
{
	const int number = value;

	return sd_bus_message_append_basic(m, 'b', &number);
}

static int get_notifying(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, fake_value_of(object->device, object->attr + 1)->notifying);
}

static int get_flags(sd_bus_message *m, const struct fake_object *object)
{
	static const struct {
		uint8_t prop;
		const char *name;
	} rows[] = {
		{ MODEL_PROP_READ, "read" },
		{ MODEL_PROP_COMMAND, "write-without-response" },
		{ MODEL_PROP_WRITE, "write" },
		{ MODEL_PROP_NOTIFY, "notify" },
		{ MODEL_PROP_INDICATE, "indicate" },
	};
	int r;

	r = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(rows); i++) {
		if (object->attr->props & rows[i].prop)
			r = sd_bus_message_append_basic(m, 's', rows[i].name);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static bool can_acquire_write(const struct fake_object *object)
{
	return object->attr->props & MODEL_PROP_COMMAND;
}

static int get_write_acquired(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, fake_value_of(object->device, object->attr + 1)->write.fd >= 0);
}

static bool can_acquire_notify(const struct fake_object *object)
{
	return object->attr->props & MODEL_PROP_NOTIFY;
}

static int get_notify_acquired(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, fake_value_of(object->device, object->attr + 1)->notify.fd >= 0);
}

static bool has_mtu(const struct fake_object *object)
{
	return object->device->connected;
}

static int get_mtu(sd_bus_message *m, const struct fake_object *object _unused_)
{
	const uint16_t mtu = FAKE_ATT_MTU;

	return sd_bus_message_append_basic(m, 'q', &mtu);
}

static const struct fake_property service_properties[] = {
	{ "UUID", "s", get_uuid, NULL, NULL },
	{ "Device", "o", append_parent, NULL, NULL },
	{ "Primary", "b", get_primary, NULL, NULL },
	{ "Includes", "ao", get_includes, NULL, NULL },
};

const struct fake_interface fake_service1 = {
	.name = "org.bluez.GattService1",
	.properties = service_properties,
	.property_count = ARRAY_LEN(service_properties),
};

/* Also in the order of 5.66's table. A Handle property it has only in the server. */
static const struct fake_property characteristic_properties[] = {
	{ "UUID", "s", get_uuid, NULL, NULL },
	{ "Service", "o", append_parent, NULL, NULL },
	{ "Value", "ay", get_value, NULL, NULL },
	{ "Notifying", "b", get_notifying, can_notify, NULL },
	{ "Flags", "as", get_flags, NULL, NULL },
	{ "WriteAcquired", "b", get_write_acquired, can_acquire_write, NULL },
	{ "NotifyAcquired", "b", get_notify_acquired, can_acquire_notify, NULL },
	{ "MTU", "q", get_mtu, has_mtu, NULL },
};

static const struct fake_method characteristic_methods[] = {
	{ "ReadValue", "a{sv}", "ay", read_value },
	{ "WriteValue", "aya{sv}", "", write_value },
	{ "AcquireWrite", "a{sv}", "hq", fake_acquire_write },
	{ "AcquireNotify", "a{sv}", "hq", fake_leftover_acquire },
	{ "StartNotify", "", "", fake_leftover_start },
	{ "StopNotify", "", "", fake_leftover_stop },
};

const struct fake_interface fake_characteristic1 = {
	.name = "org.bluez.GattCharacteristic1",
	.properties = characteristic_properties,
	.property_count = ARRAY_LEN(characteristic_properties),
	.methods = characteristic_methods,
	.method_count = ARRAY_LEN(characteristic_methods),
};

static const struct fake_property descriptor_properties[] = {
	{ "UUID", "s", get_uuid, NULL, NULL },
	{ "Characteristic", "o", append_parent, NULL, NULL },
	{ "Value", "ay", get_value, NULL, NULL },
};

static const struct fake_method descriptor_methods[] = {
	{ "ReadValue", "a{sv}", "ay", read_value },
	{ "WriteValue", "aya{sv}", "", write_value },
};

const struct fake_interface fake_descriptor1 = {
	.name = "org.bluez.GattDescriptor1",
	.properties = descriptor_properties,
	.property_count = ARRAY_LEN(descriptor_properties),
	.methods = descriptor_methods,
	.method_count = ARRAY_LEN(descriptor_methods),
};
