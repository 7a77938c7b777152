/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/device_log_wire.c - what programs ask of device_log.h, and say. */
#include "supervisor/device_log.h"

#include <stdio.h>

#include "ipc/clock.h"
#include "supervisor/client.h"
#include "supervisor/streams.h"

static_assert((int)HEALTH_UNHEALTHY == (int)BH__HEALTH__HEALTH_UNHEALTHY, "as in session.proto");
static_assert((int)HISTORY_ERROR == (int)BH__DEVICE_STATE__DEVICE_ERROR, "as in session.proto");
static_assert((int)HISTORY_TOTAL + 1 == (int)BH__PART__PART_TOTAL, "as in session.proto");

void device_log_describe(struct sup *sup, uint64_t address, Bh__Device *out)
{
	const struct history *history = device_log_of(sup, address);

	out->has_health = out->has_state = 1;
	out->health = BH__HEALTH__HEALTH_UNKNOWN;
	out->state = BH__DEVICE_STATE__DEVICE_DISCONNECTED;
	if (!history)
		return;
	out->has_state_for_ms = out->has_requests = out->has_values = 1;
	out->health = (Bh__Health)history->health.state;
	out->state = (Bh__DeviceState)history->state;
	out->state_for_ms = clock_span_ms(history->since_ms, clock_now_ms());
	out->requests = history->requests;
	out->values = history->values;
}

/* As the kernel called it then: it may be gone. NULL: none. */
static char *name_of(uint16_t index, char out[ADAPTER_NAME_LEN])
{
	if (index == HISTORY_NOWHERE)
		return NULL;
	(void)snprintf(out, ADAPTER_NAME_LEN, "hci%u", index);
	return out;
}

static void send_info(struct client *client, uint32_t id, const struct history *history)
{
	Bh__DeviceInfo info = BH__DEVICE_INFO__INIT;
	char name[ADAPTER_NAME_LEN];

	info.has_address = info.has_connects = info.has_attempts_failed = 1;
	info.has_given_up = info.has_losses = info.has_checks = info.has_checks_failed = 1;
	info.has_request_failures = info.has_health_failures = info.has_health_successes = 1;
	info.has_transitions = 1;
	info.address = history->address;
	info.adapter = name_of(history->adapter, name);
	info.connects = history->connects;
	info.attempts_failed = history->attempts_failed;
	info.given_up = history->given_up;
	info.losses = history->losses;
	info.checks = history->checks;
	info.checks_failed = history->checks_failed;
	info.request_failures = history->request_failures;
	info.health_failures = history->health.failures;
	info.health_successes = history->health.successes;
	info.transitions = history->n_steps;
	client_send(client, BH__TYPE__DEVICE_INFO, id, &info.base);
}

static void send_steps(struct client *client, uint32_t id, const struct history *history)
{
	const struct history_step *step;
	char name[ADAPTER_NAME_LEN];
	uint64_t number;

	for (number = history_first(history); (step = history_step(history, number)); number++) {
		Bh__History item = BH__HISTORY__INIT;

		item.has_at_ms = item.has_state = item.has_class_ = 1;
		item.at_ms = step->at_ms;
		item.state = (Bh__DeviceState)step->state;
		item.adapter = name_of(step->adapter, name);
		item.class_ = (Bh__Class)step->class;
		item.text = (char *)(uintptr_t)step->text;
		client_send(client, BH__TYPE__HISTORY, id, &item.base);
	}
}

size_t device_log_fill(const struct hist parts[HISTORY_PARTS], struct device_log_timings *out)
{
	Bh__Distribution *item;
	size_t n = 0;
	size_t i;

	for (i = 0; i < HISTORY_PARTS; i++) {
		if (parts[i].count == 0)
			continue;
		item = out->list[n] = &out->parts[n];
		n++;
		bh__distribution__init(item);
		item->has_part = item->has_count = item->has_min_ms = item->has_p50_ms = 1;
		item->has_p95_ms = item->has_max_ms = 1;
		item->part = (Bh__Part)(i + 1);
		item->count = parts[i].count;
		item->min_ms = parts[i].min_ms;
		item->p50_ms = hist_percentile(&parts[i], 50);
		item->p95_ms = hist_percentile(&parts[i], 95);
		item->max_ms = parts[i].max_ms;
	}
	return n;
}

void device_log_answer(struct client *client, uint32_t id, uint64_t address)
{
	const struct history *history = device_log_of(client->sup, address);
	struct device_log_timings timings;
	uint32_t n_steps = 0;
	size_t n;
	size_t i;

	if (address == 0 || address >> 48 != 0) {
		client_error(client, id, CLASS_INVALID, "that is no device address");
		return;
	}
	streams_device(client, id, address);
	if (history) {
		n_steps = (uint32_t)(history->n_steps - history_first(history));
		send_info(client, id, history);
		send_steps(client, id, history);
		n = device_log_fill(history->parts, &timings);
		for (i = 0; i < n; i++)
			client_send(client, BH__TYPE__DISTRIBUTION, id, &timings.list[i]->base);
	}
	client_done(client, id, n_steps);
}

void device_log_mark(struct client *client, uint32_t id, const Bh__HealthMark *msg)
{
	struct history *history;

	if (msg->address == 0 || msg->address >> 48 != 0) {
		client_error(client, id, CLASS_INVALID, "that is no device address");
		return;
	}
	if (msg->health < BH__HEALTH__HEALTH_UNKNOWN ||
	    msg->health > BH__HEALTH__HEALTH_UNHEALTHY) {
		client_error(client, id, CLASS_INVALID, "there is no such health");
		return;
	}
	history = device_log_need(client->sup, msg->address);
	if (!history) {
		client_error(client, id, CLASS_INTERNAL, "out of memory");
		return;
	}
	if (device_health_mark(&history->health, (enum health_state)msg->health))
		device_log_tell_health(client->sup, history, CLASS_NONE, "marked by %s",
				       client->label[0] ? client->label : "a program");
	client_done(client, id, 1);
}
