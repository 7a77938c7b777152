/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * subscribe.c - notifications, whatever happens: subscribe ADDR UUID [COUNT]
 *
 * Workers, adapters, bluetoothd and the daemon may come and go without this noticing more than a
 * line. A link that is lost ends a subscription: then it connects and subscribes again.
 */
#include <bleherd.h>

#include <stdio.h>
#include <stdlib.h>

struct subscriber {
	struct bh_session *session;
	struct bh_uuid uuid;
	long left;	/* -1: no end */
	bool is_wanted; /* to connect and subscribe */
	bool is_hopeless;
};

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	struct subscriber *subscriber = ctx;
	size_t i;

	/* Several come at once: there may be more behind the last that is wanted. */
	if (subscriber->left == 0)
		return;
	if (lost > 0)
		fprintf(stderr, "%u values were lost: this program is too slow\n", lost);
	printf("%llu ", (unsigned long long)seq);
	for (i = 0; i < len_bytes; i++)
		printf("%02x", value[i]);
	printf("\n");
	fflush(stdout);
	if (subscriber->left > 0)
		subscriber->left--;
}

/* Once when it is subscribed, once more if that ends by itself. */
static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct subscriber *subscriber = ctx;

	if (result->error == BH_CLASS_NONE)
		return;
	fprintf(stderr, "%s: %s\n", bh_class_name(result->error), result->text);
	subscriber->is_hopeless =
		result->error == BH_CLASS_GATT_MISSING || result->error == BH_CLASS_GATT_REFUSED;
	subscriber->is_wanted = true;
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct subscriber *subscriber = ctx;

	fprintf(stderr, "%s%s%s\n", news->event == BH_SESSION_MOVED ? "now on " : "",
		news->event == BH_SESSION_MOVED ? bh_session_adapter(session) : "",
		news->event == BH_SESSION_MOVED ? "" : news->text);
	if (news->event == BH_SESSION_CLOSED)
		subscriber->is_hopeless = true;
}

/* Requests keep their order: there is no need to wait for the link before one subscribes. */
static int subscribe(struct subscriber *subscriber)
{
	int r;

	subscriber->is_wanted = false;
	r = bh_connect(subscriber->session, 60000, NULL, NULL);
	return r < 0 ? r
		     : bh_subscribe(subscriber->session, &subscriber->uuid, 60000, on_value,
				    on_subscribed, subscriber, NULL);
}

int main(int argc, char **argv)
{
	struct subscriber subscriber = { .left = argc > 3 ? atol(argv[3]) : -1 };
	struct bh_client *client;
	uint64_t address;
	int r;

	if (argc < 3 || bh_parse_address(argv[1], &address) < 0 ||
	    bh_parse_uuid(argv[2], &subscriber.uuid) < 0) {
		fprintf(stderr, "usage: subscribe ADDR UUID [COUNT]\n");
		return 2;
	}
	if (bh_new(&client, NULL, "subscribe") < 0) {
		fprintf(stderr, "subscribe: no daemon\n");
		return 69;
	}
	bh_stay(client, NULL, NULL);
	subscriber.is_wanted = true;
	r = bh_session_open(&subscriber.session, client, address, NULL, 60000, on_news, NULL,
			    &subscriber);
	while (r == 0 && subscriber.left != 0 && !subscriber.is_hopeless) {
		if (subscriber.is_wanted)
			r = subscribe(&subscriber);
		if (r == 0)
			r = bh_wait(client, -1);
	}
	bh_free(client);
	return r == 0 && !subscriber.is_hopeless ? 0 : 1;
}
