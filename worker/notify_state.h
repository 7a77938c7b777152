/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/notify_state.h - what notify*.c (BlueZ's side) and fanout.c (programs' side) share. */
#include "worker/notify.h"

enum { SUB_VALUE_MAX = 517 }; /* octets: ATT's largest MTU */

enum sub_state {
	SUB_ACQUIRING, /* AcquireNotify is under way */
	SUB_STARTING,  /* StartNotify is under way */
	SUB_YIELDING,  /* StopNotify is under way: somebody else has it on, too */
	SUB_SOCKET,    /* values come by the socket */
	SUB_SIGNALS,   /* values come as signals */
	SUB_STOPPING,  /* StopNotify is under way; nobody listens */
};

/* What BlueZ has signalled since StartNotify or StopNotify was called. */
enum sub_notifying { SUB_NOTIFYING_UNSAID, SUB_NOTIFYING_ON, SUB_NOTIFYING_OFF };

struct value {
	TAILQ_ENTRY(value) entry;
	size_t len;
	uint8_t data[];
};

TAILQ_HEAD(value_list, value);

/* A program's part of a subscription. */
struct subscriber {
	TAILQ_ENTRY(subscriber) on_seat;
	TAILQ_ENTRY(subscriber) on_sub;
	struct seat *seat;
	struct sub *sub; /* NULL: it waits for the link; worker/resume.h */
	uint32_t id;
	struct request *request; /* SUBSCRIBE, until it is answered */
	bool resumes;
	bool has_uuid;
	struct uuid uuid; /* what it asked for, to find it on the next link */
	uint32_t handle;
	uint32_t silence_ms; /* 0: what the device's rules say */
	bool is_spent;	     /* the watchdog has ended a link: not again before there is a value */
	uint64_t since_ms;   /* it is on */
	uint64_t next_seq;   /* of the first value that is not sent, but for those lost */
	uint64_t taken_seq;  /* by its program */
	uint32_t lost;
	struct value_list backlog;
	size_t n_backlog;
	size_t backlog_bytes;
};

struct sub {
	TAILQ_ENTRY(sub) entry; /* of its link */
	struct link *link;
	enum sub_state state;
	uint16_t chrc;
	bool has_notify; /* flags of the characteristic */
	enum sub_notifying notifying;
	bool is_guest;	   /* of somebody else's session: there is none of ours */
	bool wants_values; /* counted with mirror_want_values() */
	unsigned reopened; /* how often somebody else closed our socket */
	struct bus_call *call;
	int fd;
	sd_event_source *io;
	struct deadline quiet; /* when there must have been a value */
	uint64_t heard_at_ms;
	bool has_spent;		/* one of its watchdogs is to be armed by the next value */
	bool was_on;		/* on this link */
	bool is_leaving;	/* the bus connection that has it on: until the new one has */
	bool has_cleared;	/* what was left over in BlueZ: once */
	struct value_list held; /* signals during our own read of it */
	struct value_list due;	/* signals of this wake-up: one message to each program */
	size_t n_due;
	TAILQ_HEAD(, subscriber) subscribers;
};

struct span {
	const uint8_t *data;
	size_t len;
};

/* Values for every subscriber, at most NOTIFY_READS_MAX. */
void fanout_values(struct sub *sub, const struct span *values, size_t n);
/* Sends what its program can take by now. */
void fanout_more(struct subscriber *s);
void fanout_clear(struct subscriber *s);
/* Appends a copy; false without memory. */
bool fanout_keep(struct value_list *list, const struct span *value);

/* --- quiet.c: the watchdog --- */
/* Somebody came, or the rules changed. */
void quiet_review(struct sub *sub);
/* A value came, at the time of link_used(). */
void quiet_heard(struct sub *sub);
void quiet_on_deadline(struct deadline *deadline);

/* --- notify_signals.c --- */
void sub_start_signals(struct sub *sub);

/* --- notify.c --- */
struct sub *sub_find(const struct link *link, uint16_t chrc);
struct sub *sub_new(struct link *link, const struct gatt_chrc *chrc);
void sub_free(struct sub *sub);
void sub_start(struct sub *sub);
struct gatt_chrc *sub_chrc(const struct sub *sub); /* NULL: BlueZ does not show it any more */
void sub_want_values(struct sub *sub, bool is_wanted);
void sub_drop_values(struct value_list *list);
/*
 * What an earlier one of us left in BlueZ is ended, once, and it begins anew. False: that is not
 * what @result says, or it may be a program's.
 */
bool sub_clear_leftover(struct sub *sub, const struct bus_result *result);
/* Nobody listens any more. May free it. */
void sub_stop(struct sub *sub);
/* A method of its characteristic, kept in @sub->call. 0, or what bus_call() says. */
must_check int sub_call(struct sub *sub, const char *member, bus_done done);
/* Every subscriber is told, and it is freed. */
void sub_fail(struct sub *sub, enum err_class class, const char *text);
void sub_close_socket(struct sub *sub);
/* Passes on what has come and was not read yet. */
void sub_catch_up(struct sub *sub);
/* It is on: whoever waited for that is told. */
void sub_tell_done(struct sub *sub);
/* Values may be missing that nobody can count. */
void sub_tell_gap(struct sub *sub);
void subscriber_free(struct subscriber *s);
/* Off its subscription; it goes on without. */
void subscriber_unhook(struct subscriber *s);
void subscriber_tell_end(struct subscriber *s, enum err_class class, const char *text);
