/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/strays.h - links that only the kernel has, found without a worker. BlueZ does not show
 * such a link and the peripheral does not advertise: nobody finds it, so no session gets to the
 * worker whose cure_orphan.c would end it; and it takes a place and the peripheral's only link.
 *
 * So the kernel's lists are read now and then, more often while a session seeks its peripheral, and
 * what stays unshown for long enough is ended by MGMT. The first half here is pure, of one adapter;
 * the other is the switch `orphan` of [workarounds] and is called by the watchdog pass.
 */
#include "ipc/base.h"

struct sup;

enum {
	STRAYS_MAX = 32,	/* of an adapter: as HCI_LIST_MAX */
	STRAYS_SOUGHT_MS = 500, /* BlueZ shows a link 30 ms after the kernel: worker/cure_orphan.c
				 */
	/* Nobody is in a hurry: longer than a bluetoothd that was stopped or starved takes. */
	STRAYS_MS = 4000,
	/*
	 * Between looks where links come and go, and where nothing does: each is a command to the
	 * kernel, which a person with btmon sees.
	 */
	STRAYS_LOOK_MS = 2000,
	STRAYS_IDLE_MS = 30000,
	STRAYS_AGAIN_MS = 60000, /* one that did not end: worker/stuck.c */
};

/* One that the kernel lists and BlueZ does not show. */
struct stray {
	uint64_t address;
	bool is_random;
	bool is_sought;	      /* a session waits to hear of it, and no worker has one */
	uint64_t since_ms;    /* at the first look that saw it */
	uint64_t tried_at_ms; /* 0: never */
};

/* Begins zeroed. */
struct strays {
	bool is_asking;
	bool has_news;	/* since looked_at_ms */
	uint32_t links; /* that BlueZ showed */
	uint64_t looked_at_ms;
	size_t n;
	struct stray rows[STRAYS_MAX];
};

/**
 * strays_is_look_due() - whether the kernel's list is to be read now
 * @links:      that BlueZ shows: a stray is one that it showed before, as a rule
 * @is_hurried: a session seeks its peripheral
 *
 * Where it is, strays_looked() is to follow. To be asked often: a change is seen by it.
 */
bool strays_is_look_due(struct strays *strays, uint32_t links, bool is_hurried, uint64_t now_ms);
void strays_looked(struct strays *strays, bool is_asking, uint64_t now_ms);

/*
 * What a look has seen, at most STRAYS_MAX of it: address, is_random and is_sought count. Others
 * are forgotten.
 */
void strays_note(struct strays *strays, const struct stray *seen, size_t n, uint64_t now_ms);

/* One that is to be ended now, and counts as tried; NULL: none. */
struct stray *strays_take(struct strays *strays, uint64_t now_ms);

/* One that was taken could not be tried: it is taken again by the next look. */
void strays_untried(struct strays *strays, uint64_t address);

/*
 * Whether it may be the old address of a peripheral whose identity the kernel has learnt since:
 * BlueZ's object keeps the one that it was made with. That is so of resolvable private addresses.
 */
bool strays_may_be_alias(uint64_t address, bool is_random);

/* Looks, decides, ends. */
void strays_watch(struct sup *sup);
