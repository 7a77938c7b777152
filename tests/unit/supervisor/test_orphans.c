/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_orphans.c - links that a dead worker left. */
#include <check.h>
#include <string.h>

#include "tests/unit/supervisor/rig.h"

Suite *suite_orphans(void);

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

/* Its data socket, wherever it is served now. */
static struct chan *data_of(uint16_t type)
{
	struct chan_frame frame;

	rig_expect(rig, rig->control, type, &frame);
	return rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

static struct chan *open_session(void)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.timeout_ms = 2000;
	/* Elsewhere nobody adopts what is left here. */
	msg.adapter = (char *)(uintptr_t) "hci0";
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	return data_of(BH__TYPE__SESSION_OPENED);
}

static void write_word(struct chan *data, const char *word)
{
	Bh__Write msg = BH__WRITE__INIT;

	msg.has_value = 1;
	msg.value.data = (uint8_t *)(uintptr_t)word;
	msg.value.len = strlen(word);
	(void)rig_ask(rig, data, BH__TYPE__WRITE, &msg.base);
}

/* The next worker says nothing of the link: it is ended. */
START_TEST(ended)
{
	struct chan *data = open_session();

	write_word(data, "link");
	rig_expect_event(rig, "connected", NULL);
	write_word(data, "kill");
	rig_expect_event(rig, "worker-ready", NULL);
	ck_assert_uint_eq(rig->disconnects, 0);
	rig_expect_event(rig, "link-cut", "nobody wants it");
	ck_assert_uint_eq(rig->disconnects, 1);
}
END_TEST

/* It has it, and dies too; only what is nobody's in the end is ended. */
START_TEST(adopted)
{
	struct chan *data = open_session();
	int i;

	write_word(data, "link");
	rig_expect_event(rig, "connected", NULL);
	for (i = 0; i < 2; i++) {
		write_word(data, "kill");
		data = data_of(BH__TYPE__MOVED);
		write_word(data, "link");
		rig_expect_event(rig, "connected", NULL);
	}
	/* Another device's link is left behind meanwhile: its end is the barrier. */
	write_word(data, "link-of-another");
	rig_expect_event(rig, "connected", NULL);
	write_word(data, "kill");
	data = data_of(BH__TYPE__MOVED);
	write_word(data, "link");
	rig_expect_event(rig, "link-cut", "nobody wants it");
	ck_assert_uint_eq(rig->disconnects, 1);
}
END_TEST

Suite *suite_orphans(void)
{
	Suite *s = suite_create("orphans");
	TCase *c = tcase_create("orphans");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, ended);
	tcase_add_test(c, adopted);
	suite_add_tcase(s, c);
	return s;
}
