/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of devices, its bounds, and what makes it another device. */
#include "worker/gatt_cache.h"

#include <check.h>
#include <string.h>

Suite *suite_gatt_cache(void);

static struct gatt_cache *cache;
static struct gatt_db db;

static void set_up(void)
{
	struct gatt_service *service;
	struct gatt_chrc *chrc;
	uint16_t handle;

	ck_assert(gatt_cache_new(&cache) == 0);
	ck_assert(gatt_db_add_service(&db, 1, &service) == 0);
	for (handle = 2; handle < 12; handle++) {
		ck_assert(gatt_db_add_chrc(&db, handle, &chrc) == 0);
		chrc->service = 1;
		chrc->uuid.octets[15] = (uint8_t)handle;
	}
}

static void tear_down(void)
{
	gatt_db_clear(&db);
	cache = gatt_cache_free(cache);
}

START_TEST(keeps_a_copy)
{
	struct gatt_known *known;

	ck_assert_ptr_null(gatt_cache_find(cache, 1));
	ck_assert_ptr_nonnull(gatt_cache_put(cache, 1, &db, false));
	gatt_db_clear(&db);
	known = gatt_cache_find(cache, 1);
	ck_assert_ptr_nonnull(known);
	ck_assert_uint_eq(known->db.n_services, 1);
	ck_assert_uint_eq(known->db.n_chrcs, 10);
	ck_assert_uint_eq(gatt_db_chrc(&known->db, 11)->uuid.octets[15], 11);
	gatt_cache_drop(cache, 1);
	ck_assert_ptr_null(gatt_cache_find(cache, 1));
}
END_TEST

START_TEST(same_or_another)
{
	struct gatt_known *known = gatt_cache_put(cache, 1, &db, true);

	value_cache_put(&known->values, 3, "abc", 3);
	/* The same again: its values are still true. */
	known = gatt_cache_put(cache, 1, &db, true);
	ck_assert_uint_eq(known->values.n, 1);
	/* One characteristic has become another one. */
	gatt_db_chrc(&db, 5)->uuid.octets[0] = 9;
	known = gatt_cache_put(cache, 1, &db, true);
	ck_assert_uint_eq(known->values.n, 0);
	value_cache_put(&known->values, 3, "abc", 3);
	/* Its bond is lost; to make one changes nothing. */
	known = gatt_cache_put(cache, 1, &db, false);
	ck_assert_uint_eq(known->values.n, 0);
	value_cache_put(&known->values, 3, "abc", 3);
	ck_assert_uint_eq(gatt_cache_put(cache, 1, &db, true)->values.n, 1);
	/* Nothing is no table of services. */
	gatt_db_clear(&db);
	ck_assert_ptr_null(gatt_cache_put(cache, 1, &db, true));
	ck_assert_ptr_null(gatt_cache_find(cache, 1));
}
END_TEST

START_TEST(bounded)
{
	uint64_t addr;

	for (addr = 1; addr <= GATT_CACHE_MAX; addr++)
		ck_assert_ptr_nonnull(gatt_cache_put(cache, addr, &db, false));
	ck_assert_ptr_nonnull(gatt_cache_find(cache, 1));
	ck_assert_ptr_nonnull(gatt_cache_put(cache, addr, &db, false));
	/* Asked for since: it stays. The next one was not. */
	ck_assert_ptr_nonnull(gatt_cache_find(cache, 1));
	ck_assert_ptr_null(gatt_cache_find(cache, 2));
	ck_assert_ptr_nonnull(gatt_cache_find(cache, 3));
	ck_assert_ptr_nonnull(gatt_cache_find(cache, addr));
}
END_TEST

START_TEST(few_values)
{
	static uint8_t longest[VALUE_CACHE_LEN_MAX + 1];
	struct value_cache values = { .n = 0 };
	unsigned handle;

	value_cache_put(&values, 7, "", 0);
	ck_assert_uint_eq(value_cache_find(&values, 7)->len, 0);
	value_cache_put(&values, 7, "new", 3);
	ck_assert_uint_eq(values.n, 1);
	ck_assert_mem_eq(value_cache_find(&values, 7)->data, "new", 3);
	/* One that does not fit is not what it was, either. */
	value_cache_put(&values, 7, longest, sizeof(longest));
	ck_assert_ptr_null(value_cache_find(&values, 7));
	for (handle = 1; handle <= VALUE_CACHE_MAX + 1; handle++)
		value_cache_put(&values, (uint16_t)handle, longest, sizeof(longest) - 1);
	ck_assert_uint_eq(values.n, VALUE_CACHE_MAX);
	ck_assert_ptr_null(value_cache_find(&values, VALUE_CACHE_MAX + 1));
	value_cache_drop(&values, 1);
	ck_assert_ptr_null(value_cache_find(&values, 1));
	ck_assert_ptr_nonnull(value_cache_find(&values, VALUE_CACHE_MAX));
	value_cache_clear(&values);
	ck_assert_uint_eq(values.n, 0);
}
END_TEST

Suite *suite_gatt_cache(void)
{
	Suite *s = suite_create("gatt_cache");
	TCase *c = tcase_create("gatt_cache");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, keeps_a_copy);
	tcase_add_test(c, same_or_another);
	tcase_add_test(c, bounded);
	tcase_add_test(c, few_values);
	suite_add_tcase(s, c);
	return s;
}
