/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_lock.h - the part of libbleherd about locks; bleherd.h includes it. What that says of
 * callbacks, errors and threads holds here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- locks: the radios, shared with programs that use them past the daemon --- */

struct bh_lock;

enum bh_lock_class {
	BH_LOCK_BY_RESOURCE, /* connect for device: and connect:, scan for scan: */
	BH_LOCK_RECOVERY,    /* the daemon's own: refused */
	BH_LOCK_INTERACTIVE,
	BH_LOCK_CONNECT,
	BH_LOCK_SCAN,
	BH_LOCK_BACKGROUND_SCAN,
};

enum { BH_LOCK_RESOURCES_MAX = 4 };

/* As bh_lock_request.timeout_ms: wait however long it takes. */
#define BH_LOCK_FOR_EVER UINT32_MAX

/* Copied by bh_lock_acquire(); zero what is not needed. */
struct bh_lock_request {
	const char *const *resources; /* "connect:hci0", "scan:hci0", "maintenance:hci0",
					 "device:C0:AA:BB:00:00:01": all of them or none */
	size_t n_resources;	      /* 1 to BH_LOCK_RESOURCES_MAX */
	enum bh_lock_class lock_class;
	uint32_t timeout_ms;  /* 0: only if it is free now */
	uint32_t max_hold_ms; /* held no longer than that; 0: as long as the arbiter allows */
	uint64_t under;	      /* a grant that covers part of it (bh_lock_grant()); 0: none */
	const char *label;    /* what `bleherd locks` shows; NULL: the client's */
};

enum bh_lock_event {
	BH_LOCK_REVOKED, /* stop and release: it is taken away in grace_ms */
	BH_LOCK_LOST,	 /* it is over: whatever names its grant is refused; where it is lost
			  * with the daemon nobody else has it before this returns */
	BH_LOCK_WANTED,	 /* others wait for it: release it when it suits */
};

struct bh_lock_news {
	enum bh_lock_event event;
	enum bh_class error;
	uint32_t grace_ms;
	const char *text;
};

typedef void (*bh_lock_cb)(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news);

/**
 * bh_lock_acquire() - wait for a turn on a radio
 * @out:  valid at once; release with bh_lock_release(), also when it was not granted
 * @news: what happens to it once it is held; may be NULL
 * @done: once: held, or class lock-timeout (not within timeout_ms), limit, adapter-gone, invalid
 * ... timings.queue_ms is the time waited
 *
 * It is renewed from within bh_process(): a program that does not call that loses it. It survives a
 * restart of the arbiter. The lock is the calling process's: a child has no part in it.
 *
 * Errors: -EINVAL, -ENOTCONN, -ENOMEM.  Blocks: never.
 */
BH_API int bh_lock_acquire(struct bh_lock **out, struct bh_client *client,
			   const struct bh_lock_request *request, bh_lock_cb news,
			   bh_result_cb done, void *ctx);

/* A new lease now, rather than when the library would ask. -ENOTCONN: it is not held. */
BH_API int bh_lock_renew(struct bh_lock *lock, bh_result_cb done, void *ctx);

/*
 * Gives it up, held or waiting: a request that waits is answered `cancelled` before this returns,
 * and nothing of it is called afterwards. NULL is fine; returns NULL.
 */
BH_API struct bh_lock *bh_lock_release(struct bh_lock *lock);

/* The fencing number: grows with each grant of this machine since boot; 0: not held. */
BH_API uint64_t bh_lock_grant(const struct bh_lock *lock);

/* Sessions and scans made from now on act under that grant instead of waiting for it; 0: no more.
 */
BH_API void bh_use_grant(struct bh_client *client, uint64_t grant);

/* Return values and @answer as those of the calls in bleherd.h. */
BH_API int bh_lock_acquire_sync(struct bh_lock **out, struct bh_client *client,
				const struct bh_lock_request *request, bh_lock_cb news, void *ctx,
				struct bh_answer *answer);
BH_API int bh_lock_renew_sync(struct bh_lock *lock, struct bh_answer *answer);

#ifdef __cplusplus
}
#endif
