/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cli/doctor_case.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void doctor_healthy(struct doctor_facts *f)
{
	struct doctor_adapter *a;
	int i;

	*f = (struct doctor_facts){ .kernel_release = "6.1.0-50-amd64",
				    .kernel_version = "Linux version 6.1.0-50-amd64 (x@debian.org) "
						      "#1 SMP Debian 6.1.176-1 (2026-05-01)",
				    .n_bluetoothd = 1,
				    .bluetoothd_pid = 500,
				    .bluetoothd_state = 'S',
				    .bluez_major = 5,
				    .bluez_minor = 66,
				    .owner = DOCTOR_REPLY_OK,
				    .owner_pid = 500,
				    .objects = DOCTOR_REPLY_OK,
				    .names = DOCTOR_REPLY_OK,
				    .connections = 40,
				    .most_connections = 30,
				    .socket = "/run/bleherd/bleherd.sock",
				    .has_socket = true,
				    .socket_mode = 0660,
				    .status = DOCTOR_REPLY_OK,
				    .daemon_version = BLEHERD_VERSION,
				    .daemon_pid = 600,
				    .has_arbiter = true,
				    .has_mgmt = true,
				    .has_locks = true,
				    .has_caps = true,
				    .caps = 1u << 12 | 1u << 13,
				    .slot_dir = "/run" };
	for (i = 0; i < 2; i++) {
		a = doctor_adapter(f, i == 0 ? "hci0" : "hci1");
		a->is_in_kernel = a->is_in_bluez = a->is_in_daemon = a->is_powered = true;
		(void)snprintf(a->state, sizeof(a->state), "ready");
	}
}

struct doctor_finding doctor_judge(const struct doctor_facts *facts, const char *name)
{
	struct doctor_finding finding = { .text = "" };
	const struct doctor_check *check;

	for (check = DOCTOR_CHECKS; check->name && strcmp(check->name, name) != 0; check++)
		;
	ck_assert_msg(check->name != NULL, "no check '%s'", name);
	check->check(facts, &finding);
	return finding;
}

void doctor_try(const struct doctor_case *c)
{
	struct doctor_facts facts;
	struct doctor_finding finding;

	doctor_healthy(&facts);
	c->change(&facts);
	finding = doctor_judge(&facts, c->check);
	ck_assert_msg(finding.verdict == c->verdict, "%s: %d: %s", c->check, (int)finding.verdict,
		      finding.text);
	ck_assert_msg(strstr(finding.text, c->text) != NULL, "%s: %s", c->check, finding.text);
	if (*c->remedy == '\0')
		ck_assert_str_eq(finding.remedy, "");
	else
		ck_assert_msg(strstr(finding.remedy, c->remedy) != NULL, "%s: %s", c->check,
			      finding.remedy);
}

void doctor_set_kernel(struct doctor_facts *f, const char *release, const char *version)
{
	(void)snprintf(f->kernel_release, sizeof(f->kernel_release), "%s", release);
	(void)snprintf(f->kernel_version, sizeof(f->kernel_version), "%s", version);
}

void doctor_all_off(struct doctor_facts *f)
{
	f->adapters[0].is_powered = f->adapters[1].is_powered = false;
}

void doctor_bluetoothd_gone(struct doctor_facts *f)
{
	f->n_bluetoothd = f->bluetoothd_pid = 0;
	f->owner = f->objects = DOCTOR_REPLY_NOBODY;
}

void doctor_daemon_gone(struct doctor_facts *f)
{
	f->connect_error = -ECONNREFUSED;
	f->status = DOCTOR_REPLY_UNASKED;
	f->has_locks = f->has_arbiter = f->has_caps = false;
}

void doctor_bus_stopped(struct doctor_facts *f)
{
	f->bus_error = -ETIMEDOUT;
	f->names = f->owner = f->objects = DOCTOR_REPLY_LATE;
}
