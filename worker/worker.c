/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/worker.h"

#include "ipc/clock.h"

static void show_op(struct worker *w)
{
	const struct op_mark *oldest = TAILQ_FIRST(&w->ops);

	if (oldest)
		wpage_op_begin(w->page, oldest->op, oldest->budget_ms, oldest->at_ms);
	else
		wpage_op_end(w->page);
}

void worker_op_begin(struct worker *w, struct op_mark *mark, enum wpage_op op, uint32_t budget_ms)
{
	worker_op_end(w, mark);
	mark->op = op;
	mark->budget_ms = budget_ms;
	mark->at_ms = clock_now_ms();
	mark->is_on = true;
	TAILQ_INSERT_TAIL(&w->ops, mark, entry);
	if (TAILQ_FIRST(&w->ops) == mark)
		show_op(w);
}

void worker_op_end(struct worker *w, struct op_mark *mark)
{
	bool was_first = TAILQ_FIRST(&w->ops) == mark;

	if (!mark->is_on)
		return;
	mark->is_on = false;
	TAILQ_REMOVE(&w->ops, mark, entry);
	if (was_first)
		show_op(w);
}

void worker_state_due(struct worker *w)
{
	(void)sd_event_source_set_enabled(w->settle, SD_EVENT_ONESHOT);
}

int worker_call(struct worker *w, const char *path, const char *interface, const char *member,
		enum errors_call kind, uint32_t timeout_ms, bus_done done, void *ctx,
		struct bus_call **out)
{
	sd_bus_message *m = NULL;
	int r;

	r = bus_message(w->bus, &m, path, interface, member);
	if (r < 0)
		return r;
	r = bus_call(w->bus, m, kind, timeout_ms, done, ctx, out);
	sd_bus_message_unref(m);
	return r;
}

enum err_class worker_trouble(const struct worker *w, const char **out_text)
{
	if (!bus_is_up(w->bus)) {
		*out_text = "there is no connection to the system bus";
		return CLASS_BLUEZ_GONE;
	}
	if (!mirror_has_bluez(w->mirror)) {
		*out_text = "bluetoothd is not running";
		return CLASS_BLUEZ_GONE;
	}
	if (w->is_bluez_starting) {
		*out_text = "bluetoothd is starting";
		return CLASS_BLUEZ_GONE;
	}
	if (!mirror_has_adapter(w->mirror)) {
		*out_text = "bluetoothd does not know the adapter";
		return CLASS_ADAPTER_GONE;
	}
	if (!mirror_is_powered(w->mirror)) {
		*out_text = "the adapter is not powered";
		return CLASS_NOT_POWERED;
	}
	*out_text = "";
	return CLASS_NONE;
}

struct handled worker_handle(struct worker *w, struct handled now)
{
	struct handled before = w->handled;

	w->handled = now;
	wpage_handling(w->page, now.session, now.id);
	return before;
}
