/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/controller.h - one LE controller: what the host sends goes in, what it hears comes
 * out.
 *
 * Pure: packets in and out by function, time passed in, so that the unit tests need no /dev/vhci.
 * radio.c owns controllers and feeds them; air.h says what they share. A controller is split over
 * hci_commands.c (dispatch, information), hci_scan.c, hci_connect.c (creating links) and link.c
 * (links and their data). The struct is open for those files only.
 */
#include "contrib/sim/bytes.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/model.h"

#define CONTROLLER_LINKS_MAX	64
#define CONTROLLER_LINKS	5
#define CONTROLLER_ACCEPT_LIST	32
#define CONTROLLER_ACL_BYTES	251
#define CONTROLLER_ACL_BUFFERS	8
#define CONTROLLER_PACKET_BYTES 1024

struct air;
struct link;
struct plan_sight;

struct controller_scan {
	bool enabled;
	bool active;
	bool filter_duplicates;
	bool accept_list_only;
	uint16_t interval; /* 0.625 ms units */
	uint16_t window;
	uint64_t since_ms;
};

struct controller_peer {
	uint8_t type;
	uint8_t address[HCI_ADDRESS_BYTES]; /* in the order of HCI */
};

/* The one LE Create Connection that may be pending. */
struct controller_create {
	bool active;
	bool use_accept_list;
	struct controller_peer peer;
	uint16_t scan_interval;
	uint16_t scan_window;
	uint16_t interval;
	uint16_t latency;
	uint16_t timeout;
	uint64_t since_ms;
	struct model_device *caught; /* its advert was answered; the link comes at done_at_ms */
	uint64_t done_at_ms;
};

struct controller {
	struct air *air;
	struct model_adapter *adapter;
	void (*send)(void *data, const uint8_t *packet, size_t len_bytes);
	void *send_data;

	struct controller_scan scan;
	uint8_t *reported; /* per device: bits of what was reported since scanning was enabled */
	size_t accepted_count;
	struct controller_peer accepted[CONTROLLER_ACCEPT_LIST];
	struct controller_create create;
	size_t link_count;
	struct link *links[CONTROLLER_LINKS_MAX];
	uint16_t next_handle;

	/* Faults; they outlive HCI Reset. */
	bool hung;	      /* answers nothing, hears nothing */
	bool lost_disconnect; /* takes HCI Disconnect, never completes it */
	bool connect_hang;    /* LE Create Connection never completes, cancelling neither */
	bool deaf;	      /* scanning hears nothing */
	unsigned refuse;      /* so many LE Create Connection are refused ... */
	uint8_t refuse_status;
};

/**
 * controller_new() - a controller right after power-on
 * @send: called with each packet for the host, its type byte first; must not call back
 *
 * Errors: -ENOMEM.
 */
must_check int controller_new(struct controller **out, struct air *air,
			      struct model_adapter *adapter,
			      void (*send)(void *data, const uint8_t *packet, size_t len_bytes),
			      void *send_data);
/* Its peripherals lose their links; nothing is sent. */
struct controller *controller_free(struct controller *controller);

/* One packet from the host, its type byte first. */
void controller_receive(struct controller *controller, const uint8_t *packet, size_t len_bytes,
			uint64_t now_ms);

/* Does what is due; to be called at controller_next_at_ms() or earlier. */
void controller_tick(struct controller *controller, uint64_t now_ms);
uint64_t controller_next_at_ms(const struct controller *controller);

/* Scans or initiates: adverts matter to it. */
bool controller_is_listening(const struct controller *controller);
/* A peripheral advertises at this moment. */
void controller_hear(struct controller *controller, struct model_device *device, uint64_t now_ms);

struct link *controller_link(const struct controller *controller, uint16_t handle);
struct link *controller_link_to(const struct controller *controller,
				const struct model_device *device);

/* The link ends and the host is told why. Frees it. */
void controller_end_link(struct controller *controller, struct link *link, uint8_t reason);
/* The link ends and nobody is told. Frees it. */
void controller_forget_link(struct controller *controller, struct link *link);

/* --- for the files that make up a controller --- */

void controller_event(struct controller *controller, enum hci_event_code code,
		      const struct packet *parameters);
void controller_send_frame(struct controller *controller, uint16_t handle,
			   const struct packet *frame);
void controller_credit(struct controller *controller, uint16_t handle, unsigned count);
/* HCI Reset: everything but the faults goes back to power-on. */
void controller_reset(struct controller *controller);

/* Is the antenna on: scanning happens for a window in each interval (0.625 ms units). */
bool controller_is_open(uint64_t since_ms, uint16_t interval, uint16_t window, uint64_t now_ms);
bool controller_accepts(const struct controller *controller, const struct controller_peer *peer);
void controller_peer_of(const struct model_device *device, struct controller_peer *out);

/*
 * A command: returns its status; @reply gets what follows the status in Command Complete. Commands
 * of the other kind answer with Command Status, and done() does the rest after that.
 */
typedef uint8_t hci_run_fn(struct controller *controller, const uint8_t *params, uint64_t now_ms,
			   struct packet *reply);
typedef void hci_done_fn(struct controller *controller, const uint8_t *params, uint64_t now_ms);

/* A command without its type byte. */
void hci_command(struct controller *controller, const uint8_t *data, size_t len_bytes,
		 uint64_t now_ms);

/* A command without its type byte, as a plan sees it. False: it is none that plans know by name. */
bool hci_sight(const struct controller *controller, const uint8_t *data, size_t len_bytes,
	       struct plan_sight *out);

hci_run_fn hci_scan_parameters, hci_scan_enable;
hci_run_fn hci_accept_list_size, hci_accept_list_clear, hci_accept_list_add, hci_accept_list_remove;
hci_run_fn hci_random_address;
hci_run_fn hci_create_connection, hci_create_cancel;
hci_done_fn hci_create_cancelled;
hci_run_fn hci_disconnect, hci_needs_link, hci_read_rssi, hci_read_tx_power, hci_connection_update;
hci_done_fn hci_disconnected, hci_remote_version, hci_remote_features, hci_connection_updated;

void hci_scan_hear(struct controller *controller, const struct model_device *device,
		   uint64_t now_ms);
void hci_create_hear(struct controller *controller, struct model_device *device, uint64_t now_ms);
void hci_create_tick(struct controller *controller, uint64_t now_ms);
/* The pending create ends without a link: the peripheral that was caught is free again. */
void hci_create_end(struct controller *controller);
