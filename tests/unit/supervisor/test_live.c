/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_live.c - the supervisor as a whole with fake children: opening, and
 * every way in which a session changes its worker.
 */
#include <check.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/class.h"
#include "supervisor/mgmt_codec.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_live(void);

static struct rig *rig;

static void quick(struct config *config)
{
	config->restart_base_ms = 20;
	config->restart_max_ms = 40;
	config->crash_loop_deaths = 3;
	config->tick_window_ms = 1000;
}

static void slow(struct config *config)
{
	quick(config);
	config->restart_base_ms = config->restart_max_ms = 30000;
}

static void start(void)
{
	rig = rig_start(quick);
}

static void start_slow(void)
{
	rig = rig_start(slow);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

/* --- a session as a program has it --- */

struct session {
	uint32_t id;
	uint32_t epoch;
	char adapter[16];
	struct chan *data;
};

static uint32_t ask_open(uint64_t address, const char *adapter, uint32_t timeout_ms)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = address;
	msg.adapter = (char *)(uintptr_t)adapter;
	msg.timeout_ms = timeout_ms;
	return rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
}

static void adopt(struct session *session, struct chan_frame *frame, const char *adapter)
{
	(void)strncpy(session->adapter, adapter, sizeof(session->adapter) - 1);
	session->data = rig_wrap(rig, take_fd(&frame->fds[0]), CHAN_BODY_DATA);
}

static struct session open_session(uint64_t address, const char *adapter)
{
	struct session session = { .id = 0 };
	const Bh__SessionOpened *msg;
	struct chan_frame frame;
	uint32_t id = ask_open(address, adapter, 2000);

	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__SESSION_OPENED);
	ck_assert_uint_eq(frame.id, id);
	msg = chan_unpack(rig->control, &frame, &bh__session_opened__descriptor);
	session.id = msg->session;
	session.epoch = msg->epoch;
	adopt(&session, &frame, msg->adapter);
	return session;
}

/* Sends a WRITE; returns its id. */
static uint32_t write_word(struct session *session, const char *word)
{
	Bh__Write msg = BH__WRITE__INIT;

	msg.has_value = 1;
	msg.value.data = (uint8_t *)(uintptr_t)word;
	msg.value.len = strlen(word);
	return rig_ask(rig, session->data, BH__TYPE__WRITE, &msg.base);
}

static void expect_served_by(struct session *session, const char *adapter)
{
	Bh__Read msg = BH__READ__INIT;
	const Bh__Value *value;
	struct chan_frame frame;
	uint32_t id = rig_ask(rig, session->data, BH__TYPE__READ, &msg.base);

	rig_expect(rig, session->data, BH__TYPE__VALUE, &frame);
	ck_assert_uint_eq(frame.id, id);
	value = chan_unpack(session->data, &frame, &bh__value__descriptor);
	ck_assert_uint_eq(value->value.len, strlen(adapter));
	ck_assert_mem_eq(value->value.data, adapter, strlen(adapter));
}

/* MOVED with exactly this issued write (0: none), after the old socket's end. */
static void expect_moved(struct session *session, uint32_t issued)
{
	const Bh__Moved *msg;
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	rig_expect_end(rig, session->data);
	msg = chan_unpack(rig->control, &frame, &bh__moved__descriptor);
	ck_assert_uint_eq(msg->session, session->id);
	ck_assert_uint_eq(msg->epoch, ++session->epoch);
	ck_assert_uint_eq(msg->n_issued, issued ? 1 : 0);
	if (issued)
		ck_assert_uint_eq(msg->issued[0], issued);
	adopt(session, &frame, msg->adapter);
}

static void expect_error(uint32_t id, enum err_class class)
{
	const Bh__Error *msg;
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__ERROR, &frame);
	ck_assert_uint_eq(frame.id, id);
	msg = chan_unpack(rig->control, &frame, &bh__error__descriptor);
	ck_assert_uint_eq((enum err_class)msg->class_, class);
	ck_assert_ptr_nonnull(msg->text);
}

/* --- opening --- */

START_TEST(test_open)
{
	struct session best = open_session(RIG_SEEN, NULL);
	struct session named = open_session(RIG_SEEN, "hci0");
	struct session found = open_session(RIG_HIDDEN, NULL);
	Bh__SessionClose close = BH__SESSION_CLOSE__INIT;
	struct chan_frame frame;

	expect_served_by(&best, "hci1");
	expect_served_by(&named, "hci0");
	expect_served_by(&found, found.adapter);
	close.has_session = 1;
	close.session = named.id;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_CLOSE, &close.base);
	rig_expect(rig, rig->control, BH__TYPE__DONE, &frame);
	rig_expect_end(rig, named.data);
	expect_served_by(&best, "hci1");
}
END_TEST

START_TEST(test_open_fails)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;

	expect_error(ask_open(0xc0aabb0000ff, NULL, 300), CLASS_NOT_FOUND);
	expect_error(ask_open(RIG_SEEN, "hci7", 300), CLASS_ADAPTER_GONE);
	expect_error(ask_open(RIG_SEEN, "no-such-adapter-name", 300), CLASS_ADAPTER_GONE);
	expect_error(ask_open(0, NULL, 300), CLASS_INVALID);
	expect_error(ask_open(1ull << 50, NULL, 300), CLASS_INVALID);
	id = ask_open(0xc0aabb0000ff, NULL, 10000);
	ck_assert_int_eq(chan_send(rig->control, BH__TYPE__CANCEL, id, 0, &empty.base, NULL, 0), 0);
	expect_error(id, CLASS_CANCELLED);
}
END_TEST

START_TEST(test_limit)
{
	struct session sessions[65];
	unsigned i;

	for (i = 0; i < 16; i++)
		sessions[i] = open_session(RIG_SEEN, i & 1 ? "hci0" : "hci1");
	for (i = 0; i < 16; i++)
		expect_served_by(&sessions[i], i & 1 ? "hci0" : "hci1");
}
END_TEST

/* --- moving --- */

static const struct {
	const char *word;
	bool is_issued;
} DEATHS[] = { { "crash", true }, { "kill", true }, { "hang", true } };

START_TEST(test_worker_dies)
{
	struct session victim = open_session(RIG_SEEN, NULL);
	struct session other = open_session(RIG_SEEN, "hci0");
	uint32_t id = write_word(&victim, DEATHS[_i].word);

	expect_moved(&victim, id);
	/* The first death is free: the same adapter's next worker. */
	expect_served_by(&victim, "hci1");
	expect_served_by(&other, "hci0");
	/* What was told once is not told again. */
	(void)write_word(&victim, "fine");
	id = write_word(&victim, "kill");
	expect_moved(&victim, id);
	expect_served_by(&victim, "hci1");
}
END_TEST

/* Its adapter's next worker comes too late: the other one. */
START_TEST(test_other_adapter)
{
	struct session session = open_session(RIG_SEEN, NULL);
	uint32_t id;

	expect_served_by(&session, "hci1");
	expect_moved(&session, write_word(&session, "kill"));
	id = write_word(&session, "kill");
	expect_moved(&session, id);
	expect_served_by(&session, "hci0");
}
END_TEST

START_TEST(test_given_up)
{
	struct session session = open_session(RIG_SEEN, NULL);
	uint32_t id = write_word(&session, "give-up");

	expect_moved(&session, id);
	expect_served_by(&session, "hci0");
	/* The link that it left behind was cut first. */
	ck_assert_uint_eq(rig->disconnects, 1);
}
END_TEST

START_TEST(test_unplugged)
{
	struct session session = open_session(RIG_SEEN, NULL);
	struct session bound = open_session(RIG_SEEN, "hci1");
	const Bh__SessionWaits *waits;
	struct chan_frame frame;

	expect_served_by(&session, "hci1");
	rig_plug(rig, 1, false);
	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	adopt(&session, &frame, "hci0");
	expect_served_by(&session, "hci0");
	rig_expect(rig, rig->control, BH__TYPE__SESSION_WAITS, &frame);
	waits = chan_unpack(rig->control, &frame, &bh__session_waits__descriptor);
	ck_assert_uint_eq(waits->session, bound.id);
	ck_assert_uint_eq((enum err_class)waits->class_, CLASS_ADAPTER_GONE);
	rig_plug(rig, 1, true);
	expect_moved(&bound, 0);
	expect_served_by(&bound, "hci1");
}
END_TEST

/* Two deaths are its fault: it ends, and its adapter is not parked for it. */
START_TEST(test_poison)
{
	struct session poison, other;
	const Bh__SessionClosed *closed;
	struct chan_frame frame;
	unsigned round;
	uint32_t id;

	other = open_session(RIG_SEEN, "hci1");
	for (round = 0; round < 3; round++) {
		poison = open_session(RIG_SEEN, "hci1");
		(void)write_word(&poison, "crash");
		/* Both are moved; whose turn is first does not matter here. */
		for (id = 0; id < 2; id++) {
			const Bh__Moved *moved;

			rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
			moved = chan_unpack(rig->control, &frame, &bh__moved__descriptor);
			adopt(moved->session == poison.id ? &poison : &other, &frame, "hci1");
		}
		id = write_word(&poison, "crash");
		rig_expect(rig, rig->control, BH__TYPE__SESSION_CLOSED, &frame);
		closed = chan_unpack(rig->control, &frame, &bh__session_closed__descriptor);
		ck_assert_uint_eq(closed->session, poison.id);
		ck_assert_uint_eq((enum err_class)closed->class_, CLASS_INTERNAL);
		ck_assert_uint_eq(closed->n_issued, 1);
		ck_assert_uint_eq(closed->issued[0], id);
		rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
		adopt(&other, &frame, "hci1");
		expect_served_by(&other, "hci1");
	}
}
END_TEST

/* Its configuration is wrong: parked; what hangs on it waits or goes elsewhere. */
START_TEST(test_parked)
{
	struct session bound;
	struct chan_frame frame;

	bound = open_session(RIG_SEEN, "hci1");
	(void)write_word(&bound, "exit 78");
	rig_expect(rig, rig->control, BH__TYPE__SESSION_WAITS, &frame);
	expect_error(ask_open(RIG_SEEN, "hci1", 300), CLASS_INTERNAL);
	bound = open_session(RIG_SEEN, NULL);
	expect_served_by(&bound, "hci0");
}
END_TEST

/* --- lists and broken form --- */

static uint32_t count_until_done(uint32_t id, uint16_t type)
{
	struct chan_frame frame;
	uint32_t n = 0;

	for (;;) {
		rig_expect(rig, rig->control, 0, &frame);
		chan_frame_done(&frame);
		if (frame.id == id && frame.type == BH__TYPE__DONE)
			return n;
		n += frame.id == id && frame.type == type;
	}
}

START_TEST(test_lists)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	Bh__EventsRequest events = BH__EVENTS_REQUEST__INIT;
	struct session session = open_session(RIG_SEEN, NULL);
	struct chan_frame frame;
	uint32_t id;

	expect_served_by(&session, "hci1");
	id = rig_ask(rig, rig->control, BH__TYPE__ADAPTERS_REQUEST, &empty.base);
	ck_assert_uint_eq(count_until_done(id, BH__TYPE__ADAPTER), 2);
	id = rig_ask(rig, rig->control, BH__TYPE__DEVICES_REQUEST, &empty.base);
	ck_assert_uint_eq(count_until_done(id, BH__TYPE__DEVICE), 1);
	events.has_history = 1;
	events.history = 1;
	id = rig_ask(rig, rig->control, BH__TYPE__EVENTS_REQUEST, &events.base);
	ck_assert_uint_ge(count_until_done(id, BH__TYPE__EVENT), 5);
	(void)rig_ask(rig, rig->control, BH__TYPE__LOCKS_REQUEST, &empty.base);
	rig_expect(rig, rig->control, BH__TYPE__LOCKS, &frame);
	ck_assert_uint_eq(frame.n_fds, 1);
	chan_frame_done(&frame);
}
END_TEST

/* A program that asks for a thousand lists and reads none of them loses its connection at most. */
START_TEST(test_greedy)
{
	Bh__EventsRequest events = BH__EVENTS_REQUEST__INIT;
	struct chan *greedy = rig_connect(rig);
	struct session session = open_session(RIG_SEEN, NULL);
	unsigned i;

	events.has_history = 1;
	events.history = 1;
	for (i = 0; i < 1000; i++)
		(void)!chan_send(greedy, BH__TYPE__EVENTS_REQUEST, 100 + i, 0, &events.base, NULL,
				 0);
	for (i = 0; i < 50; i++)
		expect_served_by(&session, session.adapter);
}
END_TEST

static void send_twice_hello(struct chan *chan)
{
	Bh__Hello hello = BH__HELLO__INIT;

	(void)!chan_send(chan, BH__TYPE__HELLO, 70, 0, &hello.base, NULL, 0);
}

static void send_id_zero(struct chan *chan)
{
	Bh__Empty empty = BH__EMPTY__INIT;

	(void)!chan_send(chan, BH__TYPE__STATUS_REQUEST, 0, 0, &empty.base, NULL, 0);
}

static void send_unknown_type(struct chan *chan)
{
	Bh__Empty empty = BH__EMPTY__INIT;

	(void)!chan_send(chan, 999, 70, 0, &empty.base, NULL, 0);
}

static void send_open_id(struct chan *chan)
{
	Bh__EventsRequest events = BH__EVENTS_REQUEST__INIT;

	events.has_follow = 1;
	events.follow = 1;
	(void)!chan_send(chan, BH__TYPE__EVENTS_REQUEST, 70, 0, &events.base, NULL, 0);
	(void)!chan_send(chan, BH__TYPE__EVENTS_REQUEST, 70, 0, &events.base, NULL, 0);
}

static void send_descriptor(struct chan *chan)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	int fd = STDERR_FILENO;

	(void)!chan_send(chan, BH__TYPE__STATUS_REQUEST, 70, 0, &empty.base, &fd, 1);
}

static void send_noise(struct chan *chan)
{
	(void)!send(chan_fd(chan), "noise", 5, MSG_NOSIGNAL);
}

static void (*const BROKEN[])(struct chan *chan) = { send_twice_hello,	send_id_zero,
						     send_unknown_type, send_open_id,
						     send_descriptor,	send_noise };

START_TEST(test_broken_form)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	struct chan *broken = rig_connect(rig);
	struct chan_frame frame;

	BROKEN[_i](broken);
	rig_expect_end(rig, broken);
	rig_ask(rig, rig->control, BH__TYPE__STATUS_REQUEST, &empty.base);
	rig_expect(rig, rig->control, BH__TYPE__STATUS, &frame);
}
END_TEST

/* What the kernel says of a connect or a link goes to the worker of that adapter. */
START_TEST(test_causes)
{
	rig_follow(rig);
	rig_cause(rig, MGMT_EV_CONNECT_FAILED, 1, RIG_SEEN, 7);
	rig_expect_event(rig, "connecting", "hci1: status 7 of c0aabb000001");
	rig_cause(rig, MGMT_EV_DEVICE_DISCONNECTED, 0, RIG_SEEN, 3);
	rig_expect_event(rig, "connecting", "hci0: reason 3 of c0aabb000001");
	/* Of an adapter that nobody has: of no interest, and no harm. */
	rig_cause(rig, MGMT_EV_CONNECT_FAILED, 9, RIG_SEEN, 7);
	rig_cause(rig, MGMT_EV_DEVICE_DISCONNECTED, 1, RIG_SEEN, 1);
	rig_expect_event(rig, "link-lost", "the peripheral went silent");
}
END_TEST

Suite *suite_live(void)
{
	Suite *suite = suite_create("live");
	TCase *tc = tcase_create("quick");
	TCase *late = tcase_create("slow");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_open);
	tcase_add_test(tc, test_open_fails);
	tcase_add_test(tc, test_limit);
	tcase_add_loop_test(tc, test_worker_dies, 0, (int)ARRAY_LEN(DEATHS));
	tcase_add_test(tc, test_given_up);
	tcase_add_test(tc, test_unplugged);
	tcase_add_test(tc, test_poison);
	tcase_add_test(tc, test_parked);
	tcase_add_test(tc, test_lists);
	tcase_add_test(tc, test_greedy);
	tcase_add_test(tc, test_causes);
	tcase_add_loop_test(tc, test_broken_form, 0, (int)ARRAY_LEN(BROKEN));
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(late, start_slow, stop);
	tcase_set_timeout(late, 30);
	tcase_add_test(late, test_other_adapter);
	suite_add_tcase(suite, late);
	return suite;
}
