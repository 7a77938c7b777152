/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_scan.c - discovery: sessions by sender, adverts that are seen, objects that come
 * and go with them.
 *
 * Owns the sessions of an adapter and its scan timer. The one trap that it builds on purpose: the
 * real bluetoothd mixes up two StartDiscovery that overlap, and answers neither.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

/* Smaller changes, and none at all, bluetoothd tells only to those who set a filter. */
#define RSSI_THRESHOLD_DB 8
/* What StartDiscovery takes on a controller that does not answer. */
#define HUNG_START_MS 2100
/* How often devices are looked at that may have to be forgotten. */
#define FORGET_EVERY_MS 1000

struct fake_session {
	struct fake_session *next;
	char sender[FAKE_SENDER_CHARS];
	bool started;
	sd_bus_message *pending; /* StartDiscovery, until the controller answers: maybe never */
	struct fake_filter filter;
};

static struct fake_session *find_session(struct fake_adapter *adapter, const char *sender)
{
	struct fake_session *session = adapter->sessions;

	while (session && strcmp(session->sender, sender) != 0)
		session = session->next;
	return session;
}

static struct fake_session *make_session(struct fake_adapter *adapter, const char *sender)
{
	struct fake_session *session = find_session(adapter, sender);

	if (session)
		return session;
	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	(void)snprintf(session->sender, sizeof(session->sender), "%s", sender);
	session->next = adapter->sessions;
	adapter->sessions = session;
	return session;
}

static void free_session(struct fake_adapter *adapter, struct fake_session *session)
{
	struct fake_session **link = &adapter->sessions;

	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	if (session->started)
		adapter->model->discovering--;
	sd_bus_message_unref(session->pending);
	fake_filter_clear(&session->filter);
	free(session);
}

static void announce(struct fake_adapter *adapter)
{
	struct fake_object object = fake_adapter_object(adapter);

	FAKE_CHANGED(&object, &fake_adapter1, "Discovering");
	fake_mgmt_discovering(adapter);
}

/*
 * The controller listens a moment before bluetoothd takes its discovery for begun: what it hears in
 * between of a stranger is dropped, and not told again until the scan is started anew.
 */
static bool is_too_early(struct fake_device *device)
{
	if (!device->early || device->exported || !model_is_advertising(device->model))
		return false;
	device->early--;
	return true;
}

static void begin(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];

		device->reported_at_ms = is_too_early(device) ? fake_now_ms() : 0;
	}
	adapter->discovering = true;
	adapter->model->discoveries++;
	announce(adapter);
	/* Something is always in the air: the first adverts come with the next turn of the loop. */
	fake_arm(adapter->fake, &adapter->scan_timer, 0, fake_scan_turn, adapter);
}

static void forget_rssi(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];
		struct fake_object object = fake_device_object(device);

		if (!device->exported || !device->has_rssi)
			continue;
		device->has_rssi = false;
		FAKE_CHANGED(&object, &fake_device1, "RSSI");
	}
}

static void end(struct fake_adapter *adapter)
{
	if (!adapter->discovering)
		return;
	adapter->discovering = false;
	forget_rssi(adapter);
	announce(adapter);
}

/* Without sessions discovery ends; without discovery and temporaries the timer does. */
static void end_if_unused(struct fake_adapter *adapter)
{
	for (struct fake_session *s = adapter->sessions; s; s = s->next) {
		if (s->started)
			return;
	}
	fake_disarm(&adapter->start_timer);
	end(adapter);
}

static int on_started(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_adapter *adapter = userdata;
	struct fake_session *waiting = NULL;
	unsigned count = 0;

	fake_disarm(&adapter->start_timer);
	for (struct fake_session *s = adapter->sessions; s; s = s->next) {
		if (!s->pending)
			continue;
		waiting = s;
		count++;
	}
	/* Two at once: bluetoothd has lost track of both, and their sessions stay half-started. */
	if (count == 1) {
		(void)fake_ok(adapter->fake, waiting->pending);
		waiting->pending = sd_bus_message_unref(waiting->pending);
	}
	if (count)
		begin(adapter);
	return 0;
}

static int on_start_failed(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_adapter *adapter = userdata;
	struct fake_session *next;

	fake_disarm(&adapter->start_timer);
	for (struct fake_session *s = adapter->sessions; s; s = next) {
		next = s->next;
		if (!s->pending)
			continue;
		(void)fake_fail(adapter->fake, s->pending, "InProgress",
				"Operation already in progress");
		free_session(adapter, s);
	}
	return 0;
}

static void start(struct fake_adapter *adapter, struct fake_session *session, sd_bus_message *m)
{
	struct fake *fake = adapter->fake;

	/* An LE controller cannot look for that; how any refusal of the kernel's ends up. */
	if (strcmp(session->filter.transport, "bredr") == 0 || adapter->raw_scan) {
		(void)fake_fail(fake, m, "InProgress", "Operation already in progress");
		return;
	}
	session->started = true;
	adapter->model->discovering++;
	if (adapter->hung) {
		session->pending = sd_bus_message_ref(m);
		fake_arm(fake, &adapter->start_timer, HUNG_START_MS, on_start_failed, adapter);
		return;
	}
	if (!adapter->discovering && fake->options.start_race) {
		session->pending = sd_bus_message_ref(m);
		if (!adapter->start_timer)
			fake_arm(fake, &adapter->start_timer, fake->options.start_ms, on_started,
				 adapter);
		return;
	}
	(void)fake_ok(fake, m);
	if (!adapter->discovering)
		begin(adapter);
}

int fake_start_discovery(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_adapter *adapter = object->adapter;
	struct fake_session *session;

	if (!adapter->powered)
		return fake_fail(object->fake, m, "NotReady", "Resource Not Ready");
	session = make_session(adapter, sd_bus_message_get_sender(m));
	if (!session)
		return -ENOMEM;
	if (session->started)
		return fake_fail(object->fake, m, "InProgress", "Operation already in progress");
	start(adapter, session, m);
	return 0;
}

int fake_stop_discovery(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_adapter *adapter = object->adapter;
	struct fake_session *session;

	if (!adapter->powered)
		return fake_fail(object->fake, m, "NotReady", "Resource Not Ready");
	session = find_session(adapter, sd_bus_message_get_sender(m));
	if (!session || !session->started)
		return fake_fail(object->fake, m, "Failed", "No discovery started");
	if (session->pending)
		return fake_fail(object->fake, m, "InProgress", "Operation already in progress");
	free_session(adapter, session);
	(void)fake_ok(object->fake, m);
	end_if_unused(adapter);
	return 0;
}

int fake_set_filter(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_session *session;
	struct fake_filter filter;

	if (!object->adapter->powered)
		return fake_fail(object->fake, m, "NotReady", "Resource Not Ready");
	if (fake_filter_parse(&filter, m) < 0)
		return fake_fail(object->fake, m, "InvalidArguments",
				 "Invalid arguments in method call");
	session = make_session(object->adapter, sd_bus_message_get_sender(m));
	if (!session) {
		fake_filter_clear(&filter);
		return -ENOMEM;
	}
	fake_filter_clear(&session->filter);
	session->filter = filter;
	/* An empty filter of somebody who does not discover is none at all. */
	if (!filter.set && !session->started)
		free_session(object->adapter, session);
	return fake_ok(object->fake, m);
}

int fake_scan_other(struct fake_adapter *adapter, bool on)
{
	static const char other[] = ":another-program";
	struct fake_session *session;

	if (!on) {
		fake_scan_sender_gone(adapter, other);
		return 0;
	}
	session = make_session(adapter, other);
	if (!session)
		return -ENOMEM;
	if (session->started)
		return 0;
	session->started = true;
	adapter->model->discovering++;
	if (!adapter->discovering)
		begin(adapter);
	return 0;
}

void fake_scan_sender_gone(struct fake_adapter *adapter, const char *sender)
{
	struct fake_session *session = adapter->sessions ? find_session(adapter, sender) : NULL;

	if (!session)
		return;
	free_session(adapter, session);
	end_if_unused(adapter);
}

void fake_scan_clear(struct fake_adapter *adapter)
{
	const bool discovering = adapter->discovering;

	while (adapter->sessions)
		free_session(adapter, adapter->sessions);
	fake_disarm(&adapter->start_timer);
	fake_disarm(&adapter->scan_timer);
	adapter->discovering = false;
	if (!discovering)
		return;
	forget_rssi(adapter);
	fake_mgmt_discovering(adapter);
}

static void remove_gatt_object(const struct fake_object *object, void *data _unused_)
{
	fake_removed(object, NULL);
}

void fake_scan_export(struct fake_device *device)
{
	struct fake_object object = fake_device_object(device);

	device->exported = true;
	fake_added(&object, NULL);
}

void fake_scan_remove(struct fake_device *device, bool known)
{
	struct fake_object object = fake_device_object(device);

	device->known = known;
	if (!device->exported)
		return;
	fake_gatt_objects(device, true, remove_gatt_object, NULL);
	fake_removed(&object, NULL);
	fake_gatt_free(device);
	device->exported = device->cached = device->has_rssi = device->removing = false;
	if (known)
		return;
	device->has_cache = device->trusted = device->blocked = device->bonded = false;
	device->hidden = 0;
	free(device->alias);
	device->alias = NULL;
}

static bool is_forgettable(const struct fake_device *device)
{
	return device->exported && device->temporary && !device->connected && !device->connect;
}

void fake_scan_remove_temporaries(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		if (is_forgettable(&adapter->devices[i]))
			fake_scan_remove(&adapter->devices[i], false);
	}
}

void fake_scan_age(struct fake_device *device)
{
	struct fake_adapter *adapter = device->adapter;

	device->seen_at_ms = fake_now_ms();
	if (!adapter->scan_timer)
		fake_arm(adapter->fake, &adapter->scan_timer, FORGET_EVERY_MS, fake_scan_turn,
			 adapter);
}

static bool is_wanted(const struct fake_adapter *adapter, const struct model_device *device,
		      int8_t rssi_dbm)
{
	if (adapter->model->monitoring > 0)
		return true;
	for (const struct fake_session *s = adapter->sessions; s; s = s->next) {
		if (s->started && fake_filter_matches(&s->filter, device, rssi_dbm))
			return true;
	}
	return false;
}

/* What those who discover have asked for, taken together. */
struct wishes {
	bool filtered;	 /* RSSI with every report, not only large changes */
	bool duplicates; /* manufacturer data that has not changed */
};

static void report(struct fake_device *device, int8_t rssi_dbm, const struct wishes *wishes)
{
	struct fake_object object = fake_device_object(device);
	const int change_db = abs(rssi_dbm - device->rssi_dbm);
	const bool tell =
		!device->has_rssi || change_db >= (wishes->filtered ? 0 : RSSI_THRESHOLD_DB);

	if (tell) {
		device->rssi_dbm = rssi_dbm;
		device->has_rssi = true;
	}
	if (device->adapter->fake->options.device_found)
		fake_mgmt_found(device);
	if (!device->exported) {
		device->temporary = true;
		fake_scan_export(device);
		return;
	}
	if (tell)
		FAKE_CHANGED(&object, &fake_device1, "RSSI");
	if (wishes->duplicates)
		FAKE_CHANGED(&object, &fake_device1, "ManufacturerData");
}

static struct wishes wishes_of(const struct fake_adapter *adapter)
{
	struct wishes wishes = { .filtered = false };

	for (const struct fake_session *s = adapter->sessions; s; s = s->next) {
		wishes.filtered |= s->started && s->filter.set;
		wishes.duplicates |= s->started && s->filter.duplicate;
	}
	wishes.duplicates &= model_config(adapter->fake->model)->manufacturer_data;
	return wishes;
}

/*
 * The controller reports a device once, and again when its scan is started anew: that, not the
 * rate of its adverts, is how often bluetoothd hears of it.
 */
static bool is_reported(const struct fake_device *device, uint64_t now_ms)
{
	return device->reported_at_ms &&
	       now_ms - device->reported_at_ms < device->adapter->fake->options.rescan_ms;
}

static void look_around(struct fake_adapter *adapter, uint64_t now_ms)
{
	const struct wishes wishes = wishes_of(adapter);
	struct model *model = adapter->fake->model;

	for (unsigned i = 0; i < model_device_count(model); i++) {
		struct fake_device *device = &adapter->devices[i];
		int8_t rssi_dbm;

		if (!model_is_advertising(device->model))
			continue;
		device->seen_at_ms = now_ms;
		if (is_reported(device, now_ms))
			continue;
		rssi_dbm = model_rssi_dbm(model, adapter->model->index, device->model, now_ms);
		if (!is_wanted(adapter, device->model, rssi_dbm))
			continue;
		device->reported_at_ms = now_ms;
		report(device, rssi_dbm, &wishes);
		fake_monitors_found(device);
	}
}

/* Outcome: whether there is anything left to forget later. */
static bool forget_temporaries(struct fake_adapter *adapter, uint64_t now_ms)
{
	bool left = false;

	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];

		if (!is_forgettable(device))
			continue;
		if (now_ms - device->seen_at_ms >= adapter->fake->options.temporary_ms)
			fake_scan_remove(device, false);
		else
			left = true;
	}
	return left;
}

int fake_scan_turn(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_adapter *adapter = userdata;
	const uint64_t now_ms = fake_now_ms();
	const bool listens = adapter->powered && adapter->model->monitoring > 0;
	bool left = true;

	if ((adapter->discovering || listens) && !adapter->hung && !adapter->deaf &&
	    !adapter->fake->hung)
		look_around(adapter, now_ms);
	if (now_ms >= adapter->temporaries_at_ms) {
		adapter->temporaries_at_ms = now_ms + FORGET_EVERY_MS;
		left = forget_temporaries(adapter, now_ms);
	}
	if (adapter->discovering || listens)
		fake_arm(adapter->fake, &adapter->scan_timer, adapter->fake->options.advert_ms,
			 fake_scan_turn, adapter);
	else if (left)
		fake_arm(adapter->fake, &adapter->scan_timer, FORGET_EVERY_MS, fake_scan_turn,
			 adapter);
	else
		fake_disarm(&adapter->scan_timer);
	return 0;
}
