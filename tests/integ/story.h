/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/integ/story.h - what a program does with one peripheral: open, connect, a read, two writes
 * and a read at once, subscribe, some notifications, disconnect. And how such a story has to end,
 * whoever dies meanwhile.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

enum {
	STORY_CONNECT,
	STORY_READ,
	STORY_WRITE_A,
	STORY_WRITE_B,
	STORY_READ_AGAIN,
	STORY_SUBSCRIBE,
	STORY_DISCONNECT,
	STORY_REQUESTS
};

struct story {
	struct bh_session *session;
	struct {
		struct story *story;
		unsigned answers;
		enum bh_class class;
		char text[128];
	} requests[STORY_REQUESTS];
	uint32_t number;  /* what it writes is its own */
	uint32_t counter; /* of the last notification */
	unsigned values;
	unsigned values_twice;
	bool has_lost_link;
	bool is_over;
};

/* @number: below 2^23. The caller calls bh_process() until is_over. */
void story_begin(struct story *story, struct bh_client *bh, uint64_t address, uint32_t number);

/* Each request was answered once, as asked or, a write, `interrupted`; no write was done twice.
 * Adds up the interrupted ones. @where: for messages. */
void story_check(struct story *story, const struct world *world, const char *where,
		 unsigned *interrupted);
