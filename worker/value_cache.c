/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/value_cache.h"

#include <string.h>

static size_t index_of(const struct value_cache *values, uint16_t handle)
{
	size_t i = 0;

	while (i < values->n && values->list[i].handle != handle)
		i++;
	return i;
}

const struct value_cached *value_cache_find(const struct value_cache *values, uint16_t handle)
{
	size_t i = index_of(values, handle);

	return i < values->n ? &values->list[i] : NULL;
}

void value_cache_drop(struct value_cache *values, uint16_t handle)
{
	size_t i = index_of(values, handle);

	if (i == values->n)
		return;
	free(values->list[i].data);
	values->list[i] = values->list[--values->n];
}

void value_cache_put(struct value_cache *values, uint16_t handle, const void *data, size_t len)
{
	uint8_t *copy;

	value_cache_drop(values, handle);
	if (len > VALUE_CACHE_LEN_MAX || values->n == VALUE_CACHE_MAX)
		return;
	/* An empty value is one, too. */
	copy = malloc(len + 1);
	if (!copy)
		return;
	if (len > 0)
		memcpy(copy, data, len);
	values->list[values->n++] =
		(struct value_cached){ .handle = handle, .len = (uint16_t)len, .data = copy };
}

void value_cache_clear(struct value_cache *values)
{
	while (values->n > 0)
		free(values->list[--values->n].data);
}
