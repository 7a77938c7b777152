/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/growth.h"

#include "contrib/soak/flat.h"
#include "contrib/soak/proc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 4096, WATCHED_MAX = 32 };

struct watched {
	pid_t pid;
	char name[PROC_NAME_LEN];
	struct flat flat;
};

static struct watched watched[WATCHED_MAX];
static size_t n_watched, n_samples;

void growth_watch(pid_t pid)
{
	ck_assert_uint_lt(n_watched, WATCHED_MAX);
	watched[n_watched].pid = pid;
	ck_assert(proc_name(pid, watched[n_watched].name));
	n_watched++;
}

void growth_children(pid_t pid, void (*each)(void *ctx, pid_t child, const char *name), void *ctx)
{
	pid_t children[PROC_CHILDREN_MAX];
	size_t n = proc_children(pid, children, PROC_CHILDREN_MAX);
	char name[PROC_NAME_LEN];

	for (size_t i = 0; i < n; i++)
		if (proc_name(children[i], name))
			each(ctx, children[i], name);
}

static void watch_child(void *ctx, pid_t child, const char *name)
{
	(void)ctx;
	(void)name;
	growth_watch(child);
}

void growth_watch_daemon(pid_t daemon)
{
	growth_watch(daemon);
	growth_children(daemon, watch_child, NULL);
}

uint32_t growth_kib(pid_t pid)
{
	return proc_own_kib(pid);
}

uint32_t growth_fds(pid_t pid)
{
	return proc_fds(pid);
}

void growth_sample(void)
{
	if (n_samples == SAMPLES_MAX)
		return;
	n_samples++;
	for (size_t i = 0; i < n_watched; i++)
		flat_add(&watched[i].flat, proc_own_kib(watched[i].pid), proc_fds(watched[i].pid));
}

void growth_expect_flat(void)
{
	char text[FLAT_TEXT_LEN];

	for (size_t i = 0; i < n_watched; i++) {
		const struct watched *w = &watched[i];

		ck_assert_uint_ge(w->flat.n, FLAT_SAMPLES_MIN);
		flat_describe(&w->flat, text);
		printf("%-18s %s\n", w->name, text);
		(void)fflush(stdout);
		ck_assert_msg(!flat_has_grown(&w->flat, text), "%s: %s", w->name, text);
	}
}
