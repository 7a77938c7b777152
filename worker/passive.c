/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/passive.h"

#include "ipc/log.h"
#include "worker/objpath.h"
#include "worker/scan_state.h"

#include <stdio.h>

static const char ROOT[] = "/org/bleherd/monitors";
static const char MONITOR[] = "/org/bleherd/monitors/all";
static const char MANAGER[] = "org.bluez.AdvertisementMonitorManager1";

/*
 * A monitor has to have a pattern, and there is none for "all". These are the flags that nearly
 * every peripheral has in its adverts, as Home Assistant has them (reference/bluetooth-stack.md
 * 1.7): general discoverable, with and without BR/EDR, and both.
 */
enum { AD_FLAGS = 0x01 };
static const uint8_t FLAGS[] = { 0x02, 0x06, 0x1a };

/* --- our object, as bluetoothd sees it --- */

static int get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "s", "or_patterns");
}

static int get_patterns(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	int r = sd_bus_message_open_container(reply, 'a', "(yyay)");
	size_t i;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	for (i = 0; r >= 0 && i < ARRAY_LEN(FLAGS); i++)
		r = sd_bus_message_append(reply, "(yyay)", 0, AD_FLAGS, 1, FLAGS[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int on_release(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct scan *scan = userdata;

	(void)error;
	/* It says so too of the one that is replaced at a start. */
	if (scan->state == SCAN_ON && scan->passive.is_running)
		passive_give_up(scan, "bluetoothd released the advertisement monitor");
	return sd_bus_reply_method_return(m, "");
}

/*
 * A device that is known already and whose RSSI changes little is signalled by nothing else:
 * bluetoothd tells 8 dB and more where nobody has set a discovery filter (contrib/lab/README.md).
 */
static int on_found(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct scan *scan = userdata;
	struct objpath path;
	const char *text;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_OBJECT_PATH, &text);

	(void)error;
	if (r < 0)
		return r;
	path = objpath_parse(text, scan->w->adapter_path);
	if (path.kind == OBJPATH_DEVICE)
		mirror_heard(scan->w->mirror, path.addr);
	return sd_bus_reply_method_return(m, "");
}

static int on_nothing(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return sd_bus_reply_method_return(m, "");
}

/*
 * Unprivileged: else sd-bus asks the bus who calls, and blocks. That nobody but root may call an
 * object of ours is the system bus's own policy.
 */
static const sd_bus_vtable VTABLE[] = {
	SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Release", "", "", on_release, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Activate", "", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("DeviceFound", "o", "", on_found, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("DeviceLost", "o", "", on_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Type", "s", get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Patterns", "a(yyay)", get_patterns, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

void passive_attach(struct scan *scan, sd_bus *conn)
{
	sd_bus_slot **slots = scan->passive.slots;
	size_t i;
	int r;

	for (i = 0; i < PASSIVE_SLOTS; i++)
		slots[i] = sd_bus_slot_unref(slots[i]);
	/* Active or not: it may be wanted later, and costs nothing until then. */
	if (!conn)
		return;
	r = sd_bus_add_object_manager(conn, &slots[0], ROOT);
	if (r >= 0)
		r = sd_bus_add_object_vtable(conn, &slots[1], MONITOR,
					     "org.bluez.AdvertisementMonitor1", VTABLE, scan);
	/* bluetoothd finds no monitor then, and nothing is heard: silence leads to discovery. */
	if (r < 0)
		log_error("event=monitor-failed error=%s", strerror(-r));
}

/* --- at bluetoothd --- */

bool passive_is_chosen(const struct scan *scan)
{
	return scan->passive.is_configured && !scan->passive.is_given_up;
}

static int call_manager(struct scan *scan, const char *member, bus_done done, struct bus_call **out)
{
	sd_bus_message *m = NULL;
	int r = bus_message(scan->w->bus, &m, scan->w->adapter_path, MANAGER, member);

	if (r < 0)
		return r;
	r = sd_bus_message_append_basic(m, SD_BUS_TYPE_OBJECT_PATH, ROOT);
	if (r >= 0)
		r = bus_call(scan->w->bus, m, ERRORS_CALL_OTHER, PASSIVE_TIMEOUT_MS, done, scan,
			     out);
	sd_bus_message_unref(m);
	return r;
}

static void on_cleared(void *ctx, const struct bus_result *result)
{
	(void)ctx;
	(void)result;
}

/* What may be registered and is not to be, whether bluetoothd still knows of it or not. */
static void clear(struct scan *scan)
{
	scan->passive.is_running = false;
	if (call_manager(scan, "UnregisterMonitor", on_cleared, NULL) < 0)
		log_debug("event=monitor-clear-failed");
}

static void on_registered(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;
	char why[160];

	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	if (result->reply) {
		scan_event(scan, SCAN_EV_STARTED);
		return;
	}
	/* Not answered it may be registered all the same. */
	clear(scan);
	if (result->class != CLASS_BLUEZ_GONE) {
		(void)snprintf(why, sizeof(why), "no advertisement monitor: %s", result->text);
		passive_give_up(scan, why);
	}
	scan_event(scan, SCAN_EV_FAILED);
}

int passive_start(struct scan *scan)
{
	int r;

	/*
	 * In one go, BlueZ takes them in order: what is still registered, say over a power cycle,
	 * would be refused as there already.
	 */
	r = call_manager(scan, "UnregisterMonitor", on_cleared, NULL);
	if (r >= 0)
		r = call_manager(scan, "RegisterMonitor", on_registered, &scan->call);
	scan->passive.is_running = r >= 0;
	return r;
}

static void on_unregistered(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;

	scan->call = NULL;
	if (!result->reply)
		log_debug("event=monitor-stop-failed text=\"%s\"", result->text);
	scan_event(scan, SCAN_EV_STOPPED);
}

int passive_stop(struct scan *scan)
{
	scan->passive.is_running = false;
	return call_manager(scan, "UnregisterMonitor", on_unregistered, &scan->call);
}

void passive_give_up(struct scan *scan, const char *why)
{
	if (scan->passive.is_given_up)
		return;
	scan->passive.is_given_up = true;
	scan_watch_tell(scan, "scan-active", CLASS_NONE, why);
	/* Active discovery needs the lock: from the beginning. */
	if (scan->state == SCAN_ON)
		scan_event(scan, SCAN_EV_YIELD);
}

void passive_gone(struct scan *scan)
{
	/* A power cycle leaves it where it is. */
	if (scan->passive.is_running)
		clear(scan);
	scan->passive.is_given_up = false;
}
