/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/support/churn_judge.c - a register that many write and read, as seen by all of them.
 *
 * The sim's log is the order in which writes arrived: a value has a place in it. Whoever was told
 * that a value is there, by the answer to a write or to a read, proves that from then on nobody may
 * be given an older one.
 */
#include "tests/support/churn.h"

#include <stdlib.h>
#include <string.h>

/* "at @at_us the peripheral had the @place-th value, or a later one". */
struct proof {
	int64_t at_us;
	uint32_t place;
};

struct judge {
	const struct churn_report *reports;
	size_t n;
	uint32_t *places[256]; /* by program and number: 1 and up, per device; 0: never arrived */
	uint32_t arrived[CHURN_DEVICES_MAX];
	struct proof *proofs[CHURN_DEVICES_MAX];
	size_t n_proofs[CHURN_DEVICES_MAX];
	struct churn_verdict verdict;
};

static uint32_t *place_of(struct judge *judge, uint32_t value)
{
	uint32_t program = value >> 24, number = value & 0xffffff;

	if (program >= judge->n || number == 0 || number > judge->reports[program].numbers)
		return NULL;
	return &judge->places[program][number];
}

static void take_line(struct judge *judge, const char *line, uint64_t first)
{
	const char *device = strstr(line, "\"device\":\"");
	const char *hex = strstr(line, "\"hex\":\"");
	uint64_t address;
	char name[18];
	uint32_t *place;

	if (!device || !hex || strcspn(hex + 7, "\"") != 8)
		return;
	memcpy(name, device + 10, 17);
	name[17] = '\0';
	if (bh_parse_address(name, &address) < 0 || address - first >= CHURN_DEVICES_MAX)
		return;
	place = place_of(judge, (uint32_t)strtoul(hex + 7, NULL, 16));
	if (!place)
		return;
	judge->verdict.arrived++;
	if (*place > 0)
		judge->verdict.doubles++;
	*place = ++judge->arrived[address - first];
}

/* The place of what a record says; false: nobody has ever written that. */
static bool find(struct judge *judge, const struct churn_record *record, uint32_t *out_place)
{
	const uint32_t *place = place_of(judge, record->value);

	*out_place = place ? *place : 0;
	return record->value == CHURN_NONE || *out_place > 0;
}

static void collect(struct judge *judge, const struct churn_record *record)
{
	struct proof **proofs = &judge->proofs[record->device];
	size_t *n = &judge->n_proofs[record->device];
	uint32_t place;

	if (record->error != BH_CLASS_NONE)
		return;
	judge->verdict.writes += record->is_write;
	judge->verdict.reads += !record->is_write;
	if (!find(judge, record, &place)) {
		judge->verdict.missing += record->is_write;
		judge->verdict.odd += !record->is_write;
		return;
	}
	if ((*n & (*n - 1)) == 0) {
		struct proof *more = realloc(*proofs, (*n > 0 ? 2 * *n : 1) * sizeof(*more));

		churn_need(more != NULL, "no memory");
		*proofs = more;
	}
	(*proofs)[(*n)++] = (struct proof){ record->ended_us, place };
}

static int by_time(const void *a, const void *b)
{
	const struct proof *x = a, *y = b;

	return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/* Sorted, and each knows the newest value of all before it. */
static void order(struct judge *judge, size_t device)
{
	struct proof *proofs = judge->proofs[device];
	size_t i;

	if (judge->n_proofs[device] > 0)
		qsort(proofs, judge->n_proofs[device], sizeof(*proofs), by_time);
	for (i = 1; i < judge->n_proofs[device]; i++)
		if (proofs[i].place < proofs[i - 1].place)
			proofs[i].place = proofs[i - 1].place;
}

/* The newest value that was proved before @at_us. */
static uint32_t proved(const struct judge *judge, size_t device, int64_t at_us)
{
	const struct proof *proofs = judge->proofs[device];
	size_t low = 0, high = judge->n_proofs[device];

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (proofs[mid].at_us < at_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? proofs[low - 1].place : 0;
}

static bool was_done(const struct judge *judge, uint32_t value)
{
	const struct churn_report *report = &judge->reports[value >> 24];

	for (uint32_t i = report->n_records; i-- > 0;)
		if (report->records[i].is_write && report->records[i].value == value)
			return report->records[i].error == BH_CLASS_NONE;
	return false;
}

static void judge_read(struct judge *judge, const struct churn_record *record)
{
	uint32_t place, own;

	if (record->is_write || record->error != BH_CLASS_NONE || !find(judge, record, &place))
		return;
	if (place < proved(judge, record->device, record->began_us)) {
		judge->verdict.stale++;
		return;
	}
	/* Requests of a session keep their order, also when nobody waits for answers. */
	if (record->after == 0)
		return;
	own = *place_of(judge, record->after);
	if (place < own && was_done(judge, record->after))
		judge->verdict.stale++;
}

struct churn_verdict churn_judge(const struct churn_report *reports, size_t n, uint64_t first,
				 char *writes)
{
	static struct judge judge;
	const char *line;

	judge = (struct judge){ .reports = reports, .n = n };
	for (size_t p = 0; p < n; p++) {
		judge.places[p] = calloc(reports[p].numbers + 1u, sizeof(uint32_t));
		churn_need(judge.places[p] != NULL, "no memory");
	}
	while ((line = strsep(&writes, "\n")) != NULL)
		take_line(&judge, line, first);
	for (size_t p = 0; p < n; p++)
		for (uint32_t i = 0; i < reports[p].n_records; i++)
			collect(&judge, &reports[p].records[i]);
	for (size_t d = 0; d < CHURN_DEVICES_MAX; d++)
		order(&judge, d);
	for (size_t p = 0; p < n; p++)
		for (uint32_t i = 0; i < reports[p].n_records; i++)
			judge_read(&judge, &reports[p].records[i]);
	for (size_t p = 0; p < n; p++)
		free(judge.places[p]);
	for (size_t d = 0; d < CHURN_DEVICES_MAX; d++)
		free(judge.proofs[d]);
	return judge.verdict;
}
