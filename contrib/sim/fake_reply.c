/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_reply.c - answers to method calls, with bluetoothd's error names and texts.
 *
 * Every answer goes through fake_answer(), so that a fault can lose it.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>

void fake_calls_add(struct fake_calls *calls, sd_bus_message *m)
{
	sd_bus_message **grown;

	grown = reallocarray(calls->messages, calls->count + 1, sizeof(*grown));
	if (!grown)
		return;
	grown[calls->count++] = sd_bus_message_ref(m);
	calls->messages = grown;
}

void fake_calls_clear(struct fake_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		sd_bus_message_unref(calls->messages[i]);
	free(calls->messages);
	*calls = (struct fake_calls){ 0 };
}

/* Takes the call off the list if it is there: its answer is lost. */
static bool take_unanswered(struct fake_calls *calls, const sd_bus_message *call)
{
	for (size_t i = 0; i < calls->count; i++) {
		if (calls->messages[i] != call)
			continue;
		sd_bus_message_unref(calls->messages[i]);
		calls->messages[i] = calls->messages[--calls->count];
		return true;
	}
	return false;
}

void fake_answer(struct fake *fake, sd_bus_message *call, sd_bus_message *reply)
{
	if (fake->unanswered.count && take_unanswered(&fake->unanswered, call)) {
		sd_bus_message_unref(reply);
		return;
	}
	if (sd_bus_message_get_expect_reply(call) > 0)
		fake_send(fake, reply);
	else
		sd_bus_message_unref(reply);
}

int fake_ok(struct fake *fake, sd_bus_message *call)
{
	sd_bus_message *reply = NULL;

	if (sd_bus_message_new_method_return(call, &reply) >= 0)
		fake_answer(fake, call, reply);
	return 0;
}

int fake_fail_dbus(struct fake *fake, sd_bus_message *call, const char *name, const char *text)
{
	sd_bus_message *reply = NULL;
	sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, text);

	if (sd_bus_message_new_method_error(call, &reply, &error) >= 0)
		fake_answer(fake, call, reply);
	return 0;
}

int fake_fail(struct fake *fake, sd_bus_message *call, const char *name, const char *text)
{
	char full[96];

	(void)snprintf(full, sizeof(full), "org.bluez.Error.%s", name);
	return fake_fail_dbus(fake, call, full, text);
}

int fake_fail_att(struct fake *fake, sd_bus_message *call, int att)
{
	static const struct {
		int att;
		const char *name;
		const char *text;
	} rows[] = {
		{ MODEL_ATT_READ_NOT_PERMITTED, "NotPermitted", "Read not permitted" },
		{ MODEL_ATT_WRITE_NOT_PERMITTED, "NotPermitted", "Write not permitted" },
		{ MODEL_ATT_INVALID_OFFSET, "InvalidArguments", "Invalid offset" },
		{ MODEL_ATT_INVALID_LENGTH, "InvalidArguments", "Invalid Length" },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].att == att)
			return fake_fail(fake, call, rows[i].name, rows[i].text);
	}
	(void)snprintf(text, sizeof(text), "Operation failed with ATT error: 0x%02x",
		       (unsigned)att);
	return fake_fail(fake, call, "Failed", text);
}

void fake_all_ok(struct fake *fake, struct fake_calls *calls)
{
	struct fake_calls taken = *calls;

	/* Emptied first: an answer must not find itself on the list again. */
	*calls = (struct fake_calls){ 0 };
	for (size_t i = 0; i < taken.count; i++)
		(void)fake_ok(fake, taken.messages[i]);
	fake_calls_clear(&taken);
}
