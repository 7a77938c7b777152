/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/controller.c - a controller's life, its links' register, and its side of the wire to
 * the host; see controller.h.
 */
#include "contrib/sim/controller.h"

#include "contrib/sim/air.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/link.h"

/* Each adapter begins elsewhere: btmon, and people, take equal handles for one link. */
#define FIRST_HANDLE(adapter) ((uint16_t)(0x0040 + 0x20 * (adapter)))
#define UNIT_US		      625

int controller_new(struct controller **out, struct air *air, struct model_adapter *adapter,
		   void (*send)(void *data, const uint8_t *packet, size_t len_bytes),
		   void *send_data)
{
	struct controller *controller = calloc(1, sizeof(*controller));

	if (!controller)
		return -ENOMEM;
	controller->reported = calloc((size_t)model_device_count(air->model) + 1, 1);
	if (!controller->reported) {
		free(controller);
		return -ENOMEM;
	}
	controller->air = air;
	controller->adapter = adapter;
	controller->send = send;
	controller->send_data = send_data;
	controller->next_handle = FIRST_HANDLE(adapter->index);
	*out = controller;
	return 0;
}

struct controller *controller_free(struct controller *controller)
{
	if (!controller)
		return NULL;
	controller_reset(controller);
	free(controller->reported);
	free(controller);
	return NULL;
}

void controller_reset(struct controller *controller)
{
	while (controller->link_count)
		controller_forget_link(controller, controller->links[0]);
	hci_create_end(controller);
	controller->scan = (struct controller_scan){ .enabled = false };
	controller->adapter->discovering = 0;
	controller->accepted_count = 0;
}

struct link *controller_link(const struct controller *controller, uint16_t handle)
{
	for (size_t i = 0; i < controller->link_count; i++) {
		if (controller->links[i]->handle == handle)
			return controller->links[i];
	}
	return NULL;
}

struct link *controller_link_to(const struct controller *controller,
				const struct model_device *device)
{
	for (size_t i = 0; i < controller->link_count; i++) {
		if (controller->links[i]->device == device)
			return controller->links[i];
	}
	return NULL;
}

void controller_forget_link(struct controller *controller, struct link *link)
{
	size_t i = 0;

	while (controller->links[i] != link)
		i++;
	controller->links[i] = controller->links[--controller->link_count];
	air_log("adapter=%u handle=%u link=down", controller->adapter->index, link->handle);
	(void)link_free(link);
}

void controller_end_link(struct controller *controller, struct link *link, uint8_t reason)
{
	uint8_t data[4];
	struct packet event = PACKET_OVER(data);

	/* Packets that the peer has not taken are flushed: for them there are no credits. */
	packet_put8(&event, HCI_OK);
	packet_put16(&event, link->handle);
	packet_put8(&event, reason);
	controller_forget_link(controller, link);
	controller_event(controller, HCI_EV_DISCONNECTION_COMPLETE, &event);
}

static void send_packet(struct controller *controller, const struct packet *packet)
{
	if (!controller->hung && !packet->overflow)
		controller->send(controller->send_data, packet->data, packet->len_bytes);
}

void controller_event(struct controller *controller, enum hci_event_code code,
		      const struct packet *parameters)
{
	uint8_t data[3 + HCI_EVENT_BYTES];
	struct packet packet = PACKET_OVER(data);

	packet_put8(&packet, HCI_EVENT);
	packet_put8(&packet, code);
	packet_put8(&packet, (unsigned)parameters->len_bytes);
	packet_put(&packet, parameters->data, parameters->len_bytes);
	send_packet(controller, &packet);
}

void controller_send_frame(struct controller *controller, uint16_t handle,
			   const struct packet *frame)
{
	const size_t max = controller->air->settings.acl_bytes;
	uint8_t data[5 + CONTROLLER_ACL_BYTES];

	for (size_t at = 0; at < frame->len_bytes;) {
		const size_t len = frame->len_bytes - at < max ? frame->len_bytes - at : max;
		const unsigned boundary = at == 0 ? ACL_FIRST_FLUSHABLE : ACL_CONTINUED;
		struct packet packet = PACKET_OVER(data);

		packet_put8(&packet, HCI_ACL);
		packet_put16(&packet, handle | boundary << 12);
		packet_put16(&packet, (unsigned)len);
		packet_put(&packet, frame->data + at, len);
		send_packet(controller, &packet);
		at += len;
	}
}

void controller_credit(struct controller *controller, uint16_t handle, unsigned count)
{
	uint8_t data[5];
	struct packet event = PACKET_OVER(data);

	packet_put8(&event, 1);
	packet_put16(&event, handle);
	packet_put16(&event, count);
	controller_event(controller, HCI_EV_COMPLETED_PACKETS, &event);
}

static void receive_data(struct controller *controller, const uint8_t *data, size_t len_bytes,
			 uint64_t now_ms)
{
	uint16_t handle, length;
	struct link *link;

	if (len_bytes < 4)
		return;
	handle = bytes_get16(data) & 0x0fff;
	length = bytes_get16(data + 2);
	if (length != len_bytes - 4 || length > controller->air->settings.acl_bytes) {
		air_log("adapter=%u handle=%u malformed data, %u bytes", controller->adapter->index,
			handle, length);
		return;
	}
	link = controller_link(controller, handle);
	if (!link) {
		/*
		 * The host may not know yet that the link is gone. It counts the packets of a link
		 * that it has seen end as returned and ignores this; for a link that was forgotten
		 * without a word it needs the credit, or its other links starve.
		 */
		controller_credit(controller, handle, 1);
		return;
	}
	link_receive(link, bytes_get16(data) >> 12 & 3, data + 4, length, now_ms);
}

void controller_receive(struct controller *controller, const uint8_t *packet, size_t len_bytes,
			uint64_t now_ms)
{
	if (controller->hung || len_bytes < 1)
		return;
	if (packet[0] == HCI_COMMAND)
		hci_command(controller, packet + 1, len_bytes - 1, now_ms);
	else if (packet[0] == HCI_ACL)
		receive_data(controller, packet + 1, len_bytes - 1, now_ms);
}

void controller_tick(struct controller *controller, uint64_t now_ms)
{
	size_t i = 0;

	if (controller->hung)
		return;
	hci_create_tick(controller, now_ms);
	while (i < controller->link_count) {
		struct link *link = controller->links[i];

		/* The last one takes the place of one that ends. */
		if (link->end_at_ms <= now_ms) {
			controller_end_link(controller, link, link->end_reason);
			continue;
		}
		link_tick(link, now_ms);
		i++;
	}
}

uint64_t controller_next_at_ms(const struct controller *controller)
{
	uint64_t next_at_ms = MODEL_NEVER_MS;

	if (controller->hung)
		return MODEL_NEVER_MS;
	if (controller->create.caught)
		next_at_ms = controller->create.done_at_ms;
	for (size_t i = 0; i < controller->link_count; i++) {
		const uint64_t at_ms = link_next_at_ms(controller->links[i]);

		if (at_ms < next_at_ms)
			next_at_ms = at_ms;
	}
	return next_at_ms;
}

bool controller_is_open(uint64_t since_ms, uint16_t interval, uint16_t window, uint64_t now_ms)
{
	if (window >= interval)
		return true;
	return (now_ms - since_ms) * 1000 % ((uint64_t)interval * UNIT_US) <
	       (uint64_t)window * UNIT_US;
}

bool controller_is_listening(const struct controller *controller)
{
	return !controller->hung && (controller->scan.enabled || controller->create.active);
}

void controller_hear(struct controller *controller, struct model_device *device, uint64_t now_ms)
{
	if (controller->hung)
		return;
	if (controller->scan.enabled && !controller->deaf)
		hci_scan_hear(controller, device, now_ms);
	if (controller->create.active && !controller->create.caught)
		hci_create_hear(controller, device, now_ms);
}

void controller_peer_of(const struct model_device *device, struct controller_peer *out)
{
	out->type = HCI_ADDRESS_RANDOM;
	model_address_swap(device->address, out->address);
}

bool controller_accepts(const struct controller *controller, const struct controller_peer *peer)
{
	for (size_t i = 0; i < controller->accepted_count; i++) {
		const struct controller_peer *accepted = &controller->accepted[i];

		if (accepted->type == peer->type &&
		    memcmp(accepted->address, peer->address, sizeof(peer->address)) == 0)
			return true;
	}
	return false;
}
