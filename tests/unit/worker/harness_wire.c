/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The harness as supervisor and as programs: frames in, answers out; harness.h. */
#include "tests/unit/worker/harness.h"

#include "ipc/clock.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { WAIT_MS = 10000 };

/* A MGMT command of hci0, as the supervisor would; the length of its answer's parameters. */
static size_t mgmt_ask(struct harness *h, uint8_t opcode, const uint8_t *body, uint8_t len,
		       uint8_t *out_status, uint8_t out[512])
{
	uint8_t command[6 + 16] = { opcode, 0, 0, 0, len, 0 };
	struct pollfd p = { .events = POLLIN };
	uint8_t answer[512];
	size_t got = 0;

	*out_status = 0xff;
	p.fd = harness_dial(h->mgmt_path, SOCK_SEQPACKET);
	if (len > 0)
		memcpy(command + 6, body, len);
	ck_assert(send(p.fd, command, 6u + len, 0) >= 0);
	while (poll(&p, 1, 2000) == 1) {
		ssize_t n = recv(p.fd, answer, sizeof(answer), 0);

		if (n <= 0)
			break;
		/* Command Complete or Command Status of ours. */
		if (n < 9 || (answer[0] != 1 && answer[0] != 2) || answer[6] != opcode)
			continue;
		*out_status = answer[8];
		got = (size_t)n - 9;
		memcpy(out, answer + 9, got);
		break;
	}
	(void)close(p.fd);
	return got;
}

static uint8_t mgmt_disconnect(struct harness *h, uint64_t addr, bool is_random)
{
	uint8_t body[7], out[512], status;
	size_t i;

	for (i = 0; i < 6; i++)
		body[i] = (uint8_t)(addr >> 8 * i);
	body[6] = is_random ? 2 : 1;
	(void)mgmt_ask(h, 0x14, body, sizeof(body), &status, out);
	return status;
}

int harness_kernel_lists(struct harness *h, uint64_t addr)
{
	uint8_t out[512], status;
	size_t len = mgmt_ask(h, 0x15, NULL, 0, &status, out);
	size_t i;
	int k;

	if (status != 0 || len < 2)
		return -1;
	for (i = 0; i < out[0]; i++) {
		const uint8_t *peer = out + 2 + 7 * i;
		uint64_t found = 0;

		for (k = 5; k >= 0; k--)
			found = found << 8 | peer[k];
		if (found == addr)
			return 1;
	}
	return 0;
}

/* --- receiving --- */

static void keep(struct harness_peer *peer, const struct chan_frame *frame)
{
	struct harness_frame *copy = &peer->frames[peer->n_frames++];

	ck_assert(peer->n_frames < HARNESS_FRAMES_MAX);
	copy->type = frame->type;
	copy->id = frame->id;
	copy->epoch = frame->epoch;
	copy->n_fds = frame->n_fds;
	copy->len = frame->len;
	copy->body = malloc(frame->len + 1);
	ck_assert_ptr_nonnull(copy->body);
	memcpy(copy->body, frame->body, frame->len);
}

static void on_link_end(struct harness *h, const struct chan_frame *frame)
{
	Bh__Ctl__LinkEnded ended = BH__CTL__LINK_ENDED__INIT;
	const Bh__Ctl__Link *link = chan_unpack(h->up.chan, frame, &bh__ctl__link__descriptor);

	ended.has_status = 1;
	ended.has_kept = 1;
	ended.kept = h->keeps_links;
	ended.status = h->is_mgmt_lost || h->keeps_links
			       ? 0xff
			       : mgmt_disconnect(h, link->address, link->random);
	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__LINK_ENDED, frame->id, 0, &ended.base, NULL,
			    0) == 0);
}

static void on_kernel_link(struct harness *h, const struct chan_frame *frame)
{
	Bh__Ctl__KernelLink said = BH__CTL__KERNEL_LINK__INIT;
	const Bh__Ctl__Link *link = chan_unpack(h->up.chan, frame, &bh__ctl__link__descriptor);
	int listed = harness_kernel_lists(h, link->address);

	if (h->is_mute)
		return;
	said.has_state = 1;
	said.state = BH__CTL__KERNEL_STATE__KERNEL_UNKNOWN;
	if (listed >= 0)
		said.state = listed ? BH__CTL__KERNEL_STATE__KERNEL_UP
				    : BH__CTL__KERNEL_STATE__KERNEL_NONE;
	said.has_random = listed > 0;
	said.random = 1;
	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__KERNEL_LINK_IS, frame->id, 0, &said.base,
			    NULL, 0) == 0);
}

static void on_attempt_failed(struct harness *h, const struct chan_frame *frame)
{
	Bh__Ctl__NextStep step = BH__CTL__NEXT_STEP__INIT;

	step.has_step = step.has_delay_ms = 1;
	step.step = h->retries > 0 ? BH__CTL__STEP__STEP_RETRY : BH__CTL__STEP__STEP_GIVE_UP;
	if (h->clears && h->retries > 0)
		step.step = BH__CTL__STEP__STEP_CLEAR;
	step.delay_ms = h->rest_ms > 0 ? h->rest_ms : 20;
	h->retries -= h->retries > 0 ? 1 : 0;
	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__NEXT_STEP, frame->id, 0, &step.base, NULL,
			    0) == 0);
}

static void read_peer(struct harness *h, struct harness_peer *peer)
{
	struct chan_frame frame;
	int r;

	while (!peer->is_over && (r = chan_recv(peer->chan, &frame)) != 0) {
		if (r != CHAN_FRAME) {
			peer->is_over = true;
			return;
		}
		keep(peer, &frame);
		if (peer == &h->up && frame.type == BH__CTL__TYPE__LINK_END)
			on_link_end(h, &frame);
		if (peer == &h->up && frame.type == BH__CTL__TYPE__KERNEL_LINK)
			on_kernel_link(h, &frame);
		/* One that was cut is not answered. */
		if (peer == &h->up && frame.type == BH__CTL__TYPE__ATTEMPT_FAILED && frame.id != 0)
			on_attempt_failed(h, &frame);
		if (peer == &h->up && frame.type == BH__CTL__TYPE__BUS_WANTED)
			harness_send_bus(h);
		chan_frame_done(&frame);
	}
}

static struct harness_peer *peer_of(struct harness *h, size_t i)
{
	if (i == 0)
		return &h->up;
	return i == 1 ? &h->lock : &h->seats[i - 2];
}

static void poll_once(struct harness *h, int timeout_ms)
{
	struct pollfd fds[HARNESS_SEATS_MAX + 2];
	size_t n = h->n_seats + 2;
	size_t i;

	for (i = 0; i < n; i++) {
		struct harness_peer *peer = peer_of(h, i);

		fds[i] = (struct pollfd){ .fd = peer->is_over || !peer->chan ? -1
									     : chan_fd(peer->chan),
					  .events = POLLIN };
		if (fds[i].fd >= 0 && chan_wants_write(peer->chan))
			ck_assert(chan_flush(peer->chan) <= 0);
	}
	(void)poll(fds, (nfds_t)n, timeout_ms);
	for (i = 0; i < n; i++)
		if (fds[i].revents)
			read_peer(h, peer_of(h, i));
}

void harness_pump(struct harness *h, unsigned ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	while (clock_now_ms() < until_ms)
		poll_once(h, (int)clock_left_ms(until_ms, clock_now_ms()));
}

const struct harness_frame *harness_wait(struct harness *h, struct harness_peer *peer,
					 uint16_t type, uint32_t id)
{
	uint64_t until_ms = clock_now_ms() + WAIT_MS;

	for (;;) {
		while (peer->n_taken < peer->n_frames) {
			const struct harness_frame *frame = &peer->frames[peer->n_taken++];

			if ((type == 0 || frame->type == type) && (id == 0 || frame->id == id))
				return frame;
		}
		ck_assert_msg(clock_now_ms() < until_ms, "no frame of type %u id %u", type, id);
		ck_assert_msg(!peer->is_over, "the channel ended; wanted type %u id %u", type, id);
		poll_once(h, 100);
	}
}

const struct harness_frame *harness_answer(struct harness *h, size_t seat, uint32_t id)
{
	return harness_wait(h, &h->seats[seat], 0, id);
}

size_t harness_count(const struct harness_peer *peer, uint16_t type, uint32_t id)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < peer->n_frames; i++)
		n += (type == 0 || peer->frames[i].type == type) &&
				     (id == 0 || peer->frames[i].id == id)
			     ? 1
			     : 0;
	return n;
}

void harness_rules(struct harness *h, uint64_t addr, uint32_t linger_ms, uint32_t idle_ms,
		   uint32_t lifetime_ms)
{
	Bh__Ctl__DeviceRules rules = BH__CTL__DEVICE_RULES__INIT;

	rules.has_address = rules.has_linger_ms = rules.has_idle_ms = rules.has_lifetime_ms = 1;
	rules.address = addr;
	rules.linger_ms = linger_ms;
	rules.idle_ms = idle_ms;
	rules.lifetime_ms = lifetime_ms;
	harness_up(h, BH__CTL__TYPE__DEVICE_RULES, &rules.base);
}

/* --- shorthands --- */

void harness_target(Bh__Target *target, unsigned uuid16, uint8_t space[16])
{
	static const uint8_t BASE[16] = { 0,	0, 0, 0,    0,	  0,	0x10, 0,
					  0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb };

	memcpy(space, BASE, sizeof(BASE));
	space[2] = (uint8_t)(uuid16 >> 8);
	space[3] = (uint8_t)uuid16;
	bh__target__init(target);
	target->has_uuid = 1;
	target->uuid.data = space;
	target->uuid.len = 16;
}

const struct harness_frame *harness_connect(struct harness *h, size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	return harness_answer(h, seat, harness_send(h, seat, BH__TYPE__CONNECT, &connect.base));
}

const struct harness_frame *harness_disconnect(struct harness *h, size_t seat)
{
	Bh__Empty empty = BH__EMPTY__INIT;

	return harness_answer(h, seat, harness_send(h, seat, BH__TYPE__DISCONNECT, &empty.base));
}

uint32_t harness_send_read(struct harness *h, size_t seat, unsigned uuid16, uint32_t timeout_ms)
{
	Bh__Read read = BH__READ__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, uuid16, space);
	read.target = &target;
	read.has_timeout_ms = timeout_ms > 0;
	read.timeout_ms = timeout_ms;
	return harness_send(h, seat, BH__TYPE__READ, &read.base);
}

const struct harness_frame *harness_read(struct harness *h, size_t seat, unsigned uuid16)
{
	return harness_answer(h, seat, harness_send_read(h, seat, uuid16, 0));
}

const struct harness_frame *harness_write(struct harness *h, size_t seat, unsigned uuid16,
					  const char *value)
{
	Bh__Write write = BH__WRITE__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, uuid16, space);
	write.target = &target;
	write.has_value = 1;
	write.value.data = (uint8_t *)(uintptr_t)value;
	write.value.len = strlen(value);
	return harness_answer(h, seat, harness_send(h, seat, BH__TYPE__WRITE, &write.base));
}

uint32_t harness_subscribe(struct harness *h, size_t seat, unsigned uuid16)
{
	Bh__Subscribe subscribe = BH__SUBSCRIBE__INIT;
	Bh__Target target;
	uint8_t space[16];

	harness_target(&target, uuid16, space);
	subscribe.target = &target;
	return harness_send(h, seat, BH__TYPE__SUBSCRIBE, &subscribe.base);
}

static void take(struct harness_stream *stream, const struct harness_frame *f)
{
	Bh__Notified *n = bh__notified__unpack(NULL, f->len, f->body);

	ck_assert_uint_eq(n->first_seq, stream->last + 1 + n->lost);
	stream->last += n->lost + n->n_values;
	stream->lost += n->lost;
	bh__notified__free_unpacked(n, NULL);
}

void harness_take(struct harness *h, struct harness_stream *stream)
{
	take(stream, harness_wait(h, &h->seats[stream->seat], BH__TYPE__NOTIFIED, stream->id));
}

uint32_t harness_take_counted(struct harness *h, const struct harness_stream *stream,
			      uint32_t before)
{
	const struct harness_frame *f =
		harness_wait(h, &h->seats[stream->seat], BH__TYPE__NOTIFIED, stream->id);
	Bh__Notified *n = bh__notified__unpack(NULL, f->len, f->body);
	uint32_t count;
	size_t i;

	for (i = 0; i < n->n_values; i++, before = count) {
		ck_assert_uint_ge(n->values[i].len, 4);
		memcpy(&count, n->values[i].data, sizeof(count));
		if (before != 0)
			ck_assert_uint_eq(count, before + 1);
	}
	bh__notified__free_unpacked(n, NULL);
	return before;
}

void harness_by_signals(struct harness *h)
{
	Bh__Ctl__DeviceRules rules = BH__CTL__DEVICE_RULES__INIT;

	rules.has_address = rules.has_notify = 1;
	rules.address = HARNESS_DEVICE(0);
	rules.notify = BH__CTL__NOTIFY__NOTIFY_START;
	harness_up(h, BH__CTL__TYPE__DEVICE_RULES, &rules.base);
}

void harness_acknowledge(struct harness *h, const struct harness_stream *stream, uint64_t seq)
{
	Bh__NotifyAck ack = BH__NOTIFY_ACK__INIT;

	ack.has_subscription = ack.has_seq = 1;
	ack.subscription = stream->id;
	ack.seq = seq;
	harness_send_id(h, stream->seat, BH__TYPE__NOTIFY_ACK, 0, &ack.base);
}

static Bh__LinkLost *unpack_lost(const struct harness_frame *f)
{
	Bh__LinkLost *said = bh__link_lost__unpack(NULL, f->len, f->body);

	ck_assert_ptr_nonnull(said);
	return said;
}

Bh__LinkLost *harness_lost(struct harness *h, size_t seat)
{
	return unpack_lost(harness_wait(h, &h->seats[seat], BH__TYPE__LINK_LOST, 0));
}

Bh__LinkLost *harness_stream_lost(struct harness *h, struct harness_stream *stream)
{
	const struct harness_frame *f;

	while ((f = harness_wait(h, &h->seats[stream->seat], 0, 0))->type != BH__TYPE__LINK_LOST)
		if (f->type == BH__TYPE__NOTIFIED && f->id == stream->id)
			take(stream, f);
	return unpack_lost(f);
}

Bh__Event *harness_event(struct harness *h)
{
	const struct harness_frame *f = harness_wait(h, &h->up, BH__CTL__TYPE__EVENT, 0);
	Bh__Event *event = bh__event__unpack(NULL, f->len, f->body);

	ck_assert_ptr_nonnull(event);
	return event;
}

size_t harness_scan_for(struct harness *h, uint32_t session, unsigned device, uint32_t *out_id)
{
	size_t seat = harness_attach(h, session, true, 0);
	Bh__Scan scan = BH__SCAN__INIT;

	scan.has_address = 1;
	scan.address = HARNESS_DEVICE(device);
	*out_id = harness_send(h, seat, BH__TYPE__SCAN, &scan.base);
	return seat;
}

void harness_hears(struct harness *h, size_t seat, uint32_t id)
{
	ck_assert_uint_eq(harness_answer(h, seat, id)->type, BH__TYPE__ADVERT);
}

int harness_class(const struct harness_frame *frame)
{
	Bh__Error *error;
	int class;

	if (frame->type != BH__TYPE__ERROR)
		return -1;
	error = bh__error__unpack(NULL, frame->len, frame->body);
	ck_assert_ptr_nonnull(error);
	class = (int)error->class_;
	if (getenv("BLEHERD_DEBUG"))
		(void)fprintf(stderr, "error class=%d text=%s\n", class, error->text);
	bh__error__free_unpacked(error, NULL);
	return class;
}
