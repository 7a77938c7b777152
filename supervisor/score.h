/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/score.h - which adapter for a device. Pure. Used by seek.c and finder.c.
 *
 * Only suitable ones count, and where one has a bond with the device only those. One that has the
 * device connected wins; then those that heard it lately; then those where BlueZ knows it, with
 * the full ones that heard it, as long as another has room and may hear it, too. Among those the
 * most points win: smoothed RSSI, less what speaks against it, in decibels of its own rather than
 * in parts of the distance to the next one: 28 dB of radio are worth more than one attempt in
 * progress. Who wants the same device goes to the same adapter. The adapter that it was on has a
 * few points in advance, so that nothing moves for little. Differences that the radio's noise makes
 * are ties: fewer links, then the adapter it was on, then the lower index.
 */
#include "ipc/base.h"
#include "ipc/class.h"

enum {
	SCORE_DB = 16, /* points: sixteenths, as the smoothed RSSI has them */
	SCORE_NOISE_16TH_DB = 2 * SCORE_DB,
	/* An attempt takes its turn: seconds if it hangs, so one weighs as much as a wall or two.
	 */
	SCORE_ATTEMPT_DB = 10,
	SCORE_ATTEMPTS_MAX = 4,
	/* Two failures outweigh an attempt in progress, as in habluetooth (0.51 to 1.01). */
	SCORE_FAILURE_DB = 6,
	SCORE_FAILURES_MAX = 6,
	SCORE_LAST_SLOT_DB = 8, /* somebody else may have no other adapter: three quarters of one */
	SCORE_FULL_DB = 120,	/* below everything, and yet tried if all are full */
	SCORE_HOME_DB = 4,	/* hysteresis */
	/*
	 * A peripheral has one link, and while it has that only its adapter reaches it. So whoever
	 * wants it is where others want it already, whatever the radio says; but not where there is
	 * no room.
	 */
	SCORE_SHARED_DB = 100,
};

struct score_row {
	uint16_t adapter;
	bool is_suitable;
	enum err_class trouble; /* why it is not */
	bool is_home;		/* served the session last */
	bool is_shared;		/* serves others that want the device, and may go elsewhere */
	bool is_connected;
	bool is_fresh;
	bool is_bonded;
	bool is_known;	   /* sighted at all in this run, or an object of BlueZ's */
	int rssi_16th_dbm; /* with is_fresh */
	uint32_t links;
	uint32_t attempts; /* in progress there, for whichever device */
	uint32_t failures; /* of the device there, in 256ths, as they weigh now */
	uint32_t slots;	   /* links that fit; 0: not known */
};

enum { SCORE_NOBODY = -1 };

/* What a row has to offer at least. */
enum score_need { SCORE_ANY, SCORE_KNOWN, SCORE_FRESH };

/* The place of the best row with at least @need, SCORE_NOBODY if there is none. */
int score_best(const struct score_row *rows, size_t n, enum score_need need);

/* How many are suitable, and of those have at least @need. */
size_t score_count(const struct score_row *rows, size_t n, enum score_need need);

/* In sixteenths of a decibel; more is better. */
int score_points(const struct score_row *row);
