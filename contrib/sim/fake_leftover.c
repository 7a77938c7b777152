/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_leftover.c - faults: what earlier users of a characteristic left behind. Before
 * fake_notify.c, which knows no such things.
 */
#include "contrib/sim/fake_gatt.h"

/* Nobody is there to end it, and only StopNotify does. */
static int refuse(sd_bus_message *m, const struct fake_object *object)
{
	if (object->device->leftover == FAKE_LEFTOVER_ACQUIRED)
		return fake_fail(object->fake, m, "NotPermitted", "Notify acquired");
	return fake_fail(object->fake, m, "InProgress", "In Progress");
}

int fake_leftover_acquire(sd_bus_message *m, const struct fake_object *object)
{
	if (object->device->leftover != FAKE_LEFTOVER_NONE)
		return refuse(m, object);
	return fake_acquire_notify(m, object);
}

int fake_leftover_start(sd_bus_message *m, const struct fake_object *object)
{
	static const uint8_t old[] = { 'o', 'l', 'd' };
	struct fake_device *device = object->device;

	if (device->leftover != FAKE_LEFTOVER_NONE)
		return refuse(m, object);
	if (device->is_value_late)
		fake_value_changed(device, object->attr + 1, 0, old, sizeof(old));
	device->is_value_late = false;
	return fake_start_notify(m, object);
}

int fake_leftover_stop(sd_bus_message *m, const struct fake_object *object)
{
	if (object->device->leftover == FAKE_LEFTOVER_NONE)
		return fake_stop_notify(m, object);
	object->device->leftover = FAKE_LEFTOVER_NONE;
	return fake_ok(object->fake, m);
}
