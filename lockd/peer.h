/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/peer.h - one program or worker that speaks lock.proto with lockd: its channel, and what it
 * may ask for. Turns messages into calls of the arbiter and the arbiter's answers into messages.
 * Owned by serve.c; runs on its loop.
 */
#include "ipc/base.h"
#include "ipc/loop/port.h"
#include "lockd/arbiter.h"

struct peer;

/* What all peers share: serve.c's. */
struct peer_host {
	sd_event *event;
	struct chan_buf *buf;
	struct arbiter *arbiter; /* NULL while lockd ends */
	void *ctx;
	void (*changed)(void *ctx);		      /* something was asked or given up */
	void (*closed)(void *ctx, struct peer *peer); /* peer_free() it */
	/* A grant was revoked: for the event log. */
	void (*revoked)(void *ctx, const char *label, const struct arbiter_verdict *verdict);
};

/* Who it is, as the supervisor says. */
struct peer_info {
	uint32_t number; /* the supervisor's name for it */
	const char *label;
	uint32_t pid;
	uint32_t uid;
	bool is_worker;
};

/* The answers of arbiter_ops that owners get, for serve.c to complete: all owners are peers. */
void peer_fill_ops(struct arbiter_ops *ops);

/**
 * peer_new()
 * @host: must outlive it
 * @fd:   of the channel; taken over on success
 */
must_check int peer_new(struct peer **out, const struct peer_host *host, int fd,
			const struct peer_info *info);

/* Frees all that it holds and waits for, and closes its channel. NULL is fine; returns NULL. */
struct peer *peer_free(struct peer *peer);

/* Hears what it has said so far, before it is freed. */
void peer_drain(struct peer *peer);

uint32_t peer_number(const struct peer *peer);
uint32_t peer_number_of(const struct arbiter_owner *owner);

/* Tells a program why nobody will serve it. @fd stays the caller's. */
void peer_refuse(int fd, struct chan_buf *buf, const char *text);

/* Links of the owner's list. */
struct peer *peer_next(const struct peer *peer);
void peer_set_next(struct peer *peer, struct peer *next);
