/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/log_ids.h - MESSAGE_ID of the events that somebody may have to do something about: those of
 * level warn and error. `journalctl -x` shows what contrib/systemd/bleherd.catalog says of them. An
 * id is never changed: people filter by it. Pure.
 */
#include "ipc/base.h"

struct log_id_row {
	const char *event;
	const char *id; /* 32 lower-case digits, as the catalog has it */
};

/* By event; the last one has NULL. */
extern const struct log_id_row LOG_IDS[];

/* The id of an event, NULL if it has none. */
const char *log_id(const char *event);
