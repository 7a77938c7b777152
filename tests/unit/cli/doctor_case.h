/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/cli/doctor_case.h - facts of a healthy machine, and one thing wrong with them.
 */
#include "ipc/client/cli/doctor.h"

struct doctor_case {
	void (*change)(struct doctor_facts *facts);
	const char *check;
	enum doctor_verdict verdict;
	const char *text;   /* in it */
	const char *remedy; /* in it; "" : there is none */
};

void doctor_healthy(struct doctor_facts *facts);

/* What the check of that name finds. */
struct doctor_finding doctor_judge(const struct doctor_facts *facts, const char *check);

/* Changes a healthy machine and fails the check unless the finding is as expected. */
void doctor_try(const struct doctor_case *c);

/* Changes that several suites need. */
void doctor_set_kernel(struct doctor_facts *facts, const char *release, const char *version);
void doctor_all_off(struct doctor_facts *facts);
void doctor_bluetoothd_gone(struct doctor_facts *facts);
void doctor_daemon_gone(struct doctor_facts *facts);
void doctor_bus_stopped(struct doctor_facts *facts);
