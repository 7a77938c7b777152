/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tests/unit/cli/test_views.c - a device's page, sessions, the picture of top. */
#include "tests/support/runner.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/deviceview.h"
#include "ipc/client/cli/topview.h"

Suite *suite_views(void);

enum { DAY_MS = 86400000 };

static const uint64_t ADDRESS = 0xc0aabb000001;

static struct bh_session_row a_row(void)
{
	return (struct bh_session_row){ .session = 4,
					.address = ADDRESS,
					.adapter = "hci1",
					.label = "reader\033[2J",
					.pid = 99,
					.state = "served",
					.state_for_ms = 4000,
					.holds_link = true,
					.subscriptions = 2,
					.text = "" };
}

static void fill(struct deviceview *view)
{
	const struct bh_sighting sightings[] = {
		{ .adapter = "hci0", .rssi_dbm = -61, .age_ms = 900 },
		{ .adapter = "hci1",
		  .rssi_dbm = BH_RSSI_UNKNOWN,
		  .age_ms = UINT32_MAX,
		  .is_connected = true },
	};
	const struct bh_device device = { .address = ADDRESS,
					  .name = "a\033lamp",
					  .sightings = sightings,
					  .n_sightings = 2,
					  .strategy = BH_STRATEGY_PERSISTENT,
					  .keeper = "held",
					  .check_interval_ms = 5000,
					  .circuit_failures = 6,
					  .health = "degraded",
					  .state = "connected",
					  .state_for_ms = 61000,
					  .requests = 12,
					  .values = 3 };
	const struct bh_device_counts counts = { .adapter = "hci1",
						 .connects = 2,
						 .losses = 1,
						 .attempts_failed = 1,
						 .health_failures = 3,
						 .checks = 7,
						 .checks_failed = 6 };
	const struct bh_transition steps[] = {
		{ .at_ms = DAY_MS, .state = "connected", .adapter = "hci1", .text = "" },
		{ .at_ms = DAY_MS + 1000,
		  .state = "disconnected",
		  .adapter = "hci1",
		  .error = BH_CLASS_LINK_LOST,
		  .text = "it went" },
	};
	const struct bh_distribution timing = { .part = "connect",
						.count = 2,
						.min_ms = 100,
						.p50_ms = 110,
						.p95_ms = 2500,
						.max_ms = 2500 };
	const struct bh_session_row row = a_row();

	deviceview_device(view, &device);
	deviceview_counts(view, &counts);
	deviceview_step(view, &steps[0]);
	deviceview_step(view, &steps[1]);
	deviceview_timing(view, &timing);
	deviceview_session(view, &row);
}

static void expect_in(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

START_TEST(device_page)
{
	static const struct deviceview_style style = {
		.bold = "", .red = "", .plain = "", .columns = 100
	};
	struct deviceview *view = calloc(1, sizeof(*view));
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(view);
	fill(view);
	ck_assert_int_eq(deviceview_show(view, to, &style), 0);
	ck_assert_int_eq(fclose(to), 0);
	expect_in(text, "device     C0:AA:BB:00:00:01  a?lamp\n"
			"state      connected on hci1 for 61 s\n"
			"health     degraded: 3 failures in a row\n"
			"strategy   persistent: held, polled every 5.0 s\n"
			"circuit    open: 6 polls failed in a row\n"
			"heard by   hci0    -61 dBm  900 ms ago\n"
			"           hci1      known to it, not heard   connected\n"
			"links      2 connected, 1 lost; 1 attempt failed, 0 given up\n"
			"requests   12 answered, 0 of them with an error; 3 values came\n"
			"polls      7, 6 failed\n");
	expect_in(text, "ID  ADAPTER  PROGRAM     PID  HOLDS  SUBS    FOR  STATE\n"
			" 4  hci1     reader?[2J   99  link      2  4.0 s  served\n");
	expect_in(text, "TOOK     COUNT     MIN  MEDIAN   95 %    MAX\n"
			"connect      2  100 ms  110 ms  2.5 s  2.5 s\n");
	expect_in(text, "00:00:00.000 hci1  connected\n"
			"00:00:01.000 hci1  disconnected  link-lost: it went\n");
	free(text);
	free(view);
}
END_TEST

START_TEST(device_object)
{
	struct deviceview *view = calloc(1, sizeof(*view));
	json_t *object;
	const char *state;
	const char *class;
	json_int_t p95_ms;
	json_int_t session;

	ck_assert_ptr_nonnull(view);
	fill(view);
	object = deviceview_json(view);
	ck_assert_int_eq(json_unpack(object, "{s:s, s:{s:{s:I}}, s:[{s:I}], s:[{}, {s:s}]}",
				     "state", &state, "timings", "connect", "p95_ms", &p95_ms,
				     "sessions", "session", &session, "history", "class", &class),
			 0);
	ck_assert_str_eq(state, "connected");
	ck_assert_str_eq(class, "link-lost");
	ck_assert_int_eq(p95_ms, 2500);
	ck_assert_int_eq(session, 4);
	json_decref(object);
	free(view);
}
END_TEST

/* --- top --- */

static struct topdata *sample(uint64_t at_ms, uint64_t requests, unsigned n_devices)
{
	struct topdata *data = topdata_new();
	const struct bh_adapter adapter = { .name = "hci0",
					    .state = "ready",
					    .is_powered = true,
					    .links = 1,
					    .slots = 7,
					    .requests = requests,
					    .trouble_text = "" };
	const struct bh_sighting sighting = { .adapter = "hci0", .rssi_dbm = -50 };
	const struct bh_session_row row = a_row();
	struct bh_device device = { .name = "lamp",
				    .sightings = &sighting,
				    .n_sightings = 1,
				    .keeper = "",
				    .health = "healthy" };
	unsigned i;

	ck_assert_ptr_nonnull(data);
	data->at_ms = at_ms;
	topdata_adapter(data, &adapter);
	for (i = n_devices; i > 0; i--) {
		device.address = ADDRESS + i - 1;
		device.state = i == 1 ? "disconnected" : "connected";
		device.state_for_ms = 1000;
		device.requests = i == 2 ? requests : 0;
		topdata_device(data, &device);
	}
	/* Nobody uses this one. */
	device.address = 1;
	device.state_for_ms = UINT32_MAX;
	topdata_device(data, &device);
	topdata_session(data, &row);
	return data;
}

static char *picture(const struct topdata *data, const struct topview *view)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	ck_assert_int_eq(topview_show(data, view, to), 0);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

START_TEST(top_rates)
{
	struct topdata *before = sample(1000, 100, 3);
	struct topdata *now = sample(3000, 150, 3);
	struct topview view = { .columns = 120 };
	char *text;

	topdata_finish(before, NULL);
	topdata_finish(now, before);
	text = picture(now, &view);
	expect_in(text, "25.0 requests/s");
	expect_in(text, "hci0     ready   on       1/7      0     0   25.0      -     0\n");
	/* By state; what nobody uses is not shown. */
	expect_in(text,
		  "C0:AA:BB:00:00:02  lamp  connected     1.0 s  hci0  healthy   25.0      -");
	ck_assert(strstr(text, "C0:AA:BB:00:00:01  lamp  disconnected") >
		  strstr(text, "C0:AA:BB:00:00:03"));
	ck_assert_ptr_null(strstr(text, "00:00:00:00:00:01"));
	free(text);
	view.sort = TOPVIEW_BY_RATE;
	text = picture(now, &view);
	ck_assert(strstr(text, "C0:AA:BB:00:00:02") < strstr(text, "C0:AA:BB:00:00:03"));
	free(text);
	topdata_free(before);
	topdata_free(now);
}
END_TEST

static unsigned count_lines(const char *text, size_t width)
{
	unsigned n = 0;
	const char *end;

	for (; *text; text = end + 1, n++) {
		end = strchrnul(text, '\n');
		ck_assert_uint_le((size_t)(end - text), width);
		if (!*end)
			break;
	}
	return n;
}

/* Whatever the terminal's size: never more than fits. */
START_TEST(top_fits)
{
	struct topdata_event events[20] = { [19] = { .kind = "connected",
						     .text = "on hci0, at last" } };
	struct topdata *data = sample(1000, 0, 40);
	struct topview view = { .has_keys = true, .events = events, .n_events = 20 };
	char *text;

	topdata_finish(data, NULL);
	for (view.columns = 80; view.columns < 200; view.columns += 13)
		for (view.lines = 5; view.lines < 80; view.lines++) {
			text = picture(data, &view);
			ck_assert_uint_le(count_lines(text, view.columns), view.lines);
			free(text);
		}
	view.lines = 24;
	view.columns = 80;
	text = picture(data, &view);
	expect_in(text, " more\n");
	expect_in(text, "connected: on hci0, at last\n");
	expect_in(text, "reader");
	free(text);
	topdata_free(data);
}
END_TEST

START_TEST(top_object)
{
	struct topdata *data = sample(1000, 0, 2);
	struct topdata_event event = { .kind = "connected", .text = "" };
	json_t *object;
	json_int_t slots;
	const char *kind;

	topdata_finish(data, NULL);
	object = topview_json(data, &event, 1, 5);
	ck_assert_int_eq(json_unpack(object, "{s:[{s:I}], s:[{s:s}]}", "adapters", "slots", &slots,
				     "events", "event", &kind),
			 0);
	ck_assert_int_eq(slots, 7);
	ck_assert_str_eq(kind, "connected");
	ck_assert_uint_eq(json_array_size(json_object_get(object, "devices")), 3);
	json_decref(object);
	topdata_free(data);
}
END_TEST

static void setup(void)
{
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)setenv("TZ", "UTC", 1);
}

Suite *suite_views(void)
{
	Suite *suite = suite_create("views");
	TCase *tcase = tcase_create("views");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, device_page);
	tcase_add_test(tcase, device_object);
	tcase_add_test(tcase, top_rates);
	tcase_add_test(tcase, top_fits);
	tcase_add_test(tcase, top_object);
	suite_add_tcase(suite, tcase);
	return suite;
}
