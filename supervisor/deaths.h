/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/deaths.h - the last deaths of children that nobody asked for, as `bleherd deaths`
 * shows them: what child.c knows, what the child left on its page, and the names of the functions
 * in its backtrace. They live as long as the daemon.
 */
#include "ipc/session.pb-c.h"
#include "supervisor/child.h"
#include "supervisor/ctx.h"

enum { DEATHS_KEPT = 32 };

struct death;
struct deaths;

must_check int deaths_new(struct deaths **out);
struct deaths *deaths_free(struct deaths *deaths);

/**
 * deaths_note() - keep a death, unless it was asked for or is none
 * @adapter: "hci0"; "" of a child that has none
 * @address: of the peripheral whose session's request it was handling; 0: none
 *
 * Out of memory it is not kept.
 */
void deaths_note(struct sup *sup, const struct child *child, enum spawn_role role,
		 const struct child_obituary *obituary, const char *adapter, uint64_t address);

/* The number that the next one will have; the first has 1. */
uint64_t deaths_next(const struct deaths *deaths);

/* The oldest one that is kept, from number @from on; NULL: there is none. */
const struct death *deaths_from(const struct deaths *deaths, uint64_t from);
uint64_t death_number(const struct death *death);

/* The frame that shows it. */
enum { DEATHS_FRAMES_MAX = WPAGE_FRAMES_MAX, DEATHS_CRUMBS_MAX = WPAGE_CRUMBS_MAX };

struct deaths_wire {
	Bh__Death death;
	Bh__Crumb crumbs[DEATHS_CRUMBS_MAX];
	Bh__Crumb *crumb_list[DEATHS_CRUMBS_MAX];
	char *frame_list[DEATHS_FRAMES_MAX];
};

/* @out: valid as long as @death, and in its place. */
void death_fill(const struct death *death, struct deaths_wire *out);
