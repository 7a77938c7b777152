/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_cache.h - the part of libbleherd about what the daemon remembers of devices, which
 * spares their radio; bleherd.h includes it. What that says of callbacks, errors and threads holds
 * here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * bh_fresh() - whether services and values that are asked for from now on come from the device
 *
 * Otherwise services are answered from memory while there is no link, and values that the
 * configuration calls `fixed` once they were read; is_cached of the timings says so. Blocks: never.
 */
BH_API void bh_fresh(struct bh_session *session, bool is_on);

/* bh_services() with a deadline: it may have to connect. 0: the daemon's default. */
BH_API int bh_services_within(struct bh_session *session, uint32_t timeout_ms,
			      void (*item)(void *ctx, const struct bh_service *service),
			      bh_result_cb done, void *ctx);

/* For bh_clear_cache(). */
enum bh_clear_flags {
	BH_CLEAR_BLUEZ = 1, /* bluetoothd forgets the device, too */
	BH_CLEAR_BOND = 2,  /* also where it is bonded, which ends that */
};

/**
 * bh_clear_cache() - forget what is remembered of a device
 * @flags: bits of bh_clear_flags
 * @done:  when all adapters have forgotten it
 *
 * With BH_CLEAR_BLUEZ, class `busy-same-device`: it is connected or about to be; `invalid`: it is
 * bonded, and BH_CLEAR_BOND is not given.
 * Errors: -EINVAL no device address, or BH_CLEAR_BOND alone; -ENOTCONN, -ENOBUFS, -ENOMEM.
 * Blocks: never.
 */
BH_API int bh_clear_cache(struct bh_client *client, uint64_t address, unsigned flags,
			  bh_result_cb done, void *ctx);

/* Return values and @answer as those of the calls in bleherd.h. */
BH_API int bh_clear_cache_sync(struct bh_client *client, uint64_t address, unsigned flags,
			       struct bh_answer *answer);

#ifdef __cplusplus
}
#endif
