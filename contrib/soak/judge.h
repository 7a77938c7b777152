/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/judge.h - what the clients noted, judged while they write on: each request is
 * answered once, in time, with the value that was last written; no write arrives twice, and none
 * that is done is missing.
 *
 * Reads the book and the sim's write log; knows no clock and nobody's word but theirs.
 */
#include "contrib/soak/book.h"

struct judge;

/* What must not be. */
struct judge_violation {
	enum book_promise promise;
	int64_t at_us;
	int client;	 /* -1: none of them */
	uint32_t number; /* of its request; 0: none */
	uint16_t device; /* BOOK_NOWHERE */
	char text[256];
};

struct judge_settings {
	struct book *book;
	/*
	 * How much later than its timeout an answer may come: what ipc/bleherd.h promises, a
	 * second, and what a busy machine may take to let a client run.
	 */
	uint32_t late_ms;
	/* Each request that was answered, in the order of clients and their answers; the entry is
	 * valid inside the call only. */
	void (*answered)(void *ctx, uint32_t client, const struct book_entry *entry);
	void (*violation)(void *ctx, const struct judge_violation *violation);
	void *ctx;
};

must_check int judge_new(struct judge **out, const struct judge_settings *settings);
struct judge *judge_free(struct judge *judge);

/* More of the sim's write log, whole lines; to be given after the book of that moment is taken:
 * judge_look() calls @read for it. */
struct judge_log {
	/* Returns text and sets its length; NULL: nothing more. Valid until the next call. */
	const char *(*read)(void *ctx, size_t *out_len);
	void *ctx;
};

/* Judges what was answered since, and what should have been. Blocks: never, but for reading. */
void judge_look(struct judge *judge, const struct judge_log *log, int64_t now_us);

/* That client was killed: what it had asked for is not waited for. Before it is started again. */
void judge_gone(struct judge *judge, uint32_t client);

/* How many times a promise was put to the test. */
uint64_t judge_checked(const struct judge *judge, enum book_promise promise);

/* When it last had a success; 0: never. */
int64_t judge_success_us(const struct judge *judge, uint32_t client);
