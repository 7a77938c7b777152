/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_sim_gatt.c - the fake bluetoothd's GATT: several clients on one characteristic,
 * notifications by signal and by socket, peripherals that do not answer.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

static struct world *world;
static struct client *a, *b, *c;

static void setup(void)
{
	static const char *const options[] = {
		"--no-daemon",
		"--sim",
		"--disconnect-ms=100",
		"--sim",
		"--gatt-ms=20",
		"--notify-ms",
		"50",
		"--sim",
		"--att-timeout-ms=300",
		"--adapters",
		"1",
		NULL,
	};

	world = world_start(options);
	a = client_new();
	b = client_new();
	c = client_new();
	client_discover(a, "hci0/0");
	ck_assert_str_eq(client_call(a, "hci0/0", "Connect"), "");
	client_wait(a, "ServicesResolved=1;");
	client_forget(a);
}

static void teardown(void)
{
	a = client_free(a);
	b = client_free(b);
	c = client_free(c);
	world = world_stop(world);
}

static void ok(const char *error)
{
	ck_assert_str_eq(error, "");
}

static unsigned count(const char *trace, const char *what)
{
	unsigned n = 0;

	while ((trace = strstr(trace, what)) != NULL) {
		trace += strlen(what);
		n++;
	}
	return n;
}

static unsigned long counter(const char *key)
{
	char *answer = world_ask(world, "stats totals"), pattern[32];
	unsigned long value;
	const char *at;

	(void)snprintf(pattern, sizeof(pattern), "\"%s\":", key);
	at = strstr(answer, pattern);
	ck_assert_ptr_nonnull(at);
	value = strtoul(at + strlen(pattern), NULL, 10);
	free(answer);
	return value;
}

START_TEST(test_values)
{
	ck_assert_str_eq(client_read(a, "hci0/0/fff3"), "hello");
	ok(client_write(a, "hci0/0/fff3", "one", NULL));
	ok(client_write(a, "hci0/0/fff3", "two", "request"));
	ck_assert_str_eq(client_read(a, "hci0/0/fff3"), "two");
	ok(client_write(a, "hci0/0/fff3", "three", "command"));
	ck_assert_str_eq(client_read(a, "hci0/0/fff3"), "three");
	ck_assert_str_eq(client_read(a, "hci0/0/2901"), "echo");
	ck_assert_str_eq(client_call(a, "hci0/0/fff4", "ReadValue"),
			 "NotPermitted: Read not permitted");
	ck_assert_str_eq(client_write(a, "hci0/0/2a29", "x", "request"),
			 "NotPermitted: Write not permitted");
	ck_assert_str_eq(client_write(a, "hci0/0/2a29", "x", NULL),
			 "NotSupported: Operation is not supported");
	ck_assert_str_eq(client_write(a, "hci0/0/2902", "x", NULL),
			 "NotPermitted: Write not permitted");
	ck_assert_str_eq(client_call(a, "hci0/0/fff3", "StartNotify"),
			 "NotSupported: Operation is not supported");
	/* Who reads tells everybody. */
	client_forget(b);
	ck_assert_str_eq(client_read(a, "hci0/0/fff3"), "three");
	client_wait(b, "hci0/0/fff3:Value;");
	ck_assert_uint_eq(counter("writes"), 2);
	ck_assert_uint_eq(counter("commands"), 1);
}
END_TEST

START_TEST(test_reads_are_joined_writes_are_not)
{
	unsigned writes[3];

	(void)client_send(a, "hci0/0/fff3", "ReadValue");
	(void)client_send(b, "hci0/0/fff3", "ReadValue");
	(void)client_send(c, "hci0/0/fff3", "ReadValue");
	client_wait_call(a, 0);
	client_wait_call(b, 0);
	client_wait_call(c, 0);
	ck_assert_str_eq(a->calls[0].error, "");
	ck_assert_str_eq(c->calls[0].error, "");
	ck_assert_uint_eq(counter("reads"), 1);
	client_forget(a);

	/* Written at the same time: the first one only. */
	for (unsigned i = 0; i < 3; i++) {
		sd_bus_message *m = NULL;
		const char *path = "/org/bluez/hci0/dev_C0_AA_BB_00_00_00/service0010/char0011";

		ck_assert_int_ge(sd_bus_message_new_method_call(a->bus, &m, "org.bluez", path,
								"org.bluez.GattCharacteristic1",
								"WriteValue"),
				 0);
		ck_assert_int_ge(sd_bus_message_append(m, "aya{sv}", 1, (int)i, 0), 0);
		writes[i] = client_send_message(a, m);
	}
	for (unsigned i = 0; i < 3; i++)
		client_wait_call(a, writes[i]);
	ck_assert_str_eq(a->calls[writes[0]].error, "");
	ck_assert_str_eq(a->calls[writes[1]].error, "InProgress: In Progress");
	ck_assert_str_eq(a->calls[writes[2]].error, "InProgress: In Progress");
	ck_assert_uint_eq(counter("writes"), 1);
}
END_TEST

START_TEST(test_notify_sessions)
{
	const char *error;

	ok(client_call(a, "hci0/0/fff4", "StartNotify"));
	client_wait(a, "hci0/0/fff4:Notifying=1;");
	ok(client_call(a, "hci0/0/fff4", "StartNotify"));
	ok(client_call(b, "hci0/0/fff4", "StartNotify"));
	client_wait(c, "hci0/0/fff4:Value;");
	ck_assert_int_eq(client_acquire(c, "hci0/0/fff4", &error), -1);
	ck_assert_str_eq(error, "InProgress: In Progress");
	ck_assert_str_eq(client_call(c, "hci0/0/fff4", "StopNotify"),
			 "Failed: No notify session started");
	/* B goes on: A still hears. */
	ok(client_call(a, "hci0/0/fff4", "StopNotify"));
	client_forget(a);
	client_wait(a, "hci0/0/fff4:Value;");
	/* B leaves the bus: it ends. */
	b = client_free(b);
	client_wait(a, "hci0/0/fff4:Notifying=0;");
	client_forget(a);
	client_run(a, 150);
	ck_assert_uint_eq(count(a->trace, "Value"), 0);
}
END_TEST

START_TEST(test_notify_outlives_the_link)
{
	ok(client_call(a, "hci0/0/fff4", "StartNotify"));
	client_wait(a, "hci0/0/fff4:Value;");
	world_fault(world, "drop C0:AA:BB:00:00:00 0x13");
	client_wait(a, "hci0/0:Connected=0;");
	ck_assert_str_eq(client_call(b, "hci0/0/fff3", "ReadValue"), "Failed: Not connected");
	ok(client_call(b, "hci0/0", "Connect"));
	client_forget(a);
	client_wait(a, "hci0/0/fff4:Value;");
	/* Without a link it is a wish; asked again it is in progress. */
	world_fault(world, "drop C0:AA:BB:00:00:00");
	client_wait(a, "hci0/0:Connected=0;");
	ok(client_call(b, "hci0/0/fff5", "StartNotify"));
	ck_assert_str_eq(client_call(b, "hci0/0/fff5", "StartNotify"), "InProgress: In Progress");
	ok(client_call(b, "hci0/0", "Connect"));
	client_wait(a, "hci0/0/fff5:Value;");
}
END_TEST

START_TEST(test_acquire)
{
	const char *error;
	uint8_t value[32];
	int fd = client_acquire(a, "hci0/0/fff4", &error);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned i;

	ck_assert_int_ge(fd, 0);
	client_wait(b, "hci0/0/fff4:NotifyAcquired=1;");
	for (i = 1; i <= 2; i++) {
		(void)poll(&p, 1, -1);
		ck_assert_int_eq(recv(fd, value, sizeof(value), MSG_DONTWAIT), 4);
		ck_assert_uint_eq(value[0], i);
	}
	ck_assert_str_eq(client_call(b, "hci0/0/fff4", "StartNotify"),
			 "NotPermitted: Notify acquired");
	ck_assert_int_eq(client_acquire(b, "hci0/0/fff4", &error), -1);
	ck_assert_str_eq(error, "NotPermitted: Notify acquired");
	/* No signals besides, and anybody may end it. */
	ck_assert_uint_eq(count(b->trace, "Value"), 0);
	ok(client_call(b, "hci0/0/fff4", "StopNotify"));
	while (recv(fd, value, sizeof(value), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(recv(fd, value, sizeof(value), 0), 0);
	(void)close(fd);
	client_wait(b, "hci0/0/fff4:NotifyAcquired=0;");

	/* Closed by its holder, it can be had again; indications cannot be had like this. */
	fd = client_acquire(a, "hci0/0/fff4", &error);
	client_forget(b);
	(void)close(fd);
	client_wait(b, "hci0/0/fff4:NotifyAcquired=0;");
	ok(client_call(b, "hci0/0/fff4", "StartNotify"));
	ck_assert_int_eq(client_acquire(a, "hci0/0/fff5", &error), -1);
	ck_assert_str_eq(error, "NotSupported: Operation is not supported");
}
END_TEST

START_TEST(test_full_socket)
{
	const char *error;
	uint8_t value[32];
	unsigned read = 0;
	int fd = client_acquire(a, "hci0/0/fff4", &error);

	ck_assert_int_ge(fd, 0);
	world_fault(world, "burst C0:AA:BB:00:00:00 1000");
	while (recv(fd, value, sizeof(value), MSG_DONTWAIT) > 0)
		read++;
	ck_assert_uint_gt(read, 200);
	ck_assert_uint_lt(read, 400);
	ck_assert_uint_ge(counter("dropped"), 1000 - read);
	(void)close(fd);
}
END_TEST

START_TEST(test_mute)
{
	world_fault(world, "mute C0:AA:BB:00:00:00 on");
	ck_assert_str_eq(client_write(a, "hci0/0/fff3", "lost", NULL),
			 "Failed: Operation failed with ATT error: 0x0e");
	ck_assert_uint_eq(counter("writes"), 0);
	client_wait(a, "hci0/0:Connected=0;");

	/* Mute from the start: "resolved", with nothing behind it. */
	client_forget(a);
	ok(client_call(a, "hci0/0", "Connect"));
	client_wait(a, "hci0/0:ServicesResolved=1;");
	world_fault(world, "mute C0:AA:BB:00:00:00 replies");
	ck_assert_str_eq(client_write(a, "hci0/0/fff3", "done", NULL),
			 "Failed: Operation failed with ATT error: 0x0e");
	ck_assert_uint_eq(counter("writes"), 1);
}
END_TEST

START_TEST(test_dead_links)
{
	static const char *const connected = "hci0/0:Connected=0;";

	/* All layers show it; only the peer tells. */
	world_fault(world, "lose C0:AA:BB:00:00:00");
	ok(client_call(b, "hci0/0", "Connect"));
	ck_assert(client_property(b, "hci0/0", "ServicesResolved"));
	ck_assert_str_eq(client_call(a, "hci0/0/fff3", "ReadValue"),
			 "Failed: Operation failed with ATT error: 0x0e");
	client_wait(a, connected);
	ok(client_call(a, "hci0/0", "Connect"));
	world_fault(world, "lose C0:AA:BB:00:00:00 phantom");
	ok(client_call(a, "hci0/0", "Disconnect"));

	ok(client_call(a, "hci0/0", "Connect"));
	world_fault(world, "lose C0:AA:BB:00:00:00 stuck");
	client_forget(a);
	(void)client_send(a, "hci0/0", "Disconnect");
	client_run(a, 300);
	ck_assert(!a->calls[0].done);
	ck_assert(client_property(b, "hci0/0", "Connected"));
	/* A power cycle is the cure. */
	world_fault(world, "powered 0 off");
	client_wait(a, connected);
	world_fault(world, "powered 0 on");
	ok(client_call(b, "hci0/0", "Connect"));
}
END_TEST

START_TEST(test_hung_controller)
{
	unsigned start;

	world_fault(world, "hang-adapter 0 on");
	ck_assert_str_eq(client_call(a, "hci0/0/fff3", "ReadValue"),
			 "Failed: Operation failed with ATT error: 0x0e");
	(void)client_send(b, "hci0/0", "Disconnect");
	start = client_send(c, "hci0", "StartDiscovery");
	(void)client_send(c, "hci0/1", "Connect");
	client_wait_call(c, start);
	ck_assert_str_eq(c->calls[start].error, "InProgress: Operation already in progress");
	ck_assert(!c->calls[start + 1].done);
	client_run(b, 100);
	ck_assert(!b->calls[0].done);
	ck_assert(client_property(b, "hci0/0", "Connected"));
	world_fault(world, "powered 0 off");
	client_wait(b, "hci0/0:Connected=0;");
	ck_assert_ptr_nonnull(strstr(client_set(b, "hci0", "Powered", true), "Failed"));
	world_fault(world, "hang-adapter 0 off");
	ok(client_set(b, "hci0", "Powered", true));
	ok(client_call(b, "hci0/0", "Connect"));
}
END_TEST

Suite *suite_sim_gatt(void);

Suite *suite_sim_gatt(void)
{
	Suite *suite = suite_create("sim_gatt");
	TCase *tc = tcase_create("sim_gatt");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_reads_are_joined_writes_are_not);
	tcase_add_test(tc, test_notify_sessions);
	tcase_add_test(tc, test_notify_outlives_the_link);
	tcase_add_test(tc, test_acquire);
	tcase_add_test(tc, test_full_socket);
	tcase_add_test(tc, test_mute);
	tcase_add_test(tc, test_dead_links);
	tcase_add_test(tc, test_hung_controller);
	suite_add_tcase(suite, tc);
	return suite;
}
