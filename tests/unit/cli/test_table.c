/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/cli/test_table.c - columns that fit, devices in order, values as dumps and JSON. */
#include "tests/support/runner.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/devtab.h"
#include "ipc/client/cli/names.h"
#include "ipc/client/cli/value.h"
#include "ipc/client/cli/words.h"

Suite *suite_table(void);

static char *write_out(const struct table *table, size_t width, size_t max_rows)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	table_write(table, to, width, max_rows, false);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

START_TEST(columns_line_up)
{
	struct table table = TABLE_INIT;
	const char *rows[][3] = { { "a", "1", "x" }, { "long", "200", "" }, { "", NULL, "\033y" } };
	char *text;
	size_t i;

	table_column(&table, "NAME", false, false);
	table_column(&table, "N", true, false);
	table_column(&table, "TEXT", false, true);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(table_row(&table, rows[i]), 0);
	text = write_out(&table, 80, 0);
	ck_assert_str_eq(text, "NAME    N  TEXT\n"
			       "a       1  x\n"
			       "long  200\n"
			       "           ?y\n");
	free(text);
	text = write_out(&table, 80, 1);
	ck_assert_str_eq(text, "NAME    N  TEXT\na       1  x\n");
	free(text);
	table_clear(&table);
}
END_TEST

START_TEST(flexible_columns_give_way)
{
	struct table table = TABLE_INIT;
	const char *row[] = { "C0:AA:BB:00:00:01", "a name that goes on and on and on",
			      "a text that goes on even longer than the name does, much longer" };
	char *text;
	char *line;

	table_column(&table, "ADDRESS", false, false);
	table_column(&table, "NAME", false, true);
	table_column(&table, "TEXT", false, true);
	ck_assert_int_eq(table_row(&table, row), 0);
	text = write_out(&table, 80, 0);
	line = strchr(text, '\n') + 1;
	ck_assert_uint_eq(strcspn(line, "\n"), 80);
	ck_assert_ptr_nonnull(strstr(line, "~"));
	ck_assert_int_eq(strncmp(line, "C0:AA:BB:00:00:01", 17), 0);
	free(text);
	/* too narrow for all: the address is whole all the same */
	text = write_out(&table, 20, 0);
	ck_assert_ptr_nonnull(strstr(text, "C0:AA:BB:00:00:01"));
	free(text);
	table_clear(&table);
}
END_TEST

START_TEST(many_rows)
{
	struct table table = TABLE_INIT;
	const char *row[] = { "x", "y" };
	size_t i;

	table_column(&table, "A", false, false);
	table_column(&table, "B", false, false);
	for (i = 0; i < 5000; i++)
		ck_assert_int_eq(table_row(&table, row), 0);
	ck_assert_uint_eq(table.n_rows, 5000);
	table_clear(&table);
	ck_assert_uint_eq(table.n_rows, 0);
}
END_TEST

static void add(struct devtab *tab, uint64_t address, const char *adapter, int8_t rssi_dbm)
{
	struct bh_advert advert = { .address = address,
				    .is_random = true,
				    .name = "",
				    .adapter = adapter,
				    .rssi_dbm = rssi_dbm };

	ck_assert_int_eq(devtab_add_advert(tab, &advert, 1000), 0);
}

START_TEST(devices_are_sorted_and_adapters_too)
{
	struct devtab tab = DEVTAB_INIT;
	struct table table = TABLE_INIT;
	char *text;
	unsigned i;

	for (i = 0; i < 200; i++)
		add(&tab, 0xc0aabb000000 + i * 37 % 200, i % 2 ? "hci10" : "hci2", -40);
	add(&tab, 0xc0aabb000000, "hci2", -50);
	ck_assert_uint_eq(tab.n_rows, 200);
	for (i = 0; i < 200; i++)
		ck_assert_uint_eq(tab.rows[i].address, 0xc0aabb000000 + i);
	ck_assert_int_eq(devtab_show(&tab, &table, 3500), 0);
	text = write_out(&table, 80, 1);
	ck_assert_str_eq(text, "ADDRESS            TYPE    NAME  hci2  hci10  HEARD\n"
			       "C0:AA:BB:00:00:00  random         -50         2.5 s\n");
	free(text);
	table_clear(&table);
	devtab_clear(&tab);
}
END_TEST

START_TEST(sightings_keep_what_is_not_known)
{
	const struct bh_sighting sightings[] = {
		{ "hci0", -44, 120, true },
		{ "hci1", BH_RSSI_UNKNOWN, UINT32_MAX, false },
	};
	const struct bh_device device = {
		.address = 0xc0aabb000001,
		.is_random = true,
		.name = "x",
		.sightings = sightings,
		.n_sightings = 2,
		.strategy = BH_STRATEGY_PERSISTENT,
		.keeper = "held",
	};
	struct devtab tab = DEVTAB_INIT;
	char *text;
	json_t *json;

	ck_assert_int_eq(devtab_add_device(&tab, &device, NULL, 5000), 0);
	json = devtab_json(&tab, 5000);
	text = json_dumps(json, JSON_COMPACT);
	ck_assert_str_eq(text, "[{\"address\":\"C0:AA:BB:00:00:01\",\"type\":\"random\","
			       "\"name\":\"x\",\"strategy\":\"persistent\",\"keeper\":\"held\","
			       "\"adapters\":["
			       "{\"adapter\":\"hci0\",\"rssi\":-44,\"age_ms\":120,"
			       "\"connected\":true},"
			       "{\"adapter\":\"hci1\",\"rssi\":null,\"age_ms\":null,"
			       "\"connected\":false}]}]");
	free(text);
	json_decref(json);
	devtab_clear(&tab);
	ck_assert_int_eq(devtab_add_device(&tab, &device, "hci7", 5000), 0);
	ck_assert_uint_eq(tab.n_rows, 0);
	devtab_clear(&tab);
}
END_TEST

START_TEST(more_adapters_than_columns)
{
	struct devtab tab = DEVTAB_INIT;
	struct table table = TABLE_INIT;
	char name[16];
	unsigned i;

	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "hci%u", i);
		add(&tab, 0xc0aabb000000 + i, name, -100);
		add(&tab, 0xc0aabb0000ff, name, -100);
	}
	ck_assert_uint_eq(tab.n_adapters, DEVTAB_ADAPTERS_MAX);
	ck_assert_int_eq(devtab_show(&tab, &table, 2000), 0);
	ck_assert_uint_eq(table.n_columns, 5);
	table_clear(&table);
	devtab_clear(&tab);
}
END_TEST

static char *dump(const char *value, size_t len)
{
	char *text = NULL;
	size_t text_len;
	FILE *to = open_memstream(&text, &text_len);

	value_write(to, (const uint8_t *)value, len);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

START_TEST(values_for_people)
{
	char *text;

	text = dump("", 0);
	ck_assert_str_eq(text, "(empty)\n");
	free(text);
	text = dump("Hi\x01", 3);
	ck_assert_str_eq(text, "48 69 01  |Hi.|\n");
	free(text);
	text = dump("0123456789abcdefg", 17);
	ck_assert_str_eq(text, "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  "
			       "|0123456789abcdef|\n"
			       "0010  67                                               |g|\n");
	free(text);
}
END_TEST

START_TEST(values_for_programs)
{
	json_t *object = json_object();
	char *text;

	value_json(object, (const uint8_t *)"Hi", 2);
	text = json_dumps(object, JSON_COMPACT);
	ck_assert_str_eq(text, "{\"hex\":\"4869\",\"text\":\"Hi\"}");
	free(text);
	json_decref(object);
	object = json_object();
	value_json(object, (const uint8_t *)"\xff", 1);
	text = json_dumps(object, JSON_COMPACT);
	ck_assert_str_eq(text, "{\"hex\":\"ff\"}");
	free(text);
	json_decref(object);
}
END_TEST

START_TEST(uuids_have_names)
{
	struct bh_uuid uuid;
	char text[37];

	ck_assert_int_eq(bh_parse_uuid("2a19", &uuid), 0);
	ck_assert_str_eq(names_of_uuid(&uuid), "Battery Level");
	names_short_uuid(&uuid, text);
	ck_assert_str_eq(text, "2a19");
	ck_assert_int_eq(bh_parse_uuid("fff3", &uuid), 0);
	ck_assert_ptr_null(names_of_uuid(&uuid));
	ck_assert_int_eq(bh_parse_uuid("12342a19", &uuid), 0);
	ck_assert_ptr_null(names_of_uuid(&uuid));
	ck_assert_int_eq(bh_parse_uuid("00002a19-0000-1000-8000-00805f9b34fc", &uuid), 0);
	ck_assert_ptr_null(names_of_uuid(&uuid));
}
END_TEST

static void use_utf8(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_table(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");

	tcase_add_unchecked_fixture(tcase, use_utf8, NULL);
	tcase_add_test(tcase, columns_line_up);
	tcase_add_test(tcase, flexible_columns_give_way);
	tcase_add_test(tcase, many_rows);
	tcase_add_test(tcase, devices_are_sorted_and_adapters_too);
	tcase_add_test(tcase, sightings_keep_what_is_not_known);
	tcase_add_test(tcase, more_adapters_than_columns);
	tcase_add_test(tcase, values_for_people);
	tcase_add_test(tcase, values_for_programs);
	tcase_add_test(tcase, uuids_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
