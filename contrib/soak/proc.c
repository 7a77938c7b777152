/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static FILE *open_file(pid_t pid, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "re");
}

bool proc_name(pid_t pid, char out[PROC_NAME_LEN])
{
	FILE *f = open_file(pid, "comm");
	int n;

	if (!f)
		return false;
	n = fscanf(f, "%15s", out);
	(void)fclose(f);
	return n == 1;
}

size_t proc_children(pid_t pid, pid_t *out, size_t max)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (n < max && fscanf(f, "%d", &out[n]) == 1)
		n++;
	(void)fclose(f);
	return n;
}

bool proc_is_program(pid_t pid, const char *name)
{
	char path[64], target[512];
	const char *base;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	/* A binary that was replaced on disk reads "bleherdd (deleted)". */
	return strncmp(base, name, strlen(name)) == 0 &&
	       (base[strlen(name)] == '\0' || base[strlen(name)] == ' ');
}

bool proc_has_argument(pid_t pid, const char *argument)
{
	size_t len = strlen(argument) + 1;
	char args[4096] = { 0 };
	FILE *f = open_file(pid, "cmdline");
	size_t n;

	if (!f)
		return false;
	n = fread(args, 1, sizeof(args) - 1, f);
	(void)fclose(f);
	for (size_t at = 0; at < n; at += strlen(&args[at]) + 1)
		if (strncmp(&args[at], argument, len) == 0)
			return true;
	return false;
}

/* The state and the start time follow the name, which may have blanks and brackets in it. */
static bool read_stat(pid_t pid, char *out_state, uint64_t *out_started)
{
	FILE *f = open_file(pid, "stat");
	char text[1024];
	const char *rest;
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')');
	/* proc(5): the 3rd field is the state, the 22nd the start time. */
	return rest && sscanf(rest + 1,
			      " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			      "%*s %*s %*s %" SCNu64,
			      out_state, out_started) == 2;
}

bool proc_is_dead(pid_t pid)
{
	uint64_t started;
	char state;

	return !read_stat(pid, &state, &started) || state == 'Z' || state == 'X';
}

uint64_t proc_started(pid_t pid)
{
	uint64_t started;
	char state;

	return read_stat(pid, &state, &started) ? started : 0;
}

static uint32_t read_kib(pid_t pid, const char *file, const char *key)
{
	FILE *f = open_file(pid, file);
	uint32_t kib = 0;
	char line[128];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), "%u kB", &kib) == 1)
			break;
	(void)fclose(f);
	return kib;
}

uint32_t proc_kib(pid_t pid)
{
	uint32_t kib = read_kib(pid, "smaps_rollup", "Pss:");

	return kib > 0 ? kib : proc_own_kib(pid);
}

uint32_t proc_own_kib(pid_t pid)
{
	return read_kib(pid, "status", "RssAnon:");
}

uint32_t proc_fds(pid_t pid)
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
	return n > 2 ? n - 2 : 0; /* . and .. */
}
