/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status page: what a worker writes is what the supervisor reads, also after a kill. */
#include "ipc/wpage.h"
#include "tests/support/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int fd;
static struct wpage *reader;
static struct wpage *writer;

static void setup(void)
{
	ck_assert_int_eq(wpage_create(17, 5000, &fd, &reader), 0);
	ck_assert_int_eq(wpage_map(fd, &writer), 0);
}

static void teardown(void)
{
	writer = wpage_unmap(writer);
	reader = wpage_unmap(reader);
	fd = close_fd(fd);
}

START_TEST(what_is_written_is_read)
{
	struct wpage_view view;

	wpage_read(reader, &view);
	ck_assert_uint_eq(view.incarnation, 17);
	ck_assert_uint_eq(view.tick, 0);
	ck_assert_int_eq(view.op, WPAGE_OP_NONE);
	ck_assert_uint_eq(view.n_issued, 0);
	wpage_tick(writer, 1000);
	wpage_tick(writer, 1250);
	wpage_op_begin(writer, WPAGE_OP_CONNECT, 20000, 1100);
	wpage_handling(writer, 3, 99);
	wpage_read(reader, &view);
	ck_assert_uint_eq(view.tick, 2);
	ck_assert_uint_eq(view.tick_at_ms, 1250);
	ck_assert_int_eq(view.op, WPAGE_OP_CONNECT);
	ck_assert_uint_eq(view.op_budget_ms, 20000);
	ck_assert_uint_eq(view.op_started_at_ms, 1100);
	ck_assert_uint_eq(view.handling_session, 3);
	ck_assert_uint_eq(view.handling_id, 99);
	wpage_op_end(writer);
	wpage_read(reader, &view);
	ck_assert_int_eq(view.op, WPAGE_OP_NONE);
}
END_TEST

START_TEST(issued_writes_are_listed_until_answered)
{
	struct wpage_view view;
	uint32_t id;

	for (id = 1; id <= WPAGE_ISSUED_MAX; id++)
		ck_assert_int_eq(wpage_issue(writer, 5, id), 0);
	ck_assert_int_eq(wpage_issue(writer, 5, 999), -ENOBUFS);
	wpage_answered(writer, 6, 1); /* another session's: nothing happens */
	for (id = 1; id <= WPAGE_ISSUED_MAX; id += 2)
		wpage_answered(writer, 5, id);
	wpage_read(reader, &view);
	ck_assert_uint_eq(view.n_issued, WPAGE_ISSUED_MAX / 2);
	for (id = 0; id < view.n_issued; id++) {
		ck_assert_uint_eq(view.issued[id].session, 5);
		ck_assert_uint_eq(view.issued[id].id, 2 * (id + 1));
	}
	ck_assert_int_eq(wpage_issue(writer, 7, 1), 0);
}
END_TEST

/* Issues and answers the same write again and again, handling what it issues. */
static void work(struct wpage *page)
{
	uint32_t id;

	for (id = 1;; id++) {
		wpage_handling(page, 1, id);
		if (wpage_issue(page, 1, id) < 0)
			_exit(1);
		wpage_answered(page, 1, id);
		wpage_tick(page, id);
	}
}

START_TEST(a_killed_writer_leaves_it_whole)
{
	struct wpage_view view = { .tick = 0 };
	pid_t parent = getpid();
	pid_t pid;
	int i;

	for (i = 0; i < 50; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent)
				work(writer);
			_exit(1);
		}
		teardown();
		setup();
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	/* And one whose page we keep: it never lists what it is not handling. */
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(writer);
	}
	while (view.tick < 1000)
		wpage_read(reader, &view);
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	wpage_read(reader, &view);
	ck_assert_uint_le(view.n_issued, 1);
	if (view.n_issued == 1)
		ck_assert_uint_eq(view.issued[0].id, view.handling_id);
}
END_TEST

START_TEST(a_hostile_page_is_clamped)
{
	struct wpage_traces traces;
	struct wpage_view view;

	/* Whatever a worker scribbles, the view stays in range. */
	memset((char *)writer + 16, 0xff, 4096 - 16);
	wpage_read(reader, &view);
	ck_assert_int_eq(view.op, WPAGE_OP_NONE);
	ck_assert_uint_le(view.n_issued, WPAGE_ISSUED_MAX);
	ck_assert_str_eq(wpage_op_name((enum wpage_op)77), "none");
	wpage_read_traces(reader, &traces);
	ck_assert_int_eq(traces.end, WPAGE_END_NONE);
	ck_assert_uint_le(traces.n_crumbs, WPAGE_CRUMBS_MAX);
	ck_assert_uint_eq(traces.n_frames, WPAGE_FRAMES_MAX);
	ck_assert_uint_eq(strlen(traces.words), WPAGE_WORDS_LEN - 1);
	ck_assert_uint_eq(strspn(traces.words, "?"), WPAGE_WORDS_LEN - 1);
	ck_assert_uint_eq(strspn(traces.frames[0].object, "?"), WPAGE_OBJECT_LEN - 1);
}
END_TEST

START_TEST(crumbs_are_kept_in_order)
{
	struct wpage_traces traces;
	uint32_t i;

	wpage_read_traces(reader, &traces);
	ck_assert_uint_eq(traces.n_crumbs, 0);
	for (i = 1; i <= 3; i++)
		wpage_crumb(writer, i, "step %u", i);
	wpage_read_traces(reader, &traces);
	ck_assert_uint_eq(traces.n_crumbs, 3);
	ck_assert_str_eq(traces.crumbs[0].text, "step 1");
	for (; i <= 100; i++)
		wpage_crumb(writer, i, "step %u", i);
	wpage_crumb(writer, 101, "a step with \033[1mmany words, more than there is room for");
	wpage_read_traces(reader, &traces);
	ck_assert_uint_eq(traces.n_crumbs, WPAGE_CRUMBS_MAX);
	for (i = 0; i < WPAGE_CRUMBS_MAX; i++)
		ck_assert_uint_eq(traces.crumbs[i].at_ms, 101 - WPAGE_CRUMBS_MAX + 1 + i);
	ck_assert_str_eq(traces.crumbs[WPAGE_CRUMBS_MAX - 1].text,
			 "a step with ?[1mmany words, more than there is ");
}
END_TEST

START_TEST(the_first_last_words_stay)
{
	struct wpage_traces traces;

	wpage_end(writer, WPAGE_END_ASSERT, "a.c:1: f: assertion");
	wpage_frame(writer, 0, 0x1234, "");
	wpage_frame(writer, 1, 0x99, "libc.so.6");
	wpage_end(writer, WPAGE_END_SIGNAL, "later");
	wpage_read_traces(reader, &traces);
	ck_assert_int_eq(traces.end, WPAGE_END_ASSERT);
	ck_assert_str_eq(traces.words, "a.c:1: f: assertion");
	ck_assert_uint_eq(traces.n_frames, 2);
	ck_assert_uint_eq(traces.frames[0].offset, 0x1234);
	ck_assert_str_eq(traces.frames[1].object, "libc.so.6");
	ck_assert_uint_eq(wpage_window_ms(reader), 5000);
}
END_TEST

START_TEST(only_a_page_is_mapped)
{
	struct wpage *page = NULL;
	int other = memfd_create("other", MFD_CLOEXEC);

	ck_assert_int_eq(wpage_map(other, &page), -EBADMSG);
	ck_assert_int_eq(ftruncate(other, 4096), 0);
	ck_assert_int_eq(wpage_map(other, &page), -EBADMSG);
	ck_assert_ptr_null(page);
	(void)close(other);
	/* Nobody can take the memory away under the reader. */
	ck_assert_int_lt(ftruncate(fd, 0), 0);
}
END_TEST

START_TEST(no_page_is_fine)
{
	wpage_tick(NULL, 1);
	wpage_op_begin(NULL, WPAGE_OP_GATT, 1, 1);
	wpage_op_end(NULL);
	wpage_handling(NULL, 1, 1);
	ck_assert_int_eq(wpage_issue(NULL, 1, 1), 0);
	wpage_answered(NULL, 1, 1);
	wpage_crumb(NULL, 1, "nothing");
	wpage_end(NULL, WPAGE_END_HUNG, NULL);
	ck_assert_uint_eq(wpage_window_ms(NULL), 0);
	ck_assert_ptr_null(wpage_unmap(NULL));
}
END_TEST

Suite *suite_wpage(void);
Suite *suite_wpage(void)
{
	Suite *suite = suite_create("wpage");
	TCase *tc = tcase_create("wpage");

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, issued_writes_are_listed_until_answered);
	tcase_add_test(tc, a_killed_writer_leaves_it_whole);
	tcase_add_test(tc, a_hostile_page_is_clamped);
	tcase_add_test(tc, crumbs_are_kept_in_order);
	tcase_add_test(tc, the_first_last_words_stay);
	tcase_add_test(tc, only_a_page_is_mapped);
	tcase_add_test(tc, no_page_is_fine);
	suite_add_tcase(suite, tc);
	return suite;
}
