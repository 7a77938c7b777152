/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* cli/sessview.h - a session as people and programs see it. Pure. */
#include "ipc/bleherd.h"
#include "ipc/client/cli/table.h"

#include <jansson.h>

/* @has_device: with a column for the device. */
void sessview_columns(struct table *out, bool has_device);
must_check int sessview_row(struct table *out, const struct bh_session_row *row, bool has_device);
json_t *sessview_json(const struct bh_session_row *row);

/* "link, 2 subscriptions"; "-" for nothing. */
void sessview_holds(const struct bh_session_row *row, char out[48]);
