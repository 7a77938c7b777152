/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/control.h - where fault commands come from: a socket. Files are plans: plan_run.h.
 */
#include <systemd/sd-event.h>

#include "ipc/base.h"

struct control;
struct faults;

/* SOCK_SEQPACKET: one line in, one line out. Errors: negative errno, as of seqpacket_new(). */
must_check int control_new(struct control **out, sd_event *event, const char *path,
			   struct faults *faults);
struct control *control_free(struct control *control);
