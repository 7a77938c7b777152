/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/daemon.h - the running supervisor: makes its parts in order, turns the loop, stops the
 * children in order. Called by main.c once.
 */
#include "supervisor/config_reading.h"

/**
 * daemon_run() - until SIGTERM or SIGINT
 * @reading:   the configuration; taken over
 * @sources:   copied; for SIGHUP
 * @listen_fd: the public socket; taken over
 *
 * Errors: what made it impossible to begin (told in the log), 0 it was asked to stop. Blocks: its
 * life long.
 */
must_check int daemon_run(struct config_reading *reading, const struct config_sources *sources,
			  int listen_fd);
