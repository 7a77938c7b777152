/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_locks.c - `bleherd locks`: the arbiter's table, read from the memory that it publishes.
 *
 * --watch asks for the descriptor anew each time: an arbiter that was restarted has another one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/table.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"
#include "ipc/locktab.h"

enum { WATCH_EVERY_MS = 250 };

struct locks {
	struct cli *cli;
	struct reply reply;
	struct locktab_copy *table;
	int error; /* of reading it */
	bool has_table;
	bool has_shown;
	uint64_t shown_seq;
};

static void on_table(void *ctx, int fd)
{
	struct locks *locks = ctx;

	locks->error = locktab_read(fd, locks->table);
	locks->has_table = locks->error == 0;
	(void)close_fd(fd);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct locks *)ctx)->reply, result);
}

static json_t *row_json(const struct locktab_row *row, uint64_t now_ms)
{
	json_t *object = json_object();
	bool is_held = row->grant != 0;

	(void)json_object_set_new(object, "resource", out_string(row->resource));
	(void)json_object_set_new(object, "state", json_string(is_held ? "held" : "waits"));
	(void)json_object_set_new(object, "holder", out_string(row->label));
	(void)json_object_set_new(object, "pid", json_integer(row->pid));
	(void)json_object_set_new(object, "class", out_string(row->class));
	(void)json_object_set_new(object, "since_ms",
				  json_integer(clock_span_ms(row->since_ms, now_ms)));
	if (row->until_ms != 0)
		(void)json_object_set_new(object, "left_ms",
					  json_integer(clock_left_ms(row->until_ms, now_ms)));
	if (!is_held) {
		(void)json_object_set_new(object, "place", json_integer(row->place));
		return object;
	}
	(void)json_object_set_new(object, "slot", json_integer(row->slot));
	(void)json_object_set_new(object, "grant", json_integer((json_int_t)row->grant));
	if (row->flags & LOCKTAB_DIRTY)
		(void)json_object_set_new(object, "dirty", json_true());
	return object;
}

static void show_json(struct locks *locks)
{
	const struct locktab_copy *table = locks->table;
	json_t *object = json_object();
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < table->n_rows; i++)
		(void)json_array_append_new(array, row_json(&table->rows[i], clock_now_ms()));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)clock_wall_ms()));
	(void)json_object_set_new(object, "locks", array);
	if (table->n_left_out > 0)
		(void)json_object_set_new(object, "left_out", json_integer(table->n_left_out));
	out_json(&locks->cli->out, object);
}

static int add_row(struct table *out, const struct locktab_row *row)
{
	char state[32];
	char pid[12];
	char since[WORDS_SHORT_LEN];
	const char *cells[] = { row->resource, state, row->label, pid, row->class, since };

	if (row->grant != 0)
		(void)snprintf(state, sizeof(state), "%s",
			       row->flags & LOCKTAB_DIRTY ? "held, dirty" : "held");
	else
		(void)snprintf(state, sizeof(state), "waits, %u.", row->place);
	(void)snprintf(pid, sizeof(pid), "%u", row->pid);
	if (row->pid == 0)
		cells[3] = "-";
	words_duration(clock_span_ms(row->since_ms, clock_now_ms()), since);
	return table_row(out, cells);
}

static int write_table(struct locks *locks, FILE *to, unsigned *out_lines)
{
	static const struct table_column columns[] = {
		{ "RESOURCE", false, false }, { "STATE", false, false }, { "BY", false, true },
		{ "PID", true, false },	      { "CLASS", false, true },	 { "FOR", true, false },
	};
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	const struct locktab_copy *copy = locks->table;
	struct out *out = &locks->cli->out;
	size_t width;
	size_t lines;
	size_t rows = copy->n_rows;
	uint32_t i;

	for (i = 0; i < ARRAY_LEN(columns); i++)
		table_column(&table, columns[i].title, columns[i].is_number,
			     columns[i].is_flexible);
	for (i = 0; i < copy->n_rows; i++)
		if (add_row(&table, &copy->rows[i]) < 0)
			return -ENOMEM;
	out_size(out, &width, &lines);
	if (locks->cli->opt.given[OPTION_WATCH] && out->is_tty && rows > lines - 3)
		rows = lines - 3;
	*out_lines = (unsigned)rows + 1;
	if (copy->n_rows > 0)
		table_write(&table, to, width, rows, out->has_styles);
	else
		(void)fputs("nothing is held\n", to);
	if (rows == copy->n_rows && copy->n_left_out == 0)
		return 0;
	(void)fprintf(to, "%zu more\n", copy->n_rows - rows + copy->n_left_out);
	++*out_lines;
	return 0;
}

static int show_text(struct locks *locks)
{
	struct out *out = &locks->cli->out;
	char *text = NULL;
	size_t len;
	unsigned lines;
	FILE *to = open_memstream(&text, &len);
	int r;

	if (!to)
		return -ENOMEM;
	r = write_table(locks, to, &lines);
	if (fclose(to) != 0)
		r = -ENOMEM;
	if (r == 0 && locks->cli->opt.given[OPTION_WATCH] && out->is_tty)
		out_frame(out, text, lines);
	else if (r == 0)
		(void)fprintf(out->stream, "%s%s", locks->has_shown ? "\n" : "", text);
	free(text);
	return r;
}

static int show(struct locks *locks)
{
	struct cli *cli = locks->cli;
	bool is_picture = cli->out.is_tty && !cli->out.is_json;
	int r = 0;

	if (!locks->has_table)
		return cli_fail_errno(cli, locks->error ? locks->error : -ENODATA,
				      "the lock table");
	/* On a terminal the times go on; elsewhere only a change is worth a line. */
	if (locks->has_shown && locks->table->seq == locks->shown_seq && !is_picture)
		return 0;
	out_progress_end(&cli->out);
	if (cli->out.is_json)
		show_json(locks);
	else
		r = show_text(locks);
	locks->has_shown = true;
	locks->shown_seq = locks->table->seq;
	return r < 0 ? cli_fail_errno(cli, r, "the table") : 0;
}

static int ask(struct locks *locks)
{
	struct cli *cli = locks->cli;
	int r;

	locks->reply = (struct reply){ .is_done = false };
	locks->has_table = false;
	locks->error = 0;
	r = bh_get_locks(cli->client, on_table, on_done, locks);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the locks");
	r = reply_wait(cli, &locks->reply, "the locks");
	return r != 0 ? r : show(locks);
}

static bool never(const void *ctx)
{
	(void)ctx;
	return false;
}

static int watch(struct locks *locks)
{
	enum cli_wait outcome;
	int r;

	do {
		r = ask(locks);
		if (r != 0)
			return r;
		outcome = cli_wait(locks->cli, never, NULL, clock_now_ms() + WATCH_EVERY_MS);
	} while (outcome == CLI_WAIT_DEADLINE);
	return cli_fail_wait(locks->cli, outcome, "changes");
}

int cmd_locks(struct cli *cli)
{
	struct locks locks = { .cli = cli };
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	locks.table = calloc(1, sizeof(*locks.table));
	out_progress(&cli->out, "asking the daemon");
	if (!locks.table)
		r = cli_fail_errno(cli, -ENOMEM, "the table");
	else
		r = cli->opt.given[OPTION_WATCH] ? watch(&locks) : ask(&locks);
	cli_close(cli);
	free(locks.table);
	return r;
}
