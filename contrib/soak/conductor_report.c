/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/conductor_report.c - report.json, from what all have to say.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "contrib/soak/conductor_state.h"

static const char BLUETOOTHD[] = "/usr/libexec/bluetooth/bluetoothd --version";

static const char *plan_name(const struct conductor *c)
{
	const char *slash = strrchr(c->options->plan, '/');

	return slash ? slash + 1 : c->options->plan;
}

/* One of ours goes by its name. */
void conductor_repeat(const struct conductor *c, char out[512])
{
	bool is_ours = strstr(c->options->plan, "/soak/plans/") != NULL;

	(void)snprintf(
		out, 512,
		"bleherd-soak --face %s --plan %.300s --clients %u --duration %llds --seed %u",
		c->options->is_lab ? "lab" : "fake", is_ours ? plan_name(c) : c->options->plan,
		c->options->clients, (long long)(c->options->duration_ms / 1000), c->options->seed);
}

static void bluetoothd_version(const struct conductor *c, char out[32])
{
	FILE *f = c->options->is_lab ? popen(BLUETOOTHD, "re") : NULL;

	(void)snprintf(out, 32, "%s", c->options->is_lab ? "?" : "fake");
	if (!f)
		return;
	if (fgets(out, 32, f))
		out[strcspn(out, "\n")] = '\0';
	(void)pclose(f);
}

static json_t *run_part(const struct conductor *c)
{
	time_t began = time(NULL) - (time_t)((book_now_us() - c->began_us) / 1000000);
	char when[32] = "", kernel[256], bluetoothd[32], repeat[512];
	struct utsname name = { .sysname = "" };
	struct tm tm;

	(void)uname(&name);
	(void)snprintf(kernel, sizeof(kernel), "%s %s", name.sysname, name.release);
	if (gmtime_r(&began, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	bluetoothd_version(c, bluetoothd);
	conductor_repeat(c, repeat);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s}",
			 "face", c->options->is_lab ? "lab" : "fake", "plan", plan_name(c), "title",
			 c->plan->head.title, "seed", (int)c->options->seed, "clients",
			 (int)c->book->clients, "duration_s",
			 (json_int_t)(c->options->duration_ms / 1000), "began", when, "version",
			 BLEHERD_VERSION, "kernel", kernel, "bluetoothd", bluetoothd, "adapters",
			 (int)(c->plan->head.adapters ? c->plan->head.adapters : 2), "devices",
			 (int)c->book->devices, "contestant", "bleherd", "repeat", repeat);
}

static uint64_t checked(const struct conductor *c, enum book_promise promise)
{
	switch (promise) {
	case BOOK_HOLDERS:
		return observer_checked(c->observer);
	case BOOK_OWNER:
		return links_checked(c->links);
	case BOOK_HEALTHY:
		return c->is_well || c->broken[promise] ? 1 : 0;
	case BOOK_FLAT:
		return resources_checked(c->resources);
	case BOOK_ANSWERED_ONCE:
	case BOOK_IN_TIME:
	case BOOK_RIGHT_VALUE:
	case BOOK_WRITE_ONCE:
	case BOOK_NOTIFY_ORDER:
	case BOOK_PROMISES:
		break;
	}
	return judge_checked(c->judge, promise);
}

static json_t *promises_part(const struct conductor *c)
{
	json_t *out = json_array();

	for (size_t i = 0; i < BOOK_PROMISES; i++)
		(void)json_array_append_new(
			out, json_pack("{s:s, s:s, s:I, s:I}", "name",
				       book_promise_name((enum book_promise)i), "text",
				       book_promise_text((enum book_promise)i), "checked",
				       (json_int_t)checked(c, (enum book_promise)i), "broken",
				       (json_int_t)c->broken[i]));
	return out;
}

static json_t *timeline_part(const struct conductor *c)
{
	json_t *timeline = result_timeline(c->result, c->now_us);

	(void)json_object_set_new(timeline, "faults", recovery_timeline(c->recovery, c->began_us));
	return timeline;
}

/* The page shows what of it is there; a run that failed itself has not held. */
int conductor_report(struct conductor *c)
{
	const char *dir = c->options->is_lab ? getenv("BLEHERD_LAB_LOGS") : c->options->dir;
	bool held = json_array_size(c->violations) == 0 && !c->failure[0];
	char path[PLACE_LEN + 32], *text;
	json_t *report;
	int r;

	report = json_pack("{s:s, s:o, s:{s:b, s:I, s:O}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			   "format", "bleherd-soak 1", "run", run_part(c), "outcome", "held", held,
			   "ended_ms", (json_int_t)((c->now_us - c->began_us) / 1000), "violations",
			   c->violations, "promises", promises_part(c), "requests",
			   result_requests(c->result), "faults", recovery_report(c->recovery),
			   "timeline", timeline_part(c), "locks", observer_report(c->observer),
			   "escalations", result_escalations(c->result), "events",
			   result_events(c->result), "resources", resources_report(c->resources));
	if (!report)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/report.json", dir ? dir : ".");
	text = json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(report);
	r = text ? place_write(path, text, strlen(text)) : -ENOMEM;
	free(text);
	return r;
}
