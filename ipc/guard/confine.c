/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/guard/confine.h"

#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

static int fail(int error, const char *what, char out_why[CONFINE_WHY_LEN])
{
	(void)snprintf(out_why, CONFINE_WHY_LEN, "cannot %s: %s", what, strerror(error));
	return error > 0 ? -error : -EPERM;
}

/* --- capabilities --- */

static bool may_shrink_bounding(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;
	bool is_set;

	is_set = caps && cap_get_flag(caps, CAP_SETPCAP, CAP_EFFECTIVE, &value) == 0 &&
		 value == CAP_SET;
	(void)cap_free(caps);
	return is_set;
}

/*
 * Without CAP_SETPCAP, as below bleherd.service, the bounding set stays the unit's: two
 * capabilities, which nothing can bring back with no_new_privs and without exec.
 */
static int shrink_bounding(void)
{
	cap_value_t cap;

	for (cap = 0; cap < cap_max_bits(); cap++)
		if (cap_drop_bound(cap) < 0 || cap_get_bound(cap) != 0)
			return -EPERM;
	return 0;
}

static int empty_sets(void)
{
	cap_t none = cap_init();
	int r = 0;

	if (!none || cap_set_proc(none) < 0)
		r = -errno;
	(void)cap_free(none);
	return r;
}

static bool is_empty(void)
{
	cap_t none = cap_init();
	cap_t now = cap_get_proc();
	bool is_same = none && now && cap_compare(none, now) == 0;
	cap_value_t cap;

	(void)cap_free(none);
	(void)cap_free(now);
	for (cap = 0; is_same && cap < cap_max_bits(); cap++)
		is_same = cap_get_ambient(cap) <= 0;
	return is_same;
}

static int drop_capabilities(char *out_why)
{
	int r = 0;

	if (may_shrink_bounding())
		r = shrink_bounding();
	if (r == 0 && cap_reset_ambient() < 0)
		r = -errno;
	if (r == 0)
		r = empty_sets();
	if (r < 0)
		return fail(-r, "drop capabilities", out_why);
	if (!is_empty())
		return fail(EPERM, "drop capabilities: some are left", out_why);
	return 0;
}

/* --- the rest --- */

static int set_limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) < 0)
		return -errno;
	limit.rlim_max = limit.rlim_max < most ? limit.rlim_max : most;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(what, &limit) < 0 ? -errno : 0;
}

static int set_limits(rlim_t fds_max, char *out_why)
{
	/* For root NPROC says nothing: the filter does. */
	int r = set_limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = set_limit(RLIMIT_NPROC, 0);
	if (r == 0)
		r = set_limit(RLIMIT_NOFILE, fds_max);
	return r < 0 ? fail(-r, "set limits", out_why) : 0;
}

bool confine_has_filter(void)
{
#ifdef BLEHERD_INSTRUMENTED
	return false;
#else
	return true;
#endif
}

int confine_begin(pid_t parent, rlim_t fds_max, char out_why[CONFINE_WHY_LEN])
{
	int r = drop_capabilities(out_why);

	if (r == 0)
		r = set_limits(fds_max, out_why);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return fail(errno, "set no_new_privs", out_why);
	/* LeakSanitizer's tracer is a process beside us. */
	if (confine_has_filter() && prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail(errno, "become undumpable", out_why);
	if (parent == 0)
		return 0;
	/* After the last change of credentials: some of them reset it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(errno, "die with the parent", out_why);
	/* It may have died before that call. */
	return getppid() == parent ? 0 : fail(ESRCH, "find the parent", out_why);
}

/* --- the filter --- */

static struct scmp_arg_cmp condition(const struct filter_row *row)
{
	struct scmp_arg_cmp cmp = { .arg = row->argument, .op = SCMP_CMP_EQ };

	cmp.datum_a = row->check == FILTER_SELF ? (scmp_datum_t)getpid() : row->value;
	if (row->check == FILTER_CLEAR) {
		cmp.op = SCMP_CMP_MASKED_EQ;
		cmp.datum_b = 0;
	}
	return cmp;
}

static int add_rows(scmp_filter_ctx ctx, const struct filter *filter)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < filter->n; i++) {
		const struct filter_row *row = &filter->rows[i];
		const struct scmp_arg_cmp cmp = condition(row);

		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->call,
					   row->check == FILTER_ALWAYS ? 0 : 1, &cmp);
	}
	return r;
}

int confine_seal(const struct filter *filter, char out_why[CONFINE_WHY_LEN])
{
	scmp_filter_ctx ctx;
	int r;

	if (!confine_has_filter())
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return fail(ENOMEM, "make a system call filter", out_why);
	/* Else all that the kernel may refuse for is ECANCELED. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (r == 0)
		r = add_rows(ctx, &FILTER_COMMON);
	if (r == 0 && filter)
		r = add_rows(ctx, filter);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	/* Its tree took most of the heap so far. */
	(void)malloc_trim(0);
	return r < 0 ? fail(-r, "filter system calls", out_why) : 0;
}
