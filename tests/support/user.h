/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/user.h - programs of other users, in processes of their own that die with the test.
 * Where the test is not root they are its own user's.
 */
#include "ipc/bleherd.h"

#include <sys/types.h>

enum { OTHER_UID = 54321, OTHER_GID = 54321 };

/* What became of it. */
struct said {
	enum bh_class class;
	uint32_t n; /* of what it counts */
	char text[256];
	char advice[128];
};

typedef void (*deed_fn)(struct bh_client *client, struct said *said);

struct agent {
	pid_t pid;
	int hold; /* closing it ends the program */
	struct said said;
};

/* Of programs that are not root's, if that can be. */
uid_t user_uid(void);

/* Whether a test of two users can be run; if not it says so. */
bool user_has_two(void);

/* Until it has done its deed; it stays as it is then. @extra: a supplementary group; 0: none. */
void agent_begin(struct agent *agent, uid_t uid, gid_t extra, deed_fn deed);
void agent_end(struct agent *agent);

/* Both. */
struct said run_as(uid_t uid, gid_t extra, deed_fn deed);
