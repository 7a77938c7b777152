/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/client/fake.h - a scripted daemon for tests of the library: it plays the supervisor
 * on a socket in a temporary directory and the workers on socket pairs. It runs in the test's own
 * thread, step by step: nothing happens that the test did not ask for, and nothing waits.
 */
#include <check.h>

#include "ipc/base.h"
#include "ipc/bleherd.h"
#include "ipc/chan.h"
#include "ipc/session.pb-c.h"

struct fake_frame {
	struct fake_frame *next;
	uint16_t type;
	uint32_t id;
	uint32_t epoch;
	size_t n_fds; /* that came with it; they are closed */
	size_t len;
	uint8_t body[];
};

/* One end that the library talks to: the supervisor's, or a worker's. */
struct fake_peer {
	struct chan *chan;
	struct fake_frame *head;
	bool is_eof;
};

struct fake {
	char dir[64];
	char path[96];
	int listen_fd;
	struct chan_buf *buf;
	struct fake_peer control;
};

/* What a test's callbacks saw. */
struct fake_tally {
	unsigned calls;
	unsigned items;
	enum bh_class error;
	char text[192];
	char adapter[16];
	uint8_t value[600];
	size_t len;
	uint64_t seq;
	uint64_t lost;
	struct bh_timings timings;
	uint32_t attempts;
};

void fake_open(struct fake *fake);
void fake_close(struct fake *fake);

/* bh_new(), accept, HELLO and its answer. */
struct bh_client *fake_client(struct fake *fake);
void fake_accept(struct fake *fake);

/* Takes HELLO and answers it as run number @run of the daemon (0: it does not say). */
void fake_greet(struct fake *fake, uint64_t run);

/* The daemon dies; the library notices, and dials the next one: it has been accepted. */
void fake_restart(struct fake *fake, struct bh_client *client);

/* Reads what the library sent into the peer's list. */
void fake_pump(struct fake *fake, struct fake_peer *peer);

/* The next frame that arrived; fails the test if it is of another type. Free it. */
struct fake_frame *fake_take(struct fake *fake, struct fake_peer *peer, uint16_t type);

/* As fake_take(), for its id only. */
uint32_t fake_take_id(struct fake *fake, struct fake_peer *peer, uint16_t type);

/* That nothing (more) arrived. */
void fake_nothing(struct fake *fake, struct fake_peer *peer);

/* Lets the library work until it has nothing to do. The last outcome of bh_process(). */
int fake_settle(struct fake *fake, struct bh_client *client);

void fake_send(struct fake_peer *peer, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
	       int fd);
void fake_send_done(struct fake_peer *peer, uint32_t id);
void fake_send_error(struct fake_peer *peer, uint32_t id, Bh__Class class, const char *text);
void fake_send_value(struct fake_peer *peer, uint32_t id, const void *value, size_t len);
void fake_send_connected(struct fake_peer *peer, uint32_t id);
void fake_send_link_lost(struct fake_peer *peer);
void fake_notify(struct fake_peer *peer, uint32_t id, uint64_t first_seq, uint32_t lost, size_t n,
		 uint8_t first_value);

/* A worker's end of a new socket pair; *out_fd is the library's. */
void fake_pair(struct fake *fake, struct fake_peer *worker, int *out_fd);
void fake_send_opened(struct fake *fake, uint32_t id, uint32_t session, uint32_t epoch,
		      struct fake_peer *out_worker);
void fake_send_moved(struct fake *fake, uint32_t session, uint32_t epoch, const uint32_t *issued,
		     size_t n_issued, struct fake_peer *out_worker);
void fake_send_closed(struct fake *fake, uint32_t session, Bh__Class class, const uint32_t *issued,
		      size_t n_issued);

/* The end of a worker: what it had not read is lost. */
void fake_drop(struct fake_peer *worker);

/* A client with one open session. */
struct bh_session *fake_session(struct fake *fake, struct bh_client *client,
				struct fake_peer *out_worker);

/* Callbacks; ctx: a struct fake_tally. */
void fake_on_result(void *ctx, const struct bh_result *result);
void fake_on_notify(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost);

extern const struct bh_uuid FAKE_UUID;
enum { FAKE_SESSION = 7 };
#define FAKE_ADDRESS UINT64_C(0xc0aabb000001)

/* Descriptors that this process has open. */
int fake_count_fds(void);
