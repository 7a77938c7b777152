/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/cli/test_doctor.c - what `bleherd doctor` thinks of kernel, adapters, bus and
 * bluetoothd, on made-up facts: a healthy machine passes all checks, and each row of CASES makes
 * one thing wrong with it.
 */
#include "tests/support/runner.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/cli/doctor_case.h"

Suite *suite_doctor(void);

static void kernel_bad_debian(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.1.0-56-amd64",
			  "Linux version 6.1.0-56-amd64 SMP Debian 6.1.192-1 (2026)");
}

static void kernel_bad_name_only(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.1.0-56-amd64", "");
}

static void kernel_bad_vanilla(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.1.192", "Linux version 6.1.192 (me@here) #1");
}

static void kernel_between(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.1.0-53-amd64", "");
}

static void kernel_after(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.1.200", "");
}

static void kernel_new(struct doctor_facts *f)
{
	doctor_set_kernel(f, "6.12.192+deb13-amd64", "Linux version 6.12 Debian 6.12.192-1");
}

static void kernel_old(struct doctor_facts *f)
{
	doctor_set_kernel(f, "5.9.16", "");
}

static void kernel_oldest(struct doctor_facts *f)
{
	doctor_set_kernel(f, "5.10.0-8-amd64", "");
}

static void no_adapters(struct doctor_facts *f)
{
	f->n_adapters = 0;
}

static void adapters_of_a_container(struct doctor_facts *f)
{
	f->adapters[0].is_in_kernel = f->adapters[1].is_in_kernel = false;
}

static void adapter_not_in_bluez(struct doctor_facts *f)
{
	f->adapters[1].is_in_bluez = false;
}

static void soft_blocked(struct doctor_facts *f)
{
	f->adapters[0].is_soft_blocked = f->adapters[1].is_soft_blocked = true;
}

static void one_soft_blocked(struct doctor_facts *f)
{
	f->adapters[1].is_soft_blocked = true;
}

static void hard_blocked(struct doctor_facts *f)
{
	soft_blocked(f);
	f->adapters[0].is_hard_blocked = true;
}

static void bus_nearly_full(struct doctor_facts *f)
{
	f->most_connections = 192;
	f->most_uid = 1000;
}

static void bus_full(struct doctor_facts *f)
{
	f->most_connections = 255;
}

static void bluetoothd_stopped(struct doctor_facts *f)
{
	f->bluetoothd_state = 'T';
	f->objects = DOCTOR_REPLY_LATE;
}

static void bluetoothd_nameless(struct doctor_facts *f)
{
	f->owner = f->objects = DOCTOR_REPLY_NOBODY;
}

static void bluetoothd_twice(struct doctor_facts *f)
{
	f->n_bluetoothd = 2;
}

static void bluetoothd_in_another_namespace(struct doctor_facts *f)
{
	f->n_bluetoothd = f->bluetoothd_pid = 0;
}

/* As above, beside a bluetoothd that has nothing to do with this bus. */
static void bluetoothd_is_a_stranger(struct doctor_facts *f)
{
	f->owner_pid = 4000;
	f->bluetoothd_state = 'T';
}

static void bluez_5_54(struct doctor_facts *f)
{
	f->bluez_minor = 54;
}

static void bluez_4(struct doctor_facts *f)
{
	f->bluez_major = 4;
	f->bluez_minor = 101;
}

static void bluez_5_61(struct doctor_facts *f)
{
	f->bluez_minor = 61;
}

static void bluez_5_62(struct doctor_facts *f)
{
	f->bluez_minor = 62;
}

static void bluez_5_84(struct doctor_facts *f)
{
	f->bluez_minor = 84;
}

static void bluez_unknown(struct doctor_facts *f)
{
	f->bluez_major = 0;
}

static void bluez_experimental(struct doctor_facts *f)
{
	f->is_experimental = true;
	(void)snprintf(f->bluetoothd_options, sizeof(f->bluetoothd_options), "--experimental");
}

static void bluez_debug(struct doctor_facts *f)
{
	f->is_debug = true;
	(void)snprintf(f->bluetoothd_options, sizeof(f->bluetoothd_options), "-n -d");
}

static void policy_denied(struct doctor_facts *f)
{
	f->objects = DOCTOR_REPLY_DENIED;
	(void)snprintf(f->objects_error, sizeof(f->objects_error), "Rejected send message");
}

static void objects_error(struct doctor_facts *f)
{
	f->objects = DOCTOR_REPLY_ERROR;
}

static void one_off(struct doctor_facts *f)
{
	f->adapters[1].is_powered = false;
}

static void all_off_and_blocked(struct doctor_facts *f)
{
	doctor_all_off(f);
	soft_blocked(f);
}

static void scan_of_ours(struct doctor_facts *f)
{
	f->adapters[0].is_discovering = f->adapters[0].is_scan_held = true;
}

static void scan_outside(struct doctor_facts *f)
{
	scan_of_ours(f);
	f->adapters[1].is_discovering = true;
}

static void scan_without_arbiter(struct doctor_facts *f)
{
	scan_outside(f);
	f->adapters[0].is_scan_held = false;
	f->has_arbiter = f->has_locks = false;
}

static void scan_without_daemon(struct doctor_facts *f)
{
	doctor_daemon_gone(f);
	f->adapters[1].is_discovering = true;
}

static const struct doctor_case CASES[] = {
	{ kernel_bad_debian, "kernel", DOCTOR_FAIL, "6.1.0-56-amd64 (6.1.192)", "6.1.176" },
	{ kernel_bad_name_only, "kernel", DOCTOR_FAIL, "6.1.192", "boot" },
	{ kernel_bad_vanilla, "kernel", DOCTOR_FAIL, "takes bluetoothd with it", "6.12" },
	{ kernel_between, "kernel", DOCTOR_WARN, "nobody has tried", "boot" },
	{ kernel_after, "kernel", DOCTOR_WARN, "nobody has tried", "boot" },
	{ kernel_new, "kernel", DOCTOR_PASS, "6.12.192", "" },
	{ kernel_old, "kernel", DOCTOR_FAIL, "5.9.16 is older", "5.10" },
	{ kernel_oldest, "kernel", DOCTOR_PASS, "5.10", "" },
	{ no_adapters, "adapters", DOCTOR_FAIL, "no Bluetooth adapter", "dmesg" },
	{ no_adapters, "rfkill", DOCTOR_SKIP, "no adapter", "" },
	{ no_adapters, "power", DOCTOR_SKIP, "no adapter", "" },
	{ adapters_of_a_container, "adapters", DOCTOR_WARN, "hci0, hci1", "network namespace" },
	{ adapter_not_in_bluez, "adapters", DOCTOR_WARN, "does not have hci1", "dmesg" },
	{ soft_blocked, "rfkill", DOCTOR_FAIL, "hci0, hci1", "rfkill unblock bluetooth" },
	{ one_soft_blocked, "rfkill", DOCTOR_WARN, "hci1", "rfkill unblock" },
	{ hard_blocked, "rfkill", DOCTOR_FAIL, "by hardware: hci0", "key" },
	{ doctor_bus_stopped, "system bus", DOCTOR_FAIL, "does not answer", "dbus" },
	{ doctor_bus_stopped, "D-Bus policy", DOCTOR_SKIP, "", "" },
	{ doctor_bus_stopped, "discovery", DOCTOR_SKIP, "", "" },
	{ doctor_bus_stopped, "bluetoothd", DOCTOR_PASS, "process 500", "" },
	{ bus_nearly_full, "bus limit", DOCTOR_WARN, "user 1000 has most, 192 of 256", "busctl" },
	{ bus_full, "bus limit", DOCTOR_FAIL, "255 of 256", "busctl" },
	{ bluetoothd_stopped, "bluetoothd", DOCTOR_FAIL, "500 is stopped", "kill -CONT 500" },
	{ bluetoothd_stopped, "D-Bus policy", DOCTOR_FAIL, "does not answer", "restart" },
	{ doctor_bluetoothd_gone, "bluetoothd", DOCTOR_FAIL, "does not run",
	  "systemctl enable --now" },
	{ doctor_bluetoothd_gone, "D-Bus policy", DOCTOR_SKIP, "", "" },
	{ bluetoothd_nameless, "bluetoothd", DOCTOR_FAIL, "does not have the name", "journalctl" },
	{ bluetoothd_twice, "bluetoothd", DOCTOR_WARN, "2 processes", "end all but" },
	{ bluetoothd_in_another_namespace, "bluetoothd", DOCTOR_PASS, "process 500", "" },
	{ bluetoothd_is_a_stranger, "bluetoothd", DOCTOR_PASS, "process 4000", "" },
	{ bluetoothd_is_a_stranger, "options", DOCTOR_SKIP, "", "" },
	{ bluez_5_54, "BlueZ", DOCTOR_FAIL, "5.54: too old", "update" },
	{ bluez_4, "BlueZ", DOCTOR_FAIL, "4.101: too old", "update" },
	{ bluez_5_61, "BlueZ", DOCTOR_WARN, "MTU", "update" },
	{ bluez_5_62, "BlueZ", DOCTOR_PASS, "5.62", "" },
	{ bluez_5_84, "BlueZ", DOCTOR_WARN, "BCM4345C0", "version" },
	{ bluez_unknown, "BlueZ", DOCTOR_SKIP, "no bluetoothd", "" },
	{ doctor_healthy, "options", DOCTOR_PASS, "without --experimental", "" },
	{ bluez_experimental, "options", DOCTOR_PASS, "--experimental", "" },
	{ bluez_debug, "options", DOCTOR_WARN, "-d", "--debug" },
	{ doctor_bluetoothd_gone, "options", DOCTOR_SKIP, "", "" },
	{ policy_denied, "D-Bus policy", DOCTOR_FAIL, "Rejected send", "bluetooth.conf" },
	{ objects_error, "D-Bus policy", DOCTOR_FAIL, "error", "restart" },
	{ one_off, "power", DOCTOR_WARN, "off: hci1", "AutoEnable" },
	{ doctor_all_off, "power", DOCTOR_FAIL, "hci0, hci1", "power on" },
	{ all_off_and_blocked, "power", DOCTOR_FAIL, "off", "rfkill" },
	{ scan_of_ours, "discovery", DOCTOR_PASS, "only by bleherd: hci0", "" },
	{ scan_outside, "discovery", DOCTOR_WARN, "scans on hci1", "bluetoothctl" },
	{ scan_without_arbiter, "discovery", DOCTOR_SKIP, "hci0, hci1", "" },
	{ scan_without_daemon, "discovery", DOCTOR_WARN, "scans on hci1", "8.7 s" },
};

START_TEST(one_thing_is_wrong)
{
	doctor_try(&CASES[_i]);
}
END_TEST

START_TEST(a_healthy_machine_passes)
{
	struct doctor_facts facts;
	const struct doctor_check *check;

	doctor_healthy(&facts);
	for (check = DOCTOR_CHECKS; check->name; check++) {
		struct doctor_finding finding = doctor_judge(&facts, check->name);

		ck_assert_msg(finding.verdict == DOCTOR_PASS, "%s: %s", check->name, finding.text);
		ck_assert_str_eq(finding.remedy, "");
		ck_assert_uint_gt(strlen(finding.text), 0);
		ck_assert_uint_le(strlen(check->name), 12);
	}
}
END_TEST

/* Nothing was found out, as where there is neither bus nor daemon nor /sys: no check may crash. */
START_TEST(nothing_is_known)
{
	struct doctor_facts facts = { .bus_error = -ENOENT,
				      .owner = DOCTOR_REPLY_LATE,
				      .objects = DOCTOR_REPLY_LATE,
				      .names = DOCTOR_REPLY_LATE,
				      .connect_error = -ENOENT,
				      .slot_dir = "/run",
				      .slot_dir_error = -ENOENT };
	static const char *const failing[] = { "adapters", "system bus", "bluetoothd", "daemon",
					       "slot files" };
	const struct doctor_check *check;
	size_t i;

	for (check = DOCTOR_CHECKS; check->name; check++) {
		struct doctor_finding finding = doctor_judge(&facts, check->name);
		bool is_failing = false;

		for (i = 0; i < ARRAY_LEN(failing); i++)
			is_failing |= strcmp(check->name, failing[i]) == 0;
		ck_assert_msg((finding.verdict == DOCTOR_FAIL) == is_failing, "%s: %s", check->name,
			      finding.text);
		ck_assert_msg((finding.remedy[0] != '\0') == is_failing, "%s", check->name);
	}
}
END_TEST

Suite *suite_doctor(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tc = tcase_create("verdicts");

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tc, a_healthy_machine_passes);
	tcase_add_test(tc, nothing_is_known);
	tcase_add_loop_test(tc, one_thing_is_wrong, 0, (int)ARRAY_LEN(CASES));
	suite_add_tcase(suite, tc);
	return suite;
}
