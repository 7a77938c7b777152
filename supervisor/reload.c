/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/admission.h"
#include "supervisor/attempts.h"
#include "supervisor/config_change.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/lockd_child.h"
#include "supervisor/readiness.h"
#include "supervisor/room_desk.h"
#include "supervisor/sessions.h"
#include "supervisor/worker_child.h"

void reload_fill_limits(struct sup *sup)
{
	sup->backoff = (struct backoff_limits){
		.base_ms = sup->config.restart_base_ms,
		.max_ms = sup->config.restart_max_ms,
		.loop_deaths = sup->config.crash_loop_deaths,
		.loop_window_ms = sup->config.crash_loop_window_ms,
	};
}

/* As sd_notify(3) has it: systemd takes READY=1 for the end of this reload only with its time. */
static void tell_begin(void)
{
	struct timespec now;
	char state[80];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	readiness_tell(state);
}

static void tell_failed(struct sup *sup, const char *error)
{
	char line[EVENT_TEXT_LEN];
	const char *next = strchr(error, '\n');

	log_error("reload=failed text=\"%.*s\"", (int)strcspn(error, "\n"), error);
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(error, "\n"), error);
	events_add(sup->events, &(struct event){ .kind = EVENT_RELOAD_FAILED }, "%s%s", line,
		   next ? "; and more: bleherdd --check-config" : "");
}

static void tell_done(struct sup *sup, const struct config_change *change)
{
	if (change->fixed[0] != '\0')
		log_warn("reload=partly text=\"%s: needs a restart\"", change->fixed);
	events_add(sup->events, &(struct event){ .kind = EVENT_RELOADED }, "%s%s%s",
		   change->live[0] != '\0' ? change->live : "nothing has changed",
		   change->fixed[0] != '\0' ? "; needs a restart: " : "", change->fixed);
}

static void apply(struct sup *sup, const struct config_change *change)
{
	size_t i;

	log_setup("bleherdd", (enum log_level)sup->config.log_level);
	reload_fill_limits(sup);
	attempts_reload(sup);
	for (i = 0; i < sup->adapters->n; i++)
		worker_child_reload(sup->adapters->list[i]);
	/* After the workers know whether to ask for room. */
	room_desk_reload(sup);
	lockd_child_reload(sup->lockd);
	if (change->has_access)
		access_apply(sup);
	if (!change->has_devices)
		return;
	keepers_reload(sup);
	sessions_rules_reload(sup);
}

static int read_anew(struct sup *sup, struct config *next, struct config_report *report)
{
	struct config_change change;
	int r = config_read(&sup->sources, next, report);

	if (r < 0) {
		tell_failed(sup, report->error);
		return r;
	}
	config_compare(&sup->config, next, &change);
	sup->config = *next;
	if (change.live[0] != '\0')
		apply(sup, &change);
	tell_done(sup, &change);
	return 0;
}

void reload_run(struct sup *sup)
{
	struct config *next = malloc(sizeof(*next));
	struct config_report *report = malloc(sizeof(*report));

	tell_begin();
	if (next && report)
		(void)!read_anew(sup, next, report);
	else
		tell_failed(sup, "out of memory; try again");
	free(next);
	free(report);
	readiness_tell("READY=1");
}
