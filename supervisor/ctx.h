/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/ctx.h - the one context of the supervisor: made in main(), handed to every part. A
 * part touches only its own member; what it wants of another it asks through that one's functions.
 */
#include <systemd/sd-event.h>

#include "ipc/chan.h"
#include "supervisor/backoff.h"
#include "supervisor/config.h"
#include "supervisor/resume.h"
#include "supervisor/spawn.h"

struct adapters;
struct admission;
struct caches;
struct cleaner;
struct deaths;
struct device_log;
struct devices;
struct escalation;
struct events;
struct identities;
struct keepers;
struct lock_peers;
struct lock_self;
struct lockd_child;
struct mgmt;
struct orphans;
struct reload;
struct rescue_child;
struct reset;
struct room;
struct server;
struct sessions;

struct sup {
	sd_event *event;
	struct config config;
	struct config_sources sources;
	struct backoff_limits backoff;
	struct chan_buf *buf; /* control frames */
	struct spawn_binaries binaries;
	struct mgmt *mgmt;
	struct adapters *adapters;
	struct devices *devices;
	struct device_log *log;
	struct escalation *escalation;
	struct events *events;
	struct deaths *deaths;
	struct sessions *sessions;
	struct keepers *keepers;
	struct identities *identities;
	struct caches *caches;
	struct admission *admission;
	struct server *server;
	struct lockd_child *lockd;
	struct lock_peers *lock_peers;
	struct cleaner *cleaner;
	struct lock_self *lock_self;
	struct reload *reload;
	struct rescue_child *rescue;
	struct reset *reset;
	struct room *room;
	struct orphans *orphans;
	struct resume resume;
	uint64_t started_at_ms;
	uint32_t worker_deaths;
	bool is_listed;	      /* the index list was read at least once */
	uint32_t infos_asked; /* identities of adapters that are not answered yet */
	bool is_enumerated;   /* the adapters are known: the list and each one's identity */
	bool is_bluez_gone;   /* a worker said so, and none has said otherwise since */
	bool is_stopping;
};
