/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_reset.c - `bleherd reset`: says who will suffer, asks, resets, a line per step.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum { DEFAULT_MS = 600000 }; /* all steps together end before that */

struct reset {
	struct cli *cli;
	struct reply reply;
	const char *adapter;
	bool is_asking; /* victims are listed before the question, not once more after it */
	unsigned n_victims;
	char now[16]; /* the adapter's name in the end */
};

/* --- victims --- */

static void victim_json(struct cli *cli, const struct bh_reset_news *victim)
{
	json_t *object = json_object();
	char address[18];

	(void)json_object_set_new(object, "adapter", out_string(victim->adapter));
	(void)json_object_set_new(object, "victim",
				  json_string(victim->session ? "session" : "link"));
	if (victim->address != 0) {
		bh_format_address(victim->address, address);
		(void)json_object_set_new(object, "address", json_string(address));
	}
	if (victim->session != 0) {
		(void)json_object_set_new(object, "session", json_integer(victim->session));
		(void)json_object_set_new(object, "label", out_string(victim->text));
		(void)json_object_set_new(object, "pid", json_integer(victim->pid));
	}
	out_json(&cli->out, object);
}

static void victim_line(struct cli *cli, const struct bh_reset_news *victim)
{
	char address[18] = "a scan";
	char label[64];

	if (victim->address != 0)
		bh_format_address(victim->address, address);
	words_clean(victim->text, label, sizeof(label));
	if (victim->session == 0)
		(void)fprintf(cli->out.stream, "  %-17s  its link on %s ends\n", address,
			      victim->adapter);
	else
		(void)fprintf(cli->out.stream,
			      "  %-17s  session %u on %s of %s (pid %u) is interrupted\n", address,
			      victim->session, victim->adapter, label, victim->pid);
}

static void on_victim(struct reset *reset, const struct bh_reset_news *victim)
{
	if (!reset->is_asking)
		return;
	out_progress_hide(&reset->cli->out);
	reset->n_victims++;
	if (reset->cli->out.is_json)
		victim_json(reset->cli, victim);
	else
		victim_line(reset->cli, victim);
}

/* --- steps --- */

static void step_json(struct cli *cli, const struct bh_reset_news *step)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "adapter", out_string(step->adapter));
	(void)json_object_set_new(object, "step", out_string(step->level));
	(void)json_object_set_new(object, "cured", json_boolean(step->is_cured));
	(void)json_object_set_new(object, "text", out_string(step->text));
	(void)json_object_set_new(object, "took_ms", json_integer(step->took_ms));
	out_json(&cli->out, object);
}

static void on_step(struct reset *reset, const struct bh_reset_news *step)
{
	struct cli *cli = reset->cli;
	char took[WORDS_SHORT_LEN];
	char text[200];

	(void)snprintf(reset->now, sizeof(reset->now), "%s", step->adapter);
	if (cli->out.is_json) {
		step_json(cli, step);
		return;
	}
	out_progress_hide(&cli->out);
	words_clean(step->text, text, sizeof(text));
	words_duration(step->took_ms, took);
	(void)fprintf(cli->out.stream, "%s%-10s%s  %7s  %s\n",
		      step->is_cured ? out_green(&cli->out) : out_red(&cli->out), step->level,
		      out_plain(&cli->out), took, text);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct reset *)ctx)->reply, result);
}

static void on_news(void *ctx, const struct bh_reset_news *news)
{
	if (news->level)
		on_step(ctx, news);
	else
		on_victim(ctx, news);
}

/* --- the command --- */

static int ask(struct reset *reset, bool only_list)
{
	struct cli *cli = reset->cli;
	enum cli_wait outcome;
	int r;

	reset->is_asking = only_list;
	reset->reply.is_done = false;
	r = bh_reset_adapter(cli->client, reset->adapter, cli->opt.level ? cli->opt.level : "all",
			     only_list, on_news, on_done, reset);
	if (r == -EINVAL)
		return cli_usage(cli,
				 "no level '%.40s'; there are power, down-up, usb, rebind, rfkill, "
				 "bluetoothd and all",
				 cli->opt.level);
	if (r < 0)
		return cli_fail_errno(cli, r, "resetting");
	outcome = cli_wait(cli, reply_is_done, &reset->reply,
			   clock_now_ms() + cli_timeout_ms(cli, DEFAULT_MS));
	if (outcome != CLI_WAIT_OVER && !only_list)
		cli_note(cli, "the reset goes on; bleherd events -f shows it");
	if (outcome != CLI_WAIT_OVER)
		return cli_fail_wait(cli, outcome, "the reset");
	return reset->reply.error == BH_CLASS_NONE ? 0 : reply_fail(cli, &reset->reply);
}

/* 0: yes; else the exit status. */
static int confirm(struct reset *reset)
{
	struct cli *cli = reset->cli;
	char line[16];

	if (cli->opt.given[OPTION_YES])
		return 0;
	if (cli->out.is_json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_usage(cli, "nobody can be asked here: say --yes");
	out_flush(&cli->out);
	(void)fprintf(stderr, "Reset %s? [y/N] ", reset->adapter);
	/* Ctrl-C comes as a signal that is blocked: the terminal ends the line all the same. */
	if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y')) {
		cli_note(cli, "nothing was done");
		return CLI_FAILED;
	}
	return 0;
}

static int end(const struct reset *reset)
{
	struct cli *cli = reset->cli;
	json_t *object;

	out_progress_end(&cli->out);
	if (!cli->out.is_json) {
		if (strcmp(reset->now, reset->adapter) != 0)
			(void)fprintf(cli->out.stream, "%s is reset and now called %s\n",
				      reset->adapter, reset->now);
		else
			(void)fprintf(cli->out.stream, "%s is reset\n", reset->adapter);
		return CLI_DONE;
	}
	object = json_object();
	(void)json_object_set_new(object, "adapter", out_string(reset->now));
	(void)json_object_set_new(object, "reset", json_true());
	out_json(&cli->out, object);
	return CLI_DONE;
}

int cmd_reset(struct cli *cli)
{
	struct reset reset = { .cli = cli, .adapter = cli->args[0] };
	int r;

	if (!words_is_adapter(reset.adapter))
		return cli_usage(cli, "'%.60s' is no adapter; one is called hci0", reset.adapter);
	(void)snprintf(reset.now, sizeof(reset.now), "%s", reset.adapter);
	r = cli_open(cli);
	if (r != 0)
		return r;
	r = ask(&reset, true);
	if (r == 0 && reset.n_victims == 0 && !cli->out.is_json)
		(void)fprintf(cli->out.stream, "nobody uses %s\n", reset.adapter);
	if (r == 0)
		r = confirm(&reset);
	if (r == 0) {
		out_progress(&cli->out, "resetting %s", reset.adapter);
		r = ask(&reset, false);
	}
	if (r == 0)
		r = end(&reset);
	cli_close(cli);
	return r;
}
