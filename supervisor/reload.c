/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reload.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* Users and groups come from who knows where; systemd would have killed us by then. */
enum { LATE_US = 30000000 };

struct reload {
	struct sup *sup;
	struct config_reading *reading;
	sd_event_source *reader; /* NULL: nobody reads */
	sd_event_source *timer;
	bool is_late;
	bool is_again; /* asked meanwhile */
};

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

static void apply(struct sup *sup, const struct config_change *change,
		  const struct access_world *world)
{
	size_t i;

	log_set_level((enum log_level)sup->config.log_level);
	reload_fill_limits(sup);
	attempts_reload(sup);
	for (i = 0; i < sup->adapters->n; i++)
		worker_child_reload(sup->adapters->list[i]);
	/* After the workers know whether to ask for room. */
	room_desk_reload(sup);
	lockd_child_reload(sup->lockd);
	if (change->has_access)
		access_apply(sup, world);
	if (!change->has_devices)
		return;
	keepers_reload(sup);
	sessions_rules_reload(sup);
}

/* --- reading, in a process of its own --- */

static void stop_reading(struct reload *reload)
{
	reload->reader = sd_event_source_disable_unref(reload->reader);
	reload->timer = sd_event_source_disable_unref(reload->timer);
}

static void take(struct reload *reload)
{
	struct sup *sup = reload->sup;
	struct config_reading *reading = reload->reading;
	struct config_change change;

	if (!reading->is_whole) {
		tell_failed(sup, reload->is_late ? "users and groups that it names are not known "
						   "after 30 s; is their directory away?"
						 : "the process that read it died; try again");
		return;
	}
	if (reading->result < 0) {
		tell_failed(sup, reading->report.error);
		return;
	}
	config_compare(&sup->config, &reading->config, &change);
	sup->config = reading->config;
	if (change.live[0] != '\0')
		apply(sup, &change, &reading->world);
	tell_done(sup, &change);
}

static int on_read(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct reload *reload = userdata;

	(void)source;
	(void)info;
	stop_reading(reload);
	if (reload->sup->is_stopping)
		return 0;
	take(reload);
	config_reading_clear(reload->reading);
	readiness_tell("READY=1");
	if (reload->is_again)
		reload_run(reload->sup);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct reload *reload = userdata;

	(void)source;
	(void)usec;
	reload->is_late = true;
	return sd_event_source_send_child_signal(reload->reader, SIGKILL, NULL, 0);
}

static int watch(struct reload *reload, pid_t pid)
{
	sd_event *event = reload->sup->event;
	int r = sd_event_add_child(event, &reload->reader, pid, WEXITED, on_read, reload);

	if (r < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	/* It ends with us. */
	r = sd_event_source_set_child_process_own(reload->reader, true);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &reload->timer, CLOCK_MONOTONIC, LATE_US, 0,
					       on_late, reload);
	if (r < 0)
		stop_reading(reload);
	return r;
}

static int begin(struct reload *reload)
{
	pid_t pid;

	reload->is_again = reload->is_late = false;
	pid = config_reading_begin(reload->reading, &reload->sup->sources);
	return pid < 0 ? pid : watch(reload, pid);
}

void reload_run(struct sup *sup)
{
	struct reload *reload = sup->reload;
	int r;

	if (reload->reader) {
		reload->is_again = true;
		return;
	}
	tell_begin();
	r = begin(reload);
	if (r == 0)
		return;
	tell_failed(sup, strerror(-r));
	readiness_tell("READY=1");
}

int reload_new(struct sup *sup, struct config_reading *reading)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (!reload) {
		config_reading_free(reading);
		return -ENOMEM;
	}
	config_reading_clear(reading);
	reload->reading = reading;
	reload->sup = sup;
	sup->reload = reload;
	return 0;
}

struct reload *reload_free(struct reload *reload)
{
	if (!reload)
		return NULL;
	stop_reading(reload);
	reload->reading = config_reading_free(reload->reading);
	free(reload);
	return NULL;
}
