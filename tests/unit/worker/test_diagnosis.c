/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The truth table: every row of reference/spec-systems.md 4.2, and what must hold for all others.
 */
#include "worker/diagnosis.h"

#include <check.h>

Suite *suite_diagnosis(void);

#define K(x)  DIAGNOSIS_KERNEL_##x
#define P(x)  DIAGNOSIS_PEER_##x
#define OLD   true
#define YOUNG false

static const struct {
	struct diagnosis_evidence e; /* object, connected, resolved, late, kernel, peer, failed */
	enum diagnosis wanted;
} ROWS[] = {
	/* The kernel cannot be asked: BlueZ is believed. */
	{ { true, true, true, OLD, K(UNKNOWN), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
	{ { true, true, false, OLD, K(UNKNOWN), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
	/* Phantom, whatever is cached. */
	{ { true, true, true, OLD, K(NONE), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_PHANTOM },
	{ { true, true, false, YOUNG, K(NONE), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_PHANTOM },
	{ { true, true, true, OLD, K(NONE), P(SILENT), CLASS_NONE }, DIAGNOSIS_PHANTOM },
	/* Inactive, but not before a slow peripheral had its time. */
	{ { true, true, false, OLD, K(UP), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_INACTIVE },
	{ { true, true, false, YOUNG, K(UP), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_UNKNOWN },
	{ { true, true, false, OLD, K(UP), P(ANSWERED), CLASS_NONE }, DIAGNOSIS_SOUND },
	/* All agree. */
	{ { true, true, true, YOUNG, K(UP), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
	{ { true, true, true, OLD, K(UP), P(ANSWERED), CLASS_NONE }, DIAGNOSIS_SOUND },
	/* All agree and are wrong: only the peripheral tells. */
	{ { true, true, true, OLD, K(UP), P(SILENT), CLASS_NONE }, DIAGNOSIS_DEAD },
	{ { true, true, true, OLD, K(UNKNOWN), P(SILENT), CLASS_NONE }, DIAGNOSIS_DEAD },
	{ { true, true, true, OLD, K(ENDING), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_DEAD },
	{ { true, true, true, OLD, K(CONNECTING), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_UNKNOWN },
	/* Orphan, with an object and without. */
	{ { true, false, false, OLD, K(UP), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_ORPHAN },
	{ { false, false, false, YOUNG, K(UP), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_ORPHAN },
	{ { true, false, false, YOUNG, K(UP), P(NOT_ASKED), CLASS_BUSY_SAME_DEVICE },
	  DIAGNOSIS_ORPHAN },
	/* Somebody's connect: the kernel lists it, or BlueZ says InProgress. */
	{ { true, false, false, YOUNG, K(CONNECTING), P(NOT_ASKED), CLASS_NONE },
	  DIAGNOSIS_PENDING },
	{ { true, false, false, YOUNG, K(NONE), P(NOT_ASKED), CLASS_BUSY_SAME_DEVICE },
	  DIAGNOSIS_PENDING },
	{ { true, false, false, YOUNG, K(UNKNOWN), P(NOT_ASKED), CLASS_BUSY_SAME_DEVICE },
	  DIAGNOSIS_PENDING },
	/* Stale: after a failure that it can have caused, and never before one. */
	{ { true, false, false, OLD, K(NONE), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
	{ { true, false, false, OLD, K(NONE), P(NOT_ASKED), CLASS_ABORTED_LOCAL },
	  DIAGNOSIS_STALE },
	{ { true, false, false, OLD, K(UNKNOWN), P(NOT_ASKED), CLASS_VALIDATION },
	  DIAGNOSIS_STALE },
	{ { true, false, false, OLD, K(NONE), P(NOT_ASKED), CLASS_NOT_FOUND }, DIAGNOSIS_SOUND },
	{ { false, false, false, YOUNG, K(NONE), P(NOT_ASKED), CLASS_ABORTED_LOCAL },
	  DIAGNOSIS_SOUND },
	{ { false, false, false, YOUNG, K(NONE), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
	{ { false, false, false, YOUNG, K(UNKNOWN), P(NOT_ASKED), CLASS_NONE }, DIAGNOSIS_SOUND },
};

START_TEST(rows)
{
	enum diagnosis found = diagnosis_of(&ROWS[_i].e);

	ck_assert_msg(found == ROWS[_i].wanted, "row %d: %s, not %s", _i, diagnosis_name(found),
		      diagnosis_name(ROWS[_i].wanted));
}
END_TEST

/* What no evidence may ever lead to. */
static void check(const struct diagnosis_evidence *e)
{
	enum diagnosis found = diagnosis_of(e);

	ck_assert(found < DIAGNOSIS_COUNT);
	/* A link that the peripheral answers on is left alone. */
	if (e->is_connected && e->peer == DIAGNOSIS_PEER_ANSWERED)
		ck_assert_int_eq((int)found, DIAGNOSIS_SOUND);
	/* Nothing is said of a link on the word of a kernel that said nothing. */
	if (e->kernel == DIAGNOSIS_KERNEL_UNKNOWN)
		ck_assert(found != DIAGNOSIS_PHANTOM && found != DIAGNOSIS_ORPHAN &&
			  found != DIAGNOSIS_INACTIVE);
	if (found == DIAGNOSIS_STALE || found == DIAGNOSIS_ORPHAN || found == DIAGNOSIS_PENDING)
		ck_assert(!e->is_connected);
	if (found == DIAGNOSIS_PHANTOM || found == DIAGNOSIS_INACTIVE || found == DIAGNOSIS_DEAD)
		ck_assert(e->is_connected);
	/* What was just heard and never failed is in its normal state. */
	if (!e->is_connected && e->failed == CLASS_NONE && e->kernel == DIAGNOSIS_KERNEL_NONE)
		ck_assert_int_eq((int)found, DIAGNOSIS_SOUND);
}

START_TEST(all)
{
	struct diagnosis_evidence e = { .failed = (enum err_class)_i };
	unsigned bits;
	int kernel;
	int peer;

	for (bits = 0; bits < 16; bits++)
		for (kernel = 0; kernel < DIAGNOSIS_KERNEL_COUNT; kernel++)
			for (peer = 0; peer < DIAGNOSIS_PEER_COUNT; peer++) {
				e.has_object = bits & 1;
				e.is_connected = bits & 2;
				e.is_resolved = bits & 4;
				e.is_late = bits & 8;
				e.kernel = (enum diagnosis_kernel)kernel;
				e.peer = (enum diagnosis_peer)peer;
				check(&e);
			}
}
END_TEST

Suite *suite_diagnosis(void)
{
	Suite *s = suite_create("diagnosis");
	TCase *c = tcase_create("diagnosis");

	tcase_add_loop_test(c, rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(c, all, 0, CLASS_COUNT);
	suite_add_tcase(s, c);
	return s;
}
