/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lockd/rig.h"

#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "lockd/proclocks.h"
#include "lockd/serve.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- processes --- */

/* Like fork(), and the child dies with its parent. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

void rig_keep_only(const int *fds, size_t n)
{
	size_t i;
	int fd;

	for (fd = 3; fd < 1024; fd++) {
		for (i = 0; i < n && fds[i] != fd; i++)
			;
		if (i == n)
			(void)close(fd);
	}
}

static int reap(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void pair(int out_fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_fds), 0);
}

/* --- channels --- */

bool rig_next_frame(struct chan *chan, struct chan_frame *out)
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;
	struct pollfd p = { .fd = chan_fd(chan) };
	int r;

	for (;;) {
		r = chan_recv(chan, out);
		if (r != 0)
			break;
		ck_assert_msg(clock_now_ms() < until_ms, "no answer in time");
		p.events = (short)(POLLIN | (chan_wants_write(chan) ? POLLOUT : 0));
		(void)poll(&p, 1, (int)clock_left_ms(until_ms, clock_now_ms()));
		if (p.revents & POLLOUT)
			ck_assert_int_eq(chan_flush(chan), 0);
	}
	ck_assert_msg(r == CHAN_FRAME || r == CHAN_EOF, "chan_recv: %s", strerror(-r));
	return r == CHAN_FRAME;
}

static void send_ctl(struct rig *rig, uint16_t type, const ProtobufCMessage *msg, const int *fd)
{
	ck_assert_int_eq(chan_send(rig->control, type, 0, 0, msg, fd, fd ? 1 : 0), 0);
}

/* --- lockd --- */

static void limit_fds(rlim_t most)
{
	const struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

	if (most > 0)
		(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void rig_start_lockd(struct rig *rig)
{
	static const uint16_t order[] = { BH__CTL__TYPE__HELLO, BH__CTL__TYPE__LOCK_TABLE,
					  BH__CTL__TYPE__READY };
	struct chan_frame frame;
	int fds[2];
	size_t i;

	pair(fds);
	rig->n_told = 0;
	if (rig->die_at > 0)
		doom_new(&rig->doom, rig->die_at);
	rig->lockd = fork_bound();
	if (rig->lockd == 0) {
		const struct serve_dirs dirs = { .slots_fd = rig->dir_fd, .own_fd = rig->own_fd };

		rig_keep_only((int[]){ fds[1], rig->dir_fd, rig->own_fd }, 3);
		log_setup("lockd", LOG_LEVEL_ERROR);
		limit_fds(rig->fd_limit);
		if (rig->die_at > 0)
			doom_run_traced(&rig->doom);
		_exit(serve_run(&rig->options, &dirs, fds[1]) < 0 ? 70 : 0);
	}
	(void)close(fds[1]);
	ck_assert_int_eq(chan_new(&rig->control, fds[0], rig->buf, CHAN_BODY_CONTROL), 0);
	for (i = 0; i < ARRAY_LEN(order); i++) {
		ck_assert(rig_next_frame(rig->control, &frame));
		ck_assert_uint_eq(frame.type, order[i]);
		if (frame.type == BH__CTL__TYPE__LOCK_TABLE) {
			ck_assert_uint_eq(frame.n_fds, 1);
			rig->table_fd = take_fd(&frame.fds[0]);
		}
		chan_frame_done(&frame);
	}
	if (rig->die_at > 0)
		doom_begin(&rig->doom);
}

static void forget_lockd(struct rig *rig)
{
	rig->lockd = 0;
	rig->control = chan_free(rig->control);
	rig->table_fd = close_fd(rig->table_fd);
}

void rig_kill_lockd(struct rig *rig)
{
	(void)kill(rig->lockd, SIGKILL);
	(void)reap(rig->lockd);
	forget_lockd(rig);
}

int rig_wait_lockd(struct rig *rig)
{
	int status = reap(rig->lockd);

	forget_lockd(rig);
	return status;
}

void rig_start(struct rig *rig, uint32_t connect_slots)
{
	*rig = (struct rig){
		.dir = "/tmp/bh-lockd-XXXXXX",
		.own_fd = -EBADF,
		.options = { .counts = { .of = { [RESOURCE_CONNECT] = connect_slots,
						 [RESOURCE_SCAN] = 1 } } },
		.next_peer = 1,
	};
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	rig->options.dir = rig->dir;
	rig->dir_fd = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(rig->dir_fd, 0);
	ck_assert_int_eq(chan_buf_new(&rig->buf, CHAN_BODY_CONTROL), 0);
	rig_start_lockd(rig);
}

void rig_stop(struct rig *rig)
{
	DIR *dir = opendir(rig->dir);
	struct dirent *entry;

	if (rig->lockd > 0)
		rig_kill_lockd(rig);
	for (;;) {
		entry = readdir(dir);
		if (!entry)
			break;
		if (entry->d_name[0] != '.')
			(void)unlinkat(rig->dir_fd, entry->d_name, 0);
	}
	(void)closedir(dir);
	(void)close(rig->dir_fd);
	ck_assert_int_eq(rmdir(rig->dir), 0);
	chan_buf_free(rig->buf);
}

void rig_adapter_lost(struct rig *rig, const char *adapter)
{
	Bh__Ctl__AdapterName msg = BH__CTL__ADAPTER_NAME__INIT;

	msg.adapter = (char *)(uintptr_t)adapter;
	send_ctl(rig, BH__CTL__TYPE__ADAPTER_LOST, &msg.base, NULL);
}

void rig_peer_gone(struct rig *rig, uint32_t peer)
{
	Bh__Ctl__PeerRef msg = BH__CTL__PEER_REF__INIT;

	msg.has_peer = 1;
	msg.peer = peer;
	send_ctl(rig, BH__CTL__TYPE__PEER_GONE, &msg.base, NULL);
}

void rig_send_stop(struct rig *rig)
{
	Bh__Ctl__Empty msg = BH__CTL__EMPTY__INIT;

	send_ctl(rig, BH__CTL__TYPE__STOP, &msg.base, NULL);
}

void rig_clean(struct rig *rig, uint64_t grant)
{
	Bh__Ctl__LockRef msg = BH__CTL__LOCK_REF__INIT;

	msg.has_grant = 1;
	msg.grant = grant;
	send_ctl(rig, BH__CTL__TYPE__LOCK_CLEAN, &msg.base, NULL);
}

static void note_told(struct rig *rig, struct chan_frame *frame)
{
	const Bh__Ctl__LockRef *ref;
	struct rig_told *told;

	if (rig->n_told == RIG_TOLD_MAX) {
		rig->n_told--;
		memmove(&rig->told[0], &rig->told[1], rig->n_told * sizeof(rig->told[0]));
	}
	told = &rig->told[rig->n_told];
	if (frame->type != BH__CTL__TYPE__LOCK_DIRTY && frame->type != BH__CTL__TYPE__LOCK_OVERDUE)
		return;
	ref = chan_unpack(rig->control, frame, &bh__ctl__lock_ref__descriptor);
	ck_assert_ptr_nonnull(ref);
	*told = (struct rig_told){ .type = frame->type,
				   .grant = ref->grant,
				   .peer = ref->peer,
				   .pid = ref->pid,
				   .address = ref->address };
	(void)snprintf(told->adapter, sizeof(told->adapter), "%s",
		       ref->adapter ? ref->adapter : "");
	rig->n_told++;
}

/* Reads what lockd says to its supervisor, after waiting for it. False: lockd is dead. */
static bool hear(struct rig *rig)
{
	struct pollfd p = { .fd = chan_fd(rig->control), .events = POLLIN };
	struct chan_frame frame;
	int r;

	ck_assert_int_eq(poll(&p, 1, RIG_WAIT_MS), 1);
	for (;;) {
		r = chan_recv(rig->control, &frame);
		if (r != CHAN_FRAME)
			break;
		note_told(rig, &frame);
		chan_frame_done(&frame);
	}
	return r == 0 && chan_flush(rig->control) == 0;
}

struct rig_told rig_wait_told(struct rig *rig, uint16_t type)
{
	struct rig_told told;
	size_t i;

	for (;;) {
		for (i = 0; i < rig->n_told; i++) {
			told = rig->told[i];
			if (told.type != type)
				continue;
			rig->told[i] = rig->told[--rig->n_told];
			return told;
		}
		ck_assert(hear(rig));
	}
}

/* Our end of a channel; its other end is on its way to lockd, or lockd is dead. */
static int send_peer(struct rig *rig, const char *label, bool is_worker)
{
	Bh__Ctl__LockPeer msg = BH__CTL__LOCK_PEER__INIT;
	int fds[2];

	pair(fds);
	msg.has_peer = msg.has_pid = msg.has_worker = 1;
	msg.peer = rig->next_peer++;
	msg.label = (char *)(uintptr_t)label;
	msg.pid = (uint32_t)getpid();
	msg.worker = is_worker;
	(void)!chan_send(rig->control, BH__CTL__TYPE__LOCK_PEER, 0, 0, &msg.base, &fds[1], 1);
	(void)close(fds[1]);
	return fds[0];
}

int rig_peer_fd(struct rig *rig, const char *label, bool is_worker)
{
	int fd = send_peer(rig, label, is_worker);

	/* Every descriptor but the first waits for lockd's word that the one before arrived. */
	while (chan_queued(rig->control) > 0)
		ck_assert(hear(rig));
	return fd;
}

struct chan *rig_peer_unless_dead(struct rig *rig, const char *label)
{
	struct chan *chan = NULL;
	int fd = send_peer(rig, label, false);

	while (chan_queued(rig->control) > 0 && hear(rig))
		;
	ck_assert_int_eq(chan_new(&chan, fd, rig->buf, CHAN_BODY_CONTROL), 0);
	return chan;
}

void rig_adapters(struct rig *rig, const char *names, const char *default_adapter)
{
	Bh__Ctl__Adapters msg = BH__CTL__ADAPTERS__INIT;
	char *list[8];
	char copy[96];
	char *rest = copy;

	(void)snprintf(copy, sizeof(copy), "%s", names);
	while (msg.n_adapters < ARRAY_LEN(list) && rest && *rest)
		list[msg.n_adapters++] = strsep(&rest, " ");
	msg.adapters = list;
	msg.default_adapter = (char *)(uintptr_t)default_adapter;
	send_ctl(rig, BH__CTL__TYPE__ADAPTERS, &msg.base, NULL);
	/* Peers are read beside this channel: that the second of two arrives shows that this has.
	 */
	(void)close(rig_peer_fd(rig, "first", false));
	(void)close(rig_peer_fd(rig, "second", false));
}

void rig_hang_up(struct rig *rig)
{
	rig->control = chan_free(rig->control);
}

struct chan *rig_peer(struct rig *rig, const char *label, bool is_worker)
{
	struct chan *chan = NULL;
	int fd = rig_peer_fd(rig, label, is_worker);

	ck_assert_int_eq(chan_new(&chan, fd, rig->buf, CHAN_BODY_CONTROL), 0);
	return chan;
}

void rig_wait_table(struct rig *rig, struct locktab_copy *out,
		    bool (*is_right)(const struct locktab_copy *copy))
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;

	/* The table has no event of its own: look each millisecond. */
	for (;;) {
		ck_assert_int_eq(locktab_read(rig->table_fd, out), 0);
		if (is_right(out))
			return;
		ck_assert_msg(clock_now_ms() < until_ms, "the table does not become right");
		(void)poll(NULL, 0, 1);
	}
}

void rig_path(const struct rig *rig, const char *name, char out_path[96])
{
	(void)snprintf(out_path, 96, "%s/%s", rig->dir, name);
}

bool rig_is_lockable(struct rig *rig, const char *name)
{
	int fd = openat(rig->dir_fd, name, O_RDONLY | O_CLOEXEC);
	bool is_ok = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	(void)close_fd(fd);
	return is_ok;
}

void rig_wait_free(struct rig *rig, const char *name)
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;

	while (!rig_is_lockable(rig, name)) {
		ck_assert_msg(clock_now_ms() < until_ms, "%s is kept", name);
		(void)poll(NULL, 0, 1);
	}
}

void rig_wait_taken(struct rig *rig, const char *name)
{
	uint64_t until_ms = clock_now_ms() + RIG_WAIT_MS;

	/* Not by trying: that would be in the way. A lock has no event: look each millisecond. */
	while (proclocks_holder(rig->dir_fd, name) == 0) {
		ck_assert_msg(clock_now_ms() < until_ms, "%s is not taken", name);
		(void)poll(NULL, 0, 1);
	}
}
