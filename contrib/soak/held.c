/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/held.h"

#include <signal.h>
#include <sys/syscall.h>

enum { STOPPED_US = 18000, RUNNING_US = 2000 };

static int send_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

void held_init(struct held *h)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		h->all[i].pidfd = -EBADF;
}

int held_begin(struct held *h, pid_t pid, uint64_t key, bool is_starved, int64_t now_us)
{
	struct held_one *one = h->all;
	int pidfd, r;

	while (one < h->all + HELD_MAX && one->pidfd >= 0)
		one++;
	if (one == h->all + HELD_MAX)
		return -ENOSPC;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	r = send_signal(pidfd, SIGSTOP);
	if (r < 0) {
		(void)close(pidfd);
		return r;
	}
	*one = (struct held_one){ .pidfd = pidfd,
				  .key = key,
				  .is_starved = is_starved,
				  .is_stopped = true,
				  .turn_us = is_starved ? now_us + STOPPED_US : INT64_MAX };
	return 0;
}

static void let_go(struct held_one *one)
{
	(void)send_signal(one->pidfd, SIGCONT);
	one->pidfd = close_fd(one->pidfd);
}

void held_end(struct held *h, uint64_t key)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (h->all[i].pidfd >= 0 && h->all[i].key == key)
			let_go(&h->all[i]);
}

void held_rest(struct held *h)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (h->all[i].pidfd >= 0)
			let_go(&h->all[i]);
}

int64_t held_turn(struct held *h, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < HELD_MAX; i++) {
		struct held_one *one = &h->all[i];

		if (one->pidfd < 0)
			continue;
		if (now_us >= one->turn_us) {
			one->is_stopped = !one->is_stopped;
			(void)send_signal(one->pidfd, one->is_stopped ? SIGSTOP : SIGCONT);
			one->turn_us = now_us + (one->is_stopped ? STOPPED_US : RUNNING_US);
		}
		if (one->turn_us < next_us)
			next_us = one->turn_us;
	}
	return next_us;
}
