/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_recovery.c - how long after a fault those that it touched had a success. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contrib/soak/recovery.h"

Suite *suite_recovery(void);

enum { MS = 1000 };

static const uint64_t device = 0xc0aabb000001, other = 0xc0aabb000002;
static struct recovery *r;

static void setup(void)
{
	ck_assert_int_eq(recovery_new(&r), 0);
	recovery_uses(r, 1, device, "hci0");
	recovery_uses(r, 2, other, "hci1");
	recovery_uses(r, 3, 0, "");
}

static void teardown(void)
{
	r = recovery_free(r);
}

static void fault(int64_t at_ms, int64_t for_ms, const char *kind, const char *where)
{
	struct recovery_fault f = { .at_us = at_ms * MS, .for_ms = for_ms, .line = 7 };

	(void)snprintf(f.kind, sizeof(f.kind), "%s", kind);
	(void)snprintf(f.where, sizeof(f.where), "%s", where);
	(void)snprintf(f.text, sizeof(f.text), "%s %s", kind, where);
	recovery_fault(r, &f);
}

/* What the timeline says of fault @at: its recovery in ms; -1: null. */
static int64_t recovered_ms(size_t at)
{
	json_t *rows = recovery_timeline(r, 0);
	const json_t *value = json_object_get(json_array_get(rows, at), "recovered_ms");
	int64_t ms = json_is_integer(value) ? json_integer_value(value) : -1;

	ck_assert_ptr_nonnull(value);
	json_decref(rows);
	return ms;
}

START_TEST(all_that_were_touched)
{
	fault(1000, 0, "kill-daemon", "");
	recovery_success(r, 1, device, 1100 * MS);
	recovery_success(r, 2, other, 1200 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_success(r, 3, 0, 1350 * MS);
	ck_assert_int_eq(recovered_ms(0), 350);
	/* It is over: what comes later changes nothing. */
	recovery_success(r, 1, device, 9000 * MS);
	ck_assert_int_eq(recovered_ms(0), 350);
}
END_TEST

START_TEST(of_a_device_those_who_use_it)
{
	fault(1000, 0, "drop", "C0:AA:BB:00:00:01");
	recovery_success(r, 2, other, 1010 * MS);
	/* A success of it elsewhere says nothing about this one. */
	recovery_success(r, 1, other, 1020 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_success(r, 1, device, 1030 * MS);
	ck_assert_int_eq(recovered_ms(0), 30);
}
END_TEST

START_TEST(of_an_adapter_those_who_are_there)
{
	fault(1000, 0, "kill-worker", "hci1");
	recovery_success(r, 1, device, 1001 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	/* It may have moved away: that is a recovery, too. */
	recovery_uses(r, 2, other, "hci0");
	recovery_success(r, 2, other, 1080 * MS);
	ck_assert_int_eq(recovered_ms(0), 80);
}
END_TEST

START_TEST(from_its_end)
{
	fault(1000, 3000, "hang-adapter", "hci0");
	recovery_success(r, 1, device, 2000 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_end(r, 7, 4100 * MS);
	recovery_success(r, 1, device, 4100 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_success(r, 1, device, 4150 * MS);
	ck_assert_int_eq(recovered_ms(0), 50);
}
END_TEST

START_TEST(for_ever_until_told)
{
	fault(1000, RECOVERY_FOR_EVER, "silent", "C0:AA:BB:00:00:01");
	recovery_success(r, 1, device, 50000 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_end(r, 7, 60000 * MS);
	recovery_success(r, 1, device, 60500 * MS);
	ck_assert_int_eq(recovered_ms(0), 500);
}
END_TEST

START_TEST(who_comes_while_it_lasts)
{
	fault(1000, 3000, "hang-adapter", "hci1");
	recovery_uses(r, 3, other, "hci1");
	recovery_end(r, 7, 4000 * MS);
	recovery_success(r, 2, other, 4010 * MS);
	ck_assert_int_eq(recovered_ms(0), -1);
	recovery_success(r, 3, other, 4020 * MS);
	ck_assert_int_eq(recovered_ms(0), 20);
}
END_TEST

/* Killed, or at another device by now. */
START_TEST(who_leaves_is_not_waited_for)
{
	fault(1000, 0, "drop", "C0:AA:BB:00:00:01");
	recovery_uses(r, 1, other, "hci0");
	recovery_success(r, 2, other, 1100 * MS);
	ck_assert_int_eq(recovered_ms(0), 0);
	fault(2000, 0, "kill-daemon", "");
	recovery_gone(r, 3);
	recovery_success(r, 1, other, 2010 * MS);
	recovery_success(r, 2, other, 2020 * MS);
	ck_assert_int_eq(recovered_ms(1), 20);
}
END_TEST

static json_t *kind_row(json_t *rows, const char *kind)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) if (strcmp(json_string_value(json_object_get(row, "kind")),
						    kind) == 0) return row;
	return NULL;
}

static int64_t number(const json_t *row, const char *key)
{
	ck_assert(json_is_integer(json_object_get(row, key)));
	return json_integer_value(json_object_get(row, key));
}

START_TEST(by_kind)
{
	json_t *rows;

	for (int i = 0; i < 3; i++) {
		fault(1000 * (i + 1), 0, "drop", "C0:AA:BB:00:00:01");
		recovery_success(r, 1, device, (1000 * (i + 1) + 10 * (i + 1)) * MS);
	}
	fault(9000, 0, "kill-lockd", "");
	rows = recovery_report(r);
	ck_assert_uint_eq(json_array_size(rows), 2);
	ck_assert_int_eq(number(kind_row(rows, "drop"), "n"), 3);
	ck_assert_int_eq(number(kind_row(rows, "drop"), "recovered"), 3);
	/* ipc/hist.h: at most 5 % off. */
	ck_assert_int_ge(number(kind_row(rows, "drop"), "p50_ms"), 19);
	ck_assert_int_le(number(kind_row(rows, "drop"), "p50_ms"), 21);
	ck_assert_int_eq(number(kind_row(rows, "drop"), "worst_ms"), 30);
	ck_assert_int_eq(number(kind_row(rows, "kill-lockd"), "recovered"), 0);
	json_decref(rows);
}
END_TEST

START_TEST(faulty_until_some_time_after)
{
	ck_assert(!recovery_is_faulty(r, 500 * MS, 3000));
	fault(1000, 0, "drop", "C0:AA:BB:00:00:01");
	ck_assert(!recovery_is_faulty(r, 1001 * MS, 3000));
	fault(2000, RECOVERY_FOR_EVER, "hang-bluetoothd", "");
	ck_assert(recovery_is_faulty(r, 90000 * MS, 3000));
	recovery_end(r, 7, 91000 * MS);
	ck_assert(recovery_is_faulty(r, 93999 * MS, 3000));
	ck_assert(!recovery_is_faulty(r, 94001 * MS, 3000));
}
END_TEST

/* The log of the sim grows while it is read, also in the middle of a line. */
START_TEST(from_the_log)
{
	char path[] = "/tmp/recovery.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");

	recovery_read(r, "/nowhere");
	fprintf(f, "{\"us\":1000000,\"line\":3,\"kind\":\"drop\",\"where\":\"C0:AA:BB:00:00:01\","
		   "\"text\":\"drop it\",\"for_ms\":0,\"reply\":\"ok\"}\n"
		   "{\"us\":1100000,\"line\":9,\"kind\":\"drop\",\"where\":\"\",\"text\":\"drop\","
		   "\"for_ms\":0,\"reply\":\"error: no link\"}\n{\"us\":2000000,\"line\":4,\"ki");
	ck_assert_int_eq(fflush(f), 0);
	recovery_read(r, path);
	ck_assert_uint_eq(recovery_count(r), 1);
	fprintf(f, "nd\":\"unplug\",\"where\":\"hci0\",\"text\":\"unplug 0\",\"for_ms\":500,"
		   "\"reply\":\"ok\"}\n{\"us\":2500000,\"line\":4,\"end\":true}\n");
	ck_assert_int_eq(fclose(f), 0);
	recovery_read(r, path);
	(void)unlink(path);
	ck_assert_uint_eq(recovery_count(r), 2);
	recovery_success(r, 1, device, 2600000);
	ck_assert_int_eq(recovered_ms(0), 1600);
	ck_assert_int_eq(recovered_ms(1), 100);
}
END_TEST

Suite *suite_recovery(void)
{
	Suite *suite = suite_create("recovery");
	TCase *tc = tcase_create("recovery");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_that_were_touched);
	tcase_add_test(tc, of_a_device_those_who_use_it);
	tcase_add_test(tc, of_an_adapter_those_who_are_there);
	tcase_add_test(tc, from_its_end);
	tcase_add_test(tc, for_ever_until_told);
	tcase_add_test(tc, who_comes_while_it_lasts);
	tcase_add_test(tc, who_leaves_is_not_waited_for);
	tcase_add_test(tc, by_kind);
	tcase_add_test(tc, faulty_until_some_time_after);
	tcase_add_test(tc, from_the_log);
	suite_add_tcase(suite, tc);
	return suite;
}
