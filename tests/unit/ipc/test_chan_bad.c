/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channel against a peer that breaks the form: an error, nothing leaked, nothing believed. */
#include "ipc/lock.pb-c.h"
#include "tests/unit/ipc/chan_pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

struct raw {
	uint16_t magic;
	uint8_t version;
	uint8_t fds_seen;
	uint16_t type;
	uint16_t flags;
	uint32_t id;
	uint32_t epoch;
	uint8_t body[64];
};

static const struct {
	const char *what;
	struct raw raw;
	size_t len;
	int n_fds;
} BAD[] = {
	{ "short", { .magic = 0x4842, .version = 1 }, 15, 0 },
	{ "one byte", { .magic = 0x4842 }, 1, 0 },
	{ "magic", { .magic = 0x4843, .version = 1, .type = 1 }, 16, 0 },
	{ "version", { .magic = 0x4842, .version = 2, .type = 1 }, 16, 0 },
	{ "saw what was not sent",
	  { .magic = 0x4842, .version = 1, .fds_seen = 1, .type = 1 },
	  16,
	  0 },
	{ "a question with a body", { .magic = 0x4842, .version = 1, .flags = 1 }, 20, 0 },
	{ "a question with descriptors", { .magic = 0x4842, .version = 1, .flags = 1 }, 16, 1 },
	{ "too many descriptors", { .magic = 0x4842, .version = 1, .type = 1 }, 16, 9 },
	{ "bad, with descriptors", { .magic = 0x4842, .version = 9, .type = 1 }, 16, 3 },
};

static void send_raw(int fd, const void *data, size_t len, int n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * 16)];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int i;

	if (n_fds > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds);
		for (i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + sizeof(int) * (size_t)i, &null_fd, sizeof(int));
	}
	ck_assert_int_eq(sendmsg(fd, &msg, 0), (ssize_t)len);
}

START_TEST(bad_form_is_an_error_and_leaks_nothing)
{
	struct chan_frame frame;

	send_raw(chan_fd(a), &BAD[_i].raw, BAD[_i].len, BAD[_i].n_fds);
	ck_assert_msg(chan_recv(b, &frame) == -EBADMSG, "%s", BAD[_i].what);
}
END_TEST

START_TEST(a_truncated_frame_is_an_error)
{
	static uint8_t big[CHAN_HEADER_LEN + CHAN_BODY_CONTROL + 1];
	const struct raw raw = { .magic = 0x4842, .version = 1, .type = 1 };
	struct chan_frame frame;

	memcpy(big, &raw, CHAN_HEADER_LEN);
	send_raw(chan_fd(a), big, sizeof(big), 1);
	ck_assert_int_eq(chan_recv(b, &frame), -EBADMSG);
}
END_TEST

START_TEST(noise_never_harms)
{
	uint8_t noise[300];
	struct chan_frame frame;
	unsigned seed = 1;
	size_t len;
	size_t j;
	int fds[2];
	int i;
	int r;

	for (i = 0; i < 20000; i++) {
		pair(fds);
		b = chan_free(b);
		ck_assert_int_eq(chan_new(&b, fds[0], buf, CHAN_BODY_CONTROL), 0);
		len = 1 + (size_t)rand_r(&seed) % sizeof(noise);
		for (j = 0; j < len; j++)
			noise[j] = (uint8_t)rand_r(&seed);
		if (i % 2 == 0 && len >= 4)
			memcpy(noise, "BH\1\0", 4);
		send_raw(fds[1], noise, len, i % 3);
		(void)close(fds[1]);
		r = chan_recv(b, &frame);
		ck_assert(r == -EBADMSG || r == CHAN_FRAME || r == CHAN_EOF);
		if (r != CHAN_FRAME)
			continue;
		(void)chan_unpack(b, &frame, &bh__lock__acquire__descriptor);
		chan_frame_done(&frame);
	}
}
END_TEST

Suite *suite_chan_bad(void);
Suite *suite_chan_bad(void)
{
	Suite *suite = suite_create("chan_bad");
	TCase *tc = tcase_create("bad");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, bad_form_is_an_error_and_leaks_nothing, 0, (int)ARRAY_LEN(BAD));
	tcase_add_test(tc, a_truncated_frame_is_an_error);
	tcase_add_test(tc, noise_never_harms);
	suite_add_tcase(suite, tc);
	return suite;
}
