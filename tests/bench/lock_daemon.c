/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_daemon.c - bleherd-lockd as the child of a runner that does as much of a
 * supervisor's part as it takes: descriptor 3, the greeting, channels to clients.
 */
#include "tests/bench/lock.h"

#include "ipc/chan.h"
#include "ipc/control.pb-c.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { CONTROL_FD = 3, PATIENCE_MS = 10000 };

__attribute__((noreturn)) static void execute(int control, const char *dir, uint32_t connect_slots)
{
	const char *bin = getenv("BLEHERD_BIN");
	char path[256];
	char slots[16];
	char parent[16];

	(void)snprintf(path, sizeof(path), "%s/bleherd-lockd", bin ? bin : "build/bin");
	(void)snprintf(slots, sizeof(slots), "%u", connect_slots);
	(void)snprintf(parent, sizeof(parent), "%d", getppid());
	if (control == CONTROL_FD)
		(void)fcntl(control, F_SETFD, 0);
	else if (dup2(control, CONTROL_FD) < 0)
		die("dup2: %s", strerrorname_np(errno));
	(void)execl(path, "bleherd-lockd", "--dir", dir, "--connect-slots", slots, "--scan-slots",
		    "1", "--parent", parent, "--log-level", "error", NULL);
	die("%s: %s", path, strerrorname_np(errno));
}

/* The next frame's type; its descriptors are closed. 0: what came was the channel's own. */
static uint16_t next_type(struct lockd *lockd)
{
	struct pollfd p = { .fd = chan_fd(lockd->control), .events = POLLIN };
	struct chan_frame frame;
	int r;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		die("lockd says nothing");
	r = chan_recv(lockd->control, &frame);
	if (r == 0)
		return 0;
	if (r != CHAN_FRAME)
		die("lockd is gone (%d)", r);
	chan_frame_done(&frame);
	return frame.type;
}

void lockd_start(struct lockd *lockd, const char *dir, uint32_t connect_slots)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		die("no socket pair: %s", strerrorname_np(errno));
	lockd->pid = fork_bound();
	if (lockd->pid == 0)
		execute(fds[1], dir, connect_slots);
	(void)close(fds[1]);
	if (chan_buf_new(&lockd->buf, CHAN_BODY_CONTROL) < 0 ||
	    chan_new(&lockd->control, fds[0], lockd->buf, CHAN_BODY_CONTROL) < 0)
		die("no memory");
	while (next_type(lockd) != BH__CTL__TYPE__READY)
		;
}

void lockd_hand_over(struct lockd *lockd, int fd, pid_t pid)
{
	Bh__Ctl__LockPeer msg = BH__CTL__LOCK_PEER__INIT;
	char label[] = "bench";
	int r;

	msg.has_peer = msg.has_pid = msg.has_uid = msg.has_worker = 1;
	msg.peer = ++lockd->next_peer;
	msg.pid = (uint32_t)pid;
	msg.uid = (uint32_t)getuid();
	msg.label = label;
	msg.worker = 1; /* programs have quotas, and 256 waiters of one user are past them */
	r = chan_send(lockd->control, BH__CTL__TYPE__LOCK_PEER, 0, 0, &msg.base, &fd, 1);
	if (r < 0)
		die("lockd takes no client: %s", strerrorname_np(-r));
	/* One descriptor under way at a time: the channel waits for lockd's word. */
	while (chan_queued(lockd->control) > 0)
		(void)next_type(lockd);
}
