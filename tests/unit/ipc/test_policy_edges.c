/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histograms that came from elsewhere or are full, patterns and UUIDs of every form. */
#include "ipc/errors.h"
#include "ipc/hist.h"
#include "ipc/pattern.h"
#include "ipc/rights.h"
#include "ipc/uuid.h"
#include "tests/support/runner.h"

#include <string.h>

/* --- histograms --- */

static struct hist three(void)
{
	struct hist hist = { .n = 0 };

	hist_add(&hist, 10);
	hist_add(&hist, 500);
	hist_add(&hist, 90000);
	ck_assert(hist_is_sound(&hist));
	return hist;
}

START_TEST(what_is_no_histogram_is_seen)
{
	struct hist hist = three();

	hist.n = HIST_BUCKETS_MAX + 1;
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.min_ms = hist.max_ms + 1;
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.max_ms = HIST_VALUE_MAX + 1;
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.counts[1] = 0;
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.buckets[2] = UINT8_MAX;
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.buckets[1] = hist.buckets[0];
	ck_assert(!hist_is_sound(&hist));
	hist = three();
	hist.count++;
	ck_assert(!hist_is_sound(&hist));
}
END_TEST

START_TEST(a_full_histogram_stays_as_it_is)
{
	struct hist hist = three();
	const struct hist other = three();
	const struct hist empty = { .n = 0 };
	struct hist before;

	hist.counts[1] = UINT32_MAX - 2;
	hist.count = UINT32_MAX;
	ck_assert(hist_is_sound(&hist));
	before = hist;
	hist_add(&hist, 77);
	ck_assert_mem_eq(&hist, &before, sizeof(hist));
	hist_merge(&hist, &other);
	ck_assert_mem_eq(&hist, &before, sizeof(hist));
	hist_merge(&hist, &empty);
	ck_assert_mem_eq(&hist, &before, sizeof(hist));
}
END_TEST

/* --- patterns --- */

START_TEST(patterns_differ_in_what_they_name)
{
	static const char *const TEXTS[] = {
		"*",
		"C0:AA:BB:00:00:01",
		"C0:AA:BB:00:00:02",
		"service:180d",
		"service:180f",
		"name:Thermo*",
		"name:Thermo",
	};
	struct pattern a, b;
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(TEXTS); i++) {
		ck_assert_int_eq(pattern_parse(TEXTS[i], &a), 0);
		for (j = 0; j < ARRAY_LEN(TEXTS); j++) {
			ck_assert_int_eq(pattern_parse(TEXTS[j], &b), 0);
			ck_assert_int_eq(pattern_equal(&a, &b), i == j);
		}
	}
}
END_TEST

START_TEST(a_name_has_a_length)
{
	char text[5 + PATTERN_NAME_LEN + 1] = "name:";
	struct pattern pattern;

	memset(text + 5, 'x', PATTERN_NAME_LEN);
	ck_assert_int_eq(pattern_parse(text, &pattern), -EINVAL);
	text[5 + PATTERN_NAME_LEN - 1] = '\0';
	ck_assert_int_eq(pattern_parse(text, &pattern), 0);
	ck_assert_int_eq(pattern_parse("name:", &pattern), -EINVAL);
}
END_TEST

/* --- others --- */

START_TEST(what_is_not_hexadecimal_is_no_att_error)
{
	const struct errors_context gatt = { .call = ERRORS_CALL_GATT };

	ck_assert_int_eq(errors_from_dbus("org.bluez.Error.NotConnected", "ATT error: 0xzz", &gatt),
			 CLASS_LINK_LOST);
	ck_assert(errors_is_busy("org.bluez.Error.Failed", "In Progress"));
	ck_assert(!errors_is_busy("org.bluez.Error.Failed", "Not ready"));
}
END_TEST

START_TEST(a_right_is_called_by_its_name)
{
	uint32_t rights;
	unsigned bit;

	for (bit = 0; bit < RIGHTS_COUNT; bit++) {
		ck_assert_int_eq(rights_parse(rights_name(1u << bit), &rights), 0);
		ck_assert_uint_eq(rights, 1u << bit);
	}
}
END_TEST

START_TEST(a_short_uuid_is_one_that_can_be_read_back)
{
	static const char *const TEXTS[] = { "180d", "0001180d", "01000000", "ff00180d" };
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;
	size_t i;

	for (i = 0; i < ARRAY_LEN(TEXTS); i++) {
		ck_assert_int_eq(uuid_parse(TEXTS[i], &uuid), 0);
		uuid_format_short(&uuid, text);
		ck_assert_str_eq(text, TEXTS[i]);
	}
}
END_TEST

Suite *suite_policy_edges(void);
Suite *suite_policy_edges(void)
{
	Suite *suite = suite_create("policy_edges");
	TCase *tc = tcase_create("policy_edges");

	tcase_add_test(tc, what_is_no_histogram_is_seen);
	tcase_add_test(tc, a_full_histogram_stays_as_it_is);
	tcase_add_test(tc, patterns_differ_in_what_they_name);
	tcase_add_test(tc, a_name_has_a_length);
	tcase_add_test(tc, a_right_is_called_by_its_name);
	tcase_add_test(tc, a_short_uuid_is_one_that_can_be_read_back);
	tcase_add_test(tc, what_is_not_hexadecimal_is_no_att_error);
	suite_add_tcase(suite, tc);
	return suite;
}
