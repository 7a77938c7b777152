/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ipc/bleherd.h"
#include "ipc/hist.h"

enum {
	STEP_US = 1000000,
	STEPS_MAX = 8 * 3600, /* of a night */
	EVENTS_MAX = 128,     /* kinds */
	CLASSES = 64,
	/* The histogram counts tenths of a millisecond: a read takes less than one. */
	TENTH_US = 100,
};

enum { STEP_RETRY, STEP_CLEAR, STEP_ROTATE, STEP_RESET, STEP_GIVE_UP, ESCALATION_STEPS };

static const char *const STEPS[ESCALATION_STEPS] = { "retry", "clear", "rotate", "reset",
						     "give-up" };

struct step {
	uint32_t answered, failed;
	struct hist times;
};

struct result {
	int64_t began_us;
	struct {
		uint64_t n, done;
		struct hist times;
	} kinds[BOOK_KINDS];
	uint64_t classes[CLASSES];
	struct step *steps;
	size_t n_steps;
	struct {
		char name[32];
		uint64_t n;
	} events[EVENTS_MAX];
	size_t n_events;
	uint64_t escalations[ESCALATION_STEPS];
};

int result_new(struct result **out, int64_t began_us)
{
	struct result *result = calloc(1, sizeof(*result));

	if (!result)
		return -ENOMEM;
	result->steps = calloc(STEPS_MAX, sizeof(*result->steps));
	if (!result->steps) {
		free(result);
		return -ENOMEM;
	}
	result->began_us = began_us;
	*out = result;
	return 0;
}

struct result *result_free(struct result *result)
{
	if (!result)
		return NULL;
	free(result->steps);
	free(result);
	return NULL;
}

void result_answered(struct result *result, const struct book_entry *entry)
{
	int64_t took_us = entry->answered_us - entry->asked_us;
	int64_t at = (entry->answered_us - result->began_us) / STEP_US;
	uint32_t tenths = (uint32_t)(took_us / TENTH_US);
	bool is_done = entry->error == BH_CLASS_NONE;
	struct step *step;

	result->kinds[entry->kind].n++;
	result->kinds[entry->kind].done += is_done;
	hist_add(&result->kinds[entry->kind].times, tenths);
	if (!is_done && entry->error < CLASSES)
		result->classes[entry->error]++;
	if (at < 0 || at >= STEPS_MAX)
		return;
	step = &result->steps[at];
	step->answered++;
	step->failed += !is_done;
	hist_add(&step->times, tenths);
	if ((size_t)at >= result->n_steps)
		result->n_steps = (size_t)at + 1;
}

/* --- events --- */

static void count_event(struct result *result, const char *kind)
{
	size_t i;

	for (i = 0; i < result->n_events; i++)
		if (strcmp(result->events[i].name, kind) == 0)
			break;
	if (i == EVENTS_MAX)
		return;
	if (i == result->n_events) {
		(void)snprintf(result->events[i].name, sizeof(result->events[i].name), "%s", kind);
		result->n_events++;
	}
	result->events[i].n++;
}

/* The daemon tells its steps in words (supervisor/attempts.c): each failed attempt says what is
 * next, a step that is taken says so first; that one helped is no further step. */
static void count_step(struct result *result, const char *kind, const char *text)
{
	if (strcmp(kind, "connect-failed") == 0) {
		result->escalations[STEP_RETRY] += strstr(text, "; next in ") != NULL;
		result->escalations[STEP_GIVE_UP] += strstr(text, "; given up") != NULL;
		return;
	}
	if (strcmp(kind, "escalated") != 0 || strstr(text, " helped: "))
		return;
	for (size_t i = STEP_CLEAR; i <= STEP_RESET; i++)
		result->escalations[i] += strncmp(text, STEPS[i], strlen(STEPS[i])) == 0;
}

void result_event(struct result *result, const char *kind, const char *text)
{
	count_event(result, kind);
	count_step(result, kind, text);
}

/* --- JSON --- */

static double ms_of(uint32_t tenths)
{
	return tenths / 10.0;
}

json_t *result_requests(const struct result *result)
{
	struct result_sums sums = result_sums(result);
	json_t *kinds = json_array(), *classes = json_array();

	for (size_t i = 0; i < BOOK_KINDS; i++) {
		const struct hist *times = &result->kinds[i].times;

		if (result->kinds[i].n == 0)
			continue;
		(void)json_array_append_new(kinds,
					    json_pack("{s:s, s:I, s:I, s:f, s:f, s:f}", "kind",
						      book_kind_name((enum book_kind)i), "n",
						      (json_int_t)result->kinds[i].n, "done",
						      (json_int_t)result->kinds[i].done, "p50_ms",
						      ms_of(hist_percentile(times, 50)), "p95_ms",
						      ms_of(hist_percentile(times, 95)), "worst_ms",
						      ms_of(times->max_ms)));
	}
	for (size_t i = 0; i < CLASSES; i++)
		if (result->classes[i] > 0)
			(void)json_array_append_new(classes,
						    json_pack("{s:s, s:I}", "class",
							      bh_class_name((enum bh_class)i), "n",
							      (json_int_t)result->classes[i]));
	return json_pack("{s:I, s:I, s:o, s:o}", "n", (json_int_t)sums.asked, "done",
			 (json_int_t)(sums.asked - sums.failed), "kinds", kinds, "classes",
			 classes);
}

struct result_sums result_sums(const struct result *result)
{
	struct result_sums sums = { 0 };

	for (size_t i = 0; i < BOOK_KINDS; i++) {
		sums.asked += result->kinds[i].n;
		sums.failed += result->kinds[i].n - result->kinds[i].done;
	}
	return sums;
}

static json_t *time_or_null(const struct step *step, uint32_t tenths)
{
	return step->times.count > 0 ? json_real(ms_of(tenths)) : json_null();
}

json_t *result_timeline(const struct result *result, int64_t now_us)
{
	int64_t steps = (now_us - result->began_us) / STEP_US;
	json_t *answered = json_array(), *failed = json_array(), *p50 = json_array();
	json_t *p95 = json_array(), *worst = json_array();

	if (steps < (int64_t)result->n_steps)
		steps = (int64_t)result->n_steps;
	for (int64_t i = 0; i < steps && i < STEPS_MAX; i++) {
		const struct step *step = &result->steps[i];

		(void)json_array_append_new(answered, json_integer(step->answered));
		(void)json_array_append_new(failed, json_integer(step->failed));
		(void)json_array_append_new(p50,
					    time_or_null(step, hist_percentile(&step->times, 50)));
		(void)json_array_append_new(p95,
					    time_or_null(step, hist_percentile(&step->times, 95)));
		(void)json_array_append_new(worst, time_or_null(step, step->times.max_ms));
	}
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "step_ms", STEP_US / 1000, "answered",
			 answered, "failed", failed, "p50_ms", p50, "p95_ms", p95, "worst_ms",
			 worst);
}

json_t *result_events(const struct result *result)
{
	json_t *out = json_array();

	for (size_t i = 0; i < result->n_events; i++)
		(void)json_array_append_new(out,
					    json_pack("{s:s, s:I}", "event", result->events[i].name,
						      "n", (json_int_t)result->events[i].n));
	return out;
}

json_t *result_escalations(const struct result *result)
{
	json_t *out = json_array();

	for (size_t i = 0; i < ESCALATION_STEPS; i++)
		(void)json_array_append_new(out, json_pack("{s:s, s:I}", "step", STEPS[i], "n",
							   (json_int_t)result->escalations[i]));
	return out;
}

json_t *result_entry(const struct book *book, uint32_t client, const struct book_entry *entry,
		     int64_t began_us)
{
	int64_t answered_us = atomic_load(&entry->answered_us);
	char device[18] = "", value[16] = "";

	if (entry->device != BOOK_NOWHERE)
		bh_format_address(book->first + entry->device, device);
	if (entry->kind == BOOK_READ || entry->kind == BOOK_WRITE)
		(void)snprintf(value, sizeof(value), "%08" PRIx32, entry->value);
	return json_pack(
		"{s:i, s:s, s:i, s:s, s:s, s:I, s:i, s:o, s:s, s:s}", "client", (int)client, "role",
		book_role_name((enum book_role)book->pages[client].role), "number",
		(int)entry->number, "kind", book_kind_name((enum book_kind)entry->kind), "device",
		device, "asked_ms", (json_int_t)((entry->asked_us - began_us) / 1000), "timeout_ms",
		(int)entry->timeout_ms, "answered_ms",
		answered_us ? json_integer((answered_us - began_us) / 1000) : json_null(), "class",
		answered_us ? bh_class_name((enum bh_class)entry->error) : "", "value", value);
}
