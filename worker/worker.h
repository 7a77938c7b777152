/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/worker.h - the one context of a worker: made in main(), handed to every part. The parts
 * are each other's neighbours, not owners: who owns what is said in their headers.
 */
#include "ipc/chan.h"
#include "ipc/control.pb-c.h"
#include "ipc/loop/port.h"
#include "ipc/wpage.h"
#include "worker/bus.h"
#include "worker/deadline.h"
#include "worker/lockc.h"
#include "worker/mirror.h"
#include "worker/rights.h"

struct cancels;
struct gatt_cache;
struct links;
struct removal;
struct scan;
struct seats;
struct sight;
struct usages;

/* What a worker is busy with, for the watchdog: the oldest is shown on the page. */
struct op_mark {
	TAILQ_ENTRY(op_mark) entry;
	enum wpage_op op;
	uint32_t budget_ms;
	uint64_t at_ms;
	bool is_on;
};

/* A request that is being worked on: if the worker dies of it, its session is to blame. */
struct handled {
	uint32_t session; /* 0: none */
	uint32_t id;
};

struct worker {
	sd_event *event;
	char adapter[16];      /* "hci0" */
	char adapter_path[32]; /* "/org/bluez/hci0" */
	char label[32];	       /* "worker hci0" */
	uint64_t incarnation;
	uint32_t workarounds;  /* bits of ipc/workarounds.h */
	bool is_passive;       /* [scan] mode: adverts come by a monitor, passive.h */
	uint32_t gatt_late_ms; /* how long a link may be up without its services */
	uint32_t links_max;    /* on this adapter, of all programs; 0: what the controller has */
	bool asks_room;	       /* the supervisor counts the links of the machine */
	uint64_t began_ms;
	struct wpage *page;
	struct handled handled; /* as on the page */
	struct chan_buf *buf;
	struct port *up; /* the supervisor; NULL: run by hand */
	struct deadlines *deadlines;
	struct bus *bus;
	struct mirror *mirror;
	struct lockc *lockc;
	struct scan *scan;
	struct sight *sight;
	struct usages *usages;
	struct links *links;
	struct seats *seats;
	struct cancels *cancels;
	struct gatt_cache *gatt_cache;
	struct tenants tenants;		/* rights.c */
	TAILQ_HEAD(, removal) removals; /* recall_clear.c */
	TAILQ_HEAD(, op_mark) ops;
	struct op_mark load_op;
	struct deadline starting; /* is_bluez_starting ends */
	bool is_bluez_starting;	  /* it came, and has no powered adapter yet; control.c */
	bool was_bluez_gone;	  /* since it was loaded last */
	size_t n_links;		  /* that BlueZ shows, whoever made them */
	size_t told_links;	  /* to the supervisor */
	size_t n_attempts;	  /* to connect, in progress */
	size_t told_attempts;	  /* to the supervisor */
	uint32_t pace;		  /* 1; in tests some of discovery's times are so much shorter */
	bool is_ready;		  /* READY was sent */
	bool is_stopping;	  /* STOP came: ends once its links have */
	struct deadline stopping; /* or then */
	sd_event_source *settle;  /* runs control_settle() once the turn's work is done */
};

void worker_op_begin(struct worker *w, struct op_mark *mark, enum wpage_op op, uint32_t budget_ms);
void worker_op_end(struct worker *w, struct op_mark *mark);

/* From now on it is @now, until the same is called with what this returns: what it was before. */
struct handled worker_handle(struct worker *w, struct handled now);

/* ADAPTER_STATE has to be sent: once for all changes of a turn. */
void worker_state_due(struct worker *w);

/* Calls org.bluez: one argument-less method, or one whose arguments the caller appends. */
must_check int worker_call(struct worker *w, const char *path, const char *interface,
			   const char *member, enum errors_call kind, uint32_t timeout_ms,
			   bus_done done, void *ctx, struct bus_call **out);

/* Why nothing works on this adapter now: CLASS_NONE when it does. */
enum err_class worker_trouble(const struct worker *w, const char **out_text);
