/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/mirror_state.h"

#include "ipc/clock.h"
#include "ipc/log.h"

#include <stdio.h>
#include <string.h>

/* SETTLE_MS: bluetoothd answers this from memory, in milliseconds. */
enum { LOAD_RETRY_MS = 1000, SETTLE_MS = 2000 };

/* --- signals that take something away or change it --- */

/* What an object loses with an interface. */
static void lose(struct mirror *mirror, const struct objpath *path, const char *interface)
{
	struct device *device = mirror_device(mirror, path->addr);

	switch (path->kind) {
	case OBJPATH_ADAPTER:
		if (strcmp(interface, "org.bluez.Adapter1") != 0)
			return;
		mirror->has_adapter = false;
		mirror->is_powered = false;
		mirror->is_discovering = false;
		mirror_clear(mirror);
		mirror->ops->gone(mirror->ctx);
		return;
	case OBJPATH_DEVICE:
		if (strcmp(interface, "org.bluez.Device1") == 0)
			mirror_remove(mirror, path->addr);
		return;
	case OBJPATH_SERVICE:
		if (device && strcmp(interface, "org.bluez.GattService1") == 0)
			gatt_db_remove_service(&device->db, path->service);
		break;
	case OBJPATH_CHRC:
		if (device && strcmp(interface, "org.bluez.GattCharacteristic1") == 0)
			gatt_db_remove_chrc(&device->db, path->chrc);
		break;
	case OBJPATH_OTHER:
		return;
	}
	if (device)
		mirror->ops->device(mirror->ctx, device, 1u << DEVICE_GATT);
}

int mirror_read_removed(struct mirror *mirror, sd_bus_message *m)
{
	struct objpath path;
	const char *text;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_OBJECT_PATH, &text);

	if (r < 0)
		return r;
	path = objpath_parse(text, mirror->adapter_path);
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s");
	while (r >= 0 && (r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text)) > 0)
		lose(mirror, &path, text);
	return r < 0 ? r : 0;
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct mirror *mirror = userdata;

	(void)unused;
	/* Until it is loaded the answer to GetManagedObjects, which comes later, says it all. */
	if (mirror->is_loaded && mirror_read_added(mirror, m) < 0)
		log_debug("event=odd-signal");
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct mirror *mirror = userdata;

	(void)unused;
	if (mirror->is_loaded && mirror_read_removed(mirror, m) < 0)
		log_debug("event=odd-signal");
	return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct mirror *mirror = userdata;
	const char *path = sd_bus_message_get_path(m);

	(void)unused;
	if (mirror->is_loaded && path && mirror_read_changed(mirror, path, m) < 0)
		log_debug("event=odd-signal");
	return 0;
}

/* --- services --- */

static void on_settled(void *ctx, const struct bus_result *result)
{
	struct device *device = ctx;
	struct mirror *mirror = device->mirror;

	/* Also without an answer: it has had its time. */
	(void)result;
	device->settling = NULL;
	device->is_resolved = true;
	mirror->ops->device(mirror->ctx, device, 1u << DEVICE_GATT);
}

/* Any call: bluetoothd sends what it has to signal before it answers one. */
static int settle(struct mirror *mirror, struct device *device)
{
	const struct objpath object = { .kind = OBJPATH_DEVICE, .addr = device->addr };
	char path[OBJPATH_LEN];
	sd_bus_message *m = NULL;
	int r;

	if (!mirror->conn)
		return -ENOTCONN;
	objpath_format(&object, mirror->adapter_path, path);
	r = bus_message(mirror->bus, &m, path, "org.freedesktop.DBus.Properties", "Get");
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", "org.bluez.Device1", "ServicesResolved");
	if (r >= 0)
		r = bus_call(mirror->bus, m, ERRORS_CALL_OTHER, SETTLE_MS, on_settled, device,
			     &device->settling);
	sd_bus_message_unref(m);
	return r;
}

void mirror_note_resolved(struct mirror *mirror, struct device *device)
{
	if (!device->is_said_resolved) {
		if (device->settling)
			bus_abandon(device->settling);
		device->settling = NULL;
		device->is_resolved = false;
		return;
	}
	if (device->is_resolved || device->settling)
		return;
	/* It shows all of them at once; GetManagedObjects names all that there is. */
	if (device->db.n_services > 0 || mirror->is_reading_all || settle(mirror, device) < 0)
		device->is_resolved = true;
}

/* --- loading --- */

static void unload(struct mirror *mirror)
{
	bool was = mirror->is_loaded;

	mirror->is_loaded = false;
	mirror->has_adapter = false;
	mirror->is_powered = false;
	mirror->is_discovering = false;
	mirror_clear(mirror);
	if (was)
		mirror->ops->gone(mirror->ctx);
}

static void on_objects(void *ctx, const struct bus_result *result);

static int ask_objects(struct mirror *mirror)
{
	sd_bus_message *m = NULL;
	int r;

	r = bus_message(mirror->bus, &m, "/", "org.freedesktop.DBus.ObjectManager",
			"GetManagedObjects");
	if (r < 0)
		return r;
	r = bus_call(mirror->bus, m, ERRORS_CALL_OTHER, MIRROR_LOAD_TIMEOUT_MS, on_objects, mirror,
		     &mirror->load);
	sd_bus_message_unref(m);
	return r;
}

static void load(struct mirror *mirror)
{
	deadline_clear(mirror->deadlines, &mirror->retry);
	if (mirror->load)
		bus_abandon(mirror->load);
	mirror->load = NULL;
	mirror->ops->load_begin(mirror->ctx);
	if (ask_objects(mirror) < 0)
		deadline_set(mirror->deadlines, &mirror->retry, clock_now_ms() + LOAD_RETRY_MS);
}

static void on_retry(struct deadline *deadline)
{
	struct mirror *mirror = container_of(deadline, struct mirror, retry);

	if (mirror->conn)
		load(mirror);
}

static void on_objects(void *ctx, const struct bus_result *result)
{
	struct mirror *mirror = ctx;
	uint64_t began_us = clock_now_us();

	mirror->load = NULL;
	mirror->ops->load_end(mirror->ctx);
	mirror->is_settled = true;
	if (!result->reply) {
		mirror->has_owner = result->class != CLASS_BLUEZ_GONE;
		log_info("event=load-failed class=%s text=\"%s\"", class_name(result->class),
			 result->text);
		unload(mirror);
		/* Absent: NameOwnerChanged will tell. Anything else: ask again. */
		if (mirror->has_owner && mirror->conn)
			deadline_set(mirror->deadlines, &mirror->retry,
				     clock_now_ms() + LOAD_RETRY_MS);
		mirror->ops->loaded(mirror->ctx);
		return;
	}
	mirror->has_owner = true;
	if (mirror_read_objects(mirror, result->reply) < 0)
		log_warn("event=load-odd text=\"GetManagedObjects was not of the expected form\"");
	mirror->is_loaded = true;
	log_info("event=loaded devices=%zu adapter=%d us=%llu", mirror->n_devices,
		 mirror->has_adapter, (unsigned long long)(clock_now_us() - began_us));
	mirror->ops->loaded(mirror->ctx);
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct mirror *mirror = userdata;
	const char *name;
	const char *before;
	const char *after;

	(void)unused;
	if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0)
		return 0;
	mirror->has_owner = *after != '\0';
	log_info("event=bluez owner=%d", mirror->has_owner);
	unload(mirror);
	mirror->ops->adapter(mirror->ctx);
	if (mirror->has_owner)
		load(mirror);
	return 0;
}

/* --- matches --- */

/* %s is our adapter's path. arg0path with a slash at its end means the objects below it. */
static const struct {
	const char *rule;
	sd_bus_message_handler_t handle;
} RULES[] = {
	{ "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
	  "member='NameOwnerChanged',arg0='org.bluez'",
	  on_owner },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',"
	  "member='InterfacesAdded',arg0path='%s'",
	  on_added },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',"
	  "member='InterfacesAdded',arg0path='%s/'",
	  on_added },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',"
	  "member='InterfacesRemoved',arg0path='%s'",
	  on_removed },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',"
	  "member='InterfacesRemoved',arg0path='%s/'",
	  on_removed },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
	  "member='PropertiesChanged',path_namespace='%s',arg0='org.bluez.Adapter1'",
	  on_changed },
	{ "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
	  "member='PropertiesChanged',path_namespace='%s',arg0='org.bluez.Device1'",
	  on_changed },
};
static_assert(ARRAY_LEN(RULES) <= MIRROR_MATCHES, "a slot each");

static const char VALUE_RULE[] =
	"type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
	"member='PropertiesChanged',path_namespace='%s',arg0='org.bluez.GattCharacteristic1'";

static int on_installed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)userdata;
	(void)unused;
	if (e)
		log_error("event=match-failed text=\"%s\"", e->message ? e->message : "");
	return 0;
}

static void add_match(struct mirror *mirror, sd_bus_slot **slot, const char *rule,
		      sd_bus_message_handler_t handle)
{
	char text[320];
	int r;

	/* Rules are ours; only the adapter's path is put in. */
	const char *at = strstr(rule, "%s");
	int before = at ? (int)(at - rule) : (int)strlen(rule);

	(void)snprintf(text, sizeof(text), "%.*s%s%s", before, rule, at ? mirror->adapter_path : "",
		       at ? at + 2 : "");
	r = sd_bus_add_match_async(mirror->conn, slot, text, handle, on_installed, mirror);
	if (r < 0)
		log_error("event=match-failed error=%s", strerror(-r));
}

static void drop_matches(struct mirror *mirror)
{
	size_t i;

	for (i = 0; i < MIRROR_MATCHES; i++)
		mirror->matches[i] = sd_bus_slot_unref(mirror->matches[i]);
	mirror->value_match = sd_bus_slot_unref(mirror->value_match);
	mirror->left_match = sd_bus_slot_unref(mirror->left_match);
	mirror->conn = sd_bus_unref(mirror->conn);
}

/* They end with the connection that began them. */
static void forget_sessions(void *ctx, struct device *device)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < device->db.n_chrcs; i++)
		device->db.chrcs[i].has_session = false;
}

void mirror_attach(struct mirror *mirror, sd_bus *conn)
{
	sd_bus_slot *left = TAKE_PTR(mirror->value_match);
	size_t i;

	mirror_each(mirror, forget_sessions, NULL);
	drop_matches(mirror);
	mirror->left_match = left;
	mirror->conn = sd_bus_ref(conn);
	for (i = 0; i < ARRAY_LEN(RULES); i++)
		add_match(mirror, &mirror->matches[i], RULES[i].rule, RULES[i].handle);
	if (mirror->n_value_wants > 0)
		add_match(mirror, &mirror->value_match, VALUE_RULE, on_changed);
	load(mirror);
}

void mirror_detach(struct mirror *mirror)
{
	drop_matches(mirror);
	deadline_clear(mirror->deadlines, &mirror->retry);
	mirror->has_owner = false;
	unload(mirror);
}

void mirror_want_values(struct mirror *mirror, bool is_wanted)
{
	mirror->n_value_wants += is_wanted ? 1u : -1u;
	if (!mirror->conn)
		return;
	if (mirror->n_value_wants == 0) {
		mirror->value_match = sd_bus_slot_unref(mirror->value_match);
		mirror->left_match = sd_bus_slot_unref(mirror->left_match);
	}
	if (mirror->n_value_wants > 0 && !mirror->value_match)
		add_match(mirror, &mirror->value_match, VALUE_RULE, on_changed);
}

/* --- what is known --- */

bool mirror_has_bluez(const struct mirror *mirror)
{
	return mirror->has_owner;
}

bool mirror_has_adapter(const struct mirror *mirror)
{
	return mirror->is_loaded && mirror->has_adapter;
}

bool mirror_is_loaded(const struct mirror *mirror)
{
	return mirror->is_loaded;
}

bool mirror_is_settled(const struct mirror *mirror)
{
	return mirror->is_settled;
}

bool mirror_is_powered(const struct mirror *mirror)
{
	return mirror->is_powered;
}

bool mirror_is_discovering(const struct mirror *mirror)
{
	return mirror->is_discovering;
}

size_t mirror_count(const struct mirror *mirror)
{
	return mirror->n_devices;
}

int mirror_new(struct mirror **out, struct bus *bus, struct deadlines *deadlines,
	       const char *adapter_path, const struct mirror_ops *ops, void *ctx)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return -ENOMEM;
	mirror->bus = bus;
	mirror->deadlines = deadlines;
	mirror->ops = ops;
	mirror->ctx = ctx;
	mirror->retry.fire = on_retry;
	(void)snprintf(mirror->adapter_path, sizeof(mirror->adapter_path), "%s", adapter_path);
	*out = mirror;
	return 0;
}

struct mirror *mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return NULL;
	deadline_clear(mirror->deadlines, &mirror->retry);
	mirror_drop_all(mirror);
	drop_matches(mirror);
	free(mirror);
	return NULL;
}
