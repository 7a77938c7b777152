/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/simlink.h - the conductor's ends to the sim: commands, and its write log.
 */
#include "contrib/soak/judge.h"

enum { SIMLINK_ANSWER_LEN = 65536, SIMLINK_LOG_LEN = 1 << 16 };

struct simlink {
	int control, writes;
	size_t kept; /* of a line of the write log that is not complete */
	size_t cut;  /* where that line begins in @text */
	char text[SIMLINK_LOG_LEN];
};

/* $BLEHERD_SIM_CONTROL and $BLEHERD_WRITE_LOG. Errors: negative errno. */
must_check int simlink_open(struct simlink *link);
void simlink_close(struct simlink *link);

/* One command. Blocks: until it is answered, 5 s at most. Errors: -EPROTO: it says no;
 * -ETIMEDOUT; negative errno. */
must_check int simlink_do(struct simlink *link, const char *command);

/* For judge_look(); ctx is the link. */
const char *simlink_read_writes(void *ctx, size_t *out_len);
