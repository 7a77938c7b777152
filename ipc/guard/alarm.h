/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/guard/alarm.h - what a child does about its own end: a timer outside of the loop that ends
 * one which does not turn, and last words on the status page (backtrace, text of a failed
 * assertion) before a fatal signal takes its course.
 *
 * The timer is for what the supervisor's look at the page (watchdog.h) cannot do: its signal comes
 * into the stuck thread itself, so that the backtrace names the function. It runs twice: the first
 * time is a knock. A process that was stopped (SIGSTOP, a frozen machine) gets that when it goes
 * on, and has half a window to show that its loop turns: it is forgiven once.
 *
 * One per process, in the thread of the loop; signals SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE and
 * SIGILL are its own from then on. Under AddressSanitizer the last four stay with that one.
 */
#include "ipc/wpage.h"

/**
 * alarm_begin() - from now on last words are written; before any filter of system calls
 * @page: of this process; NULL: there is nowhere to write, and nothing happens
 *
 * The timer is shorter than the page's window by a fifth, so that it is before the supervisor. It
 * runs from the first alarm_tick() on.
 *
 * Errors: errno of timer_create, sigaction, sigaltstack.  Blocks: never.
 */
must_check int alarm_begin(struct wpage *page);

/* The loop has turned; 0.5 µs. */
void alarm_tick(void);
