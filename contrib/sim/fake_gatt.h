/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/fake_gatt.h - what fake_gatt.c (requests, values) and fake_notify.c (sessions,
 * sockets, notifications) share. Nobody else includes this.
 */
#include "contrib/sim/fake_state.h"

/*
 * Who wants notifications of a characteristic. Outlives the link, not its sender; but its sender,
 * too, where that left before StartNotify was answered.
 */
struct fake_listener {
	struct fake_listener *next;
	char sender[FAKE_SENDER_CHARS]; /* "": nobody any more */
	bool active;			/* subscribed on this link */
	bool acquired;			/* gets them by socket */
};

struct fake_socket {
	int fd;
	sd_event_source *source;
};

/* One per row of the device's table; used for value and descriptor rows. */
struct fake_value {
	struct model_buffer *cached; /* the Value property; NULL: not known yet */
	struct fake_op *reading, *writing;
	struct fake_listener *listeners;
	struct fake_socket notify, write;
	bool notifying;
};

struct fake_gatt {
	struct fake_gatt *next; /* of fake->gatts */
	struct fake_device *device;
	struct fake_op *ops;	/* requests that are not answered yet */
	uint64_t busy_until_ms; /* ATT is one request at a time */
	sd_event_source *notify_timer;
	struct fake_value values[];
};

enum fake_op_kind { FAKE_OP_READ, FAKE_OP_WRITE, FAKE_OP_SUBSCRIBE, FAKE_OP_ACQUIRE };

struct fake_op {
	struct fake_op *next;
	struct fake_device *device;
	const struct model_attr *attr; /* a value or a descriptor */
	enum fake_op_kind kind;
	struct fake_calls calls; /* several reads may share one request */
	uint16_t offset;
	uint8_t *data;
	size_t len_bytes;
	struct fake_listener *listener;
	bool done; /* carried out, only the answer is missing */
	sd_event_source *timer;
};

/* The value row of a characteristic's declaration; a descriptor is its own. */
const struct model_attr *fake_value_row(const struct fake_object *object);
struct fake_value *fake_value_of(struct fake_device *device, const struct model_attr *row);

/* Makes a request and carries it out now or when its time has come. Errors: -ENOMEM. */
must_check int fake_op_new(struct fake_op **out, struct fake_device *device,
			   const struct model_attr *attr, enum fake_op_kind kind,
			   sd_bus_message *m);
void fake_op_start(struct fake_op *op);
/* Answers (att as of fake_fail_att(), 0: well) and ends the request. */
void fake_op_finish(struct fake_op *op, int att);

/* Ends it without an answer. */
void fake_op_free(struct fake_op *op);
/* Nothing comes back from the peripheral, nor does anything reach it. */
bool fake_is_deaf(const struct fake_device *device);

/* Stores the new value and tells everybody. */
void fake_value_changed(struct fake_device *device, const struct model_attr *row, size_t offset,
			const uint8_t *data, size_t len_bytes);

/* --- fake_leftover.c --- */

int fake_leftover_start(sd_bus_message *m, const struct fake_object *object);
int fake_leftover_stop(sd_bus_message *m, const struct fake_object *object);
int fake_leftover_acquire(sd_bus_message *m, const struct fake_object *object);

/* --- fake_socket.c --- */

int fake_acquire_write(sd_bus_message *m, const struct fake_object *object);
/* One end for us, the other in the answer to @m; @property has changed. */
must_check int fake_socket_open(const struct fake_object *on, sd_bus_message *m,
				struct fake_socket *socket, const char *property);
/* Nothing if it is closed. */
void fake_socket_close(struct fake_device *device, const struct model_attr *row,
		       struct fake_socket *socket);

/* --- fake_notify.c --- */

int fake_start_notify(sd_bus_message *m, const struct fake_object *object);
int fake_stop_notify(sd_bus_message *m, const struct fake_object *object);
int fake_acquire_notify(sd_bus_message *m, const struct fake_object *object);
/* Carries out FAKE_OP_SUBSCRIBE and FAKE_OP_ACQUIRE. Outcomes: as fake_op_finish()'s att. */
int fake_subscribe(struct fake_op *op);
/* The answer of FAKE_OP_ACQUIRE. */
void fake_acquired(struct fake_op *op);
void fake_listener_remove(struct fake_device *device, const struct model_attr *row,
			  struct fake_listener *listener);
void fake_notify_down(struct fake_device *device);
void fake_notify_free(struct fake_device *device);
