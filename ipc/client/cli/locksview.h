/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/locksview.h - the arbiter's table as people and programs see it: who has what, and below it
 * who waits, in order. Pure; time is passed in.
 */
#include "ipc/client/cli/table.h"
#include "ipc/locktab.h"

#include <jansson.h>

/* By resource; who has it before who waits, those by their place. */
void locksview_sort(struct locktab_copy *copy);

/* Whether two sorted tables say the same; times go on by themselves and are no change. */
bool locksview_is_same(const struct locktab_copy *a, const struct locktab_copy *b);

/* Fills @out, which is empty. Errors: -ENOMEM. */
must_check int locksview_show(const struct locktab_copy *copy, struct table *out, uint64_t now_ms);

/* An array of objects; NULL: no memory. */
json_t *locksview_json(const struct locktab_copy *copy, uint64_t now_ms);
