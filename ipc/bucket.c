/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/bucket.h"

enum { TOKEN = 1000, SECOND_MS = 1000 };

bool bucket_take(struct bucket *bucket, uint32_t per_s, uint64_t now_ms)
{
	const uint64_t full = (uint64_t)per_s * TOKEN;
	uint64_t span_ms = now_ms - bucket->at_ms;

	if (per_s == 0)
		return true;
	if (bucket->at_ms == 0 || span_ms >= SECOND_MS)
		bucket->level = full;
	else
		bucket->level += span_ms * per_s;
	/* The rate may have been higher. */
	if (bucket->level > full)
		bucket->level = full;
	bucket->at_ms = now_ms;
	if (bucket->level < TOKEN)
		return false;
	bucket->level -= TOKEN;
	return true;
}
