/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/scan_ready.h"

/*
 * CALM_MS: who scans past BlueZ does so for many seconds or for good, and each try of ours costs
 * him some air. HUNG_MS: the escalation is told and decides; meanwhile little is asked.
 */
enum { CALM_MS = 30000, HUNG_MS = 10000 };

enum tri { ANY, NO, YES };

/* The first row that fits. */
static const struct {
	bool is_stop;
	enum scan_reply reply;
	enum tri is_discovering;
	enum tri is_fresh;
	enum scan_ready ready;
} ROWS[] = {
	{ false, SCAN_REPLY_OK, ANY, ANY, SCAN_READY },
	/* Our own session, whose answer was lost, is why: adverts flow all the same. */
	{ false, SCAN_REPLY_BUSY, YES, ANY, SCAN_READY },
	{ false, SCAN_REPLY_BUSY, NO, NO, SCAN_READY_STUCK },
	{ false, SCAN_REPLY_BUSY, NO, YES, SCAN_READY_EXTERNAL },
	{ false, SCAN_REPLY_BUSY_LATE, ANY, ANY, SCAN_READY_HUNG },
	{ false, SCAN_REPLY_ERROR, ANY, ANY, SCAN_READY_LATER },
	/* Lost to another program that started in the same instant; the next try tells more. */
	{ false, SCAN_REPLY_NONE, NO, YES, SCAN_READY_LATER },
	/* Twice in a row, so it was no race: this connection gets no answer any more. */
	{ false, SCAN_REPLY_NONE, NO, NO, SCAN_READY_STUCK },
	{ false, SCAN_REPLY_NONE, YES, ANY, SCAN_READY_LATER },
	{ true, SCAN_REPLY_OK, NO, ANY, SCAN_READY },
	{ true, SCAN_REPLY_OK, YES, ANY, SCAN_READY_SHARED },
	/* "No discovery started": then what runs is not ours, and not ours to stop. */
	{ true, SCAN_REPLY_ERROR, NO, ANY, SCAN_READY },
	{ true, SCAN_REPLY_ERROR, YES, ANY, SCAN_READY_SHARED },
	{ true, SCAN_REPLY_BUSY, ANY, ANY, SCAN_READY_STUCK },
	{ true, SCAN_REPLY_BUSY_LATE, ANY, ANY, SCAN_READY_STUCK },
	{ true, SCAN_REPLY_NONE, ANY, ANY, SCAN_READY_STUCK },
};

static bool fits(enum tri wanted, bool is)
{
	return wanted == ANY || (wanted == YES) == is;
}

enum scan_ready scan_ready_judge(const struct scan_answer *answer)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ROWS); i++)
		if (ROWS[i].is_stop == answer->is_stop && ROWS[i].reply == answer->reply &&
		    fits(ROWS[i].is_discovering, answer->is_discovering) &&
		    fits(ROWS[i].is_fresh, answer->is_fresh))
			return ROWS[i].ready;
	return SCAN_READY_LATER;
}

static const struct scan_cure CURES[SCAN_READY_COUNT] = {
	[SCAN_READY] = { .class = CLASS_NONE },
	[SCAN_READY_LATER] = { .class = CLASS_NONE },
	[SCAN_READY_STUCK] = { true, 0, CLASS_BUSY_DISCOVERY, "scan-stuck",
			       "BlueZ has lost track of our discovery: changing the bus connection" },
	[SCAN_READY_SHARED] = { false, 0, CLASS_BUSY_DISCOVERY, "scan-shared",
				"another program discovers on this adapter: connects are slow "
				"meanwhile" },
	[SCAN_READY_EXTERNAL] = { false, CALM_MS, CLASS_BUSY_DISCOVERY, "scan-external",
				  "a program scans past BlueZ, which cannot discover meanwhile" },
	[SCAN_READY_HUNG] = { false, HUNG_MS, CLASS_NO_REPLY, "adapter-silent",
			      "the controller did not answer when discovery was started" },
};

const struct scan_cure *scan_ready_cure(enum scan_ready ready)
{
	return &CURES[ready];
}
