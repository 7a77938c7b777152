/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/loop/tick.h"

#include <time.h>

/* A beat that is a bit late does no harm, and may share its wakeup with others. */
enum { ACCURACY_US = 20000 };

int tick_add(sd_event *event, uint32_t first_ms, sd_event_time_handler_t handler, void *ctx)
{
	sd_event_source *source = NULL;
	int r;

	r = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, (uint64_t)first_ms * 1000,
				       ACCURACY_US, handler, ctx);
	if (r >= 0)
		r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_source_set_enabled(source, SD_EVENT_ON);
	if (r >= 0)
		r = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return r;
}
