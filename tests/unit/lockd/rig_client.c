/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/lockd/rig_client.c - what a client says to lockd and hears from it. */
#include "tests/unit/lockd/rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void rig_acquire(struct chan *chan, const struct rig_request *request)
{
	rig_acquire_under(chan, request, 0, 0);
}

void rig_acquire_under(struct chan *chan, const struct rig_request *request, uint32_t max_hold_ms,
		       uint64_t under)
{
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;
	char *names[RIG_NAMES_MAX];

	while (msg.n_resources < RIG_NAMES_MAX && request->names[msg.n_resources]) {
		names[msg.n_resources] = (char *)(uintptr_t)request->names[msg.n_resources];
		msg.n_resources++;
	}
	msg.resources = names;
	msg.has_class_ = request->class != 0;
	msg.class_ = (Bh__Lock__Class)request->class;
	msg.has_timeout_ms = msg.has_max_hold_ms = 1;
	msg.timeout_ms = request->timeout_ms;
	msg.max_hold_ms = max_hold_ms;
	msg.has_under = under != 0;
	msg.under = under;
	ck_assert_int_eq(
		chan_send(chan, BH__LOCK__TYPE__ACQUIRE, request->id, 0, &msg.base, NULL, 0), 0);
}

void rig_release(struct chan *chan, uint64_t grant)
{
	Bh__Lock__Release msg = BH__LOCK__RELEASE__INIT;

	msg.has_grant = 1;
	msg.grant = grant;
	ck_assert_int_eq(chan_send(chan, BH__LOCK__TYPE__RELEASE, 0, 0, &msg.base, NULL, 0), 0);
}

void rig_cancel(struct chan *chan, uint32_t id)
{
	Bh__Lock__Empty msg = BH__LOCK__EMPTY__INIT;

	ck_assert_int_eq(chan_send(chan, BH__LOCK__TYPE__CANCEL, id, 0, &msg.base, NULL, 0), 0);
}

void rig_renew(struct chan *chan, uint32_t id, uint64_t grant)
{
	Bh__Lock__Renew msg = BH__LOCK__RENEW__INIT;

	msg.has_grant = 1;
	msg.grant = grant;
	ck_assert_int_eq(chan_send(chan, BH__LOCK__TYPE__RENEW, id, 0, &msg.base, NULL, 0), 0);
}

void rig_hello(struct chan *chan, uint32_t id, uint32_t version)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;

	msg.has_version = 1;
	msg.version = version;
	ck_assert_int_eq(chan_send(chan, BH__LOCK__TYPE__HELLO, id, 0, &msg.base, NULL, 0), 0);
}

void rig_held(struct chan *chan, uint64_t grant, const char *name, const int *fds, size_t n_fds)
{
	Bh__Lock__Held msg = BH__LOCK__HELD__INIT;
	char *names[] = { (char *)(uintptr_t)name };

	msg.has_grant = 1;
	msg.grant = grant;
	msg.resources = names;
	msg.n_resources = 1;
	ck_assert_int_eq(chan_send(chan, BH__LOCK__TYPE__HELD, 0, 0, &msg.base, fds, n_fds), 0);
}

static const void *unpack(struct chan *chan, struct chan_frame *frame,
			  const ProtobufCMessageDescriptor *descriptor)
{
	const void *msg = chan_unpack(chan, frame, descriptor);

	ck_assert_ptr_nonnull(msg);
	return msg;
}

static void read_answer(struct chan *chan, struct chan_frame *frame, struct rig_answer *out)
{
	const Bh__Lock__Granted *granted;
	const Bh__Lock__Revoked *revoked;
	const Bh__Lock__Refused *refused;
	const Bh__Lock__Renewed *renewed;

	out->type = frame->type;
	out->id = frame->id;
	if (frame->type == BH__LOCK__TYPE__GRANTED) {
		granted = unpack(chan, frame, &bh__lock__granted__descriptor);
		out->grant = granted->grant;
		out->waited_ms = granted->waited_ms;
		out->lease_ms = granted->lease_ms;
	} else if (frame->type == BH__LOCK__TYPE__REVOKED) {
		revoked = unpack(chan, frame, &bh__lock__revoked__descriptor);
		out->grant = revoked->grant;
		out->grace_ms = revoked->grace_ms;
		out->reason = (int)revoked->reason;
		(void)snprintf(out->text, sizeof(out->text), "%s", revoked->text);
	} else if (frame->type == BH__LOCK__TYPE__REFUSED) {
		refused = unpack(chan, frame, &bh__lock__refused__descriptor);
		out->reason = (int)refused->reason;
		(void)snprintf(out->text, sizeof(out->text), "%s", refused->text);
	} else if (frame->type == BH__LOCK__TYPE__RENEWED) {
		renewed = unpack(chan, frame, &bh__lock__renewed__descriptor);
		out->lease_ms = renewed->lease_ms;
		out->is_wanted = renewed->wanted;
	} else if (frame->type == BH__LOCK__TYPE__HELLO_OK) {
		const Bh__Lock__HelloOk *ok = unpack(chan, frame, &bh__lock__hello_ok__descriptor);

		out->reason = (int)ok->version;
	}
}

void rig_wait(struct rig *rig, struct chan *chan, struct rig_answer *out)
{
	struct chan_frame frame;
	size_t i;

	(void)rig;
	*out = (struct rig_answer){ .type = 0 };
	if (!rig_next_frame(chan, &frame))
		return;
	read_answer(chan, &frame, out);
	out->n_fds = frame.n_fds;
	for (i = 0; i < frame.n_fds; i++)
		out->fds[i] = take_fd(&frame.fds[i]);
}

void rig_close_fds(struct rig_answer *answer)
{
	size_t i;

	for (i = 0; i < answer->n_fds; i++)
		answer->fds[i] = close_fd(answer->fds[i]);
	answer->n_fds = 0;
}

uint64_t rig_expect(struct rig *rig, struct chan *chan, Bh__Lock__Type type, uint32_t id)
{
	struct rig_answer answer;

	rig_wait(rig, chan, &answer);
	ck_assert_msg(answer.type == (uint16_t)type && answer.id == id,
		      "got %u for %u (%s), expected %u for %u", answer.type, answer.id, answer.text,
		      (unsigned)type, id);
	rig_close_fds(&answer);
	return answer.grant;
}

void rig_expect_silence(struct rig *rig, struct chan *chan)
{
	struct rig_request request = { .id = 999999 };
	char name[32];

	/* A device of that channel's own: two of these may overlap. */
	(void)snprintf(name, sizeof(name), "device:DE:AD:00:00:%02X:%02X",
		       (unsigned)chan_fd(chan) >> 8 & 0xff, (unsigned)chan_fd(chan) & 0xff);
	request.names[0] = name;
	rig_acquire(chan, &request);
	rig_release(chan, rig_expect(rig, chan, BH__LOCK__TYPE__GRANTED, request.id));
}
