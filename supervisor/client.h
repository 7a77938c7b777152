/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/client.h - a program's control connection, as the rest of the supervisor sees it.
 */
#include <sys/queue.h>
#include <sys/types.h>

#include "ipc/class.h"
#include "ipc/loop/port.h"
#include "supervisor/ctx.h"

enum { CLIENT_LABEL_LEN = 64, CLIENT_STREAMS_MAX = 16 };

struct admission_user;
struct lock_peer;

struct stream {
	uint32_t id; /* of the request; 0: free */
	uint16_t type;
	uint64_t cursor;  /* of what it lists */
	uint64_t end;	  /* EVENTS without follow: the number to stop at */
	uint64_t address; /* DEVICES: only this one */
	bool is_following;
	uint32_t count; /* items sent */
};

struct client {
	TAILQ_ENTRY(client) entry;
	struct sup *sup;
	struct port *port;
	uint64_t serial; /* names it where it may be gone by then */
	pid_t pid;
	struct access_peer peer;
	struct admission_user *user; /* NULL: it did not enter */
	bool has_said_hello;
	char label[CLIENT_LABEL_LEN];
	uint32_t n_sessions;
	struct lock_peer *lock; /* its channel to the arbiter, lock_peers.c's; NULL: none */
	size_t n_streams;
	struct stream streams[CLIENT_STREAMS_MAX];
};

/* Never fail: a client that cannot be sent to is dropped from the loop. */
void client_send(struct client *client, uint16_t type, uint32_t id, const ProtobufCMessage *msg);
void client_send_fd(struct client *client, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
		    int fd);
void client_done(struct client *client, uint32_t id, uint32_t count);
void client_error(struct client *client, uint32_t id, enum err_class class, const char *text);

const char *client_label(const struct client *client);
uint32_t client_sessions(const struct client *client);
void client_count_session(struct client *client, int change);
size_t client_queued(const struct client *client);
