/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "tests/unit/client/fake.h"

Suite *suite_session(void);

/* Tallies are static: requests that are still open are answered while the fixture is torn down. */
static struct fake fake;
static struct bh_client *client;
static struct fake_peer worker;

static void set_up(void)
{
	fake_open(&fake);
	client = fake_client(&fake);
	memset(&worker, 0, sizeof(worker));
}

static void tear_down(void)
{
	client = bh_free(client);
	fake_drop(&worker);
	fake_close(&fake);
}

struct news_tally {
	unsigned n[5];
	enum bh_class error;
	char adapter[16];
	char text[64];
};

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct news_tally *tally = ctx;

	(void)session;
	tally->n[news->event]++;
	tally->error = news->error;
	(void)snprintf(tally->adapter, sizeof(tally->adapter), "%s", news->adapter);
	(void)snprintf(tally->text, sizeof(tally->text), "%s", news->text);
}

START_TEST(pipelined_before_it_is_open)
{
	static struct fake_tally t[5];
	struct bh_session *session;
	struct fake_frame *frame;
	Bh__Write *write;
	uint32_t ids[4];
	uint32_t open_id;

	ck_assert_int_eq(bh_session_open(&session, client, FAKE_ADDRESS, "hci0", 500, NULL,
					 fake_on_result, &t[0]),
			 0);
	ck_assert_int_eq(bh_connect(session, 3000, fake_on_result, &t[1]), 0);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, (const uint8_t *)"xy", 2, true, 0,
				  fake_on_result, &t[2]),
			 0);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[3]), 0);
	ck_assert_int_eq(bh_disconnect(session, fake_on_result, &t[4]), 0);
	open_id = fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
	fake_nothing(&fake, &fake.control);
	fake_send_opened(&fake, open_id, FAKE_SESSION, 9, &worker);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t[0].calls, 1);
	ck_assert_str_eq(t[0].adapter, "hci0");
	ck_assert_str_eq(bh_session_adapter(session), "hci0");

	frame = fake_take(&fake, &worker, BH__TYPE__CONNECT);
	ids[0] = frame->id;
	ck_assert_uint_eq(frame->epoch, 9);
	free(frame);
	frame = fake_take(&fake, &worker, BH__TYPE__WRITE);
	ids[1] = frame->id;
	write = bh__write__unpack(NULL, frame->len, frame->body);
	ck_assert_mem_eq(write->value.data, "xy", 2);
	ck_assert(write->no_response);
	ck_assert_mem_eq(write->target->uuid.data, FAKE_UUID.octets, 16);
	bh__write__free_unpacked(write, NULL);
	free(frame);
	ids[2] = fake_take_id(&fake, &worker, BH__TYPE__READ);
	ids[3] = fake_take_id(&fake, &worker, BH__TYPE__DISCONNECT);

	fake_send_connected(&worker, ids[0]);
	fake_send_done(&worker, ids[1]);
	fake_send_value(&worker, ids[2], "abc", 3);
	fake_send_done(&worker, ids[3]);
	fake_send_done(&worker, ids[3]); /* an answer too many is dropped */
	fake_settle(&fake, client);
	ck_assert_uint_eq(t[1].calls + t[2].calls + t[3].calls + t[4].calls, 4);
	ck_assert_uint_eq(t[1].attempts, 1);
	ck_assert_uint_eq(t[3].len, 3);
	ck_assert_mem_eq(t[3].value, "abc", 3);

	session = bh_session_close(session);
	frame = fake_take(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	fake_send_done(&fake.control, frame->id);
	free(frame);
	fake_pump(&fake, &worker);
	ck_assert(worker.is_eof);
	ck_assert_int_eq(fake_settle(&fake, client), 0);
}
END_TEST

START_TEST(cannot_be_opened)
{
	static struct fake_tally t[2];
	struct bh_session *session;

	ck_assert_int_eq(bh_session_open(&session, client, FAKE_ADDRESS, NULL, 0, NULL,
					 fake_on_result, &t[0]),
			 0);
	ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t[1]), 0);
	fake_send_error(&fake.control, fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_OPEN),
			BH__CLASS__CLASS_NOT_FOUND, "never seen");
	fake_settle(&fake, client);
	ck_assert_uint_eq(t[0].calls, 1);
	ck_assert_uint_eq(t[1].calls, 1);
	ck_assert_int_eq(t[1].error, BH_CLASS_NOT_FOUND);
	ck_assert_str_eq(t[1].text, "never seen");
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, NULL, NULL), -ENOTCONN);
	bh_session_close(session);
	fake_nothing(&fake, &fake.control);
}
END_TEST

START_TEST(given_up_while_it_opens)
{
	static struct fake_tally t[2];
	struct fake_frame *frame;
	struct bh_session *session;
	Bh__SessionClose *msg;
	uint32_t id;

	ck_assert_int_eq(bh_session_open(&session, client, FAKE_ADDRESS, NULL, 0, NULL,
					 fake_on_result, &t[0]),
			 0);
	ck_assert_int_eq(bh_connect(session, 0, fake_on_result, &t[1]), 0);
	id = fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_OPEN);
	bh_session_close(session);
	ck_assert_int_eq(t[0].error, BH_CLASS_CANCELLED);
	ck_assert_int_eq(t[1].error, BH_CLASS_CANCELLED);
	ck_assert_uint_eq(fake_take_id(&fake, &fake.control, BH__TYPE__CANCEL), id);
	/* They crossed: the daemon must not keep a session that nobody holds. */
	fake_send_opened(&fake, id, 33, 1, &worker);
	fake_settle(&fake, client);
	frame = fake_take(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	msg = bh__session_close__unpack(NULL, frame->len, frame->body);
	ck_assert_uint_eq(msg->session, 33);
	bh__session_close__free_unpacked(msg, NULL);
	free(frame);
	fake_pump(&fake, &worker);
	ck_assert(worker.is_eof);
	ck_assert_uint_eq(t[0].calls + t[1].calls, 2);
}
END_TEST

START_TEST(closed_by_the_daemon)
{
	static struct fake_tally t[3];
	static struct news_tally news;
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint32_t ids[3];

	session->news = on_news;
	session->ctx = &news;
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, NULL, 0, false, 0, fake_on_result, &t[1]),
			 0);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[2]), 0);
	ids[0] = fake_take_id(&fake, &worker, BH__TYPE__READ);
	ids[1] = fake_take_id(&fake, &worker, BH__TYPE__WRITE);
	ids[2] = fake_take_id(&fake, &worker, BH__TYPE__READ);
	fake_send_closed(&fake, FAKE_SESSION, BH__CLASS__CLASS_INTERNAL, &ids[1], 1);
	fake_settle(&fake, client);
	/* The worker's last answer comes after the news, and counts. */
	ck_assert_uint_eq(t[0].calls + t[1].calls + t[2].calls + news.n[BH_SESSION_CLOSED], 0);
	fake_send_value(&worker, ids[0], "v", 1);
	fake_drop(&worker);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t[0].calls, 1);
	ck_assert_int_eq(t[0].error, BH_CLASS_NONE);
	ck_assert_int_eq(t[1].error, BH_CLASS_INTERRUPTED);
	ck_assert_int_eq(t[2].error, BH_CLASS_INTERNAL);
	ck_assert_str_eq(t[2].text, "closed for good");
	ck_assert_uint_eq(news.n[BH_SESSION_CLOSED], 1);
	ck_assert_int_eq(bh_connect(session, 0, NULL, NULL), -ENOTCONN);
	bh_session_close(session);
	fake_nothing(&fake, &fake.control);
}
END_TEST

START_TEST(subscription_from_start_to_end)
{
	static struct fake_tally t;
	static struct fake_tally other;
	struct bh_session *session = fake_session(&fake, client, &worker);
	struct fake_frame *frame;
	uint32_t id = 0;

	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &t, &id), 0);
	ck_assert_uint_eq(fake_take_id(&fake, &worker, BH__TYPE__SUBSCRIBE), id);
	fake_send_done(&worker, id);
	fake_notify(&worker, id, 1, 0, 3, 10);
	fake_notify(&worker, id, 6, 2, 2, 20); /* two were lost before these */
	fake_notify(&worker, id, 7, 0, 2, 21); /* 7 once more: dropped */
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_uint_eq(t.items, 6);
	ck_assert_uint_eq(t.seq, 8);
	ck_assert_uint_eq(t.lost, 2);
	ck_assert_uint_eq(t.value[0], 22);

	ck_assert_int_eq(bh_unsubscribe(session, id + 1, NULL, NULL), -ENOENT);
	ck_assert_int_eq(bh_unsubscribe(session, id, fake_on_result, &other), 0);
	ck_assert_int_eq(bh_unsubscribe(session, id, fake_on_result, &other), -ENOENT);
	fake_notify(&worker, id, 9, 0, 1, 23);
	frame = fake_take(&fake, &worker, BH__TYPE__UNSUBSCRIBE);
	fake_send_done(&worker, frame->id);
	free(frame);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.items, 6);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_uint_eq(other.calls, 1);
	ck_assert_ptr_null(session->subs);
}
END_TEST

START_TEST(subscription_ends_with_the_link)
{
	static struct fake_tally t;
	static struct fake_tally late;
	static struct news_tally news;
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint32_t id;
	uint32_t late_id;

	session->news = on_news;
	session->ctx = &news;
	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &t, &id), 0);
	fake_send_done(&worker, id);
	fake_settle(&fake, client);
	ck_assert_int_eq(bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &late,
				      &late_id),
			 0);
	fake_send_link_lost(&worker);
	fake_send_error(&worker, late_id, BH__CLASS__CLASS_LINK_LOST, "no link");
	fake_send_error(&worker, late_id, BH__CLASS__CLASS_LINK_LOST, "twice");
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.calls, 2);
	ck_assert_int_eq(t.error, BH_CLASS_LINK_LOST);
	ck_assert_str_eq(t.text, "supervision timeout");
	ck_assert_uint_eq(late.calls, 1);
	ck_assert_str_eq(late.text, "no link");
	ck_assert_uint_eq(news.n[BH_SESSION_LINK_LOST], 1);
	ck_assert_ptr_null(session->subs);
}
END_TEST

START_TEST(bad_arguments)
{
	struct bh_session *session = fake_session(&fake, client, &worker);
	struct bh_session *other;
	uint8_t value[513] = { 0 };

	ck_assert_int_eq(bh_session_open(&other, client, 0, NULL, 0, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(
		bh_session_open(&other, client, UINT64_C(1) << 48, NULL, 0, NULL, NULL, NULL),
		-EINVAL);
	ck_assert_int_eq(bh_session_open(&other, client, FAKE_ADDRESS, "hci0123456789abcdef", 0,
					 NULL, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(bh_read(session, NULL, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, value, 513, false, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, NULL, 1, false, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_subscribe(session, &FAKE_UUID, 0, NULL, NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(bh_write(session, &FAKE_UUID, value, 512, false, 0, NULL, NULL), 0);
	ck_assert_int_eq(bh_link_drop(client, 0, NULL, NULL), -EINVAL);
	fake_nothing(&fake, &fake.control);
}
END_TEST

START_TEST(ids_after_the_wrap)
{
	static struct fake_tally t[3];
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint32_t id;

	session->lane.last_id = UINT32_MAX - 1;
	ck_assert_int_eq(
		bh_subscribe(session, &FAKE_UUID, 0, fake_on_notify, fake_on_result, &t[0], &id),
		0);
	ck_assert_uint_eq(id, UINT32_MAX);
	fake_send_done(&worker, id);
	fake_settle(&fake, client);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[1]), 0);
	fake_take_id(&fake, &worker, BH__TYPE__SUBSCRIBE);
	ck_assert_uint_eq(fake_take_id(&fake, &worker, BH__TYPE__READ), 1);
	session->lane.last_id = UINT32_MAX - 1;
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t[2]), 0);
	ck_assert_uint_eq(fake_take_id(&fake, &worker, BH__TYPE__READ), 2);
}
END_TEST

/* More than a worker takes: the rest waits in the library and goes out in order. */
START_TEST(more_than_the_worker_takes)
{
	enum { N = 3000, WORKER_MAX = 64 };
	static struct fake_tally t[N];
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint8_t value[500] = { 0 };
	uint32_t last = 0;
	int i;

	for (i = 0; i < N; i++)
		ck_assert_int_eq(bh_write(session, &FAKE_UUID, value, sizeof(value), false, 0,
					  fake_on_result, &t[i]),
				 0);
	ck_assert_ptr_nonnull(session->lane.unsent);
	while (last < N) {
		fake_pump(&fake, &worker);
		ck_assert_ptr_nonnull(worker.head);
		for (i = 0; worker.head; i++) {
			uint32_t id = fake_take_id(&fake, &worker, BH__TYPE__WRITE);

			ck_assert_int_lt(i, WORKER_MAX);
			ck_assert_uint_eq(id, ++last);
			fake_send_done(&worker, id);
		}
		fake_settle(&fake, client);
	}
	for (i = 0; i < N; i++)
		ck_assert_uint_eq(t[i].calls, 1);
}
END_TEST

START_TEST(garbage_from_the_worker)
{
	static struct fake_tally t;
	static struct news_tally news;
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint8_t garbage[40];

	session->news = on_news;
	session->ctx = &news;
	memset(garbage, _i, sizeof(garbage));
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	ck_assert_int_eq(write(chan_fd(worker.chan), garbage, sizeof(garbage)), sizeof(garbage));
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_INTERNAL);
	ck_assert_uint_eq(news.n[BH_SESSION_CLOSED], 1);
	fake_take_id(&fake, &fake.control, BH__TYPE__SESSION_CLOSE);
	bh_session_close(session);
	fake_nothing(&fake, &fake.control);
}
END_TEST

START_TEST(answer_that_does_not_fit)
{
	static struct fake_tally t;
	struct bh_session *session = fake_session(&fake, client, &worker);

	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 0, fake_on_result, &t), 0);
	fake_send_done(&worker, fake_take_id(&fake, &worker, BH__TYPE__READ));
	ck_assert_int_eq(fake_settle(&fake, client), 0);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(t.error, BH_CLASS_INTERNAL);
}
END_TEST

static void on_service(void *ctx, const struct bh_service *service)
{
	struct fake_tally *t = ctx;

	t->items++;
	ck_assert_uint_eq(service->n_characteristics, 2);
	ck_assert_uint_eq(service->handle, 16);
	ck_assert_str_eq(service->characteristics[0].flags[0], "read");
	ck_assert_str_eq(service->characteristics[0].flags[1], "write");
	ck_assert_ptr_null(service->characteristics[0].flags[2]);
	ck_assert_ptr_null(service->characteristics[1].flags[0]);
	ck_assert_mem_eq(&service->characteristics[1].uuid, &FAKE_UUID, sizeof(FAKE_UUID));
}

START_TEST(services)
{
	static char *flags[] = { (char *)(uintptr_t) "read", (char *)(uintptr_t) "write" };
	ProtobufCBinaryData uuid = { .len = 16, .data = (uint8_t *)(uintptr_t)FAKE_UUID.octets };
	Bh__Characteristic characteristics[2] = { BH__CHARACTERISTIC__INIT,
						  BH__CHARACTERISTIC__INIT };
	Bh__Characteristic *list[2] = { &characteristics[0], &characteristics[1] };
	Bh__Service msg = BH__SERVICE__INIT;
	static struct fake_tally t;
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint32_t id;

	ck_assert_int_eq(bh_services(session, on_service, fake_on_result, &t), 0);
	id = fake_take_id(&fake, &worker, BH__TYPE__SERVICES_REQUEST);
	characteristics[0].has_uuid = characteristics[1].has_uuid = msg.has_uuid = true;
	characteristics[0].uuid = characteristics[1].uuid = msg.uuid = uuid;
	characteristics[0].n_flags = 2;
	characteristics[0].flags = flags;
	msg.has_handle = true;
	msg.handle = 16;
	msg.n_characteristics = 2;
	msg.characteristics = list;
	fake_send(&worker, BH__TYPE__SERVICE, id, &msg.base, -1);
	fake_send(&worker, BH__TYPE__SERVICE, id, &msg.base, -1);
	fake_send_done(&worker, id);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t.items, 2);
	ck_assert_uint_eq(t.calls, 1);
}
END_TEST

/* The worker hangs: the library answers by itself, a second after the deadline. */
START_TEST(deadline_of_a_worker_that_hangs)
{
	static struct fake_tally t[2];
	struct bh_session *session = fake_session(&fake, client, &worker);
	uint32_t id;

	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 20, fake_on_result, &t[0]), 0);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 60000, fake_on_result, &t[1]), 0);
	ck_assert_int_ge(bh_timeout_ms(client), 0);
	ck_assert_int_le(bh_timeout_ms(client), 1020);
	while (t[0].calls == 0)
		ck_assert_int_eq(bh_wait(client, -1), 0);
	ck_assert_int_eq(t[0].error, BH_CLASS_DEADLINE);
	ck_assert_uint_ge(t[0].timings.total_ms, 1020);
	id = fake_take_id(&fake, &worker, BH__TYPE__READ);
	fake_take_id(&fake, &worker, BH__TYPE__READ);
	ck_assert_uint_eq(fake_take_id(&fake, &worker, BH__TYPE__CANCEL), id);
	fake_send_error(&worker, id, BH__CLASS__CLASS_CANCELLED, NULL);
	fake_settle(&fake, client);
	ck_assert_uint_eq(t[0].calls, 1);
	ck_assert_uint_eq(t[1].calls, 0);
	ck_assert_int_gt(bh_timeout_ms(client), 50000);
}
END_TEST

/* Nobody serves the session: there is nobody to wait for after the deadline. */
START_TEST(deadline_while_it_waits)
{
	Bh__SessionWaits waits = BH__SESSION_WAITS__INIT;
	static struct fake_tally t;
	static struct news_tally news;
	struct bh_session *session = fake_session(&fake, client, &worker);

	session->news = on_news;
	session->ctx = &news;
	fake_drop(&worker);
	waits.has_session = true;
	waits.session = FAKE_SESSION;
	waits.has_class_ = true;
	waits.class_ = BH__CLASS__CLASS_BLUEZ_GONE;
	waits.text = (char *)(uintptr_t) "waiting for bluetoothd";
	fake_send(&fake.control, BH__TYPE__SESSION_WAITS, 0, &waits.base, -1);
	fake_settle(&fake, client);
	ck_assert_uint_eq(news.n[BH_SESSION_WAITS], 1);
	ck_assert_int_eq(news.error, BH_CLASS_BLUEZ_GONE);
	ck_assert_int_eq(bh_read(session, &FAKE_UUID, 20, fake_on_result, &t), 0);
	ck_assert_int_le(bh_timeout_ms(client), 20);
	while (t.calls == 0)
		ck_assert_int_eq(bh_wait(client, -1), 0);
	ck_assert_int_eq(t.error, BH_CLASS_DEADLINE);
	ck_assert_uint_lt(t.timings.total_ms, 900);
}
END_TEST

Suite *suite_session(void)
{
	Suite *suite = suite_create("session");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, pipelined_before_it_is_open);
	tcase_add_test(all, cannot_be_opened);
	tcase_add_test(all, given_up_while_it_opens);
	tcase_add_test(all, closed_by_the_daemon);
	tcase_add_test(all, subscription_from_start_to_end);
	tcase_add_test(all, subscription_ends_with_the_link);
	tcase_add_test(all, bad_arguments);
	tcase_add_test(all, ids_after_the_wrap);
	tcase_add_test(all, more_than_the_worker_takes);
	tcase_add_loop_test(all, garbage_from_the_worker, 0, 4);
	tcase_add_test(all, answer_that_does_not_fit);
	tcase_add_test(all, services);
	tcase_add_test(all, deadline_of_a_worker_that_hangs);
	tcase_add_test(all, deadline_while_it_waits);
	suite_add_tcase(suite, all);
	return suite;
}
