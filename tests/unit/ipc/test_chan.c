/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channel: form, descriptors one at a time, bounds, rules, the end. */
#include "ipc/lock.pb-c.h"
#include "tests/unit/ipc/chan_pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { WAIT_MS = 5000 };

static int send_label(struct chan *chan, uint32_t id, const char *label, size_t n_fds)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;
	const int fds[CHAN_FDS_MAX] = { null_fd, null_fd, null_fd, null_fd };

	msg.label = (char *)(uintptr_t)label;
	return chan_send(chan, BH__LOCK__TYPE__HELLO, id, 7, &msg.base, fds, n_fds);
}

/* The next frame must be that id with so many descriptors. */
static void expect(struct chan *chan, uint32_t id, size_t n_fds)
{
	struct chan_frame frame;
	size_t i;

	ck_assert_int_eq(chan_recv(chan, &frame), CHAN_FRAME);
	ck_assert_uint_eq(frame.id, id);
	ck_assert_uint_eq(frame.n_fds, n_fds);
	for (i = 0; i < n_fds; i++)
		ck_assert_int_eq(fcntl(frame.fds[i], F_GETFD), FD_CLOEXEC);
	chan_frame_done(&frame);
}

static void expect_nothing(struct chan *chan)
{
	struct chan_frame frame;

	ck_assert_int_eq(chan_recv(chan, &frame), 0);
}

START_TEST(a_frame_arrives_as_it_was_sent)
{
	const Bh__Lock__Hello *msg;
	struct chan_frame frame;

	ck_assert_int_eq(send_label(a, 42, "hello", 2), 0);
	ck_assert_int_eq(chan_recv(b, &frame), CHAN_FRAME);
	ck_assert_uint_eq(frame.type, BH__LOCK__TYPE__HELLO);
	ck_assert_uint_eq(frame.id, 42);
	ck_assert_uint_eq(frame.epoch, 7);
	ck_assert_uint_eq(frame.n_fds, 2);
	msg = chan_unpack(b, &frame, &bh__lock__hello__descriptor);
	ck_assert_ptr_nonnull(msg);
	ck_assert_str_eq(msg->label, "hello");
	ck_assert(!msg->has_version);
	chan_frame_done(&frame);
	expect_nothing(b);
}
END_TEST

START_TEST(a_body_has_a_limit)
{
	static char big[CHAN_BODY_CONTROL + 1];

	memset(big, 'x', CHAN_BODY_CONTROL);
	ck_assert_int_eq(send_label(a, 1, big, 0), -EMSGSIZE);
	big[CHAN_BODY_CONTROL - 3] = '\0'; /* a tag, two bytes of length */
	ck_assert_int_eq(send_label(a, 2, big, 0), 0);
	expect(b, 2, 0);
}
END_TEST

START_TEST(one_descriptor_is_under_way)
{
	uint32_t id;

	for (id = 1; id <= 4; id++)
		ck_assert_int_eq(send_label(a, id, "x", id % 2), 0);
	/* 1 was sent, 2 as well; 3 waits until the peer has read 1, and 4 behind it. */
	ck_assert(!chan_wants_write(a));
	expect(b, 1, 1);
	expect(b, 2, 0);
	expect_nothing(b); /* it read the question, and answered */
	expect_nothing(a); /* reads that answer, and sends 3 and 4 */
	expect(b, 3, 1);
	expect(b, 4, 0);
	expect_nothing(b);
}
END_TEST

START_TEST(a_frame_of_the_peer_says_that_it_arrived)
{
	uint32_t id;

	/* No question is ever asked while requests and answers alternate. */
	for (id = 1; id <= 1000; id++) {
		ck_assert_int_eq(send_label(a, id, "x", 1), 0);
		expect(b, id, 1);
		ck_assert_int_eq(send_label(b, id, "y", 0), 0);
		expect(a, id, 0);
		expect_nothing(b);
	}
}
END_TEST

/* One frame or none; counts and checks it. */
static void take(struct chan *chan, uint32_t *count, size_t n_fds)
{
	struct chan_frame frame;
	int r = chan_recv(chan, &frame);

	ck_assert_int_ge(r, 0);
	if (r != CHAN_FRAME)
		return;
	ck_assert_uint_eq(frame.id, ++*count);
	ck_assert_uint_eq(frame.n_fds, n_fds);
	chan_frame_done(&frame);
}

START_TEST(both_ways_at_once)
{
	uint32_t at_a = 0;
	uint32_t at_b = 0;
	uint32_t id;
	int turns;

	/* Neither has seen the other's when it sends: questions and answers cross. */
	for (id = 1; id <= 600; id++) {
		ck_assert_int_eq(send_label(a, id, "x", 1), 0);
		ck_assert_int_eq(send_label(b, id, "y", CHAN_FDS_MAX), 0);
		for (turns = 0; turns < 4 && (at_a < id || at_b < id); turns++) {
			take(b, &at_b, 1);
			take(a, &at_a, CHAN_FDS_MAX);
		}
		ck_assert_uint_eq(at_a, id);
		ck_assert_uint_eq(at_b, id);
	}
}
END_TEST

START_TEST(a_full_socket_queues_in_order)
{
	uint32_t sent;
	uint32_t id;

	for (sent = 0; !chan_wants_write(a); sent++)
		ck_assert_int_eq(send_label(a, sent, "x", 0), 0);
	for (id = sent; id < sent + 100; id++)
		ck_assert_int_eq(send_label(a, id, "x", 0), 0);
	sent += 100;
	for (id = 0; id < sent; id++) {
		ck_assert_int_eq(chan_flush(a), 0);
		expect(b, id, 0);
	}
	ck_assert(!chan_wants_write(a));
	expect_nothing(b);
}
END_TEST

START_TEST(the_queue_has_a_bound)
{
	uint32_t sent;
	int r = 0;

	/* Also with descriptors, of which but one is ever in the socket. */
	for (sent = 0; r == 0; sent++)
		r = send_label(a, sent, "x", (size_t)_i);
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_uint_ge(sent, CHAN_QUEUE_FRAMES);
	if (_i > 0)
		ck_assert_uint_le(sent, CHAN_QUEUE_FRAMES + 2);
}
END_TEST

/* --- bodies --- */

START_TEST(unpacking_has_a_limit)
{
	/* Two bytes on the wire are a pointer and an allocation here. */
	enum { N = 1500 };
	static char *names[N];
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;
	struct chan_frame frame;
	size_t i;

	for (i = 0; i < N; i++)
		names[i] = (char *)(uintptr_t) "";
	msg.resources = names;
	msg.n_resources = N;
	ck_assert_int_eq(chan_send(a, BH__LOCK__TYPE__ACQUIRE, 1, 0, &msg.base, NULL, 0), 0);
	msg.n_resources = 100;
	ck_assert_int_eq(chan_send(a, BH__LOCK__TYPE__ACQUIRE, 2, 0, &msg.base, NULL, 0), 0);
	ck_assert_int_eq(chan_recv(b, &frame), CHAN_FRAME);
	ck_assert_ptr_null(chan_unpack(b, &frame, &bh__lock__acquire__descriptor));
	ck_assert_int_eq(chan_recv(b, &frame), CHAN_FRAME);
	ck_assert_ptr_nonnull(chan_unpack(b, &frame, &bh__lock__acquire__descriptor));
}
END_TEST

/* --- rules --- */

static int on_hello(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Lock__Hello *hello = msg;
	int *out = ctx;

	if (frame->n_fds > 0)
		*out = take_fd(&frame->fds[0]);
	return hello->has_version ? -ESTALE : 0;
}

static const struct chan_rule RULES[] = {
	{ 0, 0, 0, &bh__lock__empty__descriptor, NULL },
	{ BH__LOCK__TYPE__HELLO, 1, 2, &bh__lock__hello__descriptor, on_hello },
	{ BH__LOCK__TYPE__HELD, 0, 0, &bh__lock__held__descriptor, on_hello },
};

static int dispatch(int *out_fd)
{
	struct chan_frame frame;
	int r;

	ck_assert_int_eq(chan_recv(b, &frame), CHAN_FRAME);
	r = chan_dispatch(b, &frame, RULES, ARRAY_LEN(RULES), out_fd);
	chan_frame_done(&frame);
	return r;
}

START_TEST(rules_decide_what_may_come)
{
	Bh__Lock__Hello stale = { PROTOBUF_C_MESSAGE_INIT(&bh__lock__hello__descriptor), 1, 1,
				  NULL };
	/* A header of type HELD, and a body that is none. */
	static const uint8_t malformed[17] = {
		0x42, 0x48, 1, 0, BH__LOCK__TYPE__HELD, [16] = 0xff
	};
	int fd = -EBADF;

	ck_assert_int_eq(send_label(a, 1, "x", 0), 0);
	ck_assert_int_eq(dispatch(&fd), -EBADMSG); /* too few descriptors */
	ck_assert_int_eq(send_label(a, 1, "x", 1), 0);
	ck_assert_int_eq(dispatch(&fd), 0);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0); /* the handler took it */
	fd = close_fd(fd);
	ck_assert_int_eq(send_label(b, 1, "x", 0), 0);
	expect(a, 1, 0); /* it says that the descriptor arrived */
	ck_assert_int_eq(send_label(a, 1, "x", 3), 0);
	ck_assert_int_eq(dispatch(&fd), -EBADMSG); /* too many */
	ck_assert_int_eq(chan_send(a, 99, 1, 0, &stale.base, NULL, 0), 0);
	ck_assert_int_eq(dispatch(&fd), -EBADMSG); /* no such type */
	ck_assert_int_eq(send_label(b, 2, "x", 0), 0);
	expect(a, 2, 0);
	ck_assert_int_eq(chan_send(a, BH__LOCK__TYPE__HELLO, 1, 0, &stale.base, &null_fd, 1), 0);
	ck_assert_int_eq(dispatch(&fd), -ESTALE); /* the handler's word */
	fd = close_fd(fd);
	ck_assert_int_eq(send(chan_fd(a), malformed, sizeof(malformed), 0), sizeof(malformed));
	ck_assert_int_eq(dispatch(&fd), -EBADMSG);
}
END_TEST

/* --- the end --- */

START_TEST(what_was_sent_is_read_before_the_end)
{
	struct chan_frame frame;
	uint32_t id;

	for (id = 1; id <= 3; id++)
		ck_assert_int_eq(send_label(a, id, "x", id == 2), 0);
	/* Closed with something unread: the kernel reports ECONNRESET first. */
	if (_i == 1)
		ck_assert_int_eq(send_label(b, 9, "unread", 0), 0);
	a = chan_free(a);
	for (id = 1; id <= 3; id++)
		expect(b, id, id == 2);
	ck_assert_int_eq(chan_recv(b, &frame), CHAN_EOF);
	ck_assert_int_eq(chan_recv(b, &frame), CHAN_EOF);
	ck_assert_int_eq(send_label(b, 1, "x", 0), -EPIPE);
}
END_TEST

START_TEST(sending_to_the_dead_leaves_its_words)
{
	int r;

	ck_assert_int_eq(send_label(a, 1, "last words", 0), 0);
	ck_assert_int_eq(send_label(b, 9, "unread", 0), 0);
	a = chan_free(a);
	r = send_label(b, 1, "x", 1);
	ck_assert(r == -EPIPE || r == -ECONNRESET);
	expect(b, 1, 0);
}
END_TEST

/* A peer that says so much, reading along, and then is no more. */
static void say_and_die(struct chan *chan, int n)
{
	struct chan_frame frame;
	int i;

	for (i = 1; i <= n; i++) {
		if (send_label(chan, (uint32_t)i, "x", (size_t)i % 2) < 0)
			_exit(1);
		while (chan_recv(chan, &frame) == CHAN_FRAME)
			chan_frame_done(&frame);
	}
	_exit(0);
}

START_TEST(death_after_each_frame)
{
	struct pollfd p = { .events = POLLIN };
	struct chan_frame frame;
	uint32_t id = 0;
	pid_t pid;
	int r;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		b = chan_free(b);
		say_and_die(a, _i);
	}
	a = chan_free(a);
	p.fd = chan_fd(b);
	for (;;) {
		r = chan_recv(b, &frame);
		if (r == 0) {
			ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
			continue;
		}
		if (r != CHAN_FRAME)
			break;
		ck_assert_uint_eq(frame.id, ++id);
		ck_assert_uint_eq(frame.n_fds, id % 2);
		chan_frame_done(&frame);
	}
	/* In order, without a gap, whole: all, but for what waited in its own queue. */
	ck_assert_int_eq(r, CHAN_EOF);
	ck_assert_uint_le(id, (uint32_t)_i);
	if (_i > 0)
		ck_assert_uint_ge(id, _i > 2 ? 2 : 1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

Suite *suite_chan(void);
Suite *suite_chan(void)
{
	Suite *suite = suite_create("chan");
	TCase *tc = tcase_create("chan");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_frame_arrives_as_it_was_sent);
	tcase_add_test(tc, a_body_has_a_limit);
	tcase_add_test(tc, one_descriptor_is_under_way);
	tcase_add_test(tc, a_frame_of_the_peer_says_that_it_arrived);
	tcase_add_test(tc, both_ways_at_once);
	tcase_add_test(tc, a_full_socket_queues_in_order);
	tcase_add_loop_test(tc, the_queue_has_a_bound, 0, 2);
	tcase_add_test(tc, unpacking_has_a_limit);
	tcase_add_test(tc, rules_decide_what_may_come);
	tcase_add_loop_test(tc, what_was_sent_is_read_before_the_end, 0, 2);
	tcase_add_test(tc, sending_to_the_dead_leaves_its_words);
	tcase_add_loop_test(tc, death_after_each_frame, 0, 12);
	suite_add_tcase(suite, tc);
	return suite;
}
