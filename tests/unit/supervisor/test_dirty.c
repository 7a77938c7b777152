/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_dirty.c - dirty grants: the adapter's worker is asked to cancel the
 * Connect, the grant is clean when it has, and the event says what became of it. And what the
 * kernel's connection list says.
 */
#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ipc/lock.pb-c.h"
#include "supervisor/hci_list.h"
#include "tests/unit/supervisor/rig_lock.h"

Suite *suite_dirty(void);

static struct rig *rig;
static struct chan *lock;

static void quick(struct config *config)
{
	rig_quick(config);
	config->dirty_ms = 10000;
}

/* Workers that die stay away, and nobody waits long for them. */
static void slow(struct config *config)
{
	rig_slow(config);
	config->dirty_ms = 100;
}

static void begin(void (*adjust)(struct config *config))
{
	rig = rig_start(adjust);
	rig_follow(rig);
	lock = lock_open(rig, rig->control);
	lock_expect_told(rig, lock, "adapters hci0 hci1 default hci0");
}

static void start(void)
{
	begin(quick);
}

static void start_slow(void)
{
	begin(slow);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

/* lockd says it; "dirty 70 hci1 0": no device is known. */
static void dirty(unsigned grant, const char *adapter, uint64_t address)
{
	char words[64];

	(void)snprintf(words, sizeof(words), "dirty %u %s %llx", grant, adapter,
		       (unsigned long long)address);
	lock_command(rig, lock, words);
}

static void expect_clean(unsigned grant)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "clean %u", grant);
	lock_expect_told(rig, lock, line);
}

/* Nothing but that was said of dirty grants so far. */
static void expect_only_clean(unsigned grant)
{
	const Bh__Lock__Revoked *msg;
	struct chan_frame frame;
	char line[32];

	(void)snprintf(line, sizeof(line), "clean %u", grant);
	do {
		rig_expect(rig, lock, BH__LOCK__TYPE__REVOKED, &frame);
		msg = chan_unpack(lock, &frame, &bh__lock__revoked__descriptor);
	} while (strncmp(msg->text, "clean ", 6) != 0);
	ck_assert_str_eq(msg->text, line);
}

static const struct {
	uint64_t address;
	const char *text;
} ANSWERS[] = {
	{ RIG_SEEN, "the holder (pid 4711) ended without a word: its Connect was cancelled" },
	{ RIG_CANCEL_NOTHING, "nothing was pending" },
	{ RIG_CANCEL_LINKED, "its link is up" },
};

START_TEST(test_cancelled)
{
	dirty(71, "hci1", ANSWERS[_i].address);
	expect_only_clean(71);
	rig_expect_event(rig, "lock-dirty", ANSWERS[_i].text);
	/* MGMT Disconnect does not end a Connect: it waits for its end. */
	ck_assert_uint_eq(rig->disconnects, 0);
}
END_TEST

/* It is the worker that died, or it dies over it: its successor is asked. */
START_TEST(test_next_worker)
{
	lock_command(rig, lock, "overdue worker hci1");
	dirty(72, "hci1", RIG_SEEN);
	expect_only_clean(72);
	rig_expect_event(rig, "worker-ready", NULL);
	rig_expect_event(rig, "lock-dirty", "its Connect was cancelled");
	dirty(73, "hci0", RIG_CANCEL_DIES);
	expect_only_clean(73);
	rig_expect_event(rig, "worker-ready", NULL);
	rig_expect_event(rig, "lock-dirty", "its Connect was cancelled");
}
END_TEST

/* An adapter that is gone connects to nothing. */
START_TEST(test_adapter_gone)
{
	dirty(75, "hci7", RIG_SEEN);
	expect_clean(75);
}
END_TEST

/* Not clean where nobody can tell. */
START_TEST(test_stays)
{
	dirty(76, "hci0", RIG_CANCEL_FAILS);
	rig_expect_event(rig, "lock-dirty",
			 "its Connect cannot be cancelled (the bus is on fire); free in ");
	/* No device is named, and these adapters are not the kernel's. */
	dirty(77, "hci0", 0);
	rig_expect_event(rig, "lock-dirty", "what it connects to is not known; free in ");
	dirty(78, "hci7", RIG_SEEN);
	expect_only_clean(78);
}
END_TEST

START_TEST(test_too_late)
{
	dirty(79, "hci0", RIG_CANCEL_NEVER);
	rig_expect_event(rig, "lock-dirty", "cannot be cancelled (no answer); free in 0 ms");
	lock_command(rig, lock, "overdue worker hci1");
	rig_expect_event(rig, "worker-died", NULL);
	rig_expect_event(rig, "worker-ready", NULL);
	/* The second death is one too many for a restart at once. */
	lock_command(rig, lock, "overdue worker hci1");
	rig_expect_event(rig, "worker-died", NULL);
	dirty(80, "hci1", RIG_SEEN);
	rig_expect_event(rig, "lock-dirty", "cannot be cancelled (the adapter has no worker)");
	dirty(81, "hci7", RIG_SEEN);
	expect_only_clean(81);
}
END_TEST

/* Rows as Linux 5.10 to 6.x fills them: LE_LINK is 0x80, BT_CONNECT 5. */
START_TEST(test_kernel_list)
{
	static const struct hci_conn_info ROWS[] = {
		{ .bdaddr = { { 1, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 5 },
		{ .bdaddr = { { 2, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 1 },
		{ .bdaddr = { { 3, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x01, .state = 5 },
		{ .bdaddr = { { 4, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 5 },
	};
	uint64_t found[HCI_LIST_MAX];

	ck_assert_uint_eq(hci_list_pick(ROWS, ARRAY_LEN(ROWS), found), 2);
	ck_assert_uint_eq(found[0], 0xc0aabb000001u);
	ck_assert_uint_eq(found[1], 0xc0aabb000004u);
	ck_assert_uint_eq(hci_list_pick(ROWS, 0, found), 0);
}
END_TEST

Suite *suite_dirty(void)
{
	Suite *suite = suite_create("dirty");
	TCase *tc = tcase_create("quick");
	TCase *late = tcase_create("slow");
	TCase *list = tcase_create("list");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_cancelled, 0, (int)ARRAY_LEN(ANSWERS));
	tcase_add_test(tc, test_next_worker);
	tcase_add_test(tc, test_adapter_gone);
	tcase_add_test(tc, test_stays);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(late, start_slow, stop);
	tcase_set_timeout(late, 30);
	tcase_add_test(late, test_too_late);
	suite_add_tcase(suite, late);
	tcase_add_test(list, test_kernel_list);
	suite_add_tcase(suite, list);
	return suite;
}
