/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/notify.h - subscriptions: one per characteristic in BlueZ, any number of programs here.
 *
 * AcquireNotify first: its socket takes dbus-daemon out of the path, and what one wake-up reads
 * goes to each program in one message. Where BlueZ refuses (indications, another program has it)
 * StartNotify and the Value signal do, and do in any case where the rules of the device say so.
 * A program is given NOTIFY_CREDIT values that it has not acknowledged; what it does not take then
 * waits in a queue of bounded length and size, loses the oldest, and is told how many. Nobody else
 * notices.
 */
#include "worker/link.h"

enum {
	NOTIFY_READS_MAX = 32,	  /* values per wake-up and message */
	NOTIFY_CREDIT = 512,	  /* session.proto */
	NOTIFY_BACKLOG_MAX = 256, /* values kept for a slow program */
	NOTIFY_BACKLOG_BYTES = 32768,
};

/* For gatt.c's table: a SUBSCRIBE whose turn it is. Always true. */
bool notify_subscribe(struct link *link, struct request *request);
void notify_unsubscribe(struct request *request);

/* Its program may have no values any more: all its subscriptions end, class `denied`. */
void notify_revoke(struct seat *seat, const char *text);

/* CANCEL of a subscription that is established. */
void notify_cancel(struct seat *seat, uint32_t id);

/* A SUBSCRIBE that was not answered yet goes. */
void notify_forget_request(struct request *request);

/* Its program has taken the values up to @seq. */
void notify_acknowledged(struct seat *seat, uint32_t id, uint64_t seq);
/* The socket of its program takes more. */
void notify_drained(struct seat *seat);

/* Whether it is subscribed, or about to be, on the link that is there. */
bool notify_is_on_link(const struct seat *seat);

/* The rules of its device have changed. */
void notify_rules_changed(struct link *link);

struct subscriber *notify_find(const struct seat *seat, uint32_t id);

/* Its program is told nothing: the session goes, or it disconnected by itself. */
void notify_drop_seat(struct seat *seat);

/* The link went: every subscription ends with that class, or waits for another link. */
void notify_drop_link_why(struct link *link, enum err_class class, const char *text);
/* The worker ends. */
void notify_drop_link(struct link *link);

/* The bus connection is about to change, and BlueZ ends what its sender began. */
void notify_renew_link(struct link *link);

/*
 * A Value signal. It is passed on by the next notify_flush(), or earlier. @is_left: heard by the
 * bus connection before.
 */
void notify_value(struct links *links, uint64_t addr, uint16_t chrc, const void *data, size_t len,
		  bool is_left);
/* BlueZ's Notifying of it has changed: the same. */
void notify_notifying(struct links *links, uint64_t addr, uint16_t chrc, bool is_on, bool is_left);
/* Before anything else happens to links, and when all signals of a wake-up are handled. */
void notify_flush(struct links *links);

/* Our own read was answered: a Value signal of that content was its echo. */
void notify_read_answered(struct link *link, uint16_t chrc, const void *data, size_t len);
