/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arbiter's queue beside the model of its unit test; a byte of the input is a throw of dice. */
#include "lockd/slotq.h"
#include "tests/fuzz/feed.h"
#include "tests/unit/lockd/slotq_model.h"

enum { LOOK_EVERY = 8 };

static struct feed feed;

static uint32_t throw_dice(uint32_t sides)
{
	/* Times are the only larger ones. */
	return sides <= 256 ? feed_below(&feed, sides) : (feed_u32(&feed) & 0xffffu) % sides;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slotq *q = NULL;
	unsigned i;

	feed = (struct feed){ data, size };
	MUST(slotq_new(&q, SLOTQ_MODEL_ENTRIES, SLOTQ_MODEL_AGE_MS, &SLOTQ_MODEL_COUNTS) == 0);
	slotq_model_begin(throw_dice);
	for (i = 0; feed.left > 0; i++) {
		slotq_model_step(q);
		if (i % LOOK_EVERY == 0)
			slotq_model_look(q);
	}
	slotq_model_look(q);
	slotq_free(q);
	return 0;
}
