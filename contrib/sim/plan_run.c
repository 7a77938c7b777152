/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/plan_run.c - see plan_run.h.
 */
#include "contrib/sim/plan_run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "contrib/sim/model.h"

struct plan_run {
	struct plan_run_options options;
	struct faults *faults;
	struct model *model;
	sd_event *event;
	sd_event_source *timer;
	struct plan *plan;
	struct plan_turn *turn;
	FILE *log;
	uint64_t begun_us; /* 0: not yet */
	bool is_resting;
	/* Commands that undo what has no end of its own: for `plan rest`. */
	char **undo;
	size_t undo_count;
};

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t plan_now_ms(const struct plan_run *run)
{
	return (now_us() - run->begun_us) / 1000;
}

static void put_string(FILE *f, const char *text)
{
	(void)fputc('"', f);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', f);
		if ((unsigned char)*text >= ' ')
			(void)fputc(*text, f);
	}
	(void)fputc('"', f);
}

/* Whoever follows the log wants whole lines, at once. */
static void log_deed(struct plan_run *run, const struct plan_deed *deed, const char *reply)
{
	FILE *f = run->log;

	if (!f)
		return;
	(void)fprintf(f, "{\"us\":%llu,\"line\":%u", (unsigned long long)now_us(),
		      deed->rule->line);
	if (!deed->ends) {
		(void)fprintf(f, ",\"kind\":\"%s\"", deed->rule->kind);
		(void)fputs(",\"text\":", f);
		put_string(f, deed->text);
		(void)fprintf(f, ",\"for_ms\":%llu,\"reply\":", (unsigned long long)deed->for_ms);
		put_string(f, reply);
	}
	(void)fprintf(f, ",\"where\":\"%s\"%s}\n", deed->where, deed->ends ? ",\"end\":true" : "");
	(void)fflush(f);
}

static void remember_undo(struct plan_run *run, const struct plan_deed *deed)
{
	char text[PLAN_LINE_CHARS];
	char **more;

	if ((deed->for_ms && !deed->rule->timed) || !plan_ending(deed->text, text, sizeof(text)))
		return;
	for (size_t i = 0; i < run->undo_count; i++) {
		if (strcmp(run->undo[i], text) == 0)
			return;
	}
	more = realloc(run->undo, (run->undo_count + 1) * sizeof(*more));
	if (!more)
		return;
	run->undo = more;
	more[run->undo_count] = strdup(text);
	run->undo_count += more[run->undo_count] != NULL;
}

static void do_deed(struct plan_run *run, const struct plan_deed *deed)
{
	_cleanup_free_ char *reply =
		deed->text[0] ? faults_run(run->faults, deed->text) : strdup("ok");
	const bool failed = !reply || strncmp(reply, "error", 5) == 0;

	log_deed(run, deed, reply ? reply : "error: out of memory");
	if (failed)
		plan_turn_failed(run->turn, deed);
	else if (!deed->ends)
		remember_undo(run, deed);
	/* What goes by chance may meet nobody; what has its time was meant. */
	if (failed && deed->rule->when == PLAN_AT)
		(void)fprintf(stderr, "bleherd-sim: %s:%u: %s\n", run->options.path,
			      deed->rule->line, reply ? reply : "out of memory");
}

static void do_due(struct plan_run *run)
{
	struct plan_deed deed;
	uint64_t next_at_ms;

	while (plan_turn_step(run->turn, plan_now_ms(run), &deed))
		do_deed(run, &deed);
	next_at_ms = plan_turn_next_at_ms(run->turn);
	if (next_at_ms != PLAN_NEVER_MS)
		(void)sd_event_source_set_time(run->timer, run->begun_us + next_at_ms * 1000);
	(void)sd_event_source_set_enabled(
		run->timer, next_at_ms == PLAN_NEVER_MS ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	do_due(userdata);
	return 0;
}

void plan_run_see(void *data, const struct plan_sight *sight)
{
	struct plan_run *run = data;

	if (!run->begun_us)
		return;
	plan_turn_see(run->turn, plan_now_ms(run), sight);
	do_due(run);
}

static bool holds(void *data, enum plan_state state, unsigned index)
{
	struct plan_run *run = data;

	if (state == PLAN_CONNECTED)
		return index < model_device_count(run->model) &&
		       model_device(run->model, index)->link != MODEL_NO_ADAPTER;
	return index < model_adapter_count(run->model) &&
	       model_adapter(run->model, index)->discovering;
}

int plan_run_check(void *data, const char *text, enum plan_sort *out_sort, char **out_error)
{
	struct faults *faults = data;
	struct plan_target target = { .sort = PLAN_DEVICE };
	char name[PLAN_KIND_CHARS], filled[PLAN_LINE_CHARS];
	struct fault_call call;

	*out_sort = PLAN_NOTHING;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, " "), text);
	switch (faults_target(faults, name)) {
	case -ENOENT:
		if (asprintf(out_error,
			     "no command '%s' on this face; bleherd-faults(5) lists them",
			     name) < 0)
			*out_error = NULL;
		return -EINVAL;
	case 'd':
		*out_sort = PLAN_DEVICE;
		break;
	case 't':
		*out_sort = PLAN_OBJECT;
		break;
	case 'a':
		*out_sort = target.sort = PLAN_ADAPTER;
		break;
	default:
		target.sort = PLAN_NOTHING;
	}
	if (target.sort == PLAN_NOTHING)
		(void)snprintf(filled, sizeof(filled), "%s", text);
	else
		plan_fill(text, &target, filled, sizeof(filled));
	return faults_parse(faults, filled, &call, out_error);
}

static int check_trigger(void *data, const char *name, enum plan_sort *out_sort)
{
	const struct plan_run *run = data;

	return run->options.trigger(name, out_sort);
}

static int check_command(void *data, const char *text, enum plan_sort *out_sort, char **out_error)
{
	const struct plan_run *run = data;

	return plan_run_check(run->faults, text, out_sort, out_error);
}

static int read_plan(struct plan_run *run)
{
	const struct plan_checker checker = {
		.command = check_command,
		.trigger = check_trigger,
		.data = run,
	};
	struct plan_scene scene = {
		.adapters = model_adapter_count(run->model),
		.devices = model_device_count(run->model),
		.holds = holds,
		.data = run,
	};
	_cleanup_free_ char *error = NULL;
	int r;

	r = plan_read(&run->plan, run->options.path, run->options.face, &checker, &error);
	if (error)
		(void)fprintf(stderr, "bleherd-sim: %s\n", error);
	if (r != 0)
		return r;
	/* A world may have more: those are not among `any`. */
	if (run->plan->head.devices > 0 && run->plan->head.devices < scene.devices)
		scene.devices = run->plan->head.devices;
	return plan_turn_new(&run->turn, run->plan, PLAN_SIM, run->options.seed, &scene);
}

static int begin(struct plan_run *run)
{
	if (run->begun_us)
		return -EALREADY;
	run->begun_us = now_us();
	do_due(run);
	return 0;
}

/* Everything is well as far as the plan goes: what it began is over, what it set is set back. */
static void rest(struct plan_run *run)
{
	if (!run->begun_us)
		run->begun_us = now_us();
	plan_turn_rest(run->turn, plan_now_ms(run));
	do_due(run);
	for (size_t i = 0; i < run->undo_count; i++) {
		/* Somebody may have undone it before: then it is well, and says "error". */
		free(faults_run(run->faults, run->undo[i]));
		free(run->undo[i]);
	}
	run->undo_count = 0;
	run->is_resting = true;
}

int plan_run_new(struct plan_run **out, sd_event *event, struct faults *faults, struct model *model,
		 const struct plan_run_options *options)
{
	struct plan_run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return -ENOMEM;
	run->options = *options;
	run->faults = faults;
	run->model = model;
	run->event = sd_event_ref(event);
	r = read_plan(run);
	if (r == 0 && options->log_path) {
		run->log = fopen(options->log_path, "ae");
		r = run->log ? 0 : -errno;
	}
	if (r == 0)
		r = sd_event_add_time(event, &run->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_time,
				      run);
	if (r >= 0)
		r = sd_event_source_set_enabled(run->timer, SD_EVENT_OFF);
	if (r >= 0 && !options->is_waiting)
		r = begin(run);
	if (r < 0) {
		(void)plan_run_free(run);
		return r;
	}
	*out = run;
	return 0;
}

struct plan_run *plan_run_free(struct plan_run *run)
{
	if (!run)
		return NULL;
	for (size_t i = 0; i < run->undo_count; i++)
		free(run->undo[i]);
	free(run->undo);
	(void)sd_event_source_disable_unref(run->timer);
	(void)sd_event_unref(run->event);
	(void)plan_turn_free(run->turn);
	(void)plan_free(run->plan);
	if (run->log)
		(void)fclose(run->log);
	free(run);
	return NULL;
}

/* {"state":"waiting|running|resting","now_ms":N,"title":...,"rules":[...]} */
static char *state_json(const struct plan_run *run)
{
	const char *state = run->is_resting ? "resting" : run->begun_us ? "running" : "waiting";
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	(void)fprintf(f, "{\"state\":\"%s\",\"now_ms\":%llu,\"title\":", state,
		      (unsigned long long)(run->begun_us ? plan_now_ms(run) : 0));
	put_string(f, run->plan->head.title);
	(void)fputs(",\"rules\":[", f);
	for (size_t i = 0; i < run->plan->rule_count; i++) {
		const struct plan_count count = plan_turn_count(run->turn, i);

		(void)fprintf(f, "%s{\"line\":%u,\"kind\":\"%s\",\"done\":%llu,\"failed\":%llu,",
			      i ? "," : "", run->plan->rules[i].line, run->plan->rules[i].kind,
			      (unsigned long long)count.done, (unsigned long long)count.failed);
		(void)fprintf(f, "\"under_way\":%s}", count.until_ms ? "true" : "false");
	}
	(void)fputs("]}", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int run_plan(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct plan_run *run = face;
	const char *word = args->words[0];

	if (strcmp(word, "begin") == 0) {
		if (begin(run) == 0)
			return 0;
		fault_reply_set(reply, "the plan has begun");
		return -EALREADY;
	}
	if (strcmp(word, "rest") == 0) {
		rest(run);
		return 0;
	}
	if (word[0]) {
		fault_reply_set(reply, "usage: plan [begin|rest]");
		return -EINVAL;
	}
	reply->text = state_json(run);
	return reply->text ? 0 : -ENOMEM;
}

const struct fault_command plan_run_table[] = {
	{ "plan", "?w", "[begin|rest]", run_plan },
};
const size_t plan_run_count = ARRAY_LEN(plan_run_table);
