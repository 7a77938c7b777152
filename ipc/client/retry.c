/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/retry.c - bh_retry(): the semantics of asyncmiele's execute_with_retry (F64): three
 * retries after 2, 4 and 8 s, of connection errors only. Which those are is in errors_table.c.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "ipc/client/pace.h"
#include "ipc/clock.h"
#include "ipc/errors.h"

enum { RETRIES = 3, DELAY_MS = 2000 };

struct retrying {
	struct bh_client *client;
	uint32_t retries;
	uint32_t delay_ms;
	uint64_t start_ms;
	uint64_t until_ms; /* UINT64_MAX: no limit */
};

static struct retrying begin(struct bh_client *client, const struct bh_retry_policy *policy)
{
	static const struct bh_retry_policy none;
	struct retrying it = { .client = client,
			       .start_ms = clock_now_ms(),
			       .until_ms = UINT64_MAX };

	if (!policy)
		policy = &none;
	it.retries = policy->retries ? policy->retries : RETRIES;
	it.delay_ms = policy->delay_ms ? policy->delay_ms : DELAY_MS;
	if (policy->timeout_ms)
		it.until_ms = it.start_ms + policy->timeout_ms;
	return it;
}

/* 0 when it is time; errors of bh_wait(). */
static int wait_until(struct bh_client *client, uint64_t at_ms)
{
	uint32_t left_ms;
	int r = 0;

	while (r == 0 && (left_ms = clock_left_ms(at_ms, clock_now_ms())) > 0)
		r = bh_wait(client, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	return r;
}

/* The last failure stays what it is; people also want to know what was tried. */
static void tell_tries(const struct retrying *it, uint32_t tries, struct bh_answer *answer)
{
	char text[sizeof(answer->text)];
	uint32_t took_ms = clock_span_ms(it->start_ms, clock_now_ms());

	(void)snprintf(text, sizeof(text), "%.140s (%u tries in %u.%u s)", answer->text, tries,
		       took_ms / 1000, took_ms % 1000 / 100);
	memcpy(answer->text, text, sizeof(text));
}

int bh_retry(struct bh_client *client, const struct bh_retry_policy *policy,
	     int (*op)(void *ctx, struct bh_answer *answer), void *ctx, struct bh_answer *answer)
{
	struct retrying it;
	uint32_t tries;
	uint64_t at_ms;
	int r;

	if (!client || !op || !answer)
		return -EINVAL;
	if (client->depth > 0)
		return -EBUSY;
	it = begin(client, policy);
	memset(answer, 0, sizeof(*answer));
	for (tries = 1;; tries++) {
		r = op(ctx, answer);
		if (r <= 0 || !errors_is_connection((enum err_class)answer->error))
			return r;
		at_ms = clock_now_ms() + pace_ms(it.delay_ms, tries - 1, UINT32_MAX,
						 (uint32_t)rand_r(&client->dial.seed));
		if (tries > it.retries || at_ms >= it.until_ms)
			break;
		bh_answer_clear(answer);
		r = wait_until(client, at_ms);
		if (r < 0)
			return r;
	}
	tell_tries(&it, tries, answer);
	return r;
}
