/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/stats.c - prints the model's counters for the `stats` command. No state, no I/O.
 *
 * The keys are read by tests and benchmarks: add, do not rename.
 */
#include "contrib/sim/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/model.h"

/* One row per counter: the same list prints the devices and adds up the totals. */
static const struct counter {
	const char *key;
	size_t offset;
} counters[] = {
	{ "connects", offsetof(struct model_counters, connects) },
	{ "disconnects", offsetof(struct model_counters, disconnects) },
	{ "refused", offsetof(struct model_counters, refused) },
	{ "reads", offsetof(struct model_counters, reads) },
	{ "writes", offsetof(struct model_counters, writes) },
	{ "commands", offsetof(struct model_counters, commands) },
	{ "subscribes", offsetof(struct model_counters, subscribes) },
	{ "notifications", offsetof(struct model_counters, notifications) },
	{ "dropped", offsetof(struct model_counters, dropped) },
	{ "busy", offsetof(struct model_counters, busy) },
};
static_assert(sizeof(struct model_counters) == ARRAY_LEN(counters) * sizeof(uint64_t),
	      "each counter is printed");

static uint64_t *counter_of(struct model_counters *all, size_t i)
{
	return (uint64_t *)(void *)((char *)all + counters[i].offset);
}

static void print_counters(FILE *f, struct model_counters *all)
{
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		(void)fprintf(f, "%s\"%s\":%" PRIu64, i ? "," : "", counters[i].key,
			      *counter_of(all, i));
}

static void print_adapter(FILE *f, const struct model_adapter *adapter)
{
	char address[MODEL_ADDRESS_CHARS];

	model_address_format(adapter->address, address);
	(void)fprintf(f,
		      "{\"index\":%u,\"address\":\"%s\",\"plugged\":%s,\"links\":%u,"
		      "\"links_max\":%u,\"connecting\":%u,\"connecting_max\":%u,"
		      "\"discovering\":%u,\"monitoring\":%u,\"discoveries\":%" PRIu64 "}",
		      adapter->index, address, adapter->plugged ? "true" : "false", adapter->links,
		      adapter->links_max, adapter->connecting, adapter->connecting_max,
		      adapter->discovering, adapter->monitoring, adapter->discoveries);
}

static void print_device(FILE *f, struct model_device *device)
{
	char address[MODEL_ADDRESS_CHARS];

	model_address_format(device->address, address);
	(void)fprintf(f, "{\"address\":\"%s\",\"link\":", address);
	if (device->link == MODEL_NO_ADAPTER)
		(void)fputs("null,", f);
	else
		(void)fprintf(f, "%d,", device->link);
	print_counters(f, &device->counters);
	(void)fputc('}', f);
}

static void print_devices(FILE *f, struct model *model)
{
	static const struct model_counters untouched;
	bool first = true;

	(void)fputs("],\"devices\":[", f);
	for (unsigned i = 0; i < model_device_count(model); i++) {
		struct model_device *device = model_device(model, i);

		if (memcmp(&device->counters, &untouched, sizeof(untouched)) == 0)
			continue;
		if (!first)
			(void)fputc(',', f);
		first = false;
		print_device(f, device);
	}
}

char *stats_json(struct model *model, bool with_devices)
{
	struct model_counters totals = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (unsigned d = 0; d < model_device_count(model); d++) {
		for (size_t i = 0; i < ARRAY_LEN(counters); i++)
			*counter_of(&totals, i) +=
				*counter_of(&model_device(model, d)->counters, i);
	}
	(void)fputs("{\"totals\":{", f);
	print_counters(f, &totals);
	(void)fputs("},\"adapters\":[", f);
	for (unsigned i = 0; i < model_adapter_count(model); i++) {
		if (i)
			(void)fputc(',', f);
		print_adapter(f, model_adapter(model, i));
	}
	if (with_devices)
		print_devices(f, model);
	(void)fputs("]}", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
