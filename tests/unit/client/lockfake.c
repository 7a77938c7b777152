/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/client/lockfake.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

struct lockfake lf;

void lf_open(struct lockfake *self)
{
	memset(self, 0, sizeof(*self));
	fake_open(&self->fake);
	self->client = fake_client(&self->fake);
	(void)snprintf(self->slot, sizeof(self->slot), "%s/slot", self->fake.dir);
}

void lf_close(struct lockfake *self)
{
	self->client = bh_free(self->client);
	fake_drop(&self->arbiter);
	(void)unlink(self->slot);
	fake_close(&self->fake);
}

void lf_set_up(void)
{
	lf_open(&lf);
}

void lf_tear_down(void)
{
	lf_close(&lf);
}

void lf_settle(struct lockfake *self)
{
	ck_assert_int_eq(fake_settle(&self->fake, self->client), 0);
}

uint32_t lf_serve(struct lockfake *self)
{
	Bh__Empty msg = BH__EMPTY__INIT;
	uint32_t id = fake_take_id(&self->fake, &self->fake.control, BH__TYPE__LOCK_OPEN);
	int fd;

	fake_pair(&self->fake, &self->arbiter, &fd);
	fake_send(&self->fake.control, BH__TYPE__LOCK_OPENED, id, &msg.base, fd);
	(void)close_fd(fd);
	lf_settle(self);
	return lf_take_id(self, BH__LOCK__TYPE__HELLO);
}

struct bh_lock *lf_acquire(struct lockfake *self, uint32_t timeout_ms, struct lf_news *news,
			   struct fake_tally *tally)
{
	static const char *const names[] = { "connect:hci0" };
	const struct bh_lock_request request = { .resources = names,
						 .n_resources = 1,
						 .timeout_ms = timeout_ms };
	struct bh_lock *lock;

	ck_assert_int_eq(
		bh_lock_acquire(&lock, self->client, &request, NULL, fake_on_result, tally), 0);
	if (news) {
		lock->news = lf_on_news;
		lock->news_ctx = news;
	}
	return lock;
}

struct bh_lock *lf_held(struct lockfake *self, uint32_t lease_ms, struct lf_news *news)
{
	static struct fake_tally tally;
	struct bh_lock *lock;

	tally.calls = 0;
	lock = lf_acquire(self, 5000, news, &tally);
	if (!self->arbiter.chan)
		(void)lf_serve(self);
	lf_send_granted(self, lf_take_id(self, BH__LOCK__TYPE__ACQUIRE), LF_GRANT, lease_ms);
	lf_settle(self);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NONE);
	ck_assert_uint_eq(bh_lock_grant(lock), LF_GRANT);
	return lock;
}

uint32_t lf_take_id(struct lockfake *self, Bh__Lock__Type type)
{
	return fake_take_id(&self->fake, &self->arbiter, (uint16_t)type);
}

void lf_nothing(struct lockfake *self)
{
	fake_nothing(&self->fake, &self->arbiter);
}

uint64_t lf_take_release(struct lockfake *self)
{
	struct fake_frame *frame = fake_take(&self->fake, &self->arbiter, BH__LOCK__TYPE__RELEASE);
	Bh__Lock__Release *msg = bh__lock__release__unpack(NULL, frame->len, frame->body);
	uint64_t grant = msg->grant;

	ck_assert_uint_eq(frame->id, 0);
	bh__lock__release__free_unpacked(msg, NULL);
	free(frame);
	return grant;
}

/* --- sending --- */

void lf_send_granted(struct lockfake *self, uint32_t id, uint64_t grant, uint32_t lease_ms)
{
	Bh__Lock__Granted msg = BH__LOCK__GRANTED__INIT;
	_cleanup_close_ int fd = open(self->slot, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	/* The arbiter's own descriptor is closed again: the grant is what holds the lock. */
	(void)flock(fd, LOCK_EX | LOCK_NB);
	msg.has_grant = true;
	msg.grant = grant;
	msg.has_waited_ms = true;
	msg.waited_ms = 17;
	msg.has_lease_ms = lease_ms > 0;
	msg.lease_ms = lease_ms;
	fake_send(&self->arbiter, BH__LOCK__TYPE__GRANTED, id, &msg.base, fd);
}

void lf_send_empty(struct lockfake *self, Bh__Lock__Type type, uint32_t id)
{
	Bh__Lock__Empty msg = BH__LOCK__EMPTY__INIT;

	fake_send(&self->arbiter, (uint16_t)type, id, &msg.base, -1);
}

void lf_send_refused(struct lockfake *self, uint32_t id, int reason, const char *text)
{
	Bh__Lock__Refused msg = BH__LOCK__REFUSED__INIT;

	msg.has_reason = reason != 0;
	msg.reason = (Bh__Lock__Reason)reason;
	msg.text = (char *)(uintptr_t)text;
	fake_send(&self->arbiter, BH__LOCK__TYPE__REFUSED, id, &msg.base, -1);
}

void lf_send_revoked(struct lockfake *self, uint64_t grant, int reason, uint32_t grace_ms)
{
	Bh__Lock__Revoked msg = BH__LOCK__REVOKED__INIT;

	msg.has_grant = true;
	msg.grant = grant;
	msg.has_reason = reason != 0;
	msg.reason = (Bh__Lock__Reason)reason;
	msg.has_grace_ms = grace_ms > 0;
	msg.grace_ms = grace_ms;
	msg.text = (char *)(uintptr_t) "revoked";
	fake_send(&self->arbiter, BH__LOCK__TYPE__REVOKED, 0, &msg.base, -1);
}

void lf_send_renewed(struct lockfake *self, uint32_t id, uint32_t lease_ms, bool wanted)
{
	Bh__Lock__Renewed msg = BH__LOCK__RENEWED__INIT;

	msg.has_lease_ms = true;
	msg.lease_ms = lease_ms;
	msg.has_wanted = true;
	msg.wanted = wanted;
	fake_send(&self->arbiter, BH__LOCK__TYPE__RENEWED, id, &msg.base, -1);
}

void lf_wait_frame(struct lockfake *self, struct fake_peer *peer)
{
	fake_pump(&self->fake, peer);
	while (!peer->head) {
		ck_assert_int_ge(bh_timeout_ms(self->client), 0);
		ck_assert_int_eq(bh_wait(self->client, -1), 0);
		fake_pump(&self->fake, peer);
	}
}

void lf_drop(struct lockfake *self)
{
	fake_drop(&self->arbiter);
	lf_settle(self);
}

bool lf_slot_is_free(const struct lockfake *self)
{
	_cleanup_close_ int fd = open(self->slot, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void lf_on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	struct lf_news *seen = ctx;

	(void)lock;
	seen->revoked += news->event == BH_LOCK_REVOKED;
	seen->lost += news->event == BH_LOCK_LOST;
	seen->wanted += news->event == BH_LOCK_WANTED;
	seen->error = news->error;
	seen->grace_ms = news->grace_ms;
	(void)snprintf(seen->text, sizeof(seen->text), "%.63s", news->text);
	if (news->event != BH_LOCK_LOST)
		return;
	if (lf.arbiter.chan)
		fake_pump(&lf.fake, &lf.arbiter);
	seen->was_ours = !lf_slot_is_free(&lf) && !lf.arbiter.is_eof;
}
