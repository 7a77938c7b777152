/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/seek.h - where a session that nobody serves goes next: a decision from what is known
 * now. It is taken anew whenever something changes and when the time it names has come; nothing is
 * kept here. Pure. Used by finder.c.
 *
 * A first opening takes an adapter that heard the device lately at once. One that is only known, or
 * full while another has room, gets a search of 2 s first, unless there is only that one, one that
 * is not known a search until the deadline; after the first sighting the others have 300 ms to hear
 * it better. A session that lost its worker goes back to the next worker of the same adapter if
 * that comes within a second, else to another adapter that knows the device (its link on the old
 * one is cut first, or it could not be reached), and otherwise waits.
 */
#include "supervisor/score.h"

enum {
	SEEK_SETTLE_MS = 300,
	SEEK_KNOWN_MS = 2000,
	SEEK_SOON_MS = 1000,	    /* a restart within that is waited for */
	SEEK_READY_MS = 1000,	    /* ... and then that long until it is ready */
	SEEK_POWER_GRACE_MS = 2500, /* one that is off is switched on within 2 s, by BlueZ or us */
	SEEK_SEARCH_MS = 10000,	    /* a session that waits searches that long ... */
	SEEK_SEARCH_EVERY_MS = 60000, /* ... that often: the radio has other things to do */
};

enum seek_home {
	SEEK_HOME_NONE, /* there never was one, or it is unplugged, or not to be used now */
	SEEK_HOME_LIVE, /* its worker is ready, or ready again */
	SEEK_HOME_SOON, /* its next worker is about to start, or starting */
	SEEK_HOME_AWAY, /* plugged, but its worker is not coming soon */
};

struct seek {
	bool is_scan;
	bool is_first;	    /* not yet opened: it has a deadline and may fail */
	bool is_enumerated; /* the list of adapters is known */
	enum seek_home home;
	bool is_linked_home; /* the device is connected on the adapter that served it last */
	bool is_cut;	     /* that link was cut, or could not be */
	uint64_t asked_at_ms;
	uint64_t deadline_at_ms; /* with is_first */
	uint64_t heard_at_ms;	 /* first sighting since asked_at_ms, 0: none */
	uint64_t now_ms;
	const struct score_row *rows; /* of the adapters that are allowed, by index */
	size_t n_rows;
};

enum seek_verdict {
	SEEK_ATTACH, /* to the adapter of row */
	SEEK_WAIT,   /* until something changes, or until_ms */
	SEEK_CUT,    /* cut the link on the old adapter, then ask again */
	SEEK_FAIL,   /* with class */
};

struct seek_answer {
	enum seek_verdict verdict;
	int row;	      /* SEEK_ATTACH; SCORE_NOBODY: to its home */
	bool is_searching;    /* SEEK_WAIT: discover the device meanwhile */
	uint64_t until_ms;    /* SEEK_WAIT; UINT64_MAX: no time set */
	enum err_class class; /* SEEK_FAIL, and why a SEEK_WAIT waits (CLASS_NONE: not worth a word)
			       */
};

struct seek_answer seek_decide(const struct seek *seek);
