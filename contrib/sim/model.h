/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/model.h - the device model: adapters, peripherals, their GATT tables and behaviours.
 *
 * Pure: no I/O, no clock (now_ms is passed in, CLOCK_MONOTONIC milliseconds), every "random" figure
 * is a hash of the seed. Both faces (fake bluetoothd, software radio) work on one model, so what a
 * peripheral is and remembers does not depend on the face. Single threaded. The structs are open
 * for reading; what a face may write is said at the field.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/base.h"

#define MODEL_ADDRESS_BYTES   6
#define MODEL_ADDRESS_CHARS   18 /* "AA:BB:CC:DD:EE:FF" and the final zero */
#define MODEL_NAME_CHARS      16
#define MODEL_ADVERT_BYTES    31
#define MODEL_VALUE_BYTES     512 /* the longest attribute value that ATT allows */
#define MODEL_EMIT_BYTES      244 /* of an ATT MTU of 247; the kinds themselves fit the smallest */
#define MODEL_SLOTS	      8	  /* values with memory or a CCCD, per device */
#define MODEL_ADAPTERS_MAX    64
#define MODEL_DEVICES_MAX     65536
#define MODEL_NO_ADAPTER      (-1)
#define MODEL_NEVER_MS	      UINT64_MAX
#define MODEL_MANUFACTURER    0xffff /* the company id that is kept free for tests */
#define MODEL_ADVERTISED_UUID 0xfff0

/* ATT error codes, positive outcomes of model_read() and model_write(). */
enum model_att {
	MODEL_ATT_OK = 0,
	MODEL_ATT_INVALID_HANDLE = 0x01,
	MODEL_ATT_READ_NOT_PERMITTED = 0x02,
	MODEL_ATT_WRITE_NOT_PERMITTED = 0x03,
	MODEL_ATT_INVALID_OFFSET = 0x07,
	MODEL_ATT_INVALID_LENGTH = 0x0d,
	MODEL_ATT_UNLIKELY = 0x0e,
	MODEL_ATT_RESOURCES = 0x11,
};

/* Characteristic properties, as in the declaration's first byte. */
enum {
	MODEL_PROP_READ = 0x02,
	MODEL_PROP_COMMAND = 0x04, /* write without response */
	MODEL_PROP_WRITE = 0x08,
	MODEL_PROP_NOTIFY = 0x10,
	MODEL_PROP_INDICATE = 0x20,
};

/* Attribute types that are not characteristic values. */
enum {
	MODEL_TYPE_SERVICE = 0x2800,
	MODEL_TYPE_CHARACTERISTIC = 0x2803,
	MODEL_TYPE_DESCRIPTION = 0x2901,
	MODEL_TYPE_CCCD = 0x2902,
};

enum model_write_kind { MODEL_WRITE_REQUEST, MODEL_WRITE_COMMAND };

/*
 * MUTE_ON: what arrives is lost (not executed, not logged, not answered).
 * MUTE_REPLIES: it is executed and logged, only the answer (and notifications) are lost: the case
 * in which a careless client writes twice. The face asks device->mute, the model does not.
 */
enum model_mute { MODEL_MUTE_OFF, MODEL_MUTE_ON, MODEL_MUTE_REPLIES };

struct model;
struct model_attr;
struct model_device;

struct model_buffer {
	size_t len_bytes;
	uint8_t data[MODEL_VALUE_BYTES];
};

/* One row of a kind's attribute table. Rows are sorted by handle. */
struct model_attr {
	uint16_t handle;
	uint16_t end;  /* SERVICE rows: the last handle of the group; else 0 */
	uint16_t type; /* 16-bit UUID of the attribute's type; of a value row: the characteristic */
	uint16_t uuid; /* SERVICE, CHARACTERISTIC: which one; its value row is always handle + 1 */
	uint8_t props; /* CHARACTERISTIC and its value row */
	uint8_t slot;  /* value row and its CCCD: index into cccd[], values[], next_at_ms[] */
	uint32_t period;  /* emits every period * notify_ms; 0: never by itself */
	const char *text; /* what text readers return */
	void (*read)(const struct model_device *device, const struct model_attr *attr,
		     struct model_buffer *out);
	/* The new whole value has been stored in *value already; NULL: not writable. */
	void (*written)(struct model_device *device, const struct model_attr *attr,
			const struct model_buffer *value);
	/* Makes the next notification; it counts as sent. */
	void (*emit)(struct model_device *device, const struct model_attr *attr,
		     struct model_buffer *out);
};

/* A kind of device: one table and its behaviours. */
struct model_kind {
	const char *name;
	const struct model_attr *attrs;
	size_t attr_count;
};

/* Counted by the model, except those marked F: the face counts. */
struct model_counters {
	uint64_t connects;	/* links that came up */
	uint64_t disconnects;	/* links that went down, whoever did it */
	uint64_t refused;	/* F: attempts that were made to fail */
	uint64_t reads;		/* of values, at offset 0 */
	uint64_t writes;	/* requests that changed a value */
	uint64_t commands;	/* writes without response */
	uint64_t subscribes;	/* CCCD writes */
	uint64_t notifications; /* sent, indications included */
	uint64_t dropped;	/* F: notifications that did not fit the receiver's socket */
	uint64_t busy;		/* F: reads and writes that BlueZ refused: InProgress */
};

struct model_adapter {
	unsigned index;
	uint8_t address[MODEL_ADDRESS_BYTES]; /* in the order of print: AA first */
	bool plugged;			      /* F: unplug and plug */
	unsigned links;			      /* links up now, counted by the model */
	unsigned links_max;		      /* the most there ever were */
	unsigned connecting;		      /* model_connecting() */
	unsigned connecting_max;
	unsigned discovering; /* F: discovery sessions (fake) or scanning 0/1 (radio) */
	unsigned monitoring;  /* F: advertisement monitors (fake) */
	uint64_t discoveries; /* F: how often discovery was started */
};

struct model_device {
	struct model *model;
	const struct model_kind *kind;
	unsigned index;
	uint8_t address[MODEL_ADDRESS_BYTES]; /* in the order of print: C0 first; random static */
	char name[MODEL_NAME_CHARS];
	int link;	      /* index of the adapter that holds the link, or MODEL_NO_ADAPTER */
	bool silent;	      /* F: fault: neither advertises nor answers a connect */
	bool bare;	      /* F: fault: its adverts carry no data */
	enum model_mute mute; /* F: fault */
	unsigned refuse;      /* F: fault: so many next connects fail */
	unsigned pad_bytes;   /* F: fault: values that it emits are at least so long */
	int connect_ms;	      /* F: fault: how long a connect takes; -1: the face's default */
	uint16_t cccd[MODEL_SLOTS];	  /* 0, 1 notify, 2 indicate; cleared with the link */
	uint64_t next_at_ms[MODEL_SLOTS]; /* when the slot emits next */
	uint32_t counter;		  /* fff4: the last one sent; 0: none yet */
	uint32_t indicated;		  /* fff5 */
	uint8_t battery;		  /* 2a19, per cent */
	struct model_buffer *values[MODEL_SLOTS]; /* what was written last; NULL: nothing yet */
	struct model_counters counters;
};

struct model_config {
	unsigned adapters; /* 0..MODEL_ADAPTERS_MAX */
	unsigned devices;  /* 0..MODEL_DEVICES_MAX */
	uint64_t seed;
	unsigned notify_ms;	/* period of fff4; at least 1 */
	bool manufacturer_data; /* in the adverts */
};

/* A value write that a peripheral has received. */
struct model_write_record {
	uint64_t at_ms;
	const struct model_device *device;
	const struct model_attr *attr;
	enum model_write_kind kind;
	const uint8_t *data;
	size_t len_bytes;
};

/* One notification or indication to send. */
struct model_emission {
	const struct model_attr *attr; /* the value row: attr->handle, attr->type */
	bool indicate;
	size_t len_bytes;
	uint8_t data[MODEL_EMIT_BYTES];
};

/**
 * model_new() - a world of adapters and devices, all plugged in, advertising, unlinked
 * @out:    the model, owned by the caller, model_free()
 * @config: copied
 *
 * Errors: -EINVAL a figure is out of range; -ENOMEM.   Blocks: never.
 */
must_check int model_new(struct model **out, const struct model_config *config);
struct model *model_free(struct model *model);

const struct model_config *model_config(const struct model *model);
unsigned model_adapter_count(const struct model *model);
unsigned model_device_count(const struct model *model);

/* The index must be less than the count; else NULL. */
struct model_adapter *model_adapter(struct model *model, unsigned index);
struct model_device *model_device(struct model *model, unsigned index);

/* O(1). NULL if there is no such device. @address in the order of print. */
struct model_device *model_device_by_address(struct model *model, const uint8_t *address);

/* "AA:BB:CC:00:00:01", either case. Errors: -EINVAL. */
must_check int model_address_parse(const char *text, uint8_t *out_address);
void model_address_format(const uint8_t *address, char *out_text);

/* Turns the order of print into the order of HCI and MGMT, and back. */
void model_address_swap(const uint8_t *address, uint8_t *out_address);

/* dBm. Changes a little every few seconds; which adapter is best differs by device. */
int8_t model_rssi_dbm(const struct model *model, unsigned adapter,
		      const struct model_device *device, uint64_t now_ms);

/* AD structures of the connectable advert (ADV_IND); the scan response is empty. Returns bytes. */
size_t model_advert(const struct model_device *device, uint8_t *out_data);

/* The payload of the manufacturer data (without the company id); 0 if there is none. */
size_t model_manufacturer_data(const struct model_device *device, uint8_t *out_data, size_t size);

/* Can be seen and connected right now: not silent and without a link. */
bool model_is_advertising(const struct model_device *device);

/**
 * model_link_up() - the device accepts a link and stops advertising
 *
 * Errors: -EBUSY it has a link (on whatever adapter); -EHOSTUNREACH it is silent;
 * -ENODEV the adapter is not plugged in.
 */
must_check int model_link_up(struct model_device *device, unsigned adapter);

/* The link is gone: CCCDs are forgotten, values and counters stay. No-op without a link. */
void model_link_down(struct model_device *device);

/* A connect attempt begins (+1) or ends (-1) on an adapter: keeps connecting_max. */
void model_connecting(struct model_adapter *adapter, int change);

/* The row of a handle, or NULL. */
const struct model_attr *model_attr(const struct model_device *device, uint16_t handle);

/**
 * model_read() - what ATT Read, Read Blob and discovery return for any attribute
 * @offset:  first byte of the value that is wanted
 * @out:     gets at most @size bytes
 *
 * Outcomes: 0 and *out_len; an enum model_att. Does not look at device->mute.
 */
must_check int model_read(struct model_device *device, uint16_t handle, size_t offset, uint8_t *out,
			  size_t size, size_t *out_len);

/**
 * model_write() - a write (or a whole executed prepared write) has arrived
 * @offset: where in the old value it begins; 0 for anything but prepared writes
 *
 * The written value replaces what follows the offset. CCCDs are written here too. Value writes are
 * counted and told to the observer. Outcomes: 0; an enum model_att. A command's outcome goes
 * nowhere, as in ATT.
 */
must_check int model_write(struct model_device *device, uint16_t handle, size_t offset,
			   const void *data, size_t len_bytes, enum model_write_kind kind,
			   uint64_t now_ms);

/* Who is told of each value write; one observer, NULL for none. */
void model_set_write_observer(struct model *model,
			      void (*observer)(const struct model_write_record *record, void *data),
			      void *data);

/* When the linked device has the next notification to send; MODEL_NEVER_MS: nobody subscribed. */
uint64_t model_next_emit_at_ms(const struct model_device *device);

/**
 * model_emit() - takes the next notification that is due
 *
 * Outcomes: 1 and *out (it counts as sent: call it only if the link can carry it, again until it
 * returns 0); 0 nothing is due.
 */
must_check int model_emit(struct model_device *device, uint64_t now_ms, struct model_emission *out);

/* The same for one handle, due or not, if its CCCD is on: for bursts. Outcomes as above. */
must_check int model_emit_now(struct model_device *device, uint16_t handle,
			      struct model_emission *out);
