/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/plan_bench.c - see plan_bench.h.
 */
#include "tests/unit/sim/plan_bench.h"

#include <check.h>
#include <string.h>

#include "contrib/sim/fake.h"
#include "contrib/sim/model.h"
#include "contrib/sim/plan_run.h"
#include "contrib/sim/radio.h"

static int check_command(void *data, const char *text, enum plan_sort *out_sort, char **out_error)
{
	struct plan_bench *bench = data;

	return plan_run_check(bench->faults, text, out_sort, out_error);
}

static int check_trigger(void *data, const char *name, enum plan_sort *out_sort)
{
	const struct plan_bench *bench = data;

	return bench->face == PLAN_FAKE ? fake_trigger(name, out_sort)
					: radio_trigger(name, out_sort);
}

static void add(struct plan_bench *bench, const struct fault_command *table, size_t count)
{
	ck_assert_int_eq(faults_register(bench->faults, table, count, NULL), 0);
}

void plan_bench_open(struct plan_bench *bench, enum plan_face face, unsigned adapters,
		     unsigned devices)
{
	const struct model_config config = {
		.adapters = adapters,
		.devices = devices,
		.seed = 1,
		.notify_ms = 200,
	};

	memset(bench, 0, sizeof(*bench));
	bench->face = face;
	bench->checker = (struct plan_checker){ check_command, check_trigger, bench };
	ck_assert_int_eq(model_new(&bench->model, &config), 0);
	ck_assert_int_eq(faults_new(&bench->faults, bench->model), 0);
	add(bench, faults_model_table, faults_model_count);
	if (face == PLAN_LAB) {
		add(bench, radio_fault_table, radio_fault_count);
		return;
	}
	add(bench, fake_fault_table, fake_fault_count);
	add(bench, fake_air_fault_table, fake_air_fault_count);
}

void plan_bench_close(struct plan_bench *bench)
{
	bench->plan = plan_free(bench->plan);
	bench->faults = faults_free(bench->faults);
	bench->model = model_free(bench->model);
}

void plan_bench_read(struct plan_bench *bench, const char *text)
{
	char *error = NULL;

	bench->plan = plan_free(bench->plan);
	ck_assert_msg(
		plan_parse(&bench->plan, "plan", text, bench->face, &bench->checker, &error) == 0,
		"%s", error);
}
