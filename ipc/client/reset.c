/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/reset.h"

#include <string.h>

enum {
	RESET_MS = 600000, /* six steps, each with its own deadline in the daemon */
	NAME_MAX_LEN = 16,
};

static const char *const LEVELS[] = {
	[BH__RESET_LEVEL__RESET_ALL] = "all",
	[BH__RESET_LEVEL__RESET_POWER] = "power",
	[BH__RESET_LEVEL__RESET_DOWN_UP] = "down-up",
	[BH__RESET_LEVEL__RESET_USB] = "usb",
	[BH__RESET_LEVEL__RESET_REBIND] = "rebind",
	[BH__RESET_LEVEL__RESET_RFKILL] = "rfkill",
	[BH__RESET_LEVEL__RESET_BLUETOOTHD] = "bluetoothd",
};

static const char *level_name(Bh__ResetLevel level)
{
	return (size_t)level < ARRAY_LEN(LEVELS) ? LEVELS[level] : "?";
}

static int find_level(const char *name, uint32_t *out)
{
	uint32_t i;

	for (i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (strcmp(LEVELS[i], name) != 0)
			continue;
		*out = i;
		return 0;
	}
	return -EINVAL;
}

static int tell(struct bh_client *client, uint32_t id, const struct bh_reset_news *news)
{
	struct request *request = lane_find(&client->control, id);

	if (!request)
		return 0;
	if (request->type != BH__TYPE__RESET_ADAPTER)
		return -EBADMSG;
	request->item.reset(request->ctx, news);
	return 0;
}

int reset_on_victim(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__ResetVictim *wire = msg;
	struct bh_reset_news news = {
		.adapter = request_text(wire->adapter),
		.text = request_text(wire->label),
		.address = wire->address,
		.session = wire->session,
		.pid = wire->pid,
	};

	return tell(ctx, frame->id, &news);
}

int reset_on_step(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__ResetStep *wire = msg;
	struct bh_reset_news news = {
		.adapter = request_text(wire->adapter),
		.level = level_name(wire->level),
		.text = request_text(wire->text),
		.is_cured = wire->cured,
		.took_ms = wire->took_ms,
	};

	return tell(ctx, frame->id, &news);
}

int bh_reset_adapter(struct bh_client *client, const char *adapter, const char *level,
		     bool only_list, void (*item)(void *ctx, const struct bh_reset_news *news),
		     bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__RESET_ADAPTER, .timeout_ms = RESET_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	uint32_t number;
	int r;

	if (!adapter || !level || !item || strlen(adapter) >= NAME_MAX_LEN)
		return -EINVAL;
	r = find_level(level, &number);
	if (r < 0)
		return r;
	args.value = (const uint8_t *)adapter;
	args.len = strlen(adapter) + 1;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.reset = item;
	request->number = number;
	request->only_list = only_list;
	request->id = lane_new_id(&client->control);
	return client_ask(client, request);
}
