/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_locks.c - `bleherd locks`: the arbiter's table, read from the memory that it publishes.
 *
 * --watch reads the memory again and again, which costs the daemon nothing, and asks for it anew
 * now and then: an arbiter that was restarted has another one.
 */
#include <stdio.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/locksview.h"
#include "ipc/clock.h"

enum { LOOK_EVERY_MS = 200, ASK_EVERY_MS = 2000, DRAW_EVERY_MS = 1000 };

struct locks {
	struct cli *cli;
	struct reply reply;
	struct locktab_copy *table;
	struct locktab_copy *shown; /* valid with has_shown */
	int fd;			    /* the memory; -EBADF: none yet */
	bool has_shown;
	uint64_t shown_at_ms;
};

static void on_table(void *ctx, int fd)
{
	struct locks *locks = ctx;

	(void)close_fd(locks->fd);
	locks->fd = fd;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct locks *)ctx)->reply, result);
}

static void show_json(struct locks *locks)
{
	const struct locktab_copy *table = locks->table;
	json_t *object = json_object();

	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)clock_wall_ms()));
	(void)json_object_set_new(object, "locks", locksview_json(table, clock_now_ms()));
	if (table->n_left_out > 0)
		(void)json_object_set_new(object, "left_out", json_integer(table->n_left_out));
	out_json(&locks->cli->out, object);
}

static int write_table(struct locks *locks, FILE *to, unsigned *out_lines)
{
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	const struct locktab_copy *copy = locks->table;
	struct out *out = &locks->cli->out;
	size_t width;
	size_t lines;
	size_t rows = copy->n_rows;
	int r;

	r = locksview_show(copy, &table, clock_now_ms());
	if (r < 0)
		return r;
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
	uint64_t now_ms = clock_now_ms();
	bool is_picture = cli->out.is_tty && !cli->out.is_json;
	int r = 0;

	/* On a terminal the times go on; elsewhere only a change is worth a line. */
	if (locks->has_shown && locksview_is_same(locks->table, locks->shown) &&
	    (!is_picture || now_ms < locks->shown_at_ms + DRAW_EVERY_MS))
		return 0;
	out_progress_end(&cli->out);
	if (cli->out.is_json)
		show_json(locks);
	else
		r = show_text(locks);
	locks->has_shown = true;
	locks->shown_at_ms = now_ms;
	*locks->shown = *locks->table;
	return r < 0 ? cli_fail_errno(cli, r, "the table") : 0;
}

static int look(struct locks *locks)
{
	int r = locks->fd < 0 ? -ENODATA : locktab_read(locks->fd, locks->table);

	if (r < 0)
		return cli_fail_errno(locks->cli, r, "the lock table");
	locksview_sort(locks->table);
	return show(locks);
}

/* The answer is in locks->reply and locks->fd by and by. */
static int ask(struct locks *locks)
{
	int r;

	locks->reply = (struct reply){ .is_done = false };
	r = bh_get_locks(locks->cli->client, on_table, on_done, locks);
	return r < 0 ? cli_fail_errno(locks->cli, r, "asking for the locks") : 0;
}

static int show_once(struct locks *locks)
{
	int r = ask(locks);

	if (r == 0)
		r = reply_wait(locks->cli, &locks->reply, "the locks");
	return r != 0 ? r : look(locks);
}

static bool never(const void *ctx)
{
	(void)ctx;
	return false;
}

/* While there is no arbiter the old table stands: whoever held something still does. */
static int watch(struct locks *locks)
{
	uint64_t ask_at_ms = clock_now_ms() + ASK_EVERY_MS;
	enum cli_wait outcome;
	uint64_t now_ms;
	int r;

	r = show_once(locks);
	while (r == 0) {
		now_ms = clock_now_ms();
		if (now_ms >= ask_at_ms && locks->reply.is_done) {
			ask_at_ms = now_ms + ASK_EVERY_MS;
			r = ask(locks);
			if (r != 0)
				break;
		}
		outcome = cli_wait(locks->cli, never, NULL, now_ms + LOOK_EVERY_MS);
		if (outcome != CLI_WAIT_DEADLINE)
			return cli_fail_wait(locks->cli, outcome, "changes");
		r = look(locks);
	}
	return r;
}

int cmd_locks(struct cli *cli)
{
	struct locks locks = { .cli = cli, .fd = -EBADF };
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	locks.table = calloc(1, sizeof(*locks.table));
	locks.shown = calloc(1, sizeof(*locks.shown));
	out_progress(&cli->out, "asking the daemon");
	if (!locks.table || !locks.shown)
		r = cli_fail_errno(cli, -ENOMEM, "the table");
	else
		r = cli->opt.given[OPTION_WATCH] ? watch(&locks) : show_once(&locks);
	cli_close(cli);
	(void)close_fd(locks.fd);
	free(locks.table);
	free(locks.shown);
	return r;
}
