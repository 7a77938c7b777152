/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/worker/harness.h - a private bus, bleherd-sim and one bleherd-worker; the test plays
 * the supervisor on the worker's fd 3 and the programs on data sockets, and lockd where it is not
 * the real one. Everything dies with the test process. Blocking, with deadlines; failures abort the
 * test.
 */
#include "ipc/chan.h"
#include "ipc/control.pb-c.h"
#include "ipc/lock.pb-c.h"
#include "ipc/session.pb-c.h"
#include "ipc/wpage.h"

#include <sys/types.h>

enum { HARNESS_SEATS_MAX = 16, HARNESS_FRAMES_MAX = 65536 };
#define HARNESS_DEVICE(n) (0xc0aabb000000u + (uint64_t)(n))

/* A frame that arrived, copied. */
struct harness_frame {
	uint16_t type;
	uint32_t id;
	uint32_t epoch;
	size_t n_fds; /* it brought; they were closed */
	size_t len;
	uint8_t *body;
};

struct harness_peer {
	struct chan *chan;
	struct harness_frame frames[HARNESS_FRAMES_MAX];
	size_t n_frames;
	size_t n_taken;
	bool is_over;
};

struct harness {
	char dir[64];
	char bus_path[96];
	char mgmt_path[96];
	char control_path[96];
	char lock_dir[96];
	pid_t bus, sim, worker, lockd;
	struct chan *lock_control; /* we are lockd's supervisor too */
	struct chan_buf *buf;
	struct wpage *page;
	struct harness_peer up;
	struct harness_peer lock; /* the worker's channel to lockd, where we play that */
	struct harness_peer seats[HARNESS_SEATS_MAX];
	size_t n_seats;
	const char *hold_ms; /* of the real lockd, as its --hold-ms; NULL: its own */
	const char *pace;    /* of the worker, as its --pace; NULL: 1; set before harness_start() */
	uint32_t retries;    /* NEXT_STEP says retry so often, then give up */
	bool clears;	     /* it says clear instead of retry */
	bool is_mgmt_lost;   /* LINK_END cannot be done */
	bool keeps_links;    /* LINK_END is not done, on purpose */
	bool is_mute;	     /* KERNEL_LINK is not answered */
	const char *late_ms; /* of the worker, as its --gatt-late-ms; NULL: its own */
	const char *workarounds;
	const char
		*passive; /* of the worker, as its --passive; NULL: 0; set before harness_start() */
	const char
		*links_max; /* of the worker, as its --links-max; NULL: 0; before harness_start() */
	const char *ask_room; /* as its --ask-room */
	/* What programs of sessions attached from now on may do; NULL: everything. */
	const Bh__Ctl__Access *access;
	uint32_t last_id;
	uint32_t rest_ms; /* NEXT_STEP: before the next attempt; 0: 20 */
};

/* A bus, the sim with its peripherals (0: no sim), a worker; the test is its supervisor. */
void harness_start(struct harness *h, unsigned devices, const char *const *sim_options);
/* The same, until the worker says READY. */
void harness_begin(struct harness *h, unsigned devices, const char *const *sim_options);
void harness_stop(struct harness *h);

/* A new D-Bus socket for the worker. */
void harness_send_bus(struct harness *h);
/*
 * The bus dies; what the worker gets when it asks for a new one: nobody who answers. Returns that
 * socket, which the caller closes.
 */
int harness_kill_bus(struct harness *h);
void harness_kill_sim(struct harness *h);
void harness_start_sim(struct harness *h, unsigned devices, const char *const *sim_options);
/* The real arbiter, with a channel for the worker; false: it is not built. */
void harness_start_lockd(struct harness *h);
/* A program's channel to it, without a HELLO; the descriptor. */
int harness_lock_peer(struct harness *h);
/* How many frames of that type it has sent to its supervisor since it was asked last. */
size_t harness_lockd_said(struct harness *h, uint16_t type);
void harness_kill_lockd(struct harness *h, bool tell_worker);

/* We are lockd: a new channel for the worker, and the end of the one before. */
void harness_be_lockd(struct harness *h);
/* Lockd says something. @fd: goes with it and stays the caller's; -1: none. */
void harness_lock_send(struct harness *h, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
		       int fd);

/* Connects. */
int harness_dial(const char *path, int type);

/* A line for the sim's fault socket, which must take it. */
void harness_fault(struct harness *h, const char *line);
/* The same where the sim may refuse it; whether it took it. */
bool harness_try_fault(struct harness *h, const char *line);
/* What discovery is to outlive: a fault, and what ends it (NULL: it ends by itself). */
extern const char *const HARNESS_INTERRUPTIONS[3][2];
/* That peripheral stops or begins advertising. */
void harness_silence(struct harness *h, unsigned device, bool is_on);
/* What the sim counts for its first adapter: "discovering", "connecting", ... */
unsigned harness_stat(struct harness *h, const char *key);
/* Until that is @value; at most 10 s. */
void harness_stat_wait(struct harness *h, const char *key, unsigned value);

/* A session; index of its peer. */
size_t harness_attach(struct harness *h, uint32_t session, bool is_scan, uint64_t addr);
size_t harness_attach_under(struct harness *h, uint32_t session, bool is_scan, uint64_t addr,
			    uint64_t under);
uint32_t harness_send(struct harness *h, size_t seat, uint16_t type, const ProtobufCMessage *msg);
void harness_send_id(struct harness *h, size_t seat, uint16_t type, uint32_t id,
		     const ProtobufCMessage *msg);
void harness_up(struct harness *h, uint16_t type, const ProtobufCMessage *msg);

/* What the configuration says of links to it; 0: no limit. Sent behind the attach. */
void harness_rules(struct harness *h, uint64_t addr, uint32_t linger_ms, uint32_t idle_ms,
		   uint32_t lifetime_ms);

/* Whether the fake kernel lists a link to it; -1: it does not say. */
int harness_kernel_lists(struct harness *h, uint64_t addr);

/* Moves frames for @ms, or until @peer has more than @n of them. */
void harness_pump(struct harness *h, unsigned ms);

/* The next frame with that type and id (0: any), skipping others; waits at most 10 s. */
const struct harness_frame *harness_wait(struct harness *h, struct harness_peer *peer,
					 uint16_t type, uint32_t id);
/* The next with that id, of any type. */
const struct harness_frame *harness_answer(struct harness *h, size_t seat, uint32_t id);
/* @type, @id: 0: any. */
size_t harness_count(const struct harness_peer *peer, uint16_t type, uint32_t id);

/* Shorthands on a session: each waits for the answer and returns its frame. */
const struct harness_frame *harness_connect(struct harness *h, size_t seat);
const struct harness_frame *harness_disconnect(struct harness *h, size_t seat);
const struct harness_frame *harness_read(struct harness *h, size_t seat, unsigned uuid16);
const struct harness_frame *harness_write(struct harness *h, size_t seat, unsigned uuid16,
					  const char *value);
/* The same without waiting for the answer. @timeout_ms: 0: none is sent. Its id. */
uint32_t harness_send_read(struct harness *h, size_t seat, unsigned uuid16, uint32_t timeout_ms);
uint32_t harness_subscribe(struct harness *h, size_t seat, unsigned uuid16);
/* What such messages ask for: the characteristic; @space has its UUID. */
void harness_target(Bh__Target *target, unsigned uuid16, uint8_t space[16]);

/* A subscription and what it has had so far. */
struct harness_stream {
	size_t seat;
	uint32_t id;
	uint64_t last; /* number of the last value */
	uint64_t lost;
};

/* Its next message: each value comes, or is counted as lost. */
void harness_take(struct harness *h, struct harness_stream *stream);
/*
 * Its next message; the peripheral counts, and each value is the one after the one before. The last
 * one; @before: of the message before, 0: there is none.
 */
uint32_t harness_take_counted(struct harness *h, const struct harness_stream *stream,
			      uint32_t before);
/* The rules of HARNESS_DEVICE(0), to which somebody is attached: StartNotify. */
void harness_by_signals(struct harness *h);
void harness_acknowledge(struct harness *h, const struct harness_stream *stream, uint64_t seq);

/* The next news of that kind, unpacked: the caller's. */
Bh__LinkLost *harness_lost(struct harness *h, size_t seat);
/* The same; the values that came before it are taken. */
Bh__LinkLost *harness_stream_lost(struct harness *h, struct harness_stream *stream);
Bh__Event *harness_event(struct harness *h); /* that the supervisor is told */
/* A session that scans for one device: its seat, and the id of its SCAN; its next advert. */
size_t harness_scan_for(struct harness *h, uint32_t session, unsigned device, uint32_t *out_id);
void harness_hears(struct harness *h, size_t seat, uint32_t id);
/* The class of an ERROR frame; -1 if it is not one. */
int harness_class(const struct harness_frame *frame);
