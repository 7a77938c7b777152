/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_object.c - from paths to objects and back, and from calls to their functions.
 *
 * A thousand devices on sixteen adapters with a dozen GATT objects each are 200 000 objects: none
 * of them is registered with sd-bus. One filter sees each call, the path is parsed (all figures of
 * the object are in it), and the tables below are searched. So starting costs nothing, and a call
 * costs the same with one device and with a thousand.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

static const char *const bluez_path = "/org/bluez";

const struct fake_interface *fake_interface(enum fake_kind kind, size_t index)
{
	static const struct fake_interface *const table[FAKE_KINDS][2] = {
		[FAKE_ADAPTER] = { &fake_adapter1, &fake_monitor_manager1 },
		[FAKE_DEVICE] = { &fake_device1, &fake_battery1 },
		[FAKE_SERVICE] = { &fake_service1 },
		[FAKE_CHARACTERISTIC] = { &fake_characteristic1 },
		[FAKE_DESCRIPTOR] = { &fake_descriptor1 },
	};

	return index < ARRAY_LEN(table[0]) ? table[kind][index] : NULL;
}

struct fake_object fake_adapter_object(struct fake_adapter *adapter)
{
	return (struct fake_object){
		.kind = FAKE_ADAPTER,
		.fake = adapter->fake,
		.adapter = adapter,
	};
}

struct fake_object fake_device_object(struct fake_device *device)
{
	return (struct fake_object){
		.kind = FAKE_DEVICE,
		.fake = device->adapter->fake,
		.adapter = device->adapter,
		.device = device,
	};
}

static bool is_descriptor(const struct model_attr *attr)
{
	return attr->type == MODEL_TYPE_DESCRIPTION || attr->type == MODEL_TYPE_CCCD;
}

/* @attr: a service, a characteristic's declaration or a descriptor; never a value row. */
struct fake_object fake_attr_object(struct fake_device *device, const struct model_attr *attr)
{
	struct fake_object object = fake_device_object(device);

	object.attr = attr;
	object.kind = attr->type == MODEL_TYPE_SERVICE		? FAKE_SERVICE
		      : attr->type == MODEL_TYPE_CHARACTERISTIC ? FAKE_CHARACTERISTIC
								: FAKE_DESCRIPTOR;
	return object;
}

/* "word" and four hexadecimal digits, then the end or a slash. */
static bool take_handle(const char **path, const char *word, uint16_t *out)
{
	size_t len = strlen(word);
	const char *p = *path;
	unsigned value = 0;

	if (*p != '/' || strncmp(p + 1, word, len) != 0)
		return false;
	p += 1 + len;
	for (int i = 0; i < 4; i++, p++) {
		if (*p >= '0' && *p <= '9')
			value = value << 4 | (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			value = value << 4 | (unsigned)(*p - 'a' + 10);
		else
			return false;
	}
	if (*p && *p != '/')
		return false;
	*path = p;
	*out = (uint16_t)value;
	return true;
}

static bool take_adapter(struct fake *fake, const char **path, struct fake_object *object)
{
	const char *p = *path;
	unsigned hci = 0;

	if (strncmp(p, "/hci", 4) != 0 || p[4] < '0' || p[4] > '9')
		return false;
	for (p += 4; *p >= '0' && *p <= '9'; p++)
		hci = hci < 100000 ? hci * 10 + (unsigned)(*p - '0') : hci;
	object->adapter = fake_adapter_by_hci(fake, hci);
	if (!object->adapter || !object->adapter->exported || (*p && *p != '/'))
		return false;
	*path = p;
	object->kind = FAKE_ADAPTER;
	return true;
}

static bool take_device(struct fake *fake, const char **path, struct fake_object *object)
{
	char text[MODEL_ADDRESS_CHARS];
	uint8_t address[MODEL_ADDRESS_BYTES];
	struct model_device *device;

	if (strncmp(*path, "/dev_", 5) != 0 || strnlen(*path + 5, 17) < 17)
		return false;
	memcpy(text, *path + 5, 17);
	text[17] = '\0';
	for (size_t i = 2; i < 17; i += 3)
		text[i] = text[i] == '_' ? ':' : '?';
	if (model_address_parse(text, address) < 0)
		return false;
	device = model_device_by_address(fake->model, address);
	if (!device || !object->adapter->devices[device->index].exported)
		return false;
	*path += 5 + 17;
	object->device = &object->adapter->devices[device->index];
	object->kind = FAKE_DEVICE;
	return **path == '\0' || **path == '/';
}

/* The row above @attr that has @type: what it belongs to. */
static const struct model_attr *owner(const struct model_attr *attr, uint16_t type)
{
	while (attr->type != type)
		attr--;
	return attr;
}

bool fake_gatt_is_hidden(const struct fake_device *device, const struct model_attr *attr)
{
	return device->hidden && attr->type != MODEL_TYPE_SERVICE &&
	       owner(attr, MODEL_TYPE_CHARACTERISTIC)->uuid == device->hidden;
}

static bool take_attr(const char **path, struct fake_object *object)
{
	static const char *const words[FAKE_KINDS] = {
		[FAKE_SERVICE] = "service",
		[FAKE_CHARACTERISTIC] = "char",
		[FAKE_DESCRIPTOR] = "desc",
	};
	enum fake_kind kind = object->kind + 1;
	const struct model_attr *attr, *parent;
	uint16_t handle;

	if (kind >= FAKE_KINDS || !words[kind] || !take_handle(path, words[kind], &handle))
		return false;
	attr = model_attr(object->device->model, handle);
	if (!attr || !object->device->cached)
		return false;
	/* Both must be of the same parent: the handle alone would find it anywhere. */
	parent = object->attr;
	*object = fake_attr_object(object->device, attr);
	return object->kind == kind && !fake_gatt_is_hidden(object->device, attr) &&
	       (kind != FAKE_DESCRIPTOR || is_descriptor(attr)) &&
	       (kind != FAKE_SERVICE || !fake_gatt_claimed(attr)) &&
	       (!parent || owner(attr, parent->type) == parent);
}

int fake_find(struct fake *fake, const char *path, struct fake_object *out)
{
	struct fake_object object = { .kind = FAKE_NODE, .fake = fake };

	if (strcmp(path, "/") == 0) {
		object.kind = FAKE_ROOT;
		*out = object;
		return 0;
	}
	if (strcmp(path, "/org") == 0 || strcmp(path, bluez_path) == 0) {
		*out = object;
		return 0;
	}
	if (strncmp(path, bluez_path, strlen(bluez_path)) != 0)
		return -ENOENT;
	path += strlen(bluez_path);
	if (!take_adapter(fake, &path, &object))
		return -ENOENT;
	if (*path && !take_device(fake, &path, &object))
		return -ENOENT;
	/* The depth below a device is its kind: a service's child is a characteristic. */
	while (*path) {
		if (!take_attr(&path, &object))
			return -ENOENT;
	}
	*out = object;
	return 0;
}

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len + 1);
	return at + len;
}

static char *put_handle(char *at, const char *word, uint16_t handle)
{
	static const char digits[] = "0123456789abcdef";

	at = put_text(at, word);
	for (int shift = 12; shift >= 0; shift -= 4)
		*at++ = digits[handle >> shift & 15];
	*at = '\0';
	return at;
}

void fake_path(const struct fake_object *object, char *out)
{
	char address[MODEL_ADDRESS_CHARS];
	char *at = out;

	if (object->kind == FAKE_ROOT || object->kind == FAKE_NODE) {
		(void)put_text(at, object->kind == FAKE_ROOT ? "/" : bluez_path);
		return;
	}
	at = put_text(at, object->adapter->path);
	if (object->kind == FAKE_ADAPTER)
		return;
	model_address_format(object->device->model->address, address);
	for (size_t i = 2; i < 17; i += 3)
		address[i] = '_';
	at = put_text(put_text(at, "/dev_"), address);
	if (object->kind == FAKE_DEVICE)
		return;
	at = put_handle(at, "/service", owner(object->attr, MODEL_TYPE_SERVICE)->handle);
	if (object->kind == FAKE_SERVICE)
		return;
	at = put_handle(at, "/char", owner(object->attr, MODEL_TYPE_CHARACTERISTIC)->handle);
	if (object->kind == FAKE_DESCRIPTOR)
		(void)put_handle(at, "/desc", object->attr->handle);
}

static void visit_attrs(const struct fake_object *object,
			void (*visit)(const struct fake_object *child, void *data), void *data)
{
	const struct model_kind *kind = object->device->model->kind;
	const struct model_attr *end = kind->attrs + kind->attr_count;
	const struct model_attr *attr = object->attr ? object->attr + 1 : kind->attrs;

	for (; attr < end; attr++) {
		struct fake_object child;

		if (object->kind != FAKE_DEVICE && attr->type == MODEL_TYPE_SERVICE)
			return;
		if (object->kind == FAKE_CHARACTERISTIC && attr->type == MODEL_TYPE_CHARACTERISTIC)
			return;
		child = fake_attr_object(object->device, attr);
		if (child.kind != object->kind + 1 ||
		    (child.kind == FAKE_DESCRIPTOR && !is_descriptor(attr)) ||
		    (child.kind == FAKE_SERVICE && fake_gatt_claimed(attr)) ||
		    fake_gatt_is_hidden(object->device, attr))
			continue;
		visit(&child, data);
	}
}

void fake_children(const struct fake_object *object,
		   void (*visit)(const struct fake_object *child, void *data), void *data)
{
	struct model *model = object->fake->model;

	if (object->kind == FAKE_NODE) {
		for (unsigned i = 0; i < model_adapter_count(model); i++) {
			struct fake_object child = fake_adapter_object(&object->fake->adapters[i]);

			if (child.adapter->exported)
				visit(&child, data);
		}
		return;
	}
	if (object->kind == FAKE_ADAPTER) {
		for (unsigned i = 0; i < model_device_count(model); i++) {
			struct fake_object child = fake_device_object(&object->adapter->devices[i]);

			if (child.device->exported)
				visit(&child, data);
		}
		return;
	}
	if (object->kind != FAKE_ROOT && object->device->cached)
		visit_attrs(object, visit, data);
}

struct visitor {
	void (*visit)(const struct fake_object *object, void *data);
	void *data;
};

static void visit_characteristic(const struct fake_object *object, void *data)
{
	const struct visitor *visitor = data;

	fake_children(object, visitor->visit, visitor->data);
	visitor->visit(object, visitor->data);
}

static void visit_service(const struct fake_object *object, void *data)
{
	const struct visitor *visitor = data;

	fake_children(object, visit_characteristic, data);
	visitor->visit(object, visitor->data);
}

void fake_gatt_objects(struct fake_device *device, bool children_first,
		       void (*visit)(const struct fake_object *object, void *data), void *data)
{
	struct visitor visitor = { .visit = visit, .data = data };
	const struct model_kind *kind = device->model->kind;
	struct fake_object top = fake_device_object(device);

	if (children_first) {
		fake_children(&top, visit_service, &visitor);
		return;
	}
	for (size_t i = 0; device->cached && i < kind->attr_count; i++) {
		struct fake_object object = fake_attr_object(device, &kind->attrs[i]);

		if ((object.kind == FAKE_DESCRIPTOR && !is_descriptor(object.attr)) ||
		    fake_gatt_is_hidden(device, object.attr))
			continue;
		if (!fake_gatt_claimed(owner(object.attr, MODEL_TYPE_SERVICE)))
			visit(&object, data);
	}
}

/* A fault may want this call lost, with or without having been carried out. True: it is over. */
static bool swallow(struct fake *fake, sd_bus_message *m, const struct fake_object *object)
{
	const char *member = sd_bus_message_get_member(m);

	for (struct fake_swallow *s = fake->swallows; s; s = s->next) {
		if (!s->left || strcmp(s->method, member) != 0)
			continue;
		if (s->device
			    ? !object->device || object->device->model != s->device
			    : object->kind != FAKE_ADAPTER || object->adapter->model != s->adapter)
			continue;
		s->left--;
		if (!s->done)
			return true;
		fake_calls_add(&fake->unanswered, m);
		return false;
	}
	return false;
}

static const struct fake_method *find_method(const struct fake_object *object, sd_bus_message *m)
{
	const char *interface = sd_bus_message_get_interface(m);
	const char *member = sd_bus_message_get_member(m);
	const struct fake_interface *candidate;

	for (size_t i = 0; (candidate = fake_interface(object->kind, i)) != NULL; i++) {
		if ((interface && strcmp(candidate->name, interface) != 0) ||
		    (candidate->exists && !candidate->exists(object)))
			continue;
		for (size_t n = 0; n < candidate->method_count; n++) {
			if (strcmp(candidate->methods[n].name, member) == 0 &&
			    sd_bus_message_has_signature(m, candidate->methods[n].in))
				return &candidate->methods[n];
		}
	}
	return NULL;
}

/* libdbus's words for what nobody handles. */
static int unknown(struct fake *fake, sd_bus_message *m, bool found)
{
	const char *interface = sd_bus_message_get_interface(m);
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "Method \"%s\" with signature \"%s\" on interface \"%s\" doesn't exist\n",
		       sd_bus_message_get_member(m), sd_bus_message_get_signature(m, true),
		       interface ? interface : "(null)");
	return fake_fail_dbus(fake, m,
			      found ? "org.freedesktop.DBus.Error.UnknownMethod"
				    : "org.freedesktop.DBus.Error.UnknownObject",
			      text);
}

static int call_method(struct fake *fake, sd_bus_message *m, const struct fake_object *object)
{
	const char *interface = sd_bus_message_get_interface(m);
	const struct fake_method *method = find_method(object, m);

	if (method)
		return method->call(m, object);
	if (interface && strcmp(interface, "org.freedesktop.DBus.Properties") == 0)
		return fake_properties_call(m, object);
	if (interface && strcmp(interface, "org.freedesktop.DBus.Introspectable") == 0)
		return fake_introspect(m, object);
	if (object->kind == FAKE_ROOT &&
	    sd_bus_message_is_method_call(m, "org.freedesktop.DBus.ObjectManager",
					  "GetManagedObjects"))
		return fake_managed_objects(m, fake);
	return unknown(fake, m, true);
}

void fake_watch(struct fake *fake, void (*see)(void *data, const struct plan_sight *sight),
		void *data)
{
	fake->see = see;
	fake->see_data = data;
}

static bool has_method(enum fake_kind kind, const char *name)
{
	const struct fake_interface *interface;

	for (size_t i = 0; (interface = fake_interface(kind, i)) != NULL; i++) {
		for (size_t n = 0; n < interface->method_count; n++) {
			if (strcmp(interface->methods[n].name, name) == 0)
				return true;
		}
	}
	return false;
}

int fake_trigger(const char *name, enum plan_sort *out_sort)
{
	static const char *const others[] = { "Get", "Set", "GetAll", "GetManagedObjects" };

	*out_sort = PLAN_DEVICE;
	if (has_method(FAKE_DEVICE, name) || has_method(FAKE_CHARACTERISTIC, name) ||
	    has_method(FAKE_DESCRIPTOR, name))
		return 0;
	*out_sort = PLAN_ADAPTER;
	if (has_method(FAKE_ADAPTER, name))
		return 0;
	*out_sort = PLAN_NOTHING;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (strcmp(name, others[i]) == 0)
			return 0;
	}
	return -ENOENT;
}

/* What is done about it may take the object away, or bluetoothd. */
static void show(struct fake *fake, sd_bus_message *m, const struct fake_object *object)
{
	const struct plan_sight sight = {
		.name = sd_bus_message_get_member(m),
		.device = object->device ? (int)object->device->model->index : -1,
		.adapter = object->adapter ? (int)object->adapter->model->index : -1,
	};

	fake->see(fake->see_data, &sight);
}

int fake_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_)
{
	struct fake *fake = userdata;
	struct fake_object object = { .kind = FAKE_NODE };
	uint8_t type;
	int r;

	if (sd_bus_message_get_type(m, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
		return 0;
	/* sd-bus answers pings by itself. */
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Peer", NULL))
		return 0;
	r = fake_find(fake, sd_bus_message_get_path(m), &object);
	if (r == 0 && fake->see) {
		show(fake, m, &object);
		if (!fake->bus)
			return 1;
		r = fake_find(fake, sd_bus_message_get_path(m), &object);
	}
	if (r < 0) {
		(void)unknown(fake, m, false);
		return 1;
	}
	if (fake->swallows && swallow(fake, m, &object))
		return 1;
	r = call_method(fake, m, &object);
	if (r < 0)
		(void)fake_fail(fake, m, "Failed", strerror(-r));
	return 1;
}
