/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/strays.h"

bool strays_is_look_due(struct strays *strays, uint32_t links, bool is_hurried, uint64_t now_ms)
{
	uint32_t every_ms = STRAYS_IDLE_MS;

	strays->has_news |= links != strays->links;
	strays->links = links;
	if (strays->has_news || strays->n > 0)
		every_ms = STRAYS_LOOK_MS;
	if (is_hurried)
		every_ms = STRAYS_SOUGHT_MS;
	return !strays->is_asking && now_ms - strays->looked_at_ms >= every_ms;
}

void strays_looked(struct strays *strays, bool is_asking, uint64_t now_ms)
{
	strays->is_asking = is_asking;
	strays->has_news = false;
	strays->looked_at_ms = now_ms;
}

static struct stray *find(struct strays *strays, uint64_t address)
{
	size_t i;

	for (i = 0; i < strays->n; i++)
		if (strays->rows[i].address == address)
			return &strays->rows[i];
	return NULL;
}

void strays_note(struct strays *strays, const struct stray *seen, size_t n, uint64_t now_ms)
{
	struct stray rows[STRAYS_MAX];
	size_t i;

	n = n < STRAYS_MAX ? n : STRAYS_MAX;
	for (i = 0; i < n; i++) {
		const struct stray *before = find(strays, seen[i].address);

		rows[i] = seen[i];
		rows[i].since_ms = before ? before->since_ms : now_ms;
		rows[i].tried_at_ms = before ? before->tried_at_ms : 0;
	}
	for (i = 0; i < n; i++)
		strays->rows[i] = rows[i];
	strays->n = n;
}

static bool is_due(const struct stray *stray, uint64_t now_ms)
{
	if (stray->tried_at_ms != 0)
		return now_ms - stray->tried_at_ms >= STRAYS_AGAIN_MS;
	return now_ms - stray->since_ms >= (stray->is_sought ? STRAYS_SOUGHT_MS : STRAYS_MS);
}

struct stray *strays_take(struct strays *strays, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < strays->n; i++) {
		if (!is_due(&strays->rows[i], now_ms))
			continue;
		strays->rows[i].tried_at_ms = now_ms;
		return &strays->rows[i];
	}
	return NULL;
}

void strays_untried(struct strays *strays, uint64_t address)
{
	struct stray *stray = find(strays, address);

	if (stray)
		stray->tried_at_ms = 0;
}

bool strays_may_be_alias(uint64_t address, bool is_random)
{
	/* Core specification, vol. 6 B 1.3.2.2: the two highest bits are 01. */
	return is_random && address >> 46 == 1;
}
