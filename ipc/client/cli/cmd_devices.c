/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_devices.c - `bleherd devices`: what the adapters hear. It listens for a while first,
 * since a daemon whose programs do not scan knows nothing fresh.
 */
#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/devtab.h"
#include "ipc/client/cli/trouble.h"
#include "ipc/clock.h"

enum { SCAN_MS = 2000 };

struct listing {
	struct cli *cli;
	struct devtab tab;
	struct reply heard; /* the scan's end, if it ended by itself */
	struct reply reply;
	struct trouble trouble;
	bool is_short; /* of memory */
};

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	(void)ctx;
	(void)advert;
}

static void on_scan_end(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct listing *)ctx)->heard, result);
}

static void on_device(void *ctx, const struct bh_device *device)
{
	struct listing *listing = ctx;

	if (devtab_add_device(&listing->tab, device, listing->cli->opt.adapter, clock_now_ms()) < 0)
		listing->is_short = true;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct listing *)ctx)->reply, result);
}

static int ask(struct cli *cli, struct listing *listing)
{
	int r;

	out_progress(&cli->out, "asking the daemon");
	/* Before the list, so that it is answered before it. */
	trouble_ask(&listing->trouble, cli, cli->opt.adapter);
	r = bh_list_devices(cli->client, on_device, on_done, listing);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the devices");
	return reply_wait(cli, &listing->reply, "the devices");
}

/* Listens, then asks; a scan that does not work is no reason to show nothing. */
static int listen_and_ask(struct cli *cli, struct listing *listing)
{
	const struct bh_scan_filter filter = { .adapter = cli->opt.adapter };
	uint32_t scan_ms = cli->opt.given[OPTION_SCAN] ? cli->opt.scan_ms : SCAN_MS;
	struct bh_scan *scan = NULL;
	enum cli_wait outcome;
	int r;

	if (cli_timeout_ms(cli, scan_ms) < scan_ms)
		scan_ms = cli->opt.timeout_ms;
	out_progress(&cli->out, "listening");
	r = bh_scan_start(&scan, cli->client, &filter, on_advert, on_scan_end, listing);
	if (r < 0)
		return cli_fail_errno(cli, r, "listening");
	outcome = cli_wait(cli, reply_is_done, &listing->heard, clock_now_ms() + scan_ms);
	if (outcome == CLI_WAIT_STOP || outcome == CLI_WAIT_GONE)
		r = cli_fail_wait(cli, outcome, "adverts");
	else
		r = ask(cli, listing);
	(void)bh_scan_stop(scan);
	return r;
}

static int show_json(struct cli *cli, const struct listing *listing)
{
	json_t *object = json_object();
	json_t *error;

	(void)json_object_set_new(object, "devices", devtab_json(&listing->tab, clock_now_ms()));
	if (listing->heard.error != BH_CLASS_NONE) {
		error = json_object();
		(void)json_object_set_new(error, "class",
					  out_string(bh_class_name(listing->heard.error)));
		(void)json_object_set_new(error, "text", out_string(listing->heard.text));
		(void)json_object_set_new(error, "advice", out_string(listing->heard.advice));
		(void)json_object_set_new(object, "scan_error", error);
	}
	out_json(&cli->out, object);
	return CLI_DONE;
}

static int show(struct cli *cli, const struct listing *listing)
{
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	size_t columns;
	size_t lines;
	int r;

	out_progress_end(&cli->out);
	if (listing->heard.error != BH_CLASS_NONE && listing->tab.n_rows == 0)
		return reply_fail(cli, &listing->heard);
	if (cli->out.is_json)
		return show_json(cli, listing);
	if (listing->heard.error != BH_CLASS_NONE)
		cli_note(cli, "bleherd: devices: not listened: %s: %s",
			 bh_class_name(listing->heard.error), listing->heard.text);
	if (listing->tab.n_rows == 0) {
		cli_note(cli, "no device was heard%s%s", *listing->trouble.text ? "; " : "",
			 listing->trouble.text);
		return CLI_DONE;
	}
	r = devtab_show(&listing->tab, &table, clock_now_ms());
	if (r < 0)
		return cli_fail_errno(cli, r, "the table");
	out_size(&cli->out, &columns, &lines);
	table_write(&table, cli->out.stream, columns, 0, cli->out.has_styles);
	return CLI_DONE;
}

int cmd_devices(struct cli *cli)
{
	struct listing listing = { .cli = cli };
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	if (cli->opt.given[OPTION_CACHED])
		r = ask(cli, &listing);
	else
		r = listen_and_ask(cli, &listing);
	if (r == 0 && listing.is_short)
		r = cli_fail_errno(cli, -ENOMEM, "the devices");
	if (r == 0)
		r = show(cli, &listing);
	cli_close(cli);
	devtab_clear(&listing.tab);
	return r;
}
