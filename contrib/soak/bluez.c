/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/bluez.h"

#include "contrib/soak/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { LOOK_EVERY_US = 200000 };

static pid_t noted_pid(const struct bluez *b)
{
	FILE *f = b->pid_file ? fopen(b->pid_file, "re") : NULL;
	int pid = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	(void)fclose(f);
	return pid;
}

/* Of one that we started the number is nobody else's, and it may not be bluetoothd yet. */
static bool is_running(pid_t pid, bool is_ours)
{
	return pid > 0 && !proc_is_dead(pid) && (is_ours || proc_is_program(pid, "bluetoothd"));
}

/* Others may have started another one (contrib/lab/fresh): they note it, too. */
pid_t bluez_pid(struct bluez *b)
{
	pid_t noted;

	if (is_running(b->pid, b->is_ours))
		return b->pid;
	noted = noted_pid(b);
	if (noted == b->pid || !is_running(noted, false))
		return 0;
	b->pid = noted;
	b->is_ours = false;
	return noted;
}

static bool read_arguments(struct bluez *b)
{
	char path[64];
	size_t n = 0, len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", b->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	memset(b->args, 0, sizeof(b->args));
	len = fread(b->args, 1, sizeof(b->args) - 1, f);
	(void)fclose(f);
	for (size_t at = 0; at < len && n < BLUEZ_ARGS - 1; at += strlen(&b->args[at]) + 1)
		b->argv[n++] = &b->args[at];
	b->argv[n] = NULL;
	return n > 0;
}

void bluez_init(struct bluez *b, const char *pid_file, const char *log)
{
	*b = (struct bluez){ .pid_file = pid_file, .log = log, .dying = -EBADF };
	if (bluez_pid(b) > 0 && !read_arguments(b))
		b->argv[0] = NULL;
}

int bluez_kill(struct bluez *b)
{
	pid_t pid = bluez_pid(b);

	if (pid == 0 || b->dying >= 0 || !b->argv[0])
		return -ESRCH;
	b->dying = (int)syscall(SYS_pidfd_open, pid, 0);
	if (b->dying < 0)
		return -errno;
	(void)syscall(SYS_pidfd_send_signal, b->dying, SIGKILL, NULL, 0);
	return 0;
}

static void note_pid(const struct bluez *b)
{
	FILE *f = fopen(b->pid_file, "we");

	if (!f)
		return;
	(void)fprintf(f, "%d\n", b->pid);
	(void)fclose(f);
}

static void start(struct bluez *b)
{
	pid_t parent = getpid();
	pid_t pid;
	int fd;

	if (b->is_ours)
		(void)waitpid(b->pid, NULL, WNOHANG);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(b->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
		if (getppid() == parent)
			(void)execv(b->argv[0], b->argv);
		_exit(127);
	}
	b->pid = pid > 0 ? pid : 0;
	b->is_ours = pid > 0;
	note_pid(b);
}

/* It ended without us: as systemd would, another one is started. */
static void look_after(struct bluez *b, int64_t now_us)
{
	if (now_us < b->look_us || !b->argv[0])
		return;
	b->look_us = now_us + LOOK_EVERY_US;
	if (bluez_pid(b) > 0)
		return;
	b->has_died = true;
	start(b);
}

bool bluez_turn(struct bluez *b, int64_t now_us)
{
	struct pollfd p = { .fd = b->dying, .events = POLLIN };

	if (b->dying < 0) {
		look_after(b, now_us);
		return false;
	}
	if (poll(&p, 1, 0) != 1)
		return true;
	b->dying = close_fd(b->dying);
	start(b);
	return false;
}

bool bluez_has_died(struct bluez *b)
{
	bool has_died = b->has_died;

	b->has_died = false;
	return has_died;
}
