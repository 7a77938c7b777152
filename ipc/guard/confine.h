/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/guard/confine.h - what a child of the supervisor gives up for good: capabilities, new
 * privileges, being looked into, limits, and, once it has opened what it needs, all system calls
 * but a few. For main() of the roles; DESIGN 2.
 */
#include <sys/resource.h>
#include <sys/types.h>

#include "ipc/base.h"
#include "ipc/guard/filter.h"

enum { CONFINE_WHY_LEN = 160 };

/**
 * confine_begin() - the first thing of a role's main()
 * @parent:    who started us: without it there is nothing to do here; 0 is not checked
 * @fds_max:   how many descriptors there may be, if the limit is not lower already
 * @out_why:   what could not be given up, for one line of log
 *
 * Empties the capability sets (the bounding set, where it may) and reads them back, sets
 * no_new_privs, takes SIGKILL at the parent's end, no core file, no process or thread, not
 * dumpable (exec undoes that, so it cannot be done for us).
 *
 * Errors: -ESRCH the parent is gone; any other: not confined, the caller ends.  Blocks: never.
 */
must_check int confine_begin(pid_t parent, rlim_t fds_max, char out_why[CONFINE_WHY_LEN]);

/**
 * confine_seal() - the last thing before the loop: from here on only FILTER_COMMON and @filter
 * @filter:    what the role needs beside it; NULL: nothing
 * @out_why:   as above
 *
 * Call it in the thread that is the only one. Builds with instrumentation (CONFIG=asan, tsan,
 * cover) need calls of their own and have no filter.
 *
 * Errors: errno of libseccomp; the caller ends.  Blocks: never.
 */
must_check int confine_seal(const struct filter *filter, char out_why[CONFINE_WHY_LEN]);

/* Whether confine_seal() filters in this build. */
bool confine_has_filter(void);
