/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_lists(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake fake;
static struct bh_client *client;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_close(&fake);
}

static void on_status(void *ctx, const struct bh_status *status)
{
	struct fake_tally *t = ctx;

	t->items++;
	ck_assert_str_eq(status->version, "1.2");
	ck_assert_uint_eq(status->adapters, 2);
	ck_assert(status->has_bluez && !status->has_mgmt);
	ck_assert_str_eq(status->arbiter_trouble, "no directory");
}

START_TEST(status)
{
	static struct fake_tally t;
	Bh__Status msg = BH__STATUS__INIT;
	uint32_t id;

	ck_assert_int_eq(bh_get_status(client, on_status, fake_on_result, &t), 0);
	id = fake_take_id(&fake, &fake.control, BH__TYPE__STATUS_REQUEST);
	msg.daemon_version = (char *)(uintptr_t) "1.2";
	msg.has_adapters = true;
	msg.adapters = 2;
	msg.has_bluez = true;
	msg.bluez = true;
	msg.arbiter_trouble = (char *)(uintptr_t) "no directory";
	fake_send(&fake.control, BH__TYPE__STATUS, id, &msg.base, -1);
	fake_send_done(&fake.control, id);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.items, 1);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_NONE);
}
END_TEST

static void on_device(void *ctx, const struct bh_device *device)
{
	struct fake_tally *t = ctx;

	t->items++;
	ck_assert_uint_eq(device->address, FAKE_ADDRESS);
	ck_assert_str_eq(device->name, "");
	ck_assert_uint_eq(device->n_sightings, 2);
	ck_assert_int_eq(device->sightings[0].rssi_dbm, -50);
	ck_assert_uint_eq(device->sightings[0].age_ms, 12);
	ck_assert_int_eq(device->sightings[1].rssi_dbm, BH_RSSI_UNKNOWN);
	ck_assert_uint_eq(device->sightings[1].age_ms, UINT32_MAX);
}

START_TEST(devices)
{
	static struct fake_tally t;
	Bh__Sighting sightings[2] = { BH__SIGHTING__INIT, BH__SIGHTING__INIT };
	Bh__Sighting *list[2] = { &sightings[0], &sightings[1] };
	Bh__Device msg = BH__DEVICE__INIT;
	uint32_t id;

	ck_assert_int_eq(bh_list_devices(client, on_device, fake_on_result, &t), 0);
	id = fake_take_id(&fake, &fake.control, BH__TYPE__DEVICES_REQUEST);
	sightings[0].has_rssi_dbm = sightings[0].has_age_ms = true;
	sightings[0].rssi_dbm = -50;
	sightings[0].age_ms = 12;
	msg.has_address = true;
	msg.address = FAKE_ADDRESS;
	msg.n_sightings = 2;
	msg.sightings = list;
	fake_send(&fake.control, BH__TYPE__DEVICE, id, &msg.base, -1);
	fake_send(&fake.control, BH__TYPE__DEVICE, id, &msg.base, -1);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, 0);
	fake_send_done(&fake.control, id);
	fake_send(&fake.control, BH__TYPE__DEVICE, id, &msg.base, -1); /* late: dropped */
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.items, 2);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

static void on_event(void *ctx, const struct bh_event *event)
{
	struct fake_tally *t = ctx;

	t->items++;
	ck_assert_str_eq(event->kind, "worker-died");
	ck_assert_str_eq(event->adapter, "");
	ck_assert_int_eq(event->error, BH_CLASS_NONE);
}

START_TEST(events)
{
	static struct fake_tally t;
	Bh__EventsRequest *asked;
	struct fake_frame *frame;
	Bh__Event msg = BH__EVENT__INIT;
	int i;

	ck_assert_int_eq(bh_events(client, true, true, on_event, fake_on_result, &t), 0);
	ck_assert_int_eq(bh_timeout_ms(client), -1);
	frame = fake_take(&fake, &fake.control, BH__TYPE__EVENTS_REQUEST);
	asked = bh__events_request__unpack(NULL, frame->len, frame->body);
	ck_assert(asked->history && asked->follow);
	bh__events_request__free_unpacked(asked, NULL);
	msg.kind = (char *)(uintptr_t) "worker-died";
	for (i = 0; i < 100; i++)
		fake_send(&fake.control, BH__TYPE__EVENT, frame->id, &msg.base, -1);
	free(frame);
	ck_assert_int_eq(bh_process(client), 0);
	ck_assert_uint_eq(t.items, CHAN_READS_PER_WAKEUP); /* bounded */
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.items, 100);
	ck_assert_uint_eq(t.calls, 0);
}
END_TEST

static int table_fd;

static void on_table(void *ctx, int fd)
{
	struct fake_tally *t = ctx;

	t->items++;
	table_fd = fd;
}

START_TEST(locks)
{
	static struct fake_tally t;
	Bh__Empty msg = BH__EMPTY__INIT;
	int fd = memfd_create("table", MFD_CLOEXEC);
	int n = fake_count_fds();

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bh_get_locks(client, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_get_locks(client, on_table, fake_on_result, &t), 0);
	fake_send(&fake.control, BH__TYPE__LOCKS,
		  fake_take_id(&fake, &fake.control, BH__TYPE__LOCKS_REQUEST), &msg.base, fd);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.items + t.calls, 2);
	table_fd = close_fd(table_fd);
	ck_assert_int_eq(fake_count_fds(), n);
	/* Nobody asked for this one. */
	fake_send(&fake.control, BH__TYPE__LOCKS, 77, &msg.base, fd);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_int_eq(fake_count_fds(), n);
	(void)close_fd(fd);
}
END_TEST

START_TEST(link_drop)
{
	static struct fake_tally t;

	ck_assert_int_eq(bh_link_drop(client, FAKE_ADDRESS, fake_on_result, &t), 0);
	fake_send_error(&fake.control, fake_take_id(&fake, &fake.control, BH__TYPE__LINK_DROP),
			BH__CLASS__CLASS_NOT_FOUND, NULL);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_str_eq(t.text, "not-found");
}
END_TEST

static void on_reset(void *ctx, const struct bh_reset_news *news)
{
	struct fake_tally *t = ctx;

	t->items++;
	if (news->level) {
		ck_assert_str_eq(news->level, "usb");
		ck_assert_str_eq(news->adapter, "hci2");
		ck_assert(news->is_cured);
	} else {
		ck_assert_uint_eq(news->address, FAKE_ADDRESS);
		ck_assert_str_eq(news->text, "logger");
	}
}

START_TEST(reset)
{
	static char adapter[] = "hci2", label[] = "logger";
	Bh__ResetVictim victim = BH__RESET_VICTIM__INIT;
	Bh__ResetStep step = BH__RESET_STEP__INIT;
	static struct fake_tally t;
	uint32_t id;

	ck_assert_int_eq(bh_reset_adapter(client, "hci0", "usbb", false, on_reset, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(bh_reset_adapter(client, "a name that is far too long", "usb", false,
					  on_reset, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(
		bh_reset_adapter(client, "hci0", "usb", false, on_reset, fake_on_result, &t), 0);
	id = fake_take_id(&fake, &fake.control, BH__TYPE__RESET_ADAPTER);
	victim.adapter = step.adapter = adapter;
	victim.label = label;
	victim.has_address = step.has_level = step.has_cured = 1;
	victim.address = FAKE_ADDRESS;
	step.level = BH__RESET_LEVEL__RESET_USB;
	step.cured = 1;
	fake_send(&fake.control, BH__TYPE__RESET_VICTIM, id, &victim.base, -1);
	fake_send(&fake.control, BH__TYPE__RESET_STEP, id, &step.base, -1);
	fake_send_done(&fake.control, id);
	/* Of a reset that nobody here asked for. */
	fake_send(&fake.control, BH__TYPE__RESET_STEP, 77, &step.base, -1);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.items, 2);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

/* More than the socket holds: the rest waits for it to become writable. */
START_TEST(more_than_the_socket_takes)
{
	enum { N = 3000 };
	static struct fake_tally t;
	uint32_t id = 0;
	int i;

	for (i = 0; i < N; i++)
		ck_assert_int_eq(bh_link_drop(client, FAKE_ADDRESS, fake_on_result, &t), 0);
	ck_assert_ptr_nonnull(client->control.unsent);
	ck_assert(client->control.is_out_armed);
	for (i = 0; i < N; i++) {
		if (!fake.control.head)
			fake_settle(&fake, client);
		id = fake_take_id(&fake, &fake.control, BH__TYPE__LINK_DROP);
		ck_assert_uint_eq(id, (uint32_t)i + 2);
		fake_send_done(&fake.control, id);
		ck_assert_int_eq(bh_process(client), 0);
	}
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, N);
	ck_assert(!client->control.is_out_armed);
}
END_TEST

Suite *suite_lists(void)
{
	Suite *suite = suite_create("lists");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 20);
	tcase_add_test(all, status);
	tcase_add_test(all, devices);
	tcase_add_test(all, events);
	tcase_add_test(all, locks);
	tcase_add_test(all, link_drop);
	tcase_add_test(all, reset);
	tcase_add_test(all, more_than_the_socket_takes);
	suite_add_tcase(suite, all);
	return suite;
}
