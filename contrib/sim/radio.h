/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/radio.h - the software radio face: LE controllers on /dev/vhci over the device model.
 *
 * Called by main.c only, which fills in the options from the command line, registers the fault
 * rows with faults_register(faults, radio_fault_table, radio_fault_count, face) and, since the
 * model's write observer is set before, has the write log without the face doing anything.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/plan_turn.h"
#include "ipc/base.h"

struct model;
struct radio_face;

struct radio_options {
	unsigned links;	     /* links that a controller can hold; 0: CONTROLLER_LINKS, 5 */
	unsigned connect_ms; /* from the answered advert to the link */
	unsigned event_ms;   /* until a packet reaches the peripheral: the connection interval */
	unsigned acl_bytes;  /* longest ACL fragment, 27 to 251; 0: 251 */
	bool trace;	     /* HCI commands and the peripherals' requests to standard error */
};

/*
 * Opens /dev/vhci once per adapter, in order, and starts serving; the model outlives the face.
 * Errors: -EINVAL an option is out of range; negative errno of open(2) and write(2).
 */
must_check int radio_face_new(struct radio_face **out, struct model *model, sd_event *event,
			      const struct radio_options *options);
struct radio_face *radio_face_free(struct radio_face *face);

/* Who is told of each HCI command, before it is handled; it may do anything to the face. */
void radio_watch(struct radio_face *face, void (*see)(void *data, const struct plan_sight *sight),
		 void *data);

/* Whether that is a command that the radio knows by name, and whom it names. Errors: -ENOENT. */
must_check int radio_trigger(const char *name, enum plan_sort *out_sort);

/* The face's own fault commands; they replace the model's rows of the same name. */
extern const struct fault_command radio_fault_table[];
extern const size_t radio_fault_count;
