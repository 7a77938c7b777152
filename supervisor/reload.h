/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reload.h - SIGHUP: the configuration is read anew, while everything goes on.
 *
 * What is read is taken as a whole or not at all. Then each part takes over what it has copied;
 * children learn it by SETTINGS and DEVICE_RULES. Nothing that a program asked for is touched.
 */
#include "supervisor/config_reading.h"
#include "supervisor/ctx.h"

/**
 * reload_run() - from sup->sources to sup->config
 *
 * Tells systemd (Type=notify-reload) and says an event: `reloaded` with the keys that changed, and
 * those that take a restart; or `reload-failed` with the first mistake, and nothing has changed.
 * The reading is done by a process of its own, which may have to wait for the names of users and
 * groups: all of this follows when it is over. Asked meanwhile, it is done once more. Does not
 * block.
 */
void reload_run(struct sup *sup);

/* sup->reload. @reading: taken over, also on errors. Errors: -ENOMEM. */
must_check int reload_new(struct sup *sup, struct config_reading *reading);
struct reload *reload_free(struct reload *reload);

/* The copies that are in the context itself, from sup->config. */
void reload_fill_limits(struct sup *sup);
