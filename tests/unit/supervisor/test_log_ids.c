/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_log_ids.c - what somebody may have to do something about has an id,
 * and each id has an entry in the catalog that says what.
 */
#include "ipc/log_ids.h"
#include "supervisor/events.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_log_ids(void);

enum { LINE_LEN = 256, ENTRIES_MAX = 100, ID_LEN = 32 };

struct entry {
	char id[ID_LEN + 1];
	bool has_subject;
	unsigned lines; /* of its text */
};

static struct entry entries[ENTRIES_MAX];
static size_t n_entries;

/* From the repository's root, where tests/run and `make` are. */
static void read_catalog(void)
{
	FILE *f = fopen("contrib/systemd/bleherd.catalog", "re");
	struct entry *entry = NULL;
	bool is_text = false;
	char line[LINE_LEN];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "-- ", 3) == 0) {
			ck_assert_uint_lt(n_entries, ENTRIES_MAX);
			entry = &entries[n_entries++];
			ck_assert_uint_eq(strlen(line), 3 + ID_LEN + 1);
			(void)snprintf(entry->id, sizeof(entry->id), "%.32s", line + 3);
			is_text = false;
		} else if (entry && !is_text && line[0] == '\n') {
			is_text = true;
		} else if (entry) {
			entry->has_subject |= strncmp(line, "Subject: ", 9) == 0;
			entry->lines += is_text && line[0] != '\n';
		}
	}
	(void)fclose(f);
}

static const struct entry *find(const char *id)
{
	size_t i;

	for (i = 0; i < n_entries; i++)
		if (strcmp(entries[i].id, id) == 0)
			return &entries[i];
	return NULL;
}

START_TEST(each_has_an_entry)
{
	const struct entry *entry;
	size_t n = 0;

	read_catalog();
	for (; LOG_IDS[n].event; n++) {
		entry = find(LOG_IDS[n].id);
		ck_assert_msg(entry && entry->has_subject && entry->lines > 0,
			      "%s has no whole entry in the catalog", LOG_IDS[n].event);
	}
	/* None twice, and none that is nobody's. */
	ck_assert_uint_eq(n, n_entries);
}
END_TEST

START_TEST(what_matters_has_an_id)
{
	enum event_kind kind;
	int i;

	for (i = 0; i < EVENT_KIND_COUNT; i++) {
		kind = (enum event_kind)i;
		ck_assert_msg((event_kind_level(kind) <= LOG_LEVEL_WARN) ==
				      (log_id(event_kind_name(kind)) != NULL),
			      "%s", event_kind_name(kind));
	}
}
END_TEST

Suite *suite_log_ids(void)
{
	Suite *suite = suite_create("log_ids");
	TCase *tc = tcase_create("log_ids");

	tcase_add_test(tc, each_has_an_entry);
	tcase_add_test(tc, what_matters_has_an_id);
	suite_add_tcase(suite, tc);
	return suite;
}
