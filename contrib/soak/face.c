/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/face.c - the outer process: plan, world, and what is made of the report afterwards.
 *
 * The conductor ends in good order when its standard input ends (on the fake face: we hold the
 * other end) or on SIGINT, which the lab's runner passes on, once. The world has a process group of
 * its own: a terminal's Ctrl-C comes to us alone.
 * Whatever happens, the world dies with this process.
 */
#include "contrib/soak/face.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "contrib/soak/pages.h"

enum {
	ARGUMENTS_MAX = 256,
	STATUS_USAGE = 2,
	STATUS_NO_WORLD = 70,
	/* What the lab may take beyond the run itself: health, the last answers, the report. */
	LAB_EXTRA_S = 300,
};

/* The shortest interval that Linux asks for by itself (30 ms); link_ask_features() says why. */
#define LAB_EVENT "--event-ms=30"

/* --- plans --- */

static int plans_folder(char out[PLACE_LEN])
{
	return place_find("soak/plans", out);
}

static bool is_plan(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strchr(entry->d_name, '~');
}

int face_list_plans(void)
{
	char folder[PLACE_LEN], path[PLACE_LEN + 256 + 1];
	struct dirent **entries;
	int n = plans_folder(folder) < 0 ? -1 : scandir(folder, &entries, NULL, alphasort);

	if (n < 0) {
		(void)fputs("bleherd-soak: the plans are not installed\n", stderr);
		return -ENOENT;
	}
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *error = NULL;
		struct plan *plan = NULL;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (is_plan(entries[i]) && plan_read(&plan, path, PLAN_FAKE, NULL, &error) == 0)
			(void)printf("%-20s %s\n", entries[i]->d_name, plan->head.title);
		plan = plan_free(plan);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int face_find_plan(const char *name, char out[PLACE_LEN])
{
	char folder[PLACE_LEN];
	int n;

	if (strchr(name, '/') || access(name, R_OK) == 0) {
		if (access(name, R_OK) == 0 && realpath(name, out))
			return 0;
	} else if (plans_folder(folder) == 0) {
		n = snprintf(out, PLACE_LEN, "%s/%s", folder, name);
		if (n > 0 && n < PLACE_LEN && access(out, R_OK) == 0)
			return 0;
	}
	(void)fprintf(stderr, "bleherd-soak: no plan '%s': neither a file nor one of --list\n",
		      name);
	return -ENOENT;
}

/* --- the command line of the world --- */

struct line {
	const char *at[ARGUMENTS_MAX + 1];
	size_t n;
	char *owned[ARGUMENTS_MAX];
	size_t n_owned;
};

static void add(struct line *line, const char *word)
{
	assert(line->n < ARGUMENTS_MAX);
	line->at[line->n++] = word;
}

static void add_number(struct line *line, const char *name, unsigned value)
{
	char *text = NULL;

	if (asprintf(&text, "%u", value) < 0)
		abort();
	line->owned[line->n_owned++] = text;
	add(line, name);
	add(line, text);
}

static void line_done(struct line *line)
{
	for (size_t i = 0; i < line->n_owned; i++)
		free(line->owned[i]);
}

static void add_head(struct line *line, const struct plan_head *head)
{
	add_number(line, "--adapters", head->adapters ? head->adapters : FACE_ADAPTERS);
	add_number(line, "--devices",
		   (head->devices ? head->devices : FACE_DEVICES) + FACE_BEACONS);
	add_number(line, "--notify-ms", head->notify_ms ? head->notify_ms : FACE_NOTIFY_MS);
	for (size_t i = 0; i < head->set_count; i++) {
		add(line, "--set");
		add(line, head->sets[i]);
	}
	for (size_t i = 0; i < head->sim_count; i++) {
		add(line, "--sim");
		add(line, head->sims[i]);
	}
}

static void add_inside(struct line *line, const struct options *o, const char *self,
		       const char *plan, const char *dir, unsigned duration_s)
{
	add(line, self);
	add(line, "--inside");
	add(line, "--face");
	add(line, o->is_lab ? "lab" : "fake");
	add(line, "--plan");
	add(line, plan);
	add_number(line, "--clients", o->clients);
	add_number(line, "--duration", duration_s);
	add_number(line, "--seed", o->seed);
	add(line, "--report");
	add(line, dir);
}

/* --- the run --- */

static void become(const struct line *line, int input, pid_t parent)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(input, STDIN_FILENO) < 0)
		_exit(STATUS_NO_WORLD);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The terminal's Ctrl-C is ours alone: the world, which would end of it, is needed for the
	 * report. */
	(void)setpgid(0, 0);
	/* The daemon is killed on purpose, and started again by the conductor. */
	(void)setenv("BLEHERD_MAY_DIE", "1", 1);
	(void)execv(line->at[0], (char *const *)(uintptr_t)line->at);
	(void)fprintf(stderr, "bleherd-soak: %s: %s\n", line->at[0], strerror(errno));
	_exit(STATUS_NO_WORLD);
}

/* Waits for the world. A signal to end closes its standard input: the conductor comes to an end. */
static int await(pid_t pid, bool is_lab, int *input, int signals)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
					{ .fd = signals, .events = POLLIN } };

		(void)poll(fds, ARRAY_LEN(fds), -1);
		if (fds[1].revents != 0 && read(signals, &info, sizeof(info)) > 0) {
			*input = close_fd(*input);
			if (is_lab)
				(void)syscall(SYS_pidfd_send_signal, pidfd, SIGINT, NULL, 0);
		}
		if (fds[0].revents != 0)
			break;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_NO_WORLD;
}

static int start(const struct line *line, bool is_lab)
{
	_cleanup_close_ int input = -EBADF, signals = -EBADF;
	pid_t parent = getpid(), pid;
	sigset_t set;
	int pipe_fds[2];

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return STATUS_NO_WORLD;
	input = pipe_fds[1];
	pid = fork();
	if (pid == 0)
		become(line, pipe_fds[0], parent);
	(void)close_fd(pipe_fds[0]);
	if (pid < 0)
		return STATUS_NO_WORLD;
	return await(pid, is_lab, &input, signals);
}

/* --- afterwards --- */

static int forget(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* In the lab the conductor can only write where the logs are. */
static void fetch(const char *logs, const char *dir)
{
	char from[PLACE_LEN + 32], to[PLACE_LEN + 32];

	(void)snprintf(from, sizeof(from), "%s/report.json", logs);
	(void)snprintf(to, sizeof(to), "%s/report.json", dir);
	if (access(from, R_OK) == 0)
		(void)rename(from, to);
}

/* Logs are kept where somebody has to look at them. */
static int finish(const struct options *o, const char *dir, const char *logs, int status)
{
	char path[PLACE_LEN + 32];

	if (o->is_lab)
		fetch(logs, dir);
	if (status == 0)
		(void)nftw(logs, forget, 8, FTW_DEPTH | FTW_PHYS);
	(void)snprintf(path, sizeof(path), "%s/report.json", dir);
	/* Nothing began: somebody has said why. */
	if (access(path, R_OK) < 0)
		return status == 0 ? STATUS_NO_WORLD : status;
	if (pages_write(dir) < 0)
		return status <= 1 ? STATUS_NO_WORLD : status;
	(void)printf("report: %s/report.html%s\n", dir, status ? "; logs beside it" : "");
	return status;
}

static int make_folder(const char *path, char out[PLACE_LEN])
{
	static const char *const FILES[] = { "report.json", "report.html" };
	char old[PLACE_LEN + 16];

	if ((mkdir(path, 0777) < 0 && errno != EEXIST) || !realpath(path, out)) {
		(void)fprintf(stderr, "bleherd-soak: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	/* A run that leaves none must not seem to have left the one before. */
	for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
		(void)snprintf(old, sizeof(old), "%s/%s", out, FILES[i]);
		(void)unlink(old);
	}
	return 0;
}

static int run(const struct options *o, const struct plan *plan, const char *path)
{
	char world[PLACE_LEN], self[PLACE_LEN], bin[PLACE_LEN], dir[PLACE_LEN];
	char logs[PLACE_LEN + 16];
	_cleanup_free_ char *before = NULL;
	struct line line = { .n = 0 };
	unsigned duration_s = (unsigned)((o->duration_ms + 999) / 1000);
	int status;

	if (make_folder(o->dir, dir) < 0)
		return STATUS_USAGE;
	if (o->before && asprintf(&before, "(%s) && exec \"$@\"", o->before) < 0)
		return STATUS_NO_WORLD;
	if (place_self(self) < 0 || place_find(o->is_lab ? "lab/run" : "sim/world", world) < 0) {
		(void)fputs("bleherd-soak: contrib/sim/world is not there\n", stderr);
		return STATUS_NO_WORLD;
	}
	(void)snprintf(bin, sizeof(bin), "%s", self);
	*strrchr(bin, '/') = '\0';
	(void)setenv("BLEHERD_BIN", bin, 0);
	(void)snprintf(logs, sizeof(logs), "%s/logs", dir);
	(void)nftw(logs, forget, 8, FTW_DEPTH | FTW_PHYS);
	add(&line, world);
	add_head(&line, &plan->head);
	add_number(&line, "--seed", o->seed);
	add(&line, "--faults");
	add(&line, path);
	add(&line, "--sim");
	add(&line, "--faults-wait");
	add(&line, "--verbose");
	add(&line, "--keep-logs");
	add(&line, logs);
	if (o->is_lab) {
		add(&line, "--sim");
		add(&line, LAB_EVENT);
		add_number(&line, "--timeout", duration_s + LAB_EXTRA_S);
	}
	add(&line, "--");
	if (o->before) {
		add(&line, "sh");
		add(&line, "-c");
		add(&line, before);
		add(&line, "sh");
	}
	add_inside(&line, o, self, path, dir, duration_s);
	add(&line, NULL);
	status = start(&line, o->is_lab);
	line_done(&line);
	return finish(o, dir, logs, status);
}

int face_run(const struct options *options)
{
	_cleanup_free_ char *error = NULL;
	char path[PLACE_LEN];
	struct plan *plan;
	int status, r;

	if (face_find_plan(options->plan, path) < 0)
		return STATUS_USAGE;
	r = plan_read(&plan, path, options->is_lab ? PLAN_LAB : PLAN_FAKE, NULL, &error);
	if (r < 0) {
		(void)fprintf(stderr, "bleherd-soak: %s\n", error ? error : strerror(-r));
		return STATUS_USAGE;
	}
	status = run(options, plan, path);
	plan = plan_free(plan);
	return status;
}
