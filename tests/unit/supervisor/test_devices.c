/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_devices.c - who sees what; also the events' ring and bus addresses.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/dbus_addr.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"

Suite *suite_devices(void);

static void hear(struct devices *devices, uint64_t address, uint16_t adapter, int rssi_dbm,
		 uint64_t now_ms)
{
	struct devices_report report = {
		.address = address,
		.adapter = adapter,
		.has_random = true,
		.is_random = true,
		.rssi_dbm = rssi_dbm,
	};

	ck_assert_int_eq(devices_report(devices, &report, now_ms), 0);
}

START_TEST(test_sightings)
{
	struct devices_report gone = { .address = 5,
				       .rssi_dbm = DEVICES_RSSI_NONE,
				       .is_gone = true };
	const struct sighting *sighting;
	struct devices *devices;

	ck_assert_int_eq(devices_new(&devices), 0);
	hear(devices, 5, 0, -60, 1000);
	hear(devices, 5, 1, DEVICES_RSSI_NONE, 1000);
	sighting = device_sighting(devices_find(devices, 5), 0);
	ck_assert_int_eq(sighting_rssi_dbm(sighting, 1000), -60);
	hear(devices, 5, 0, -80, 1100);
	ck_assert_int_eq(sighting_rssi_dbm(device_sighting(devices_find(devices, 5), 0), 1100),
			 -65);
	/* Not heard for long: a new value stands alone. */
	hear(devices, 5, 0, -40, 100000);
	ck_assert_int_eq(sighting_rssi_dbm(device_sighting(devices_find(devices, 5), 0), 100000),
			 -40);
	sighting = device_sighting(devices_find(devices, 5), 1);
	ck_assert_int_eq(sighting_rssi_dbm(sighting, 1000), DEVICES_RSSI_NONE);
	devices_link(devices, 5, 1, true);
	ck_assert(device_sighting(devices_find(devices, 5), 1)->is_connected);
	devices_link(devices, 6, 1, true);
	ck_assert_ptr_null(devices_find(devices, 6));
	ck_assert_int_eq(devices_report(devices, &gone, 2000), 0);
	ck_assert_ptr_null(device_sighting(devices_find(devices, 5), 0));
	devices_drop_adapter(devices, 1);
	ck_assert_ptr_null(devices_find(devices, 5));
	ck_assert_uint_eq(devices_count(devices), 0);
	devices_free(devices);
}
END_TEST

START_TEST(test_refused)
{
	struct devices_report report = { .address = 0, .rssi_dbm = -1 };
	struct devices *devices;

	ck_assert_int_eq(devices_new(&devices), 0);
	ck_assert_int_eq(devices_report(devices, &report, 0), -EINVAL);
	report.address = 1ull << 48;
	ck_assert_int_eq(devices_report(devices, &report, 0), -EINVAL);
	report.address = 7;
	report.rssi_dbm = -129;
	ck_assert_int_eq(devices_report(devices, &report, 0), -EINVAL);
	report.rssi_dbm = 128;
	ck_assert_int_eq(devices_report(devices, &report, 0), -EINVAL);
	report.rssi_dbm = -50;
	report.name =
		"sixty-two bytes of letters and then one that has two of them, \xc3\xa9\xc3\xa9";
	ck_assert_int_eq(devices_report(devices, &report, 0), DEVICES_RENAMED);
	ck_assert_uint_eq(strlen(devices_find(devices, 7)->name), DEVICES_NAME_LEN - 2);
	devices_free(devices);
}
END_TEST

/* Whoever has rules by name or service looks again only when there is something new. */
START_TEST(test_renamed)
{
	struct uuid uuids[] = { { { 1 } }, { { 2 } } };
	struct devices_report report = { .address = 7, .rssi_dbm = -50, .name = "Oven" };
	struct devices *devices;

	ck_assert_int_eq(devices_new(&devices), 0);
	ck_assert_int_eq(devices_report(devices, &report, 0), DEVICES_RENAMED);
	ck_assert_int_eq(devices_report(devices, &report, 0), 0);
	report.name = "Oven 2";
	ck_assert_int_eq(devices_report(devices, &report, 0), DEVICES_RENAMED);
	report.name = NULL;
	ck_assert_int_eq(devices_report(devices, &report, 0), 0);
	report.services = uuids;
	report.n_services = 2;
	ck_assert_int_eq(devices_report(devices, &report, 0), DEVICES_RENAMED);
	ck_assert_int_eq(devices_report(devices, &report, 0), 0);
	report.n_services = 0;
	ck_assert_int_eq(devices_report(devices, &report, 0), 0);
	ck_assert_uint_eq(devices_find(devices, 7)->n_services, 2);
	ck_assert(uuid_equal(&devices_find(devices, 7)->services[1], &uuids[1]));
	devices_free(devices);
}
END_TEST

START_TEST(test_full)
{
	const struct device *device;
	struct devices *devices;
	size_t cursor = 0;
	size_t met = 0;
	uint64_t i;

	ck_assert_int_eq(devices_new(&devices), 0);
	hear(devices, 1, 0, -50, 1);
	devices_link(devices, 1, 0, true);
	for (i = 2; i < 3 * DEVICES_MAX; i++)
		hear(devices, i, (uint16_t)(i % 3), -50, i);
	ck_assert_uint_eq(devices_count(devices), DEVICES_MAX);
	/* The one with a link stays, and so does the newest. */
	ck_assert_ptr_nonnull(devices_find(devices, 1));
	ck_assert_ptr_nonnull(devices_find(devices, 3 * DEVICES_MAX - 1));
	while ((device = devices_next(devices, &cursor))) {
		ck_assert_ptr_eq(devices_find(devices, device->address), device);
		met++;
	}
	ck_assert_uint_eq(met, DEVICES_MAX);
	devices_free(devices);
}
END_TEST

/* Against an array. */
START_TEST(test_random)
{
	enum { N = 300, ADAPTERS = 3 };
	static bool known[N][ADAPTERS];
	struct devices *devices;
	unsigned i, a, d, count;

	srandom(17);
	ck_assert_int_eq(devices_new(&devices), 0);
	for (i = 0; i < 200000; i++) {
		struct devices_report report = { .rssi_dbm = -50 };

		d = (unsigned)random() % N;
		a = (unsigned)random() % ADAPTERS;
		report.address = 0xc0aabb000000 + d;
		report.adapter = (uint16_t)a;
		report.is_gone = (random() & 3) == 0;
		known[d][a] = !report.is_gone;
		ck_assert_int_eq(devices_report(devices, &report, i), 0);
		if (i % 20000 != 0)
			continue;
		devices_drop_adapter(devices, 1);
		for (d = 0, count = 0; d < N; d++) {
			known[d][1] = false;
			count += known[d][0] || known[d][2];
			ck_assert_int_eq(device_sighting(devices_find(devices, 0xc0aabb000000 + d),
							 2) != NULL,
					 known[d][2]);
		}
		ck_assert_uint_eq(devices_count(devices), count);
	}
	devices_free(devices);
}
END_TEST

static void on_news(void *ctx)
{
	(*(unsigned *)ctx)++;
}

START_TEST(test_events)
{
	const struct event *event;
	enum event_kind kind;
	struct events *events;
	unsigned news = 0;
	unsigned i;

	ck_assert_int_eq(events_new(&events, on_news, &news), 0);
	ck_assert_ptr_null(events_from(events, 0));
	for (i = 1; i <= 3 * EVENTS_KEPT; i++)
		events_add(events, &(struct event){ .kind = EVENT_SESSION_OPENED }, "%u", i);
	ck_assert_uint_eq(news, 3 * EVENTS_KEPT);
	event = events_from(events, 0);
	ck_assert_uint_eq(event->seq, 2 * EVENTS_KEPT + 1);
	ck_assert_uint_eq(strtoul(event->text, NULL, 10), event->seq);
	ck_assert_uint_eq(events_from(events, 3 * EVENTS_KEPT)->seq, 3 * EVENTS_KEPT);
	ck_assert_ptr_null(events_from(events, 3 * EVENTS_KEPT + 1));
	for (i = 0; i < EVENT_KIND_COUNT; i++) {
		ck_assert_int_eq(event_kind_from_name(event_kind_name((enum event_kind)i), &kind),
				 0);
		ck_assert_uint_eq(kind, i);
	}
	ck_assert_int_eq(event_kind_from_name("x", &kind), EVENT_KIND_UNKNOWN);
	events_free(events);
}
END_TEST

START_TEST(test_dbus_addr)
{
	const char *list =
		"tcp:host=x;unix:guid=1,path=/run/a%20b;unix:abstract=c,x=1;unix:tmpdir=/";
	struct sockaddr_un address;
	socklen_t len;

	ck_assert_int_eq(dbus_addr_next(&list, &address, &len), DBUS_ADDR_OK);
	ck_assert_str_eq(address.sun_path, "/run/a b");
	ck_assert_int_eq(dbus_addr_next(&list, &address, &len), DBUS_ADDR_OK);
	ck_assert_int_eq(address.sun_path[0], 0);
	ck_assert_str_eq(address.sun_path + 1, "c");
	ck_assert_uint_eq(len, offsetof(struct sockaddr_un, sun_path) + 2);
	ck_assert_int_eq(dbus_addr_next(&list, &address, &len), DBUS_ADDR_END);
	list = "unix:path=/a%zz;unix:path=%2";
	ck_assert_int_eq(dbus_addr_next(&list, &address, &len), DBUS_ADDR_END);
}
END_TEST

Suite *suite_devices(void)
{
	Suite *suite = suite_create("devices");
	TCase *tc = tcase_create("devices");

	tcase_add_test(tc, test_sightings);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_renamed);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_events);
	tcase_add_test(tc, test_dbus_addr);
	suite_add_tcase(suite, tc);
	return suite;
}
