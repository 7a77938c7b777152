/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/worker/play.h"

#include "ipc/clock.h"

#include <check.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { WAIT_MS = 10000 };

static struct harness all; /* too large for a stack */
static int slots[2];	   /* [1] goes out with grants; [0] sees the end when nobody has it */

static size_t taken[64]; /* of the worker's frames, by type */

struct harness *const world = &all;

/*
 * The next frame of that type, whatever came before it: in which order the worker asks for one lock
 * and gives back another is its own affair.
 */
static const struct harness_frame *next(uint16_t type)
{
	const uint64_t until_ms = clock_now_ms() + WAIT_MS;

	ck_assert_uint_lt(type, ARRAY_LEN(taken));
	for (;;) {
		while (taken[type] < world->lock.n_frames)
			if (world->lock.frames[taken[type]++].type == type)
				return &world->lock.frames[taken[type] - 1];
		ck_assert_msg(clock_now_ms() < until_ms, "no frame of type %u to lockd", type);
		harness_pump(world, 1);
	}
}

void play_be_lockd(void)
{
	memset(taken, 0, sizeof(taken));
	harness_be_lockd(world);
}

void play_begin(unsigned devices)
{
	harness_start(world, devices, NULL);
	(void)harness_wait(world, &world->up, BH__CTL__TYPE__READY, 0);
	play_be_lockd();
	slots[0] = slots[1] = -1;
}

struct play_asked play_asked(void)
{
	const struct harness_frame *f = next(BH__LOCK__TYPE__ACQUIRE);
	Bh__Lock__Acquire *acquire = bh__lock__acquire__unpack(NULL, f->len, f->body);
	struct play_asked out = { .id = f->id };

	ck_assert_ptr_nonnull(acquire);
	out.n = acquire->n_resources;
	out.under = acquire->under;
	ck_assert_uint_ge(out.n, 1);
	(void)stpncpy(out.first, acquire->resources[0], sizeof(out.first) - 1);
	(void)stpncpy(out.last, acquire->resources[out.n - 1], sizeof(out.last) - 1);
	bh__lock__acquire__free_unpacked(acquire, NULL);
	return out;
}

struct play_asked play_asked_scan(void)
{
	struct play_asked a = play_asked();

	ck_assert_uint_eq(a.n, 1);
	ck_assert_str_eq(a.first, "scan:hci0");
	return a;
}

struct play_asked play_asked_connect(void)
{
	struct play_asked a = play_asked();

	ck_assert_uint_eq(a.n, 2);
	ck_assert_mem_eq(a.first, "device:", 7);
	ck_assert_str_eq(a.last, "connect:hci0");
	return a;
}

void play_grant(const struct play_asked *asked, uint64_t number, uint32_t lease_ms)
{
	Bh__Lock__Granted granted = BH__LOCK__GRANTED__INIT;

	granted.has_grant = granted.has_lease_ms = 1;
	granted.grant = number;
	granted.lease_ms = lease_ms;
	harness_lock_send(world, BH__LOCK__TYPE__GRANTED, asked->id, &granted.base, slots[1]);
}

void play_grant_slot(const struct play_asked *asked, uint64_t number, uint32_t lease_ms)
{
	ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, slots) == 0);
	play_grant(asked, number, lease_ms);
	(void)close(slots[1]);
	slots[1] = -1;
}

static bool is_closed(int timeout_ms)
{
	struct pollfd p = { .fd = slots[0] };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLHUP);
}

bool play_is_slot_closed(void)
{
	return is_closed(0);
}

void play_slot_closes(void)
{
	ck_assert_msg(is_closed(WAIT_MS), "the worker keeps the slot");
}

void play_refuse(uint32_t id, Bh__Lock__Reason reason)
{
	Bh__Lock__Refused refused = BH__LOCK__REFUSED__INIT;

	refused.has_reason = 1;
	refused.reason = reason;
	harness_lock_send(world, BH__LOCK__TYPE__REFUSED, id, &refused.base, -1);
}

void play_revoke(uint64_t number, uint32_t grace_ms)
{
	play_revoke_why(number, grace_ms, BH__LOCK__REASON__REASON_EXPIRED);
}

void play_revoke_why(uint64_t number, uint32_t grace_ms, Bh__Lock__Reason reason)
{
	Bh__Lock__Revoked revoked = BH__LOCK__REVOKED__INIT;

	revoked.has_grant = revoked.has_reason = revoked.has_grace_ms = 1;
	revoked.grant = number;
	revoked.reason = reason;
	revoked.grace_ms = grace_ms;
	harness_lock_send(world, BH__LOCK__TYPE__REVOKED, 0, &revoked.base, -1);
}

uint32_t play_renewing(uint64_t number)
{
	const struct harness_frame *f = next(BH__LOCK__TYPE__RENEW);
	Bh__Lock__Renew *renew = bh__lock__renew__unpack(NULL, f->len, f->body);

	ck_assert_ptr_nonnull(renew);
	ck_assert_uint_eq(renew->grant, number);
	ck_assert_uint_ne(f->id, 0);
	bh__lock__renew__free_unpacked(renew, NULL);
	return f->id;
}

void play_renew(uint32_t id, uint32_t lease_ms, bool is_wanted)
{
	Bh__Lock__Renewed renewed = BH__LOCK__RENEWED__INIT;

	renewed.has_lease_ms = renewed.has_wanted = 1;
	renewed.lease_ms = lease_ms;
	renewed.wanted = is_wanted;
	harness_lock_send(world, BH__LOCK__TYPE__RENEWED, id, &renewed.base, -1);
}

void play_released(uint64_t number)
{
	const struct harness_frame *f = next(BH__LOCK__TYPE__RELEASE);
	Bh__Lock__Release *release = bh__lock__release__unpack(NULL, f->len, f->body);

	ck_assert_ptr_nonnull(release);
	ck_assert_uint_eq(release->grant, number);
	bh__lock__release__free_unpacked(release, NULL);
}

size_t play_scan(uint32_t session, uint64_t under, uint32_t *out_id)
{
	Bh__Scan scan = BH__SCAN__INIT;
	size_t seat = harness_attach_under(world, session, true, 0, under);

	*out_id = harness_send(world, seat, BH__TYPE__SCAN, &scan.base);
	return seat;
}

void play_hears(size_t seat, uint32_t id)
{
	(void)harness_wait(world, &world->seats[seat], BH__TYPE__ADVERT, id);
}

size_t play_scanning(uint64_t number, uint32_t lease_ms, uint32_t *out_id)
{
	struct play_asked a;
	size_t seat;

	play_begin(2);
	seat = play_scan(1, 0, out_id);
	a = play_asked_scan();
	play_grant_slot(&a, number, lease_ms);
	play_hears(seat, *out_id);
	return seat;
}

void play_grant_and_hear(const struct play_asked *asked, uint64_t number, size_t seat, uint32_t id)
{
	world->seats[seat].n_taken = world->seats[seat].n_frames;
	play_grant(asked, number, PLAY_LONG_MS);
	play_hears(seat, id);
}

void play_connects(uint64_t under, size_t seat, uint32_t id)
{
	struct play_asked a = play_asked();

	ck_assert_uint_eq(a.under, under);
	if (strcmp(a.first, "scan:hci0") == 0) {
		play_grant(&a, 90, PLAY_LONG_MS);
		a = play_asked_connect();
		ck_assert_uint_eq(a.under, under);
	}
	play_grant(&a, 91, PLAY_LONG_MS);
	ck_assert_uint_eq(harness_answer(world, seat, id)->type, BH__TYPE__CONNECTED);
}

size_t play_introduce(uint32_t session)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	size_t seat = harness_attach(world, session, false, HARNESS_DEVICE(0));
	uint32_t id = harness_send(world, seat, BH__TYPE__CONNECT, &connect.base);
	struct play_asked a = play_asked_scan();

	play_grant(&a, 1, 0);
	play_released(1);
	a = play_asked_connect();
	play_grant(&a, 2, 0);
	ck_assert_uint_eq(harness_answer(world, seat, id)->type, BH__TYPE__CONNECTED);
	play_released(2);
	ck_assert_uint_eq(harness_disconnect(world, seat)->type, BH__TYPE__DONE);
	return seat;
}

void play_cancelled(uint32_t id)
{
	ck_assert_uint_eq(next(BH__LOCK__TYPE__CANCEL)->id, id);
}

uint32_t play_connect(size_t seat)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	return harness_send(world, seat, BH__TYPE__CONNECT, &connect.base);
}

void play_finish(void)
{
	harness_stop(world);
	(void)close_fd(slots[0]);
}

int play_failed_class(void)
{
	const struct harness_frame *f =
		harness_wait(world, &world->up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	Bh__Ctl__AttemptFailed *failed = bh__ctl__attempt_failed__unpack(NULL, f->len, f->body);
	int class;

	ck_assert_ptr_nonnull(failed);
	class = (int)failed->class_;
	bh__ctl__attempt_failed__free_unpacked(failed, NULL);
	return class;
}
