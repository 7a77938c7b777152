/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/cmd_sessions.c - `bleherd sessions`: which program has which device. */
#include <stdio.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/sessview.h"

struct sessions {
	struct cli *cli;
	struct reply reply;
	struct table table;
	json_t *array; /* with --json */
	bool is_short; /* of memory */
};

static void on_row(void *ctx, const struct bh_session_row *row)
{
	struct sessions *sessions = ctx;

	if (sessions->array)
		(void)json_array_append_new(sessions->array, sessview_json(row));
	else if (sessview_row(&sessions->table, row, true) < 0)
		sessions->is_short = true;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct sessions *)ctx)->reply, result);
}

static int show(struct sessions *sessions)
{
	struct cli *cli = sessions->cli;
	size_t columns;
	size_t lines;
	json_t *object;

	if (sessions->array) {
		object = json_object();
		(void)json_object_set(object, "sessions", sessions->array);
		out_json(&cli->out, object);
		return CLI_DONE;
	}
	if (sessions->is_short)
		return cli_fail_errno(cli, -ENOMEM, "the table");
	out_progress_end(&cli->out);
	if (sessions->table.n_rows == 0) {
		cli_note(cli, "no program has a session");
		return CLI_DONE;
	}
	out_size(&cli->out, &columns, &lines);
	table_write(&sessions->table, cli->out.stream, columns, 0, cli->out.has_styles);
	return CLI_DONE;
}

int cmd_sessions(struct cli *cli)
{
	struct sessions sessions = { .cli = cli };
	uint64_t address = 0;
	int r = 0;

	if (cli->n_args > 0)
		r = cli_arg_address(cli, cli->args[0], &address);
	if (r == 0)
		r = cli_open(cli);
	if (r != 0)
		return r;
	if (cli->out.is_json)
		sessions.array = json_array();
	sessview_columns(&sessions.table, true);
	out_progress(&cli->out, "asking the daemon");
	r = bh_list_sessions(cli->client, address, on_row, on_done, &sessions);
	if (r < 0)
		r = cli_fail_errno(cli, r, "asking for the sessions");
	else
		r = reply_wait(cli, &sessions.reply, "the sessions");
	if (r == 0)
		r = show(&sessions);
	cli_close(cli);
	json_decref(sessions.array);
	table_clear(&sessions.table);
	return r;
}
