/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/radio_state.h - the face from the inside, for radio.c and radio_faults.c only.
 */
#include <systemd/sd-event.h>

#include "contrib/sim/air.h"
#include "contrib/sim/model.h"

struct plan_sight;
struct radio_face;

/* One open /dev/vhci. The kernel's number for it is told by the kernel, and changes on replug. */
struct radio_port {
	struct radio_face *face;
	unsigned adapter;
	int fd; /* -EBADF: not plugged */
	int hci;
	sd_event_source *source;
};

struct radio_face {
	struct model *model;
	sd_event *event;
	sd_event_source *timer;
	struct air air;
	void (*see)(void *data, const struct plan_sight *sight); /* NULL: nobody watches */
	void *see_data;
	struct radio_port ports[MODEL_ADAPTERS_MAX];
};

must_check int radio_plug(struct radio_face *face, unsigned adapter);
void radio_unplug(struct radio_face *face, unsigned adapter);

/* To be called after anything that may have changed when the next thing is due. */
void radio_wake(struct radio_face *face);
uint64_t radio_now_ms(void);
