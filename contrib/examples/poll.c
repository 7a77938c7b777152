/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * poll.c - read a value every so often, for years: poll ADDR [UUID [SECONDS [COUNT]]]
 *
 * Without a loop of its own: synchronous calls, bh_retry() around each reading, bh_stay() so that a
 * restart of the daemon is no more than a pause.
 */
#include <bleherd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sensor {
	struct bh_client *client;
	uint64_t address;
	struct bh_uuid uuid;
};

/* One reading, on a link of its own: the battery lives longer without one in between. */
static int take(void *ctx, struct bh_answer *answer)
{
	struct sensor *sensor = ctx;
	struct bh_session *session;
	int r;

	r = bh_session_open_sync(&session, sensor->client, sensor->address, NULL, 20000, answer);
	if (r != 0)
		return r;
	r = bh_connect_sync(session, 20000, answer);
	if (r == 0)
		r = bh_read_sync(session, &sensor->uuid, 5000, answer);
	bh_session_close(session);
	return r;
}

/* A temperature (2a6e) has two octets: hundredths of a degree, the low one first. */
static void show(const struct bh_answer *answer)
{
	size_t i;

	if (answer->len_bytes == 2)
		printf("%.2f °C", (int16_t)(answer->value[0] | answer->value[1] << 8) / 100.0);
	else if (answer->len_bytes == 1)
		printf("%u %%", answer->value[0]);
	for (i = 0; answer->len_bytes > 2 && i < answer->len_bytes; i++)
		printf("%02x", answer->value[i]);
	printf(" (%s, %u ms)\n", answer->adapter, answer->timings.total_ms);
	fflush(stdout);
}

/* Callbacks of the client, if it had any, run meanwhile. */
static void pause_s(struct bh_client *client, long seconds)
{
	while (seconds-- > 0)
		if (bh_wait(client, 1000) < 0)
			return;
}

int main(int argc, char **argv)
{
	const char *uuid = argc > 2 ? argv[2] : "2a6e";
	long seconds = argc > 3 ? atol(argv[3]) : 60;
	long left = argc > 4 ? atol(argv[4]) : -1;
	struct sensor sensor;
	struct bh_answer answer;
	int r;

	if (argc < 2 || bh_parse_address(argv[1], &sensor.address) < 0 ||
	    bh_parse_uuid(uuid, &sensor.uuid) < 0) {
		fprintf(stderr, "usage: poll ADDR [UUID [SECONDS [COUNT]]]\n");
		return 2;
	}
	r = bh_new(&sensor.client, NULL, "poll");
	if (r < 0) {
		fprintf(stderr, "poll: no daemon: %s\n", strerror(-r));
		return 69;
	}
	bh_stay(sensor.client, NULL, NULL);
	while (left != 0) {
		r = bh_retry(sensor.client, NULL, take, &sensor, &answer);
		if (r == 0)
			show(&answer);
		else if (r > 0)
			fprintf(stderr, "poll: %s: %s; %s\n", bh_class_name(answer.error),
				answer.text, answer.advice);
		else
			break;
		bh_answer_clear(&answer);
		if (left > 0)
			left--;
		if (left != 0)
			pause_s(sensor.client, seconds);
	}
	bh_free(sensor.client);
	return r == 0 ? 0 : 1;
}
