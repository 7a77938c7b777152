/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the supervisor is told of requests and values: all of it, and rarely. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "ipc/hist.h"

#include <check.h>
#include <string.h>

Suite *suite_usage(void);

enum { READS = 200 };

static struct harness h;

/* The sum of what was told. */
static struct {
	unsigned requests, failures, values;
	struct hist query, total;
	bool holds;
	unsigned subscriptions;
	unsigned messages;
} told;

static void take_spread(struct hist *to, const Bh__Ctl__Spread *spread)
{
	struct hist hist = { 0 };
	size_t i;

	if (!spread)
		return;
	hist.count = spread->count;
	hist.min_ms = spread->min_ms;
	hist.max_ms = spread->max_ms;
	hist.n = (uint8_t)spread->n_buckets;
	ck_assert_uint_eq(spread->n_buckets, spread->n_counts);
	for (i = 0; i < spread->n_buckets; i++) {
		hist.buckets[i] = (uint8_t)spread->buckets[i];
		hist.counts[i] = spread->counts[i];
	}
	ck_assert(hist_is_sound(&hist));
	hist_merge(to, &hist);
}

static void take_next(void)
{
	const struct harness_frame *f = harness_wait(&h, &h.up, BH__CTL__TYPE__USAGE, 0);
	Bh__Ctl__Usage *usage = bh__ctl__usage__unpack(NULL, f->len, f->body);
	size_t i;

	ck_assert_ptr_nonnull(usage);
	told.messages++;
	for (i = 0; i < usage->n_used; i++) {
		ck_assert_uint_eq(usage->used[i]->address, HARNESS_DEVICE(0));
		told.requests += usage->used[i]->requests;
		told.failures += usage->used[i]->failures;
		told.values += usage->used[i]->values;
		take_spread(&told.query, usage->used[i]->query);
		take_spread(&told.total, usage->used[i]->total);
	}
	for (i = 0; i < usage->n_sessions; i++) {
		ck_assert_uint_eq(usage->sessions[i]->session, 1);
		told.holds = usage->sessions[i]->holds;
		told.subscriptions = usage->sessions[i]->subscriptions;
	}
	bh__ctl__usage__free_unpacked(usage, NULL);
}

START_TEST(all_and_rarely)
{
	uint64_t from_ms = clock_now_ms();
	uint64_t took_ms;
	unsigned i;
	size_t a;

	memset(&told, 0, sizeof(told));
	harness_begin(&h, 2, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	for (i = 0; i < READS; i++)
		ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_int_eq(harness_class(harness_read(&h, a, 0x1234)), CLASS_GATT_MISSING);
	while (told.requests < READS + 2 || !told.holds)
		take_next();
	took_ms = clock_now_ms() - from_ms;
	ck_assert_uint_eq(told.requests, READS + 2);
	ck_assert_uint_eq(told.failures, 1);
	/* The CONNECT had no operation of its own, what failed none at all. */
	ck_assert_uint_eq(told.query.count, READS);
	ck_assert_uint_eq(told.total.count, READS + 1);
	ck_assert_uint_le(told.total.max_ms, took_ms);
	ck_assert_uint_le(told.messages, took_ms / 1000 + 2);
	harness_stop(&h);
}
END_TEST

START_TEST(values_and_holds)
{
	size_t a;

	memset(&told, 0, sizeof(told));
	harness_begin(&h, 1, NULL);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	(void)harness_subscribe(&h, a, 0xfff4);
	while (told.values < 3)
		take_next();
	ck_assert(!told.holds);
	ck_assert_uint_eq(told.subscriptions, 1);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	while (!told.holds)
		take_next();
	ck_assert_uint_eq(harness_disconnect(&h, a)->type, BH__TYPE__DONE);
	while (told.holds || told.subscriptions > 0)
		take_next();
	harness_stop(&h);
}
END_TEST

Suite *suite_usage(void)
{
	Suite *s = suite_create("usage");
	TCase *c = tcase_create("usage");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, all_and_rarely);
	tcase_add_test(c, values_and_holds);
	suite_add_tcase(s, c);
	return s;
}
