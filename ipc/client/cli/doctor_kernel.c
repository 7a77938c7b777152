/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_kernel.c - the checks of the machine itself: kernel, adapters, switches, programs that
 * go past bluetoothd, slot files. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/doctor.h"

/*
 * 6.1.192 (Debian's 6.1.0-56) crashes in hci_chan_del when a link drops right after it came up, or
 * a connect times out, and takes bluetoothd with it; 6.1.176 (6.1.0-50) and 6.12 ran the same
 * scenarios without that. Nobody has tried what is between and after them.
 */
enum {
	KERNEL_GOOD = 176,
	KERNEL_BAD = 192,
	KERNEL_GOOD_ABI = 50,
	KERNEL_BAD_ABI = 56,
	/* STYLE 1: the oldest kernel whose calls are taken for granted. */
	KERNEL_OLDEST_MAJOR = 5,
	KERNEL_OLDEST_MINOR = 10,
};

struct version {
	unsigned major;
	unsigned minor;
	unsigned patch;
};

/*
 * Debian calls all of its 6.1 kernels 6.1.0-ABI and names the true version in /proc/version, as
 * "Debian 6.1.192-1".
 */
static bool read_version(const struct doctor_facts *facts, struct version *out)
{
	const char *debian = strstr(facts->kernel_version, " Debian ");
	unsigned abi = 0;
	int n;

	*out = (struct version){ 0 };
	if (debian &&
	    sscanf(debian, " Debian %u.%u.%u", &out->major, &out->minor, &out->patch) == 3)
		return true;
	n = sscanf(facts->kernel_release, "%u.%u.%u-%u", &out->major, &out->minor, &out->patch,
		   &abi);
	if (n == 4 && out->patch == 0 && abi == KERNEL_BAD_ABI)
		out->patch = KERNEL_BAD;
	else if (n == 4 && out->patch == 0 && abi > KERNEL_GOOD_ABI)
		out->patch = KERNEL_GOOD + 1;
	return n >= 2;
}

void doctor_check_kernel(const struct doctor_facts *facts, struct doctor_finding *out)
{
	static const char OTHER[] = "boot 6.1.0-50 (6.1.176) or older, or a 6.12";
	const char *name = facts->kernel_release;
	struct version v;

	if (!read_version(facts, &v)) {
		doctor_say(out, DOCTOR_SKIP, "", "the kernel's version cannot be read");
		return;
	}
	if (v.major < KERNEL_OLDEST_MAJOR ||
	    (v.major == KERNEL_OLDEST_MAJOR && v.minor < KERNEL_OLDEST_MINOR))
		doctor_say(out, DOCTOR_FAIL, "run Linux 5.10 or newer",
			   "%s is older than bleherd supports", name);
	else if (v.major != 6 || v.minor != 1 || v.patch <= KERNEL_GOOD)
		doctor_say(out, DOCTOR_PASS, "", "%s", name);
	else if (v.patch == KERNEL_BAD)
		doctor_say(out, DOCTOR_FAIL, OTHER,
			   "%s (6.1.%u) crashes when a link drops early and takes bluetoothd with "
			   "it",
			   name, v.patch);
	else
		doctor_say(out, DOCTOR_WARN, OTHER,
			   "%s: 6.1.%u is known to crash when a link drops early, 6.1.%u not to; "
			   "nobody has tried this one",
			   name, KERNEL_BAD, KERNEL_GOOD);
}

static bool is_in_kernel(const struct doctor_adapter *adapter)
{
	return adapter->is_in_kernel;
}

static bool is_in_bluez(const struct doctor_adapter *adapter)
{
	return adapter->is_in_bluez;
}

static bool is_only_in_kernel(const struct doctor_adapter *adapter)
{
	return adapter->is_in_kernel && !adapter->is_in_bluez;
}

void doctor_check_adapters(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char list[120];

	if (doctor_adapters(facts, is_only_in_kernel, list, sizeof(list)) > 0 &&
	    facts->objects == DOCTOR_REPLY_OK) {
		doctor_say(out, DOCTOR_WARN,
			   "look for it in dmesg and in bluetoothd's journal; unplug and plug it",
			   "bluetoothd does not have %s", list);
		return;
	}
	if (doctor_adapters(facts, is_in_kernel, list, sizeof(list)) > 0) {
		doctor_say(out, DOCTOR_PASS, "", "%s", list);
		return;
	}
	/* Bluetooth belongs to the first network namespace; the bus may come from outside of ours.
	 */
	if (doctor_adapters(facts, is_in_bluez, list, sizeof(list)) > 0)
		doctor_say(out, DOCTOR_WARN,
			   "in a container, use the host's network namespace; for a simulated "
			   "bluetoothd this is right",
			   "bluetoothd has %s, the kernel shows none here", list);
	else
		doctor_say(out, DOCTOR_FAIL,
			   "plug one in; if it is: dmesg | grep -i bluetooth (driver, firmware)",
			   "no Bluetooth adapter");
}

static bool is_hard(const struct doctor_adapter *adapter)
{
	return adapter->is_hard_blocked;
}

static bool is_blocked(const struct doctor_adapter *adapter)
{
	return adapter->is_hard_blocked || adapter->is_soft_blocked;
}

void doctor_check_rfkill(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char hard[120];
	char list[120];
	size_t all = doctor_adapters(facts, is_in_kernel, list, sizeof(list));
	size_t n_hard = doctor_adapters(facts, is_hard, hard, sizeof(hard));
	size_t n = doctor_adapters(facts, is_blocked, list, sizeof(list));
	enum doctor_verdict verdict = n >= all ? DOCTOR_FAIL : DOCTOR_WARN;

	if (all == 0)
		doctor_say(out, DOCTOR_SKIP, "", "no adapter");
	else if (n == 0)
		doctor_say(out, DOCTOR_PASS, "", "nothing is blocked");
	else if (n_hard > 0)
		doctor_say(out, verdict,
			   "switch Bluetooth on by its key, switch or in the firmware's setup",
			   "blocked by hardware: %s", hard);
	else
		doctor_say(out, verdict, "rfkill unblock bluetooth", "blocked: %s", list);
}

static void list_holders(const struct doctor_holder *holders, size_t n, char *list, size_t size)
{
	char word[128];
	size_t i;

	list[0] = '\0';
	for (i = 0; i < n; i++) {
		const struct doctor_holder *h = &holders[i];

		if (h->pid == 0)
			(void)snprintf(word, sizeof(word), "%s%sa process not visible here",
				       h->file, *h->file ? " by " : "");
		else
			(void)snprintf(word, sizeof(word), "%s%s%s (%u)", h->file,
				       *h->file ? " by " : "", h->comm, h->pid);
		doctor_list(list, size, word);
	}
}

void doctor_check_raw(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char list[160];

	list_holders(facts->raw, facts->n_raw, list, sizeof(list));
	if (facts->n_raw > 0)
		doctor_say(out, DOCTOR_WARN,
			   "if discovery is refused as busy, end it: a raw scan does not show over "
			   "D-Bus",
			   "open, past bluetoothd: %s", list);
	else if (facts->is_raw_hidden)
		doctor_say(out, DOCTOR_SKIP, "", "there are some; only root sees whose they are");
	else
		doctor_say(out, DOCTOR_PASS, "", "no other program goes past bluetoothd");
}

static bool has_missing_files(const struct doctor_adapter *adapter)
{
	return adapter->missing_files > 0;
}

void doctor_check_slot_files(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char remedy[200];
	char list[80];

	if (facts->slot_dir_error != 0) {
		(void)snprintf(remedy, sizeof(remedy),
			       "make it with a line in /etc/tmpfiles.d: d %s 0755 root root -",
			       facts->slot_dir);
		doctor_say(out, DOCTOR_FAIL, remedy, "%s: %s", facts->slot_dir,
			   strerror(-facts->slot_dir_error));
		return;
	}
	if (facts->is_slot_dir_unsafe) {
		(void)snprintf(remedy, sizeof(remedy), "chmod go-w %s", facts->slot_dir);
		doctor_say(out, DOCTOR_WARN, remedy,
			   "every user can make slot files in %s, and so decide who owns them",
			   facts->slot_dir);
		return;
	}
	if (doctor_adapters(facts, has_missing_files, list, sizeof(list)) > 0)
		doctor_say(out, DOCTOR_WARN,
			   "install tmpfiles.d/bleherd.conf and run systemd-tmpfiles --create; "
			   "fine if no other program locks them",
			   "%s has no slot files to share for %s", facts->slot_dir, list);
	else
		doctor_say(out, DOCTOR_PASS, "", "%s", facts->slot_dir);
}

void doctor_check_slot_users(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char list[160];

	if (facts->slot_dir_error != 0) {
		doctor_say(out, DOCTOR_SKIP, "", "no directory of slot files");
		return;
	}
	list_holders(facts->holders, facts->n_holders, list, sizeof(list));
	if (facts->n_holders > 0)
		doctor_say(out, DOCTOR_WARN,
			   "it takes turns with bleherd; if it keeps them for minutes, end it",
			   "held: %s", list);
	else
		doctor_say(out, DOCTOR_PASS, "", "no other program holds one");
}
