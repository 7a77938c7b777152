/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/notify.h - subscriptions: one per characteristic in BlueZ, any number of programs here.
 *
 * AcquireNotify first: its socket takes dbus-daemon out of the path, and what one wake-up reads
 * goes to each program in one message. Where BlueZ refuses (indications, another program has it)
 * StartNotify and the Value signal do. A program that reads too slowly loses the oldest values and
 * is told how many; nobody else notices.
 */
#include "worker/link.h"

enum {
	NOTIFY_READS_MAX = 32,	  /* values per wake-up and message */
	NOTIFY_BACKLOG_MAX = 256, /* values kept for a slow program */
};

/* For gatt.c's table: a SUBSCRIBE whose turn it is. Always true. */
bool notify_subscribe(struct link *link, struct request *request);
void notify_unsubscribe(struct request *request);

/* CANCEL of a subscription that is established. */
void notify_cancel(struct seat *seat, uint32_t id);

/* A SUBSCRIBE that was not answered yet goes. */
void notify_forget_request(struct request *request);

struct subscriber *notify_find(const struct seat *seat, uint32_t id);

/* Its program is told nothing: the session goes, or it disconnected by itself. */
void notify_drop_seat(struct seat *seat);

/* The link went: every subscription ends with that class. */
void notify_drop_link_why(struct link *link, enum err_class class, const char *text);
/* The worker ends. */
void notify_drop_link(struct link *link);

/* The bus connection was changed: BlueZ has forgotten who we were. */
void notify_renew_link(struct link *link);

/* A Value signal. It is passed on by the next notify_flush(), or earlier. */
void notify_value(struct links *links, uint64_t addr, uint16_t chrc, const void *data, size_t len);
/* Before anything else happens to links, and when all signals of a wake-up are handled. */
void notify_flush(struct links *links);

/* Our own read was answered: a Value signal of that content was its echo. */
void notify_read_answered(struct link *link, uint16_t chrc, const void *data, size_t len);
