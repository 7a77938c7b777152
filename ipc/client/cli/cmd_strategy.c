/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/cmd_strategy.c - `bleherd strategy`: which one holds for a device, or another one. */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/table.h"
#include "ipc/client/cli/words.h"

struct choice {
	struct cli *cli;
	struct reply reply;
	enum bh_strategy strategy;
	char keeper[32];
	uint32_t interval_ms;
	uint32_t failures;
};

static void on_device(void *ctx, const struct bh_device *device)
{
	struct choice *choice = ctx;

	choice->strategy = device->strategy;
	(void)snprintf(choice->keeper, sizeof(choice->keeper), "%s", device->keeper);
	choice->interval_ms = device->check_interval_ms;
	choice->failures = device->circuit_failures;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct choice *)ctx)->reply, result);
}

static int parse(struct cli *cli, const char *word, enum bh_strategy *out)
{
	static const enum bh_strategy ALL[] = { BH_STRATEGY_ON_DEMAND, BH_STRATEGY_PERSISTENT };
	char clean[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(ALL); i++) {
		if (strcmp(word, bh_strategy_name(ALL[i])) != 0)
			continue;
		*out = ALL[i];
		return 0;
	}
	words_clean(word, clean, sizeof(clean));
	return cli_usage(cli, "'%s' is no strategy; on-demand and persistent are", clean);
}

static void show_json(const struct choice *choice)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "address", json_string(choice->cli->address));
	(void)json_object_set_new(object, "strategy",
				  out_string(bh_strategy_name(choice->strategy)));
	(void)json_object_set_new(object, "keeper",
				  *choice->keeper ? out_string(choice->keeper) : json_null());
	(void)json_object_set_new(object, "check_interval_ms", json_integer(choice->interval_ms));
	(void)json_object_set_new(object, "circuit_open", json_boolean(choice->failures > 0));
	(void)json_object_set_new(object, "circuit_failures", json_integer(choice->failures));
	out_json(&choice->cli->out, object);
}

static int show_table(const struct choice *choice)
{
	static const char *const titles[] = { "ADDRESS", "STRATEGY", "LINK", "POLLED", "CIRCUIT" };
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	char every[WORDS_SHORT_LEN + 8] = "no";
	char circuit[40] = "-";
	char span[WORDS_SHORT_LEN];
	const char *cells[] = { choice->cli->address, bh_strategy_name(choice->strategy),
				*choice->keeper ? choice->keeper : "as asked for", every, circuit };
	size_t i;
	int r;

	if (choice->interval_ms > 0) {
		words_duration(choice->interval_ms, span);
		(void)snprintf(every, sizeof(every), "every %s", span);
		(void)snprintf(circuit, sizeof(circuit), "closed");
	}
	if (choice->failures > 0)
		(void)snprintf(circuit, sizeof(circuit), "open: %u failures", choice->failures);
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(&table, titles[i], false, false);
	r = table_row(&table, cells);
	if (r < 0)
		return cli_fail_errno(choice->cli, r, "the table");
	table_write(&table, choice->cli->out.stream, 80, 0, choice->cli->out.has_styles);
	return CLI_DONE;
}

int cmd_strategy(struct cli *cli)
{
	struct choice choice = { .cli = cli };
	enum bh_strategy wanted = BH_STRATEGY_UNKNOWN;
	uint32_t interval_ms =
		cli->opt.given[OPTION_INTERVAL] ? cli->opt.interval_ms : BH_INTERVAL_SAME;
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r == 0 && cli->n_args > 1)
		r = parse(cli, cli->args[1], &wanted);
	if (r == 0)
		r = cli_open(cli);
	if (r != 0)
		return r;
	out_progress(&cli->out, "asking the daemon");
	r = bh_strategy_set(cli->client, address, wanted, interval_ms, on_device, on_done, &choice);
	if (r < 0)
		r = cli_fail_errno(cli, r, "asking for the strategy");
	else
		r = reply_wait(cli, &choice.reply, "the strategy");
	cli_close(cli);
	out_progress_end(&cli->out);
	if (r != 0)
		return r;
	if (!cli->out.is_json)
		return show_table(&choice);
	show_json(&choice);
	return CLI_DONE;
}
