/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What clients note in the book is judged: answers, deadlines, values beside the order in which
 * writes arrived.
 */
#include <check.h>
#include <string.h>

#include "contrib/soak/judge.h"
#include "ipc/bleherd.h"

Suite *suite_judge(void);

enum { LATE_MS = 5000, WAIT_MS = 10000, ALL = 16 };

static struct book *book;
static struct judge *judge;
static struct judge_violation found[ALL];
static size_t n_found, n_answered;
static const char *log_text;

static void on_answer(void *ctx, uint32_t client, const struct book_entry *entry)
{
	(void)ctx;
	(void)client;
	(void)entry;
	n_answered++;
}

static void on_violation(void *ctx, const struct judge_violation *v)
{
	(void)ctx;
	if (n_found < ALL)
		found[n_found++] = *v;
}

static const char *read_log(void *ctx, size_t *out_len)
{
	const char *text = log_text;

	(void)ctx;
	log_text = NULL;
	*out_len = text ? strlen(text) : 0;
	return text;
}

static void setup(void)
{
	struct judge_settings settings = { .late_ms = LATE_MS,
					   .answered = on_answer,
					   .violation = on_violation };
	int fd = -EBADF;

	ck_assert_int_eq(book_new(&book, &fd), 0);
	(void)close_fd(fd);
	book->clients = 2;
	book->devices = 2;
	book->first = 0xc0aabb000000;
	settings.book = book;
	ck_assert_int_eq(judge_new(&judge, &settings), 0);
	n_found = n_answered = 0;
	log_text = NULL;
}

static void teardown(void)
{
	judge = judge_free(judge);
	book = book_unmap(book);
}

static struct book_entry *ask(uint32_t client, enum book_kind kind, int64_t at_us)
{
	struct book_page *page = &book->pages[client];
	uint32_t number = page->asked + 1;
	struct book_entry *entry = &page->ring[number % BOOK_RING];

	*entry = (struct book_entry){ .number = number,
				      .kind = (uint8_t)kind,
				      .adapter = BOOK_NO_ADAPTER,
				      .timeout_ms = WAIT_MS,
				      .asked_us = at_us };
	page->asked = number;
	return entry;
}

static void done(uint32_t client, enum book_kind kind, int64_t from_us, int64_t to_us,
		 uint32_t value)
{
	struct book_entry *entry = ask(client, kind, from_us);

	entry->value = value;
	entry->answered_us = to_us;
}

static void look(const char *log, int64_t now_us)
{
	const struct judge_log from = { .read = read_log };

	log_text = log;
	judge_look(judge, &from, now_us);
}

#define LINE(hex) "{\"device\":\"C0:AA:BB:00:00:00\",\"hex\":\"" hex "\"}\n"

static void expect(enum book_promise promise, const char *words)
{
	ck_assert_uint_eq(n_found, 1);
	ck_assert_msg(found[0].promise == promise, "%s", found[0].text);
	ck_assert_msg(strstr(found[0].text, words) != NULL, "%s", found[0].text);
}

START_TEST(all_is_well)
{
	done(0, BOOK_WRITE, 1000, 2000, 0x00000001);
	done(1, BOOK_READ, 3000, 4000, 0x00000001);
	done(1, BOOK_CONNECT, 5000, 6000, 0);
	look(LINE("00000001"), 7000);
	ck_assert_msg(n_found == 0, "%s", found[0].text);
	ck_assert_uint_eq(n_answered, 3);
	ck_assert_int_eq(judge_success_us(judge, 1), 6000);
	look(NULL, 8000);
	ck_assert_uint_eq(n_answered, 3);
}
END_TEST

/* It waits as long as was promised, and then for what a busy machine takes. */
START_TEST(never_answered)
{
	(void)ask(0, BOOK_READ, 1000);
	look(NULL, 1000 + (WAIT_MS + LATE_MS) * 1000);
	ck_assert_uint_eq(n_found, 0);
	look(NULL, 1001 + (WAIT_MS + LATE_MS) * 1000);
	expect(BOOK_IN_TIME, "no answer");
	look(NULL, 2 * (WAIT_MS + LATE_MS) * 1000);
	ck_assert_uint_eq(n_found, 1);
}
END_TEST

START_TEST(answered_late)
{
	done(0, BOOK_CONNECT, 1000, 2000 + (WAIT_MS + LATE_MS) * 1000, 0);
	look(NULL, 3000 + (WAIT_MS + LATE_MS) * 1000);
	expect(BOOK_IN_TIME, "answered after 15001 ms");
}
END_TEST

/* One that was killed is owed nothing, but what it had been told counts. */
START_TEST(killed_client)
{
	(void)ask(0, BOOK_READ, 1000);
	done(0, BOOK_WRITE, 1000, 2000, 0x00000001);
	judge_gone(judge, 0);
	look(NULL, 1000 + 2 * (WAIT_MS + LATE_MS) * 1000);
	expect(BOOK_WRITE_ONCE, "never arrived");
}
END_TEST

START_TEST(written_twice)
{
	look(LINE("00000001") LINE("01000001"), 1000);
	ck_assert_uint_eq(n_found, 0);
	look(LINE("00000001"), 2000);
	expect(BOOK_WRITE_ONCE, "a second time");
}
END_TEST

START_TEST(old_value)
{
	done(0, BOOK_WRITE, 1000, 2000, 0x00000002);
	/* It began before that was known, and may have had the older one. */
	done(1, BOOK_READ, 1500, 2500, 0x00000001);
	look(LINE("00000001") LINE("00000002"), 3000);
	ck_assert_msg(n_found == 0, "%s", found[0].text);
	done(1, BOOK_READ, 2001, 3500, 0x00000001);
	look(NULL, 4000);
	expect(BOOK_RIGHT_VALUE, "the newer 00000002");
}
END_TEST

/* Who has read a value has proved it for all others, though its write was never answered. */
START_TEST(older_than_a_read)
{
	done(0, BOOK_READ, 1000, 2000, 0x00000002);
	done(1, BOOK_READ, 2001, 3000, BOOK_VALUE_NONE);
	look(LINE("00000001") LINE("00000002"), 4000);
	expect(BOOK_RIGHT_VALUE, "the newer 00000002");
}
END_TEST

/* Requests of a session keep their order, also when nobody waited for the write. */
START_TEST(older_than_its_own)
{
	struct book_entry *entry = ask(0, BOOK_READ, 1000);

	entry->after = 0x00000002;
	entry->value = 0x00000001;
	entry->answered_us = 2000;
	look(LINE("00000001") LINE("00000002"), 3000);
	expect(BOOK_RIGHT_VALUE, "the newer 00000002");
}
END_TEST

START_TEST(odd_value)
{
	done(0, BOOK_READ, 1000, 2000, BOOK_VALUE_ODD);
	look(LINE("00000001"), 3000);
	expect(BOOK_RIGHT_VALUE, "nobody wrote");
}
END_TEST

/* What a client sees itself is told once. */
START_TEST(finding)
{
	struct book_finding *seen = &book->pages[1].finding;

	seen->promise = BOOK_NOTIFY_ORDER;
	(void)strcpy(seen->text, "value 3 after value 5");
	seen->is_there = 1;
	look(NULL, 1000);
	look(NULL, 2000);
	expect(BOOK_NOTIFY_ORDER, "value 3 after value 5");
}
END_TEST

/* The ring is used again and again: each request is judged once. */
START_TEST(ring)
{
	for (int64_t i = 1; i <= 3 * BOOK_RING; i++) {
		done(0, BOOK_CONNECT, i * 10, i * 10 + 5, 0);
		if (i % 1000 == 0)
			look(NULL, i * 10 + 6);
	}
	look(NULL, INT64_C(1000000));
	ck_assert_uint_eq(n_answered, 3 * BOOK_RING);
	ck_assert_uint_eq(book->pages[0].judged, 3 * BOOK_RING);
	ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(roles)
{
	unsigned counts[BOOK_ROLES] = { 0 };

	for (uint32_t i = 0; i < 8; i++)
		counts[book_role_of(i)]++;
	for (size_t i = 0; i < BOOK_ROLES; i++)
		ck_assert_msg(counts[i] > 0, "no %s of eight", book_role_name((enum book_role)i));
	for (uint32_t i = 8; i < 20; i++)
		counts[book_role_of(i)]++;
	ck_assert_uint_eq(counts[BOOK_POLLER], 8);
	ck_assert_uint_eq(counts[BOOK_SUBSCRIBER], 5);
	ck_assert_uint_eq(counts[BOOK_OUTSIDER], 2);
	ck_assert_uint_eq(book_rank_of(7), 1);
}
END_TEST

Suite *suite_judge(void)
{
	Suite *s = suite_create("judge");
	TCase *t = tcase_create("judge");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_is_well);
	tcase_add_test(t, never_answered);
	tcase_add_test(t, answered_late);
	tcase_add_test(t, killed_client);
	tcase_add_test(t, written_twice);
	tcase_add_test(t, old_value);
	tcase_add_test(t, older_than_a_read);
	tcase_add_test(t, older_than_its_own);
	tcase_add_test(t, odd_value);
	tcase_add_test(t, finding);
	tcase_add_test(t, ring);
	tcase_add_test(t, roles);
	suite_add_tcase(s, t);
	return s;
}
