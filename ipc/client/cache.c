/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipc/client/cache.c - what the daemon remembers of devices: not wanted, or not any more. */
#include "ipc/client/client.h"

/* BlueZ takes up to 5 s for each adapter, at once. */
enum { CLEAR_MS = 30000 };

void bh_fresh(struct bh_session *session, bool is_on)
{
	session->is_fresh = is_on;
}

int bh_clear_cache(struct bh_client *client, uint64_t address, unsigned flags, bh_result_cb done,
		   void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__CACHE_CLEAR, .timeout_ms = CLEAR_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (address == 0 || address >> 48 != 0 || flags > (BH_CLEAR_BLUEZ | BH_CLEAR_BOND) ||
	    flags == BH_CLEAR_BOND)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->address = address;
	request->number = flags;
	return client_ask(client, request);
}
