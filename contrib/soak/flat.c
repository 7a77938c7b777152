/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/flat.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	/* Growth: of a heap that is not yet full, and of what is open at the moment. */
	GROWN_KIB = 192,
	GROWN_FDS = 12,
	GROWN_COUNT = 1,
};

void flat_add(struct flat *f, uint32_t kib, uint32_t fds)
{
	size_t room = f->room > 0 ? f->room * 2 : 64;
	struct flat_sample *samples = f->samples;

	if (f->n == f->room) {
		samples = realloc(f->samples, room * sizeof(*samples));
		if (!samples)
			return;
		f->samples = samples;
		f->room = room;
	}
	samples[f->n++] = (struct flat_sample){ .kib = kib, .fds = fds };
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Of the quarter that begins at @from. */
static struct flat_sample median(const struct flat *f, size_t from)
{
	size_t n = f->n / 4;
	struct flat_sample out = { 0 };
	uint32_t *of = malloc(n * sizeof(*of));

	if (!of)
		return out;
	for (size_t i = 0; i < n; i++)
		of[i] = f->samples[from + i].kib;
	qsort(of, n, sizeof(*of), by_size);
	out.kib = of[n / 2];
	for (size_t i = 0; i < n; i++)
		of[i] = f->samples[from + i].fds;
	qsort(of, n, sizeof(*of), by_size);
	out.fds = of[n / 2];
	free(of);
	return out;
}

bool flat_has_grown(const struct flat *f, char out[FLAT_TEXT_LEN])
{
	struct flat_sample first, last;

	if (f->n < FLAT_SAMPLES_MIN)
		return false;
	first = median(f, 0);
	last = median(f, f->n - f->n / 4);
	if (last.fds > first.fds + GROWN_FDS) {
		(void)snprintf(out, FLAT_TEXT_LEN, "%u descriptors, then %u", first.fds, last.fds);
		return true;
	}
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
	if (last.kib > first.kib + first.kib / 10 + GROWN_KIB) {
		(void)snprintf(out, FLAT_TEXT_LEN, "%u KiB, then %u", first.kib, last.kib);
		return true;
	}
#endif
	return false;
}

bool flat_has_more(const struct flat *f, char out[FLAT_TEXT_LEN])
{
	struct flat_sample first, last;

	if (f->n < FLAT_SAMPLES_MIN)
		return false;
	first = median(f, 0);
	last = median(f, f->n - f->n / 4);
	if (last.fds <= first.fds + GROWN_COUNT)
		return false;
	(void)snprintf(out, FLAT_TEXT_LEN, "%u, then %u", first.fds, last.fds);
	return true;
}

void flat_describe(const struct flat *f, char out[FLAT_TEXT_LEN])
{
	struct flat_sample first = median(f, 0), last = median(f, f->n - f->n / 4);

	(void)snprintf(out, FLAT_TEXT_LEN, "KiB %5u then %5u, descriptors %3u then %3u", first.kib,
		       last.kib, first.fds, last.fds);
}

void flat_done(struct flat *f)
{
	free(f->samples);
	*f = (struct flat){ 0 };
}
