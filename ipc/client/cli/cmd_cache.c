/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/cmd_cache.c - `bleherd clear-cache`: what is remembered of a device is forgotten. */
#include <stdio.h>

#include "ipc/client/cli/cli.h"

static unsigned flags_of(const struct cli *cli)
{
	return (cli->opt.given[OPTION_BLUEZ] ? BH_CLEAR_BLUEZ : 0) |
	       (cli->opt.given[OPTION_BOND] ? BH_CLEAR_BOND : 0);
}

static void show(struct cli *cli)
{
	bool is_bluez = cli->opt.given[OPTION_BLUEZ];
	json_t *object;

	if (!cli->out.is_json) {
		(void)fprintf(cli->out.stream, "%s: its services and values are forgotten%s\n",
			      cli->address, is_bluez ? ", also by bluetoothd" : "");
		return;
	}
	object = json_object();
	(void)json_object_set_new(object, "address", json_string(cli->address));
	(void)json_object_set_new(object, "cleared", json_true());
	(void)json_object_set_new(object, "bluez", json_boolean(is_bluez));
	out_json(&cli->out, object);
}

int cmd_clear_cache(struct cli *cli)
{
	struct reply reply = { .is_done = false };
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r != 0)
		return r;
	if (cli->opt.given[OPTION_BOND] && !cli->opt.given[OPTION_BLUEZ])
		return cli_usage(cli, "--bond without --bluez; a bond is bluetoothd's");
	r = cli_open(cli);
	if (r != 0)
		return r;
	out_progress(&cli->out, "forgetting %s", cli->address);
	r = bh_clear_cache(cli->client, address, flags_of(cli), reply_take, &reply);
	if (r < 0)
		r = cli_fail_errno(cli, r, "clearing the cache");
	else
		r = reply_wait(cli, &reply, "the end of the clearing");
	cli_close(cli);
	out_progress_end(&cli->out);
	if (r == 0)
		show(cli);
	return r;
}
