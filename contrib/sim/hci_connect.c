/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/hci_connect.c - LE Create Connection and its cancel; see controller.h.
 *
 *   state    | create command | advert that fits  | done_at_ms      | cancel
 *   ---------|----------------|-------------------|-----------------|---------------------------
 *   idle     | -> pending     |                   |                 | disallowed
 *   pending  | disallowed     | -> caught         |                 | -> idle, complete with 0x02
 *   caught   | disallowed     |                   | -> idle, link   | -> idle, complete with 0x02
 *
 * A pending one stays until the peripheral advertises, as long as the host has patience.
 */
#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/link.h"

#define REFUSE_DEFAULT HCI_REJECTED_RESOURCES

/* The host names the peer only without the accept list; else refusing waits for the advert. */
static struct model_device *named_device(const struct controller *controller,
					 const struct controller_create *create)
{
	uint8_t address[HCI_ADDRESS_BYTES];

	if (create->use_accept_list || create->peer.type != HCI_ADDRESS_RANDOM)
		return NULL;
	model_address_swap(create->peer.address, address);
	return model_device_by_address(controller->air->model, address);
}

/* True if the fault says that this attempt fails, and with what. */
static bool is_refused(const struct controller *controller, struct model_device *device,
		       uint8_t *out_status)
{
	const struct air_device *extra;

	if (!device || !device->refuse)
		return false;
	extra = air_device(controller->air, device);
	device->refuse--;
	device->counters.refused++;
	*out_status = extra->refuse_status ? extra->refuse_status : REFUSE_DEFAULT;
	return true;
}

uint8_t hci_create_connection(struct controller *controller, const uint8_t *params, uint64_t now_ms,
			      struct packet *reply _unused_)
{
	struct controller_create create = {
		.active = true,
		.scan_interval = bytes_get16(params),
		.scan_window = bytes_get16(params + 2),
		.use_accept_list = params[4] == 1,
		.peer.type = params[5],
		.interval = bytes_get16(params + 15),
		.latency = bytes_get16(params + 17),
		.timeout = bytes_get16(params + 19),
		.since_ms = now_ms,
	};
	uint8_t status;

	memcpy(create.peer.address, params + 6, sizeof(create.peer.address));
	if (controller->create.active)
		return HCI_COMMAND_DISALLOWED;
	if (params[4] > 1 || create.peer.type > 3 || params[12] > 3 ||
	    create.scan_window > create.scan_interval || bytes_get16(params + 13) < 6 ||
	    bytes_get16(params + 13) > create.interval || create.interval > 0x0c80 ||
	    create.timeout < 0x000a || create.timeout > 0x0c80)
		return HCI_INVALID_PARAMETERS;
	if (controller->link_count >= controller->air->settings.links)
		return HCI_CONNECTION_LIMIT;
	if (controller->refuse) {
		controller->refuse--;
		return controller->refuse_status;
	}
	if (is_refused(controller, named_device(controller, &create), &status))
		return status;
	controller->create = create;
	model_connecting(controller->adapter, 1);
	return HCI_OK;
}

void hci_create_end(struct controller *controller)
{
	struct controller_create *create = &controller->create;

	if (!create->active)
		return;
	if (create->caught)
		air_device(controller->air, create->caught)->is_caught = false;
	create->caught = NULL;
	create->active = false;
	model_connecting(controller->adapter, -1);
}

static void send_complete(struct controller *controller, uint8_t status, const struct link *link,
			  const struct controller_peer *peer)
{
	uint8_t data[19];
	struct packet event = PACKET_OVER(data);

	packet_put8(&event, HCI_LE_EV_CONNECTION_COMPLETE);
	packet_put8(&event, status);
	packet_put16(&event, link ? link->handle : 0);
	packet_put8(&event, 0); /* we are the central */
	packet_put8(&event, peer->type);
	packet_put(&event, peer->address, sizeof(peer->address));
	packet_put16(&event, link ? link->interval : 0);
	packet_put16(&event, link ? link->latency : 0);
	packet_put16(&event, link ? link->timeout : 0);
	packet_put8(&event, 0); /* clock accuracy */
	controller_event(controller, HCI_EV_LE_META, &event);
}

uint8_t hci_create_cancel(struct controller *controller, const uint8_t *params _unused_,
			  uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	return controller->create.active ? HCI_OK : HCI_COMMAND_DISALLOWED;
}

void hci_create_cancelled(struct controller *controller, const uint8_t *params _unused_,
			  uint64_t now_ms _unused_)
{
	const struct controller_peer peer = controller->create.peer;

	if (controller->connect_hang)
		return;
	hci_create_end(controller);
	send_complete(controller, HCI_UNKNOWN_CONNECTION, NULL, &peer);
}

static bool is_wanted(const struct controller *controller, const struct controller_peer *peer)
{
	const struct controller_create *create = &controller->create;

	if (create->use_accept_list)
		return controller_accepts(controller, peer);
	return create->peer.type == peer->type &&
	       memcmp(create->peer.address, peer->address, sizeof(peer->address)) == 0;
}

void hci_create_hear(struct controller *controller, struct model_device *device, uint64_t now_ms)
{
	struct controller_create *create = &controller->create;
	struct air_device *extra = air_device(controller->air, device);
	struct controller_peer peer;
	uint8_t status;

	controller_peer_of(device, &peer);
	if (controller->connect_hang || extra->deaf || !is_wanted(controller, &peer) ||
	    !controller_is_open(create->since_ms, create->scan_interval, create->scan_window,
				now_ms))
		return;
	if (is_refused(controller, device, &status)) {
		hci_create_end(controller);
		send_complete(controller, status, NULL, &peer);
		return;
	}
	create->caught = device;
	create->done_at_ms =
		now_ms + (device->connect_ms >= 0 ? (uint64_t)device->connect_ms
						  : controller->air->settings.connect_ms);
	extra->is_caught = true;
	hci_create_tick(controller, now_ms);
}

/* Handles are not used again soon, so that a late packet of the host hits nobody else's link. */
static uint16_t take_handle(struct controller *controller)
{
	uint16_t handle;

	do {
		handle = controller->next_handle++;
		if (controller->next_handle > HCI_HANDLE_MAX)
			controller->next_handle = 1;
	} while (controller_link(controller, handle));
	return handle;
}

static int link_up(struct controller *controller, const struct controller_create *create,
		   struct model_device *device, uint64_t now_ms, struct link **out)
{
	struct link *link;
	int r;

	r = model_link_up(device, controller->adapter->index);
	if (r < 0)
		return r;
	link = link_new(controller, device, take_handle(controller));
	if (!link) {
		model_link_down(device);
		return -ENOMEM;
	}
	link->interval = create->interval;
	link->latency = create->latency;
	link->timeout = create->timeout;
	controller->links[controller->link_count++] = link;
	air_log("adapter=%u handle=%u link=up device=%u after_ms=%llu", controller->adapter->index,
		link->handle, device->index, (unsigned long long)(now_ms - create->since_ms));
	*out = link;
	return 0;
}

/* What was caught becomes a link, unless a fault says otherwise. */
static void complete(struct controller *controller, struct model_device *device, uint64_t now_ms)
{
	const struct controller_create create = controller->create;
	struct air_device *extra = air_device(controller->air, device);
	struct controller_peer peer;
	struct link *link;

	controller_peer_of(device, &peer);
	hci_create_end(controller);
	if (extra->lie) {
		extra->lie--;
		device->counters.refused++;
		send_complete(controller, extra->lie_status, NULL, &peer);
		return;
	}
	if (link_up(controller, &create, device, now_ms, &link) < 0) {
		send_complete(controller, HCI_NOT_ESTABLISHED, NULL, &peer);
		return;
	}
	send_complete(controller, HCI_OK, link, &peer);
	if (extra->early_drop) {
		extra->early_drop--;
		controller_end_link(controller, link, extra->early_reason);
	}
}

void hci_create_tick(struct controller *controller, uint64_t now_ms)
{
	struct controller_create *create = &controller->create;
	struct model_device *device = create->caught;

	if (!create->active || !device || create->done_at_ms > now_ms)
		return;
	if (device->silent || air_device(controller->air, device)->vanished) {
		/* It went away between its advert and the link: the attempt goes on waiting. */
		air_device(controller->air, device)->is_caught = false;
		create->caught = NULL;
		return;
	}
	complete(controller, device, now_ms);
}
