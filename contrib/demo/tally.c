/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/tally.c - see tally.h. One function per kind of report, in a table.
 */
#include "contrib/demo/tally.h"

#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

void samples_add(struct samples *samples, uint64_t us)
{
	if (samples->count < SAMPLES_MAX)
		samples->us[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int compare_us(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

uint32_t samples_quantile_us(struct samples *samples, unsigned per_cent)
{
	if (samples->count == 0)
		return 0;
	qsort(samples->us, samples->count, sizeof(samples->us[0]), compare_us);
	return samples->us[(samples->count - 1) * per_cent / 100];
}

static void copy(char *out, size_t size_bytes, const char *text)
{
	report_text(out, size_bytes, text, strlen(text));
}

/* An answer came: whatever was wrong with this hold is over. */
static void served(struct tally *tally, struct use *use, const struct report *report)
{
	use->is_held = true;
	use->is_troubled = false;
	if (report->adapter[0])
		copy(use->adapter, sizeof(use->adapter), report->adapter);
	/* Before MOVED it may still be an answer that the dead worker had sent. */
	if (tally->kill_at_us && use->moved_at_us && !use->served_at_us)
		use->served_at_us = report->at_us;
}

static void on_connected(struct tally *tally, enum program program, const struct report *report)
{
	struct use *use = &tally->uses[program][report->peripheral];

	use->connects++;
	tally->doings[program].connects++;
	samples_add(report->number ? &tally->connects : &tally->joins, report->took_us);
	served(tally, use, report);
	if (program == PROGRAM_COLLECTOR && tally->drop_noticed_at_us &&
	    report->peripheral == tally->drop_peripheral && !tally->drop_connected_at_us)
		tally->drop_connected_at_us = report->at_us;
}

static void on_value(struct tally *tally, enum program program, const struct report *report)
{
	struct peripheral *peripheral = &tally->peripherals[report->peripheral];

	peripheral->notifications++;
	(void)snprintf(peripheral->value, sizeof(peripheral->value), "#%u", report->number);
	served(tally, &tally->uses[program][report->peripheral], report);
	if (tally->drop_connected_at_us && report->peripheral == tally->drop_peripheral &&
	    !tally->drop_value_at_us)
		tally->drop_value_at_us = report->at_us;
}

static void on_gap(struct tally *tally, enum program program _unused_, const struct report *report)
{
	tally->peripherals[report->peripheral].gaps += report->number;
}

static void on_missed(struct tally *tally, enum program program _unused_,
		      const struct report *report)
{
	tally->peripherals[report->peripheral].missed += report->number;
}

static void on_twice(struct tally *tally, enum program program _unused_,
		     const struct report *report _unused_)
{
	tally->peripherals[report->peripheral].twice++;
}

static void on_read(struct tally *tally, enum program program, const struct report *report)
{
	struct peripheral *peripheral = &tally->peripherals[report->peripheral];

	samples_add(&tally->reads, report->took_us);
	/* Of what the logger reads only the battery is worth showing, where nothing moves faster.
	 */
	if (program == PROGRAM_SWITCH ||
	    (peripheral->notifications == 0 && strchr(report->text, '%')))
		copy(peripheral->value, sizeof(peripheral->value), report->text);
	served(tally, &tally->uses[program][report->peripheral], report);
}

static void on_written(struct tally *tally, enum program program, const struct report *report)
{
	samples_add(&tally->writes, report->took_us);
	if (report->number < WRITES_MAX)
		tally->confirmed[report->number] = 1;
	served(tally, &tally->uses[program][report->peripheral], report);
}

static void on_same(struct tally *tally, enum program program _unused_,
		    const struct report *report _unused_)
{
	tally->same++;
	tally->same_after_kill += tally->kill_at_us != 0;
}

static void on_different(struct tally *tally, enum program program _unused_,
			 const struct report *report _unused_)
{
	tally->different++;
}

static void on_interrupted(struct tally *tally, enum program program, const struct report *report)
{
	tally->interrupted++;
	served(tally, &tally->uses[program][report->peripheral], report);
}

static void on_released(struct tally *tally, enum program program, const struct report *report)
{
	struct use *use = &tally->uses[program][report->peripheral];

	use->is_held = false;
	use->is_troubled = false;
}

static void on_link_lost(struct tally *tally, enum program program, const struct report *report)
{
	tally->uses[program][report->peripheral].is_troubled = true;
	if (!tally->drop_at_us || report->peripheral != tally->drop_peripheral ||
	    tally->drop_noticed_at_us) {
		tally->links_lost++;
		return;
	}
	tally->drop_noticed_at_us = report->at_us;
}

static void on_waits(struct tally *tally, enum program program, const struct report *report)
{
	tally->uses[program][report->peripheral].is_troubled = true;
}

static void on_moved(struct tally *tally, enum program program, const struct report *report)
{
	struct use *use = &tally->uses[program][report->peripheral];

	use->is_troubled = true;
	use->moved_at_us = report->at_us;
	copy(use->adapter, sizeof(use->adapter), report->adapter);
	if (!tally->kill_at_us || report->at_us < tally->kill_at_us)
		return;
	tally->moves++;
	tally->moved_programs |= 1u << program;
	tally->last_move_us = report->at_us - tally->kill_at_us;
}

static void on_scanned(struct tally *tally, enum program program, const struct report *report)
{
	tally->doings[program].has_scanned = true;
	tally->doings[program].heard = report->number;
	tally->doings[program].scan_us = report->took_us;
}

static void on_tour(struct tally *tally, enum program program _unused_, const struct report *report)
{
	tally->tours = report->number;
	tally->tour_us = report->took_us;
	if (tally->kill_at_us && report->at_us - report->took_us > tally->kill_at_us)
		tally->tours_after_kill++;
}

/* Whoever was just using the link that was cut hears of it: that is no failure of the demo. */
static bool is_expected(const struct tally *tally, const struct report *report)
{
	return tally->drop_at_us && report->peripheral == tally->drop_peripheral &&
	       report->error == BH_CLASS_LINK_LOST;
}

static void on_error(struct tally *tally, enum program program, const struct report *report)
{
	if (is_expected(tally, report)) {
		tally->errors_expected++;
		return;
	}
	tally->errors++;
	tally->doings[program].errors++;
	if (!tally->first_error[0])
		(void)snprintf(tally->first_error, sizeof(tally->first_error), "%s: %s",
			       client_role(program)->name, report->text);
}

static void on_bye(struct tally *tally, enum program program, const struct report *report _unused_)
{
	tally->doings[program].said_bye = true;
	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++)
		tally->uses[program][i].is_held = false;
}

static const struct {
	void (*act)(struct tally *tally, enum program program, const struct report *report);
	bool has_peripheral;
} rows[REPORT_KINDS] = {
	[REPORT_SCANNED] = { on_scanned, false },
	[REPORT_CONNECTED] = { on_connected, true },
	[REPORT_VALUE] = { on_value, true },
	[REPORT_GAP] = { on_gap, true },
	[REPORT_MISSED] = { on_missed, true },
	[REPORT_TWICE] = { on_twice, true },
	[REPORT_READ] = { on_read, true },
	[REPORT_WRITTEN] = { on_written, true },
	[REPORT_SAME] = { on_same, true },
	[REPORT_DIFFERENT] = { on_different, true },
	[REPORT_INTERRUPTED] = { on_interrupted, true },
	[REPORT_RELEASED] = { on_released, true },
	[REPORT_LINK_LOST] = { on_link_lost, true },
	[REPORT_WAITS] = { on_waits, true },
	[REPORT_MOVED] = { on_moved, true },
	[REPORT_TOUR] = { on_tour, false },
	[REPORT_ERROR] = { on_error, false },
	[REPORT_BYE] = { on_bye, false },
};

void tally_report(struct tally *tally, enum program program, const struct report *report)
{
	if (report->kind >= REPORT_KINDS || !rows[report->kind].act)
		return;
	if (rows[report->kind].has_peripheral && report->peripheral >= DEMO_PERIPHERALS)
		return;
	rows[report->kind].act(tally, program, report);
}

void tally_kill(struct tally *tally, const struct adapter *adapter, uint64_t at_us)
{
	copy(tally->kill_adapter, sizeof(tally->kill_adapter), adapter->name);
	tally->kill_pid = adapter->worker_pid;
	tally->kill_at_us = at_us;
	for (unsigned program = 0; program < PROGRAM_COUNT; program++) {
		uint32_t before = tally->kill_sessions;

		for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++) {
			struct use *use = &tally->uses[program][i];

			if (!use->is_held || strcmp(use->adapter, adapter->name) != 0)
				continue;
			tally->kill_sessions++;
			/* The logger may let go at this very moment and has nothing to wait for. */
			use->is_awaited = program != PROGRAM_LOGGER;
		}
		tally->kill_programs += tally->kill_sessions > before;
	}
}

void tally_device(struct tally *tally, const struct bh_device *device)
{
	uint32_t index = report_peripheral(device->address);
	struct peripheral *peripheral;

	if (index == DEMO_NOBODY)
		return;
	peripheral = &tally->peripherals[index];
	copy(peripheral->name, sizeof(peripheral->name), device->name);
	for (size_t s = 0; s < device->n_sightings; s++) {
		const struct bh_sighting *sighting = &device->sightings[s];

		for (uint32_t a = 0; a < tally->adapter_count; a++) {
			if (strcmp(tally->adapters[a].name, sighting->adapter) == 0)
				peripheral->rssi_dbm[a] = sighting->rssi_dbm;
		}
	}
}

void tally_adapter(struct tally *tally, const struct bh_adapter *adapter, uint32_t index,
		   uint64_t at_us)
{
	struct adapter *ours = &tally->adapters[index];

	if (index >= DEMO_ADAPTERS)
		return;
	if (index >= tally->adapter_count)
		tally->adapter_count = index + 1;
	copy(ours->name, sizeof(ours->name), adapter->name);
	copy(ours->state, sizeof(ours->state), adapter->state);
	ours->worker_pid = adapter->worker_pid;
	ours->links = adapter->links;
	ours->sessions = adapter->sessions;

	if (tally->kill_at_us && !tally->new_pid && strcmp(ours->state, "ready") == 0 &&
	    strcmp(ours->name, tally->kill_adapter) == 0 && ours->worker_pid != tally->kill_pid) {
		tally->new_pid = ours->worker_pid;
		tally->new_pid_at_us = at_us;
	}
}

const struct adapter *tally_find_adapter(const struct tally *tally, const char *name)
{
	for (uint32_t i = 0; i < tally->adapter_count; i++) {
		if (strcmp(tally->adapters[i].name, name) == 0)
			return &tally->adapters[i];
	}
	return NULL;
}

bool tally_is_recovered(const struct tally *tally)
{
	for (unsigned program = 0; program < PROGRAM_COUNT; program++) {
		for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++) {
			const struct use *use = &tally->uses[program][i];

			if (use->is_awaited && !use->served_at_us)
				return false;
		}
	}
	return tally->kill_at_us != 0;
}

uint32_t tally_notifications(const struct tally *tally)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++)
		sum += tally->peripherals[i].notifications;
	return sum;
}

const char *tally_link_adapter(const struct tally *tally, uint32_t peripheral)
{
	for (unsigned program = 0; program < PROGRAM_COUNT; program++) {
		const struct use *use = &tally->uses[program][peripheral];

		if (use->is_held)
			return use->adapter;
	}
	return NULL;
}
