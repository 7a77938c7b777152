/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_faults_air.c - what the radio can be told to do wrong, too, by the same names:
 * peripherals that come and go or lie, controllers that lose what they were told.
 */
#include "contrib/sim/fake_state.h"

#include "contrib/sim/faults.h"

#define NOT_ESTABLISHED 0x3e

static struct fake_device *linked(struct fake *fake, const struct fault_args *args)
{
	if (args->device->link == MODEL_NO_ADAPTER)
		return NULL;
	return &fake->adapters[args->device->link].devices[args->device->index];
}

static int run_forget(void *face, const struct fault_args *args, struct fault_reply *reply)
{
	struct fake_device *device = linked(face, args);

	if (!device) {
		fault_reply_set(reply, "%s has no link", args->device->name);
		return -ENOTCONN;
	}
	fake_link_lose(device, FAKE_FORGOTTEN);
	return 0;
}

/* Out of range: its link ends as after the supervision timeout, at once. */
static int run_vanish(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake_device *device = linked(face, args);

	args->device->silent = args->on;
	if (args->on && device)
		fake_link_drop(device, MGMT_REASON_TIMEOUT);
	if (!args->on)
		fake_link_available(face, args->device);
	return 0;
}

static int run_deaf(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		fake->adapters[i].devices[args->device->index].deaf = args->on;
	if (!args->on)
		fake_link_available(fake, args->device);
	return 0;
}

/* For bluetoothd the same as a connect that is refused: the kernel tells it no more. */
static int run_lie(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	if (args->numbers[0] > UINT32_MAX)
		return -ERANGE;
	args->device->refuse = (unsigned)args->numbers[0];
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		fake->adapters[i].devices[args->device->index].answer = false;
		fake->adapters[i].devices[args->device->index].refuse_status = MGMT_FAILED;
	}
	return 0;
}

static int run_early_drop(void *face, const struct fault_args *args,
			  struct fault_reply *reply _unused_)
{
	const uint64_t reason = args->has_number[1] ? args->numbers[1] : NOT_ESTABLISHED;
	struct fake *fake = face;

	if (args->numbers[0] > UINT32_MAX)
		return -ERANGE;
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		struct fake_device *device = &fake->adapters[i].devices[args->device->index];

		device->early_drop = (unsigned)args->numbers[0];
		device->early_reason = fake_mgmt_reason(reason);
	}
	return 0;
}

static int run_connect_hang(void *face, const struct fault_args *args,
			    struct fault_reply *reply _unused_)
{
	struct fake *fake = face;

	fake->adapters[args->adapter->index].connect_hang = args->on;
	for (unsigned i = 0; !args->on && i < model_device_count(fake->model); i++)
		fake_link_available(fake, model_device(fake->model, i));
	return 0;
}

static int run_lost_disconnect(void *face, const struct fault_args *args,
			       struct fault_reply *reply _unused_)
{
	((struct fake *)face)->adapters[args->adapter->index].lost_disconnect = args->on;
	return 0;
}

const struct fault_command fake_air_fault_table[] = {
	{ "forget", "d", "ADDR", run_forget },
	{ "vanish", "db", "ADDR on|off", run_vanish },
	{ "deaf", "db", "ADDR on|off", run_deaf },
	{ "lie", "dn?n", "ADDR N [STATUS]", run_lie },
	{ "early-drop", "dn?n", "ADDR N [REASON]", run_early_drop },
	{ "connect-hang", "ab", "N on|off", run_connect_hang },
	{ "lost-disconnect", "ab", "N on|off", run_lost_disconnect },
};
const size_t fake_air_fault_count = ARRAY_LEN(fake_air_fault_table);
