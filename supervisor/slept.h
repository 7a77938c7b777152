/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/slept.h - what follows from a sleep of the machine (resume.h): nobody counts as heard,
 * failures are not counted for a while, and links that only BlueZ still has are ended. Leases,
 * deadlines and the watchdog's windows need nothing: their clock stood still as well. Called by the
 * watchdog pass.
 */
#include "supervisor/ctx.h"

/* A look at the clocks. */
void slept_watch(struct sup *sup);

/* Failures of now are not counted. */
bool slept_is_lenient(const struct sup *sup);
