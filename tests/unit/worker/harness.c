/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/worker/harness.h"

#include "ipc/rights.h"
#include "ipc/clock.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { WAIT_MS = 10000 };

static const char *binary(const char *name, char *out, size_t size)
{
	const char *dir = getenv("BLEHERD_BIN");

	(void)snprintf(out, size, "%s/%s", dir ? dir : "build/bin", name);
	return out;
}

static pid_t spawn(const char *const *argv, int fd3, int fd4)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Via high numbers: one may be where the other has to go. */
	if (fd3 >= 0) {
		int a = fcntl(fd3, F_DUPFD, 20);
		int b = fcntl(fd4, F_DUPFD, 20);

		/* Something of ours may be there: lockd has no page here. */
		(void)close(4);
		(void)dup2(a, 3);
		if (b >= 0)
			(void)dup2(b, 4);
		(void)close(a);
		(void)close(b);
	}
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int harness_dial(const char *path, int type)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert(fd >= 0);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0,
		      "nobody listens on %s", path);
	return fd;
}

/* Until the program whose end of @pipes is [1] writes into it: it listens. */
static void await_ready(int pipes[2], const char *name)
{
	char text[256];

	(void)close(pipes[1]);
	ck_assert_msg(read(pipes[0], text, sizeof(text)) > 0, "%s did not start", name);
	(void)close(pipes[0]);
}

static void start_bus(struct harness *h)
{
	char config[96], option[128], text[1024], print[32];
	const char *const argv[] = {
		"dbus-daemon", option, "--nofork", "--nopidfile", print, NULL
	};
	int pipes[2];
	FILE *f;

	(void)snprintf(config, sizeof(config), "%s/bus.conf", h->dir);
	(void)snprintf(option, sizeof(option), "--config-file=%s", config);
	(void)snprintf(text, sizeof(text),
		       "<busconfig><type>system</type><listen>unix:path=%s</listen>"
		       "<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>"
		       "<allow own=\"*\"/><allow send_type=\"method_call\"/>"
		       "<allow send_type=\"signal\"/><allow receive_type=\"*\"/>"
		       "<allow send_destination=\"*\" eavesdrop=\"false\"/></policy>"
		       "<limit name=\"max_replies_per_connection\">128</limit></busconfig>",
		       h->bus_path);
	f = fopen(config, "we");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	ck_assert(pipe(pipes) == 0);
	(void)snprintf(print, sizeof(print), "--print-address=%d", pipes[1]);
	h->bus = spawn(argv, -1, -1);
	await_ready(pipes, argv[0]);
}

void harness_start_sim(struct harness *h, unsigned devices, const char *const *sim_options)
{
	char bin[160], address[128], count[16], ready[16];
	const char *argv[40] = { bin,	       "--dbus",	   address,	    "--mgmt",
				 h->mgmt_path, "--control",	   h->control_path, "--adapters",
				 "1",	       "--devices",	   count,	    "--ready-fd",
				 ready,	       "--die-with-parent" };
	size_t n = 14;
	int pipes[2];

	(void)unlink(h->mgmt_path);
	(void)unlink(h->control_path);
	ck_assert(pipe(pipes) == 0);
	(void)binary("bleherd-sim", bin, sizeof(bin));
	(void)snprintf(address, sizeof(address), "unix:path=%s", h->bus_path);
	(void)snprintf(count, sizeof(count), "%u", devices);
	(void)snprintf(ready, sizeof(ready), "%d", pipes[1]);
	while (sim_options && *sim_options && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *sim_options++;
	h->sim = spawn(argv, -1, -1);
	await_ready(pipes, "the sim");
}

static void kill_child(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

void harness_kill_sim(struct harness *h)
{
	kill_child(&h->sim);
}

int harness_kill_bus(struct harness *h)
{
	struct sockaddr_un deaf = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	kill_child(&h->bus);
	(void)snprintf(deaf.sun_path, sizeof(deaf.sun_path), "%s", h->bus_path);
	ck_assert_int_eq(unlink(h->bus_path), 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&deaf, sizeof(deaf)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

/* A new pair: one end to lockd as a peer, one to whoever that is. */
static int new_peer(struct harness *h, uint32_t number, bool is_worker)
{
	Bh__Ctl__LockPeer peer = BH__CTL__LOCK_PEER__INIT;
	int pair[2];

	ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	peer.has_peer = peer.has_pid = peer.has_worker = 1;
	peer.peer = number;
	peer.label = (char *)(uintptr_t)(is_worker ? "worker" : "program");
	peer.pid = (uint32_t)(is_worker ? h->worker : getpid());
	peer.worker = is_worker;
	ck_assert(chan_send(h->lock_control, BH__CTL__TYPE__LOCK_PEER, 0, 0, &peer.base, &pair[0],
			    1) == 0);
	(void)close(pair[0]);
	return pair[1];
}

int harness_lock_peer(struct harness *h)
{
	return new_peer(h, 2, false);
}

static void introduce(struct harness *h)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int fd = new_peer(h, 1, true);

	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__ARBITER, 0, 0, &empty.base, &fd, 1) == 0);
	(void)close(fd);
}

size_t harness_lockd_said(struct harness *h, uint16_t type)
{
	struct chan_frame frame;
	size_t n = 0;

	while (chan_recv(h->lock_control, &frame) == CHAN_FRAME) {
		n += frame.type == type ? 1 : 0;
		chan_frame_done(&frame);
	}
	/* What was read may be what a frame with descriptors waited for. */
	ck_assert(chan_flush(h->lock_control) <= 0);
	return n;
}

void harness_start_lockd(struct harness *h)
{
	char bin[160], parent[16];
	const char *const argv[] = { bin,
				     "--dir",
				     h->lock_dir,
				     "--connect-slots",
				     "1",
				     "--scan-slots",
				     "1",
				     "--parent",
				     parent,
				     "--log-level",
				     getenv("BLEHERD_DEBUG") ? "debug" : "warn",
				     "--settle-ms",
				     "50",
				     h->hold_ms ? "--hold-ms" : NULL,
				     h->hold_ms,
				     NULL };
	int pair[2];

	ck_assert_msg(access(binary("bleherd-lockd", bin, sizeof(bin)), X_OK) == 0,
		      "%s is not built", bin);
	(void)snprintf(h->lock_dir, sizeof(h->lock_dir), "%s/locks", h->dir);
	(void)mkdir(h->lock_dir, 0700);
	(void)snprintf(parent, sizeof(parent), "%d", (int)getpid());
	ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	h->lockd = spawn(argv, pair[1], -1);
	(void)close(pair[1]);
	h->lock_control = chan_free(h->lock_control);
	ck_assert(chan_new(&h->lock_control, pair[0], h->buf, CHAN_BODY_CONTROL) == 0);
	introduce(h);
}

void harness_kill_lockd(struct harness *h, bool tell_worker)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	kill_child(&h->lockd);
	if (tell_worker)
		harness_up(h, BH__CTL__TYPE__ARBITER_GONE, &empty.base);
}

static void peer_free(struct harness_peer *peer)
{
	size_t i;

	for (i = 0; i < peer->n_frames; i++)
		free(peer->frames[i].body);
	peer->chan = chan_free(peer->chan);
	peer->n_frames = peer->n_taken = 0;
	peer->is_over = false;
}

void harness_be_lockd(struct harness *h)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	Bh__Lock__HelloOk ok = BH__LOCK__HELLO_OK__INIT;
	const struct harness_frame *hello;
	int pair[2];

	peer_free(&h->lock);
	ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__ARBITER, 0, 0, &empty.base, &pair[1], 1) ==
		  0);
	(void)close(pair[1]);
	ck_assert(chan_new(&h->lock.chan, pair[0], h->buf, CHAN_BODY_CONTROL) == 0);
	hello = harness_wait(h, &h->lock, BH__LOCK__TYPE__HELLO, 0);
	ok.has_version = 1;
	ok.version = 1;
	harness_lock_send(h, BH__LOCK__TYPE__HELLO_OK, hello->id, &ok.base, -1);
}

void harness_lock_send(struct harness *h, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
		       int fd)
{
	ck_assert(chan_send(h->lock.chan, type, id, 0, msg, &fd, fd >= 0 ? 1 : 0) == 0);
}

static void remove_lock_dir(struct harness *h)
{
	const char *const argv[] = { "rm", "-rf", h->lock_dir, NULL };
	pid_t pid;

	if (!h->lock_dir[0])
		return;
	pid = spawn(argv, -1, -1);
	(void)waitpid(pid, NULL, 0);
}

static void start_worker(struct harness *h)
{
	char bin[160], parent[16];
	const char *const argv[] = { bin,
				     "--adapter",
				     "hci0",
				     "--incarnation",
				     "7",
				     "--parent",
				     parent,
				     "--pace",
				     h->pace ? h->pace : "1",
				     "--log-level",
				     getenv("BLEHERD_DEBUG") ? "debug" : "warn",
				     "--gatt-late-ms",
				     h->late_ms ? h->late_ms : "14000",
				     "--passive",
				     h->passive ? h->passive : "0",
				     "--links-max",
				     h->links_max ? h->links_max : "0",
				     "--ask-room",
				     h->ask_room ? h->ask_room : "0",
				     h->workarounds ? "--workarounds" : NULL,
				     h->workarounds,
				     NULL };
	int pair[2], page = -1;

	(void)binary("bleherd-worker", bin, sizeof(bin));
	(void)snprintf(parent, sizeof(parent), "%d", (int)getpid());
	ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	ck_assert(wpage_create(7, 30000, &page, &h->page) == 0);
	h->worker = spawn(argv, pair[1], page);
	(void)close(pair[1]);
	(void)close(page);
	ck_assert(chan_new(&h->up.chan, pair[0], h->buf, CHAN_BODY_CONTROL) == 0);
}

/* All but what a test has set before. */
static void harness_clear(struct harness *h)
{
	const char *late_ms = h->late_ms;
	const char *workarounds = h->workarounds;
	const char *pace = h->pace;
	const char *passive = h->passive;
	const char *links_max = h->links_max;
	const char *ask_room = h->ask_room;

	memset(h, 0, sizeof(*h));
	h->late_ms = late_ms;
	h->workarounds = workarounds;
	h->pace = pace;
	h->passive = passive;
	h->links_max = links_max;
	h->ask_room = ask_room;
}

void harness_start(struct harness *h, unsigned devices, const char *const *sim_options)
{
	char bin[160];

	ck_assert_msg(access(binary("bleherd-sim", bin, sizeof(bin)), X_OK) == 0 &&
			      access(binary("bleherd-worker", bin, sizeof(bin)), X_OK) == 0,
		      "bleherd-sim and bleherd-worker are not built");
	harness_clear(h);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/bhw.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	(void)snprintf(h->bus_path, sizeof(h->bus_path), "%s/bus", h->dir);
	(void)snprintf(h->mgmt_path, sizeof(h->mgmt_path), "%s/mgmt", h->dir);
	(void)snprintf(h->control_path, sizeof(h->control_path), "%s/control", h->dir);
	ck_assert(chan_buf_new(&h->buf, CHAN_BODY_DATA) == 0);
	start_bus(h);
	if (devices > 0)
		harness_start_sim(h, devices, sim_options);
	start_worker(h);
	harness_send_bus(h);
}

void harness_begin(struct harness *h, unsigned devices, const char *const *sim_options)
{
	harness_start(h, devices, sim_options);
	ck_assert_uint_eq(harness_wait(h, &h->up, 0, 0)->type, BH__CTL__TYPE__HELLO);
	(void)harness_wait(h, &h->up, BH__CTL__TYPE__READY, 0);
}

/* The end of the channel is the end of the worker, and no failure. */
static void end_worker(struct harness *h)
{
	struct pollfd end = { .fd = pidfd_open(h->worker, 0), .events = POLLIN };
	int status = -1;

	ck_assert(end.fd >= 0);
	ck_assert_msg(poll(&end, 1, WAIT_MS) == 1, "the worker does not end");
	(void)close(end.fd);
	ck_assert(waitpid(h->worker, &status, 0) == h->worker);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker status 0x%x", status);
	h->worker = 0;
}

void harness_stop(struct harness *h)
{
	size_t i;

	for (i = 0; i < h->n_seats; i++)
		peer_free(&h->seats[i]);
	peer_free(&h->up);
	peer_free(&h->lock);
	end_worker(h);
	kill_child(&h->lockd);
	h->lock_control = chan_free(h->lock_control);
	kill_child(&h->sim);
	kill_child(&h->bus);
	remove_lock_dir(h);
	wpage_unmap(h->page);
	chan_buf_free(h->buf);
	(void)unlink(h->bus_path);
	(void)unlink(h->mgmt_path);
	(void)unlink(h->control_path);
	(void)snprintf(h->bus_path, sizeof(h->bus_path), "%s/bus.conf", h->dir);
	(void)unlink(h->bus_path);
	(void)rmdir(h->dir);
}

/* --- sending --- */

void harness_up(struct harness *h, uint16_t type, const ProtobufCMessage *msg)
{
	ck_assert(chan_send(h->up.chan, type, 0, 0, msg, NULL, 0) == 0);
}

void harness_send_bus(struct harness *h)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int fd = harness_dial(h->bus_path, SOCK_STREAM);

	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__BUS, 0, 0, &empty.base, &fd, 1) == 0);
	(void)close(fd);
}

size_t harness_attach(struct harness *h, uint32_t session, bool is_scan, uint64_t addr)
{
	return harness_attach_under(h, session, is_scan, addr, 0);
}

size_t harness_attach_under(struct harness *h, uint32_t session, bool is_scan, uint64_t addr,
			    uint64_t under)
{
	Bh__Ctl__SessionAttach attach = BH__CTL__SESSION_ATTACH__INIT;
	Bh__Ctl__Access access = BH__CTL__ACCESS__INIT;
	Bh__Ctl__Sight sight = BH__CTL__SIGHT__INIT;
	int pair[2];

	ck_assert(h->n_seats < HARNESS_SEATS_MAX);
	ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	attach.has_session = attach.has_epoch = attach.has_kind = 1;
	attach.has_address = attach.has_random = 1;
	attach.session = session;
	attach.epoch = 1;
	attach.kind = is_scan ? BH__SESSION_KIND__SESSION_SCAN : BH__SESSION_KIND__SESSION_DEVICE;
	attach.address = addr;
	attach.random = 1;
	attach.has_under = under != 0;
	attach.under = under;
	attach.access = h->access ? (Bh__Ctl__Access *)(uintptr_t)h->access : &access;
	access.has_uid = access.has_rights = 1;
	access.rights = RIGHTS_ALL;
	access.n_sights = is_scan;
	access.sights = (Bh__Ctl__Sight *[]){ &sight };
	sight.has_seen = 1;
	sight.seen = 1;
	ck_assert(chan_send(h->up.chan, BH__CTL__TYPE__SESSION_ATTACH, 0, 0, &attach.base, &pair[1],
			    1) == 0);
	(void)close(pair[1]);
	ck_assert(chan_new(&h->seats[h->n_seats].chan, pair[0], h->buf, CHAN_BODY_DATA) == 0);
	return h->n_seats++;
}

void harness_send_id(struct harness *h, size_t seat, uint16_t type, uint32_t id,
		     const ProtobufCMessage *msg)
{
	ck_assert(chan_send(h->seats[seat].chan, type, id, 1, msg, NULL, 0) == 0);
}

uint32_t harness_send(struct harness *h, size_t seat, uint16_t type, const ProtobufCMessage *msg)
{
	harness_send_id(h, seat, type, ++h->last_id, msg);
	return h->last_id;
}
