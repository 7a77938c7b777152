/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* cli/sessview.h - a session as people and programs see it. Pure. */
#include "ipc/bleherd.h"
#include "ipc/client/cli/table.h"

#include <jansson.h>

/* One that outlives its callback. */
struct sessview_kept {
	struct bh_session_row row; /* its texts are those below */
	char adapter[16];
	char label[64];
	char state[16];
	char text[96];
};

/* @out must not move afterwards: the row points into it. */
void sessview_keep(struct sessview_kept *out, const struct bh_session_row *row);

/* @has_device: with a column for the device. */
void sessview_columns(struct table *out, bool has_device);
must_check int sessview_row(struct table *out, const struct bh_session_row *row, bool has_device);
json_t *sessview_json(const struct bh_session_row *row);
