/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reload.h - SIGHUP: the configuration is read anew, while everything goes on.
 *
 * What is read is taken as a whole or not at all. Then each part takes over what it has copied;
 * children learn it by SETTINGS and DEVICE_RULES. Nothing that a program asked for is touched.
 */
#include "supervisor/ctx.h"

/**
 * reload_run() - from sup->sources to sup->config
 *
 * Tells systemd (Type=notify-reload) and says an event: `reloaded` with the keys that changed, and
 * those that take a restart; or `reload-failed` with the first mistake, and nothing has changed.
 * Blocks: on reading the files.
 */
void reload_run(struct sup *sup);

/* The copies that are in the context itself, from sup->config. */
void reload_fill_limits(struct sup *sup);
