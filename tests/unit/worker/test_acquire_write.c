/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes without response past the bus. Test devices have a MTU of 247: 244 octets fit. */
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_acquire_write(void);

enum { SESSION = 1, OTHER = 2, FFF3 = 0xfff3, FFF6 = 0xfff6, FITS = 244, WRITES_MAX = 64 };

static const char FFF3_PATH[] = "/org/bluez/hci0/dev_C0_AA_BB_00_00_00/service0010/char0011";

static struct harness h; /* too large for a stack; each test is a process of its own */
static char log_path[] = "/tmp/bhw-acquire.XXXXXX";
static sd_bus *listener;

static void rules(bool acquires)
{
	Bh__Ctl__DeviceRules msg = BH__CTL__DEVICE_RULES__INIT;

	msg.has_address = msg.has_write = msg.has_linger_ms = 1;
	msg.address = HARNESS_DEVICE(0);
	msg.write = acquires ? BH__CTL__WRITE__WRITE_ACQUIRE : BH__CTL__WRITE__WRITE_CALL;
	msg.linger_ms = 20000;
	harness_up(&h, BH__CTL__TYPE__DEVICE_RULES, &msg.base);
}

/* Its link is held. */
static size_t connected(uint32_t session)
{
	size_t seat = harness_attach(&h, session, false, HARNESS_DEVICE(0));

	rules(true);
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	return seat;
}

static size_t begin(void)
{
	const char *const options[] = { "--write-log", log_path, NULL };
	char calls[STRANGER_CALLS_LEN];
	size_t seat;

	ck_assert(close(mkstemp(log_path)) == 0);
	harness_begin(&h, 1, options);
	seat = connected(SESSION);
	listener = stranger_listen(&h);
	stranger_calls(&h, listener, calls);
	return seat;
}

static void end(void)
{
	sd_bus_flush_close_unref(listener);
	(void)unlink(log_path);
	harness_stop(&h);
}

static uint32_t send_write(size_t seat, unsigned uuid16, bool no_response, const void *value,
			   size_t len)
{
	uint8_t uuid[16] = { 0, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb };
	Bh__Target target = BH__TARGET__INIT;
	Bh__Write write = BH__WRITE__INIT;

	uuid[2] = (uint8_t)(uuid16 >> 8);
	uuid[3] = (uint8_t)uuid16;
	target.has_uuid = 1;
	target.uuid.data = uuid;
	target.uuid.len = sizeof(uuid);
	write.target = &target;
	write.has_value = write.has_no_response = 1;
	write.no_response = no_response;
	write.value.data = (uint8_t *)(uintptr_t)value;
	write.value.len = len;
	return harness_send(&h, seat, BH__TYPE__WRITE, &write.base);
}

static uint32_t command(size_t seat, uint8_t value)
{
	return send_write(seat, FFF3, true, &value, 1);
}

static void need_done(size_t seat, uint32_t id)
{
	const struct harness_frame *f = harness_answer(&h, seat, id);

	ck_assert_msg(f->type == BH__TYPE__DONE, "class %d", harness_class(f));
}

/* The first octets of all writes that have arrived, in their order. */
static size_t written(uint8_t out[WRITES_MAX])
{
	FILE *f = fopen(log_path, "re");
	char line[2048];
	size_t n = 0;

	ck_assert_ptr_nonnull(f);
	while (n < WRITES_MAX && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "\"hex\":\"");

		ck_assert_ptr_nonnull(at);
		out[n++] = (uint8_t)strtoul((char[]){ at[7], at[8], '\0' }, NULL, 16);
	}
	(void)fclose(f);
	return n;
}

static void need_written(size_t count)
{
	uint8_t order[WRITES_MAX];
	size_t n;
	size_t i;

	/* Who has read a write notes it next: behind the answer to this question it has. */
	(void)harness_stat(&h, "links");
	n = written(order);
	ck_assert_uint_eq(n, count);
	for (i = 0; i < n; i++)
		ck_assert_msg(order[i] == i, "%u is number %zu", order[i], i);
}

static void need_calls(const char *calls)
{
	char said[STRANGER_CALLS_LEN];

	stranger_calls(&h, listener, said);
	ck_assert_str_eq(said, calls);
}

static void detach(uint32_t session)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;

	ref.has_session = 1;
	ref.session = session;
	harness_up(&h, BH__CTL__TYPE__SESSION_DETACH, &ref.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__SESSION_GIVEN_UP, 0);
}

/* Another program's; its error, "": none. */
static void stranger_writes(char out[128])
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = stranger_open(&h);
	int r = sd_bus_call_method(bus, "org.bluez", FFF3_PATH, "org.bluez.GattCharacteristic1",
				   "WriteValue", &error, NULL, "aya{sv}", 1, 0x77, 0);

	(void)snprintf(out, 128, "%s", r < 0 ? error.message : "");
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(bus);
}

START_TEST(stream)
{
	uint32_t ids[50];
	uint8_t i;
	size_t a = begin();

	for (i = 0; i < 50; i++)
		ids[i] = command(a, i);
	for (i = 0; i < 50; i++)
		need_done(a, ids[i]);
	need_written(50);
	need_calls("AcquireWrite ");
	end();
}
END_TEST

START_TEST(not_unless_asked)
{
	size_t a = begin();

	rules(false);
	need_done(a, command(a, 0));
	need_calls("WriteValue ");
	/* In both directions while the link is up. */
	rules(true);
	need_done(a, command(a, 1));
	need_done(a, command(a, 2));
	rules(false);
	need_done(a, command(a, 3));
	need_calls("AcquireWrite WriteValue ");
	need_written(4);
	end();
}
END_TEST

/* None overtakes another on the other path. */
START_TEST(order)
{
	uint32_t ids[40];
	uint8_t i;
	size_t a = begin();

	for (i = 0; i < 40; i++)
		ids[i] = i % 4 == 3 ? send_write(a, FFF6, false, &i, 1) : command(a, i);
	for (i = 0; i < 40; i++)
		need_done(a, ids[i]);
	need_written(40);
	end();
}
END_TEST

/* With response, empty, too long: each ends the socket, and is what it is without one. */
START_TEST(not_by_socket)
{
	static const uint8_t longest[FITS + 1] = { 1 };
	const struct harness_frame *f;
	size_t a = begin();
	uint8_t value = 2;
	uint32_t id;

	need_done(a, command(a, 0));
	need_done(a, send_write(a, FFF3, true, longest, FITS));
	need_calls("AcquireWrite ");
	id = send_write(a, FFF3, true, _i == 1 ? longest : &value,
			_i == 0	  ? 1
			: _i == 1 ? FITS + 1
				  : 0);
	if (_i == 0)
		id = send_write(a, FFF3, false, &value, 1);
	f = harness_answer(&h, a, id);
	ck_assert_uint_eq(f->type, _i == 1 ? BH__TYPE__ERROR : BH__TYPE__DONE);
	need_calls("WriteValue ");
	need_done(a, command(a, 3));
	need_calls("WriteValue ");
	end();
}
END_TEST

/* While we have it others cannot write, and when nobody uses the link they can. */
START_TEST(let_go)
{
	size_t a = begin();
	char error[128];

	need_done(a, command(a, 0));
	stranger_writes(error);
	ck_assert_str_eq(error, "Write acquired");
	/* The link lingers. */
	detach(SESSION);
	stranger_writes(error);
	ck_assert_str_eq(error, "");
	a = connected(OTHER);
	need_calls("AcquireWrite WriteValue WriteValue ");
	need_done(a, command(a, 1));
	need_calls("AcquireWrite ");
	end();
}
END_TEST

/* Another program has it: that is said at once, and when it is done we can write. */
START_TEST(taken)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	size_t a = begin();
	sd_bus *bus = stranger_open(&h);

	ck_assert_msg(sd_bus_call_method(bus, "org.bluez", FFF3_PATH,
					 "org.bluez.GattCharacteristic1", "AcquireWrite", &error,
					 &reply, "a{sv}", 0) >= 0,
		      "%s", error.message);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, command(a, 0))),
			 CLASS_BUSY_SAME_DEVICE);
	sd_bus_message_unref(reply);
	sd_bus_flush_close_unref(bus);
	need_calls("AcquireWrite AcquireWrite WriteValue ");
	need_done(a, command(a, 0));
	need_written(1);
	end();
}
END_TEST

static size_t issued(void)
{
	struct wpage_view view;

	wpage_read(h.page, &view);
	return view.n_issued;
}

/* bluetoothd does not read: a batch is issued, the others wait; then all are carried out in order.
 */
START_TEST(slow_bluetoothd)
{
	uint32_t ids[40];
	size_t a = begin();
	uint8_t i;

	need_done(a, command(a, 0));
	harness_fault(&h, "hang-bluetoothd 400");
	for (i = 1; i < 40; i++)
		ids[i] = command(a, i);
	harness_pump(&h, 100);
	ck_assert_uint_eq(harness_count(&h.seats[a], BH__TYPE__DONE, 0), 1);
	ck_assert_uint_gt(issued(), 1);
	ck_assert_uint_lt(issued(), 39);
	for (i = 1; i < 40; i++)
		need_done(a, ids[i]);
	need_written(40);
	need_calls("AcquireWrite ");
	/* An answer is sent before it is noted as such: what is asked next is taken after that. */
	ck_assert_uint_eq(harness_read(&h, a, 0x2a19)->type, BH__TYPE__VALUE);
	ck_assert_uint_eq(issued(), 0);
	end();
}
END_TEST

/* What was sent and not read may be lost with the link; the next one has a socket. */
START_TEST(link_goes)
{
	size_t a = begin();
	uint32_t id;

	need_done(a, command(a, 0));
	harness_fault(&h, "hang-bluetoothd 300");
	id = command(a, 9);
	harness_pump(&h, 50);
	ck_assert_uint_eq(issued(), 1);
	harness_fault(&h, "drop C0:AA:BB:00:00:00 0x13");
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_INTERRUPTED);
	(void)harness_wait(&h, &h.seats[a], BH__TYPE__LINK_LOST, 0);
	ck_assert_uint_eq(issued(), 0);
	ck_assert_uint_eq(harness_connect(&h, a)->type, BH__TYPE__CONNECTED);
	need_calls("AcquireWrite Connect ");
	need_done(a, command(a, 1));
	need_calls("AcquireWrite ");
	need_written(2);
	end();
}
END_TEST

/* The session goes on elsewhere: what was sent and not read may have happened. */
START_TEST(detached)
{
	struct wpage_view view;
	size_t a = begin();
	uint32_t id;

	need_done(a, command(a, 0));
	harness_fault(&h, "hang-bluetoothd 300");
	id = command(a, 1);
	harness_pump(&h, 50);
	detach(SESSION);
	wpage_read(h.page, &view);
	ck_assert_uint_eq(view.n_issued, 1);
	ck_assert_uint_eq(view.issued[0].id, id);
	/* It was not taken back: a lingering link keeps the socket until it is read. */
	a = connected(OTHER);
	need_done(a, command(a, 2));
	need_written(3);
	end();
}
END_TEST

Suite *suite_acquire_write(void)
{
	Suite *suite = suite_create("acquire_write");
	TCase *tc = tcase_create("acquire_write");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, stream);
	tcase_add_test(tc, not_unless_asked);
	tcase_add_test(tc, order);
	tcase_add_loop_test(tc, not_by_socket, 0, 3);
	tcase_add_test(tc, let_go);
	tcase_add_test(tc, taken);
	tcase_add_test(tc, slow_bluetoothd);
	tcase_add_test(tc, link_goes);
	tcase_add_test(tc, detached);
	suite_add_tcase(suite, tc);
	return suite;
}
