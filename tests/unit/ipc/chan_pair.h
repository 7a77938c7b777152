/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* tests/unit/ipc/chan_pair.h - two connected channels for a test, and that none loses a descriptor.
 */
#include "ipc/chan.h"
#include "tests/support/runner.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

static struct chan_buf *buf;
static struct chan *a;
static struct chan *b;
static int null_fd;
static size_t open_before;

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void pair(int out_fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_fds), 0);
}

static void setup(void)
{
	int fds[2];

	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	open_before = count_fds();
	pair(fds);
	ck_assert_int_eq(chan_buf_new(&buf, CHAN_BODY_CONTROL), 0);
	ck_assert_int_eq(chan_new(&a, fds[0], buf, CHAN_BODY_CONTROL), 0);
	ck_assert_int_eq(chan_new(&b, fds[1], buf, CHAN_BODY_CONTROL), 0);
}

/* Every descriptor that came or waited is closed, whatever the test did. */
static void teardown(void)
{
	a = chan_free(a);
	b = chan_free(b);
	buf = chan_buf_free(buf);
	ck_assert_uint_eq(count_fds(), open_before);
	(void)close(null_fd);
}
