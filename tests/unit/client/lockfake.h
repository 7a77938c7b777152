/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/client/lockfake.h - a scripted arbiter beside the scripted daemon, and a slot file
 * that its grants bring.
 */
#include "ipc/lock.pb-c.h"
#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

enum { LF_GRANT = 700 };

struct lockfake {
	struct fake fake;
	struct bh_client *client;
	struct fake_peer arbiter;
	char slot[96]; /* path */
};

/* What the news of a lock said. */
struct lf_news {
	unsigned revoked;
	unsigned lost;
	unsigned wanted;
	bool was_ours; /* still, when it was told that it is lost: to the kernel and the arbiter */
	enum bh_class error;
	uint32_t grace_ms;
	char text[64];
};

/* The tests' own, and a fixture of it. */
extern struct lockfake lf;
void lf_set_up(void);
void lf_tear_down(void);

void lf_open(struct lockfake *self);
void lf_close(struct lockfake *self);
void lf_settle(struct lockfake *self);

/* Takes LOCK_OPEN and answers it with a new channel; takes HELLO, whose id it returns. */
uint32_t lf_serve(struct lockfake *self);

/* One lock of connect:hci0; @news may be NULL. */
struct bh_lock *lf_acquire(struct lockfake *self, uint32_t timeout_ms, struct lf_news *news,
			   struct fake_tally *tally);

/* The same, served and granted as LF_GRANT with the slot file locked. */
struct bh_lock *lf_held(struct lockfake *self, uint32_t lease_ms, struct lf_news *news);

/* The id of the next frame of that type (enum bh.lock.Type). */
uint32_t lf_take_id(struct lockfake *self, Bh__Lock__Type type);
void lf_nothing(struct lockfake *self);

/* Takes RELEASE; the grant that it names. */
uint64_t lf_take_release(struct lockfake *self);

void lf_send_granted(struct lockfake *self, uint32_t id, uint64_t grant, uint32_t lease_ms);
void lf_send_empty(struct lockfake *self, Bh__Lock__Type type, uint32_t id);
void lf_send_refused(struct lockfake *self, uint32_t id, int reason, const char *text);
void lf_send_revoked(struct lockfake *self, uint64_t grant, int reason, uint32_t grace_ms);
void lf_send_renewed(struct lockfake *self, uint32_t id, uint32_t lease_ms, bool wanted);

/* Waits, as long as the library wants to, for a frame on the channel. */
void lf_wait_frame(struct lockfake *self, struct fake_peer *peer);

/* The arbiter dies; the library notices. */
void lf_drop(struct lockfake *self);

/* Whether nobody holds the slot file. */
bool lf_slot_is_free(const struct lockfake *self);

void lf_on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news);
