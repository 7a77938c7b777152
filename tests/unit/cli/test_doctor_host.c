/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_doctor_host.c - the collector of `bleherd doctor` on a directory that stands
 * for /: what it finds in /sys, /proc and the slot directory, and what it does not fall for.
 */
#include "tests/support/runner.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ipc/client/cli/doctor.h"
#include "ipc/clock.h"

Suite *suite_doctor_host(void);

static char root[32];
static struct doctor_facts facts;

static void start(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/bh-doctor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	facts = (struct doctor_facts){ .daemon_pid = 600 };
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void stop(void)
{
	ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Makes the directories of a path below the root; returns the whole path. */
static const char *place(const char *path)
{
	static char full[256];
	char *slash;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	return full;
}

static void put_bytes(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(place(path), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

#define PUT_CMDLINE(path, text) put_bytes(path, text, sizeof(text))

static void collect(void)
{
	doctor_collect_host(&facts, root);
}

static void put_switch(int n, const char *type, const char *name, const char *soft,
		       const char *hard)
{
	const char *const files[][2] = {
		{ "type", type }, { "name", name }, { "soft", soft }, { "hard", hard }
	};
	char path[80];
	size_t i;

	for (i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "/sys/class/rfkill/rfkill%d/%s", n, files[i][0]);
		put(path, files[i][1]);
	}
}

START_TEST(an_empty_root)
{
	collect();
	ck_assert_uint_eq(facts.n_adapters, 0);
	ck_assert_str_eq(facts.kernel_release, "");
	ck_assert_uint_eq(facts.n_bluetoothd, 0);
	ck_assert_uint_eq(facts.bluez_major, 0);
	ck_assert(!facts.has_caps);
	ck_assert_str_eq(facts.slot_dir, "/run");
	ck_assert_int_eq(facts.slot_dir_error, -ENOENT);
}
END_TEST

START_TEST(kernel_and_adapters)
{
	struct doctor_adapter *a;

	put("/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	put("/proc/version", "Linux version 6.1.0-56-amd64 SMP Debian 6.1.192-1\n");
	put("/sys/class/bluetooth/hci0/uevent", "");
	put("/sys/class/bluetooth/hci1/uevent", "");
	put("/sys/class/bluetooth/hci0:64/uevent", "");
	put_switch(0, "wlan\n", "phy0\n", "1\n", "1\n");
	put_switch(1, "bluetooth\n", "hci0\n", "1\n", "0\n");
	put_switch(2, "bluetooth\n", "hci1\n", "0\n", "1\n");
	put_switch(3, "bluetooth\n", "asus-bluetooth\n", "1\n", "0\n");
	collect();
	ck_assert_str_eq(facts.kernel_release, "6.1.0-56-amd64");
	ck_assert_str_eq(facts.kernel_version, "Linux version 6.1.0-56-amd64 SMP Debian 6.1.192-1");
	ck_assert_uint_eq(facts.n_adapters, 2);
	a = doctor_adapter(&facts, "hci0");
	ck_assert(a->is_in_kernel && a->is_soft_blocked && !a->is_hard_blocked);
	a = doctor_adapter(&facts, "hci1");
	ck_assert(a->is_in_kernel && !a->is_soft_blocked && a->is_hard_blocked);
}
END_TEST

/* --- bluetoothd --- */

static void put_bluetoothd(const char *script)
{
	put("/usr/libexec/bluetooth/bluetoothd", script);
	ck_assert_int_eq(chmod(place("/usr/libexec/bluetooth/bluetoothd"), 0755), 0);
}

START_TEST(version_of_bluetoothd)
{
	put_bluetoothd("#!/bin/sh\n[ \"$1\" = -v ] && echo 5.82\n");
	collect();
	ck_assert_uint_eq(facts.bluez_major, 5);
	ck_assert_uint_eq(facts.bluez_minor, 82);
}
END_TEST

START_TEST(version_of_a_hung_one)
{
	uint64_t start_ms = clock_now_ms();

	put_bluetoothd("#!/bin/sh\nexec sleep 60\n");
	collect();
	ck_assert_uint_eq(facts.bluez_major, 0);
	ck_assert_uint_lt(clock_now_ms() - start_ms, 2 * DOCTOR_WAIT_MS);
}
END_TEST

static void put_process(const char *pid, const char *comm, const char *state)
{
	char path[64];
	char text[128];

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	(void)snprintf(text, sizeof(text), "%s\n", comm);
	put(path, text);
	(void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	(void)snprintf(text, sizeof(text), "%s (%s) %s 1 1 0", pid, comm, state);
	put(path, text);
}

START_TEST(options_of_bluetoothd)
{
	put_process("500", "bluetoothd", "T");
	PUT_CMDLINE("/proc/500/cmdline", "/usr/libexec/bluetooth/bluetoothd\0-nE\0-Pdebug");
	put_process("501", "bluetoothd", "Z");
	put_process("502", "bash", "S");
	collect();
	ck_assert_uint_eq(facts.n_bluetoothd, 1);
	ck_assert_uint_eq(facts.bluetoothd_pid, 500);
	ck_assert_int_eq(facts.bluetoothd_state, 'T');
	ck_assert_str_eq(facts.bluetoothd_options, "-nE -Pdebug");
	ck_assert(facts.is_experimental);
	/* The letters behind -P are the name of a plugin. */
	ck_assert(!facts.is_debug);
}
END_TEST

START_TEST(debug_of_bluetoothd)
{
	put_process("500", "bluetoothd", "S");
	PUT_CMDLINE("/proc/500/cmdline", "bluetoothd\0-n\0-d");
	collect();
	ck_assert(facts.is_debug && !facts.is_experimental);
}
END_TEST

START_TEST(experimental_by_configuration)
{
	put("/etc/bluetooth/main.conf", "[General]\n#Experimental = true\n");
	collect();
	ck_assert(!facts.is_experimental);
	put("/etc/bluetooth/main.conf", "[General]\nExperimental=true\n");
	collect();
	ck_assert(facts.is_experimental);
}
END_TEST

/* The one with the name on the bus is bluetoothd, whoever else calls himself so. */
START_TEST(two_bluetoothd)
{
	facts.owner_pid = 501;
	put_process("500", "bluetoothd", "S");
	put_process("501", "bluetoothd", "S");
	put_process("502", "bluetoothd", "S");
	collect();
	ck_assert_uint_eq(facts.n_bluetoothd, 3);
	ck_assert_uint_eq(facts.bluetoothd_pid, 501);
}
END_TEST

/* --- the daemon, HCI sockets, slot files --- */

START_TEST(capabilities_of_the_daemon)
{
	put_process("600", "bleherdd", "S");
	put("/proc/600/status", "Name:\tbleherdd\nCapPrm:\t0\nCapEff:\t0000000000003000\n");
	collect();
	ck_assert(facts.has_caps);
	ck_assert_uint_eq(facts.caps, 0x3000);
}
END_TEST

START_TEST(not_the_daemon)
{
	put_process("650", "bleherdd", "S");
	put_process("600", "sh", "S");
	put("/proc/600/status", "Name:\tsh\nCapEff:\t0000000000003000\n");
	collect();
	ck_assert(!facts.has_caps);
}
END_TEST

static void put_fd(const char *path, const char *target)
{
	ck_assert_int_eq(symlink(target, place(path)), 0);
}

START_TEST(hci_sockets)
{
	put("/proc/net/hci", "sk               RefCnt Rmem   Wmem   User   Inode  Parent\n"
			     "00000000abcdef01 2      0      0      0      7001   0     \n"
			     "00000000abcdef02 2      0      0      0      7002   0     \n");
	put_process("500", "bluetoothd", "S");
	put_fd("/proc/500/fd/4", "socket:[7001]");
	put_process("700", "hcitool", "S");
	put_fd("/proc/700/fd/3", "socket:[7002]");
	put_process("701", "sshd", "S");
	put_fd("/proc/701/fd/3", "socket:[7003]");
	collect();
	ck_assert_uint_eq(facts.n_raw, 1);
	ck_assert_uint_eq(facts.raw[0].pid, 700);
	ck_assert_str_eq(facts.raw[0].comm, "hcitool");
}
END_TEST

/* A line of /proc/locks about a file below the root. */
static void add_lock(char *text, size_t size, const char *mark, unsigned pid, const char *path)
{
	struct stat st;
	size_t at = strlen(text);

	ck_assert_int_eq(stat(place(path), &st), 0);
	(void)snprintf(text + at, size - at, "1:%s FLOCK  ADVISORY  WRITE %u %02x:%02x:%lu 0 EOF\n",
		       mark, pid, major(st.st_dev), minor(st.st_dev), (unsigned long)st.st_ino);
}

START_TEST(slot_files)
{
	char locks[512] = "";

	put("/sys/class/bluetooth/hci0/uevent", "");
	put("/sys/class/bluetooth/hci1/uevent", "");
	put("/run/bleak-cm-hci0-slot-0.lock", "");
	put("/run/bleak-cm-hci0-slot-1.lock", "");
	put("/run/bleak-cm-hci0-scan.lock", "");
	put("/run/other.lock", "");
	put_process("800", "python3", "S");
	put_process("801", "bleherd-lockd", "S");
	add_lock(locks, sizeof(locks), "", 800, "/run/bleak-cm-hci0-slot-0.lock");
	add_lock(locks, sizeof(locks), " ->", 802, "/run/bleak-cm-hci0-slot-0.lock");
	add_lock(locks, sizeof(locks), "", 801, "/run/bleak-cm-hci0-slot-1.lock");
	add_lock(locks, sizeof(locks), "", 803, "/run/bleak-cm-hci0-scan.lock");
	add_lock(locks, sizeof(locks), "", 800, "/run/other.lock");
	put("/proc/locks", locks);
	collect();
	ck_assert_int_eq(facts.slot_dir_error, 0);
	ck_assert(!facts.is_slot_dir_unsafe);
	ck_assert_uint_eq(doctor_adapter(&facts, "hci0")->missing_files, 0);
	ck_assert_uint_eq(doctor_adapter(&facts, "hci1")->missing_files, 3);
	ck_assert_uint_eq(facts.n_holders, 2);
	ck_assert_str_eq(facts.holders[0].file, "bleak-cm-hci0-slot-0.lock");
	ck_assert_str_eq(facts.holders[0].comm, "python3");
	ck_assert_uint_eq(facts.holders[0].pid, 800);
	ck_assert_str_eq(facts.holders[1].file, "bleak-cm-hci0-scan.lock");
	ck_assert_uint_eq(facts.holders[1].pid, 0);
}
END_TEST

START_TEST(directory_of_the_arbiter)
{
	put("/proc/601/comm", "bleherd-lockd\n");
	put("/proc/601/stat", "601 (bleherd-lockd) S 600 1 1");
	PUT_CMDLINE("/proc/601/cmdline", "bleherd-lockd\0--dir\0/slots\0--parent\0"
					 "600");
	put("/slots/x", "");
	ck_assert_int_eq(chmod(place("/slots"), 0777), 0);
	collect();
	ck_assert_str_eq(facts.slot_dir, "/slots");
	ck_assert_int_eq(facts.slot_dir_error, 0);
	ck_assert(facts.is_slot_dir_unsafe);
}
END_TEST

/* A program of that name that is not the daemon's child does not send us anywhere. */
START_TEST(not_the_arbiter)
{
	put("/proc/602/comm", "bleherd-lockd\n");
	put("/proc/602/stat", "602 (bleherd-lockd) S 1 1 1");
	PUT_CMDLINE("/proc/602/cmdline", "bleherd-lockd\0--dir\0/evil");
	collect();
	ck_assert_str_eq(facts.slot_dir, "/run");
}
END_TEST

Suite *suite_doctor_host(void)
{
	Suite *suite = suite_create("doctor_host");
	TCase *tc = tcase_create("root");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 10);
	tcase_add_test(tc, an_empty_root);
	tcase_add_test(tc, kernel_and_adapters);
	tcase_add_test(tc, version_of_bluetoothd);
	tcase_add_test(tc, version_of_a_hung_one);
	tcase_add_test(tc, options_of_bluetoothd);
	tcase_add_test(tc, debug_of_bluetoothd);
	tcase_add_test(tc, experimental_by_configuration);
	tcase_add_test(tc, two_bluetoothd);
	tcase_add_test(tc, capabilities_of_the_daemon);
	tcase_add_test(tc, not_the_daemon);
	tcase_add_test(tc, hci_sockets);
	tcase_add_test(tc, slot_files);
	tcase_add_test(tc, directory_of_the_arbiter);
	tcase_add_test(tc, not_the_arbiter);
	suite_add_tcase(suite, tc);
	return suite;
}
