/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/reply.c - copies of answers: a bh_result is gone when its callback returns, and the commands
 * look at it after the loop.
 */
#include "ipc/client/cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"

enum { LIST_TIMEOUT_MS = 10000 };

static void copy_text(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text ? text : "");
}

void reply_take(void *reply, const struct bh_result *result)
{
	struct reply *r = reply;

	r->is_done = true;
	r->error = result->error;
	copy_text(r->text, sizeof(r->text), result->text);
	copy_text(r->advice, sizeof(r->advice), result->advice);
	copy_text(r->adapter, sizeof(r->adapter), result->adapter);
	r->timings = result->timings;
	r->attempts = result->attempts;
	r->mtu = result->mtu;
	r->len_bytes = result->len_bytes < sizeof(r->value) ? result->len_bytes : sizeof(r->value);
	if (r->len_bytes > 0)
		memcpy(r->value, result->value, r->len_bytes);
}

bool reply_is_done(const void *reply)
{
	return ((const struct reply *)reply)->is_done;
}

int reply_fail(struct cli *cli, const struct reply *reply)
{
	return cli_fail(cli, reply->error, reply->text, reply->advice);
}

int reply_wait(struct cli *cli, const struct reply *reply, const char *what)
{
	enum cli_wait outcome;

	outcome = cli_wait(cli, reply_is_done, reply,
			   clock_now_ms() + cli_timeout_ms(cli, LIST_TIMEOUT_MS));
	if (outcome != CLI_WAIT_OVER)
		return cli_fail_wait(cli, outcome, what);
	return reply->error == BH_CLASS_NONE ? 0 : reply_fail(cli, reply);
}
