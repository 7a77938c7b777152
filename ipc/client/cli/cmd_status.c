/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_status.c - `bleherd status` and `bleherd adapters`: what the daemon says of itself.
 */
#include "ipc/client/cli/cli.h"

#include <stdio.h>

#include "ipc/client/cli/table.h"
#include "ipc/client/cli/words.h"

static void status_line(struct cli *cli, const char *what, bool is_there)
{
	(void)fprintf(cli->out.stream, "%-10s  %s%s%s\n", what,
		      is_there ? out_green(&cli->out) : out_red(&cli->out), is_there ? "yes" : "no",
		      out_plain(&cli->out));
}

static void denied_text(struct cli *cli, const struct bh_status *status)
{
	size_t i;

	if (status->denied == 0)
		return;
	(void)fprintf(cli->out.stream, "denied      %llu request%s",
		      (unsigned long long)status->denied, status->denied == 1 ? "" : "s");
	for (i = 0; i < status->n_users; i++)
		if (status->users[i].denied > 0)
			(void)fprintf(cli->out.stream, ", uid %u: %llu", status->users[i].uid,
				      (unsigned long long)status->users[i].denied);
	(void)fprintf(cli->out.stream, "\n");
}

static void status_text(struct cli *cli, const struct bh_status *status)
{
	FILE *to = cli->out.stream;
	char version[32];
	char trouble[200];
	char uptime[WORDS_SHORT_LEN];

	words_clean(status->version, version, sizeof(version));
	words_duration(status->uptime_ms, uptime);
	(void)fprintf(to, "daemon      bleherdd %s, process %u, up %s\n", version, status->pid,
		      uptime);
	status_line(cli, "bluetoothd", status->has_bluez);
	status_line(cli, "arbiter", status->has_arbiter);
	words_clean(status->arbiter_trouble, trouble, sizeof(trouble));
	if (*trouble)
		(void)fprintf(to, "            %s\n", trouble);
	status_line(cli, "MGMT", status->has_mgmt);
	(void)fprintf(to, "serves      %u adapter%s, %u device%s, %u link%s\n", status->adapters,
		      status->adapters == 1 ? "" : "s", status->devices,
		      status->devices == 1 ? "" : "s", status->links,
		      status->links == 1 ? "" : "s");
	(void)fprintf(to, "used by     %u program%s, %u session%s\n", status->clients,
		      status->clients == 1 ? "" : "s", status->sessions,
		      status->sessions == 1 ? "" : "s");
	(void)fprintf(to, "so far      %u worker death%s, %u session%s moved\n",
		      status->worker_deaths, status->worker_deaths == 1 ? "" : "s",
		      status->sessions_moved, status->sessions_moved == 1 ? "" : "s");
	denied_text(cli, status);
}

static json_t *users_json(const struct bh_status *status)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < status->n_users; i++) {
		const struct bh_user *user = &status->users[i];
		json_t *object = json_object();

		(void)json_object_set_new(object, "uid", json_integer(user->uid));
		(void)json_object_set_new(object, "clients", json_integer(user->clients));
		(void)json_object_set_new(object, "sessions", json_integer(user->sessions));
		(void)json_object_set_new(object, "denied", json_integer((json_int_t)user->denied));
		(void)json_array_append_new(array, object);
	}
	return array;
}

static void status_item(void *ctx, const struct bh_status *status)
{
	struct cli *cli = ctx;
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{ "pid", status->pid },
		{ "uptime_ms", status->uptime_ms },
		{ "adapters", status->adapters },
		{ "devices", status->devices },
		{ "sessions", status->sessions },
		{ "links", status->links },
		{ "clients", status->clients },
		{ "worker_deaths", status->worker_deaths },
		{ "sessions_moved", status->sessions_moved },
		{ "denied", status->denied },
	};
	json_t *object;
	size_t i;

	if (!cli->out.is_json) {
		status_text(cli, status);
		return;
	}
	object = json_object();
	(void)json_object_set_new(object, "version", out_string(status->version));
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		(void)json_object_set_new(object, numbers[i].name,
					  json_integer((json_int_t)numbers[i].number));
	(void)json_object_set_new(object, "bluez", json_boolean(status->has_bluez));
	(void)json_object_set_new(object, "arbiter", json_boolean(status->has_arbiter));
	if (*status->arbiter_trouble)
		(void)json_object_set_new(object, "arbiter_trouble",
					  out_string(status->arbiter_trouble));
	(void)json_object_set_new(object, "users", users_json(status));
	(void)json_object_set_new(object, "mgmt", json_boolean(status->has_mgmt));
	out_json(&cli->out, object);
}

/* The copy of the answer, and the command for its items: the library has one ctx for both. */
struct request {
	struct cli *cli;
	struct reply reply;
	struct table table;
	json_t *array; /* with --json */
	char *notes;   /* what troubles adapters: too long for a column */
	size_t n;
	bool is_short; /* of memory */
};

static void request_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct request *)ctx)->reply, result);
}

static void request_status(void *ctx, const struct bh_status *status)
{
	status_item(((struct request *)ctx)->cli, status);
}

int cmd_status(struct cli *cli)
{
	struct request request = { .cli = cli };
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	out_progress(&cli->out, "asking the daemon");
	r = bh_get_status(cli->client, request_status, request_done, &request);
	if (r < 0)
		r = cli_fail_errno(cli, r, "asking for the status");
	else
		r = reply_wait(cli, &request.reply, "the status");
	cli_close(cli);
	return r;
}

static json_t *adapter_json(const struct bh_adapter *adapter)
{
	json_t *object = json_object();
	json_t *timings = json_object();
	char address[18];
	size_t i;

	bh_format_address(adapter->address, address);
	/* "adapter" is its key in every other object, "name" in the library's. */
	(void)json_object_set_new(object, "name", out_string(adapter->name));
	(void)json_object_set_new(object, "adapter", out_string(adapter->name));
	(void)json_object_set_new(object, "address", out_string(address));
	(void)json_object_set_new(object, "state", out_string(adapter->state));
	(void)json_object_set_new(object, "powered", json_boolean(adapter->is_powered));
	(void)json_object_set_new(object, "discovering", json_boolean(adapter->is_discovering));
	(void)json_object_set_new(object, "links", json_integer(adapter->links));
	(void)json_object_set_new(object, "sessions", json_integer(adapter->sessions));
	(void)json_object_set_new(object, "worker_pid", json_integer(adapter->worker_pid));
	(void)json_object_set_new(object, "deaths", json_integer(adapter->deaths));
	(void)json_object_set_new(object, "trouble", out_string(bh_class_name(adapter->trouble)));
	(void)json_object_set_new(object, "trouble_text", out_string(adapter->trouble_text));
	(void)json_object_set_new(object, "slots", json_integer(adapter->slots));
	(void)json_object_set_new(object, "requests", json_integer((json_int_t)adapter->requests));
	(void)json_object_set_new(object, "values", json_integer((json_int_t)adapter->values));
	for (i = 0; i < adapter->n_timings; i++)
		(void)json_object_set_new(timings, adapter->timings[i].part,
					  out_distribution(&adapter->timings[i]));
	(void)json_object_set_new(object, "timings", timings);
	return object;
}

static int adapter_row(struct table *table, const struct bh_adapter *adapter)
{
	char address[18];
	char numbers[4][12];
	const uint32_t values[4] = { adapter->links, adapter->sessions, adapter->worker_pid,
				     adapter->deaths };
	const char *cells[] = { adapter->name, address,	   adapter->state, NULL,
				numbers[0],    numbers[1], numbers[2],	   numbers[3] };
	size_t i;

	bh_format_address(adapter->address, address);
	cells[3] = !adapter->is_powered ? "off" : adapter->is_discovering ? "scans" : "on";
	for (i = 0; i < ARRAY_LEN(values); i++)
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
	if (adapter->worker_pid == 0)
		cells[6] = "-";
	return table_row(table, cells);
}

static int add_note(struct request *request, const struct bh_adapter *adapter)
{
	const char *before = request->notes ? request->notes : "";
	char text[200];
	char clean[200];
	char *notes;

	if (adapter->trouble == BH_CLASS_NONE)
		return 0;
	(void)snprintf(text, sizeof(text), "%s: %s%s%s", adapter->name,
		       bh_class_name(adapter->trouble), *adapter->trouble_text ? ": " : "",
		       adapter->trouble_text);
	words_clean(text, clean, sizeof(clean));
	if (asprintf(&notes, "%s%s\n", before, clean) < 0)
		return -ENOMEM;
	free(request->notes);
	request->notes = notes;
	return 0;
}

static void adapter_item(void *ctx, const struct bh_adapter *adapter)
{
	struct request *request = ctx;

	request->n++;
	if (request->array)
		(void)json_array_append_new(request->array, adapter_json(adapter));
	else if (adapter_row(&request->table, adapter) < 0 || add_note(request, adapter) < 0)
		request->is_short = true;
}

static int adapters_show(struct cli *cli, struct request *request)
{
	size_t columns;
	size_t lines;
	json_t *object;

	if (request->array) {
		object = json_object();
		(void)json_object_set(object, "adapters", request->array);
		out_json(&cli->out, object);
		return CLI_DONE;
	}
	if (request->is_short)
		return cli_fail_errno(cli, -ENOMEM, "the table");
	if (request->n == 0) {
		cli_note(cli, "no adapter is plugged in");
		return CLI_DONE;
	}
	out_progress_end(&cli->out);
	out_size(&cli->out, &columns, &lines);
	table_write(&request->table, cli->out.stream, columns, 0, cli->out.has_styles);
	if (request->notes)
		(void)fprintf(cli->out.stream, "%s%s%s", out_red(&cli->out), request->notes,
			      out_plain(&cli->out));
	return CLI_DONE;
}

int cmd_adapters(struct cli *cli)
{
	static const struct table_column columns[] = {
		{ "NAME", false, false },  { "ADDRESS", false, false }, { "WORKER", false, false },
		{ "RADIO", false, false }, { "LINKS", true, false },	{ "SESSIONS", true, false },
		{ "PID", true, false },	   { "DEATHS", true, false },
	};
	struct request request = { .cli = cli };
	size_t i;
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	for (i = 0; i < ARRAY_LEN(columns); i++)
		table_column(&request.table, columns[i].title, columns[i].is_number,
			     columns[i].is_flexible);
	if (cli->out.is_json)
		request.array = json_array();
	r = bh_list_adapters(cli->client, adapter_item, request_done, &request);
	out_progress(&cli->out, "asking the daemon");
	if (r < 0)
		r = cli_fail_errno(cli, r, "asking for the adapters");
	else
		r = reply_wait(cli, &request.reply, "the adapters");
	if (r == 0)
		r = adapters_show(cli, &request);
	cli_close(cli);
	json_decref(request.array);
	table_clear(&request.table);
	free(request.notes);
	return r;
}
