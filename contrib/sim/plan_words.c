/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/plan_words.c - the words of a plan by themselves: times, addresses, and which command
 * undoes which; see plan.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/plan.h"

/* A week: what is longer is a mistake, and sums of it do not overflow. */
#define TIME_MAX_MS UINT64_C(604800000)

int plan_time(const char *text, uint64_t *out_ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 } };
	uint64_t value = 0;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > TIME_MAX_MS)
			return -EINVAL;
	}
	for (size_t i = 0; p != text && i < ARRAY_LEN(units); i++) {
		if (strcmp(p, units[i].unit) != 0)
			continue;
		if (value * units[i].ms > TIME_MAX_MS)
			return -EINVAL;
		*out_ms = value * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

void plan_address(enum plan_sort sort, unsigned index, char *out, size_t size)
{
	const unsigned high = sort == PLAN_DEVICE ? PLAN_ADDRESS_HIGH : PLAN_ADAPTER_HIGH;

	(void)snprintf(out, size, "%02X:%02X:%02X:%02X:%02X:%02X", high >> 16, high >> 8 & 0xff,
		       high & 0xff, index >> 16 & 0xff, index >> 8 & 0xff, index & 0xff);
}

/* Where the command's first argument begins and ends; equal: it has none. */
static void find_argument(const char *command, const char **out_begin, const char **out_end)
{
	const char *begin = command + strcspn(command, " ");

	begin += strspn(begin, " ");
	*out_begin = begin;
	*out_end = begin + strcspn(begin, " ");
}

void plan_fill(const char *command, const struct plan_target *target, char *out, size_t size)
{
	const char *begin, *end;
	char name[20] = "";

	find_argument(command, &begin, &end);
	if (target->sort == PLAN_ADAPTER)
		(void)snprintf(name, sizeof(name), "%u", target->index);
	else if (target->sort == PLAN_DEVICE)
		plan_address(PLAN_DEVICE, target->index, name, sizeof(name));
	/* An adapter where a device might stand: only its address tells. */
	else if (target->sort == PLAN_OBJECT)
		plan_address(PLAN_ADAPTER, target->index, name, sizeof(name));
	if ((size_t)(end - begin) == strlen("any") && strncmp(begin, "any", 3) == 0)
		(void)snprintf(out, size, "%.*s%s%s", (int)(begin - command), command, name, end);
	else if ((size_t)(end - begin) == strlen("it") && strncmp(begin, "it", 2) == 0)
		(void)snprintf(out, size, "%.*s%s%s", (int)(begin - command), command, name, end);
	else
		(void)snprintf(out, size, "%s", command);
}

/* Commands that are undone by something else than the other one of on and off. */
static const struct ending {
	const char *name;
	const char *undo;
	unsigned keep; /* arguments that the undoing has, too */
	const char *tail;
} endings[] = {
	{ "mute", "mute", 1, " off" },
	{ "refuse", "refuse", 1, " 0" },
	{ "refuse-adapter", "refuse-adapter", 1, " 0" },
	{ "lie", "lie", 1, " 0" },
	{ "early-drop", "early-drop", 1, " 0" },
	{ "early-advert", "early-advert", 1, " 0" },
	{ "no-reply", "no-reply", 2, " 0" },
	{ "hide", "hide", 1, " 0" },
	{ "pad", "pad", 1, " 0" },
	{ "connect-ms", "connect-ms", 1, " default" },
	{ "unplug", "plug", 1, "" },
	{ "hang-bluetoothd", "hang-bluetoothd", 0, " 0" },
};

/* The length of the command's first so many arguments, with a blank before each. */
static size_t arguments_length(const char *arguments, unsigned count)
{
	const char *p = arguments;

	while (count-- && *p == ' ') {
		p += strspn(p, " ");
		p += strcspn(p, " ");
	}
	return (size_t)(p - arguments);
}

/* on is the fault, but for these: off is. What is well already has nothing to undo. */
static bool undo_switch(const char *command, const char *last, char *out, size_t size)
{
	static const char *const upside_down[] = { "powered ", "le " };
	const char *fault = " on", *well = " off";

	for (size_t i = 0; i < ARRAY_LEN(upside_down); i++) {
		if (strncmp(command, upside_down[i], strlen(upside_down[i])) == 0) {
			fault = " off";
			well = " on";
		}
	}
	if (strcmp(last, fault) != 0)
		return false;
	(void)snprintf(out, size, "%.*s%s", (int)(last - command), command, well);
	return true;
}

bool plan_ending(const char *command, char *out, size_t size)
{
	const size_t len = strcspn(command, " ");
	const char *last = strrchr(command, ' ');

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const struct ending *row = &endings[i];

		if (strlen(row->name) != len || strncmp(row->name, command, len) != 0)
			continue;
		(void)snprintf(out, size, "%s%.*s%s", row->undo,
			       (int)arguments_length(command + len, row->keep), command + len,
			       row->tail);
		return true;
	}
	return last && undo_switch(command, last, out, size);
}

uint64_t plan_own_time_ms(const char *kind)
{
	/* The sim's default of restart-bluetoothd; hang-bluetoothd has none, it wants a time. */
	return strcmp(kind, "restart-bluetoothd") == 0 || strcmp(kind, "hang-bluetoothd") == 0
		       ? 1000
		       : 0;
}
