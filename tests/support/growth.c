/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/growth.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SAMPLES_MAX = 4096,
	WATCHED_MAX = 32,
	/* Growth: of a heap that is not yet full, and of what is open at the moment. */
	GROWN_KIB = 192,
	GROWN_FDS = 12,
};

struct watched {
	pid_t pid;
	char name[32];
	uint32_t kib[SAMPLES_MAX], fds[SAMPLES_MAX];
};

static struct watched watched[WATCHED_MAX];
static size_t n_watched, n_samples;

static int name_of(pid_t pid, char out[32])
{
	char path[64];
	FILE *f;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fscanf(f, "%31s", out);
	(void)fclose(f);
	return n == 1 ? 0 : -1;
}

void growth_watch(pid_t pid)
{
	ck_assert_uint_lt(n_watched, WATCHED_MAX);
	watched[n_watched].pid = pid;
	ck_assert_int_eq(name_of(pid, watched[n_watched].name), 0);
	n_watched++;
}

void growth_children(pid_t pid, void (*each)(void *ctx, pid_t child, const char *name), void *ctx)
{
	char name[32];
	char path[64];
	FILE *f;
	int child;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fscanf(f, "%d", &child) == 1)
		if (name_of(child, name) == 0)
			each(ctx, child, name);
	(void)fclose(f);
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
	char line[128], path[64];
	uint32_t kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %u kB", &kib) == 1)
			break;
	(void)fclose(f);
	return kib;
}

uint32_t growth_fds(pid_t pid)
{
	char path[64];
	uint32_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

void growth_sample(void)
{
	if (n_samples == SAMPLES_MAX)
		return;
	for (size_t i = 0; i < n_watched; i++) {
		watched[i].kib[n_samples] = growth_kib(watched[i].pid);
		watched[i].fds[n_samples] = growth_fds(watched[i].pid);
	}
	n_samples++;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t median(uint32_t *of, size_t n)
{
	qsort(of, n, sizeof(*of), by_size);
	return of[n / 2];
}

void growth_expect_flat(void)
{
	size_t quarter = n_samples / 4;

	ck_assert_uint_gt(quarter, 0);
	for (size_t i = 0; i < n_watched; i++) {
		struct watched *w = &watched[i];
		uint32_t kib[2] = { median(w->kib, quarter),
				    median(w->kib + n_samples - quarter, quarter) };
		uint32_t fds[2] = { median(w->fds, quarter),
				    median(w->fds + n_samples - quarter, quarter) };

		printf("%-18s KiB %5u then %5u, descriptors %3u then %3u\n", w->name, kib[0],
		       kib[1], fds[0], fds[1]);
		(void)fflush(stdout);
		ck_assert_msg(fds[1] <= fds[0] + GROWN_FDS, "%s: %u descriptors, then %u", w->name,
			      fds[0], fds[1]);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
		ck_assert_msg(kib[1] <= kib[0] + kib[0] / 10 + GROWN_KIB, "%s: %u KiB, then %u",
			      w->name, kib[0], kib[1]);
#endif
	}
}
