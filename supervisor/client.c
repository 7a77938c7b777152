/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/client.h"

#include "ipc/session.pb-c.h"
#include "supervisor/admission_state.h"

void client_send(struct client *client, uint16_t type, uint32_t id, const ProtobufCMessage *msg)
{
	port_send(client->port, type, id, 0, msg);
}

void client_send_fd(struct client *client, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
		    int fd)
{
	port_send_fds(client->port, type, id, 0, msg, &fd, 1);
}

void client_done(struct client *client, uint32_t id, uint32_t count)
{
	Bh__Done done = BH__DONE__INIT;

	done.has_count = 1;
	done.count = count;
	client_send(client, BH__TYPE__DONE, id, &done.base);
}

void client_error(struct client *client, uint32_t id, enum err_class class, const char *text)
{
	Bh__Error error = BH__ERROR__INIT;

	error.has_class_ = 1;
	error.class_ = (Bh__Class) class;
	error.text = (char *)(uintptr_t)text;
	error.advice = (char *)(uintptr_t)class_advice(class);
	client_send(client, BH__TYPE__ERROR, id, &error.base);
}

const char *client_label(const struct client *client)
{
	return client->label;
}

uint32_t client_sessions(const struct client *client)
{
	return client->n_sessions;
}

void client_count_session(struct client *client, int change)
{
	client->n_sessions += (uint32_t)change;
	client->user->n_sessions += (uint32_t)change;
}

size_t client_queued(const struct client *client)
{
	return port_queued(client->port);
}
