/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_scan(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake fake;
static struct bh_client *client;
static struct fake_peer radios[3];
static struct fake_tally tally;
static uint32_t events_id;
static char heard[64];

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
}

static void tear_down(void)
{
	size_t i;

	client = bh_free(client);
	for (i = 0; i < ARRAY_LEN(radios); i++)
		fake_drop(&radios[i]);
	fake_close(&fake);
}

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct fake_tally *t = ctx;
	size_t len = strlen(heard);

	t->items++;
	ck_assert_uint_eq(advert->address, FAKE_ADDRESS);
	ck_assert_int_eq(advert->rssi_dbm, -60);
	ck_assert_uint_eq(advert->n_uuids, 1);
	ck_assert_mem_eq(&advert->uuids[0], &FAKE_UUID, sizeof(FAKE_UUID));
	(void)snprintf(heard + len, sizeof(heard) - len, "%s ", advert->adapter);
}

static void send_adapter(uint32_t id, const char *name)
{
	Bh__Adapter msg = BH__ADAPTER__INIT;

	msg.name = (char *)(uintptr_t)name;
	fake_send(&fake.control, BH__TYPE__ADAPTER, id, &msg.base, -1);
}

static void send_event(const char *kind, const char *adapter)
{
	Bh__Event msg = BH__EVENT__INIT;

	msg.kind = (char *)(uintptr_t)kind;
	msg.adapter = (char *)(uintptr_t)adapter;
	fake_send(&fake.control, BH__TYPE__EVENT, events_id, &msg.base, -1);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
}

/* Takes a SESSION_OPEN for a scan of that adapter. */
static uint32_t take_open(const char *adapter)
{
	struct fake_frame *frame = fake_take(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
	Bh__SessionOpen *msg = bh__session_open__unpack(NULL, frame->len, frame->body);
	uint32_t id = frame->id;

	ck_assert_int_eq(msg->kind, BH__SESSION_KIND__SESSION_SCAN);
	ck_assert_str_eq(msg->adapter, adapter);
	bh__session_open__free_unpacked(msg, NULL);
	free(frame);
	return id;
}

static uint32_t serve(const char *adapter, uint32_t number)
{
	uint32_t id = take_open(adapter);

	fake_send_opened(&fake, id, number, 1, &radios[number]);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	return fake_take_id(&fake, &radios[number], BH__TYPE__SCAN);
}

static void send_advert(uint32_t number, uint32_t id, const char *adapter)
{
	Bh__Advert msg = BH__ADVERT__INIT;
	ProtobufCBinaryData uuid = { .len = 16, .data = (uint8_t *)(uintptr_t)FAKE_UUID.octets };

	msg.has_address = true;
	msg.address = FAKE_ADDRESS;
	msg.has_rssi_dbm = true;
	msg.rssi_dbm = -60;
	msg.n_uuids = 1;
	msg.uuids = &uuid;
	msg.adapter = (char *)(uintptr_t)adapter;
	fake_send(&radios[number], BH__TYPE__ADVERT, id, &msg.base, -1);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
}

static struct bh_scan *start(const struct bh_scan_filter *filter)
{
	struct bh_scan *scan;

	ck_assert_int_eq(bh_scan_start(&scan, client, filter, on_advert, fake_on_result, &tally),
			 0);
	return scan;
}

/* Two adapters listed, a third plugged in, the first pulled out. */
START_TEST(adapters_come_and_go)
{
	struct bh_scan *scan = start(NULL);
	uint32_t list_id;
	uint32_t ids[3];

	events_id = fake_take_id(&fake, &fake.control, BH__TYPE__EVENTS_REQUEST);
	list_id = fake_take_id(&fake, &fake.control, BH__TYPE__ADAPTERS_REQUEST);
	send_adapter(list_id, "hci0");
	send_adapter(list_id, "hci1");
	fake_send_done(&fake.control, list_id);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ids[0] = serve("hci0", 0);
	ids[1] = serve("hci1", 1);
	send_event("adapter-added", "hci1"); /* it is there */
	send_event("worker-died", "hci0");
	fake_nothing(&fake, &fake.control);
	send_event("adapter-added", "hci2");
	ids[2] = serve("hci2", 2);
	send_advert(0, ids[0], "hci0");
	send_advert(2, ids[2], "hci2");
	send_event("adapter-removed", "hci0");
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	fake_pump(&fake, &radios[0]);
	ck_assert(radios[0].is_eof);
	send_advert(1, ids[1], NULL);
	ck_assert_str_eq(heard, "hci0 hci2 hci0 ");
	ck_assert_uint_eq(tally.calls, 0);

	(void)bh_scan_stop(scan);
	ck_assert_uint_eq(fake_take_id(&fake, &fake.control, BH__TYPE__CANCEL), events_id);
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(tally.calls, 0);
	ck_assert_ptr_null(client->sessions);
}
END_TEST

START_TEST(no_adapter)
{
	struct bh_scan *scan = start(NULL);

	events_id = fake_take_id(&fake, &fake.control, BH__TYPE__EVENTS_REQUEST);
	fake_send_done(&fake.control,
		       fake_take_id(&fake, &fake.control, BH__TYPE__ADAPTERS_REQUEST));
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_ADAPTER_GONE);
	bh_scan_stop(scan);
	ck_assert_uint_eq(tally.calls, 1);
}
END_TEST

/* It ends with the last adapter, and says why that one could not. */
START_TEST(adapters_refuse)
{
	static const struct bh_scan_filter FILTER = { .adapter = "hci7", .rssi_min_dbm = -70 };
	struct bh_scan *scan = start(&FILTER);

	fake_send_error(&fake.control, take_open("hci7"), BH__CLASS__CLASS_NOT_POWERED,
			"it is off");
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NOT_POWERED);
	ck_assert_str_eq(tally.text, "it is off");
	fake_nothing(&fake, &fake.control);
	bh_scan_stop(scan);
}
END_TEST

START_TEST(moved_to_a_new_worker)
{
	struct bh_scan_filter filter = { .uuids = &FAKE_UUID, .n_uuids = 1, .adapter = "hci0" };
	struct bh_scan *scan = start(&filter);
	struct fake_frame *frame;
	Bh__Scan *msg;
	uint32_t id;

	memset(&filter, 0xee, sizeof(filter)); /* it was copied */
	id = serve("hci0", 0);
	fake_drop(&radios[0]);
	fake_send_moved(&fake, 0, 2, NULL, 0, &radios[1]);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	frame = fake_take(&fake, &radios[1], BH__TYPE__SCAN);
	ck_assert_uint_eq(frame->id, id);
	msg = bh__scan__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_eq(msg->n_uuids, 1);
	ck_assert_mem_eq(msg->uuids[0].data, FAKE_UUID.octets, 16);
	bh__scan__free_unpacked(msg, NULL);
	free(frame);
	send_advert(1, id, "hci0");
	ck_assert_uint_eq(tally.items, 1);
	bh_scan_stop(scan);
}
END_TEST

START_TEST(daemon_goes)
{
	struct bh_scan *scan = start(NULL);
	uint32_t list_id;

	fake_take_id(&fake, &fake.control, BH__TYPE__EVENTS_REQUEST);
	list_id = fake_take_id(&fake, &fake.control, BH__TYPE__ADAPTERS_REQUEST);
	send_adapter(list_id, "hci0");
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	serve("hci0", 0);
	fake_drop(&fake.control);
	ck_assert_int_eq(fake_settle(&fake, client), -ENOTCONN);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_NO_DAEMON);
	bh_scan_stop(scan);
}
END_TEST

START_TEST(client_is_freed)
{
	start(NULL);
	client = bh_free(client);
	ck_assert_uint_eq(tally.calls, 1);
	ck_assert_int_eq(tally.error, BH_CLASS_CANCELLED);
}
END_TEST

static struct bh_scan *running;

static void on_advert_stop(void *ctx, const struct bh_advert *advert)
{
	struct fake_tally *t = ctx;

	(void)advert;
	t->items++;
	running = bh_scan_stop(running);
}

START_TEST(stopped_in_a_callback)
{
	static const struct bh_scan_filter FILTER = { .adapter = "hci0" };
	Bh__Advert msg = BH__ADVERT__INIT;
	uint32_t id;

	ck_assert_int_eq(
		bh_scan_start(&running, client, &FILTER, on_advert_stop, fake_on_result, &tally),
		0);
	id = serve("hci0", 0);
	fake_send(&radios[0], BH__TYPE__ADVERT, id, &msg.base, -1);
	fake_send(&radios[0], BH__TYPE__ADVERT, id, &msg.base, -1);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(tally.items, 1);
	ck_assert_uint_eq(tally.calls, 0);
}
END_TEST

START_TEST(bad_filters)
{
	struct bh_scan_filter filter = { .n_uuids = 1 };
	struct bh_scan *scan;

	ck_assert_int_eq(bh_scan_start(&scan, client, &filter, on_advert, NULL, NULL), -EINVAL);
	filter = (struct bh_scan_filter){ .uuids = &FAKE_UUID, .n_uuids = 1000 };
	ck_assert_int_eq(bh_scan_start(&scan, client, &filter, on_advert, NULL, NULL), -EINVAL);
	filter = (struct bh_scan_filter){ .adapter = "" };
	ck_assert_int_eq(bh_scan_start(&scan, client, &filter, on_advert, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_scan_start(&scan, client, NULL, NULL, NULL, NULL), -EINVAL);
	ck_assert_ptr_null(client->scans);
}
END_TEST

Suite *suite_scan(void)
{
	Suite *suite = suite_create("scan");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, adapters_come_and_go);
	tcase_add_test(all, no_adapter);
	tcase_add_test(all, adapters_refuse);
	tcase_add_test(all, moved_to_a_new_worker);
	tcase_add_test(all, daemon_goes);
	tcase_add_test(all, client_is_freed);
	tcase_add_test(all, stopped_in_a_callback);
	tcase_add_test(all, bad_filters);
	suite_add_tcase(suite, all);
	return suite;
}
