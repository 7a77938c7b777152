/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/rescue/bluetoothd.c - starts bluetoothd anew, through systemd or a program. */
#include "supervisor/rescue/step.h"

#include <string.h>
#include <systemd/sd-bus.h>

static const char UNIT[] = "bluetooth.service";

static int open_bus(const struct step *step, sd_bus **out)
{
	sd_bus *bus = NULL;
	int r;

	if (!step->bus[0])
		return sd_bus_open_system(out);
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, step->bus);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return r;
	}
	*out = bus;
	return 0;
}

struct job {
	const char *path;
	bool is_over;
	bool is_done;
};

/* JobRemoved: id, path, unit, result. */
static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct job *job = userdata;
	const char *path = NULL;
	const char *unit = NULL;
	const char *result = NULL;
	uint32_t id = 0;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	if (strcmp(unit, UNIT) != 0 || !job->path || strcmp(path, job->path) != 0)
		return 0;
	job->is_over = true;
	job->is_done = strcmp(result, "done") == 0;
	return 0;
}

/* The alarm ends a wait that has no end. */
static int wait_for(sd_bus *bus, const struct job *job)
{
	int r = 0;

	while (!job->is_over && r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	if (r < 0)
		return r;
	return job->is_done ? 0 : -EIO;
}

static int restart(sd_bus *bus)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct job job = { .path = NULL };
	int r;

	r = sd_bus_match_signal(bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
				"org.freedesktop.systemd1.Manager", "JobRemoved", on_removed, &job);
	/* The answer names the job; its signal is not handled before that. */
	if (r >= 0)
		r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
				       "org.freedesktop.systemd1.Manager", "RestartUnit", &error,
				       &reply, "ss", UNIT, "replace");
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &job.path);
	if (r >= 0)
		r = wait_for(bus, &job);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r;
}

Bh__Ctl__RescueOutcome step_bluetoothd(struct step *step)
{
	sd_bus *bus = NULL;
	int r;

	if (strcmp(step->bluetoothd, "never") == 0)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_PERMITTED;
	if (strcmp(step->bluetoothd, "systemd") != 0)
		return step_program(step, step->bluetoothd);
	r = open_bus(step, &bus);
	if (r >= 0)
		r = restart(bus);
	sd_bus_flush_close_unref(bus);
	/* No systemd on that bus. */
	if (r == -EHOSTUNREACH || r == -ENXIO)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE;
	return r < 0 ? step_failed(step, -r) : BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
}
