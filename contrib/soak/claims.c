/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/claims.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

struct claims *claims_new(void)
{
	void *at = mmap(NULL, sizeof(struct claims), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct claim_ring *claims_ring(struct claims *claims, size_t number, enum claim_kind kind,
			       const char *who, const char *resource)
{
	struct claim_ring *ring = &claims->rings[number];

	assert(number < CLAIMS_RINGS_MAX);
	(void)snprintf(ring->who, sizeof(ring->who), "%s", who);
	(void)snprintf(ring->resource, sizeof(ring->resource), "%s", resource);
	ring->kind = kind;
	ring->is_used = 1;
	return ring;
}

void claim_take(struct claim_ring *ring, int64_t now_us)
{
	ring->holds_since_us = now_us;
}

/* The turn is written before it is counted: whoever reads the count finds it there. */
void claim_note(struct claim_ring *ring, const struct claim_turn *turn)
{
	uint64_t n = atomic_load_explicit(&ring->n, memory_order_relaxed);

	ring->turns[n % CLAIMS_RING] = *turn;
	atomic_store_explicit(&ring->n, n + 1, memory_order_release);
}

void claim_give(struct claim_ring *ring, int64_t asked_us, int64_t now_us, uint64_t grant,
		bool is_lost)
{
	const struct claim_turn turn = { .asked_us = asked_us,
					 .took_us = ring->holds_since_us,
					 .gave_us = now_us,
					 .grant = grant,
					 .adapter = ring->adapter,
					 .is_lost = is_lost };

	if (turn.took_us == 0)
		return;
	ring->holds_since_us = 0;
	claim_note(ring, &turn);
}

void claim_doom(struct claim_ring *ring)
{
	ring->holds_since_us = 0;
	ring->pid = 0;
}
