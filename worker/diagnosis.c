/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/diagnosis.h"

/* What a column of a row accepts. */
enum yes { ANY, YES, NO };

enum failure {
	FAILURE_ANY,
	FAILURE_BUSY,	 /* BlueZ said that a connect was under way, and it was not ours */
	FAILURE_SUSPECT, /* one that stale knowledge can cause */
};

#define KERNEL(state) (1u << DIAGNOSIS_KERNEL_##state)
#define PEER(word)    (1u << DIAGNOSIS_PEER_##word)

/* Sets of those; 0 accepts all. */
struct row {
	enum yes connected;
	enum yes resolved;
	enum yes object;
	unsigned kernel;
	unsigned peer;
	enum yes late;
	enum failure failure;
	enum diagnosis diagnosis;
};

/* The first row that fits. */
static const struct row ROWS[] = {
	/* Only the peripheral proves a link, and three layers can agree and be wrong. */
	{ .connected = YES, .peer = PEER(ANSWERED), .diagnosis = DIAGNOSIS_SOUND },
	{ .connected = YES, .kernel = KERNEL(NONE), .diagnosis = DIAGNOSIS_PHANTOM },
	{ .connected = YES, .peer = PEER(SILENT), .diagnosis = DIAGNOSIS_DEAD },
	/* Otherwise a kernel that cannot be asked would make a phantom of every link. */
	{ .connected = YES, .kernel = KERNEL(UNKNOWN), .diagnosis = DIAGNOSIS_SOUND },
	/* Not to be given out: it is going, or its controller never lets it go. */
	{ .connected = YES, .kernel = KERNEL(ENDING), .diagnosis = DIAGNOSIS_DEAD },
	{ .connected = YES, .kernel = KERNEL(CONNECTING), .diagnosis = DIAGNOSIS_UNKNOWN },
	{ .connected = YES, .resolved = YES, .diagnosis = DIAGNOSIS_SOUND },
	{ .connected = YES, .late = NO, .diagnosis = DIAGNOSIS_UNKNOWN },
	{ .connected = YES, .diagnosis = DIAGNOSIS_INACTIVE },

	{ .kernel = KERNEL(UP) | KERNEL(ENDING), .diagnosis = DIAGNOSIS_ORPHAN },
	{ .kernel = KERNEL(CONNECTING), .diagnosis = DIAGNOSIS_PENDING },
	{ .failure = FAILURE_BUSY, .diagnosis = DIAGNOSIS_PENDING },
	/* Without a failure it is the normal state of what was just heard. */
	{ .object = YES, .failure = FAILURE_SUSPECT, .diagnosis = DIAGNOSIS_STALE },
	{ .diagnosis = DIAGNOSIS_SOUND },
};

/*
 * Failures that may come from what BlueZ remembers. Not among them: a peripheral that is not there,
 * an adapter or a bluetoothd in trouble. Who cannot hear a peripheral would only lose the way to
 * reach it without an advert.
 */
static const enum err_class SUSPECTS[] = {
	CLASS_ABORTED_LOCAL, CLASS_NO_REPLY,   CLASS_GATT_MISSING, CLASS_GATT_LATE,
	CLASS_PHANTOM,	     CLASS_VALIDATION, CLASS_INTERNAL,
};

static const struct {
	const char *name;
	enum err_class class;
} STATES[DIAGNOSIS_COUNT] = {
	[DIAGNOSIS_SOUND] = { "not stuck", CLASS_NONE },
	[DIAGNOSIS_PHANTOM] = { "phantom", CLASS_PHANTOM },
	[DIAGNOSIS_INACTIVE] = { "inactive link", CLASS_GATT_LATE },
	[DIAGNOSIS_ORPHAN] = { "orphan handle", CLASS_PHANTOM },
	[DIAGNOSIS_PENDING] = { "pending connect", CLASS_BUSY_SAME_DEVICE },
	[DIAGNOSIS_STALE] = { "stale cache", CLASS_GATT_MISSING },
	[DIAGNOSIS_DEAD] = { "dead link", CLASS_ZOMBIE },
	[DIAGNOSIS_UNKNOWN] = { "cannot tell", CLASS_NONE },
};

static bool is_suspect(enum err_class failed)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(SUSPECTS); i++)
		if (SUSPECTS[i] == failed)
			return true;
	return false;
}

static bool fits_yes(enum yes wanted, bool is)
{
	return wanted == ANY || (wanted == YES) == is;
}

static bool fits_failure(enum failure wanted, enum err_class failed)
{
	switch (wanted) {
	case FAILURE_ANY:
		return true;
	case FAILURE_BUSY:
		return failed == CLASS_BUSY_SAME_DEVICE;
	case FAILURE_SUSPECT:
		return is_suspect(failed);
	}
	return false;
}

static bool fits(const struct row *row, const struct diagnosis_evidence *e)
{
	return fits_yes(row->connected, e->is_connected) &&
	       fits_yes(row->resolved, e->is_resolved) && fits_yes(row->object, e->has_object) &&
	       (row->kernel == 0 || row->kernel & 1u << e->kernel) &&
	       (row->peer == 0 || row->peer & 1u << e->peer) && fits_yes(row->late, e->is_late) &&
	       fits_failure(row->failure, e->failed);
}

enum diagnosis diagnosis_of(const struct diagnosis_evidence *evidence)
{
	size_t i = 0;

	/* The last row fits everything. */
	while (!fits(&ROWS[i], evidence))
		i++;
	return ROWS[i].diagnosis;
}

const char *diagnosis_name(enum diagnosis diagnosis)
{
	return STATES[diagnosis].name;
}

enum err_class diagnosis_class(enum diagnosis diagnosis)
{
	return STATES[diagnosis].class;
}
