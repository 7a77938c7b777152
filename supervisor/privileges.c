/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>

static const cap_value_t KEPT[] = { CAP_NET_ADMIN, CAP_NET_RAW };

/* Of @now what is KEPT; inheritable too, or an ambient one would end here, with rescue's. */
static int keep(cap_t wanted, cap_t now)
{
	static const cap_flag_t FLAGS[] = { CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE };
	cap_flag_value_t value;
	size_t i;
	size_t k;

	for (i = 0; i < ARRAY_LEN(FLAGS); i++)
		for (k = 0; k < ARRAY_LEN(KEPT); k++)
			if (cap_get_flag(now, KEPT[k], FLAGS[i], &value) < 0 ||
			    cap_set_flag(wanted, FLAGS[i], 1, &KEPT[k], value) < 0)
				return -errno;
	return 0;
}

static int set_and_read_back(cap_t wanted)
{
	cap_t now;
	int r;

	if (cap_set_proc(wanted) < 0)
		return -errno;
	now = cap_get_proc();
	r = now && cap_compare(now, wanted) == 0 ? 0 : -EPERM;
	(void)cap_free(now);
	return r;
}

int privileges_drop(void)
{
	cap_t wanted = cap_init();
	cap_t now = cap_get_proc();
	int r = wanted && now ? keep(wanted, now) : -ENOMEM;

	if (r == 0)
		r = set_and_read_back(wanted);
	(void)cap_free(wanted);
	(void)cap_free(now);
	if (r < 0)
		return r;
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* The children have our uid. */
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}
