/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/screen.h - the whole terminal for a picture that changes: the other screen, keys one by one,
 * news of its size. The terminal is given back as it was by screen_off(), and also when the program
 * crashes, which takes a signal handler and its few static variables: one screen per process.
 */
#include "ipc/base.h"

#include <stdio.h>

struct screen {
	int wake_fd; /* readable: a key was pressed, or the size is another one; 0: it is off */
	int size_fd;
	bool has_keys;
};

#define SCREEN_INIT ((struct screen){ .wake_fd = 0 })

/* Errors: errno of what was not to be had; the terminal is as it was then. */
must_check int screen_on(struct screen *screen, FILE *stream);

/* Safe to call if it is off. */
void screen_off(struct screen *screen, FILE *stream);

/* The next key; 0: none. News of the size are taken, too. */
int screen_key(struct screen *screen);

/* @text: whole lines, no more than there are. */
void screen_draw(FILE *stream, const char *text);
