/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/lab/contend_client.c - one of the five programs that contend: ROUNDS times find, connect,
 * read, disconnect, through libbleherd. Prints one JSON line, as contend_bleak.py does.
 *   contend-client NUMBER ADDRESS ROUNDS
 */
#include "ipc/bleherd.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIND_MS = 8000, CONNECT_MS = 10000, READ_MS = 10000 }; /* the timeouts of contend_bleak.py */

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 0: all went well; otherwise @answer says what did not. */
static int round_trip(struct bh_client *client, uint64_t address, struct bh_answer *answer)
{
	struct bh_session *session = NULL;
	struct bh_uuid uuid;
	int r;

	if (bh_parse_uuid("fff3", &uuid) < 0)
		return -1;
	r = bh_session_open_sync(&session, client, address, NULL, FIND_MS, answer);
	if (r == 0)
		r = bh_connect_sync(session, CONNECT_MS, answer);
	if (r == 0)
		r = bh_read_sync(session, &uuid, READ_MS, answer);
	if (r == 0)
		r = bh_disconnect_sync(session, answer);
	(void)bh_session_close(session);
	return r;
}

int main(int argc, char **argv)
{
	struct bh_client *client;
	struct bh_answer answer = { 0 };
	double begin = now_s();
	double start;
	uint64_t address;
	int rounds;
	int ok = 0;
	int i;

	if (argc != 4 || bh_parse_address(argv[2], &address) < 0)
		return 2;
	rounds = (int)strtol(argv[3], NULL, 10);
	if (bh_new(&client, NULL, "contend") < 0) {
		fprintf(stderr, "contend-client: no daemon\n");
		return 69;
	}
	printf("{\"service\": %s, \"target\": \"%s\", \"latencies\": [", argv[1], argv[2]);
	for (i = 0; i < rounds; i++) {
		start = now_s();
		if (round_trip(client, address, &answer) == 0)
			printf("%s%.3f", ok++ ? ", " : "", now_s() - start);
		else
			fprintf(stderr, "service %s round %d: %s: %s\n", argv[1], i,
				bh_class_name(answer.error), answer.text);
		bh_answer_clear(&answer);
	}
	printf("], \"ok\": %d, \"rounds\": %d, \"seconds\": %.3f}\n", ok, rounds, now_s() - begin);
	(void)bh_free(client);
	return ok == rounds ? 0 : 1;
}
