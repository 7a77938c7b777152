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

void bluez_init(struct bluez *b, const char *pid_file, const char *log)
{
	*b = (struct bluez){ .pid_file = pid_file, .log = log, .dying = -EBADF };
}

pid_t bluez_pid(struct bluez *b)
{
	FILE *f;
	int pid = 0;

	if (b->pid == 0 && b->pid_file) {
		f = fopen(b->pid_file, "re");
		if (f && fscanf(f, "%d", &pid) != 1)
			pid = 0;
		if (f)
			(void)fclose(f);
		b->pid = pid;
	}
	return b->pid > 0 && proc_is_program(b->pid, "bluetoothd") ? b->pid : 0;
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

int bluez_kill(struct bluez *b)
{
	pid_t pid = bluez_pid(b);

	if (pid == 0 || b->dying >= 0 || !read_arguments(b))
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
	pid_t pid = fork();
	int fd;

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

bool bluez_turn(struct bluez *b)
{
	struct pollfd p = { .fd = b->dying, .events = POLLIN };

	if (b->dying < 0 || poll(&p, 1, 0) != 1)
		return b->dying >= 0;
	b->dying = close_fd(b->dying);
	if (b->is_ours)
		(void)waitpid(b->pid, NULL, WNOHANG);
	start(b);
	return false;
}
