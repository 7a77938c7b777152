/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/slot_dir.h - whether lockd will be able to use the directory of the slot files: it
 * runs as we do. Without it there is no arbiter, so it is said at start-up and to whoever asks.
 */
#include "ipc/base.h"

enum { SLOT_DIR_WHY_LEN = 384 };

/**
 * slot_dir_check()
 * @out_why: one line: what is wrong, and the line of tmpfiles.d(5) that mends it; written on error
 *
 * Errors: errno of open() or access().  Blocks: as long as open() of a directory does.
 */
must_check int slot_dir_check(const char *dir, char out_why[SLOT_DIR_WHY_LEN]);
