/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/scan.h - the adapter's discovery, shared by all who want it: scanning programs, the
 * supervisor's searches, links to devices that BlueZ does not know.
 *
 * One worker is the one discovery client of its adapter: two StartDiscovery in one instant are
 * never answered (reference/lab-facts.md). A start that is lost to a foreign client all the same is
 * given up and tried again. Discovery pauses around connects, which take 8.7 s instead of 0.4 under
 * it, where that is not found to be otherwise. What happens when is scan_table.c.
 *
 * It can be passive instead: passive.h.
 *
 * Others take turns with it: while somebody waits for scan:hciN it is given back after a while and
 * asked for again, at the end of the line.
 */
#include "worker/scan_table.h"
#include "worker/seat.h"

struct scan;

must_check int scan_new(struct scan **out, struct worker *w);
struct scan *scan_free(struct scan *scan);

/* Somebody's wish for discovery; its owner's. */
struct scan_want {
	uint64_t under; /* a grant under which it is to be done; 0: under the worker's own */
	/* That grant is over. The wish goes on without it, unless it ends in here. NULL: no matter
	 */
	void (*fenced)(struct scan_want *want, uint64_t under);
	bool is_search; /* for one device: what was heard before the wish is of no use to it */
	/* scan.c's */
	TAILQ_ENTRY(scan_want) entry;
	bool is_on;
};

void scan_want(struct scan *scan, struct scan_want *want);
void scan_unwant(struct scan *scan, struct scan_want *want);
/* While it is wanted. */
void scan_want_under(struct scan *scan, struct scan_want *want, uint64_t under);

/* Somebody who connects; its owner's, filled in by scan_pause(). */
struct scan_pause {
	/* scan_pause.c's */
	TAILQ_ENTRY(scan_pause) entry;
	uint64_t addr;
	uint64_t at_ms; /* when it was let go */
	bool is_on;
	bool is_answered;
	bool is_held; /* until a slice has run */
	bool is_left; /* discovery goes on beside it */
	bool is_timed;
};

/* Returns true if the connect may begin; else links_quiet() tells when that is so. */
bool scan_pause(struct scan *scan, struct scan_pause *pause, uint64_t addr);
/* It has ended, or was given up; nothing happens if it never began. */
void scan_resume(struct scan *scan, struct scan_pause *pause);

/* A SCAN request lasts until it is removed. */
void scan_add(struct scan *scan, struct request *request);
void scan_remove(struct scan *scan, struct request *request);
/* A program has read what waited for it: what it missed meanwhile is told. */
void scan_drained(struct scan *scan, const struct seat *seat);
/* A device was heard: to every SCAN whose filter lets it pass. */
void scan_advert(struct scan *scan, const struct device *device);

/*
 * The supervisor looks for a device: FIND_DONE when it is heard. @under: as in scan_want.
 * @is_watch: no FIND_DONE; discovery goes on until it is stopped.
 */
void scan_find(struct scan *scan, uint64_t addr, uint64_t under, bool is_watch);
void scan_find_stop(struct scan *scan, uint64_t addr);

/* A device was heard or connected: somebody may look for it. @changes: bits of device_change */
void scan_heard(struct scan *scan, const struct device *device, unsigned changes);

/* Power or Discovering changed. */
void scan_adapter(struct scan *scan);
/* A new connection; NULL: it went. */
void scan_bus(struct scan *scan, sd_bus *conn);
/* [scan] mode, from now on. */
void scan_set_passive(struct scan *scan, bool is_passive);
/* bluetoothd, the adapter or the bus connection went or changed. */
void scan_gone(struct scan *scan);

/* Pure: whether a filter lets a device pass. */
bool scan_passes(const struct request *filter, const struct device *device);
