/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/hci_link.c - commands on links that are up; see controller.h. Each begins with the
 * handle, and one that is not there is answered with 0x02.
 */
#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/link.h"

#define REMOTE_VERSION	    0x09
#define REMOTE_MANUFACTURER 0x05f1
#define TX_POWER_DBM	    0
#define TX_POWER_MAX_DBM    4

uint8_t hci_needs_link(struct controller *controller, const uint8_t *params,
		       uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	return controller_link(controller, bytes_get16(params)) ? HCI_OK : HCI_UNKNOWN_CONNECTION;
}

uint8_t hci_disconnect(struct controller *controller, const uint8_t *params, uint64_t now_ms,
		       struct packet *reply)
{
	return hci_needs_link(controller, params, now_ms, reply);
}

void hci_disconnected(struct controller *controller, const uint8_t *params, uint64_t now_ms)
{
	struct link *link = controller_link(controller, bytes_get16(params));

	/* A ghost is ended already, for everybody but the host. */
	if (controller->lost_disconnect || !link->device) {
		link_make_ghost(link);
		return;
	}
	if (link->end_at_ms != MODEL_NEVER_MS && link->end_reason == HCI_LOCAL_ENDED)
		return;
	link->end_reason = HCI_LOCAL_ENDED;
	link->end_at_ms = now_ms + controller->air->settings.event_ms;
	if (link->end_at_ms <= now_ms)
		controller_end_link(controller, link, HCI_LOCAL_ENDED);
}

void hci_remote_version(struct controller *controller, const uint8_t *params,
			uint64_t now_ms _unused_)
{
	uint8_t data[8];
	struct packet event = PACKET_OVER(data);

	packet_put8(&event, HCI_OK);
	packet_put(&event, params, 2);
	packet_put8(&event, REMOTE_VERSION);
	packet_put16(&event, REMOTE_MANUFACTURER);
	packet_put16(&event, 0);
	controller_event(controller, HCI_EV_REMOTE_VERSION, &event);
}

void hci_remote_features(struct controller *controller, const uint8_t *params, uint64_t now_ms)
{
	struct link *link = controller_link(controller, bytes_get16(params));

	link_ask_features(link, now_ms);
}

/* These answers keep their length when they fail: the kernel insists on it. */
uint8_t hci_read_rssi(struct controller *controller, const uint8_t *params, uint64_t now_ms,
		      struct packet *reply)
{
	const struct link *link = controller_link(controller, bytes_get16(params));
	int8_t rssi_dbm = 0;

	if (link && link->device)
		rssi_dbm = model_rssi_dbm(controller->air->model, controller->adapter->index,
					  link->device, now_ms);
	packet_put(reply, params, 2);
	packet_put8(reply, (uint8_t)rssi_dbm);
	return link ? HCI_OK : HCI_UNKNOWN_CONNECTION;
}

uint8_t hci_read_tx_power(struct controller *controller, const uint8_t *params,
			  uint64_t now_ms _unused_, struct packet *reply)
{
	packet_put(reply, params, 2);
	packet_put8(reply, params[2] ? TX_POWER_MAX_DBM : TX_POWER_DBM);
	return controller_link(controller, bytes_get16(params)) ? HCI_OK : HCI_UNKNOWN_CONNECTION;
}

uint8_t hci_connection_update(struct controller *controller, const uint8_t *params,
			      uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	const uint16_t min = bytes_get16(params + 2), max = bytes_get16(params + 4);
	const uint16_t timeout = bytes_get16(params + 8);

	if (!controller_link(controller, bytes_get16(params)))
		return HCI_UNKNOWN_CONNECTION;
	if (min < 6 || min > max || max > 0x0c80 || timeout < 0x000a || timeout > 0x0c80)
		return HCI_INVALID_PARAMETERS;
	return HCI_OK;
}

void hci_connection_updated(struct controller *controller, const uint8_t *params,
			    uint64_t now_ms _unused_)
{
	struct link *link = controller_link(controller, bytes_get16(params));
	uint8_t data[10];
	struct packet event = PACKET_OVER(data);

	link->interval = bytes_get16(params + 4);
	link->latency = bytes_get16(params + 6);
	link->timeout = bytes_get16(params + 8);
	packet_put8(&event, HCI_LE_EV_UPDATE_COMPLETE);
	packet_put8(&event, HCI_OK);
	packet_put16(&event, link->handle);
	packet_put16(&event, link->interval);
	packet_put16(&event, link->latency);
	packet_put16(&event, link->timeout);
	controller_event(controller, HCI_EV_LE_META, &event);
}
