/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_strategy.h - the part of libbleherd about what the daemon does for a device by
 * itself; bleherd.h includes it. What that says of callbacks, errors and threads holds here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As an interval of bh_strategy_set(): as it is. */
#define BH_INTERVAL_SAME UINT32_MAX

/**
 * bh_strategy_get() - which strategy holds for a device, seen or not
 * @item: once, with the device; its strategy, keeper, check_interval_ms and circuit_failures
 *
 * Errors: -EINVAL no device address, -ENOTCONN, -ENOBUFS, -ENOMEM.
 * Blocks: never.
 */
BH_API int bh_strategy_get(struct bh_client *client, uint64_t address,
			   void (*item)(void *ctx, const struct bh_device *device),
			   bh_result_cb done, void *ctx);

/**
 * bh_strategy_set() - choose another one, until the daemon ends
 * @strategy:    0: as it is
 * @interval_ms: between the beginnings of two polls, at most a day; 0: none; BH_INTERVAL_SAME
 * @item:        as of bh_strategy_get(), with what holds then; may be NULL
 *
 * Sessions of programs and their requests are not touched, and a poll that runs ends as it would.
 * The link of a device that is on-demand now ends when no program uses it. Class `invalid`: the
 * configuration does not say what is to be polled.
 * Errors: -EINVAL out of range; the others as of bh_strategy_get().
 * Blocks: never.
 */
BH_API int bh_strategy_set(struct bh_client *client, uint64_t address, enum bh_strategy strategy,
			   uint32_t interval_ms,
			   void (*item)(void *ctx, const struct bh_device *device),
			   bh_result_cb done, void *ctx);

/*
 * Whether sessions that are opened from now on fail at once, with the class of the last poll, while
 * the circuit of the device's polls is open. Otherwise they try.
 */
BH_API void bh_fail_fast(struct bh_client *client, bool is_on);

/* Return values and @answer as those of the calls in bleherd.h. */
BH_API int bh_strategy_get_sync(struct bh_client *client, uint64_t address,
				enum bh_strategy *out_strategy, struct bh_answer *answer);
BH_API int bh_strategy_set_sync(struct bh_client *client, uint64_t address,
				enum bh_strategy strategy, uint32_t interval_ms,
				struct bh_answer *answer);

/* "on-demand", "persistent"; "" for 0. */
BH_API const char *bh_strategy_name(enum bh_strategy strategy);

#ifdef __cplusplus
}
#endif
