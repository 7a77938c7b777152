/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bucket.h - so many a second: a bucket of tokens that is full at first and holds those of one
 * second. Pure.
 */
#include "ipc/base.h"

/* All zeros is a full one. */
struct bucket {
	uint64_t at_ms; /* of level; 0: it is full */
	uint64_t level; /* thousandths of a token */
};

/**
 * bucket_take() - whether one more is allowed now; it is counted then
 * @per_s:  0: any number
 * @now_ms: never less than in the call before
 */
bool bucket_take(struct bucket *bucket, uint32_t per_s, uint64_t now_ms);
