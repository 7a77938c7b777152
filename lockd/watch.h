/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/watch.h - inotify on the slot directory: files that are made there, and files that programs
 * outside close, be it because they give a lock back, end, or have tried in vain. They open for
 * writing, we never do: closes after reading (ours, and flock(1)'s) are told only when asked for.
 */
#include "ipc/base.h"

#include <systemd/sd-event.h>

struct watch;

enum watch_event { WATCH_CLOSED, WATCH_MADE, WATCH_LOST /* some were lost: @name is NULL */ };

typedef void (*watch_cb)(void *ctx, const char *name, enum watch_event event);

/**
 * watch_new()
 * @dir: of the slot files
 *
 * Errors: errno of inotify_init1, inotify_add_watch (-EMFILE, -ENOSPC: the limits of this user).
 */
must_check int watch_new(struct watch **out, sd_event *event, const char *dir, int64_t priority,
			 watch_cb seen, void *ctx);
struct watch *watch_free(struct watch *watch);

/* Whether closes of files that were open for reading only are told, too. NULL is fine. */
void watch_readers(struct watch *watch, bool is_on);
