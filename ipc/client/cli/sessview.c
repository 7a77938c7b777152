/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/sessview.h"

#include "ipc/client/cli/out.h"
#include "ipc/client/cli/words.h"

static const struct table_column COLUMNS[] = {
	{ "DEVICE", false, false }, { "ID", true, false },  { "ADAPTER", false, false },
	{ "PROGRAM", false, true }, { "PID", true, false }, { "HOLDS", false, false },
	{ "SUBS", true, false },    { "FOR", true, false }, { "STATE", false, true },
};

void sessview_keep(struct sessview_kept *out, const struct bh_session_row *row)
{
	out->row = *row;
	(void)snprintf(out->adapter, sizeof(out->adapter), "%s", row->adapter);
	(void)snprintf(out->label, sizeof(out->label), "%s", row->label);
	(void)snprintf(out->state, sizeof(out->state), "%s", row->state);
	(void)snprintf(out->text, sizeof(out->text), "%s", row->text);
	out->row.adapter = out->adapter;
	out->row.label = out->label;
	out->row.state = out->state;
	out->row.text = out->text;
}

void sessview_columns(struct table *out, bool has_device)
{
	size_t i;

	for (i = has_device ? 0 : 1; i < ARRAY_LEN(COLUMNS); i++)
		table_column(out, COLUMNS[i].title, COLUMNS[i].is_number, COLUMNS[i].is_flexible);
}

int sessview_row(struct table *out, const struct bh_session_row *row, bool has_device)
{
	char address[18] = "(scan)";
	char id[12];
	char pid[12];
	char since[WORDS_SHORT_LEN];
	char subs[12];
	char state[128];
	const char *cells[] = { address,
				id,
				*row->adapter ? row->adapter : "-",
				*row->label ? row->label : "?",
				pid,
				row->holds_link ? "link" : "-",
				subs,
				since,
				state };

	if (row->address != 0)
		bh_format_address(row->address, address);
	(void)snprintf(id, sizeof(id), "%u", row->session);
	(void)snprintf(pid, sizeof(pid), "%u", row->pid);
	words_duration(row->state_for_ms, since);
	(void)snprintf(subs, sizeof(subs), "%u", row->subscriptions);
	(void)snprintf(state, sizeof(state), "%s%s%s", row->state, *row->text ? ": " : "",
		       row->text);
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
