/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_doctor.c - `bleherd doctor`: asks the daemon, then the bus, then the machine, and
 * reports. That a party does not answer is a finding, not an end: only a signal ends it early.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/doctor.h"
#include "ipc/clock.h"
#include "ipc/locktab.h"

static const char DEFAULT_SOCKET[] = "/run/bleherd/bleherd.sock";

struct visit {
	struct cli *cli;
	struct doctor_facts *facts;
	struct reply reply;
	struct locktab_copy *locks;
};

static void on_status(void *ctx, const struct bh_status *status)
{
	struct doctor_facts *facts = ((struct visit *)ctx)->facts;

	(void)snprintf(facts->daemon_version, sizeof(facts->daemon_version), "%s", status->version);
	facts->daemon_pid = status->pid;
	facts->has_arbiter = status->has_arbiter;
	facts->has_mgmt = status->has_mgmt;
}

static void on_adapter(void *ctx, const struct bh_adapter *item)
{
	struct doctor_adapter *adapter = doctor_adapter(((struct visit *)ctx)->facts, item->name);

	if (!adapter)
		return;
	adapter->is_in_daemon = true;
	adapter->trouble = item->trouble;
	(void)snprintf(adapter->state, sizeof(adapter->state), "%s", item->state);
	(void)snprintf(adapter->trouble_text, sizeof(adapter->trouble_text), "%s",
		       item->trouble_text);
}

static void take_scan(struct doctor_facts *facts, const struct locktab_row *row)
{
	static const char SCAN[] = "scan:";
	struct doctor_adapter *adapter;

	if (row->grant == 0 || strncmp(row->resource, SCAN, sizeof(SCAN) - 1) != 0)
		return;
	adapter = doctor_adapter(facts, row->resource + sizeof(SCAN) - 1);
	if (adapter)
		adapter->is_scan_held = true;
}

static void on_locks(void *ctx, int fd)
{
	struct visit *visit = ctx;
	uint32_t i;

	if (locktab_read(fd, visit->locks) == 0) {
		visit->facts->has_locks = true;
		for (i = 0; i < visit->locks->n_rows; i++)
			take_scan(visit->facts, &visit->locks->rows[i]);
	}
	(void)close_fd(fd);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct visit *)ctx)->reply, result);
}

/* Waits for one answer; @error is what asking for it returned. */
static enum doctor_reply wait_reply(struct visit *visit, int error)
{
	struct doctor_facts *facts = visit->facts;
	enum cli_wait outcome;

	if (error < 0) {
		(void)snprintf(facts->status_error, sizeof(facts->status_error), "%s",
			       strerror(-error));
		return DOCTOR_REPLY_ERROR;
	}
	outcome = cli_wait(visit->cli, reply_is_done, &visit->reply,
			   clock_now_ms() + cli_timeout_ms(visit->cli, DOCTOR_WAIT_MS));
	if (outcome != CLI_WAIT_OVER)
		return DOCTOR_REPLY_LATE;
	if (visit->reply.error == BH_CLASS_NONE)
		return DOCTOR_REPLY_OK;
	(void)snprintf(facts->status_error, sizeof(facts->status_error), "%.95s",
		       visit->reply.text);
	return DOCTOR_REPLY_ERROR;
}

static void ask_daemon(struct visit *visit)
{
	struct bh_client *client = visit->cli->client;
	struct doctor_facts *facts = visit->facts;

	facts->status = wait_reply(visit, bh_get_status(client, on_status, on_done, visit));
	if (facts->status != DOCTOR_REPLY_OK)
		return;
	visit->reply = (struct reply){ .is_done = false };
	facts->status = wait_reply(visit, bh_list_adapters(client, on_adapter, on_done, visit));
}

/* Refused when the arbiter is not there: has_locks tells. */
static void ask_locks(struct visit *visit)
{
	struct doctor_facts *facts = visit->facts;

	if (facts->status != DOCTOR_REPLY_OK || !facts->has_arbiter)
		return;
	visit->reply = (struct reply){ .is_done = false };
	(void)wait_reply(visit, bh_get_locks(visit->cli->client, on_locks, on_done, visit));
}

static void collect_daemon(struct visit *visit)
{
	struct doctor_facts *facts = visit->facts;
	struct cli *cli = visit->cli;
	const char *path = cli->opt.socket ? cli->opt.socket : getenv("BLEHERD_SOCKET");
	struct stat st;

	if (!path || *path == '\0')
		path = DEFAULT_SOCKET;
	(void)snprintf(facts->socket, sizeof(facts->socket), "%s", path);
	if (stat(path, &st) == 0) {
		facts->has_socket = true;
		facts->socket_mode = st.st_mode & 07777;
	}
	facts->connect_error = bh_new(&cli->client, path, NULL);
	if (facts->connect_error == 0)
		ask_daemon(visit);
}

static bool is_ending(const struct cli *cli)
{
	return cli->signal != 0 || cli->out.error != 0;
}

static void collect(struct visit *visit)
{
	struct cli *cli = visit->cli;

	collect_daemon(visit);
	/*
	 * The locks before and after: whoever begins or ends a discovery while bluetoothd is asked
	 * for it has the lock in one of both.
	 */
	ask_locks(visit);
	if (!is_ending(cli))
		doctor_collect_bus(visit->facts, cli->signal_fd);
	ask_locks(visit);
	cli_close(cli);
	if (!is_ending(cli))
		doctor_collect_host(visit->facts, "");
}

int cmd_doctor(struct cli *cli)
{
	struct doctor_facts *facts = calloc(1, sizeof(*facts));
	struct visit visit = { .cli = cli,
			       .facts = facts,
			       .locks = calloc(1, sizeof(*visit.locks)) };
	int r = CLI_FAILED;

	if (!facts || !visit.locks) {
		r = cli_fail_errno(cli, -ENOMEM, "the facts");
		goto out;
	}
	out_progress(&cli->out, "looking around");
	collect(&visit);
	out_progress_end(&cli->out);
	if (is_ending(cli))
		r = cli_stop_status(cli);
	else
		r = doctor_report(facts, &cli->out) ? CLI_DONE : CLI_FAILED;
out:
	free(visit.locks);
	free(facts);
	return r;
}
