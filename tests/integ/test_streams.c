/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_streams.c - notifications over all processes: who reads slowly loses, and nobody
 * else; the watchdog ends the link that it watches, and no other; what resumes goes over to the
 * other adapter.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"
#include "worker/notify.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *suite_streams(void);

#define DEVICE_0 "C0:AA:BB:00:00:00"
#define DEVICE_1 "C0:AA:BB:00:00:01"

enum { WAIT_MS = 30000, BURST = 100 };

static const uint64_t FIRST = 0xc0aabb000000;

static struct world *world;

/* A program that is subscribed to the counter of a peripheral, and what it was told. */
struct stream {
	struct bh_client *bh;
	struct bh_session *session;
	char adapter[16]; /* that serves it */
	uint64_t last;	  /* number of the last value */
	uint64_t lost;
	unsigned link_lost, link_back, moved;
	enum bh_class why; /* the link was lost */
	bool is_done;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	struct stream *stream = ctx;

	(void)value;
	(void)len_bytes;
	ck_assert_uint_eq(seq, stream->last + 1 + lost);
	stream->last = seq;
	stream->lost += lost;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	struct stream *stream = ctx;

	ck_assert_msg(result->error == BH_CLASS_NONE, "%s", result->text);
	stream->is_done = true;
}

static void on_opened(void *ctx, const struct bh_result *result)
{
	struct stream *stream = ctx;

	ck_assert_msg(result->error == BH_CLASS_NONE, "%s", result->text);
	(void)snprintf(stream->adapter, sizeof(stream->adapter), "%s", result->adapter);
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct stream *stream = ctx;

	(void)session;
	ck_assert_msg(news->event != BH_SESSION_CLOSED, "%s", news->text);
	if (news->event == BH_SESSION_MOVED) {
		stream->moved++;
		(void)snprintf(stream->adapter, sizeof(stream->adapter), "%s", news->adapter);
	} else if (news->event == BH_SESSION_LINK_LOST) {
		ck_assert(news->resumes);
		stream->link_lost++;
		stream->why = news->error;
	} else if (news->event == BH_SESSION_LINK_BACK) {
		stream->link_back++;
	}
}

static void turn(struct stream *stream, uint64_t until_ms, const char *what)
{
	ck_assert_msg(now_ms() < until_ms, "%s does not come: value %llu, %llu lost, links lost %u",
		      what, (unsigned long long)stream->last, (unsigned long long)stream->lost,
		      stream->link_lost);
	ck_assert_int_ge(bh_wait(stream->bh, 20), 0);
}

static void read_up_to(struct stream *stream, uint64_t number)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	while (stream->last < number)
		turn(stream, until_ms, "the next value");
}

static void subscribe(struct stream *stream, unsigned device, const char *adapter,
		      const struct bh_subscribe_options *options)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	struct bh_uuid fff4;

	*stream = (struct stream){ 0 };
	ck_assert_int_eq(bh_parse_uuid("fff4", &fff4), 0);
	ck_assert_int_eq(bh_new(&stream->bh, NULL, "test"), 0);
	ck_assert_int_eq(bh_session_open(&stream->session, stream->bh, FIRST + device, adapter,
					 WAIT_MS, on_news, on_opened, stream),
			 0);
	ck_assert_int_eq(bh_subscribe_with(stream->session, &fff4, WAIT_MS, options, on_value,
					   on_done, stream, NULL),
			 0);
	while (!stream->is_done)
		turn(stream, until_ms, "the subscription");
}

static void end(struct stream *stream)
{
	stream->session = bh_session_close(stream->session);
	stream->bh = bh_free(stream->bh);
}

/* Values come when a test says so. */
static void start(void)
{
	static const char *const options[] = { "--adapters",  "2",	 "--devices", "3",
					       "--notify-ms", "3600000", NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

/* --- slow ones --- */

/* By number of values, and by their bytes: what is kept behind those that were sent. */
static const struct {
	unsigned pad_bytes;
	uint64_t behind;
} SLOW[] = {
	{ 0, NOTIFY_BACKLOG_MAX },
	{ 240, NOTIFY_BACKLOG_BYTES / 240 },
};

/* What one does not read waits, the oldest is lost and counted; another one has all of it. */
START_TEST(test_slow_beside_quick)
{
	enum { BURSTS = 15 };
	struct stream slow, quick;
	uint64_t kept;
	unsigned i;

	world_fault(world, "pad C0:AA:BB:00:00:00 %u", SLOW[_i].pad_bytes);
	subscribe(&slow, 0, NULL, NULL);
	subscribe(&quick, 0, NULL, NULL);
	for (i = 1; i <= BURSTS; i++) {
		world_fault(world, "burst C0:AA:BB:00:00:00 %d", BURST);
		read_up_to(&quick, (uint64_t)i * BURST);
	}
	ck_assert_uint_eq(quick.lost, 0);
	read_up_to(&slow, quick.last);
	ck_assert_uint_eq(slow.last, quick.last);
	/* Values that come one by one fill the socket before the credit is used up. */
	kept = slow.last - slow.lost;
	ck_assert_uint_gt(kept, SLOW[_i].behind);
	ck_assert_uint_le(kept, NOTIFY_CREDIT + SLOW[_i].behind);
	/* It is as good as another one from then on. */
	world_fault(world, "burst C0:AA:BB:00:00:00 1");
	read_up_to(&slow, quick.last + 1);
	ck_assert_uint_eq(slow.last - slow.lost, kept + 1);
	end(&slow);
	end(&quick);
}
END_TEST

/* --- silent ones --- */

/* Both have a subscription that is watched; the values of one stop. */
START_TEST(test_silent_on_its_adapter)
{
	enum { LIMIT_MS = 1500 };
	const struct bh_subscribe_options options = { .resumes = true, .silence_ms = LIMIT_MS };
	struct stream silent, other;
	uint64_t until_ms;

	subscribe(&silent, 0, "hci1", &options);
	subscribe(&other, 1, "hci0", &(struct bh_subscribe_options){ .resumes = true });
	ck_assert_uint_eq(world_counter(world, DEVICE_0, "connects"), 1);
	ck_assert_uint_eq(world_counter(world, DEVICE_1, "connects"), 1);
	/* A value arms it. */
	world_fault(world, "burst C0:AA:BB:00:00:00 1");
	read_up_to(&silent, 1);
	until_ms = now_ms() + WAIT_MS;
	while (silent.link_back == 0) {
		turn(&silent, until_ms, "the link");
		world_fault(world, "burst C0:AA:BB:00:00:01 1");
		ck_assert_int_ge(bh_wait(other.bh, 0), 0);
	}
	ck_assert_int_eq(silent.why, BH_CLASS_ZOMBIE);
	ck_assert_uint_eq(silent.link_lost, 1);
	ck_assert_str_eq(silent.adapter, "hci1");
	ck_assert_uint_eq(world_counter(world, DEVICE_0, "connects"), 2);
	/* The new link has values, with the numbers going on. */
	world_fault(world, "burst C0:AA:BB:00:00:00 1");
	read_up_to(&silent, 2);
	ck_assert_uint_eq(silent.lost, 0);
	world_fault(world, "burst C0:AA:BB:00:00:01 1");
	read_up_to(&other, other.last + 1);
	ck_assert_uint_eq(other.link_lost, 0);
	ck_assert_uint_eq(other.lost, 0);
	ck_assert_uint_eq(world_counter(world, DEVICE_1, "connects"), 1);
	end(&silent);
	end(&other);
}
END_TEST

/* --- resuming --- */

/* The link drops and its adapter refuses another one: the values come over the other adapter. */
START_TEST(test_resumes_over_the_other)
{
	const struct bh_subscribe_options options = { .resumes = true };
	struct stream stream;
	char first[sizeof(stream.adapter)];
	uint64_t until_ms;

	subscribe(&stream, 0, NULL, &options);
	(void)snprintf(first, sizeof(first), "%s", stream.adapter);
	world_fault(world, "burst C0:AA:BB:00:00:00 3");
	read_up_to(&stream, 3);
	world_fault(world, "refuse-adapter %c 1000", first[3]);
	world_fault(world, "drop C0:AA:BB:00:00:00");
	until_ms = now_ms() + WAIT_MS;
	while (stream.link_back == 0)
		turn(&stream, until_ms, "the link");
	ck_assert_uint_eq(stream.link_lost, 1);
	ck_assert_uint_ge(stream.moved, 1);
	ck_assert_str_ne(stream.adapter, first);
	world_fault(world, "burst C0:AA:BB:00:00:00 3");
	read_up_to(&stream, 6);
	ck_assert_uint_eq(stream.last, 6);
	ck_assert_uint_eq(stream.lost, 0);
	end(&stream);
}
END_TEST

Suite *suite_streams(void)
{
	Suite *suite = suite_create("streams");
	TCase *tc = tcase_create("streams");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_slow_beside_quick, 0, (int)(sizeof(SLOW) / sizeof(SLOW[0])));
	tcase_add_test(tc, test_silent_on_its_adapter);
	tcase_add_test(tc, test_resumes_over_the_other);
	suite_add_tcase(suite, tc);
	return suite;
}
