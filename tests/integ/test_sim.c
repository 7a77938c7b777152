/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_sim.c - the fake bluetoothd against shared/reference/lab-facts.md: discovery,
 * links, power, and bluetoothd itself going away. GATT is in test_sim_gatt.c, MGMT in
 * test_sim_mgmt.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

static struct world *world;
static struct client *a, *b, *c;

static void setup(void)
{
	static const char *const options[] = {
		"--no-daemon",
		"--sim",
		"--disconnect-ms=300",
		"--sim",
		"--connect-timeout-ms=400",
		"--sim",
		"--temporary-ms=1500",
		"--sim",
		"--links=3",
		NULL,
	};

	world = world_start(options);
	a = client_new();
	b = client_new();
	c = client_new();
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

static void expect_before(const char *trace, const char *first, const char *second)
{
	const char *x = strstr(trace, first), *y = strstr(trace, second);

	ck_assert_msg(x && y && x < y, "'%s' before '%s' in '%s'", first, second, trace);
}

START_TEST(test_sessions)
{
	ok(client_call(a, "hci0", "StartDiscovery"));
	client_wait(a, "hci0:Discovering=1;");
	client_wait(a, "+hci0/4;");
	ok(client_call(b, "hci0", "StartDiscovery"));
	ck_assert_str_eq(client_call(a, "hci0", "StartDiscovery"),
			 "InProgress: Operation already in progress");
	ck_assert_str_eq(client_call(c, "hci0", "StopDiscovery"), "Failed: No discovery started");
	ok(client_call(b, "hci0", "StopDiscovery"));
	ck_assert(client_property(c, "hci0", "Discovering"));
	/* A leaves: its session ends, and what was seen has no RSSI any more. */
	a = client_free(a);
	client_wait(b, "hci0:Discovering=0;");
	client_wait(b, "hci0/4:!RSSI;");
	/* Nobody looks: the objects vanish. */
	client_wait(b, "-hci0/0;");
	ck_assert_str_eq(client_call(b, "hci0/0", "Connect"),
			 "org.freedesktop.DBus.Error.UnknownObject: Method \"Connect\" with "
			 "signature \"\" on interface \"org.bluez.Device1\" doesn't exist\n");
}
END_TEST

START_TEST(test_start_race)
{
	unsigned first = client_send(a, "hci0", "StartDiscovery");
	unsigned second = client_send(b, "hci0", "StartDiscovery");

	client_run(a, 150);
	client_run(b, 50);
	ck_assert(!a->calls[first].done && !b->calls[second].done);
	ok(client_call(c, "hci0", "StartDiscovery"));
	ck_assert_str_eq(client_call(a, "hci0", "StopDiscovery"),
			 "InProgress: Operation already in progress");
	ok(client_call(c, "hci0", "StopDiscovery"));
	ck_assert(client_property(c, "hci0", "Discovering"));
	a = client_free(a);
	b = client_free(b);
	client_run(c, 50);
	ck_assert(!client_property(c, "hci0", "Discovering"));

	/* 60 ms apart they do each other no harm; and there is a switch. */
	a = client_new();
	b = client_new();
	first = client_send(a, "hci0", "StartDiscovery");
	client_run(b, 60);
	ok(client_call(b, "hci0", "StartDiscovery"));
	client_wait_call(a, first);
	world_fault(world, "start-race off");
	first = client_send(a, "hci1", "StartDiscovery");
	second = client_send(b, "hci1", "StartDiscovery");
	client_wait_call(a, first);
	client_wait_call(b, second);
}
END_TEST

START_TEST(test_filters)
{
	ok(client_filter(a, "hci0", "UUIDs", "0000180d-0000-1000-8000-00805f9b34fb"));
	ok(client_call(a, "hci0", "StartDiscovery"));
	client_run(a, 250);
	ck_assert_ptr_null(strstr(a->trace, "+"));
	/* Objects are shared: what B finds, A is told of. */
	ok(client_filter(b, "hci0", "Transport", "le"));
	ok(client_call(b, "hci0", "StartDiscovery"));
	client_wait(a, "+hci0/4;");
	ok(client_filter(c, "hci1", "UUIDs", "fff0"));
	ok(client_call(c, "hci1", "StartDiscovery"));
	client_wait(c, "+hci1/0;");
	ok(client_filter(a, "hci1", "Transport", "bredr"));
	ck_assert_str_eq(client_call(a, "hci1", "StartDiscovery"),
			 "InProgress: Operation already in progress");
	ck_assert_str_eq(client_filter(c, "hci1", "Colour", "red"),
			 "InvalidArguments: Invalid arguments in method call");
}
END_TEST

START_TEST(test_connect_order)
{
	client_discover(a, "hci0/0");
	(void)client_send(a, "hci0/0", "Connect");
	client_wait(a, "ServicesResolved=1;");
	expect_before(a->trace, "hci0/0:Connected=1;", "ok;");
	expect_before(a->trace, "ok;", "+hci0/0/service0010;");
	expect_before(a->trace, "+hci0/0/service0010;", "+hci0/0/fff4;");
	expect_before(a->trace, "+hci0/0/fff4;", "+hci0/0/2902;");
	expect_before(a->trace, "+hci0/0/fff4;", "hci0/0:ServicesResolved=1;");
	/* GAP is bluetoothd's own affair. */
	ck_assert_ptr_null(strstr(a->trace, "service0001"));
	ok(client_call(b, "hci0/0", "Connect"));

	/* The second time its objects are there already. */
	ok(client_call(a, "hci0/0", "Disconnect"));
	client_wait(a, "hci0/0:Connected=0;");
	client_forget(a);
	ok(client_call(a, "hci0/0", "Connect"));
	client_wait(a, "ServicesResolved=1;");
	ck_assert_ptr_null(strstr(a->trace, "+hci0/0/fff4;"));
	/* Whoever connected may die, the link stays. */
	a = client_free(a);
	client_run(b, 100);
	ck_assert(client_property(b, "hci0/0", "Connected"));
}
END_TEST

START_TEST(test_disconnect)
{
	uint64_t start_ms;

	client_discover(a, "hci0/0");
	ok(client_call(a, "hci0/0", "Disconnect"));
	ok(client_call(a, "hci0/0", "Connect"));
	client_forget(a);
	start_ms = client_now_ms();
	(void)client_send(a, "hci0/0", "Disconnect");
	client_run(a, 50);
	/* A connect inside the window is a lie: OK at once, and the link goes nevertheless. */
	ok(client_call(b, "hci0/0", "Connect"));
	ck_assert(client_property(b, "hci0/0", "Connected"));
	client_wait(a, "hci0/0:Connected=0;");
	ck_assert_uint_ge(client_now_ms() - start_ms, 290);
	expect_before(a->trace, "-hci0/0/battery;", "hci0/0:ServicesResolved=0;");
	expect_before(a->trace, "hci0/0:ServicesResolved=0;", "ok;");
	expect_before(a->trace, "ok;", "hci0/0:Connected=0;");
	ck_assert(!client_property(b, "hci0/0", "Connected"));
}
END_TEST

START_TEST(test_pending_connect)
{
	unsigned pending;

	client_discover(a, "hci0/0");
	world_fault(world, "silent C0:AA:BB:00:00:00 on");
	pending = client_send(a, "hci0/0", "Connect");
	client_run(a, 50);
	ck_assert(!a->calls[pending].done);
	ck_assert_str_eq(client_call(b, "hci0/0", "Connect"),
			 "Failed: Operation already in progress");
	ok(client_call(b, "hci0/0", "Disconnect"));
	client_wait_call(a, pending);
	ck_assert_str_eq(a->calls[pending].error, "Failed: br-connection-canceled");
	/* Of a device that is not trusted nothing is left then. */
	client_wait(a, "-hci0/0;");

	world_fault(world, "silent C0:AA:BB:00:00:00 off");
	client_discover(a, "hci0/0");
	ok(client_set(a, "hci0/0", "Trusted", true));
	world_fault(world, "silent C0:AA:BB:00:00:00 on");
	/* The kernel gives up; or the device is heard again before that. */
	ck_assert_str_eq(client_call(a, "hci0/0", "Connect"),
			 "Failed: le-connection-abort-by-local");
	pending = client_send(a, "hci0/0", "Connect");
	client_run(a, 50);
	world_fault(world, "silent C0:AA:BB:00:00:00 off");
	client_wait_call(a, pending);
	ok(a->calls[pending].error);
}
END_TEST

START_TEST(test_refused_connects)
{
	unsigned pending;

	client_discover(a, "hci0/0");
	ok(client_set(a, "hci0/0", "Trusted", true));
	world_fault(world, "refuse C0:AA:BB:00:00:00 2");
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(client_call(a, "hci0/0", "Connect"),
				 "Failed: le-connection-abort-by-local");
	ok(client_call(a, "hci0/0", "Connect"));

	/* Not trusted: no answer, and the object goes. */
	world_fault(world, "refuse C0:AA:BB:00:00:01 1");
	pending = client_send(a, "hci0/1", "Connect");
	client_wait(a, "-hci0/1;");
	ck_assert(!a->calls[pending].done);
	world_fault(world, "refuse C0:AA:BB:00:00:02 1 answered");
	ck_assert_str_eq(client_call(a, "hci0/2", "Connect"),
			 "Failed: le-connection-abort-by-local");
}
END_TEST

/* Once connected is not known for ever: without a link it is forgotten like any other. */
START_TEST(test_forgotten)
{
	client_discover(a, "hci0/0");
	ok(client_call(a, "hci0/0", "Connect"));
	ok(client_call(a, "hci0/1", "Connect"));
	ok(client_set(a, "hci0/1", "Trusted", true));
	client_run(a, 2500);
	ck_assert_ptr_null(strstr(a->trace, "-hci0/0;"));
	world_fault(world, "drop C0:AA:BB:00:00:00");
	world_fault(world, "drop C0:AA:BB:00:00:01");
	client_wait(a, "-hci0/0;");
	ck_assert_ptr_null(strstr(a->trace, "-hci0/1;"));
}
END_TEST

START_TEST(test_one_link_per_device_and_few_per_adapter)
{
	unsigned pending;

	client_discover(a, "hci0/4");
	client_discover(a, "hci1/4");
	ok(client_call(a, "hci0/0", "Connect"));
	/* Held by hci0, it does not advertise: hci1 waits until it is let go. */
	pending = client_send(b, "hci1/0", "Connect");
	client_run(b, 50);
	ck_assert(!b->calls[pending].done);
	world_fault(world, "drop C0:AA:BB:00:00:00");
	client_wait(a, "hci0/0:Connected=0;");
	client_wait_call(b, pending);
	ok(b->calls[pending].error);

	for (int i = 1; i < 4; i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "hci0/%u", (unsigned)i % 100);
		ok(client_call(a, path, "Connect"));
	}
	ck_assert_str_eq(client_call(a, "hci0/4", "Connect"),
			 "Failed: le-connection-abort-by-local");
}
END_TEST

START_TEST(test_power)
{
	client_discover(a, "hci0/1");
	ok(client_call(a, "hci0/0", "Connect"));
	ok(client_call(a, "hci0", "StartDiscovery"));
	client_wait(a, "hci0/1:RSSI;");
	client_forget(a);
	ok(client_set(b, "hci0", "Powered", false));
	client_wait(a, "hci0:Powered=0;");
	client_wait(a, "hci0:Discovering=0;");
	ck_assert_ptr_nonnull(strstr(a->trace, "hci0/0:ServicesResolved=0;hci0/0:Connected=0;"));
	/* Temporary objects go at once. */
	expect_before(a->trace, "-hci0/1;", "hci0/0:Connected=0;");
	ck_assert_ptr_null(strstr(a->trace, "-hci0/0;"));
	ck_assert_str_eq(client_call(a, "hci0/0", "Connect"), "Failed: Input/output error");
	ck_assert_str_eq(client_call(a, "hci0", "StartDiscovery"), "NotReady: Resource Not Ready");
	ok(client_call(a, "hci0/0", "Disconnect"));
	ok(client_set(b, "hci0", "Powered", true));
	/* Discovery does not come back by itself. */
	ck_assert_str_eq(client_call(a, "hci0", "StopDiscovery"), "Failed: No discovery started");
	ok(client_call(a, "hci0/0", "Connect"));
	world_fault(world, "rfkill 0 on");
	client_wait(a, "hci0/0:Connected=0;");
	ck_assert_str_eq(client_set(b, "hci0", "Powered", true), "Blocked: Blocked through rfkill");
}
END_TEST

START_TEST(test_unplug)
{
	client_discover(a, "hci1/1");
	ok(client_call(a, "hci1/0", "Connect"));
	client_forget(a);
	world_fault(world, "unplug 1");
	client_wait(a, "-hci1;");
	expect_before(a->trace, "-hci1/0/fff4;", "-hci1/0;");
	expect_before(a->trace, "-hci1/1;", "-hci1;");
	world_fault(world, "plug 1");
	/* Under the next number, with what had been connected once, and nothing else. */
	client_wait(a, "+hci2/0;");
	ck_assert_ptr_null(strstr(a->trace, "+hci2/1;"));
	ok(client_call(a, "hci2/0", "Connect"));
}
END_TEST

START_TEST(test_restart)
{
	char *answer;

	client_discover(a, "hci0/1");
	ok(client_call(a, "hci0/0", "Connect"));
	world_fault(world, "restart-bluetoothd 200");
	client_run(a, 50);
	ck_assert_ptr_nonnull(strstr(client_call(a, "hci0/0", "Connect"), "ServiceUnknown"));
	client_forget(a);
	client_wait(a, "+hci0/0;");
	ck_assert_ptr_null(strstr(a->trace, "+hci0/1;"));
	ck_assert(!client_property(a, "hci0/0", "Connected"));
	client_wait(a, "hci0:Powered=1;");
	ok(client_call(a, "hci0/0", "Connect"));

	/* Killed: the link is still there, and served by nobody. */
	world_fault(world, "restart-bluetoothd 200 kill");
	client_forget(a);
	client_wait(a, "+hci0/0;");
	ck_assert(client_property(a, "hci0/0", "Connected"));
	ck_assert(!client_property(a, "hci0/0", "ServicesResolved"));
	client_wait(a, "hci0/0:Connected=0;");
	ok(client_call(a, "hci0/0", "Connect"));
	answer = world_ask(world, "stats totals");
	ck_assert_ptr_nonnull(strstr(answer, "\"connects\":3,\"disconnects\":2,"));
	free(answer);
}
END_TEST

START_TEST(test_hang)
{
	unsigned pending;

	client_discover(a, "hci0/0");
	ok(client_call(a, "hci0/0", "Connect"));
	ok(client_write(a, "hci0/0/fff3", "one", NULL));
	client_forget(a);
	world_fault(world, "hang-bluetoothd 300");
	pending = client_send(a, "hci0/1", "Connect");
	world_fault(world, "drop C0:AA:BB:00:00:00");
	client_run(a, 150);
	ck_assert_str_eq(a->trace, "");
	client_wait(a, "hci0/0:Connected=0;");
	client_wait_call(a, pending);
}
END_TEST

START_TEST(test_lost_answers)
{
	char *writes;

	client_discover(a, "hci0/0");
	world_fault(world, "no-reply AA:BB:CC:00:00:01 StartDiscovery 1");
	(void)client_send(a, "hci1", "StartDiscovery");
	client_run(a, 100);
	ck_assert_str_eq(a->trace, "");
	ok(client_call(a, "hci1", "StartDiscovery"));
	ok(client_call(a, "hci0/0", "Connect"));
	world_fault(world, "no-reply C0:AA:BB:00:00:00 ReadValue 1");
	world_fault(world, "no-reply C0:AA:BB:00:00:00 StopNotify 1 done");
	(void)client_send(a, "hci0/0/fff3", "ReadValue");
	(void)client_send(a, "hci0/0/fff4", "StopNotify");
	client_run(a, 100);
	ck_assert(!a->calls[0].done);
	ck_assert_str_eq(client_read(a, "hci0/0/fff3"), "hello");
	ok(client_write(a, "hci0/0/fff3", "twice", "request"));
	writes = world_writes(world);
	ck_assert_ptr_nonnull(strstr(writes, "\"uuid\":\"fff3\",\"kind\":\"request\","
					     "\"adapter\":0,\"hex\":\"7477696365\"}\n"));
	free(writes);
}
END_TEST

Suite *suite_sim(void);

Suite *suite_sim(void)
{
	Suite *suite = suite_create("sim");
	TCase *tc = tcase_create("sim");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_sessions);
	tcase_add_test(tc, test_start_race);
	tcase_add_test(tc, test_filters);
	tcase_add_test(tc, test_connect_order);
	tcase_add_test(tc, test_disconnect);
	tcase_add_test(tc, test_pending_connect);
	tcase_add_test(tc, test_refused_connects);
	tcase_add_test(tc, test_forgotten);
	tcase_add_test(tc, test_one_link_per_device_and_few_per_adapter);
	tcase_add_test(tc, test_power);
	tcase_add_test(tc, test_unplug);
	tcase_add_test(tc, test_restart);
	tcase_add_test(tc, test_hang);
	tcase_add_test(tc, test_lost_answers);
	suite_add_tcase(suite, tc);
	return suite;
}
