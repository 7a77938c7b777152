/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/serve.h - the loop of lockd: the channel to the supervisor, the peers that it hands over,
 * the arbiter's timer, the table's publication. Everything else is called from here.
 */
#include "ipc/wpage.h"
#include "lockd/options.h"

/* What it works in. */
struct serve_dirs {
	int slots_fd;	    /* slot directory */
	int own_fd;	    /* lockd's own; -EBADF: none */
	struct wpage *page; /* status page; NULL: none */
};

/**
 * serve_run() - be lockd until the supervisor says STOP or goes
 * @options:    checked
 * @dirs:       stay the caller's
 * @control_fd: channel to the supervisor (control.proto); taken over
 *
 * Errors: -EPERM it cannot be confined; what else kept it from starting, or broke the channel.
 * Blocks: that is its purpose.
 */
must_check int serve_run(const struct options *options, const struct serve_dirs *dirs,
			 int control_fd);
