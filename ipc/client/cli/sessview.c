/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/sessview.h"

#include "ipc/client/cli/out.h"
#include "ipc/client/cli/words.h"

static const struct table_column COLUMNS[] = {
	{ "DEVICE", false, false }, { "ID", true, false },     { "ADAPTER", false, false },
	{ "PROGRAM", false, true }, { "PID", true, false },    { "STATE", false, false },
	{ "SINCE", true, false },   { "HOLDS", false, false }, { "WHY", false, true },
};

void sessview_columns(struct table *out, bool has_device)
{
	size_t i;

	for (i = has_device ? 0 : 1; i < ARRAY_LEN(COLUMNS); i++)
		table_column(out, COLUMNS[i].title, COLUMNS[i].is_number, COLUMNS[i].is_flexible);
}

void sessview_holds(const struct bh_session_row *row, char out[48])
{
	const char *link = row->holds_link ? "link" : "";
	const char *comma = row->holds_link ? ", " : "";

	if (row->subscriptions > 0)
		(void)snprintf(out, 48, "%s%s%u subscription%s", link, comma, row->subscriptions,
			       row->subscriptions == 1 ? "" : "s");
	else
		(void)snprintf(out, 48, "%s", row->holds_link ? link : "-");
}

int sessview_row(struct table *out, const struct bh_session_row *row, bool has_device)
{
	char address[18] = "(scan)";
	char id[12];
	char pid[12];
	char since[WORDS_SHORT_LEN];
	char holds[48];
	const char *cells[] = { address,
				id,
				*row->adapter ? row->adapter : "-",
				*row->label ? row->label : "?",
				pid,
				row->state,
				since,
				holds,
				row->text };

	if (row->address != 0)
		bh_format_address(row->address, address);
	(void)snprintf(id, sizeof(id), "%u", row->session);
	(void)snprintf(pid, sizeof(pid), "%u", row->pid);
	words_duration(row->state_for_ms, since);
	sessview_holds(row, holds);
	return table_row(out, cells + (has_device ? 0 : 1));
}

json_t *sessview_json(const struct bh_session_row *row)
{
	json_t *object = json_object();
	char address[18];

	(void)json_object_set_new(object, "session", json_integer(row->session));
	(void)json_object_set_new(object, "kind", json_string(row->address ? "device" : "scan"));
	bh_format_address(row->address, address);
	if (row->address != 0)
		(void)json_object_set_new(object, "address", json_string(address));
	(void)json_object_set_new(object, "adapter",
				  *row->adapter ? out_string(row->adapter) : json_null());
	(void)json_object_set_new(object, "program", out_string(row->label));
	(void)json_object_set_new(object, "pid", json_integer(row->pid));
	(void)json_object_set_new(object, "own", json_boolean(row->is_own));
	(void)json_object_set_new(object, "state", out_string(row->state));
	(void)json_object_set_new(object, "since_ms", json_integer(row->state_for_ms));
	(void)json_object_set_new(object, "holds_link", json_boolean(row->holds_link));
	(void)json_object_set_new(object, "subscriptions", json_integer(row->subscriptions));
	if (*row->text)
		(void)json_object_set_new(object, "text", out_string(row->text));
	return object;
}
