/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipc/client/strategy.c - what the daemon does for a device by itself: asks, chooses. */
#include "ipc/client/client.h"

enum { STRATEGY_MS = 30000, INTERVAL_MAX_MS = 86400000 };

static_assert((int)BH_STRATEGY_ON_DEMAND == (int)BH__STRATEGY__STRATEGY_ON_DEMAND,
	      "as in session.proto");
static_assert((int)BH_STRATEGY_PERSISTENT == (int)BH__STRATEGY__STRATEGY_PERSISTENT,
	      "as in session.proto");

const char *bh_strategy_name(enum bh_strategy strategy)
{
	switch (strategy) {
	case BH_STRATEGY_UNKNOWN:
		return "";
	case BH_STRATEGY_ON_DEMAND:
		return "on-demand";
	case BH_STRATEGY_PERSISTENT:
		return "persistent";
	}
	return "";
}

void bh_fail_fast(struct bh_client *client, bool is_on)
{
	client->is_failing_fast = is_on;
}

int bh_strategy_set(struct bh_client *client, uint64_t address, enum bh_strategy strategy,
		    uint32_t interval_ms, void (*item)(void *ctx, const struct bh_device *device),
		    bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__STRATEGY_SET, .timeout_ms = STRATEGY_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (address == 0 || address >> 48 != 0 || (unsigned)strategy > BH_STRATEGY_PERSISTENT ||
	    (interval_ms > INTERVAL_MAX_MS && interval_ms != BH_INTERVAL_SAME))
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	request->strategy = strategy;
	request->number = interval_ms;
	request->item.device = item;
	return client_ask(client, request);
}

int bh_strategy_get(struct bh_client *client, uint64_t address,
		    void (*item)(void *ctx, const struct bh_device *device), bh_result_cb done,
		    void *ctx)
{
	return bh_strategy_set(client, address, BH_STRATEGY_UNKNOWN, BH_INTERVAL_SAME, item, done,
			       ctx);
}
