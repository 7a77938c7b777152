/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/config_keys.c - the table of what may be in the configuration, and the defaults. */
#include "supervisor/config_keys.h"

#include "ipc/log.h"
#include "ipc/workarounds.h"
#include "supervisor/escalation.h"

#define TEXT_ROW(s, n, k, field, is_fixed)                                                         \
	{                                                                                          \
		s, n, k, offsetof(struct config, field), 0, sizeof(((struct config *)0)->field),   \
			is_fixed                                                                   \
	}
#define TEXT(s, n, k, field) TEXT_ROW(s, n, k, field, false)
/*
 * What is opened once, at the start; slots, which cannot change under those who hold them; what
 * children have in their own timers.
 */
#define FIXED(s, n, k, field) TEXT_ROW(s, n, k, field, true)
#define NUMBER_ROW(s, n, field, lo, hi, is_fixed)                                                  \
	{                                                                                          \
		s, n, KIND_NUMBER, offsetof(struct config, field), lo, hi, is_fixed                \
	}
#define NUMBER(s, n, field, lo, hi)	  NUMBER_ROW(s, n, field, lo, hi, false)
#define FIXED_NUMBER(s, n, field, lo, hi) NUMBER_ROW(s, n, field, lo, hi, true)

/* A bit of the workarounds. */
#define SWITCH(n, which)                                                                           \
	{                                                                                          \
		"workarounds", n, KIND_SWITCH, offsetof(struct config, workarounds),               \
			WORKAROUND_BIT(which), 0, false                                            \
	}

const struct key CONFIG_KEYS[CONFIG_KEYS_LEN] = {
	FIXED("daemon", "socket", KIND_PATH, socket),
	{ "daemon", "socket_mode", KIND_MODE, offsetof(struct config, socket_mode), 0, 0777, true },
	FIXED("daemon", "runtime_dir", KIND_PATH, runtime_dir),
	{ "daemon", "log_level", KIND_LEVEL, offsetof(struct config, log_level), 0, 0, false },
	FIXED("bluez", "bus", KIND_TEXT, bus),
	FIXED("bluez", "mgmt", KIND_PATH_OR_NONE, mgmt),
	FIXED_NUMBER("bluez", "mgmt_timeout_ms", mgmt_timeout_ms, 100, 60000),
	FIXED("locks", "dir", KIND_PATH, lock_dir),
	FIXED_NUMBER("locks", "connect", connect_slots, 1, 8),
	FIXED_NUMBER("locks", "scan", scan_slots, 1, 8),
	FIXED_NUMBER("locks", "foreign_slots", foreign_slots, 0, 8),
	NUMBER("locks", "foreign_yield_ms", foreign_yield_ms, 0, 10000),
	NUMBER("locks", "age_step_ms", age_step_ms, 0, 3600000),
	NUMBER("locks", "hold_recovery_ms", hold_recovery_ms, 1000, 3600000),
	NUMBER("locks", "hold_interactive_ms", hold_interactive_ms, 1000, 3600000),
	NUMBER("locks", "hold_connect_ms", hold_connect_ms, 1000, 3600000),
	NUMBER("locks", "hold_scan_ms", hold_scan_ms, 1000, 3600000),
	NUMBER("locks", "hold_background_ms", hold_background_ms, 1000, 3600000),
	NUMBER("locks", "hold_total_ms", hold_total_ms, 1000, 3600000),
	NUMBER("locks", "grace_ms", grace_ms, 0, 10000),
	NUMBER("locks", "dirty_ms", dirty_ms, 0, 60000),
	NUMBER("locks", "per_user", per_user, 1, 1024),
	{ "scan", "mode", KIND_SCAN_MODE, offsetof(struct config, is_passive), 0, 1, false },
	NUMBER("workers", "restart_base_ms", restart_base_ms, 1, 600000),
	NUMBER("workers", "restart_max_ms", restart_max_ms, 1, 3600000),
	NUMBER("workers", "crash_loop_deaths", crash_loop_deaths, 0, 32),
	NUMBER("workers", "crash_loop_window_ms", crash_loop_window_ms, 1000, 86400000),
	FIXED_NUMBER("workers", "tick_window_ms", tick_window_ms, 1000, 600000),
	NUMBER("sessions", "find_timeout_ms", find_timeout_ms, 100, 3600000),
	NUMBER("sessions", "max_per_client", max_per_client, 1, 128),
	NUMBER("sessions", "max", max_sessions, 1, 65536),
	NUMBER("links", "per_adapter", devices.per_adapter, 0, 255),
	NUMBER("links", "total", devices.total, 0, 4096),
	NUMBER("links", "linger_ms", devices.linger_ms, 0, 3600000),
	NUMBER("links", "idle_ms", devices.idle_ms, 0, 86400000),
	NUMBER("links", "lifetime_ms", devices.lifetime_ms, 0, 86400000),
	NUMBER("retry", "attempts", retry_attempts, 1, 100),
	NUMBER("retry", "backoff_ms", retry_base_ms, 1, 60000),
	NUMBER("retry", "backoff_max_ms", retry_max_ms, 1, 600000),
	TEXT("escalation", "profile", KIND_TEXT, profiles.chosen),
	NUMBER("escalation", "half_life_ms", half_life_ms, 1000, 86400000),
	NUMBER("escalation", "reset_cooldown_ms", reset_cooldown_ms, 0, 86400000),
	NUMBER("escalation", "reset_budget", reset_budget, 0, ESCALATION_BUDGET_MAX),
	NUMBER("escalation", "reset_window_ms", reset_window_ms, 1000, 604800000),
	SWITCH("phantom", PHANTOM),
	SWITCH("inactive", INACTIVE),
	SWITCH("orphan", ORPHAN),
	SWITCH("pending", PENDING),
	SWITCH("stale", STALE),
	SWITCH("dead", DEAD),
	SWITCH("power", POWER),
	SWITCH("remove_bonded", REMOVE_BONDED),
	NUMBER("workarounds", "gatt_late_ms", gatt_late_ms, 100, 120000),
	TEXT("rescue", "socket", KIND_PATH, rescue_socket),
	TEXT("rescue", "bluetoothd", KIND_TEXT, rescue_bluetoothd),
	TEXT("rescue", "hardware", KIND_PATH_OR_NONE, rescue_hardware),
	NUMBER("rescue", "prove_ms", rescue_prove_ms, 100, 600000),
};

void config_defaults(struct config *out)
{
	*out = (struct config){
		.socket = "/run/bleherd/bleherd.sock",
		.socket_mode = 0660,
		.runtime_dir = "/run/bleherd",
		.log_level = LOG_LEVEL_INFO,
		.mgmt_timeout_ms = 10000,
		.lock_dir = "/run",
		.connect_slots = 1,
		.scan_slots = 1,
		.foreign_slots = 2,
		.foreign_yield_ms = 300,
		.age_step_ms = 5000,
		.hold_recovery_ms = 60000,
		.hold_interactive_ms = 60000,
		.hold_connect_ms = 60000,
		.hold_scan_ms = 30000,
		.hold_background_ms = 30000,
		.hold_total_ms = 600000,
		.grace_ms = 2000,
		.dirty_ms = 2000,
		.per_user = 256,
		.restart_base_ms = 500,
		.restart_max_ms = 60000,
		.crash_loop_deaths = 5,
		.crash_loop_window_ms = 120000,
		.tick_window_ms = 5000,
		.find_timeout_ms = 10000,
		.max_per_client = 64,
		.max_sessions = 4096,
		.retry_attempts = 4,
		.retry_base_ms = 250,
		.retry_max_ms = 4000,
		/* Six failures in a row, 25 s each, are still five and a half; one an hour is one.
		 */
		.half_life_ms = 600000,
		.reset_cooldown_ms = 300000, /* bleak-connection-manager's */
		.reset_budget = 3,
		.reset_window_ms = 3600000,
		.workarounds = WORKAROUNDS_DEFAULT,
		.gatt_late_ms = GATT_LATE_MS,
		.rescue_socket = "/run/bleherd-rescue.sock",
		.rescue_bluetoothd = "systemd",
		.rescue_prove_ms = 15000,
	};
	profiles_defaults(&out->profiles);
	device_rules_defaults(&out->devices);
}
