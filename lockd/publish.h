/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/publish.h - the writer of the lock table (ipc/locktab.h): a sealed memfd that only this
 * process has mapped writable. Two copies and an index: the table is whole at whatever instruction
 * this process is killed, and readers never wait. Called by serve.c, a few milliseconds after a
 * change at the earliest: granting never pays for it.
 */
#include "ipc/base.h"
#include "ipc/locktab.h"

struct publish;

/**
 * publish_new() - make the table, empty and published
 *
 * Errors: errno of memfd_create, mmap, fcntl (F_SEAL_FUTURE_WRITE: Linux 5.1).
 */
must_check int publish_new(struct publish **out, uint64_t now_ms);
struct publish *publish_free(struct publish *p);

/* Of the table, to be sent to anybody; stays this object's. */
int publish_fd(const struct publish *p);

/* publish_begin(), publish_row() for each row, publish_end(): readers see the old table until then.
 */
void publish_begin(struct publish *p);
void publish_row(struct publish *p, const struct locktab_row *row);
void publish_end(struct publish *p, uint64_t now_ms);
