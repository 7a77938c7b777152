/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_daemon.c - the checks of bleherdd. Pure.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/doctor.h"

static bool is_up(const struct doctor_facts *facts)
{
	return facts->status == DOCTOR_REPLY_OK;
}

static void say_no_daemon(struct doctor_finding *out)
{
	doctor_say(out, DOCTOR_SKIP, "", "no daemon to ask");
}

void doctor_check_daemon(const struct doctor_facts *facts, struct doctor_finding *out)
{
	static const char START[] =
		"start it: systemctl start bleherd, or bleherdd as root; --socket "
		"and $BLEHERD_SOCKET say where it is looked for";

	if (is_up(facts))
		doctor_say(out, DOCTOR_PASS, "", "bleherdd %s, process %u", facts->daemon_version,
			   facts->daemon_pid);
	else if (facts->connect_error == -EACCES || facts->connect_error == -EPERM)
		doctor_say(out, DOCTOR_FAIL,
			   "run it as root or as a member of the socket's group (ls -l shows it)",
			   "we may not use %s", facts->socket);
	else if (facts->connect_error == -ETIMEDOUT ||
		 (facts->connect_error == 0 && facts->status == DOCTOR_REPLY_LATE))
		doctor_say(out, DOCTOR_FAIL, "systemctl restart bleherd; its journal says more",
			   "%s is there, but the daemon does not answer", facts->socket);
	else if (facts->connect_error != 0)
		doctor_say(out, DOCTOR_FAIL, START, "cannot reach it at %s: %s", facts->socket,
			   strerror(-facts->connect_error));
	else
		doctor_say(out, DOCTOR_FAIL, "systemctl restart bleherd; its journal says more",
			   "it refuses to say how it is: %s", facts->status_error);
}

void doctor_check_socket(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!facts->has_socket)
		doctor_say(out, DOCTOR_SKIP, "", "no socket");
	else if (facts->socket_mode & 0002)
		doctor_say(out, DOCTOR_WARN, "socket_mode = 0660 in [daemon] of bleherd.conf",
			   "mode %04o: every user of this machine may use the daemon",
			   facts->socket_mode);
	else
		doctor_say(out, DOCTOR_PASS, "", "mode %04o", facts->socket_mode);
}

void doctor_check_version(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!is_up(facts))
		say_no_daemon(out);
	else if (strcmp(facts->daemon_version, BLEHERD_VERSION) != 0)
		doctor_say(out, DOCTOR_WARN,
			   "systemctl restart bleherd: it runs on since an update",
			   "the daemon is %s, this command %s", facts->daemon_version,
			   BLEHERD_VERSION);
	else
		doctor_say(out, DOCTOR_PASS, "", "daemon and command are both %s", BLEHERD_VERSION);
}

static bool is_served(const struct doctor_adapter *adapter)
{
	return adapter->is_in_daemon && strcmp(adapter->state, "ready") == 0 &&
	       adapter->trouble == BH_CLASS_NONE;
}

static bool is_in_trouble(const struct doctor_adapter *adapter)
{
	return adapter->is_in_daemon && !is_served(adapter);
}

static bool is_forgotten(const struct doctor_adapter *adapter)
{
	return adapter->is_in_bluez && !adapter->is_in_daemon;
}

/* "hci1 is parked: it died 5 times", "hci0: bluetoothd is not running" */
static void list_troubles(const struct doctor_facts *facts, char *list, size_t size)
{
	char word[192];
	size_t i;

	list[0] = '\0';
	for (i = 0; i < facts->n_adapters; i++) {
		const struct doctor_adapter *a = &facts->adapters[i];
		bool is_ready = strcmp(a->state, "ready") == 0;
		const char *why = *a->trouble_text ? a->trouble_text : bh_class_name(a->trouble);

		if (!is_in_trouble(a))
			continue;
		(void)snprintf(word, sizeof(word), "%s%s%s%s%s", a->name, is_ready ? "" : " is ",
			       is_ready ? "" : a->state, a->trouble == BH_CLASS_NONE ? "" : ": ",
			       a->trouble == BH_CLASS_NONE ? "" : why);
		doctor_list(list, size, word);
	}
}

void doctor_check_workers(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char list[160];
	size_t good;

	if (!is_up(facts)) {
		say_no_daemon(out);
		return;
	}
	if (doctor_adapters(facts, is_forgotten, list, sizeof(list)) > 0) {
		doctor_say(out, DOCTOR_FAIL,
			   "do they use one bus? [bluez] bus and mgmt in bleherd.conf",
			   "bluetoothd has %s, the daemon does not", list);
		return;
	}
	good = doctor_adapters(facts, is_served, list, sizeof(list));
	if (doctor_adapters(facts, is_in_trouble, list, sizeof(list)) > 0) {
		list_troubles(facts, list, sizeof(list));
		doctor_say(out, good == 0 ? DOCTOR_FAIL : DOCTOR_WARN,
			   "bleherd events -n 20 tells what happened", "%s", list);
		return;
	}
	(void)doctor_adapters(facts, is_served, list, sizeof(list));
	if (good == 0)
		doctor_say(out, DOCTOR_FAIL, "see adapters above", "the daemon serves no adapter");
	else
		doctor_say(out, DOCTOR_PASS, "", "ready: %s", list);
}

static bool has_cap(const struct doctor_facts *facts, unsigned cap)
{
	return facts->caps >> cap & 1;
}

void doctor_check_mgmt(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!is_up(facts))
		say_no_daemon(out);
	else if (!facts->has_mgmt)
		doctor_say(out, DOCTOR_FAIL,
			   "modprobe bluetooth; bleherd events -n 20 has what opening it said",
			   "the daemon has no MGMT socket: it ends links in seconds instead of "
			   "milliseconds and cannot reset an adapter");
	else if (!facts->has_caps)
		doctor_say(out, DOCTOR_PASS, "",
			   "open (the daemon's capabilities cannot be seen from here)");
	else if (!has_cap(facts, CAP_NET_ADMIN))
		/* Get Connections, Set Powered and Disconnect are refused (0x14) without it. */
		doctor_say(
			out, DOCTOR_WARN,
			"start it as root, or with AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW",
			"the daemon lacks CAP_NET_ADMIN: the kernel refuses to end links and to "
			"reset adapters for it");
	else if (!has_cap(facts, CAP_NET_RAW))
		doctor_say(out, DOCTOR_WARN, "add CAP_NET_RAW to its AmbientCapabilities",
			   "the daemon lacks CAP_NET_RAW: raw HCI commands are refused");
	else
		doctor_say(out, DOCTOR_PASS, "", "open, with CAP_NET_ADMIN and CAP_NET_RAW");
}

void doctor_check_arbiter(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (!is_up(facts))
		say_no_daemon(out);
	else if (!facts->has_arbiter)
		doctor_say(out, DOCTOR_FAIL,
			   "bleherd events -n 20 says why; often the directory of the slot files "
			   "(below)",
			   "it does not run: programs get no locks, workers go on by themselves");
	else
		doctor_say(out, DOCTOR_PASS, "", "it runs");
}
