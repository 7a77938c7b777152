/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_bluez.c - the checks of the system bus and of bluetoothd. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/doctor.h"

enum {
	/* max_connections_per_user of dbus-daemon's system.conf; a warning at three quarters. */
	BUS_PER_USER = 256,
	BUS_PER_USER_WARN = BUS_PER_USER * 3 / 4,
	BUS_PER_USER_FAIL = BUS_PER_USER - 4, /* supervisor, two workers, a tool */
};

void doctor_check_bus(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->bus_error == -ETIMEDOUT)
		doctor_say(out, DOCTOR_FAIL, "systemctl status dbus",
			   "the system bus takes connections but does not answer within 2 s");
	else if (facts->bus_error != 0)
		doctor_say(out, DOCTOR_FAIL, "systemctl start dbus",
			   "no connection to the system bus: %s", strerror(-facts->bus_error));
	else
		doctor_say(out, DOCTOR_PASS, "", "connected");
}

void doctor_check_bus_limit(const struct doctor_facts *facts, struct doctor_finding *out)
{
	static const char REMEDY[] =
		"busctl list shows who has them: a program that opens one per device and forgets "
		"it";
	enum doctor_verdict verdict = DOCTOR_PASS;

	if (facts->names != DOCTOR_REPLY_OK || facts->most_connections == 0) {
		doctor_say(out, DOCTOR_SKIP, "", "the bus did not tell its connections");
		return;
	}
	if (facts->most_connections >= BUS_PER_USER_FAIL)
		verdict = DOCTOR_FAIL;
	else if (facts->most_connections >= BUS_PER_USER_WARN)
		verdict = DOCTOR_WARN;
	doctor_say(out, verdict, verdict == DOCTOR_PASS ? "" : REMEDY,
		   "%u connections; user %u has most, %u of %u", facts->connections,
		   facts->most_uid, facts->most_connections, BUS_PER_USER);
}

/* Somebody else has its name: bluetoothd beyond our namespace, or a simulated one. */
static bool is_stranger(const struct doctor_facts *facts)
{
	return facts->owner == DOCTOR_REPLY_OK && facts->owner_pid != facts->bluetoothd_pid;
}

void doctor_check_bluetoothd(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (is_stranger(facts)) {
		doctor_say(out, DOCTOR_PASS, "",
			   "org.bluez belongs to process %u, which is no bluetoothd of ours",
			   facts->owner_pid);
		return;
	}
	if (facts->bluetoothd_state == 'T' || facts->bluetoothd_state == 't') {
		char remedy[64];

		(void)snprintf(remedy, sizeof(remedy), "kill -CONT %u", facts->bluetoothd_pid);
		doctor_say(out, DOCTOR_FAIL, remedy,
			   "process %u is stopped; calls to it pile up and are carried out later",
			   facts->bluetoothd_pid);
		return;
	}
	if (facts->n_bluetoothd > 1) {
		doctor_say(out, DOCTOR_WARN, "end all but the one of systemctl status bluetooth",
			   "%u processes of it run", facts->n_bluetoothd);
		return;
	}
	if (facts->owner == DOCTOR_REPLY_OK)
		doctor_say(out, DOCTOR_PASS, "", "process %u has the name org.bluez",
			   facts->owner_pid);
	else if (facts->n_bluetoothd > 0 && facts->owner == DOCTOR_REPLY_NOBODY)
		doctor_say(out, DOCTOR_FAIL,
			   "systemctl restart bluetooth; journalctl -u bluetooth says why",
			   "process %u runs but does not have the name org.bluez",
			   facts->bluetoothd_pid);
	else if (facts->n_bluetoothd > 0)
		doctor_say(out, DOCTOR_PASS, "", "process %u", facts->bluetoothd_pid);
	else
		doctor_say(out, DOCTOR_FAIL, "systemctl enable --now bluetooth",
			   "it does not run; sessions wait for it");
}

/*
 * What the field says of versions: 5.55 is the oldest that bleak takes; MTU came with 5.62; 5.84
 * with a BCM4345C0 was seen to abort connects in storms (geberit-aquaclean).
 */
static const struct {
	unsigned first;
	unsigned last;
	enum doctor_verdict verdict;
	const char *text;
	const char *remedy;
} BLUEZ5[] = {
	{ 0, 54, DOCTOR_FAIL, "too old: nothing before 5.55 is known to work", "update bluez" },
	{ 55, 61, DOCTOR_WARN, "no MTU property (since 5.62): programs get 23 as the MTU",
	  "update bluez; Debian 12 has 5.66" },
	{ 84, 84, DOCTOR_WARN,
	  "with a BCM4345C0 it was seen to abort connects (le-connection-abort-by-local)",
	  "if connects take 25 s, use another version of bluez" },
};

void doctor_check_bluez_version(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;

	if (facts->bluez_major == 0) {
		doctor_say(out, DOCTOR_SKIP, "", "no bluetoothd to ask in the usual places");
		return;
	}
	doctor_say(out, DOCTOR_PASS, "", "bluetoothd %u.%u", facts->bluez_major,
		   facts->bluez_minor);
	if (facts->bluez_major < 5)
		doctor_say(out, DOCTOR_FAIL, BLUEZ5[0].remedy, "bluetoothd %u.%u: %s",
			   facts->bluez_major, facts->bluez_minor, BLUEZ5[0].text);
	for (i = 0; facts->bluez_major == 5 && i < ARRAY_LEN(BLUEZ5); i++)
		if (facts->bluez_minor >= BLUEZ5[i].first && facts->bluez_minor <= BLUEZ5[i].last)
			doctor_say(out, BLUEZ5[i].verdict, BLUEZ5[i].remedy, "bluetoothd %u.%u: %s",
				   facts->bluez_major, facts->bluez_minor, BLUEZ5[i].text);
}

void doctor_check_bluez_options(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->n_bluetoothd == 0 || is_stranger(facts))
		doctor_say(out, DOCTOR_SKIP, "", "no process bluetoothd");
	else if (facts->is_debug)
		doctor_say(out, DOCTOR_WARN, "take --debug out of its unit: it logs every advert",
			   "%s", facts->bluetoothd_options);
	else if (facts->is_experimental)
		doctor_say(out, DOCTOR_PASS, "", "%s", facts->bluetoothd_options);
	else
		doctor_say(out, DOCTOR_PASS, "", "%s%swithout --experimental: no passive scanning",
			   facts->bluetoothd_options, *facts->bluetoothd_options ? "; " : "");
}

void doctor_check_policy(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->objects == DOCTOR_REPLY_OK)
		doctor_say(out, DOCTOR_PASS, "", "bluetoothd answers");
	else if (facts->objects == DOCTOR_REPLY_DENIED)
		doctor_say(out, DOCTOR_FAIL,
			   "run it as root or join the group that "
			   "/etc/dbus-1/system.d/bluetooth.conf names",
			   "we may not talk to org.bluez: %s", facts->objects_error);
	else if (facts->objects == DOCTOR_REPLY_LATE && facts->bus_error == 0)
		doctor_say(out, DOCTOR_FAIL, "systemctl restart bluetooth",
			   "bluetoothd does not answer within 2 s");
	else if (facts->objects == DOCTOR_REPLY_ERROR)
		doctor_say(out, DOCTOR_FAIL, "systemctl restart bluetooth",
			   "bluetoothd answers with an error: %s", facts->objects_error);
	else
		doctor_say(out, DOCTOR_SKIP, "", "no bluetoothd to talk to");
}

static bool is_in_bluez(const struct doctor_adapter *adapter)
{
	return adapter->is_in_bluez;
}

static bool is_off(const struct doctor_adapter *adapter)
{
	return adapter->is_in_bluez && !adapter->is_powered;
}

static bool is_off_and_blocked(const struct doctor_adapter *adapter)
{
	return is_off(adapter) && (adapter->is_soft_blocked || adapter->is_hard_blocked);
}

void doctor_check_power(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const char *remedy = "bluetoothctl power on, and AutoEnable=true in "
			     "/etc/bluetooth/main.conf for the next boot";
	char list[120];
	size_t all = doctor_adapters(facts, is_in_bluez, list, sizeof(list));
	size_t n;

	if (all == 0) {
		doctor_say(out, DOCTOR_SKIP, "", "bluetoothd shows no adapter");
		return;
	}
	if (doctor_adapters(facts, is_off_and_blocked, list, sizeof(list)) > 0)
		remedy = "see rfkill above";
	n = doctor_adapters(facts, is_off, list, sizeof(list));
	if (n == 0)
		doctor_say(out, DOCTOR_PASS, "", "%s on", all == 1 ? "the adapter is" : "all are");
	else
		doctor_say(out, n == all ? DOCTOR_FAIL : DOCTOR_WARN, remedy, "off: %s", list);
}

static bool is_discovering(const struct doctor_adapter *adapter)
{
	return adapter->is_discovering;
}

/* The worker that discovers, and a program that asked for it, hold the arbiter's scan lock. */
static bool is_discovered_outside(const struct doctor_adapter *adapter)
{
	return adapter->is_discovering && !adapter->is_scan_held;
}

void doctor_check_discovery(const struct doctor_facts *facts, struct doctor_finding *out)
{
	static const char REMEDY[] =
		"end it (a bluetoothctl with scan on, a desktop's Bluetooth settings): a connect "
		"during discovery takes 8.7 s instead of 0.4 s";
	bool is_daemon = facts->status == DOCTOR_REPLY_OK;
	char list[80];
	size_t n;

	if (facts->objects != DOCTOR_REPLY_OK) {
		doctor_say(out, DOCTOR_SKIP, "", "bluetoothd has not been heard");
		return;
	}
	n = doctor_adapters(facts, is_discovered_outside, list, sizeof(list));
	/* Without the arbiter workers discover without a lock, and it cannot be told apart. */
	if (n > 0 && is_daemon && !facts->has_locks) {
		doctor_say(out, DOCTOR_SKIP, "", "%s discovers; for whom, only the arbiter knows",
			   list);
		return;
	}
	if (n > 0) {
		doctor_say(out, DOCTOR_WARN, REMEDY, "a program outside of bleherd scans on %s",
			   list);
		return;
	}
	n = doctor_adapters(facts, is_discovering, list, sizeof(list));
	if (n > 0)
		doctor_say(out, DOCTOR_PASS, "", "only by bleherd: %s", list);
	else
		doctor_say(out, DOCTOR_PASS, "", "nobody scans");
}
