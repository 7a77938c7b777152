/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/fake_state.h - what the files of the fake face share: its state and each other's
 * functions. Nobody else includes this.
 *
 * Three layers are kept apart, because clients compare them: the model (does the peripheral have a
 * link), the kernel (kernel_link: what MGMT lists) and bluetoothd (connected, resolved: D-Bus).
 */
#include <systemd/sd-bus.h>

#include "contrib/sim/fake.h"
#include "contrib/sim/model.h"

#define FAKE_PATH_CHARS	  128
#define FAKE_UUID_CHARS	  37
#define FAKE_SENDER_CHARS 32
#define FAKE_ATT_MTU	  247
/* A kernel drops a link whose user died, and one whose ATT timed out, this much later. */
#define FAKE_KERNEL_DROP_MS 2000
/* A new bus is looked for so often, and so long; then this process ends, too. */
#define FAKE_BUS_PACE_MS   50
#define FAKE_BUS_ABSENT_MS 30000
/* Between bluetoothd's name on the bus, its adapters, and their power: enough to be asked. */
#define FAKE_START_MS 50

/* Reasons of MGMT Device Disconnected, and statuses of MGMT. */
enum {
	MGMT_REASON_UNKNOWN,
	MGMT_REASON_TIMEOUT,
	MGMT_REASON_LOCAL,
	MGMT_REASON_REMOTE,
	MGMT_REASON_AUTH,
};
enum {
	MGMT_OK = 0x00,
	MGMT_UNKNOWN_COMMAND = 0x01,
	MGMT_NOT_CONNECTED = 0x02,
	MGMT_FAILED = 0x03,
	MGMT_AUTH_FAILED = 0x05,
	MGMT_NO_RESOURCES = 0x07,
	MGMT_TIMEOUT = 0x08,
	MGMT_BUSY = 0x0a,
	MGMT_INVALID_PARAMS = 0x0d,
	MGMT_DISCONNECTED = 0x0e,
	MGMT_NOT_POWERED = 0x0f,
	MGMT_INVALID_INDEX = 0x11,
	MGMT_RFKILLED = 0x12,
	MGMT_LATER = 0x100, /* no status: it is answered when the Connect has ended */
};

struct fake_adapter;
struct fake_device;
struct fake_gatt;
struct fake_mgmt;
struct fake_monitor;
struct fake_session;
struct seqpacket_peer;

enum fake_kind {
	FAKE_ROOT,	     /* / */
	FAKE_NODE,	     /* /org, /org/bluez: nothing but children */
	FAKE_ADAPTER,	     /* /org/bluez/hci0 */
	FAKE_DEVICE,	     /* .../dev_C0_AA_BB_00_00_00 */
	FAKE_SERVICE,	     /* .../service0010 */
	FAKE_CHARACTERISTIC, /* .../char0011 */
	FAKE_DESCRIPTOR,     /* .../desc0013 */
	FAKE_KINDS,
};

/* One D-Bus object: what a path means, or what a signal is about. */
struct fake_object {
	enum fake_kind kind;
	struct fake *fake;
	struct fake_adapter *adapter;
	struct fake_device *device;
	const struct model_attr
		*attr; /* the row of the service, the declaration or the descriptor */
};

/* A property that does not exist (now) is left out, and is invalidated when it changes. */
struct fake_property {
	const char *name;
	const char *signature;
	int (*append)(sd_bus_message *m, const struct fake_object *object);
	bool (*exists)(const struct fake_object *object);		    /* NULL: always */
	int (*set)(sd_bus_message *call, const struct fake_object *object); /* NULL: read-only */
};

/* The method answers the call itself, now or later; a negative errno is answered for it. */
struct fake_method {
	const char *name;
	const char *in;
	const char *out;
	int (*call)(sd_bus_message *m, const struct fake_object *object);
};

struct fake_interface {
	const char *name;
	const struct fake_property *properties;
	size_t property_count;
	const struct fake_method *methods;
	size_t method_count;
	bool (*exists)(const struct fake_object *object); /* NULL: always */
};

/* Calls that wait for one answer. */
struct fake_calls {
	sd_bus_message **messages;
	size_t count;
};

/* How a link can be dead although D-Bus and the kernel list it (faults). */
enum fake_dead {
	FAKE_ALIVE,
	FAKE_FORGOTTEN, /* the controller has lost it: a disconnect works */
	FAKE_STUCK,	/* the controller never says that it is gone: only a power cycle helps */
	FAKE_PHANTOM,	/* the kernel has lost it, only bluetoothd believes in it */
	FAKE_ORPHAN,	/* bluetoothd has lost it, the kernel and the peripheral have it */
};

/* A device as one adapter knows it. */
/* Fault: notifications of a characteristic are on for somebody who is gone. */
enum fake_leftover { FAKE_LEFTOVER_NONE, FAKE_LEFTOVER_ACQUIRED, FAKE_LEFTOVER_PROGRESS };

struct fake_device {
	struct fake_adapter *adapter;
	struct model_device *model;
	struct fake_gatt *gatt; /* made with the first link */
	char *alias;
	sd_bus_message *connect; /* pending Device1.Connect */
	struct fake_calls disconnects;
	uint64_t mgmt_waiter; /* whose MGMT Disconnect waits for the Connect's end; 0: none */
	sd_event_source *connect_timer; /* the attempt, then its timeout */
	sd_event_source *resolve_timer;
	sd_event_source *down_timer; /* the link ends, or D-Bus learns that it has ended */
	uint64_t seen_at_ms;	     /* the last advert, or the link's end */
	uint64_t reported_at_ms;     /* when its advert was passed on; 0: not in this discovery */
	int8_t rssi_dbm;
	enum fake_dead dead;
	bool exported;	/* the object is on the bus */
	bool known;	/* stored by bluetoothd: comes back with the adapter */
	bool temporary; /* vanishes when it is not seen for a while, or a connect fails */
	bool trusted, blocked, bonded;
	uint16_t hidden; /* fault: a characteristic that bluetoothd remembers no more; 0: none */
	bool resolved_first; /* fault: ServicesResolved is signalled before the services are shown
			      */
	unsigned early;	     /* fault: so many discoveries hear it before they have begun */
	enum fake_leftover leftover;
	bool deaf;	     /* fault: it advertises and takes no link */
	unsigned early_drop; /* fault: so many links end right after they came up */
	int early_reason;    /* ... with that reason of MGMT */
	bool is_value_late;  /* fault: a value of an older link comes when the next one is asked for
			      */
	bool has_rssi;
	bool attempted;	   /* the connect waits for an advert, not for its delay */
	bool answer;	   /* fault: a refused connect is answered in any case */
	int refuse_status; /* fault: MGMT status of a refused connect */
	bool kernel_link;  /* MGMT lists it */
	bool connected, resolved, battery;
	bool has_cache; /* GATT is known: the second link resolves faster */
	bool cached;	/* GATT objects are on the bus */
	bool removing;	/* RemoveDevice waits for the link's end */
};

struct fake_adapter {
	struct fake *fake;
	struct model_adapter *model;
	struct fake_device *devices; /* one per device of the model, by index */
	struct fake_session *sessions;
	struct fake_monitor *monitors;
	sd_event_source *scan_timer, *start_timer;
	char *alias;
	char path[24];
	unsigned hci;		    /* its number; a new one each time that it is plugged in */
	uint64_t temporaries_at_ms; /* when to look for devices to forget */
	bool exported;
	bool powered;
	bool discovering;
	bool hung;     /* fault: the controller answers nothing */
	bool no_le;    /* fault: bluetoothd, or the hardware, does without LE */
	bool deaf;     /* fault: discovery runs and hears nothing */
	bool raw_scan; /* fault: somebody scans by raw HCI: the kernel is busy */
	bool rfkilled;
	bool connect_hang;    /* fault: connects through it never complete */
	bool lost_disconnect; /* fault: a disconnect through it never completes */
	unsigned refuse;      /* fault: so many connects through it fail ... */
	const char *refusal;  /* ... with this text */
};

/* Fault: calls of a method on an object that are not answered. */
struct fake_swallow {
	struct fake_swallow *next;
	const struct model_adapter *adapter; /* one of the two */
	const struct model_device *device;
	char method[32];
	uint64_t left;
	bool done; /* it is carried out, only the answer is lost */
};

struct fake {
	struct model *model;
	sd_event *event;
	struct fake_options options;
	sd_bus *bus; /* NULL while bluetoothd is away */
	sd_bus_slot *filter, *watch, *lost;
	uint64_t bus_until_ms; /* it was lost: so long is its return waited for */
	struct fake_mgmt *mgmt;
	struct fake_adapter *adapters; /* by the model's index */
	unsigned next_hci;
	sd_event_source *absent_timer; /* restart-bluetoothd, hang-bluetoothd */
	sd_event_source *start_timer;  /* the steps of its start, after that */
	bool hung;		       /* stopped: what it would send waits in the queue */
	struct fake_calls queue;
	struct fake_swallow *swallows;
	struct fake_gatt *gatts; /* all there are, so that a leaving sender costs little */
	void (*see)(void *data, const struct plan_sight *sight); /* NULL: nobody watches */
	void *see_data;
	struct fake_calls unanswered; /* calls whose answer is to be lost */
};

/* --- fake.c: the bus and time --- */

uint64_t fake_now_ms(void);

/* Sends and drops the reference; NULL is ignored, so that `make or NULL` can be written. */
void fake_send(struct fake *fake, sd_bus_message *m);

/* Replaces *source by a timer that fires once. -ENOMEM is fatal: the loop ends. */
void fake_arm(struct fake *fake, sd_event_source **source, uint64_t delay_ms,
	      sd_event_time_handler_t handler, void *userdata);
void fake_disarm(sd_event_source **source);

/* Leaves the bus and comes back later. */
void fake_restart(struct fake *fake, uint64_t ms, bool killed);
void fake_hang(struct fake *fake, uint64_t ms);

/* --- fake_reply.c: answers --- */

void fake_calls_add(struct fake_calls *calls, sd_bus_message *m);
void fake_calls_clear(struct fake_calls *calls);

/* Answers @call with @reply (taken; NULL: out of memory, no answer). */
void fake_answer(struct fake *fake, sd_bus_message *call, sd_bus_message *reply);
int fake_ok(struct fake *fake, sd_bus_message *call);
/* @name without "org.bluez.Error." Returns 0, so that a handler can return it. */
int fake_fail(struct fake *fake, sd_bus_message *call, const char *name, const char *text);
int fake_fail_dbus(struct fake *fake, sd_bus_message *call, const char *name, const char *text);
/* bluetoothd's words for an ATT error. */
int fake_fail_att(struct fake *fake, sd_bus_message *call, int att);
/* As fake_ok() and fake_fail() for each call of a list, which is empty then. */
void fake_all_ok(struct fake *fake, struct fake_calls *calls);

/* --- fake_object.c: paths and dispatch --- */

must_check int fake_find(struct fake *fake, const char *path, struct fake_object *out);
void fake_path(const struct fake_object *object, char *out);
/* The interfaces of a kind one after the other; NULL: no more. */
const struct fake_interface *fake_interface(enum fake_kind kind, size_t index);
int fake_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* Calls visit for each child that is on the bus. */
void fake_children(const struct fake_object *object,
		   void (*visit)(const struct fake_object *child, void *data), void *data);

/* The same for all GATT objects of a device, parents first, or children first. */
void fake_gatt_objects(struct fake_device *device, bool children_first,
		       void (*visit)(const struct fake_object *object, void *data), void *data);

struct fake_object fake_adapter_object(struct fake_adapter *adapter);
struct fake_object fake_device_object(struct fake_device *device);
struct fake_object fake_attr_object(struct fake_device *device, const struct model_attr *attr);

/* Whether bluetoothd's table of the device lacks that attribute (fault). */
bool fake_gatt_is_hidden(const struct fake_device *device, const struct model_attr *attr);

/* --- fake_props.c: properties, the object manager, introspection --- */

int fake_properties_call(sd_bus_message *m, const struct fake_object *object);
int fake_managed_objects(sd_bus_message *m, struct fake *fake);
int fake_introspect(sd_bus_message *m, const struct fake_object *object);
void fake_changed(const struct fake_object *object, const struct fake_interface *interface,
		  const char *const *names, size_t count);
#define FAKE_CHANGED(object, interface, ...)                                                       \
	fake_changed((object), (interface), (const char *const[]){ __VA_ARGS__ },                  \
		     ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

/* The whole object; @only: that interface of it (which must be there). */
void fake_added(const struct fake_object *object, const struct fake_interface *only);
void fake_removed(const struct fake_object *object, const struct fake_interface *only);
int fake_append_uuid(sd_bus_message *m, uint16_t uuid);
void fake_uuid(uint16_t uuid, char *out);

/* --- fake_adapter.c --- */

extern const struct fake_interface fake_adapter1;
must_check int fake_adapters_new(struct fake *fake);
void fake_adapters_free(struct fake *fake);
void fake_adapter_export(struct fake_adapter *adapter);
/* Everything on it ends, and the objects of its devices go. */
void fake_adapter_clear(struct fake_adapter *adapter);
/* Outcomes: a MGMT status. @issuer: who asked by MGMT, @call: who by D-Bus; NULL or answered. */
int fake_adapter_power(struct fake_adapter *adapter, bool on, struct seqpacket_peer *issuer,
		       sd_bus_message *call);
void fake_adapter_drop_links(struct fake_adapter *adapter);
void fake_adapter_unplug(struct fake_adapter *adapter);
void fake_adapter_plug(struct fake_adapter *adapter);
struct fake_adapter *fake_adapter_by_hci(struct fake *fake, unsigned hci);

/* --- fake_scan.c: discovery sessions --- */

int fake_start_discovery(sd_bus_message *m, const struct fake_object *object);
int fake_stop_discovery(sd_bus_message *m, const struct fake_object *object);
int fake_set_filter(sd_bus_message *m, const struct fake_object *object);
int fake_get_filters(sd_bus_message *m, const struct fake_object *object);
/* The timer of everything that is heard and forgotten. */
int fake_scan_turn(sd_event_source *source, uint64_t usec, void *userdata);
/* Another program discovers, or no longer. Errors: -ENOMEM. */
must_check int fake_scan_other(struct fake_adapter *adapter, bool on);
void fake_scan_sender_gone(struct fake_adapter *adapter, const char *sender);
/* Discovery ends without anybody having asked; the caller announces the property. */
void fake_scan_clear(struct fake_adapter *adapter);
/* From now on the device vanishes if nothing is heard of it for a while. */
void fake_scan_age(struct fake_device *device);
void fake_scan_remove_temporaries(struct fake_adapter *adapter);
void fake_scan_export(struct fake_device *device);
/* @known: bluetoothd has stored it, and it comes back with the adapter. */
void fake_scan_remove(struct fake_device *device, bool known);

/* --- fake_monitor.c: adverts without discovery --- */

extern const struct fake_interface fake_monitor_manager1;
/* Somebody may be listening: adverts come. */
void fake_monitors_listen(struct fake_adapter *adapter);
void fake_monitors_found(struct fake_device *device);
void fake_monitors_sender_gone(struct fake_adapter *adapter, const char *sender);
/* @tell: they are released. */
void fake_monitors_clear(struct fake_adapter *adapter, bool tell);

/* --- fake_filter.c: what a session wants to see --- */

struct fake_filter {
	bool set;
	bool has_rssi, has_pathloss, duplicate, discoverable;
	int16_t rssi_dbm;
	uint16_t pathloss_db;
	char transport[8];
	char pattern[64];
	char **uuids; /* as given, normalised; NULL at the end; NULL: any */
};

/* Errors: -EINVAL. *out is released by fake_filter_clear(). */
must_check int fake_filter_parse(struct fake_filter *out, sd_bus_message *m);
void fake_filter_clear(struct fake_filter *filter);
bool fake_filter_matches(const struct fake_filter *filter, const struct model_device *device,
			 int8_t rssi_dbm);

/* --- fake_device.c --- */

extern const struct fake_interface fake_device1;
extern const struct fake_interface fake_battery1;

/* --- fake_link.c: links come and go --- */

int fake_connect(struct fake_device *device, sd_bus_message *m);
int fake_disconnect(struct fake_device *device, sd_bus_message *m);
/* The device advertises (again): whoever waits for it may have it. */
void fake_link_available(struct fake *fake, struct model_device *model);
/* Outcomes: a MGMT status. */
int fake_link_mgmt_disconnect(struct fake_device *device, struct seqpacket_peer *issuer);
/* The link is gone: kernel and D-Bus. */
void fake_link_drop(struct fake_device *device, int mgmt_reason);
/* Only in the kernel, D-Bus learns of it later. */
void fake_link_kernel_down(struct fake_device *device, int mgmt_reason,
			   struct seqpacket_peer *issuer);
void fake_link_drop_later(struct fake_device *device, uint64_t delay_ms);
/* Ends a pending connect; @text NULL: it is never answered. */
void fake_link_fail(struct fake_device *device, const char *text, int mgmt_status);
/* Profiles go before the link does. */
void fake_link_remove_battery(struct fake_device *device);
/* Pairing has failed: so does the link. */
void fake_link_unpaired(struct fake_device *device);
/* The peripheral is gone, nobody has noticed. */
void fake_link_lose(struct fake_device *device, enum fake_dead how);

/* --- fake_gatt.c, fake_notify.c --- */

extern const struct fake_interface fake_service1, fake_characteristic1, fake_descriptor1;

must_check int fake_gatt_ready(struct fake_device *device);
/* The link is gone: requests fail, sockets close, sessions wait for the next link. */
void fake_gatt_down(struct fake_device *device);
void fake_gatt_free(struct fake_device *device);
void fake_gatt_resolved(struct fake_device *device);
void fake_gatt_sender_gone(struct fake *fake, const char *sender);
/* A bluetoothd that was stopped goes on. */
void fake_gatt_continue(struct fake *fake);
bool fake_gatt_claimed(const struct model_attr *service);
void fake_gatt_burst(struct fake_device *device, uint16_t handle, uint64_t count);

/* HCI's reason of a link's end to that of MGMT, as the kernel translates it. */
int fake_mgmt_reason(uint64_t hci);

/* --- fake_mgmt.c --- */

must_check int fake_mgmt_new(struct fake *fake);
void fake_mgmt_free(struct fake *fake);
void fake_mgmt_index(struct fake_adapter *adapter, bool added);
void fake_mgmt_settings(struct fake_adapter *adapter, const struct seqpacket_peer *except);
void fake_mgmt_discovering(struct fake_adapter *adapter);
void fake_mgmt_connected(struct fake_device *device);
void fake_mgmt_disconnected(struct fake_device *device, int reason,
			    const struct seqpacket_peer *except);
void fake_mgmt_connect_failed(struct fake_device *device, int status);
/* The Connect is not pending any more: what waited for that is carried out. */
void fake_mgmt_connect_ended(struct fake_device *device);
void fake_mgmt_found(struct fake_device *device);
