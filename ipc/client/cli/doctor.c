/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor.c - the table of checks, and what they share. Pure.
 */
#include "ipc/client/cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In the order of causes: what is wrong further up often explains what is wrong below it. */
const struct doctor_check DOCTOR_CHECKS[] = {
	{ "kernel", doctor_check_kernel },
	{ "adapters", doctor_check_adapters },
	{ "rfkill", doctor_check_rfkill },
	{ "system bus", doctor_check_bus },
	{ "bus limit", doctor_check_bus_limit },
	{ "bluetoothd", doctor_check_bluetoothd },
	{ "BlueZ", doctor_check_bluez_version },
	{ "options", doctor_check_bluez_options },
	{ "D-Bus policy", doctor_check_policy },
	{ "power", doctor_check_power },
	{ "discovery", doctor_check_discovery },
	{ "HCI sockets", doctor_check_raw },
	{ "daemon", doctor_check_daemon },
	{ "socket", doctor_check_socket },
	{ "version", doctor_check_version },
	{ "workers", doctor_check_workers },
	{ "MGMT", doctor_check_mgmt },
	{ "arbiter", doctor_check_arbiter },
	{ "slot files", doctor_check_slot_files },
	{ "slot users", doctor_check_slot_users },
	{ NULL, NULL },
};

void doctor_say(struct doctor_finding *out, enum doctor_verdict verdict, const char *remedy,
		const char *format, ...)
{
	va_list args;

	out->verdict = verdict;
	va_start(args, format);
	(void)vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
	(void)snprintf(out->remedy, sizeof(out->remedy), "%s", remedy);
}

struct doctor_adapter *doctor_adapter(struct doctor_facts *facts, const char *name)
{
	struct doctor_adapter *adapter;
	size_t i;

	for (i = 0; i < facts->n_adapters; i++)
		if (strcmp(facts->adapters[i].name, name) == 0)
			return &facts->adapters[i];
	if (facts->n_adapters == DOCTOR_ADAPTERS_MAX || strlen(name) >= sizeof(adapter->name))
		return NULL;
	adapter = &facts->adapters[facts->n_adapters++];
	*adapter = (struct doctor_adapter){ .is_powered = false };
	(void)snprintf(adapter->name, sizeof(adapter->name), "%s", name);
	return adapter;
}

void doctor_list(char *list, size_t size, const char *word)
{
	static const char MORE[] = ", ...";
	size_t len = strlen(list);

	if (len + strlen(word) + 2 + sizeof(MORE) <= size)
		(void)snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", word);
	else if (len + sizeof(MORE) <= size && (len < 3 || strcmp(list + len - 3, "...") != 0))
		(void)snprintf(list + len, size - len, "%s", MORE);
}

size_t doctor_adapters(const struct doctor_facts *facts,
		       bool (*is_wanted)(const struct doctor_adapter *adapter), char *list,
		       size_t size)
{
	size_t n = 0;
	size_t i;

	list[0] = '\0';
	for (i = 0; i < facts->n_adapters; i++) {
		if (!is_wanted(&facts->adapters[i]))
			continue;
		n++;
		doctor_list(list, size, facts->adapters[i].name);
	}
	return n;
}
