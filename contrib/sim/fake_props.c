/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_props.c - org.freedesktop.DBus.Properties, ObjectManager and Introspectable over
 * the tables of the fake's interfaces.
 *
 * Written by hand since sd-bus's own know no properties that come and go (RSSI, Value, MTU), which
 * bluetoothd has plenty of, and walk all objects slowly. The order of things is gdbus's.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

static const char *const properties_name = "org.freedesktop.DBus.Properties";
static const char *const introspectable_name = "org.freedesktop.DBus.Introspectable";
static const char *const manager_name = "org.freedesktop.DBus.ObjectManager";

static bool has_property(const struct fake_property *property, const struct fake_object *object)
{
	return !property->exists || property->exists(object);
}

static bool has_interface(const struct fake_interface *interface, const struct fake_object *object)
{
	return !interface->exists || interface->exists(object);
}

static int append_variant(sd_bus_message *m, const struct fake_property *property,
			  const struct fake_object *object)
{
	int r;

	r = sd_bus_message_open_container(m, 'v', property->signature);
	if (r >= 0)
		r = property->append(m, object);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_entry(sd_bus_message *m, const struct fake_property *property,
			const struct fake_object *object)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', property->name);
	if (r >= 0)
		r = append_variant(m, property, object);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_properties(sd_bus_message *m, const struct fake_interface *interface,
			     const struct fake_object *object)
{
	int r;

	r = sd_bus_message_open_container(m, 'a', "{sv}");
	for (size_t i = 0; r >= 0 && i < interface->property_count; i++) {
		if (has_property(&interface->properties[i], object))
			r = append_entry(m, &interface->properties[i], object);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_interface(sd_bus_message *m, const char *name,
			    const struct fake_interface *interface,
			    const struct fake_object *object)
{
	static const struct fake_interface nothing;
	int r;

	r = sd_bus_message_open_container(m, 'e', "sa{sv}");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', name);
	if (r >= 0)
		r = append_properties(m, interface ? interface : &nothing, object);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* "o" and "a{sa{sv}}" */
static int append_object(sd_bus_message *m, const struct fake_object *object,
			 const struct fake_interface *only)
{
	const struct fake_interface *own;
	char path[FAKE_PATH_CHARS];
	int r;

	fake_path(object, path);
	r = sd_bus_message_append_basic(m, 'o', path);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
	if (r >= 0 && only)
		r = append_interface(m, only->name, only, object);
	if (r >= 0 && !only)
		r = append_interface(m, introspectable_name, NULL, object);
	for (size_t i = 0; r >= 0 && !only && (own = fake_interface(object->kind, i)) != NULL;
	     i++) {
		if (has_interface(own, object))
			r = append_interface(m, own->name, own, object);
	}
	if (r >= 0 && !only)
		r = append_interface(m, properties_name, NULL, object);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

void fake_added(const struct fake_object *object, const struct fake_interface *only)
{
	sd_bus_message *m = NULL;
	int r;

	if (!object->fake->bus)
		return;
	r = sd_bus_message_new_signal(object->fake->bus, &m, "/", manager_name, "InterfacesAdded");
	if (r >= 0)
		r = append_object(m, object, only);
	if (r < 0)
		m = sd_bus_message_unref(m);
	fake_send(object->fake, m);
}

void fake_removed(const struct fake_object *object, const struct fake_interface *only)
{
	const struct fake_interface *own;
	sd_bus_message *m = NULL;
	char path[FAKE_PATH_CHARS];
	int r;

	if (!object->fake->bus)
		return;
	fake_path(object, path);
	r = sd_bus_message_new_signal(object->fake->bus, &m, "/", manager_name,
				      "InterfacesRemoved");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 'o', path);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "s");
	if (r >= 0 && only)
		r = sd_bus_message_append_basic(m, 's', only->name);
	if (r >= 0 && !only)
		r = sd_bus_message_append_basic(m, 's', properties_name);
	if (r >= 0 && !only)
		r = sd_bus_message_append_basic(m, 's', introspectable_name);
	for (size_t i = 0; r >= 0 && !only && (own = fake_interface(object->kind, i)) != NULL;
	     i++) {
		if (has_interface(own, object))
			r = sd_bus_message_append_basic(m, 's', own->name);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		m = sd_bus_message_unref(m);
	fake_send(object->fake, m);
}

static const struct fake_property *find_property(const struct fake_interface *interface,
						 const char *name)
{
	for (size_t i = 0; i < interface->property_count; i++) {
		if (strcmp(interface->properties[i].name, name) == 0)
			return &interface->properties[i];
	}
	return NULL;
}

static int append_changes(sd_bus_message *m, const struct fake_object *object,
			  const struct fake_interface *interface, const char *const *names,
			  size_t count, bool *out_gone)
{
	int r = 0;

	*out_gone = false;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		const struct fake_property *property = find_property(interface, names[i]);

		assert(property);
		if (has_property(property, object))
			r = append_entry(m, property, object);
		else
			*out_gone = true;
	}
	return r;
}

static int append_invalidated(sd_bus_message *m, const struct fake_object *object,
			      const struct fake_interface *interface, const char *const *names,
			      size_t count)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++) {
		if (!has_property(find_property(interface, names[i]), object))
			r = sd_bus_message_append_basic(m, 's', names[i]);
	}
	return r;
}

void fake_changed(const struct fake_object *object, const struct fake_interface *interface,
		  const char *const *names, size_t count)
{
	sd_bus_message *m = NULL;
	char path[FAKE_PATH_CHARS];
	bool gone = false;
	int r;

	if (!object->fake->bus)
		return;
	fake_path(object, path);
	r = sd_bus_message_new_signal(object->fake->bus, &m, path, properties_name,
				      "PropertiesChanged");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', interface->name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = append_changes(m, object, interface, names, count, &gone);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "s");
	if (r >= 0 && gone)
		r = append_invalidated(m, object, interface, names, count);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		m = sd_bus_message_unref(m);
	fake_send(object->fake, m);
}

static const struct fake_interface *find_interface(const struct fake_object *object,
						   const char *name)
{
	const struct fake_interface *own;

	for (size_t i = 0; (own = fake_interface(object->kind, i)) != NULL; i++) {
		if (strcmp(own->name, name) == 0 && has_interface(own, object))
			return own;
	}
	return NULL;
}

/* gdbus's words for what is not there. */
static int no_such(struct fake *fake, sd_bus_message *m, const char *what, const char *name)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "No such %s '%s'", what, name);
	return fake_fail_dbus(fake, m, "org.freedesktop.DBus.Error.InvalidArgs", text);
}

static int get(sd_bus_message *m, const struct fake_object *object,
	       const struct fake_property *property)
{
	sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = append_variant(reply, property, object);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return r;
	}
	fake_answer(object->fake, m, reply);
	return 0;
}

static int get_all(sd_bus_message *m, const struct fake_object *object,
		   const struct fake_interface *interface)
{
	sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = append_properties(reply, interface, object);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return r;
	}
	fake_answer(object->fake, m, reply);
	return 0;
}

static int set(sd_bus_message *m, const struct fake_object *object,
	       const struct fake_property *property)
{
	char text[256];
	int r;

	if (!property->set) {
		(void)snprintf(text, sizeof(text), "Property '%s' is not writable", property->name);
		return fake_fail_dbus(object->fake, m,
				      "org.freedesktop.DBus.Error.PropertyReadOnly", text);
	}
	r = sd_bus_message_enter_container(m, 'v', property->signature);
	if (r < 0)
		return fake_fail(object->fake, m, "InvalidArguments",
				 "Invalid arguments in method call");
	return property->set(m, object);
}

int fake_properties_call(sd_bus_message *m, const struct fake_object *object)
{
	const char *member = sd_bus_message_get_member(m), *name, *property_name = "";
	const bool all = strcmp(member, "GetAll") == 0, is_set = strcmp(member, "Set") == 0;
	const struct fake_property *property;
	const struct fake_interface *interface;

	if (!sd_bus_message_has_signature(m, all      ? "s"
					     : is_set ? "ssv"
						      : "ss") ||
	    (!all && !is_set && strcmp(member, "Get") != 0))
		return fake_fail_dbus(object->fake, m, "org.freedesktop.DBus.Error.UnknownMethod",
				      "No such method");
	if (sd_bus_message_read_basic(m, 's', &name) < 0 ||
	    (!all && sd_bus_message_read_basic(m, 's', &property_name) < 0))
		return -EBADMSG;
	interface = find_interface(object, name);
	if (!interface)
		return no_such(object->fake, m, "interface", name);
	if (all)
		return get_all(m, object, interface);
	property = find_property(interface, property_name);
	if (!property || !has_property(property, object))
		return no_such(object->fake, m, "property", property_name);
	return is_set ? set(m, object, property) : get(m, object, property);
}

struct walk {
	sd_bus_message *m;
	int r;
};

static void append_managed(const struct fake_object *object, void *data)
{
	struct walk *walk = data;

	if (walk->r >= 0)
		walk->r = sd_bus_message_open_container(walk->m, 'e', "oa{sa{sv}}");
	if (walk->r >= 0)
		walk->r = append_object(walk->m, object, NULL);
	if (walk->r >= 0)
		walk->r = sd_bus_message_close_container(walk->m);
}

static void append_device(const struct fake_object *object, void *data)
{
	append_managed(object, data);
	fake_gatt_objects(object->device, false, append_managed, data);
}

static void append_adapter(const struct fake_object *object, void *data)
{
	append_managed(object, data);
	fake_children(object, append_device, data);
}

int fake_managed_objects(sd_bus_message *m, struct fake *fake)
{
	const struct fake_object top = { .kind = FAKE_NODE, .fake = fake };
	struct walk walk = { .m = NULL };

	walk.r = sd_bus_message_new_method_return(m, &walk.m);
	if (walk.r >= 0)
		walk.r = sd_bus_message_open_container(walk.m, 'a', "{oa{sa{sv}}}");
	if (walk.r >= 0)
		fake_children(&top, append_adapter, &walk);
	if (walk.r >= 0)
		walk.r = sd_bus_message_close_container(walk.m);
	if (walk.r < 0) {
		sd_bus_message_unref(walk.m);
		return walk.r;
	}
	fake_answer(fake, m, walk.m);
	return 0;
}

static void print_interface(FILE *f, const struct fake_interface *interface)
{
	(void)fprintf(f, "<interface name=\"%s\">", interface->name);
	for (size_t i = 0; i < interface->method_count; i++) {
		const struct fake_method *method = &interface->methods[i];

		(void)fprintf(f, "<method name=\"%s\">", method->name);
		/* One argument each: the signatures of all methods here are single types or
		 * ay+a{sv}. */
		if (strncmp(method->in, "ay", 2) == 0)
			(void)fputs("<arg type=\"ay\" direction=\"in\"/>"
				    "<arg type=\"a{sv}\" direction=\"in\"/>",
				    f);
		else if (method->in[0])
			(void)fprintf(f, "<arg type=\"%s\" direction=\"in\"/>", method->in);
		if (strcmp(method->out, "hq") == 0)
			(void)fputs("<arg type=\"h\" direction=\"out\"/>"
				    "<arg type=\"q\" direction=\"out\"/>",
				    f);
		else if (method->out[0])
			(void)fprintf(f, "<arg type=\"%s\" direction=\"out\"/>", method->out);
		(void)fputs("</method>", f);
	}
	for (size_t i = 0; i < interface->property_count; i++)
		(void)fprintf(f, "<property name=\"%s\" type=\"%s\" access=\"%s\"/>",
			      interface->properties[i].name, interface->properties[i].signature,
			      interface->properties[i].set ? "readwrite" : "read");
	(void)fputs("</interface>", f);
}

static void print_node(const struct fake_object *child, void *data)
{
	char path[FAKE_PATH_CHARS];

	fake_path(child, path);
	(void)fprintf(data, "<node name=\"%s\"/>", strrchr(path, '/') + 1);
}

static void print_nodes(FILE *f, sd_bus_message *m, const struct fake_object *object)
{
	if (object->kind == FAKE_ROOT)
		(void)fputs("<interface name=\"org.freedesktop.DBus.ObjectManager\">"
			    "<method name=\"GetManagedObjects\">"
			    "<arg type=\"a{oa{sa{sv}}}\" direction=\"out\"/></method></interface>"
			    "<node name=\"org\"/>",
			    f);
	else if (strcmp(sd_bus_message_get_path(m), "/org") == 0)
		(void)fputs("<node name=\"bluez\"/>", f);
	else
		fake_children(object, print_node, f);
}

int fake_introspect(sd_bus_message *m, const struct fake_object *object)
{
	const struct fake_interface *own;
	_cleanup_free_ char *text = NULL;
	sd_bus_message *reply = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return -ENOMEM;
	(void)fputs(
		"<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\" "
		"\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\"><node>"
		"<interface name=\"org.freedesktop.DBus.Introspectable\">"
		"<method name=\"Introspect\"><arg type=\"s\" direction=\"out\"/></method>"
		"</interface>",
		f);
	for (size_t i = 0; (own = fake_interface(object->kind, i)) != NULL; i++) {
		if (has_interface(own, object))
			print_interface(f, own);
	}
	if (fake_interface(object->kind, 0))
		(void)fputs("<interface name=\"org.freedesktop.DBus.Properties\"/>", f);
	print_nodes(f, m, object);
	(void)fputs("</node>", f);
	if (fclose(f) != 0)
		return -ENOMEM;
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_append_basic(reply, 's', text);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return r;
	}
	fake_answer(object->fake, m, reply);
	return 0;
}

void fake_uuid(uint16_t uuid, char *out)
{
	(void)snprintf(out, FAKE_UUID_CHARS, "0000%04x-0000-1000-8000-00805f9b34fb", uuid);
}

int fake_append_uuid(sd_bus_message *m, uint16_t uuid)
{
	char text[FAKE_UUID_CHARS];

	fake_uuid(uuid, text);
	return sd_bus_message_append_basic(m, 's', text);
}
