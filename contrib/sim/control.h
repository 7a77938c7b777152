/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/control.h - where fault commands come from: a socket (at once) and files (on time).
 */
#include <systemd/sd-event.h>

#include "ipc/base.h"

struct control;
struct faults;
struct script;

/* SOCK_SEQPACKET: one line in, one line out. Errors: negative errno, as of seqpacket_new(). */
must_check int control_new(struct control **out, sd_event *event, const char *path,
			   struct faults *faults);
struct control *control_free(struct control *control);

/**
 * script_new() - reads a file of commands; each runs "at MS" after this call, or at once
 *
 * All lines are checked first: with a mistake in one of them none runs, and a line that names the
 * file, the line and the mistake goes to standard error.
 * Errors: -EINVAL a line is wrong; negative errno of fopen(3); -ENOMEM.
 */
must_check int script_new(struct script **out, sd_event *event, const char *path,
			  struct faults *faults);
struct script *script_free(struct script *script);
