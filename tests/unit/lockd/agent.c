/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/lockd/agent.c - clients and outsiders that are processes: they obey commands that come
 * over a pipe and report over another what lockd said, so a test scripts who does what when, and
 * kills them in between.
 */
#include "tests/unit/lockd/rig.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum what { ACQUIRE, RELEASE, RENEW, FORK };

struct command {
	enum what what;
	uint32_t id;
	uint32_t timeout_ms;
	uint64_t grant;
	char name[64];
};

/* A helper that keeps all descriptors, until the test ends or lets the agent's pipe go. */
static void fork_helper(int from)
{
	struct pollfd p = { .fd = from }; /* its end only: the commands are the agent's */

	if (fork() != 0)
		return;
	_exit(poll(&p, 1, -1) < 0);
}

static void obey(struct chan *chan, int from)
{
	struct command c;
	struct rig_request request;

	if (read(from, &c, sizeof(c)) != (ssize_t)sizeof(c))
		_exit(0);
	request =
		(struct rig_request){ .id = c.id, .timeout_ms = c.timeout_ms, .names = { c.name } };
	switch (c.what) {
	case ACQUIRE:
		rig_acquire(chan, &request);
		break;
	case RELEASE:
		rig_release(chan, c.grant);
		break;
	case RENEW:
		rig_renew(chan, c.id, c.grant);
		break;
	case FORK:
		fork_helper(from);
		break;
	}
}

/* The descriptors of a grant stay open here, also after its release: that must not matter. */
static void report(struct rig *rig, struct chan *chan, int to)
{
	struct rig_answer answer;

	rig_wait(rig, chan, &answer);
	if (write(to, &answer, sizeof(answer)) != (ssize_t)sizeof(answer) || answer.type == 0)
		_exit(0);
}

static void agent_main(struct rig *rig, int fd, int from, int to)
{
	struct pollfd p[] = { { .fd = from, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	struct chan *chan = NULL;

	if (chan_new(&chan, fd, rig->buf, CHAN_BODY_CONTROL) < 0)
		_exit(1);
	for (;;) {
		(void)poll(p, ARRAY_LEN(p), -1);
		if (p[0].revents)
			obey(chan, from);
		if (p[1].revents)
			report(rig, chan, to);
	}
}

/* 0 in the child. Both ends of both pipes: [0] to the child, [1] from it. */
static pid_t start(int to[2], int from[2])
{
	pid_t parent = getpid();
	pid_t pid;

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		(void)close(to[0]);
		(void)close(from[1]);
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

void rig_agent_start(struct rig *rig, struct rig_agent *agent, const char *label)
{
	int fd = rig_peer_fd(rig, label, false);
	int to[2];
	int from[2];

	agent->pid = start(to, from);
	if (agent->pid == 0) {
		rig_keep_only((int[]){ fd, to[0], from[1] }, 3);
		agent_main(rig, fd, to[0], from[1]);
	}
	(void)close(fd);
	agent->to = to[1];
	agent->from = from[0];
}

static void command(struct rig_agent *agent, const struct command *c)
{
	ck_assert_int_eq(write(agent->to, c, sizeof(*c)), (ssize_t)sizeof(*c));
}

void rig_agent_acquire(struct rig_agent *agent, uint32_t id, uint32_t timeout_ms, const char *name)
{
	struct command c = { .id = id, .timeout_ms = timeout_ms };

	(void)snprintf(c.name, sizeof(c.name), "%s", name);
	command(agent, &c);
}

void rig_agent_release(struct rig_agent *agent, uint64_t grant)
{
	command(agent, &(struct command){ .what = RELEASE, .grant = grant });
}

void rig_agent_renew(struct rig_agent *agent, uint32_t id, uint64_t grant)
{
	command(agent, &(struct command){ .what = RENEW, .id = id, .grant = grant });
}

void rig_agent_fork(struct rig_agent *agent)
{
	command(agent, &(struct command){ .what = FORK });
}

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_msg(poll(&p, 1, RIG_WAIT_MS) == 1, "the agent does not answer");
}

static struct rig_answer next_answer(struct rig_agent *agent)
{
	struct rig_answer answer;

	wait_readable(agent->from);
	ck_assert_int_eq(read(agent->from, &answer, sizeof(answer)), (ssize_t)sizeof(answer));
	return answer;
}

void rig_agent_wait(struct rig_agent *agent, Bh__Lock__Type type, uint32_t id)
{
	struct rig_answer answer;

	do {
		answer = next_answer(agent);
		ck_assert_uint_ne(answer.type, 0);
	} while (answer.type != (unsigned)type || answer.id != id);
}

uint64_t rig_agent_expect(struct rig_agent *agent, Bh__Lock__Type type, uint32_t id)
{
	struct rig_answer answer = next_answer(agent);

	ck_assert_uint_eq(answer.type, (unsigned)type);
	ck_assert_uint_eq(answer.id, id);
	return answer.grant;
}

void rig_agent_signal(struct rig_agent *agent, int signal)
{
	ck_assert_int_eq(kill(agent->pid, signal), 0);
}

void rig_agent_die(struct rig_agent *agent)
{
	rig_agent_signal(agent, SIGKILL);
	ck_assert_int_eq(waitpid(agent->pid, NULL, 0), agent->pid);
}

void rig_agent_kill(struct rig_agent *agent)
{
	rig_agent_die(agent);
	rig_agent_forget(agent);
}

void rig_agent_forget(struct rig_agent *agent)
{
	agent->to = close_fd(agent->to);
	agent->from = close_fd(agent->from);
}

void rig_outsider_start(struct rig *rig, struct rig_agent *agent, const char *name)
{
	char path[96];
	int to[2];
	int from[2];
	char c = 0;
	int fd;

	rig_path(rig, name, path);
	agent->pid = start(to, from);
	if (agent->pid == 0) {
		rig_keep_only((int[]){ to[0], from[1] }, 2);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || write(from[1], &c, 1) != 1)
			_exit(1);
		_exit(read(to[0], &c, 1) < 0); /* nothing comes: until the end */
	}
	agent->to = to[1];
	agent->from = from[0];
	wait_readable(agent->from);
	ck_assert_int_eq(read(agent->from, &c, 1), 1);
}
