/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/user.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

uid_t user_uid(void)
{
	return geteuid() == 0 ? OTHER_UID : geteuid();
}

bool user_has_two(void)
{
	if (geteuid() != 0)
		(void)fprintf(stderr, "not root: what takes another user is not shown\n");
	return geteuid() == 0;
}

static void become(uid_t uid, gid_t extra)
{
	gid_t groups[] = { OTHER_GID, extra };

	if (geteuid() == 0 &&
	    (setgroups(extra != 0 ? 2 : 1, groups) < 0 ||
	     setresgid(OTHER_GID, OTHER_GID, OTHER_GID) < 0 || setresuid(uid, uid, uid) < 0))
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void be_agent(deed_fn deed, int out, int hold)
{
	struct said said = { .class = BH_CLASS_INTERNAL };
	struct bh_client *client = NULL;
	char byte;
	int r = bh_new(&client, NULL, "agent");

	if (r < 0)
		(void)snprintf(said.text, sizeof(said.text), "%s", strerror(-r));
	else
		deed(client, &said);
	if (write(out, &said, sizeof(said)) == sizeof(said))
		(void)!read(hold, &byte, 1);
	_exit(0);
}

/* Until it has done its deed; it stays as it is then. */
void agent_begin(struct agent *agent, uid_t uid, gid_t extra, deed_fn deed)
{
	int out[2];
	int hold[2];

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(hold), 0);
	agent->pid = fork();
	ck_assert_int_ge(agent->pid, 0);
	if (agent->pid == 0) {
		(void)close(hold[1]);
		become(uid, extra);
		be_agent(deed, out[1], hold[0]);
	}
	(void)close(out[1]);
	(void)close(hold[0]);
	agent->hold = hold[1];
	ck_assert_int_eq(read(out[0], &agent->said, sizeof(agent->said)), sizeof(agent->said));
	(void)close(out[0]);
}

void agent_end(struct agent *agent)
{
	(void)close(agent->hold);
	ck_assert_int_eq(waitpid(agent->pid, NULL, 0), agent->pid);
}

struct said run_as(uid_t uid, gid_t extra, deed_fn deed)
{
	struct agent agent;

	agent_begin(&agent, uid, extra, deed);
	agent_end(&agent);
	return agent.said;
}
