/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/config_change.h - what differs between two configurations. Pure; for reload.c.
 */
#include "supervisor/config.h"

enum { CONFIG_NAMES_LEN = 512 };

struct config_change {
	char live[CONFIG_NAMES_LEN];  /* keys with other values: "log_level, links.linger_ms" */
	char fixed[CONFIG_NAMES_LEN]; /* those that take a restart */
	bool has_devices;	      /* [links] or [device WHO] */
	bool has_access;	      /* [access NAME] */
};

/**
 * config_compare() - what is to change
 * @now:  what holds
 * @next: what was read; the values that take a restart are put back to those of @now
 */
void config_compare(const struct config *now, struct config *next, struct config_change *out);
