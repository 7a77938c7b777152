/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * with_lock.c - a radio of one's own for a while, in turn with all others: with_lock ADAPTER
 * SECONDS
 *
 * For programs that use an adapter past the daemon (raw HCI, bluetoothctl, a sniffer).
 */
#include <bleherd.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	bool *is_over = ctx;

	(void)lock;
	if (news->event == BH_LOCK_WANTED)
		return;
	fprintf(stderr, "stop: %s\n", news->text);
	*is_over = true;
}

int main(int argc, char **argv)
{
	char name[64];
	const char *const resources[] = { name };
	const struct bh_lock_request request = {
		.resources = resources, .n_resources = 1, .timeout_ms = 30000, .label = "with_lock"
	};
	struct bh_client *client;
	struct bh_answer answer;
	struct bh_lock *lock;
	bool is_over = false;
	time_t end;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: with_lock ADAPTER SECONDS\n");
		return 2;
	}
	(void)snprintf(name, sizeof(name), "scan:%.16s", argv[1]);
	if (bh_new(&client, NULL, NULL) < 0) {
		fprintf(stderr, "with_lock: no daemon\n");
		return 69;
	}
	r = bh_lock_acquire_sync(&lock, client, &request, on_news, &is_over, &answer);
	if (r == 0) {
		printf("%s is ours, grant %llu, after %u ms\n", name,
		       (unsigned long long)bh_lock_grant(lock), answer.timings.queue_ms);
		fflush(stdout);
		/* Here one would use it. The lock is renewed from within bh_wait(). */
		for (end = time(NULL) + atol(argv[2]); !is_over && time(NULL) < end;)
			if (bh_wait(client, 1000) < 0)
				break;
		bh_lock_release(lock);
	} else if (r > 0) {
		fprintf(stderr, "%s: %s\n", bh_class_name(answer.error), answer.text);
	}
	bh_answer_clear(&answer);
	bh_free(client);
	return r == 0 && !is_over ? 0 : 1;
}
