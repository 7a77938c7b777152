/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/lockd_args.h - section [locks] of the configuration as bleherd-lockd's arguments.
 * Pure. Used by lockd_child.c.
 */
#include <sys/types.h>

#include "supervisor/config.h"
#include "supervisor/spawn.h"

/**
 * lockd_args()
 * @parent:    our pid
 * @settle_ms: how long holders of before may hand back what they hold
 * @argv:      argv[1..]: filled in
 * @text:      where the strings live; large enough, which is asserted
 *
 * Returns their number, less than SPAWN_ARGS_MAX - 1.
 */
size_t lockd_args(const struct config *config, pid_t parent, uint32_t settle_ms,
		  const char *argv[SPAWN_ARGS_MAX], char *text, size_t text_size);
