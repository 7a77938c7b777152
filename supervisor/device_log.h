/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/device_log.h - how devices have been (device_history.h), from what the supervisor
 * hears of links, attempts, polls and use; and what of it programs ask (device_log_wire.c). The
 * times of a connect come with the news that it worked, so `connecting` is noted afterwards.
 * Calls return at once.
 */
#include "ipc/control.pb-c.h"
#include "ipc/session.pb-c.h"
#include "supervisor/adapters.h"
#include "supervisor/device_history.h"

struct client;
struct device_log;

must_check int device_log_new(struct sup *sup);
struct device_log *device_log_free(struct device_log *log);

/* --- what happens --- */

/* LINK_STATE that is news. */
void device_log_link(struct adapter *adapter, const Bh__Ctl__Link *link);
/* A worker ends it, or (@who) a program. */
void device_log_ending(struct adapter *adapter, uint64_t address, const char *who);

/* An advert of it. Noted where there is a record: of devices that were connected, or tried to be.
 */
void device_log_heard(struct sup *sup, uint64_t address);

struct device_log_attempt {
	uint64_t address;
	uint32_t attempt;
	enum err_class class;
	bool is_last;	  /* it was given up */
	uint32_t left_ms; /* of who wants it; UINT32_MAX: for ever */
};
void device_log_attempt(struct adapter *adapter, const struct device_log_attempt *attempt);

/* A poll of that device worked (CLASS_NONE) or failed. */
void device_log_check(struct sup *sup, uint64_t address, enum err_class class);
void device_log_worker_died(struct adapter *adapter);
/* -EBADMSG: that is no usage. */
must_check int device_log_usage(struct adapter *adapter, const Bh__Ctl__Usage *usage);

/* --- what is known --- */

/* NULL: nothing. Up to date. */
const struct history *device_log_of(struct sup *sup, uint64_t address);

enum { DEVICE_LOG_HEARD_LEN = 48 };
/* "last heard 5 min ago"; "": that is not known. */
void device_log_last_heard(struct sup *sup, uint64_t address, char out[DEVICE_LOG_HEARD_LEN]);

/* What was done on an adapter since it is there. */
struct adapter_use {
	uint16_t index;
	uint64_t address; /* the adapter's; 0: this place is free */
	uint64_t requests;
	uint64_t values;
	struct hist parts[HISTORY_PARTS];
};
const struct adapter_use *device_log_adapter(struct sup *sup, const struct adapter *adapter);

/* --- what programs ask --- */
void device_log_describe(struct sup *sup, uint64_t address, Bh__Device *out);
/* DEVICE_INFO, HISTORY, DISTRIBUTION, DONE. */
void device_log_answer(struct client *client, uint32_t id, uint64_t address);
void device_log_mark(struct client *client, uint32_t id, const Bh__HealthMark *msg);

struct device_log_timings {
	Bh__Distribution parts[HISTORY_PARTS];
	Bh__Distribution *list[HISTORY_PARTS];
};
/* Those with something in them; returns how many. */
size_t device_log_fill(const struct hist parts[HISTORY_PARTS], struct device_log_timings *out);

/* --- between the two files --- */
struct history *device_log_need(struct sup *sup, uint64_t address);
void device_log_tell_health(struct sup *sup, const struct history *history, enum err_class class,
			    const char *format, ...) _printf_(4, 5);
