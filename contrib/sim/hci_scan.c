/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/hci_scan.c - scanning, advertising reports and the accept list; see controller.h.
 */
#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/hci.h"

#define SCAN_TIME_MIN 0x0004
#define SCAN_TIME_MAX 0x4000

/* Kinds of report, bits of controller->reported. */
enum { REPORTED_ADVERT = 1, REPORTED_RESPONSE = 2 };

uint8_t hci_scan_parameters(struct controller *controller, const uint8_t *params,
			    uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	struct controller_scan *scan = &controller->scan;
	const uint16_t interval = bytes_get16(params + 1), window = bytes_get16(params + 3);

	if (scan->enabled)
		return HCI_COMMAND_DISALLOWED;
	if (params[0] > 1 || params[6] > 3 || interval < SCAN_TIME_MIN ||
	    interval > SCAN_TIME_MAX || window < SCAN_TIME_MIN || window > interval)
		return HCI_INVALID_PARAMETERS;
	scan->active = params[0] == 1;
	scan->interval = interval;
	scan->window = window;
	scan->accept_list_only = params[6] & 1;
	return HCI_OK;
}

uint8_t hci_scan_enable(struct controller *controller, const uint8_t *params, uint64_t now_ms,
			struct packet *reply _unused_)
{
	struct controller_scan *scan = &controller->scan;

	if (params[0] > 1 || params[1] > 1)
		return HCI_INVALID_PARAMETERS;
	if (params[0] && !scan->enabled)
		controller->adapter->discoveries++;
	scan->enabled = params[0];
	controller->adapter->discovering = params[0];
	if (!scan->enabled)
		return HCI_OK;
	scan->filter_duplicates = params[1];
	scan->since_ms = now_ms;
	/* The filter forgets at each enable, also when scanning was on already. */
	memset(controller->reported, 0, model_device_count(controller->air->model));
	return HCI_OK;
}

static void report(struct controller *controller, const struct model_device *device,
		   unsigned event_type, uint64_t now_ms)
{
	uint8_t data[HCI_EVENT_BYTES], advert[MODEL_ADVERT_BYTES];
	struct packet event = PACKET_OVER(data);
	struct controller_peer peer;
	size_t len = 0;

	controller_peer_of(device, &peer);
	if (event_type == HCI_ADV_IND)
		len = model_advert(device, advert);
	packet_put8(&event, HCI_LE_EV_ADVERTISING_REPORT);
	packet_put8(&event, 1);
	packet_put8(&event, event_type);
	packet_put8(&event, peer.type);
	packet_put(&event, peer.address, sizeof(peer.address));
	packet_put8(&event, (unsigned)len);
	packet_put(&event, advert, len);
	packet_put8(&event, (uint8_t)model_rssi_dbm(controller->air->model,
						    controller->adapter->index, device, now_ms));
	controller_event(controller, HCI_EV_LE_META, &event);
}

/* With the filter on, each kind of report comes once per device. */
static bool is_new(struct controller *controller, const struct model_device *device, uint8_t kind)
{
	uint8_t *reported = &controller->reported[device->index];

	if (controller->scan.filter_duplicates && (*reported & kind))
		return false;
	*reported |= kind;
	return true;
}

void hci_scan_hear(struct controller *controller, const struct model_device *device,
		   uint64_t now_ms)
{
	const struct controller_scan *scan = &controller->scan;
	struct controller_peer peer;

	if (!controller_is_open(scan->since_ms, scan->interval, scan->window, now_ms))
		return;
	controller_peer_of(device, &peer);
	if (scan->accept_list_only && !controller_accepts(controller, &peer))
		return;
	if (is_new(controller, device, REPORTED_ADVERT))
		report(controller, device, HCI_ADV_IND, now_ms);
	/* The scan response is empty, but it is sent: the kernel waits for it. */
	if (scan->active && is_new(controller, device, REPORTED_RESPONSE))
		report(controller, device, HCI_SCAN_RSP, now_ms);
}

/* The list must not change under a procedure that uses it. */
static bool is_list_busy(const struct controller *controller)
{
	return (controller->scan.enabled && controller->scan.accept_list_only) ||
	       (controller->create.active && controller->create.use_accept_list);
}

uint8_t hci_accept_list_size(struct controller *controller _unused_, const uint8_t *params _unused_,
			     uint64_t now_ms _unused_, struct packet *reply)
{
	packet_put8(reply, CONTROLLER_ACCEPT_LIST);
	return HCI_OK;
}

uint8_t hci_accept_list_clear(struct controller *controller, const uint8_t *params _unused_,
			      uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	if (is_list_busy(controller))
		return HCI_COMMAND_DISALLOWED;
	controller->accepted_count = 0;
	return HCI_OK;
}

static void parse_peer(const uint8_t *params, struct controller_peer *out)
{
	out->type = params[0];
	memcpy(out->address, params + 1, sizeof(out->address));
}

uint8_t hci_accept_list_add(struct controller *controller, const uint8_t *params,
			    uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	struct controller_peer peer;

	parse_peer(params, &peer);
	if (is_list_busy(controller))
		return HCI_COMMAND_DISALLOWED;
	if (controller_accepts(controller, &peer))
		return HCI_OK;
	if (controller->accepted_count == CONTROLLER_ACCEPT_LIST)
		return HCI_MEMORY_EXCEEDED;
	controller->accepted[controller->accepted_count++] = peer;
	return HCI_OK;
}

uint8_t hci_accept_list_remove(struct controller *controller, const uint8_t *params,
			       uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	struct controller_peer peer;

	parse_peer(params, &peer);
	if (is_list_busy(controller))
		return HCI_COMMAND_DISALLOWED;
	for (size_t i = 0; i < controller->accepted_count; i++) {
		const struct controller_peer *accepted = &controller->accepted[i];

		if (accepted->type != peer.type ||
		    memcmp(accepted->address, peer.address, sizeof(peer.address)) != 0)
			continue;
		controller->accepted[i] = controller->accepted[--controller->accepted_count];
		return HCI_OK;
	}
	return HCI_OK;
}

uint8_t hci_random_address(struct controller *controller, const uint8_t *params _unused_,
			   uint64_t now_ms _unused_, struct packet *reply _unused_)
{
	if (controller->scan.enabled || controller->create.active)
		return HCI_COMMAND_DISALLOWED;
	return HCI_OK;
}
