/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/config.h - bleherdd's configuration: an INI file as a struct of checked values.
 *
 * config_parse() is pure, but that it looks up the users and groups of [access NAME]; config_read()
 * reads the files and nothing else. Called by main.c before anything runs, and by reload.c.
 */
#include "ipc/base.h"
#include "supervisor/access.h"
#include "supervisor/device_rules.h"
#include "supervisor/profile.h"

enum {
	CONFIG_PATH_LEN = 108, /* what sun_path holds */
	CONFIG_BUS_LEN = 256,
	CONFIG_ERROR_LEN = 16384,
	CONFIG_READ_LEN = 1024,
	CONFIG_FILE_MAX = 65536,
};

struct config {
	/* [daemon] */
	char socket[CONFIG_PATH_LEN];
	uint32_t socket_mode;
	char runtime_dir[CONFIG_PATH_LEN];
	uint32_t log_level; /* enum log_level */
	/* [bluez] */
	char bus[CONFIG_BUS_LEN];   /* D-Bus address */
	char mgmt[CONFIG_PATH_LEN]; /* "": the kernel's */
	uint32_t mgmt_timeout_ms;
	/* [locks] */
	char lock_dir[CONFIG_PATH_LEN];
	uint32_t connect_slots;
	uint32_t scan_slots;
	uint32_t foreign_slots;
	uint32_t foreign_yield_ms;
	uint32_t age_step_ms; /* 0: no ageing */
	uint32_t hold_recovery_ms;
	uint32_t hold_interactive_ms;
	uint32_t hold_connect_ms;
	uint32_t hold_scan_ms;
	uint32_t hold_background_ms;
	uint32_t hold_total_ms;
	uint32_t grace_ms;
	uint32_t dirty_ms;
	uint32_t per_user;
	/* [scan] */
	uint32_t is_passive; /* mode: active, passive */
	/* [workers] */
	uint32_t restart_base_ms;
	uint32_t restart_max_ms;
	uint32_t crash_loop_deaths; /* 0: no loop */
	uint32_t crash_loop_window_ms;
	uint32_t tick_window_ms;
	/* [sessions] */
	uint32_t find_timeout_ms;
	uint32_t max_per_client;
	uint32_t max_sessions;
	/* [retry] */
	uint32_t retry_attempts;
	uint32_t retry_base_ms;
	uint32_t retry_max_ms;
	/* [escalation] */
	uint32_t half_life_ms;
	uint32_t reset_cooldown_ms;
	uint32_t reset_budget;
	uint32_t reset_window_ms;
	struct profiles profiles;    /* and [profile NAME] */
	struct device_rules devices; /* [links] and [device WHO] */
	struct access_rules access;  /* [access NAME] */
	/* [workarounds] */
	uint32_t workarounds; /* bits of ipc/workarounds.h */
	uint32_t gatt_late_ms;
	/* [rescue] */
	char rescue_socket[CONFIG_PATH_LEN]; /* of bleherd-rescue.socket; where nobody listens it
						is started as a child */
	char rescue_bluetoothd[CONFIG_PATH_LEN]; /* "systemd", "never", or a program */
	char rescue_hardware[CONFIG_PATH_LEN];	 /* in place of a USB reset; "": none */
	uint32_t rescue_prove_ms;
};

/* What holds where a file says nothing. */
void config_defaults(struct config *out);

/**
 * config_parse() - read INI text over the values that are there
 * @config:    begins with config_defaults(); partly overwritten on error
 * @text:      NUL-terminated
 * @name:      of the file, for messages
 * @out_error: written on error: "file:line: what; what would be right", a line for each mistake
 *
 * Errors: -EINVAL.
 */
must_check int config_parse(struct config *config, const char *text, const char *name,
			    char out_error[CONFIG_ERROR_LEN]);

/* Where a configuration comes from; all of it lives as long as the daemon. */
struct config_sources {
	const char *path;	  /* NULL: /etc/bleherd/bleherd.conf, which need not be there */
	const char *socket;	  /* of the command line, NULL: none */
	char *const *environment; /* as of environ(7) */
};

struct config_report {
	char error[CONFIG_ERROR_LEN]; /* as of config_parse(); "": none */
	char read[CONFIG_READ_LEN];   /* what it was read from, in order: "/a, /b, environment" */
};

/**
 * config_read() - the defaults, the file, conf.d beside it in the order of the names, the
 * environment, the command line: what comes later wins
 * @out:        unspecified on error
 * @out_report: always written
 *
 * Errors: -EINVAL: the report has a line for each mistake; -ENOMEM. Blocks: on files.
 */
must_check int config_read(const struct config_sources *sources, struct config *out,
			   struct config_report *out_report);
