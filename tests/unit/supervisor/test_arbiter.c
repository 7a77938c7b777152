/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_arbiter.c - what the supervisor does for the arbiter: programs'
 * channels to it, the list of adapters, overdue grants, sessions under a grant. test_dirty.c has
 * the dirty ones.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ipc/class.h"
#include "ipc/lock.pb-c.h"
#include "tests/unit/supervisor/rig_lock.h"

Suite *suite_arbiter(void);

static struct rig *rig;

static void without_slots(struct config *config)
{
	(void)snprintf(config->lock_dir, CONFIG_PATH_LEN, "%.80s/none", config->runtime_dir);
}

/* With a directory of slot files that a test can take away. */
static void with_slots(struct config *config)
{
	config->restart_base_ms = config->restart_max_ms = 200;
	(void)snprintf(config->lock_dir, CONFIG_PATH_LEN, "%.80s/slots", config->runtime_dir);
	ck_assert_int_eq(mkdir(config->lock_dir, 0700), 0);
}

static void start(void)
{
	rig = rig_start(rig_quick);
	rig_follow(rig);
}

static void start_slow(void)
{
	rig = rig_start(rig_slow);
	rig_follow(rig);
}

static void start_without_slots(void)
{
	rig = rig_start(without_slots);
}

static void start_with_slots(void)
{
	rig = rig_start(with_slots);
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

/* --- as a program --- */

static void expect_error(struct chan *control, uint32_t id, enum err_class class, const char *words)
{
	const Bh__Error *msg;
	struct chan_frame frame;

	rig_expect(rig, control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__ERROR);
	ck_assert_uint_eq(frame.id, id);
	msg = chan_unpack(control, &frame, &bh__error__descriptor);
	ck_assert_uint_eq((enum err_class)msg->class_, class);
	ck_assert_msg(!words || strstr(msg->text, words), "%s", msg->text);
}

/* The arbiter ends, and the supervisor knows. */
static void end_lockd(const char *how)
{
	struct chan *lock = lock_open(rig, rig->control);

	lock_command(rig, lock, how);
	rig_expect_end(rig, lock);
	rig_expect_event(rig, "arbiter-down", NULL);
}

/* The first death is followed by a start at once, the second is not. */
static void end_lockd_for_long(void)
{
	end_lockd("die");
	rig_expect_event(rig, "arbiter-up", NULL);
	end_lockd("die");
}

/* --- LOCK_OPEN --- */

START_TEST(test_open)
{
	struct chan *program = rig_connect(rig);
	struct chan *lock = lock_open(rig, program);
	char expected[128];
	char text[128];
	unsigned number;

	lock_expect_told(rig, lock, "adapters hci0 hci1 default hci0");
	number = lock_who(rig, lock, text);
	(void)snprintf(expected, sizeof(expected), "peer %u pid %d uid %u worker 0 ", number,
		       getpid(), getuid());
	ck_assert_str_eq(text, expected);
}
END_TEST

/* The end of a program frees what it held, though somebody may have a copy of its channel. */
START_TEST(test_program_gone)
{
	struct chan *witness = lock_open(rig, rig->control);
	struct chan *program = rig_connect(rig);
	struct chan *lock = lock_open(rig, program);
	char text[128];
	unsigned number = lock_who(rig, lock, text);

	rig_close(rig, program);
	lock_expect_gone(rig, witness, number);
	rig_expect_end(rig, lock);
}
END_TEST

START_TEST(test_second_replaces)
{
	struct chan *witness = lock_open(rig, rig_connect(rig));
	struct chan *first = lock_open(rig, rig->control);
	struct chan *second;
	char text[128];
	unsigned number = lock_who(rig, first, text);

	second = lock_open(rig, rig->control);
	lock_expect_gone(rig, witness, number);
	rig_expect_end(rig, first);
	ck_assert_uint_ne(lock_who(rig, second, text), number);
}
END_TEST

/* Down: they wait, all of them, and are served by the next one. */
START_TEST(test_many_wait)
{
	enum { MANY = 300 };
	struct chan *programs[MANY];
	uint32_t ids[MANY];
	char text[128];
	unsigned i;

	for (i = 0; i < MANY; i++)
		programs[i] = rig_connect(rig);
	end_lockd_for_long();
	for (i = 0; i < MANY; i++)
		ids[i] = lock_ask(rig, programs[i]);
	for (i = 0; i < MANY; i++)
		(void)lock_who(rig, lock_expect(rig, programs[i], ids[i]), text);
	/* It was started anew once: nothing that it was told cost it its channel. */
	end_lockd("die");
	rig_expect_event(rig, "arbiter-up", NULL);
}
END_TEST

START_TEST(test_cancel)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id, second;

	end_lockd_for_long();
	id = lock_ask(rig, rig->control);
	second = lock_ask(rig, rig->control);
	expect_error(rig->control, second, CLASS_LIMIT, "already");
	ck_assert_int_eq(chan_send(rig->control, BH__TYPE__CANCEL, id, 0, &empty.base, NULL, 0), 0);
	expect_error(rig->control, id, CLASS_CANCELLED, NULL);
	id = lock_ask(rig, rig->control);
	ck_assert_int_eq(chan_send(rig->control, BH__TYPE__CANCEL, id, 0, &empty.base, NULL, 0), 0);
	expect_error(rig->control, id, CLASS_CANCELLED, NULL);
}
END_TEST

/* An id that is still open is no id for another request. */
START_TEST(test_id_is_open)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	struct chan *program = rig_connect(rig);
	uint32_t id;

	end_lockd_for_long();
	id = lock_ask(rig, program);
	ck_assert_int_eq(chan_send(program, BH__TYPE__STATUS_REQUEST, id, 0, &empty.base, NULL, 0),
			 0);
	rig_expect_end(rig, program);
}
END_TEST

START_TEST(test_parked)
{
	end_lockd("park");
	rig_expect_event(rig, "arbiter-parked", "configuration");
	expect_error(rig->control, lock_ask(rig, rig->control), CLASS_INTERNAL, "parked");
}
END_TEST

/* Those who wait already are told, too. */
START_TEST(test_parked_while_waiting)
{
	struct chan *programs[3];
	uint32_t ids[3];
	unsigned i;

	for (i = 0; i < ARRAY_LEN(programs); i++)
		programs[i] = rig_connect(rig);
	end_lockd_for_long();
	ck_assert_int_eq(rmdir(rig->config.lock_dir), 0);
	for (i = 0; i < ARRAY_LEN(programs); i++)
		ids[i] = lock_ask(rig, programs[i]);
	for (i = 0; i < ARRAY_LEN(programs); i++)
		expect_error(programs[i], ids[i], CLASS_INTERNAL, "tmpfiles.d");
	rig_expect_event(rig, "arbiter-parked", "slot directory");
}
END_TEST

/* A person learns what is wrong and which line mends it. */
START_TEST(test_no_slot_dir)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	const Bh__Status *status;
	struct chan_frame frame;

	expect_error(rig->control, lock_ask(rig, rig->control), CLASS_INTERNAL, "tmpfiles.d: `d ");
	rig_ask(rig, rig->control, BH__TYPE__STATUS_REQUEST, &empty.base);
	rig_expect(rig, rig->control, BH__TYPE__STATUS, &frame);
	status = chan_unpack(rig->control, &frame, &bh__status__descriptor);
	ck_assert(!status->arbiter);
	ck_assert_ptr_nonnull(status->arbiter_trouble);
	ck_assert_msg(strstr(status->arbiter_trouble, rig->config.lock_dir) != NULL, "%s",
		      status->arbiter_trouble);
}
END_TEST

/* --- adapters --- */

START_TEST(test_adapters)
{
	struct chan *lock = lock_open(rig, rig->control);

	lock_expect_told(rig, lock, "adapters hci0 hci1 default hci0");
	rig_plug(rig, 0, false);
	lock_expect_told(rig, lock, "adapters hci1 default hci1");
	rig_plug(rig, 1, false);
	lock_expect_told(rig, lock, "adapters default none");
	rig_plug(rig, 0, true);
	lock_expect_told(rig, lock, "adapters hci0 default hci0");
	lock_command(rig, lock, "die");
	rig_expect_end(rig, lock);
	rig_expect_event(rig, "arbiter-down", NULL);
	lock_expect_told(rig, lock_open(rig, rig->control), "adapters hci0 default hci0");
}
END_TEST

/* --- overdue grants --- */

START_TEST(test_overdue_worker)
{
	struct chan *lock = lock_open(rig, rig->control);

	lock_command(rig, lock, "overdue worker hci1");
	rig_expect_event(rig, "lock-overdue", "worker hci1");
	rig_expect_event(rig, "worker-died", "killed by SIGKILL, held the lock of hci1 too long");
	rig_expect_event(rig, "worker-ready", NULL);
	ck_assert_uint_eq(rig_status(rig)->worker_deaths, 1);
}
END_TEST

/* We kill nobody who is not ours. */
START_TEST(test_overdue_program)
{
	struct chan *lock = lock_open(rig, rig->control);
	char text[128];

	lock_command(rig, lock, "overdue ");
	rig_expect_event(rig, "lock-overdue", "it was taken from it");
	(void)lock_who(rig, lock, text);
	ck_assert_uint_eq(rig_status(rig)->worker_deaths, 0);
}
END_TEST

/* --- under a grant --- */

static void ask_under(uint64_t address, const char *adapter, uint64_t under)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;

	msg.has_kind = msg.has_address = msg.has_under = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = address;
	msg.adapter = (char *)(uintptr_t)adapter;
	msg.under = under;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
}

/* It is told with each attach, that of the next worker included. */
START_TEST(test_under)
{
	struct chan *lock = lock_open(rig, rig->control);
	struct chan_frame frame;

	ask_under(RIG_SEEN, "hci1", 1ull << 40);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	(void)rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
	rig_expect_event(rig, "connecting", "session under 1099511627776");
	lock_command(rig, lock, "overdue worker hci1");
	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	(void)rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
	rig_expect_event(rig, "connecting", "session under 1099511627776");
	ask_under(RIG_HIDDEN, "hci0", 5);
	rig_expect_event(rig, "connecting", "search under 5");
	rig_expect_event(rig, "connecting", "session under 5");
}
END_TEST

Suite *suite_arbiter(void)
{
	Suite *suite = suite_create("arbiter");
	TCase *tc = tcase_create("quick");
	TCase *late = tcase_create("slow");
	TCase *delayed = tcase_create("delayed");
	TCase *bare = tcase_create("bare");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_open);
	tcase_add_test(tc, test_program_gone);
	tcase_add_test(tc, test_second_replaces);
	tcase_add_test(tc, test_parked);
	tcase_add_test(tc, test_adapters);
	tcase_add_test(tc, test_overdue_worker);
	tcase_add_test(tc, test_overdue_program);
	tcase_add_test(tc, test_under);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(late, start_slow, stop);
	tcase_set_timeout(late, 30);
	tcase_add_test(late, test_cancel);
	tcase_add_test(late, test_id_is_open);
	suite_add_tcase(suite, late);
	tcase_add_checked_fixture(delayed, start_with_slots, stop);
	tcase_set_timeout(delayed, 30);
	tcase_add_test(delayed, test_many_wait);
	tcase_add_test(delayed, test_parked_while_waiting);
	suite_add_tcase(suite, delayed);
	tcase_add_checked_fixture(bare, start_without_slots, stop);
	tcase_set_timeout(bare, 30);
	tcase_add_test(bare, test_no_slot_dir);
	suite_add_tcase(suite, bare);
	return suite;
}
