/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/score.h - which adapter for a device. Pure. Used by seek.c.
 *
 * Only suitable ones count. One that has the device connected wins; then those that heard it
 * lately, the best smoothed RSSI first; then those where BlueZ knows it. Differences that the
 * radio's noise makes are ties: fewer links, then the adapter it was on, then the lower index.
 */
#include "ipc/base.h"
#include "ipc/class.h"

enum { SCORE_NOISE_16TH_DB = 2 * 16 };

struct score_row {
	uint16_t adapter;
	bool is_suitable;
	enum err_class trouble; /* why it is not */
	bool is_home;		/* served the session last */
	bool is_connected;
	bool is_fresh;
	bool is_known;	   /* sighted at all in this run, or an object of BlueZ's */
	int rssi_16th_dbm; /* with is_fresh */
	uint32_t links;
};

enum { SCORE_NOBODY = -1 };

/* What a row has to offer at least. */
enum score_need { SCORE_ANY, SCORE_KNOWN, SCORE_FRESH };

/* The place of the best row with at least @need, SCORE_NOBODY if there is none. */
int score_best(const struct score_row *rows, size_t n, enum score_need need);

/* How many are suitable, and of those have at least @need. */
size_t score_count(const struct score_row *rows, size_t n, enum score_need need);
