/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links that are stuck: another client or a fault of the fake makes them so, a program connects,
 * and has its link. reference/spec-systems.md 4.1; F10 to F16 of its section 5.
 */
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "ipc/workarounds.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

Suite *suite_stuck(void);

#define PATH  "/org/bluez/hci0/dev_C0_AA_BB_00_00_00"
#define ADDR  "C0:AA:BB:00:00:00"
#define CHRC3 PATH "/service0020/char0021"

static struct harness h;
static sd_bus *other;

static void begin_with(const char *const *options)
{
	char address[128];

	harness_start(&h, 2, options);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	(void)snprintf(address, sizeof(address), "unix:path=%s", h.bus_path);
	ck_assert(sd_bus_new(&other) >= 0 && sd_bus_set_address(other, address) >= 0);
	ck_assert(sd_bus_set_bus_client(other, 1) >= 0 && sd_bus_start(other) >= 0);
}

static void begin(void)
{
	begin_with(NULL);
}

static void end(void)
{
	other = sd_bus_flush_close_unref(other);
	harness_stop(&h);
}

/* Another program calls a method of the peripheral. */
static int other_calls(const char *method)
{
	return sd_bus_call_method(other, "org.bluez", PATH, "org.bluez.Device1", method, NULL, NULL,
				  "");
}

/* Another program connects it. */
static void other_connects(void)
{
	h.up.n_taken = h.up.n_frames;
	ck_assert_int_ge(other_calls("Connect"), 0);
	stranger_shown(&h, true);
}

/* BlueZ knows the peripheral: it was connected once. */
static size_t introduce(void)
{
	size_t seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));

	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
	return seat;
}

/* What the supervisor was told of a cure: its class, and the text in @out. */
static int cured(char *out, size_t size)
{
	const struct harness_frame *f;
	Bh__Event *event = NULL;
	int class;

	do {
		bh__event__free_unpacked(event, NULL);
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
		event = bh__event__unpack(NULL, f->len, f->body);
	} while (strcmp(event->kind, "cured") != 0 && strcmp(event->kind, "stuck") != 0);
	ck_assert_int_eq(strcmp(event->kind, "stuck") == 0, event->class_ != 0);
	ck_assert_uint_eq(event->address, HARNESS_DEVICE(0));
	(void)snprintf(out, size, "%s", event->text);
	class = (int)event->class_;
	bh__event__free_unpacked(event, NULL);
	return class;
}

static void expect_cured(int class, const char *text)
{
	char said[256];
	int found = cured(said, sizeof(said));

	ck_assert_msg(strncmp(said, text, strlen(text)) == 0, "\"%s\", not \"%s\"", said, text);
	ck_assert_int_eq(found, class);
}

/* The last frame of that type to the supervisor. */
static size_t last(uint16_t type)
{
	size_t i = h.up.n_frames;

	while (i > 0 && h.up.frames[i - 1].type != type)
		i--;
	ck_assert_msg(i > 0, "no frame of type %u", type);
	return i - 1;
}

static bool is_said_stuck(const struct harness_frame *f)
{
	Bh__Ctl__AttemptFailed *failed = bh__ctl__attempt_failed__unpack(NULL, f->len, f->body);
	bool is_stuck = failed->stuck;

	bh__ctl__attempt_failed__free_unpacked(failed, NULL);
	return is_stuck;
}

/* Nothing is tried again: the program is told at once, and what would help. */
static void expect_stuck(size_t seat)
{
	uint64_t began_ms = clock_now_ms();
	const struct harness_frame *f = harness_connect(&h, seat);
	Bh__Error *error = bh__error__unpack(NULL, f->len, f->body);

	ck_assert_uint_lt(clock_now_ms() - began_ms, 1500);
	ck_assert_uint_eq(f->type, BH__TYPE__ERROR);
	ck_assert_int_eq((int)error->class_, CLASS_ZOMBIE);
	ck_assert_msg(strstr(error->text, "bleherd reset hci0") != NULL, "%s", error->text);
	bh__error__free_unpacked(error, NULL);
	f = &h.up.frames[last(BH__CTL__TYPE__ATTEMPT_FAILED)];
	ck_assert(is_said_stuck(f));
}

static void check_works(size_t seat)
{
	ck_assert_uint_eq(harness_read(&h, seat, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_int_eq(harness_kernel_lists(&h, HARNESS_DEVICE(0)), 1);
}

/* F10: no Disconnect; it is removed, found again, and there is a link. */
START_TEST(phantom)
{
	uint64_t began_ms;
	size_t seat;

	begin();
	seat = introduce();
	other_connects();
	harness_fault(&h, "lose " ADDR " phantom");
	harness_fault(&h, "no-reply " ADDR " Disconnect 9");
	began_ms = clock_now_ms();
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 6000);
	expect_cured(CLASS_NONE, "phantom: waited, RemoveDevice; gone");
	check_works(seat);
	end();
}
END_TEST

/* It passes by itself: nothing is removed. */
START_TEST(phantom_heals)
{
	size_t seat;
	Bh__Connect connect = BH__CONNECT__INIT;
	uint32_t id;

	begin();
	seat = introduce();
	other_connects();
	harness_fault(&h, "lose " ADDR " phantom");
	id = harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
	harness_pump(&h, 200);
	(void)other_calls("Disconnect");
	ck_assert_uint_eq(harness_answer(&h, seat, id)->type, BH__TYPE__CONNECTED);
	expect_cured(CLASS_NONE, "phantom: waited; gone");
	check_works(seat);
	end();
}
END_TEST

/* A bond is not deleted: Disconnect stands in. */
START_TEST(phantom_bonded)
{
	size_t seat;

	begin();
	seat = introduce();
	harness_fault(&h, "bonded " ADDR " on");
	other_connects();
	harness_fault(&h, "lose " ADDR " phantom");
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	expect_cured(CLASS_NONE, "phantom: waited, Disconnect; gone");
	check_works(seat);
	end();
}
END_TEST

/* RemoveDevice hangs: the request is told, and other peripherals notice nothing. */
START_TEST(phantom_hangs)
{
	Bh__Connect connect = BH__CONNECT__INIT;
	uint64_t began_ms;
	size_t seat, second;
	uint32_t id;

	begin();
	seat = introduce();
	second = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	other_connects();
	harness_fault(&h, "lose " ADDR " phantom");
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 RemoveDevice 9");
	id = harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
	harness_pump(&h, 3200);
	began_ms = clock_now_ms();
	ck_assert_uint_eq(harness_connect(&h, second)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 2000);
	ck_assert_int_eq(harness_class(harness_answer(&h, seat, id)), CLASS_PHANTOM);
	expect_cured(CLASS_PHANTOM, "phantom: waited, RemoveDevice did not help");
	end();
}
END_TEST

/* Its switch is off, or the kernel does not say: BlueZ is believed, at once (F14). */
START_TEST(phantom_believed)
{
	uint64_t began_ms;
	size_t seat;

	h.workarounds = _i == 0 ? "0" : NULL;
	begin();
	seat = introduce();
	other_connects();
	harness_fault(&h, "lose " ADDR " phantom");
	h.is_mute = _i == 1;
	began_ms = clock_now_ms();
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 2500);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	end();
}
END_TEST

/* F11: somebody's link whose services never come. */
START_TEST(inactive)
{
	size_t seat;

	h.late_ms = "300";
	begin();
	seat = introduce();
	harness_fault(&h, "mute " ADDR " on");
	other_connects();
	harness_fault(&h, "mute " ADDR " off");
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	expect_cured(CLASS_NONE, "inactive link: MGMT Disconnect; gone");
	check_works(seat);
	end();
}
END_TEST

/* A fresh link of somebody else is not torn down: its services may be on their way. */
START_TEST(young_is_adopted)
{
	size_t seat;

	begin();
	seat = introduce();
	other_connects();
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	check_works(seat);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__EVENT, 0), 0);
	end();
}
END_TEST

/* F12: only the kernel has it, so the peripheral does not advertise. */
START_TEST(orphan)
{
	const char *const options[] = { "--connect-timeout-ms", "300", NULL };
	size_t seat;

	begin_with(options);
	seat = introduce();
	other_connects();
	harness_fault(&h, "lose " ADDR " orphan");
	stranger_shown(&h, false);
	ck_assert_int_eq(harness_kernel_lists(&h, HARNESS_DEVICE(0)), 1);
	h.retries = 3;
	h.clears = true;
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	expect_cured(CLASS_NONE, "orphan handle: waited, MGMT Disconnect; gone");
	check_works(seat);
	end();
}
END_TEST

/* F15: a program died in the middle of its Connect, and bluetoothd goes on with it. */
START_TEST(pending)
{
	sd_bus_message *m = NULL;
	Bh__Connect connect = BH__CONNECT__INIT;
	size_t seat;
	uint32_t id;

	begin();
	seat = introduce();
	harness_fault(&h, "silent " ADDR " on");
	ck_assert(sd_bus_message_new_method_call(other, &m, "org.bluez", PATH, "org.bluez.Device1",
						 "Connect") >= 0);
	ck_assert(sd_bus_send(other, m, NULL) >= 0 && sd_bus_flush(other) >= 0);
	sd_bus_message_unref(m);
	harness_stat_wait(&h, "connecting", 1);
	other = sd_bus_flush_close_unref(other);
	h.retries = 2;
	h.clears = true;
	id = harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
	expect_cured(CLASS_NONE, "pending connect: Disconnect; gone");
	harness_fault(&h, "silent " ADDR " off");
	ck_assert_uint_eq(harness_answer(&h, seat, id)->type, BH__TYPE__CONNECTED);
	check_works(seat);
	end();
}
END_TEST

/* F13: kept before the first attempt, forgotten after a failure that it can have caused. */
START_TEST(stale)
{
	size_t seat;

	begin();
	seat = introduce();
	harness_fault(&h, "refuse " ADDR " 1 answered");
	h.retries = 1;
	h.clears = true;
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 1);
	check_works(seat);
	end();
}
END_TEST

/* The controller never says that the link is down: said so, and not given out again (F16). */
START_TEST(not_ended)
{
	uint64_t began_ms;
	size_t seat;

	begin();
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "lose " ADDR " stuck");
	began_ms = clock_now_ms();
	ck_assert_int_eq(harness_class(harness_disconnect(&h, seat)), CLASS_ZOMBIE);
	ck_assert_uint_lt(clock_now_ms() - began_ms, 6000);
	expect_cured(CLASS_ZOMBIE, "dead link: MGMT Disconnect, Disconnect did not help");
	/* The same is not tried again, though the supervisor says so, and by another program. */
	h.clears = true;
	h.retries = 2;
	expect_stuck(seat);
	h.seats[seat].chan = chan_free(h.seats[seat].chan);
	seat = harness_attach(&h, 2, false, HARNESS_DEVICE(0));
	/* Long enough for a link that nobody has to be forgotten. */
	harness_pump(&h, 600);
	expect_stuck(seat);
	ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__LINK_END, 0), 1);
	/* A power cycle is what cures it. */
	harness_fault(&h, "powered 0 off");
	harness_fault(&h, "powered 0 on");
	h.retries = 4;
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	check_works(seat);
	end();
}
END_TEST

/* MGMT cannot be asked: BlueZ ends it, which takes it two seconds. */
START_TEST(ended_by_bluez)
{
	size_t seat;

	begin();
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	h.is_mgmt_lost = true;
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
	ck_assert_int_eq(harness_kernel_lists(&h, HARNESS_DEVICE(0)), 0);
	end();
}
END_TEST

/* Listed by all, and the peripheral does not answer: found by a read, and ended at once. */
START_TEST(dead)
{
	const char *const options[] = { "--att-timeout-ms", "300", NULL };
	uint64_t began_ms;
	size_t seat;

	begin_with(options);
	seat = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "lose " ADDR " forgotten");
	began_ms = clock_now_ms();
	ck_assert_int_ge(harness_class(harness_read(&h, seat, 0x2a19)), 0);
	(void)harness_wait(&h, &h.seats[seat], BH__TYPE__LINK_LOST, 0);
	/* BlueZ itself takes some seconds more. */
	ck_assert_uint_lt(clock_now_ms() - began_ms, 1500);
	h.retries = 3;
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	check_works(seat);
	end();
}
END_TEST

Suite *suite_stuck(void)
{
	Suite *s = suite_create("stuck");
	TCase *c = tcase_create("stuck");

	tcase_set_timeout(c, 40);
	tcase_add_test(c, phantom);
	tcase_add_test(c, phantom_heals);
	tcase_add_test(c, phantom_bonded);
	tcase_add_test(c, phantom_hangs);
	tcase_add_loop_test(c, phantom_believed, 0, 2);
	tcase_add_test(c, inactive);
	tcase_add_test(c, young_is_adopted);
	tcase_add_test(c, orphan);
	tcase_add_test(c, pending);
	tcase_add_test(c, stale);
	tcase_add_test(c, not_ended);
	tcase_add_test(c, ended_by_bluez);
	tcase_add_test(c, dead);
	suite_add_tcase(s, c);
	return s;
}
