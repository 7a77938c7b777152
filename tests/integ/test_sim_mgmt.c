/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_sim_mgmt.c - the fake MGMT: its packets byte for byte, and what it and the fake
 * bluetoothd show of each other.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

enum { WAIT_MS = 3000, PACKET_BYTES = 1024 };

static struct world *world;
static struct client *a;
static int one, two;

static int connect_mgmt(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s/mgmt", getenv("BLEHERD_WORLD"));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static void setup(void)
{
	static const char *const options[] = {
		"--no-daemon", "--sim", "--disconnect-ms=1000", "--sim", "--mgmt-lag-ms=100", NULL,
	};

	world = world_start(options);
	a = client_new();
	one = connect_mgmt();
	two = connect_mgmt();
}

static void teardown(void)
{
	a = client_free(a);
	(void)close(one);
	(void)close(two);
	world = world_stop(world);
}

/* A packet as hexadecimal digits; "" if none comes within @ms. */
static const char *receive(int fd, int ms)
{
	static char text[2 * PACKET_BYTES + 1];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t data[PACKET_BYTES];
	ssize_t n;

	text[0] = '\0';
	if (poll(&p, 1, ms) != 1)
		return text;
	n = recv(fd, data, sizeof(data), 0);
	ck_assert_int_gt(n, 0);
	for (ssize_t i = 0; i < n; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", data[i]);
	return text;
}

static void expect(int fd, const char *packet)
{
	ck_assert_str_eq(receive(fd, WAIT_MS), packet);
}

static void expect_start(int fd, const char *packet)
{
	const char *got = receive(fd, WAIT_MS);

	ck_assert_msg(strncmp(got, packet, strlen(packet)) == 0, "'%s' does not begin with '%s'",
		      got, packet);
}

static void command(int fd, const char *text)
{
	uint8_t data[PACKET_BYTES];
	size_t len = strlen(text) / 2;
	unsigned byte;

	for (size_t i = 0; i < len; i++) {
		ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &byte), 1);
		data[i] = (uint8_t)byte;
	}
	ck_assert_int_eq(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void connect_device(const char *path)
{
	ck_assert_str_eq(client_call(a, path, "Connect"), "");
	client_wait(a, "ServicesResolved=1;");
	client_forget(a);
}

START_TEST(test_reading)
{
	command(one, "0100ffff0000");
	expect(one, "0100ffff0600010000011600");
	command(one, "0300ffff0000");
	expect(one, "0100ffff09000300000200000001"
		    "00");
	command(one, "3c00ffff0000");
	expect(one, "0100ffff0d003c0000020000000000010000"
		    "00");
	command(one, "040001000000");
	/* 280 bytes: the address backwards, Bluetooth 5.0, powered and LE among the settings. */
	expect_start(one, "010001001b01040000010000ccbbaa09f10513aa000011020000000000"
			  "626c65686572642d73696d00");
	command(one, "0200ffff0000");
	expect_start(one, "0100ffff29000200000900080003003600");
	command(one, "3500000002000000");
	expect(one, "010000000300350000");
}
END_TEST

START_TEST(test_refusals)
{
	command(one, "ff0fffff0000");
	expect(one, "0200ffff0300ff0f01");
	command(one, "040005000000");
	expect(one, "020005000300040011");
	command(one, "040000000100aa");
	expect(one, "02000000030004000d");
	command(one, "0300000000"
		     "00");
	expect(one, "020000000300030011");
	command(one, "05000000010002");
	expect(one, "02000000030005000d");
	/* What is no packet is dropped. */
	command(one, "0500000001");
	command(one, "05000000050001");
	ck_assert_str_eq(receive(one, 50), "");
}
END_TEST

START_TEST(test_links)
{
	uint64_t start_ms;

	client_discover(a, "hci1/3");
	(void)receive(one, WAIT_MS);
	(void)receive(one, WAIT_MS);
	connect_device("hci1/3");
	/* Device Connected: address, LE random, flags, the advert. */
	expect(one, "0b000100"
		    "1b00"
		    "030000bbaac002"
		    "00000000"
		    "0e00"
		    "020106"
		    "0303f0ff"
		    "0609424d362d33");
	command(one, "150001000000");
	expect(one, "010001000c00150000"
		    "0100"
		    "030000bbaac002");
	command(one, "150000000000");
	expect(one, "010000000500150000"
		    "0000");
	/* With a wrong type of address it is somebody else. */
	command(one, "140001000700"
		     "030000bbaac001");
	expect(one, "010001000a00140002"
		    "030000bbaac001");

	start_ms = client_now_ms();
	command(one, "140001000700"
		     "030000bbaac002");
	expect(one, "010001000a00140000"
		    "030000bbaac002");
	ck_assert_uint_lt(client_now_ms() - start_ms, 50);
	/* D-Bus learns of it a little later; until then its answers are about the past. */
	ck_assert(client_property(a, "hci1/3", "Connected"));
	ck_assert_str_eq(client_call(a, "hci1/3", "Connect"), "");
	client_wait(a, "hci1/3:Connected=0;");
	ck_assert_uint_ge(client_now_ms() - start_ms, 95);
	/* The others hear of it by an event, whoever asked does not. */
	ck_assert_str_eq(receive(one, 50), "");
	for (int i = 0; i < 3; i++)
		(void)receive(two, WAIT_MS);
	expect(two, "0c0001000800"
		    "030000bbaac0"
		    "0202");
}
END_TEST

START_TEST(test_events)
{
	client_discover(a, "hci0/0");
	expect(one, "1300000002000601");
	expect(one, "1300000002000600");
	connect_device("hci0/0");
	expect_start(one, "0b000000");
	world_fault(world, "drop C0:AA:BB:00:00:00 0x13");
	expect(one, "0c0000000800"
		    "000000bbaac0"
		    "0203");
	world_fault(world, "refuse C0:AA:BB:00:00:00 1 answered");
	ck_assert_str_eq(client_call(a, "hci0/0", "Connect"),
			 "Failed: le-connection-abort-by-local");
	expect(one, "0d0000000800"
		    "000000bbaac0"
		    "0203");
	world_fault(world, "unplug 0");
	expect(one, "050000000000");
	world_fault(world, "plug 0");
	expect(one, "040002000000");
}
END_TEST

START_TEST(test_power)
{
	client_discover(a, "hci0/0");
	expect_start(one, "1300");
	expect_start(one, "1300");
	connect_device("hci0/0");
	expect_start(one, "0b00");
	command(one, "05000000010000");
	expect_start(one, "0c000000");
	expect(one, "010000000700050000"
		    "10020000");
	client_wait(a, "hci0:Powered=0;");
	for (int i = 0; i < 4; i++)
		(void)receive(two, WAIT_MS);
	expect(two, "060000000400"
		    "10020000");
	command(one, "150000000000");
	expect(one, "02000000030015000f");
	command(one, "05000000010001");
	expect(one, "010000000700050000"
		    "11020000");
	client_wait(a, "hci0:Powered=1;");
}
END_TEST

#define DISCONNECT_0                                                                               \
	"140000000700"                                                                             \
	"000000bbaac002"
#define CONNECT_FAILED_0                                                                           \
	"0d0000000800"                                                                             \
	"000000bbaac0"                                                                             \
	"020e"

/* A Connect that is pending, as the lab has it (contrib/lab/README.md). */
START_TEST(test_pending)
{
	unsigned call;

	client_discover(a, "hci0/0");
	expect_start(one, "1300");
	expect_start(one, "1300");
	/* Not heard yet: MGMT Disconnect ends it. */
	world_fault(world, "silent C0:AA:BB:00:00:00 on");
	call = client_send(a, "hci0/0", "Connect");
	client_run(a, 50);
	command(one, DISCONNECT_0);
	expect(one, CONNECT_FAILED_0);
	expect(one, "010000000a00140000000000bbaac002");
	client_wait_call(a, call);
	ck_assert_str_eq(a->calls[call].error, "Failed: le-connection-abort-by-local");

	/* The controller is at it: MGMT Disconnect waits, whoever asked, Device1.Disconnect does
	 * not, and the former finds nothing any more. */
	world_fault(world, "silent C0:AA:BB:00:00:00 off");
	world_fault(world, "connect-ms C0:AA:BB:00:00:00 600");
	client_discover(a, "hci0/0");
	expect_start(one, "1300");
	expect_start(one, "1300");
	call = client_send(a, "hci0/0", "Connect");
	client_run(a, 50);
	command(one, DISCONNECT_0);
	command(one, DISCONNECT_0);
	expect(one, "010000000a0014000a000000bbaac002");
	ck_assert_str_eq(receive(one, 200), "");
	ck_assert_str_eq(client_call(a, "hci0/0", "Disconnect"), "");
	client_wait_call(a, call);
	ck_assert_str_eq(a->calls[call].error, "Failed: br-connection-canceled");
	expect(one, CONNECT_FAILED_0);
	expect(one, "010000000a00140002000000bbaac002");

	/* It ends by itself: with a link, which goes then. */
	client_discover(a, "hci0/0");
	expect_start(one, "1300");
	expect_start(one, "1300");
	(void)client_send(a, "hci0/0", "Connect");
	client_run(a, 50);
	command(one, DISCONNECT_0);
	expect_start(one, "0b00");
	expect(one, "010000000a00140000000000bbaac002");
	client_wait(a, "hci0/0:Connected=0;");
}
END_TEST

/* The kernel goes on while bluetoothd does not. */
START_TEST(test_without_bluetoothd)
{
	client_discover(a, "hci0/0");
	connect_device("hci0/0");
	world_fault(world, "hang-bluetoothd 400");
	command(two, "150000000000");
	for (int i = 0; i < 3; i++)
		(void)receive(two, WAIT_MS);
	expect(two, "010000000c00150000"
		    "0100"
		    "000000bbaac002");
	command(two, "140000000700"
		     "000000bbaac002");
	expect_start(two, "010000000a00140000");
	client_run(a, 200);
	ck_assert_str_eq(a->trace, "");
	client_wait(a, "hci0/0:Connected=0;");
}
END_TEST

Suite *suite_sim_mgmt(void);

Suite *suite_sim_mgmt(void)
{
	Suite *suite = suite_create("sim_mgmt");
	TCase *tc = tcase_create("sim_mgmt");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_reading);
	tcase_add_test(tc, test_refusals);
	tcase_add_test(tc, test_links);
	tcase_add_test(tc, test_events);
	tcase_add_test(tc, test_power);
	tcase_add_test(tc, test_pending);
	tcase_add_test(tc, test_without_bluetoothd);
	suite_add_tcase(suite, tc);
	return suite;
}
