/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/supervisor/rig.h - a supervisor with fake children (agent.c) and a fake MGMT socket,
 * and a program that talks to it. One thread: whoever waits for the program's frames serves MGMT
 * too.
 */
#include "ipc/chan.h"
#include "ipc/session.pb-c.h"
#include "supervisor/config.h"

#define RIG_SEEN    0xc0aabb000001u /* hci1 hears it best */
#define RIG_NOBODY  0xffffffffffffu /* whom a reset looks for: anybody */
#define RIG_HIDDEN  0xc0aabb000002u /* is heard only when it is looked for */
#define RIG_UNHEARD 0xc0aabb000004u
#define RIG_ALIAS   0x40aabb000003u /* the same; its identity may be another */

/* In its directory: what it reads at SIGHUP. */
#define RIG_CONFIG "bleherd.conf"

/* How a worker answers when it is to cancel a Connect to it; of others it is done. */
#define RIG_CANCEL_NOTHING 0xc0aabb000010u
#define RIG_CANCEL_LINKED  0xc0aabb000011u
#define RIG_CANCEL_FAILS   0xc0aabb000012u
#define RIG_CANCEL_NEVER   0xc0aabb000013u
#define RIG_CANCEL_DIES	   0xc0aabb000014u /* the first worker of each adapter does */

/* How a worker answers when it is to forget it; of others it is done. Of hci1 only. */
#define RIG_CACHE_REFUSED 0xc0aabb000020u
#define RIG_CACHE_DIES	  0xc0aabb000021u

enum { RIG_ADAPTERS = 2, RIG_INDEXES = 4, RIG_WAIT_MS = 30000, RIG_CHANS_MAX = 700 };

struct rig {
	char dir[64];
	pid_t daemon;
	int mgmt_listen;
	int mgmt;
	bool is_unplugged[RIG_INDEXES];
	uint8_t addresses[RIG_INDEXES]; /* last octet of what is plugged there */
	bool has_no_le[RIG_INDEXES];	/* bluetoothd left it off */
	unsigned powers[2];		/* commands Set Powered 0 and 1 */
	uint8_t power_status;		/* their answer to 1 */
	bool is_mute;			/* Set Powered is not answered */
	unsigned disconnects;		/* commands of that kind */
	uint8_t disconnect_status;	/* their answer */
	uint64_t listed[RIG_INDEXES];	/* a random address that it has a link to; 0: none */
	struct chan_buf *buf;
	struct chan *control;
	struct chan *events; /* of rig_follow() */
	struct chan *chans[RIG_CHANS_MAX];
	size_t n_chans;
	uint32_t last_id;
	struct config config;
};

struct rig *rig_start(void (*adjust)(struct config *config));
struct rig *rig_stop(struct rig *rig);

/* For @adjust: children that die are back soon, or parked after three; stay away. */
void rig_quick(struct config *config);
void rig_slow(struct config *config);

void rig_plug(struct rig *rig, uint16_t index, bool is_in);

/* The adapter's settings are said anew: its power is on, LE is or not. */
void rig_settings(struct rig *rig, uint16_t index, bool has_le);

/* The kernel says that the link is up. */
void rig_link(struct rig *rig, uint16_t index, uint64_t address);

/* The kernel says why: @code is MGMT_EV_CONNECT_FAILED or MGMT_EV_DEVICE_DISCONNECTED. */
void rig_cause(struct rig *rig, uint16_t code, uint16_t index, uint64_t address, uint8_t reason);
/* The adapter of @from leaves and comes back under a new number. */
void rig_renumber(struct rig *rig, uint16_t from, uint16_t to);

/* A channel that lives as long as the rig; takes @fd over. */
struct chan *rig_wrap(struct rig *rig, int fd, size_t body_max);

/* A control connection, HELLO done. */
struct chan *rig_connect(struct rig *rig);

/* Closes it now. */
void rig_close(struct rig *rig, struct chan *chan);

/* Sends; returns the request's id. */
uint32_t rig_ask(struct rig *rig, struct chan *chan, uint16_t type, const ProtobufCMessage *msg);

/* Tells the worker of that session what to do: a word of agent.c. */
void rig_order(struct rig *rig, struct chan *session, const char *word);

/* The next frame on @chan, within RIG_WAIT_MS; of other types it is skipped if @type is not 0. */
void rig_expect(struct rig *rig, struct chan *chan, uint16_t type, struct chan_frame *out);

/* Waits until the peer closes. */
void rig_expect_end(struct rig *rig, struct chan *chan);

/* Follows the events from now on; what rig_expect_event() reads. */
void rig_follow(struct rig *rig);

/* The next event of that kind; @text, NULL or what its text contains: others are skipped. */
void rig_expect_event(struct rig *rig, const char *kind, const char *text);

/* What the daemon counts; valid until the next frame is read. */
const Bh__Status *rig_status(struct rig *rig);

/* A file in the rig's directory, which the agents look at. */
void rig_tell_agents(struct rig *rig, const char *file, const char *text);

/* agent.c: whether there is one; its first line. */
bool agent_read(const char *file, char *out, size_t size);

/* agent_keep.c: frames about the daemon's own sessions; says that a link came or went. */
void agent_on_keep(struct chan *up, struct chan_frame *frame);
void agent_use(struct chan *up, uint32_t session, uint64_t address, unsigned n);
void agent_link(struct chan *up, uint64_t address, bool is_up, int class, uint64_t services);

/* agent_cache.c: CACHE_CLEAR. */
void agent_on_cache(struct chan *up, const char *adapter, struct chan_frame *frame);

/* agent_lockd.c: what bleherd-lockd is here. */
_Noreturn void agent_be_lockd(char **argv);
