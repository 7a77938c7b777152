/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/cli/test_words.c - numbers, hexadecimal, guesses and clean text of the command line.
 */
#include "tests/support/runner.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "ipc/base.h"
#include "ipc/client/cli/words.h"

Suite *suite_words(void);

START_TEST(hex_is_read_as_people_write_it)
{
	static const char *const same[] = { "0102ff",	"01 02 FF",   "01:02:ff",  "0x0102ff",
					    "0X0102Ff", " 01-02 ff ", "01\t02\nff" };
	uint8_t out[8];
	size_t len;
	size_t i;

	for (i = 0; i < ARRAY_LEN(same); i++) {
		ck_assert_int_eq(words_parse_hex(same[i], out, sizeof(out), &len), 0);
		ck_assert_uint_eq(len, 3);
		ck_assert_mem_eq(out, "\x01\x02\xff", 3);
	}
	ck_assert_int_eq(words_parse_hex("", out, sizeof(out), &len), 0);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(hex_that_is_none_is_refused)
{
	static const char *const bad[] = {
		"0", "012", "0 1", "zz", "01,02", "0x1", "01 0x02", "é"
	};
	uint8_t out[2];
	size_t len = 77;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(words_parse_hex(bad[i], out, sizeof(out), &len), -EINVAL);
	ck_assert_int_eq(words_parse_hex("010203", out, sizeof(out), &len), -E2BIG);
	ck_assert_uint_eq(len, 77);
}
END_TEST

START_TEST(hex_comes_back)
{
	uint8_t value[WORDS_VALUE_MAX];
	uint8_t back[WORDS_VALUE_MAX];
	char hex[WORDS_HEX_MAX];
	size_t len;
	size_t n;
	size_t i;

	for (i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 167 + 5);
	for (n = 0; n <= sizeof(value); n += 17) {
		words_hex(value, n, n % 2 ? " " : "", hex);
		ck_assert_int_eq(words_parse_hex(hex, back, sizeof(back), &len), 0);
		ck_assert_uint_eq(len, n);
		ck_assert_int_eq(memcmp(value, back, n), 0);
	}
}
END_TEST

START_TEST(seconds_are_milliseconds)
{
	static const struct {
		const char *text;
		int r;
		uint32_t ms;
	} rows[] = {
		{ "2", 0, 2000 },
		{ "0.5", 0, 500 },
		{ ".25", 0, 250 },
		{ "1.", 0, 1000 },
		{ "0", 0, 0 },
		{ "0.0009", 0, 0 },
		{ "1.2345", 0, 1234 },
		{ "4294967.295", 0, UINT32_MAX },
		{ "4294967.296", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1s", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
	};
	uint32_t ms;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ms = 0;
		ck_assert_msg(words_parse_seconds(rows[i].text, &ms) == rows[i].r, "'%s'",
			      rows[i].text);
		ck_assert_uint_eq(ms, rows[i].ms);
	}
}
END_TEST

START_TEST(numbers_keep_their_limits)
{
	long number = 0;

	ck_assert_int_eq(words_parse_number("-80", -127, -1, &number), 0);
	ck_assert_int_eq(number, -80);
	ck_assert_int_eq(words_parse_number("-128", -127, -1, &number), -ERANGE);
	ck_assert_int_eq(words_parse_number("5", -127, -1, &number), -ERANGE);
	ck_assert_int_eq(words_parse_number(" 5", 0, 9, &number), -EINVAL);
	ck_assert_int_eq(words_parse_number("", 0, 9, &number), -EINVAL);
	ck_assert_int_eq(words_parse_number("5x", 0, 9, &number), -EINVAL);
	ck_assert_int_eq(words_parse_number("99999999999999999999", 0, 9, &number), -ERANGE);
	ck_assert_int_eq(number, -80);
}
END_TEST

START_TEST(adapters_have_names)
{
	ck_assert(words_is_adapter("hci0"));
	ck_assert(words_is_adapter("hci12"));
	ck_assert(!words_is_adapter("hci"));
	ck_assert(!words_is_adapter("hci0x"));
	ck_assert(!words_is_adapter("hci123456"));
	ck_assert(!words_is_adapter("eth0"));
	ck_assert(!words_is_adapter(""));
}
END_TEST

START_TEST(guesses_are_close_or_none)
{
	static const char *const words[] = { "status",	"adapters",   "devices", "scan",
					     "connect", "services",   "read",	 "write",
					     "notify",	"disconnect", "events",	 "locks" };
	static const struct {
		const char *word;
		const char *guess;
	} rows[] = {
		{ "sacn", "scan" },	 { "stats", "status" },
		{ "statsu", "status" },	 { "dev", "devices" },
		{ "reed", "read" },	 { "wirte", "write" },
		{ "conect", "connect" }, { "disconect", "disconnect" },
		{ "lock", "locks" },	 { "notfy", "notify" },
		{ "xyzzy", NULL },	 { "", NULL },
		{ "q", NULL },		 { "frobnicate-the-whole-of-it-altogether", NULL },
	};
	const char *guess;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		guess = words_suggest(rows[i].word, words, ARRAY_LEN(words));
		ck_assert_pstr_eq(guess, rows[i].guess);
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		ck_assert_str_eq(words_suggest(words[i], words, ARRAY_LEN(words)), words[i]);
}
END_TEST

START_TEST(nothing_unprintable_gets_through)
{
	char out[32];

	words_clean("\033[2Jname\n\x7f", out, sizeof(out));
	ck_assert_str_eq(out, "?[2Jname??");
	words_clean("W\xc3\xa4rme", out, sizeof(out));
	ck_assert_str_eq(out, "W\xc3\xa4rme");
	words_clean("half \xc3", out, sizeof(out));
	ck_assert_str_eq(out, "half ?");
	/* C1: some terminals take 0x9b for the start of an escape sequence */
	words_clean("\xc2\x9b"
		    "31m",
		    out, sizeof(out));
	ck_assert_ptr_null(strstr(out, "\x9b"));
	/* no half character at the end of the room */
	words_clean("ab\xc3\xa4", out, 4);
	ck_assert_str_eq(out, "ab");
	words_clean("abcdef", out, 4);
	ck_assert_str_eq(out, "abc");
	words_clean("abc", out, 1);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(texts_are_cut_by_columns)
{
	char text[32] = "W\xc3\xa4rmepumpe";

	ck_assert_uint_eq(words_width(text), 10);
	words_cut(text, 10);
	ck_assert_str_eq(text, "W\xc3\xa4rmepumpe");
	words_cut(text, 5);
	ck_assert_str_eq(text, "W\xc3\xa4rm~");
	(void)strcpy(text, "\xe6\x97\xa5\xe6\x9c\xac"); /* two characters of two columns */
	ck_assert_uint_eq(words_width(text), 4);
	words_cut(text, 3);
	ck_assert_str_eq(text, "\xe6\x97\xa5~");
	(void)strcpy(text, "ab");
	words_cut(text, 1);
	ck_assert_str_eq(text, "~");
}
END_TEST

START_TEST(values_that_are_texts)
{
	ck_assert(words_is_text((const uint8_t *)"Hello", 5));
	ck_assert(words_is_text((const uint8_t *)"W\xc3\xa4rme", 6));
	ck_assert(!words_is_text((const uint8_t *)"", 0));
	ck_assert(!words_is_text((const uint8_t *)"a\0b", 3));
	ck_assert(!words_is_text((const uint8_t *)"a\n", 2));
	ck_assert(!words_is_text((const uint8_t *)"a\xc3", 2));
	ck_assert(!words_is_text((const uint8_t *)"\xff\xfe", 2));
}
END_TEST

START_TEST(durations_are_short)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0 ms" },	       { 999, "999 ms" },      { 1000, "1.0 s" },
		{ 9999, "9.9 s" },     { 10000, "10 s" },      { 119999, "119 s" },
		{ 120000, "2 min" },   { 7199999, "119 min" }, { 7200000, "2 h" },
		{ 172799999, "47 h" }, { 172800000, "2 d" },
	};
	char out[WORDS_SHORT_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		words_duration(rows[i].ms, out);
		ck_assert_str_eq(out, rows[i].text);
	}
	words_duration(UINT64_MAX, out);
	ck_assert_uint_lt(strlen(out), sizeof(out));
}
END_TEST

static void use_utf8(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_words(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = tcase_create("words");

	tcase_add_unchecked_fixture(tcase, use_utf8, NULL);
	tcase_add_test(tcase, hex_is_read_as_people_write_it);
	tcase_add_test(tcase, hex_that_is_none_is_refused);
	tcase_add_test(tcase, hex_comes_back);
	tcase_add_test(tcase, seconds_are_milliseconds);
	tcase_add_test(tcase, numbers_keep_their_limits);
	tcase_add_test(tcase, adapters_have_names);
	tcase_add_test(tcase, guesses_are_close_or_none);
	tcase_add_test(tcase, nothing_unprintable_gets_through);
	tcase_add_test(tcase, texts_are_cut_by_columns);
	tcase_add_test(tcase, values_that_are_texts);
	tcase_add_test(tcase, durations_are_short);
	suite_add_tcase(suite, tcase);
	return suite;
}
