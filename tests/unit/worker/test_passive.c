/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passive scanning against the fake bluetoothd: it hears, disturbs nobody, and has a way back. */
#include "tests/unit/worker/harness.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_passive(void);

static struct harness h; /* too large for a stack; each test is a process of its own */

static const char *const WITH_MONITORS[] = { "--experimental", NULL };

static void begin(const char *pace, const char *const *sim_options)
{
	h.pace = pace;
	h.passive = "1";
	harness_begin(&h, 2, sim_options);
}

/* The supervisor is told that discovery is active from now on, and why. */
static void goes_active(const char *why)
{
	Bh__Event *event = harness_event(&h);

	ck_assert_str_eq(event->kind, "scan-active");
	ck_assert_msg(strstr(event->text, why) != NULL, "%s", event->text);
	bh__event__free_unpacked(event, NULL);
}

/* Adverts come without discovery and without the scan lock, and end with the last who wants them.
 */
START_TEST(hears_without_discovery)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t s;

	begin(NULL, WITH_MONITORS);
	harness_be_lockd(&h); /* one that grants nothing */
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), 0);
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	harness_stat_wait(&h, "monitoring", 0);
	s = harness_scan_for(&h, 2, 1, &id);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	harness_stop(&h);
}
END_TEST

/* A device whose RSSI stays as it is is heard again and again all the same. */
START_TEST(hears_again)
{
	static const char *const OPTIONS[] = { "--experimental", "--rescan-ms", "1200", NULL };
	uint32_t id;
	size_t s;
	int i;

	begin(NULL, OPTIONS);
	s = harness_scan_for(&h, 1, 1, &id);
	for (i = 0; i < 4; i++)
		harness_hears(&h, s, id);
	harness_stop(&h);
}
END_TEST

/* A connect does not end it. */
START_TEST(goes_on_beside_a_connect)
{
	uint32_t id;
	size_t s, c;

	begin(NULL, WITH_MONITORS);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	c = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, c)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_stat(&h, "monitoring"), 1);
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), 0);
	harness_stop(&h);
}
END_TEST

/* What is registered anew hears a device that speaks up later; discovery it stays not. */
START_TEST(goes_on_after)
{
	uint32_t id;
	size_t s;

	begin(NULL, WITH_MONITORS);
	harness_silence(&h, 1, true);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_stat_wait(&h, "monitoring", 1);
	harness_fault(&h, HARNESS_INTERRUPTIONS[_i][0]);
	if (HARNESS_INTERRUPTIONS[_i][1])
		harness_fault(&h, HARNESS_INTERRUPTIONS[_i][1]);
	else
		harness_stat_wait(&h, "monitoring", 0);
	harness_silence(&h, 1, false);
	harness_hears(&h, s, id);
	harness_stat_wait(&h, "monitoring", 1);
	ck_assert_uint_eq(harness_stat(&h, "discoveries"), 0);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	harness_stop(&h);
}
END_TEST

static void loses_power(void)
{
	bool is_powered = true;

	harness_fault(&h, "powered 0 off");
	while (is_powered) {
		const struct harness_frame *f =
			harness_wait(&h, &h.up, BH__CTL__TYPE__ADAPTER_STATE, 0);
		Bh__Ctl__AdapterState *state =
			bh__ctl__adapter_state__unpack(NULL, f->len, f->body);

		is_powered = state->powered;
		bh__ctl__adapter_state__free_unpacked(state, NULL);
	}
}

/* Its power went and nobody wants adverts any more: nor does the adapter listen when it is back. */
START_TEST(ends_without_power)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id;
	size_t s;

	begin(NULL, WITH_MONITORS);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	loses_power();
	harness_send_id(&h, s, BH__TYPE__CANCEL, id, &empty.base);
	(void)harness_wait(&h, &h.seats[s], BH__TYPE__ERROR, id);
	harness_fault(&h, "powered 0 on");
	harness_stat_wait(&h, "monitoring", 0);
	harness_stop(&h);
}
END_TEST

/* Another program's discovery comes and goes: nothing is registered anew. */
START_TEST(beside_another)
{
	uint32_t id;
	size_t s;

	begin(NULL, WITH_MONITORS);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_hears(&h, s, id);
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 RegisterMonitor 1");
	harness_fault(&h, "discovery 0 on");
	harness_fault(&h, "discovery 0 off");
	harness_pump(&h, 1000);
	ck_assert_uint_eq(harness_stat(&h, "monitoring"), 1);
	harness_stop(&h);
}
END_TEST

/* bluetoothd without monitors. */
START_TEST(back_absent)
{
	uint32_t id;
	size_t s;

	begin(NULL, NULL);
	s = harness_scan_for(&h, 1, 1, &id);
	goes_active("no advertisement monitor");
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_stat(&h, "discovering"), 1);
	harness_stop(&h);
}
END_TEST

START_TEST(back_released)
{
	uint32_t id;
	size_t s;

	begin(NULL, WITH_MONITORS);
	harness_silence(&h, 1, true);
	s = harness_scan_for(&h, 1, 1, &id);
	harness_stat_wait(&h, "monitoring", 1);
	harness_fault(&h, "release-monitors 0");
	goes_active("released");
	harness_stat_wait(&h, "discovering", 1);
	harness_silence(&h, 1, false);
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 1);
	harness_stop(&h);
}
END_TEST

/* Nothing is heard for a silence limit (90 s, here 900 ms). */
START_TEST(back_silent)
{
	uint32_t id;
	size_t s;

	begin("100", WITH_MONITORS);
	harness_fault(&h, "deaf-adapter 0 on");
	s = harness_scan_for(&h, 1, 1, &id);
	goes_active("no advert");
	harness_stat_wait(&h, "discovering", 1);
	harness_fault(&h, "deaf-adapter 0 off");
	harness_hears(&h, s, id);
	ck_assert_uint_eq(harness_stat(&h, "monitoring"), 0);
	harness_stop(&h);
}
END_TEST

Suite *suite_passive(void)
{
	Suite *s = suite_create("passive");
	TCase *c = tcase_create("passive");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, hears_without_discovery);
	tcase_add_test(c, hears_again);
	tcase_add_test(c, goes_on_beside_a_connect);
	tcase_add_loop_test(c, goes_on_after, 0, (int)ARRAY_LEN(HARNESS_INTERRUPTIONS));
	tcase_add_test(c, ends_without_power);
	tcase_add_test(c, beside_another);
	tcase_add_test(c, back_absent);
	tcase_add_test(c, back_released);
	tcase_add_test(c, back_silent);
	suite_add_tcase(s, c);
	return s;
}
