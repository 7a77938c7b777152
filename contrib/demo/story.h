/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/story.h - puts into words what happens, as far as a person wants to read it.
 */
#include "contrib/demo/view.h"

/* A program's report. Most are too many to tell; those only change the figures. */
void story_report(struct view *view, const struct tally *tally, enum program program,
		  const struct report *report);

/* What bleherdd decided. */
void story_event(struct view *view, const struct bh_event *event);

/* How far it is, now and then, where there is no table that shows it. */
void story_progress(struct view *view, const struct tally *tally);
