/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/crew.h - the processes of the clients: started, killed, started again. They die with
 * the conductor.
 */
#include "contrib/soak/book.h"

struct crew;

/* @book and @book_fd are borrowed. Errors: -ENOMEM. */
must_check int crew_new(struct crew **out, struct book *book, int book_fd);
/* Kills who still runs. */
struct crew *crew_free(struct crew *crew);

/* Fork and exec of ourselves. Errors: negative errno. */
must_check int crew_start(struct crew *crew, uint32_t client);

/* SIGKILL; it has ended when this returns. */
void crew_kill(struct crew *crew, uint32_t client);

pid_t crew_pid(const struct crew *crew, uint32_t client); /* 0: does not run */
uint32_t crew_running(const struct crew *crew);

/* Takes those that ended by themselves. False: one of them failed, @out says which and how. */
bool crew_reap(struct crew *crew, char out[128]);
