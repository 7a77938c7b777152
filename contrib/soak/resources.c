/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/resources.h"

#include "contrib/soak/flat.h"
#include "contrib/soak/proc.h"

#include <stdio.h>
#include <string.h>

enum {
	JUDGED_MIN = 12, /* a minute */
	PROCESSES_MAX = 512,
	SAMPLES_MAX = 8192,
	SERIES_MAX = 32,
	NAME_LEN = 24
};

/* One process, from its first sample to its last. */
struct process {
	pid_t pid;
	uint64_t started;
	size_t series;
	bool is_judged, is_over;
	size_t seen;	  /* samples */
	struct flat flat; /* of those after RESOURCES_WARM_UP */
};

/* What the report shows under one name: whoever bears it at the moment. */
struct series {
	char name[NAME_LEN];
	uint32_t kib[SAMPLES_MAX], fds[SAMPLES_MAX];
};

struct resources {
	pid_t daemon;
	int64_t next_us;
	size_t n_processes, n_series, n_samples;
	uint32_t count[SAMPLES_MAX];
	struct flat count_flat;
	uint64_t checked, broken;
	struct process processes[PROCESSES_MAX];
	struct series series[SERIES_MAX];
};

int resources_new(struct resources **out)
{
	struct resources *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*out = r;
	return 0;
}

struct resources *resources_free(struct resources *r)
{
	for (size_t i = 0; r && i < r->n_processes; i++)
		flat_done(&r->processes[i].flat);
	if (r)
		flat_done(&r->count_flat);
	free(r);
	return NULL;
}

/* SERIES_MAX: no room. */
static size_t series_of(struct resources *r, const char *name)
{
	for (size_t i = 0; i < r->n_series; i++)
		if (strcmp(r->series[i].name, name) == 0)
			return i;
	if (r->n_series == SERIES_MAX)
		return SERIES_MAX;
	(void)snprintf(r->series[r->n_series].name, NAME_LEN, "%s", name);
	return r->n_series++;
}

/* A place of one that is over is used again: what it was is in its series. */
static struct process *place_for(struct resources *r)
{
	for (size_t i = 0; i < r->n_processes; i++)
		if (r->processes[i].is_over && r->processes[i].flat.n < JUDGED_MIN)
			return &r->processes[i];
	return r->n_processes < PROCESSES_MAX ? &r->processes[r->n_processes++] : NULL;
}

void resources_watch(struct resources *r, pid_t pid, const char *name, bool is_judged)
{
	uint64_t started = proc_started(pid);
	size_t series = series_of(r, name);
	struct process *process;

	for (size_t i = 0; i < r->n_processes; i++)
		if (r->processes[i].pid == pid && r->processes[i].started == started) {
			/* A child that was seen before its exec bore its parent's name. */
			if (series < SERIES_MAX)
				r->processes[i].series = series;
			return;
		}
	process = series < SERIES_MAX ? place_for(r) : NULL;
	if (!process)
		return;
	flat_done(&process->flat);
	*process = (struct process){
		.pid = pid, .started = started, .series = series, .is_judged = is_judged
	};
}

void resources_daemon(struct resources *r, pid_t daemon)
{
	r->daemon = daemon;
	if (daemon > 0)
		resources_watch(r, daemon, "bleherdd", true);
}

/* "bleherd-worker hci0" for people: workers are told apart by the adapter in their arguments. */
static void name_child(pid_t pid, char out[NAME_LEN])
{
	char name[PROC_NAME_LEN] = "?", adapter[8] = "hci0";
	const char *bare;

	(void)proc_name(pid, name);
	bare = strncmp(name, "bleherd-", 8) == 0 ? name + 8 : name;
	(void)snprintf(out, NAME_LEN, "%s", bare);
	for (char i = '0'; strcmp(bare, "worker") == 0 && i <= '9'; i++) {
		adapter[3] = i;
		if (proc_has_argument(pid, adapter))
			(void)snprintf(out, NAME_LEN, "worker %s", adapter);
	}
}

static size_t watch_children(struct resources *r)
{
	pid_t children[PROC_CHILDREN_MAX];
	char name[NAME_LEN];
	size_t n = r->daemon > 0 ? proc_children(r->daemon, children, PROC_CHILDREN_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		name_child(children[i], name);
		resources_watch(r, children[i], name, true);
	}
	return n;
}

static void sample(struct resources *r, struct process *process)
{
	struct series *series = &r->series[process->series];
	uint32_t fds;

	if (proc_started(process->pid) != process->started || proc_is_dead(process->pid)) {
		process->is_over = true;
		return;
	}
	fds = proc_fds(process->pid);
	series->kib[r->n_samples] += proc_kib(process->pid);
	series->fds[r->n_samples] += fds;
	if (process->is_judged && process->seen++ >= RESOURCES_WARM_UP)
		flat_add(&process->flat, proc_own_kib(process->pid), fds);
}

void resources_look(struct resources *r, int64_t now_us)
{
	size_t n;

	if (now_us < r->next_us || r->n_samples == SAMPLES_MAX)
		return;
	r->next_us = now_us + RESOURCES_EVERY_US;
	n = watch_children(r);
	r->count[r->n_samples] = (uint32_t)n;
	/* None: it is being started. */
	if (n > 0)
		flat_add(&r->count_flat, 0, (uint32_t)n);
	for (size_t i = 0; i < r->n_processes; i++)
		if (!r->processes[i].is_over)
			sample(r, &r->processes[i]);
	r->n_samples++;
}

void resources_judge(struct resources *r, int64_t now_us, soak_violation violation, void *ctx)
{
	char text[FLAT_TEXT_LEN + NAME_LEN + 32], what[FLAT_TEXT_LEN];

	for (size_t i = 0; i < r->n_processes; i++) {
		const struct process *process = &r->processes[i];

		if (process->flat.n < JUDGED_MIN)
			continue;
		r->checked++;
		if (!flat_has_grown(&process->flat, what))
			continue;
		r->broken++;
		(void)snprintf(text, sizeof(text), "%s (process %d) grew: %s",
			       r->series[process->series].name, process->pid, what);
		violation(ctx, "flat", now_us, text);
	}
	if (r->count_flat.n < JUDGED_MIN)
		return;
	r->checked++;
	if (!flat_has_more(&r->count_flat, what))
		return;
	r->broken++;
	(void)snprintf(text, sizeof(text), "children of the daemon: %s", what);
	violation(ctx, "flat", now_us, text);
}

uint64_t resources_checked(const struct resources *r)
{
	return r->checked;
}

uint64_t resources_broken(const struct resources *r)
{
	return r->broken;
}

/* --- the report --- */

/* Where @there is 0 nobody was there to be measured: a gap, or the curve would begin at 0. */
static json_t *numbers(const uint32_t *of, const uint32_t *there, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array,
					    there[i] > 0 ? json_integer(of[i]) : json_null());
	return array;
}

json_t *resources_report(const struct resources *r)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n_series; i++) {
		const struct series *s = &r->series[i];

		(void)json_array_append_new(rows,
					    json_pack("{s:s, s:o, s:o}", "name", s->name, "pss_kib",
						      numbers(s->kib, s->kib, r->n_samples), "fds",
						      numbers(s->fds, s->kib, r->n_samples)));
	}
	return json_pack("{s:i, s:o, s:o}", "step_ms", RESOURCES_EVERY_US / 1000, "processes", rows,
			 "count", numbers(r->count, r->count, r->n_samples));
}
