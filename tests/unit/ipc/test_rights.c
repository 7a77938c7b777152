/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/ipc/test_rights.c - words of rights, patterns of devices, so many a second. */
#include "ipc/bucket.h"
#include "ipc/pattern.h"
#include "ipc/rights.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_rights(void);

START_TEST(words)
{
	char text[RIGHTS_TEXT_LEN];
	uint32_t rights;
	uint32_t back;

	for (rights = 1; rights < RIGHTS_ALL; rights++) {
		rights_format(rights, text);
		ck_assert_int_eq(rights_parse(text, &back), 0);
		ck_assert_uint_eq(back, rights);
	}
	ck_assert_int_eq(rights_parse("all", &back), 0);
	ck_assert_uint_eq(back, RIGHTS_ALL);
	ck_assert_int_eq(rights_parse("none", &back), 0);
	ck_assert_uint_eq(back, RIGHTS_NONE);
	ck_assert_int_eq(rights_parse("read,write", &back), 0);
	ck_assert_uint_eq(back, RIGHT_READ | RIGHT_WRITE);
	ck_assert_int_eq(rights_parse("", &back), -EINVAL);
	ck_assert_int_eq(rights_parse("reads", &back), -EINVAL);
	ck_assert_int_eq(rights_parse("read, none", &back), -EINVAL);
}
END_TEST

START_TEST(denials)
{
	char text[RIGHTS_DENIAL_LEN];

	rights_denial(1000, RIGHT_WRITE, 0xc0aabb000001, "[access a] allows see", text);
	ck_assert_str_eq(
		text, "uid 1000 has no right to write on C0:AA:BB:00:00:01: [access a] allows see");
	rights_denial(1000, RIGHTS_USE, 0, "why", text);
	ck_assert_str_eq(text, "uid 1000 has none of the rights to read, write, notify: why");
}
END_TEST

static bool fits(const char *text, uint64_t address, const char *name, const char *service)
{
	struct uuid uuid;
	struct pattern_device device = { .address = address, .name = name };
	struct pattern pattern;

	ck_assert_int_eq(pattern_parse(text, &pattern), 0);
	if (service) {
		ck_assert_int_eq(uuid_parse(service, &uuid), 0);
		device.services = &uuid;
		device.n_services = 1;
	}
	return pattern_fits(&pattern, &device);
}

START_TEST(patterns)
{
	struct pattern pattern;

	ck_assert(fits("*", 1, NULL, NULL));
	ck_assert(fits("C0:AA:BB:00:00:01", 0xc0aabb000001, NULL, NULL));
	ck_assert(!fits("C0:AA:BB:00:00:01", 0xc0aabb000002, NULL, NULL));
	ck_assert(fits("name:Lamp*", 1, "Lamp 3", NULL));
	ck_assert(!fits("name:Lamp*", 1, "lamp 3", NULL));
	/* A name that is not known is none. */
	ck_assert(!fits("name:*", 1, NULL, NULL));
	ck_assert(!fits("name:*", 1, "", NULL));
	ck_assert(fits("service:180f", 1, NULL, "180f"));
	ck_assert(!fits("service:180f", 1, NULL, "180a"));
	ck_assert(!fits("service:180f", 1, NULL, NULL));
	ck_assert_int_eq(pattern_parse("", &pattern), -EINVAL);
	ck_assert_int_eq(pattern_parse("name:", &pattern), -EINVAL);
	ck_assert_int_eq(pattern_parse("service:xyz", &pattern), -EINVAL);
	ck_assert_int_eq(pattern_parse("C0:AA", &pattern), -EINVAL);
}
END_TEST

/* In no second are there more than two full buckets, and a slow user never waits. */
START_TEST(rates)
{
	struct bucket bucket = { 0 };
	uint32_t per_s = 1 + (uint32_t)_i * 7;
	uint64_t taken_at_ms[4096];
	uint64_t now_ms = 1000;
	size_t n = 0;
	size_t i;

	srandom((unsigned)_i);
	for (i = 0; i < 20000 && n < 4096; i++) {
		now_ms += (uint64_t)random() % 20;
		if (!bucket_take(&bucket, per_s, now_ms))
			continue;
		taken_at_ms[n++] = now_ms;
		if (n > 2 * per_s)
			ck_assert_uint_ge(now_ms - taken_at_ms[n - 1 - 2 * per_s], 1000);
	}
	ck_assert_uint_gt(n, per_s);
	for (i = 0; i < 50; i++) {
		now_ms += 1000 / per_s + 1;
		ck_assert(bucket_take(&bucket, per_s, now_ms) || i < 1);
	}
	ck_assert(bucket_take(&bucket, 0, now_ms));
}
END_TEST

Suite *suite_rights(void)
{
	Suite *suite = suite_create("rights");
	TCase *tc = tcase_create("rights");

	tcase_add_test(tc, words);
	tcase_add_test(tc, denials);
	tcase_add_test(tc, patterns);
	tcase_add_loop_test(tc, rates, 0, 10);
	suite_add_tcase(suite, tc);
	return suite;
}
