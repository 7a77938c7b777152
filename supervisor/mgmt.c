/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/mgmt.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/dial.h"
#include "supervisor/mgmt_filter.h"

enum {
	COMMANDS_MAX = 512,
	RETRY_MIN_MS = 200,
	RETRY_MAX_MS = 5000,
};

struct command {
	struct command *next;
	uint16_t opcode;
	uint16_t index;
	mgmt_reply_cb reply;
	struct mgmt_token token;
	size_t len;
	uint8_t packet[MGMT_HEADER_LEN + MGMT_PARAMS_MAX];
};

struct mgmt {
	sd_event *event;
	const char *path;
	uint32_t timeout_ms;
	const struct mgmt_ops *ops;
	void *ctx;
	int fd;
	sd_event_source *io;
	sd_event_source *timer; /* answer timeout while up, next try while lost */
	uint32_t retry_ms;
	bool is_told_lost;
	bool is_in_flight; /* the head of the queue was sent */
	struct command *head;
	struct command **tail;
	size_t n_commands;
};

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static void arm(struct mgmt *mgmt, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(mgmt->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(mgmt->timer, SD_EVENT_ONESHOT);
}

static void disarm(struct mgmt *mgmt)
{
	(void)sd_event_source_set_enabled(mgmt->timer, SD_EVENT_OFF);
}

/* --- opening and losing --- */

static int open_kernel(void)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = HCI_DEV_NONE,
		.hci_channel = HCI_CHANNEL_CONTROL,
	};
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);
	if (fd < 0)
		return -errno;
	r = mgmt_filter_attach(fd);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void close_socket(struct mgmt *mgmt)
{
	mgmt->io = sd_event_source_disable_unref(mgmt->io);
	mgmt->fd = close_fd(mgmt->fd);
	mgmt->is_in_flight = false;
}

static void fail_all(struct mgmt *mgmt)
{
	struct command *command = mgmt->head;
	struct command *next;

	/* Detached first: a reply may send again. */
	mgmt->head = NULL;
	mgmt->tail = &mgmt->head;
	mgmt->n_commands = 0;
	for (; command; command = next) {
		next = command->next;
		if (command->reply)
			command->reply(mgmt->ctx, command->index, MGMT_STATUS_NO_ANSWER, NULL, 0,
				       command->token);
		free(command);
	}
}

static void lose(struct mgmt *mgmt, int error)
{
	close_socket(mgmt);
	arm(mgmt, mgmt->retry_ms);
	mgmt->retry_ms = mgmt->retry_ms * 2 < RETRY_MAX_MS ? mgmt->retry_ms * 2 : RETRY_MAX_MS;
	if (!mgmt->is_told_lost)
		mgmt->ops->lost(mgmt->ctx, error);
	mgmt->is_told_lost = true;
	fail_all(mgmt);
}

static void try_open(struct mgmt *mgmt)
{
	int r = mgmt->path[0] ? dial(mgmt->path) : open_kernel();

	if (r >= 0) {
		mgmt->fd = r;
		r = sd_event_add_io(mgmt->event, &mgmt->io, mgmt->fd, EPOLLIN, on_io, mgmt);
	}
	if (r < 0) {
		lose(mgmt, r);
		return;
	}
	mgmt->is_told_lost = false;
	mgmt->ops->up(mgmt->ctx);
}

/* --- commands --- */

/* 0 sent (a return value of 0 is success: seen on some kernels), or the error. */
static int transmit(struct mgmt *mgmt, const struct command *command)
{
	ssize_t n;

	do {
		n = send(mgmt->fd, command->packet, command->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void send_next(struct mgmt *mgmt)
{
	int r;

	if (mgmt->fd < 0 || mgmt->is_in_flight || !mgmt->head)
		return;
	r = transmit(mgmt, mgmt->head);
	if (r == -EAGAIN) {
		/* Nothing of ours is under way: the peer does not read. Try again when it does. */
		(void)sd_event_source_set_io_events(mgmt->io, EPOLLIN | EPOLLOUT);
		arm(mgmt, mgmt->timeout_ms);
		return;
	}
	if (r < 0) {
		/* From the timer, not from here: the caller does not expect replies yet. */
		log_warn("mgmt=send-failed error=\"%s\"", strerror(-r));
		arm(mgmt, 0);
		return;
	}
	mgmt->is_in_flight = true;
	arm(mgmt, mgmt->timeout_ms);
}

int mgmt_send(struct mgmt *mgmt, enum mgmt_opcode opcode, uint16_t index, const uint8_t *params,
	      size_t len, mgmt_reply_cb reply, struct mgmt_token token)
{
	struct command *command;

	if (!mgmt || mgmt->fd < 0)
		return -ENOTCONN;
	if (mgmt->n_commands >= COMMANDS_MAX)
		return -ENOBUFS;
	command = calloc(1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	command->opcode = (uint16_t)opcode;
	command->index = index;
	command->reply = reply;
	command->token = token;
	command->len = mgmt_codec_put(command->packet, (uint16_t)opcode, index, params, len);
	*mgmt->tail = command;
	mgmt->tail = &command->next;
	mgmt->n_commands++;
	send_next(mgmt);
	return 0;
}

int mgmt_disconnect(struct mgmt *mgmt, uint16_t index, uint64_t address, bool is_random,
		    mgmt_reply_cb reply, struct mgmt_token token)
{
	uint8_t params[MGMT_PARAMS_MAX];
	size_t len;

	len = mgmt_codec_put_peer(params, address, is_random ? MGMT_LE_RANDOM : MGMT_LE_PUBLIC);
	return mgmt_send(mgmt, MGMT_DISCONNECT, index, params, len, reply, token);
}

int mgmt_set_powered(struct mgmt *mgmt, uint16_t index, bool is_on, mgmt_reply_cb reply,
		     struct mgmt_token token)
{
	const uint8_t params[] = { is_on };

	return mgmt_send(mgmt, MGMT_SET_POWERED, index, params, sizeof(params), reply, token);
}

static void handle_reply(struct mgmt *mgmt, const struct mgmt_packet *packet)
{
	struct command *command = mgmt->head;
	struct mgmt_reply reply;

	if (mgmt_codec_reply(packet, &reply) < 0)
		return;
	/* Nobody's: a Command Status that is followed by nothing, or an answer given up on. */
	if (!mgmt->is_in_flight || command->opcode != reply.opcode ||
	    command->index != packet->index)
		return;
	mgmt->head = command->next;
	if (!mgmt->head)
		mgmt->tail = &mgmt->head;
	mgmt->n_commands--;
	mgmt->is_in_flight = false;
	mgmt->retry_ms = RETRY_MIN_MS;
	disarm(mgmt);
	if (command->reply)
		command->reply(mgmt->ctx, packet->index, reply.status, reply.data, reply.len,
			       command->token);
	free(command);
	send_next(mgmt);
}

/* --- the loop --- */

static void handle_packet(struct mgmt *mgmt, const uint8_t *data, size_t len)
{
	struct mgmt_packet packet;

	if (mgmt_codec_packet(data, len, &packet) < 0)
		return;
	if (packet.code == MGMT_EV_COMMAND_COMPLETE || packet.code == MGMT_EV_COMMAND_STATUS)
		handle_reply(mgmt, &packet);
	else
		mgmt->ops->event(mgmt->ctx, &packet);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct mgmt *mgmt = userdata;
	uint8_t packet[MGMT_PACKET_MAX];
	ssize_t n;

	(void)source;
	if (revents & EPOLLOUT) {
		(void)sd_event_source_set_io_events(mgmt->io, EPOLLIN);
		send_next(mgmt);
	}
	/* One a turn: epoll tells of more. */
	n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n > 0)
		handle_packet(mgmt, packet, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		lose(mgmt, n < 0 ? -errno : -ECONNRESET);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct mgmt *mgmt = userdata;

	(void)source;
	(void)usec;
	if (mgmt->fd < 0)
		try_open(mgmt);
	else
		lose(mgmt, -ETIMEDOUT);
	return 0;
}

int mgmt_new(struct mgmt **out, sd_event *event, const char *path, uint32_t timeout_ms,
	     const struct mgmt_ops *ops, void *ctx)
{
	struct mgmt *mgmt = calloc(1, sizeof(*mgmt));
	int r;

	if (!mgmt)
		return -ENOMEM;
	mgmt->event = event;
	mgmt->path = path;
	mgmt->timeout_ms = timeout_ms;
	mgmt->ops = ops;
	mgmt->ctx = ctx;
	mgmt->fd = -EBADF;
	mgmt->tail = &mgmt->head;
	mgmt->retry_ms = RETRY_MIN_MS;
	/* The first try is the timer's too: ops may need what @out is stored in. */
	r = sd_event_add_time_relative(event, &mgmt->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
				       mgmt);
	if (r < 0) {
		free(mgmt);
		return r;
	}
	*out = mgmt;
	return 0;
}

struct mgmt *mgmt_free(struct mgmt *mgmt)
{
	struct command *next;

	if (!mgmt)
		return NULL;
	close_socket(mgmt);
	sd_event_source_disable_unref(mgmt->timer);
	for (; mgmt->head; mgmt->head = next) {
		next = mgmt->head->next;
		free(mgmt->head);
	}
	free(mgmt);
	return NULL;
}

bool mgmt_is_up(const struct mgmt *mgmt)
{
	return mgmt && mgmt->fd >= 0;
}
