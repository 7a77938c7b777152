/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/deviceview_json.c - a device as an object; deviceview.h. */
#include "ipc/client/cli/deviceview.h"

#include "ipc/client/cli/out.h"

static json_t *adapters_json(const struct deviceview *view)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < view->n_adapters; i++) {
		const struct deviceview_adapter *a = &view->adapters[i];
		json_t *object = json_object();

		(void)json_object_set_new(object, "adapter", out_string(a->name));
		if (a->rssi_dbm != BH_RSSI_UNKNOWN)
			(void)json_object_set_new(object, "rssi_dbm", json_integer(a->rssi_dbm));
		if (a->age_ms != UINT32_MAX)
			(void)json_object_set_new(object, "age_ms", json_integer(a->age_ms));
		(void)json_object_set_new(object, "connected", json_boolean(a->is_connected));
		(void)json_array_append_new(array, object);
	}
	return array;
}

static json_t *counts_json(const struct deviceview *view)
{
	const struct bh_device_counts *counts = &view->counts;
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{ "connects", counts->connects },
		{ "losses", counts->losses },
		{ "attempts_failed", counts->attempts_failed },
		{ "given_up", counts->given_up },
		{ "requests", view->requests },
		{ "request_failures", counts->request_failures },
		{ "values", view->values },
		{ "checks", counts->checks },
		{ "checks_failed", counts->checks_failed },
		{ "health_failures", counts->health_failures },
		{ "health_successes", counts->health_successes },
		{ "transitions", counts->transitions },
	};
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers); i++)
		(void)json_object_set_new(object, numbers[i].name,
					  json_integer((json_int_t)numbers[i].number));
	return object;
}

static json_t *steps_json(const struct deviceview *view)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < view->n_steps; i++) {
		const struct deviceview_step *step = &view->steps[i];
		json_t *object = json_object();

		(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)step->at_ms));
		(void)json_object_set_new(object, "state", out_string(step->state));
		if (*step->adapter)
			(void)json_object_set_new(object, "adapter", out_string(step->adapter));
		if (step->error != BH_CLASS_NONE)
			(void)json_object_set_new(object, "class",
						  out_string(bh_class_name(step->error)));
		(void)json_object_set_new(object, "text", out_string(step->text));
		(void)json_array_append_new(array, object);
	}
	return array;
}

static json_t *timings_json(const struct deviceview *view)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < view->n_timings; i++)
		(void)json_object_set_new(object, view->timings[i].part,
					  out_distribution(&view->timings[i].took));
	return object;
}

static json_t *sessions_json(const struct deviceview *view)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < view->n_sessions; i++)
		(void)json_array_append_new(array, sessview_json(&view->sessions[i].row));
	return array;
}

json_t *deviceview_json(const struct deviceview *view)
{
	json_t *object = json_object();
	char address[18];

	bh_format_address(view->address, address);
	(void)json_object_set_new(object, "address", json_string(address));
	(void)json_object_set_new(object, "random", json_boolean(view->is_random));
	(void)json_object_set_new(object, "name",
				  *view->name ? out_string(view->name) : json_null());
	(void)json_object_set_new(object, "state", out_string(view->state));
	(void)json_object_set_new(
		object, "since_ms",
		view->state_for_ms == UINT32_MAX ? json_null() : json_integer(view->state_for_ms));
	(void)json_object_set_new(object, "adapter",
				  *view->link_adapter ? out_string(view->link_adapter)
						      : json_null());
	(void)json_object_set_new(object, "health", out_string(view->health));
	(void)json_object_set_new(object, "strategy", out_string(bh_strategy_name(view->strategy)));
	(void)json_object_set_new(object, "keeper",
				  *view->keeper ? out_string(view->keeper) : json_null());
	(void)json_object_set_new(object, "check_interval_ms",
				  json_integer(view->check_interval_ms));
	(void)json_object_set_new(object, "circuit_open", json_boolean(view->circuit_failures > 0));
	(void)json_object_set_new(object, "circuit_failures", json_integer(view->circuit_failures));
	(void)json_object_set_new(object, "adapters", adapters_json(view));
	(void)json_object_set_new(object, "counts", counts_json(view));
	(void)json_object_set_new(object, "sessions", sessions_json(view));
	(void)json_object_set_new(object, "timings", timings_json(view));
	(void)json_object_set_new(object, "history", steps_json(view));
	return object;
}
