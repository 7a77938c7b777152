/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_scan.c - `bleherd scan`: adverts as a table that is kept up to date (terminal), as lines
 * (pipe) or as objects (--json).
 */
#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/devtab.h"
#include "ipc/client/cli/names.h"
#include "ipc/client/cli/trouble.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum { PIPE_DURATION_MS = 10000, REFRESH_MS = 250, SERVICES_SHOWN = 8 };

struct scanning {
	struct cli *cli;
	struct devtab tab; /* what the table shows; not used without it */
	struct reply end;
	struct trouble trouble;
	uint64_t adverts;
	bool is_table;
	bool is_short; /* of memory */
};

static json_t *services_json(const struct bh_advert *advert)
{
	json_t *array = json_array();
	char text[37];
	size_t i;

	for (i = 0; i < advert->n_uuids; i++) {
		bh_format_uuid(&advert->uuids[i], text);
		(void)json_array_append_new(array, json_string(text));
	}
	return array;
}

static json_t *advert_json(const struct bh_advert *advert)
{
	json_t *object = json_object();
	char address[18];
	char hex[WORDS_HEX_MAX];
	size_t len = advert->manufacturer_len;

	bh_format_address(advert->address, address);
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)clock_wall_ms()));
	(void)json_object_set_new(object, "address", json_string(address));
	(void)json_object_set_new(object, "type",
				  json_string(advert->is_random ? "random" : "public"));
	(void)json_object_set_new(object, "name", out_string(advert->name));
	(void)json_object_set_new(object, "adapter", out_string(advert->adapter));
	(void)json_object_set_new(object, "rssi", json_integer(advert->rssi_dbm));
	(void)json_object_set_new(object, "services", services_json(advert));
	if (!advert->has_manufacturer)
		return object;
	words_hex(advert->manufacturer_data, len < WORDS_VALUE_MAX ? len : WORDS_VALUE_MAX, "",
		  hex);
	(void)json_object_set_new(object, "company", json_integer(advert->company));
	(void)json_object_set_new(object, "manufacturer", json_string(hex));
	return object;
}

static void advert_line(FILE *to, const struct bh_advert *advert)
{
	char address[18];
	char name[64];
	char uuid[37];
	size_t i;

	bh_format_address(advert->address, address);
	words_clean(advert->name, name, sizeof(name));
	(void)fprintf(to, "%s  %s  %-5s  %4d  %s", address, advert->is_random ? "random" : "public",
		      advert->adapter, advert->rssi_dbm, *name ? name : "-");
	for (i = 0; i < advert->n_uuids && i < SERVICES_SHOWN; i++) {
		names_short_uuid(&advert->uuids[i], uuid);
		(void)fprintf(to, "%s%s", i ? "," : "  ", uuid);
	}
	(void)fputc('\n', to);
}

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct scanning *scanning = ctx;
	struct cli *cli = scanning->cli;

	scanning->adverts++;
	if (scanning->is_table) {
		if (devtab_add_advert(&scanning->tab, advert, clock_now_ms()) < 0)
			scanning->is_short = true;
		return;
	}
	out_progress_end(&cli->out);
	if (cli->out.is_json)
		out_json(&cli->out, advert_json(advert));
	else
		advert_line(cli->out.stream, advert);
}

static void on_end(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct scanning *)ctx)->end, result);
}

/* One picture: as many rows as the terminal has lines, and what is going on below. */
static int write_frame(struct scanning *scanning, FILE *to, unsigned *out_lines, bool is_last)
{
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	struct cli *cli = scanning->cli;
	uint64_t now_ms = clock_now_ms();
	char why[sizeof(scanning->trouble.text)];
	size_t columns;
	size_t lines;
	size_t rows = scanning->tab.n_rows;
	int r;

	r = devtab_show(&scanning->tab, &table, now_ms);
	if (r < 0)
		return r;
	out_size(&cli->out, &columns, &lines);
	/* Title, footer, and the line on which the cursor stands. The last picture may scroll. */
	if (!is_last && rows > lines - 3)
		rows = lines - 3;
	if (scanning->tab.n_rows > 0)
		table_write(&table, to, columns, rows, cli->out.has_styles);
	(void)fprintf(to, "%zu device%s, %llu adverts in %llu s", scanning->tab.n_rows,
		      scanning->tab.n_rows == 1 ? "" : "s", (unsigned long long)scanning->adverts,
		      (unsigned long long)(now_ms - cli->start_at_ms) / 1000);
	if (rows < scanning->tab.n_rows)
		(void)fprintf(to, "; %zu more below", scanning->tab.n_rows - rows);
	(void)fprintf(to, "%s\n", is_last ? "" : "; Ctrl-C ends");
	*out_lines = (unsigned)(scanning->tab.n_rows > 0 ? rows + 2 : 1);
	if (scanning->adverts > 0 || scanning->trouble.text[0] == '\0')
		return 0;
	words_clean(scanning->trouble.text, why, sizeof(why));
	words_cut(why, columns - 1);
	(void)fprintf(to, "%s\n", why);
	++*out_lines;
	return 0;
}

static void draw(struct scanning *scanning, bool is_last)
{
	char *text = NULL;
	size_t len;
	unsigned lines;
	FILE *to = open_memstream(&text, &len);
	int r;

	if (!to) {
		scanning->is_short = true;
		return;
	}
	r = write_frame(scanning, to, &lines, is_last);
	if (fclose(to) != 0 || r < 0)
		scanning->is_short = true;
	else
		out_frame(&scanning->cli->out, text, lines);
	free(text);
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms != 0 && a_ms < b_ms ? a_ms : b_ms;
}

static enum cli_wait wait_end(struct scanning *scanning, uint64_t until_ms)
{
	struct cli *cli = scanning->cli;
	enum cli_wait outcome;
	uint64_t now_ms;

	if (!scanning->is_table)
		return cli_wait(cli, reply_is_done, &scanning->end, until_ms);
	do {
		draw(scanning, false);
		now_ms = clock_now_ms();
		outcome = cli_wait(cli, reply_is_done, &scanning->end,
				   sooner(until_ms, now_ms + REFRESH_MS));
	} while (outcome == CLI_WAIT_DEADLINE && (until_ms == 0 || clock_now_ms() < until_ms) &&
		 !scanning->is_short);
	draw(scanning, true);
	return outcome;
}

static int finish(struct scanning *scanning, enum cli_wait outcome)
{
	struct cli *cli = scanning->cli;

	out_progress_end(&cli->out);
	if (scanning->is_short)
		return cli_fail_errno(cli, -ENOMEM, "the table");
	if (outcome == CLI_WAIT_OVER && scanning->end.error != BH_CLASS_NONE)
		return reply_fail(cli, &scanning->end);
	if (outcome == CLI_WAIT_STOP || outcome == CLI_WAIT_GONE)
		return cli_fail_wait(cli, outcome, "adverts");
	/* Where nobody answers there is no end but the duration. */
	if (!bh_was_answered(cli->client))
		return cli_fail_wait(cli, CLI_WAIT_DEADLINE, "adverts");
	if (scanning->adverts == 0 && !scanning->is_table)
		cli_note(cli, "no advert was heard%s%s", *scanning->trouble.text ? "; " : "",
			 scanning->trouble.text);
	return CLI_DONE;
}

int cmd_scan(struct cli *cli)
{
	struct scanning scanning = { .cli = cli };
	const struct bh_scan_filter filter = { .uuids = cli->opt.uuids,
					       .n_uuids = cli->opt.n_uuids,
					       .rssi_min_dbm = cli->opt.rssi_min_dbm,
					       .adapter = cli->opt.adapter };
	uint32_t duration_ms = cli->opt.duration_ms;
	struct bh_scan *scan = NULL;
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	cli_stay(cli);
	scanning.is_table = cli->out.is_tty && !cli->out.is_json;
	if (duration_ms == 0)
		duration_ms = cli_timeout_ms(cli, cli->out.is_tty ? 0 : PIPE_DURATION_MS);
	if (!scanning.is_table)
		out_progress(&cli->out, "listening");
	r = bh_scan_start(&scan, cli->client, &filter, on_advert, on_end, &scanning);
	if (r < 0)
		r = cli_fail_errno(cli, r, "listening");
	if (r == 0)
		trouble_ask(&scanning.trouble, cli, cli->opt.adapter);
	if (r == 0)
		r = finish(&scanning,
			   wait_end(&scanning, duration_ms ? clock_now_ms() + duration_ms : 0));
	(void)bh_scan_stop(scan);
	cli_close(cli);
	devtab_clear(&scanning.tab);
	return r;
}
