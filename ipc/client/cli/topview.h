/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* cli/topview.h - a sample of `bleherd top` as a picture or an object. Pure. */
#include "ipc/client/cli/topdata.h"

enum topview_sort { TOPVIEW_BY_STATE, TOPVIEW_BY_RATE, TOPVIEW_BY_NAME, TOPVIEW_SORTS };

struct topview {
	size_t columns;
	size_t lines; /* 0: as many as it takes */
	bool is_styled;
	bool has_keys; /* a line about them */
	enum topview_sort sort;
	const struct topdata_event *events; /* oldest first */
	size_t n_events;
};

/* Errors: -ENOMEM. */
must_check int topview_show(const struct topdata *data, const struct topview *view, FILE *stream);

/* @events: those since the last one. */
json_t *topview_json(const struct topdata *data, const struct topdata_event *events,
		     size_t n_events, uint64_t wall_ms);

/* "state", "rate", "name". */
const char *topview_sort_name(enum topview_sort sort);
