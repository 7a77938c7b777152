/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_strays.c - links that only the kernel has: when they are ended. */
#include <check.h>

#include "supervisor/mgmt_codec.h"
#include "supervisor/strays.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_strays(void);

/* --- when --- */

enum { NOW_MS = 1000000 };

static const struct stray ONE = { .address = RIG_SEEN, .is_random = true };
static const struct stray OTHER = { .address = RIG_HIDDEN, .is_random = true };

static bool is_due(struct strays *strays, uint32_t links, bool is_hurried, uint32_t after_ms)
{
	return strays_is_look_due(strays, links, is_hurried, NOW_MS + after_ms);
}

START_TEST(test_looks)
{
	struct strays strays = { .n = 0 };

	ck_assert(is_due(&strays, 0, false, 0));
	strays_looked(&strays, true, NOW_MS);
	ck_assert(!is_due(&strays, 1, true, STRAYS_IDLE_MS)); /* until it is answered */
	strays_looked(&strays, false, NOW_MS);
	ck_assert(!is_due(&strays, 1, true, STRAYS_SOUGHT_MS - 1));
	ck_assert(is_due(&strays, 1, true, STRAYS_SOUGHT_MS));
	ck_assert(!is_due(&strays, 1, false, STRAYS_IDLE_MS - 1));
	ck_assert(is_due(&strays, 1, false, STRAYS_IDLE_MS));
}
END_TEST

/* A link came or went, and be it that another one did since; or something is to be seen again. */
START_TEST(test_looks_at_news)
{
	struct strays strays = { .n = 0 };

	strays_looked(&strays, false, NOW_MS);
	ck_assert(!is_due(&strays, 1, false, 1));
	ck_assert(!is_due(&strays, 0, false, 2));
	ck_assert(!is_due(&strays, 0, false, STRAYS_LOOK_MS - 1));
	ck_assert(is_due(&strays, 0, false, STRAYS_LOOK_MS));
	strays_looked(&strays, false, NOW_MS);
	ck_assert(!is_due(&strays, 0, false, STRAYS_LOOK_MS));
	strays_note(&strays, &ONE, 1, NOW_MS);
	ck_assert(is_due(&strays, 0, false, STRAYS_LOOK_MS));
}
END_TEST

/* BlueZ has its time to show it; less where somebody waits, who may come later. */
START_TEST(test_due)
{
	struct strays strays = { .n = 0 };
	struct stray sought = ONE;

	sought.is_sought = true;
	strays_note(&strays, &ONE, 1, NOW_MS);
	ck_assert_ptr_null(strays_take(&strays, NOW_MS));
	strays_note(&strays, &ONE, 1, NOW_MS + STRAYS_MS - 1);
	ck_assert_ptr_null(strays_take(&strays, NOW_MS + STRAYS_MS - 1));
	strays_note(&strays, &ONE, 1, NOW_MS + STRAYS_MS);
	ck_assert_uint_eq(strays_take(&strays, NOW_MS + STRAYS_MS)->address, RIG_SEEN);

	strays = (struct strays){ .n = 0 };
	strays_note(&strays, &ONE, 1, NOW_MS);
	strays_note(&strays, &sought, 1, NOW_MS + STRAYS_SOUGHT_MS - 1);
	ck_assert_ptr_null(strays_take(&strays, NOW_MS + STRAYS_SOUGHT_MS - 1));
	strays_note(&strays, &sought, 1, NOW_MS + STRAYS_SOUGHT_MS);
	ck_assert_ptr_nonnull(strays_take(&strays, NOW_MS + STRAYS_SOUGHT_MS));
}
END_TEST

/* Shown meanwhile, or gone: its time begins anew. Others' goes on. */
START_TEST(test_shown_meanwhile)
{
	const struct stray both[] = { OTHER, ONE };
	struct strays strays = { .n = 0 };

	strays_note(&strays, both, 2, NOW_MS);
	strays_note(&strays, &OTHER, 1, NOW_MS + 2000);
	strays_note(&strays, both, 2, NOW_MS + STRAYS_MS);
	ck_assert_uint_eq(strays_take(&strays, NOW_MS + STRAYS_MS)->address, RIG_HIDDEN);
	ck_assert_ptr_null(strays_take(&strays, NOW_MS + STRAYS_MS));
}
END_TEST

/* One that does not end is left alone for a minute; one that could not be tried is not. */
START_TEST(test_again)
{
	uint64_t tried_ms = NOW_MS + STRAYS_MS;
	struct strays strays = { .n = 0 };

	strays_note(&strays, &ONE, 1, NOW_MS);
	ck_assert_ptr_nonnull(strays_take(&strays, tried_ms));
	strays_note(&strays, &ONE, 1, tried_ms + STRAYS_AGAIN_MS - 1);
	ck_assert_ptr_null(strays_take(&strays, tried_ms + STRAYS_AGAIN_MS - 1));
	ck_assert_ptr_nonnull(strays_take(&strays, tried_ms + STRAYS_AGAIN_MS));
	strays_untried(&strays, RIG_HIDDEN); /* that one is gone */
	ck_assert_ptr_null(strays_take(&strays, tried_ms + STRAYS_AGAIN_MS));
	strays_untried(&strays, RIG_SEEN);
	ck_assert_ptr_nonnull(strays_take(&strays, tried_ms + STRAYS_AGAIN_MS));
}
END_TEST

START_TEST(test_full)
{
	struct stray many[STRAYS_MAX + 8] = { { .address = 0 } };
	struct strays strays = { .n = 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(many); i++)
		many[i].address = 1 + i;
	strays_note(&strays, many, ARRAY_LEN(many), NOW_MS);
	strays_note(&strays, many, ARRAY_LEN(many), NOW_MS + STRAYS_MS);
	for (i = 0; i < STRAYS_MAX; i++)
		ck_assert_uint_eq(strays_take(&strays, NOW_MS + STRAYS_MS)->address, 1 + i);
	ck_assert_ptr_null(strays_take(&strays, NOW_MS + STRAYS_MS));
}
END_TEST

START_TEST(test_alias)
{
	ck_assert(strays_may_be_alias(RIG_ALIAS, true));
	ck_assert(strays_may_be_alias(0x7fffffffffffu, true));
	ck_assert(!strays_may_be_alias(RIG_ALIAS, false));	/* a public address */
	ck_assert(!strays_may_be_alias(RIG_SEEN, true));	/* static */
	ck_assert(!strays_may_be_alias(0x3fffffffffffu, true)); /* for one link */
}
END_TEST

/* --- all of it --- */

static struct rig *rig;

static void start(void)
{
	rig = rig_start(NULL);
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

/* A session on hci0 whose worker says that the link is up. */
static void link_on_hci0(uint64_t address)
{
	Bh__SessionOpen open = BH__SESSION_OPEN__INIT;
	struct chan_frame frame;
	struct chan *data;

	open.has_kind = open.has_address = open.has_timeout_ms = 1;
	open.kind = BH__SESSION_KIND__SESSION_DEVICE;
	open.address = address;
	open.timeout_ms = RIG_WAIT_MS;
	open.adapter = (char *)(uintptr_t) "hci0";
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &open.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	data = rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
	rig_order(rig, data, "link 1");
	rig_expect_event(rig, "connected", NULL);
}

/* A session that waits: the lists are read twice a second. */
static void seek(uint64_t address)
{
	Bh__SessionOpen open = BH__SESSION_OPEN__INIT;

	open.has_kind = open.has_address = open.has_timeout_ms = 1;
	open.kind = BH__SESSION_KIND__SESSION_DEVICE;
	open.address = address;
	open.timeout_ms = RIG_WAIT_MS;
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &open.base);
}

/* Each adapter is asked in the same pass, hci0 first: hci1's end says that hci0's was spared. */
START_TEST(test_spared)
{
	link_on_hci0(RIG_SEEN);
	rig->listed[0] = RIG_SEEN;
	rig->listed[1] = RIG_HIDDEN;
	seek(RIG_UNHEARD);
	rig_expect_event(rig, "cured", "orphan handle: MGMT Disconnect; gone");
	ck_assert_uint_eq(rig->disconnects, 1);
}
END_TEST

/* BlueZ has it under the address that it had when it was found, the kernel under its identity. */
START_TEST(test_alias_spared)
{
	link_on_hci0(RIG_ALIAS);
	rig->listed[0] = RIG_SEEN;
	rig->listed[1] = RIG_HIDDEN;
	seek(RIG_UNHEARD);
	rig_expect_event(rig, "cured", "orphan handle: MGMT Disconnect; gone");
	ck_assert_uint_eq(rig->disconnects, 1);
}
END_TEST

/* It does not end: that is said, with what would help. */
START_TEST(test_stuck)
{
	rig->disconnect_status = MGMT_STATUS_AUTH_FAILED;
	rig->listed[1] = RIG_UNHEARD;
	seek(RIG_UNHEARD);
	rig_expect_event(rig, "stuck", "did not help (authentication failed); bleherd reset hci1");
}
END_TEST

Suite *suite_strays(void)
{
	Suite *s = suite_create("strays");
	TCase *c = tcase_create("policy");

	tcase_add_test(c, test_looks);
	tcase_add_test(c, test_looks_at_news);
	tcase_add_test(c, test_due);
	tcase_add_test(c, test_shown_meanwhile);
	tcase_add_test(c, test_again);
	tcase_add_test(c, test_full);
	tcase_add_test(c, test_alias);
	suite_add_tcase(s, c);

	c = tcase_create("live");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, test_spared);
	tcase_add_test(c, test_alias_spared);
	tcase_add_test(c, test_stuck);
	suite_add_tcase(s, c);
	return s;
}
