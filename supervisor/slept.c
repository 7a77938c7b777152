/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/slept.h"

#include "ipc/clock.h"
#include "supervisor/adapters.h"
#include "ipc/boot_clock.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/events.h"
#include "supervisor/mgmt.h"
#include "supervisor/worker_child.h"
#include "supervisor/worker_rules.h"

enum { READ_MS = 100 };

/* As BlueZ has it, for its worker said so: the kernel's own events were lost in the sleep. */
static bool is_left_over(const struct device *device, uint16_t adapter, const uint8_t *data,
			 size_t len)
{
	const struct sighting *sighting = device_sighting(device, adapter);
	enum mgmt_address_type type;

	return sighting && sighting->is_connected &&
	       mgmt_codec_listed(data, len, device->address, &type) == MGMT_NOT_LISTED;
}

static void on_connections(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			   size_t len, struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct adapter *adapter = adapters_find(sup->adapters, index);
	struct event event;
	const struct device *device;
	size_t cursor = 0;

	if (status != MGMT_STATUS_SUCCESS || !adapter ||
	    child_incarnation(adapter->child) != token.who)
		return;
	while ((device = devices_next(sup->devices, &cursor))) {
		if (!is_left_over(device, index, data, len))
			continue;
		event = worker_event(adapter, EVENT_LINK_CUT);
		event.address = device->address;
		event.class = CLASS_LINK_LOST;
		events_add(sup->events, &event,
			   "the machine has slept, and the kernel has this link no more");
		worker_child_cut_lost(adapter, device->address, device->is_random);
	}
}

static void ask_for_links(struct sup *sup)
{
	size_t i;

	for (i = 0; i < sup->adapters->n; i++) {
		const struct adapter *adapter = sup->adapters->list[i];
		const struct mgmt_token token = { .who = child_incarnation(adapter->child) };

		/* Where it cannot be asked the links show what they are when they are used. */
		if (adapter->is_present && child_state(adapter->child) == CHILD_READY)
			(void)!mgmt_send(sup->mgmt, MGMT_GET_CONNECTIONS, adapter->index, NULL, 0,
					 on_connections, token);
	}
}

static void wake_up(struct sup *sup, uint64_t slept_ms, uint64_t now_ms)
{
	const struct event event = { .kind = EVENT_RESUMED };
	size_t i;

	events_add(sup->events, &event,
		   "the machine has slept for %llu s: links are asked for anew, failures of the "
		   "next %u s are not counted",
		   (unsigned long long)(slept_ms / 1000), RESUME_LENIENT_MS / 1000);
	devices_unhear(sup->devices);
	for (i = 0; i < sup->adapters->n; i++)
		sup->adapters->list[i]->heard_at_ms = 0;
	escalation_pardon(sup->escalation, now_ms + RESUME_LENIENT_MS);
}

void slept_watch(struct sup *sup)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t boot_ms = boot_clock_ms();
	uint64_t after_ms = clock_now_ms();
	uint64_t slept_ms;

	/* Not read in one moment: their difference says nothing. */
	if (after_ms - now_ms > READ_MS)
		return;
	slept_ms = resume_look(&sup->resume, boot_ms, after_ms);
	if (slept_ms > 0)
		wake_up(sup, slept_ms, now_ms);
	if (resume_links_due(&sup->resume, now_ms))
		ask_for_links(sup);
}

bool slept_is_lenient(const struct sup *sup)
{
	return resume_is_lenient(&sup->resume, clock_now_ms());
}
