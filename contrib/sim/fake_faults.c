/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_faults.c - what the fake can be told to do wrong: one row, one function.
 *
 * A time that is left out is given with the row's function; addresses and numbers are valid here.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

#include "contrib/sim/faults.h"

#define RESTART_MS     1000
#define CONTROL_MS_MAX 86400000
#define BURST_UUID     0xfff4

static struct fake_adapter *adapter_of(struct fake *fake, const struct fault_args *args)
{
	return &fake->adapters[args->adapter->index];
}

/* The device as the adapter that holds its link knows it; NULL and a word if there is none. */
static struct fake_device *linked(struct fake *fake, const struct fault_args *args,
				  struct fault_reply *reply)
{
	if (args->device->link == MODEL_NO_ADAPTER) {
		fault_reply_set(reply, "%s has no link", args->device->name);
		return NULL;
	}
	return &fake->adapters[args->device->link].devices[args->device->index];
}

/* HCI's reason to that of MGMT, as the kernel translates it. */
int fake_mgmt_reason(uint64_t hci)
{
	switch (hci) {
	case 0x08:
		return MGMT_REASON_TIMEOUT;
	case 0x13:
	case 0x14:
	case 0x15:
		return MGMT_REASON_REMOTE;
	case 0x16:
		return MGMT_REASON_LOCAL;
	case 0x05:
	case 0x06:
		return MGMT_REASON_AUTH;
	default:
		return MGMT_REASON_UNKNOWN;
	}
}

static int run_drop(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_device *device = linked(face, args, reply);

	if (!device)
		return -ENOTCONN;
	fake_link_drop(device, fake_mgmt_reason(args->has_number[0] ? args->numbers[0] : 0x08));
	return 0;
}

static int run_silent(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	args->device->silent = args->on;
	if (!args->on)
		fake_link_available(face, args->device);
	return 0;
}

static int refuse_word(const char *word, bool *answer, int *status)
{
	/* HCI's status to that of MGMT, as the kernel translates it (lab-facts.md). */
	static const struct {
		const char *word;
		int status;
	} rows[] = {
		{ "0x09", MGMT_NO_RESOURCES },
		{ "0x0c", MGMT_BUSY },
		{ "0x0d", MGMT_NO_RESOURCES },
		{ "0x3e", MGMT_FAILED },
	};

	*answer |= strcmp(word, "answered") == 0;
	if (word[0] == '\0' || strcmp(word, "answered") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(word, rows[i].word) == 0) {
			*status = rows[i].status;
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * A refused connect of a temporary device, which all are that are not trusted, is never answered
 * and takes the object with it; "answered" spares those who only want the error.
 */
static int run_refuse(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake *fake = face;
	int status = MGMT_FAILED;
	bool answer = false;

	if (refuse_word(args->words[0], &answer, &status) < 0 ||
	    refuse_word(args->words[1], &answer, &status) < 0) {
		fault_reply_set(reply, "usage: refuse ADDR N [0x09|0x0c|0x0d|0x3e] [answered]");
		return -EINVAL;
	}
	if (args->numbers[0] > UINT32_MAX)
		return -ERANGE;
	args->device->refuse = (unsigned)args->numbers[0];
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		fake->adapters[i].devices[args->device->index].answer = answer;
		fake->adapters[i].devices[args->device->index].refuse_status = status;
	}
	return 0;
}

/* Dead links that are listed: see lab-facts.md for what each does when it is to be ended. */
static int run_lose(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	static const struct {
		const char *word;
		enum fake_dead dead;
	} rows[] = {
		{ "", FAKE_FORGOTTEN },	   { "forgotten", FAKE_FORGOTTEN },
		{ "stuck", FAKE_STUCK },   { "phantom", FAKE_PHANTOM },
		{ "orphan", FAKE_ORPHAN },
	};
	struct fake_device *device = linked(face, args, reply);

	if (!device)
		return -ENOTCONN;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(args->words[0], rows[i].word) == 0) {
			fake_link_lose(device, rows[i].dead);
			return 0;
		}
	}
	fault_reply_set(reply, "usage: lose ADDR [forgotten|stuck|phantom|orphan]");
	return -EINVAL;
}

/* There is a bond with it: on every adapter, for want of a way to say which. */
static int run_bonded(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		struct fake_device *device = &fake->adapters[i].devices[args->device->index];
		struct fake_object object = fake_device_object(device);

		device->bonded = args->on;
		if (args->on)
			device->temporary = false;
		if (device->exported)
			FAKE_CHANGED(&object, &fake_device1, "Paired", "Bonded");
	}
	return 0;
}

/*
 * bluetoothd's table of the peripheral lacks a characteristic, until it forgets the peripheral; 0:
 * it has found it after all.
 */
static void hide(struct fake_device *device, uint16_t uuid)
{
	const uint16_t before = device->hidden;
	const struct model_kind *kind = device->model->kind;

	device->hidden = uuid;
	for (size_t i = 0; device->cached && i < kind->attr_count; i++) {
		struct fake_object object = fake_attr_object(device, &kind->attrs[i]);

		if (object.kind != FAKE_CHARACTERISTIC)
			continue;
		if (before && object.attr->uuid == before)
			fake_added(&object, NULL);
		if (uuid && object.attr->uuid == uuid)
			fake_removed(&object, NULL);
	}
}

static int run_hide(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	if (args->numbers[0] > UINT16_MAX)
		return -ERANGE;
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		hide(&fake->adapters[i].devices[args->device->index], (uint16_t)args->numbers[0]);
	return 0;
}

static int run_resolved_first(void *face, const struct fault_args *args,
			      struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		fake->adapters[i].devices[args->device->index].resolved_first = args->on;
	return 0;
}

static int run_unplug(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	if (!args->adapter->plugged) {
		fault_reply_set(reply, "adapter %u is not plugged in", args->adapter->index);
		return -ENODEV;
	}
	fake_adapter_unplug(adapter_of(face, args));
	return 0;
}

static int run_plug(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_adapter *adapter = adapter_of(face, args);

	if (args->adapter->plugged) {
		fault_reply_set(reply, "adapter %u is plugged in", args->adapter->index);
		return -EBUSY;
	}
	fake_adapter_plug(adapter);
	fault_reply_set(reply, "ok hci%u", adapter->hci);
	return 0;
}

static int run_powered(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	int status;

	if (!args->adapter->plugged)
		return -ENODEV;
	status = fake_adapter_power(adapter_of(face, args), args->on, NULL, NULL);
	if (status == MGMT_OK)
		return 0;
	fault_reply_set(reply, "status 0x%02x", (unsigned)status);
	return -EIO;
}

static int run_rfkill(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake_adapter *adapter = adapter_of(face, args);

	adapter->rfkilled = args->on;
	if (args->on && args->adapter->plugged)
		(void)fake_adapter_power(adapter, false, NULL, NULL);
	return 0;
}

static int run_hang_adapter(void *face, const struct fault_args *args,
			    struct fault_reply *reply _unused_)
{
	adapter_of(face, args)->hung = args->on;
	return 0;
}

static int run_deaf(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	adapter_of(face, args)->deaf = args->on;
	return 0;
}

/* As with ControllerMode = bredr: links end, discovery hears no LE device. */
static int run_le(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake_adapter *adapter = adapter_of(face, args);

	if (!args->on)
		fake_adapter_drop_links(adapter);
	adapter->no_le = adapter->deaf = !args->on;
	fake_mgmt_settings(adapter, NULL);
	return 0;
}

static int run_release_monitors(void *face, const struct fault_args *args,
				struct fault_reply *reply _unused_)
{
	fake_monitors_clear(adapter_of(face, args), true);
	return 0;
}

static int run_raw_scan(void *face, const struct fault_args *args,
			struct fault_reply *reply _unused_)
{
	adapter_of(face, args)->raw_scan = args->on;
	return 0;
}

static int run_discovery(void *face, const struct fault_args *args,
			 struct fault_reply *reply _unused_)
{
	return fake_scan_other(adapter_of(face, args), args->on);
}

static int run_bare(void *face _unused_, const struct fault_args *args,
		    struct fault_reply *reply _unused_)
{
	args->device->bare = args->on;
	return 0;
}

/* bluetoothd misses the advert with which so many discoveries begin: see is_too_early(). */
static int run_early(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		fake->adapters[i].devices[args->device->index].early = (unsigned)args->numbers[0];
	return 0;
}

static int run_restart(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	const uint64_t ms = args->has_number[0] ? args->numbers[0] : RESTART_MS;
	const bool killed = strcmp(args->words[0], "kill") == 0;

	if (ms > CONTROL_MS_MAX || (args->words[0][0] && !killed)) {
		fault_reply_set(reply, "usage: restart-bluetoothd [MS [kill]]");
		return -EINVAL;
	}
	fake_restart(face, ms, killed);
	return 0;
}

static int run_hang(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	if (args->numbers[0] > CONTROL_MS_MAX)
		return -ERANGE;
	fake_hang(face, args->numbers[0]);
	return 0;
}

/* From now on they are answered. */
static void answer_again(struct fake *fake, const struct fault_args *args)
{
	struct fake_swallow **link = &fake->swallows;

	while (*link) {
		struct fake_swallow *swallow = *link;

		if (swallow->device != args->device || swallow->adapter != args->adapter ||
		    strcmp(swallow->method, args->words[0]) != 0) {
			link = &swallow->next;
			continue;
		}
		*link = swallow->next;
		free(swallow);
	}
}

static int run_no_reply(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	const bool done = strcmp(args->words[1], "done") == 0;
	struct fake_swallow *swallow;
	struct fake *fake = face;

	if (args->words[1][0] && !done) {
		fault_reply_set(reply, "usage: no-reply ADDR METHOD N [done]");
		return -EINVAL;
	}
	if (args->numbers[0] == 0) {
		answer_again(fake, args);
		return 0;
	}
	swallow = calloc(1, sizeof(*swallow));
	if (!swallow)
		return -ENOMEM;
	swallow->device = args->device;
	swallow->adapter = args->adapter;
	swallow->left = args->numbers[0];
	swallow->done = done;
	(void)snprintf(swallow->method, sizeof(swallow->method), "%s", args->words[0]);
	swallow->next = fake->swallows;
	fake->swallows = swallow;
	return 0;
}

static int run_start_race(void *face, const struct fault_args *args,
			  struct fault_reply *reply _unused_)
{
	((struct fake *)face)->options.start_race = args->on;
	return 0;
}

/* As fast as it goes, for benchmarks; only what is subscribed is sent. */
static int run_burst(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_device *device = linked(face, args, reply);
	const struct model_kind *kind = args->device->kind;

	if (!device || !device->gatt)
		return -ENOTCONN;
	for (size_t i = 0; i < kind->attr_count; i++) {
		if (kind->attrs[i].type == BURST_UUID)
			fake_gatt_burst(device, kind->attrs[i].handle, args->numbers[0]);
	}
	return 0;
}

static int run_notify_stuck(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_device *device = linked(face, args, reply);
	const bool is_acquired = strcmp(args->words[0], "acquired") == 0;

	if (!device)
		return -ENOTCONN;
	if (!is_acquired && strcmp(args->words[0], "progress") != 0) {
		fault_reply_set(reply, "usage: notify-stuck ADDR acquired|progress");
		return -EINVAL;
	}
	device->leftover = is_acquired ? FAKE_LEFTOVER_ACQUIRED : FAKE_LEFTOVER_PROGRESS;
	return 0;
}

static int run_late_value(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_device *device = linked(face, args, reply);

	if (!device)
		return -ENOTCONN;
	device->is_value_late = true;
	return 0;
}

/* Of one adapter only, whoever the device is; the others take it. */
static int run_refuse_adapter(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	const bool is_full = strcmp(args->words[0], "full") == 0;
	struct fake_adapter *adapter = adapter_of(face, args);

	if (args->words[0][0] && !is_full) {
		fault_reply_set(reply, "usage: refuse-adapter N COUNT [full]");
		return -EINVAL;
	}
	if (args->numbers[0] > UINT32_MAX)
		return -ERANGE;
	adapter->refuse = (unsigned)args->numbers[0];
	adapter->refusal =
		is_full ? "le-concurrent-connection-limit" : "le-connection-abort-by-local";
	return 0;
}

const struct fault_command fake_fault_table[] = {
	{ "drop", "d?n", "ADDR [REASON]", run_drop },
	{ "silent", "db", "ADDR on|off", run_silent },
	{ "refuse", "dn?ww", "ADDR N [STATUS] [answered]", run_refuse },
	{ "refuse-adapter", "an?w", "N COUNT [full]", run_refuse_adapter },
	{ "lose", "d?w", "ADDR [forgotten|stuck|phantom|orphan]", run_lose },
	{ "hide", "dn", "ADDR UUID|0", run_hide },
	{ "resolved-first", "db", "ADDR on|off", run_resolved_first },
	{ "bonded", "db", "ADDR on|off", run_bonded },
	{ "unplug", "a", "N", run_unplug },
	{ "plug", "a", "N", run_plug },
	{ "powered", "ab", "N on|off", run_powered },
	{ "rfkill", "ab", "N on|off", run_rfkill },
	{ "hang-adapter", "ab", "N on|off", run_hang_adapter },
	{ "deaf-adapter", "ab", "N on|off", run_deaf },
	{ "le", "ab", "N on|off", run_le },
	{ "release-monitors", "a", "N", run_release_monitors },
	{ "raw-scan", "ab", "N on|off", run_raw_scan },
	{ "discovery", "ab", "N on|off", run_discovery },
	{ "bare", "db", "ADDR on|off", run_bare },
	{ "early-advert", "dn", "ADDR N", run_early },
	{ "restart-bluetoothd", "?nw", "[MS [kill]]", run_restart },
	{ "hang-bluetoothd", "n", "MS", run_hang },
	{ "no-reply", "twn?w", "ADDR METHOD N [done]", run_no_reply },
	{ "start-race", "b", "on|off", run_start_race },
	{ "burst", "dn", "ADDR N", run_burst },
	{ "notify-stuck", "dw", "ADDR acquired|progress", run_notify_stuck },
	{ "late-value", "d", "ADDR", run_late_value },
};
const size_t fake_fault_count = ARRAY_LEN(fake_fault_table);
