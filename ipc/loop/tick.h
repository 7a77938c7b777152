/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/loop/tick.h - the beat of a child's loop, on its status page: the supervisor's watchdog reads
 * it. It comes before all peers, or the flood of one would starve it.
 */
#include "ipc/base.h"

#include <systemd/sd-event.h>

/**
 * tick_add() - a timer that lives as long as the loop
 * @first_ms: from now
 * @handler:  sets the next time by sd_event_source_set_time_relative()
 *
 * Errors: those of sd-event.  Blocks: never.
 */
must_check int tick_add(sd_event *event, uint32_t first_ms, sd_event_time_handler_t handler,
			void *ctx);
