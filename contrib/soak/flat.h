/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/flat.h - whether what a process uses grew: the median of the first quarter of its
 * samples against that of the last. Pure.
 */
#include "ipc/base.h"

enum { FLAT_SAMPLES_MIN = 4 /* a quarter is one */, FLAT_TEXT_LEN = 64 };

/* Zeroed at the begin; flat_done() it. */
struct flat {
	size_t n, room;
	struct flat_sample {
		uint32_t kib, fds;
	} * samples;
};

/* Without memory for it a sample is left out. */
void flat_add(struct flat *f, uint32_t kib, uint32_t fds);

/* Memory or descriptors; of fewer than FLAT_SAMPLES_MIN samples nothing is said. @out: how much. */
bool flat_has_grown(const struct flat *f, char out[FLAT_TEXT_LEN]);

/* Of what is counted as @fds: more than one, in the same way. */
bool flat_has_more(const struct flat *f, char out[FLAT_TEXT_LEN]);

/* Both for people: "KiB 900 then 910, descriptors 10 then 10"; of at least 4 samples. */
void flat_describe(const struct flat *f, char out[FLAT_TEXT_LEN]);

void flat_done(struct flat *f);
