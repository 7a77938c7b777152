/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/control.c - control socket and fault files; see control.h. What the commands mean is
 * faults.c's affair and that of the tables registered there.
 */
#include "contrib/sim/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/seqpacket.h"

struct control {
	struct seqpacket *server;
	struct faults *faults;
};

static void on_line(struct seqpacket_peer *peer, const uint8_t *data, size_t len, void *userdata)
{
	struct control *control = userdata;
	_cleanup_free_ char *line = strndup((const char *)data, len);
	_cleanup_free_ char *reply = line ? faults_run(control->faults, line) : NULL;

	if (!reply) {
		seqpacket_send(peer, "error: out of memory", strlen("error: out of memory"));
		return;
	}
	seqpacket_send(peer, reply, strlen(reply));
}

int control_new(struct control **out, sd_event *event, const char *path, struct faults *faults)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->faults = faults;
	r = seqpacket_new(&control->server, event, path, on_line, control);
	if (r < 0) {
		control_free(control);
		return r;
	}
	*out = control;
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	seqpacket_free(control->server);
	free(control);
	return NULL;
}

/* A line of a file. It keeps its text for the message that says what failed. */
struct step {
	struct step *next;
	struct fault_call call;
	uint64_t at_ms;
	unsigned line;
	const struct script *script;
	sd_event_source *source;
};

struct script {
	char *path;
	struct step *first;
	struct step **last;
};

static void run_step(const struct step *step)
{
	_cleanup_free_ char *reply = faults_call(&step->call);

	if (!reply || strncmp(reply, "error", 5) == 0)
		(void)fprintf(stderr, "bleherd-sim: %s:%u: %s\n", step->script->path, step->line,
			      reply ? reply : "out of memory");
}

static int on_step(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	run_step(userdata);
	return 0;
}

static int add_step(struct script *script, struct faults *faults, const char *text, unsigned line)
{
	_cleanup_free_ char *error = NULL;
	const char *rest;
	struct step *step;
	uint64_t at_ms;
	int r;

	r = faults_split_at(text, &at_ms, &rest);
	if (r < 0) {
		(void)fprintf(stderr, "bleherd-sim: %s:%u: usage: at MS COMMAND\n", script->path,
			      line);
		return r;
	}
	step = calloc(1, sizeof(*step));
	if (!step)
		return -ENOMEM;
	step->at_ms = at_ms;
	step->line = line;
	step->script = script;
	r = faults_parse(faults, rest, &step->call, &error);
	if (r < 0)
		(void)fprintf(stderr, "bleherd-sim: %s:%u: %s\n", script->path, line,
			      error ? error : strerror(-r));
	if (r != 0) {
		free(step);
		return r == FAULTS_EMPTY ? 0 : r;
	}
	*script->last = step;
	script->last = &step->next;
	return 0;
}

static int read_steps(struct script *script, struct faults *faults)
{
	char text[FAULT_LINE_CHARS + 32];
	unsigned line = 0;
	FILE *f = fopen(script->path, "re");
	int r = 0;

	if (!f)
		return -errno;
	while (r == 0 && fgets(text, sizeof(text), f))
		r = add_step(script, faults, text, ++line);
	(void)fclose(f);
	return r;
}

static int start_steps(struct script *script, sd_event *event)
{
	int r;

	for (struct step *step = script->first; step; step = step->next) {
		if (step->at_ms == 0) {
			run_step(step);
			continue;
		}
		r = sd_event_add_time_relative(event, &step->source, CLOCK_MONOTONIC,
					       step->at_ms * 1000, 1, on_step, step);
		if (r < 0)
			return r;
	}
	return 0;
}

int script_new(struct script **out, sd_event *event, const char *path, struct faults *faults)
{
	struct script *script = calloc(1, sizeof(*script));
	int r = -ENOMEM;

	if (!script)
		return -ENOMEM;
	script->last = &script->first;
	script->path = strdup(path);
	if (script->path)
		r = read_steps(script, faults);
	if (r == 0)
		r = start_steps(script, event);
	if (r < 0) {
		script_free(script);
		return r;
	}
	*out = script;
	return 0;
}

struct script *script_free(struct script *script)
{
	if (!script)
		return NULL;
	while (script->first) {
		struct step *step = script->first;

		script->first = step->next;
		sd_event_source_disable_unref(step->source);
		free(step);
	}
	free(script->path);
	free(script);
	return NULL;
}
