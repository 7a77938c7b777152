/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_value.c - `bleherd read` and `bleherd write`: one value.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/link.h"
#include "ipc/client/cli/value.h"
#include "ipc/client/cli/words.h"

struct target {
	uint64_t address;
	struct bh_uuid uuid;
};

static int take_target(struct cli *cli, struct target *out)
{
	int r;

	r = cli_arg_address(cli, cli->args[0], &out->address);
	return r != 0 ? r : cli_arg_uuid(cli, cli->args[1], &out->uuid);
}

static int read_with(struct link *link, const struct bh_uuid *uuid)
{
	struct cli *cli = link->cli;
	struct reply reply = { .is_done = false };
	json_t *object;
	int r;

	r = link_start_on_demand(link, "reading");
	if (r != 0)
		return r;
	r = bh_read(link->session, uuid, link_timeout_ms(cli), reply_take, &reply);
	if (r < 0)
		r = cli_fail_errno(cli, r, "reading");
	else
		r = link_wait(link, &reply);
	/* An answer may still come into what ends with this function. */
	link_end(link);
	if (r != 0)
		return r;
	if (!cli->out.is_json) {
		value_write(cli->out.stream, reply.value, reply.len_bytes);
		if (reply.timings.is_cached && cli->out.is_tty)
			cli_note(cli, "(cached) as it was read once; --fresh asks the device");
		return CLI_DONE;
	}
	object = link_json(link, &reply.timings);
	(void)json_object_set_new(object, "uuid", json_string(cli->uuid));
	value_json(object, reply.value, reply.len_bytes);
	out_json(&cli->out, object);
	return CLI_DONE;
}

int cmd_read(struct cli *cli)
{
	struct target target;
	struct link link;
	int r;

	r = take_target(cli, &target);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	link = LINK_INIT(cli, target.address);
	r = read_with(&link, &target.uuid);
	link_end(&link);
	cli_close(cli);
	return r;
}

struct value {
	uint8_t octets[WORDS_VALUE_MAX];
	size_t len;
};

static int take_text(struct cli *cli, struct value *out)
{
	size_t len = strlen(cli->opt.text);

	if (cli->n_args > 2)
		return cli_usage(cli, "HEX and --text at once; one value is written");
	if (len > sizeof(out->octets))
		return cli_usage(cli, "a value holds %zu octets, the text has %zu",
				 sizeof(out->octets), len);
	memcpy(out->octets, cli->opt.text, len);
	out->len = len;
	return 0;
}

/* The rest of the arguments: `01 02 ff` need not be quoted. */
static int take_value(struct cli *cli, struct value *out)
{
	size_t len;
	int i;
	int r;

	out->len = 0;
	if (cli->opt.given[OPTION_TEXT])
		return take_text(cli, out);
	if (cli->n_args == 2)
		return cli_usage(cli, "it takes ADDR UUID HEX, or --text STR for HEX");
	for (i = 2; i < cli->n_args; i++) {
		r = words_parse_hex(cli->args[i], out->octets + out->len,
				    sizeof(out->octets) - out->len, &len);
		if (r == -E2BIG)
			return cli_usage(cli, "a value holds at most %zu octets",
					 sizeof(out->octets));
		if (r < 0)
			return cli_usage(cli,
					 "'%.60s' is no value; write octets as two hexadecimal "
					 "digits each, such as 01ff",
					 cli->args[i]);
		out->len += len;
	}
	return 0;
}

static void show_written(const struct link *link, const struct reply *reply,
			 const struct value *value)
{
	struct cli *cli = link->cli;
	bool is_command = cli->opt.given[OPTION_NO_RESPONSE];
	char took[WORDS_SHORT_LEN];
	json_t *object;

	if (!cli->out.is_json) {
		words_duration(reply->timings.query_ms, took);
		(void)fprintf(cli->out.stream, "%zu octet%s %s (%s)\n", value->len,
			      value->len == 1 ? "" : "s", is_command ? "sent" : "written", took);
		return;
	}
	object = link_json(link, &reply->timings);
	(void)json_object_set_new(object, "uuid", json_string(cli->uuid));
	value_json(object, value->octets, value->len);
	(void)json_object_set_new(object, "response", json_boolean(!is_command));
	out_json(&cli->out, object);
}

static int write_with(struct link *link, const struct bh_uuid *uuid, const struct value *value)
{
	struct cli *cli = link->cli;
	struct reply reply = { .is_done = false };
	int r;

	r = link_start(link, "writing");
	if (r != 0)
		return r;
	r = bh_write(link->session, uuid, value->octets, value->len,
		     cli->opt.given[OPTION_NO_RESPONSE], link_timeout_ms(cli), reply_take, &reply);
	if (r < 0)
		r = cli_fail_errno(cli, r, "writing");
	else
		r = link_wait(link, &reply);
	link_end(link);
	if (r == 0)
		show_written(link, &reply, value);
	return r;
}

int cmd_write(struct cli *cli)
{
	struct target target;
	struct value value;
	struct link link;
	int r;

	r = take_target(cli, &target);
	if (r == 0)
		r = take_value(cli, &value);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	link = LINK_INIT(cli, target.address);
	r = write_with(&link, &target.uuid, &value);
	link_end(&link);
	cli_close(cli);
	return r;
}
