/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/radio.c - /dev/vhci and time for the controllers; see radio.h.
 *
 * Owns the ports, one timer and the air. Single threaded, never blocks except in close(2) of an
 * unplugged port, where the kernel takes the adapter down first.
 */
#include "contrib/sim/radio.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "contrib/sim/bytes.h"
#include "contrib/sim/controller.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/radio_state.h"

#define VHCI_PATH "/dev/vhci"
/* Packets read from one port per wake-up, so that one adapter does not starve the others. */
#define PACKETS_PER_TURN  32
#define TIMER_ACCURACY_US 500

uint64_t radio_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* To the host. The kernel takes a packet whole or refuses it; it has no queue that fills up. */
static void send_to_host(void *data, const uint8_t *packet, size_t len_bytes)
{
	const struct radio_port *port = data;
	ssize_t n;

	if (port->fd < 0)
		return;
	do {
		n = write(port->fd, packet, len_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		air_log("adapter=%u write failed: %s", port->adapter, strerror(errno));
}

/* The kernel's answer to the first write: under which number it runs the controller. */
static void receive_vendor(struct radio_port *port, const uint8_t *packet, size_t len_bytes)
{
	if (len_bytes < 4)
		return;
	port->hci = bytes_get16(packet + 2);
	air_log("adapter=%u plugged=hci%d", port->adapter, port->hci);
}

void radio_watch(struct radio_face *face, void (*see)(void *data, const struct plan_sight *sight),
		 void *data)
{
	face->see = see;
	face->see_data = data;
}

/* What is done about it may unplug the adapter. False: it is gone. */
static bool show(const struct radio_port *port, const uint8_t *packet, size_t len_bytes)
{
	struct radio_face *face = port->face;
	struct plan_sight sight;

	if (face->see && packet[0] == HCI_COMMAND &&
	    hci_sight(face->air.controllers[port->adapter], packet + 1, len_bytes - 1, &sight))
		face->see(face->see_data, &sight);
	return port->fd >= 0;
}

static int on_packet(sd_event_source *source _unused_, int fd, uint32_t revents _unused_,
		     void *userdata)
{
	struct radio_port *port = userdata;
	struct radio_face *face = port->face;
	uint8_t packet[CONTROLLER_PACKET_BYTES];

	for (int i = 0; i < PACKETS_PER_TURN && port->fd == fd; i++) {
		const ssize_t n = read(fd, packet, sizeof(packet));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			air_log("adapter=%u lost: %s", port->adapter,
				n < 0 ? strerror(errno) : "end of file");
			radio_unplug(face, port->adapter);
			break;
		}
		if (packet[0] == HCI_VENDOR)
			receive_vendor(port, packet, (size_t)n);
		else if (show(port, packet, (size_t)n))
			controller_receive(face->air.controllers[port->adapter], packet, (size_t)n,
					   radio_now_ms());
	}
	radio_wake(face);
	return 0;
}

static int on_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct radio_face *face = userdata;

	air_tick(&face->air, radio_now_ms());
	radio_wake(face);
	return 0;
}

void radio_wake(struct radio_face *face)
{
	const uint64_t next_at_ms = air_next_at_ms(&face->air, radio_now_ms());

	if (next_at_ms == MODEL_NEVER_MS) {
		(void)sd_event_source_set_enabled(face->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(face->timer, next_at_ms * 1000);
	(void)sd_event_source_set_enabled(face->timer, SD_EVENT_ONESHOT);
}

static int open_vhci(int *out_fd)
{
	static const uint8_t create_primary[] = { HCI_VENDOR, 0x00 };
	_cleanup_close_ int fd = open(VHCI_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, create_primary, sizeof(create_primary)) < 0)
		return -errno;
	*out_fd = take_fd(&fd);
	return 0;
}

int radio_plug(struct radio_face *face, unsigned adapter)
{
	struct radio_port *port = &face->ports[adapter];
	int r;

	if (port->fd >= 0)
		return -EEXIST;
	r = controller_new(&face->air.controllers[adapter], &face->air,
			   model_adapter(face->model, adapter), send_to_host, port);
	if (r < 0)
		return r;
	r = open_vhci(&port->fd);
	if (r >= 0)
		r = sd_event_add_io(face->event, &port->source, port->fd, EPOLLIN, on_packet, port);
	model_adapter(face->model, adapter)->plugged = r >= 0;
	if (r < 0)
		radio_unplug(face, adapter);
	return r < 0 ? r : 0;
}

void radio_unplug(struct radio_face *face, unsigned adapter)
{
	struct radio_port *port = &face->ports[adapter];

	/* The links go first: the peripherals must be free when the kernel tells of the removal. */
	model_adapter(face->model, adapter)->plugged = false;
	face->air.controllers[adapter] = controller_free(face->air.controllers[adapter]);
	port->source = sd_event_source_disable_unref(port->source);
	port->fd = close_fd(port->fd);
	port->hci = -1;
}

static int start(struct radio_face *face)
{
	int r;

	r = sd_event_add_time(face->event, &face->timer, CLOCK_MONOTONIC, UINT64_MAX,
			      TIMER_ACCURACY_US, on_time, face);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < model_adapter_count(face->model); i++) {
		r = radio_plug(face, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int radio_face_new(struct radio_face **out, struct model *model, sd_event *event,
		   const struct radio_options *options)
{
	const struct air_settings settings = {
		.links = options->links,
		.connect_ms = options->connect_ms,
		.event_ms = options->event_ms,
		.acl_bytes = options->acl_bytes,
		.trace = options->trace,
	};
	struct radio_face *face = calloc(1, sizeof(*face));
	int r;

	if (!face)
		return -ENOMEM;
	face->model = model;
	face->event = sd_event_ref(event);
	for (unsigned i = 0; i < ARRAY_LEN(face->ports); i++) {
		face->ports[i] =
			(struct radio_port){ .face = face, .adapter = i, .fd = -EBADF, .hci = -1 };
	}
	r = air_init(&face->air, model, &settings);
	if (r >= 0)
		r = start(face);
	if (r < 0) {
		(void)radio_face_free(face);
		return r;
	}
	*out = face;
	return 0;
}

struct radio_face *radio_face_free(struct radio_face *face)
{
	if (!face)
		return NULL;
	for (unsigned i = 0; i < model_adapter_count(face->model); i++)
		radio_unplug(face, i);
	(void)sd_event_source_disable_unref(face->timer);
	(void)sd_event_unref(face->event);
	air_done(&face->air);
	free(face);
	return NULL;
}
