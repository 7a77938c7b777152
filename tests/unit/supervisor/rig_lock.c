/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/supervisor/rig_lock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ipc/lock.pb-c.h"

uint32_t lock_ask(struct rig *rig, struct chan *control)
{
	Bh__Empty empty = BH__EMPTY__INIT;

	return rig_ask(rig, control, BH__TYPE__LOCK_OPEN, &empty.base);
}

struct chan *lock_expect(struct rig *rig, struct chan *control, uint32_t id)
{
	struct chan_frame frame;

	rig_expect(rig, control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__LOCK_OPENED);
	ck_assert_uint_eq(frame.id, id);
	ck_assert_uint_eq(frame.n_fds, 1);
	return rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_CONTROL);
}

struct chan *lock_open(struct rig *rig, struct chan *control)
{
	return lock_expect(rig, control, lock_ask(rig, control));
}

void lock_command(struct rig *rig, struct chan *lock, const char *words)
{
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;

	msg.label = (char *)(uintptr_t)words;
	(void)rig_ask(rig, lock, BH__LOCK__TYPE__ACQUIRE, &msg.base);
}

unsigned lock_who(struct rig *rig, struct chan *lock, char out[128])
{
	const Bh__Lock__Refused *msg;
	struct chan_frame frame;
	unsigned number = 0;

	lock_command(rig, lock, "who");
	rig_expect(rig, lock, BH__LOCK__TYPE__REFUSED, &frame);
	msg = chan_unpack(lock, &frame, &bh__lock__refused__descriptor);
	(void)snprintf(out, 128, "%s", msg->text);
	ck_assert_int_eq(sscanf(out, "peer %u ", &number), 1);
	return number;
}

void lock_expect_told(struct rig *rig, struct chan *lock, const char *line)
{
	const Bh__Lock__Revoked *msg;
	struct chan_frame frame;

	do {
		rig_expect(rig, lock, BH__LOCK__TYPE__REVOKED, &frame);
		msg = chan_unpack(lock, &frame, &bh__lock__revoked__descriptor);
	} while (strcmp(msg->text, line) != 0);
}

void lock_expect_gone(struct rig *rig, struct chan *lock, unsigned number)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "gone %u", number);
	lock_expect_told(rig, lock, line);
}
