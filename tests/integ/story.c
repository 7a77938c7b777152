/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/integ/story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MS = 15000, VALUES = 3 };

static const char *const NAMES[STORY_REQUESTS] = {
	[STORY_CONNECT] = "connect",	   [STORY_READ] = "read",
	[STORY_WRITE_A] = "write A",	   [STORY_WRITE_B] = "write B",
	[STORY_READ_AGAIN] = "read 2",	   [STORY_SUBSCRIBE] = "subscribe",
	[STORY_DISCONNECT] = "disconnect",
};

static uint32_t value_of(const struct story *story, size_t request)
{
	return story->number << 1 | (request == STORY_WRITE_B);
}

static bool is_write(size_t request)
{
	return request == STORY_WRITE_A || request == STORY_WRITE_B;
}

static struct bh_uuid uuid(const char *text)
{
	struct bh_uuid out;

	ck_assert_int_eq(bh_parse_uuid(text, &out), 0);
	return out;
}

static void on_answer(void *ctx, const struct bh_result *result);

static void *ctx_of(struct story *story, size_t request)
{
	story->requests[request].story = story;
	return &story->requests[request];
}

static void ask_write(struct story *story, size_t request)
{
	uint32_t number = value_of(story, request);
	const uint8_t value[] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 8), (uint8_t)number };
	struct bh_uuid fff3 = uuid("fff3");

	ck_assert_int_eq(bh_write(story->session, &fff3, value, sizeof(value), false, REQUEST_MS,
				  on_answer, ctx_of(story, request)),
			 0);
}

static void ask_read(struct story *story, size_t request)
{
	struct bh_uuid name = uuid("2a29");

	ck_assert_int_eq(
		bh_read(story->session, &name, REQUEST_MS, on_answer, ctx_of(story, request)), 0);
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	struct story *story = *(struct story **)ctx;
	uint32_t counter;

	(void)seq;
	(void)lost;
	if (len_bytes < 4)
		return;
	counter = (uint32_t)value[0] | (uint32_t)value[1] << 8 | (uint32_t)value[2] << 16 |
		  (uint32_t)value[3] << 24;
	story->values_twice += counter <= story->counter;
	story->counter = counter;
	if (++story->values == VALUES)
		ck_assert_int_eq(
			bh_disconnect(story->session, on_answer, ctx_of(story, STORY_DISCONNECT)),
			0);
}

static void ask_after(struct story *story, size_t request)
{
	struct bh_uuid fff4 = uuid("fff4");

	switch (request) {
	case STORY_CONNECT:
		ask_read(story, STORY_READ);
		break;
	case STORY_READ:
		ask_write(story, STORY_WRITE_A);
		ask_write(story, STORY_WRITE_B);
		ask_read(story, STORY_READ_AGAIN);
		break;
	case STORY_READ_AGAIN:
		ck_assert_int_eq(bh_subscribe(story->session, &fff4, REQUEST_MS, on_value,
					      on_answer, ctx_of(story, STORY_SUBSCRIBE), NULL),
				 0);
		break;
	case STORY_DISCONNECT:
		story->is_over = true;
		break;
	default:
		break;
	}
}

/* One that failed is over, and is judged by story_check(). */
static void on_answer(void *ctx, const struct bh_result *result)
{
	struct story *story = *(struct story **)ctx;
	size_t request = 0;

	while (ctx != &story->requests[request])
		request++;
	story->requests[request].answers++;
	story->requests[request].class = result->error;
	(void)snprintf(story->requests[request].text, sizeof(story->requests[request].text), "%s",
		       result->text);
	if (result->error != BH_CLASS_NONE && !is_write(request))
		story->is_over = true;
	else
		ask_after(story, request);
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct story *story = ctx;

	(void)session;
	story->has_lost_link |= news->event == BH_SESSION_LINK_LOST;
	if (news->event == BH_SESSION_CLOSED)
		story->is_over = true;
}

void story_begin(struct story *story, struct bh_client *bh, uint64_t address, uint32_t number)
{
	*story = (struct story){ .number = number };
	ck_assert_int_eq(bh_session_open(&story->session, bh, address, NULL, REQUEST_MS, on_news,
					 NULL, story),
			 0);
	ck_assert_int_eq(
		bh_connect(story->session, REQUEST_MS, on_answer, ctx_of(story, STORY_CONNECT)), 0);
}

static unsigned times_written(const char *writes, uint32_t value)
{
	char hex[32];
	unsigned n = 0;
	const char *at;

	(void)snprintf(hex, sizeof(hex), "\"hex\":\"%08x\"", value);
	for (at = strstr(writes, hex); at; at = strstr(at + 1, hex))
		n++;
	return n;
}

void story_check(struct story *story, const struct world *world, const char *where,
		 unsigned *interrupted)
{
	char *writes = world_writes(world);
	size_t i;

	story->session = bh_session_close(story->session);
	for (i = 0; i < STORY_REQUESTS; i++) {
		enum bh_class class = story->requests[i].class;
		unsigned written = is_write(i) ? times_written(writes, value_of(story, i)) : 0;

		ck_assert_msg(story->requests[i].answers == 1, "%s: %s: %u answers", where,
			      NAMES[i], story->requests[i].answers);
		ck_assert_msg(class == BH_CLASS_NONE ||
				      (is_write(i) && class == BH_CLASS_INTERRUPTED),
			      "%s: %s: %s: %s", where, NAMES[i], bh_class_name(class),
			      story->requests[i].text);
		ck_assert_msg(written <= 1, "%s: %s: written %u times", where, NAMES[i], written);
		ck_assert_msg(!is_write(i) || class != BH_CLASS_NONE || written == 1,
			      "%s: %s: answered and not written", where, NAMES[i]);
		*interrupted += class == BH_CLASS_INTERRUPTED;
	}
	ck_assert_msg(story->values_twice == 0, "%s: a value came twice", where);
	ck_assert_msg(!story->has_lost_link, "%s: its link was lost", where);
	free(writes);
}
