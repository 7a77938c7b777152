/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_deaths.c - `bleherd deaths`: which processes of the daemon died, of what, and what they
 * were doing. One paragraph each, the latest last: it is what one reads after something has gone
 * wrong, and pastes into a report.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/words.h"

enum { TEXT_LEN = 200 };

struct deaths {
	struct cli *cli;
	struct reply reply;
	json_t *array; /* with --json */
	unsigned n;
};

/* --- for programs --- */

static json_t *crumbs_json(const struct bh_death *death)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < death->n_crumbs; i++) {
		json_t *object = json_object();

		(void)json_object_set_new(object, "age_ms", json_integer(death->crumbs[i].age_ms));
		(void)json_object_set_new(object, "text", out_string(death->crumbs[i].text));
		(void)json_array_append_new(array, object);
	}
	return array;
}

static json_t *frames_json(const struct bh_death *death)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < death->n_frames; i++)
		(void)json_array_append_new(array, out_string(death->frames[i]));
	return array;
}

static json_t *text_or_null(const char *text)
{
	return *text ? out_string(text) : json_null();
}

static void set_work(json_t *object, const struct bh_death *death)
{
	char address[18];

	(void)json_object_set_new(object, "operation", text_or_null(death->op));
	if (*death->op) {
		(void)json_object_set_new(object, "operation_age_ms",
					  json_integer(death->op_age_ms));
		(void)json_object_set_new(object, "operation_budget_ms",
					  json_integer(death->op_budget_ms));
	}
	if (death->session != 0)
		(void)json_object_set_new(object, "session", json_integer(death->session));
	if (death->request != 0)
		(void)json_object_set_new(object, "request", json_integer(death->request));
	if (death->address == 0)
		return;
	bh_format_address(death->address, address);
	(void)json_object_set_new(object, "address", json_string(address));
}

static json_t *death_json(const struct bh_death *death)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "number", json_integer((json_int_t)death->number));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)death->at_ms));
	(void)json_object_set_new(object, "child", out_string(death->child));
	(void)json_object_set_new(object, "adapter", text_or_null(death->adapter));
	(void)json_object_set_new(object, "pid", json_integer(death->pid));
	(void)json_object_set_new(object, "how", out_string(death->how));
	(void)json_object_set_new(object, "cause", text_or_null(death->cause));
	if (death->signal != 0)
		(void)json_object_set_new(object, "signal", json_integer(death->signal));
	else
		(void)json_object_set_new(object, "status", json_integer(death->status));
	(void)json_object_set_new(object, "lived_ms", json_integer((json_int_t)death->lived_ms));
	set_work(object, death);
	(void)json_object_set_new(object, "assertion", text_or_null(death->text));
	(void)json_object_set_new(object, "steps", crumbs_json(death));
	(void)json_object_set_new(object, "backtrace", frames_json(death));
	return object;
}

/* --- for people --- */

static void head(struct cli *cli, const struct bh_death *death)
{
	FILE *stream = cli->out.stream;
	time_t at = (time_t)(death->at_ms / 1000);
	char day[32] = "";
	char lived[WORDS_SHORT_LEN];
	char child[48];
	char how[TEXT_LEN];
	struct tm local;

	if (localtime_r(&at, &local))
		(void)strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &local);
	words_duration(death->lived_ms, lived);
	words_clean(death->child, child, sizeof(child));
	words_clean(death->how, how, sizeof(how));
	(void)fprintf(stream, "%s %s%s%s (pid %u, lived %s): %s%s%s\n", day, out_bold(&cli->out),
		      child, out_plain(&cli->out), death->pid, lived, out_red(&cli->out), how,
		      out_plain(&cli->out));
}

static void work(FILE *stream, const struct bh_death *death)
{
	char age[WORDS_SHORT_LEN];
	char budget[WORDS_SHORT_LEN];
	char address[18];
	char op[32];

	if (*death->op) {
		words_duration(death->op_age_ms, age);
		words_duration(death->op_budget_ms, budget);
		words_clean(death->op, op, sizeof(op));
		(void)fprintf(stream, "  busy with: %s for %s of at most %s\n", op, age, budget);
	}
	if (death->session == 0)
		return;
	(void)fprintf(stream, "  was handling request %u of session %u", death->request,
		      death->session);
	bh_format_address(death->address, address);
	(void)fprintf(stream, "%s%s\n", death->address ? ", " : "", death->address ? address : "");
}

static void traces(FILE *stream, const struct bh_death *death)
{
	char text[TEXT_LEN];
	char age[WORDS_SHORT_LEN];
	size_t i;

	if (*death->text) {
		words_clean(death->text, text, sizeof(text));
		(void)fprintf(stream, "  %s\n", text);
	}
	if (death->n_crumbs > 0)
		(void)fprintf(stream, "  last steps:\n");
	for (i = 0; i < death->n_crumbs; i++) {
		words_clean(death->crumbs[i].text, text, sizeof(text));
		words_duration(death->crumbs[i].age_ms, age);
		(void)fprintf(stream, "    %7s before  %s\n", age, text);
	}
	if (death->n_frames > 0)
		(void)fprintf(stream, "  backtrace:\n");
	for (i = 0; i < death->n_frames; i++) {
		words_clean(death->frames[i], text, sizeof(text));
		(void)fprintf(stream, "    %s\n", text);
	}
}

static void on_death(void *ctx, const struct bh_death *death)
{
	struct deaths *deaths = ctx;
	struct cli *cli = deaths->cli;

	if (deaths->array) {
		(void)json_array_append_new(deaths->array, death_json(death));
		return;
	}
	out_progress_end(&cli->out);
	if (deaths->n++ > 0)
		(void)fputc('\n', cli->out.stream);
	head(cli, death);
	work(cli->out.stream, death);
	traces(cli->out.stream, death);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct deaths *)ctx)->reply, result);
}

static int ask(struct deaths *deaths, uint32_t last)
{
	struct cli *cli = deaths->cli;
	json_t *object;
	int r;

	out_progress(&cli->out, "asking the daemon");
	r = bh_list_deaths(cli->client, last, on_death, on_done, deaths);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the deaths");
	r = reply_wait(cli, &deaths->reply, "the deaths");
	if (r != 0)
		return r;
	out_progress_end(&cli->out);
	if (deaths->array) {
		object = json_object();
		(void)json_object_set(object, "deaths", deaths->array);
		out_json(&cli->out, object);
	} else if (deaths->n == 0) {
		cli_note(cli, "nothing has died since the daemon started");
	}
	return CLI_DONE;
}

int cmd_deaths(struct cli *cli)
{
	struct deaths deaths = { .cli = cli };
	long last = 0;
	int r;

	if (cli->n_args > 0 && words_parse_number(cli->args[0], 1, 32, &last) < 0)
		return cli_usage(cli, "'%s' is no number from 1 to 32", cli->args[0]);
	r = cli_open(cli);
	if (r != 0)
		return r;
	if (cli->out.is_json)
		deaths.array = json_array();
	r = ask(&deaths, (uint32_t)last);
	cli_close(cli);
	json_decref(deaths.array);
	return r;
}
