/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/server.h - the public socket: accepts programs, keeps their control connections, drops
 * those that break the form (nobody else notices). What they ask is in requests.c, lists that go
 * out as they are read in streams.c.
 */
#include "supervisor/client.h"

enum { SERVER_CLIENTS_MAX = 512 };

struct server;

/* @fd: listening, taken over on success. */
must_check int server_new(struct server **out, struct sup *sup, int fd);

/* Drops all clients and their sessions. NULL is fine; returns NULL. */
struct server *server_free(struct server *server);

/* NULL if it is gone. */
struct client *server_find(struct server *server, uint64_t serial);
/* @each must not free any. */
void server_each(struct server *server, void (*each)(void *ctx, struct client *client), void *ctx);
uint32_t server_clients(const struct server *server);

/* A stream may have something to send. NULL is fine. */
void server_wake_streams(struct server *server);
