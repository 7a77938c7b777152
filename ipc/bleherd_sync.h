/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_sync.h - the part of libbleherd that blocks, for programs without a loop of their
 * own; bleherd.h includes it. What that says of callbacks, errors and threads holds here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An answer that the caller keeps; release with bh_answer_clear(). */
struct bh_answer {
	enum bh_class error;
	char text[192];
	char advice[128];
	char adapter[16];
	struct bh_timings timings;
	uint32_t attempts;
	uint32_t mtu;
	uint8_t *value;
	size_t len_bytes;
};

/*
 * Each returns 0 when done, 1 when @answer->error says why not, or a negative errno: those of the
 * asynchronous call and of bh_wait(). @answer need not be initialised, and is overwritten.
 */
BH_API int bh_session_open_sync(struct bh_session **out, struct bh_client *client, uint64_t address,
				const char *adapter, uint32_t timeout_ms, struct bh_answer *answer);
BH_API int bh_connect_sync(struct bh_session *session, uint32_t timeout_ms,
			   struct bh_answer *answer);
BH_API int bh_connect_rejected_sync(struct bh_session *session, const char *why,
				    uint32_t timeout_ms, struct bh_answer *answer);

/*
 * A program's own check of a link that it was given, between connect and use; it may call
 * everything but bh_session_close() of that session and bh_free(). 0: it passes; 1: it does not,
 * and why may be in @out_why (as in bh_connect_rejected()); a negative errno ends the connecting.
 */
typedef int (*bh_check_cb)(void *ctx, struct bh_session *session, char out_why[BH_WHY_LEN]);

/**
 * bh_connect_checked_sync() - bh_connect_checked() to a link that also passes @check
 * @timeout_ms: for all of it, the program's check included; 0: the daemon's default, for each link
 * @check:      after @checks, on each link that is had; NULL: no check of the program's own
 *
 * Returns as the others, and what @check returned if that was negative: the link is kept then.
 * Class `validation`: none passed before attempts or time were used up.
 */
BH_API int bh_connect_checked_sync(struct bh_session *session, uint32_t timeout_ms,
				   const struct bh_check *checks, size_t n_checks,
				   bh_check_cb check, void *ctx, struct bh_answer *answer);
BH_API int bh_disconnect_sync(struct bh_session *session, struct bh_answer *answer);
BH_API int bh_read_sync(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
			struct bh_answer *answer);
BH_API int bh_write_sync(struct bh_session *session, const struct bh_uuid *uuid,
			 const uint8_t *value, size_t len_bytes, bool no_response,
			 uint32_t timeout_ms, struct bh_answer *answer);
BH_API void bh_answer_clear(struct bh_answer *answer);

/* Zero what is not needed. */
struct bh_retry_policy {
	uint32_t retries;    /* tries after the first; 0: 3 */
	uint32_t delay_ms;   /* before the first retry, then x 2 each time, +-20 %; 0: 2000 */
	uint32_t timeout_ms; /* no try begins later than that after the call; 0: no limit */
};

/**
 * bh_retry() - do something again while the way to the peripheral fails
 * @policy: NULL: 3 retries, after 2, 4 and 8 s
 * @op:     makes the *_sync() calls of one try and returns what they return: 0, 1, negative errno
 * @answer: @op's, of the last try; bh_answer_clear() it. Its text says how many there were
 *
 * Only connection errors are tried again (link-lost, not-found, no-reply, deadline, no-daemon,
 * ...), not what the peripheral or the daemon refuses, and not `interrupted`. A deadline leaves
 * open whether a write arrived: an @op that must not write twice does not return 1 for that. Each
 * call begins with all its tries. Sessions stay as they are; @op connects where it needs a link.
 *
 * Returns: 0 done; 1 @answer->error says why not; errors of @op and of bh_wait(), at once.
 * Blocks: for the tries and the pauses; callbacks of other requests run meanwhile.
 */
BH_API int bh_retry(struct bh_client *client, const struct bh_retry_policy *policy,
		    int (*op)(void *ctx, struct bh_answer *answer), void *ctx,
		    struct bh_answer *answer);

#ifdef __cplusplus
}
#endif
