/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/dial.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ipc/client/client.h"
#include "ipc/client/pace.h"
#include "ipc/client/resume.h"
#include "ipc/clock.h"

enum {
	CONNECT_S = 5, /* a daemon whose backlog is full and that never accepts */
	PROTOCOL_VERSION = 1,
	PACE_FIRST_MS = 50,
	PACE_MOST_MS = 830, /* with its jitter 1 s at most: who comes back is to be found within a
			       second */
	/* One that stayed up for less is crashing or does not want us: it is not dialled at once.
	 */
	STABLE_MS = 1000,
	/* As long as the arbiter's lease: until then nobody could have taken a lock back. */
	LOCKS_KEPT_MS = 60000,
};

static const char DEFAULT_SOCKET[] = "/run/bleherd/bleherd.sock";

/* --- the socket --- */

static int connect_to(const struct sockaddr_un *addr, int flags, int *out_fd)
{
	const struct timeval most = { .tv_sec = CONNECT_S };
	_cleanup_close_ int fd = -EBADF;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	/* It bounds connect() too. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*out_fd = take_fd(&fd);
	return 0;
}

static const char *socket_path(const char *asked)
{
	const char *path = asked ? asked : secure_getenv("BLEHERD_SOCKET");

	return path && *path ? path : DEFAULT_SOCKET;
}

int dial_first(struct bh_client *client, const char *socket, int *out_fd)
{
	struct dial *dial = &client->dial;
	const char *path = socket_path(socket);

	if (strlen(path) >= sizeof(dial->addr.sun_path))
		return -ENAMETOOLONG;
	dial->addr.sun_family = AF_UNIX;
	memcpy(dial->addr.sun_path, path, strlen(path));
	dial->up_since_ms = clock_now_ms();
	/* Programs that were started together must not dial together. */
	dial->seed = (unsigned)clock_now_us() ^ (unsigned)client->pid;
	return connect_to(&dial->addr, 0, out_fd);
}

/* --- HELLO --- */

static void refuse(struct bh_client *client, enum bh_class class, const char *text)
{
	client->is_refused = true;
	client->refused_class = class;
	(void)snprintf(client->refused_text, sizeof(client->refused_text), "%.191s", text);
}

static void on_hello_failed(void *ctx, const struct bh_result *result)
{
	struct bh_client *client = ctx;

	if (!client->is_gone && result->error != BH_CLASS_NONE)
		refuse(client, result->error, result->text);
}

int dial_say_hello(struct bh_client *client)
{
	struct request_args args = {
		.type = BH__TYPE__HELLO, .is_endless = true, .done = on_hello_failed, .ctx = client
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->text = client->label;
	request->id = lane_new_id(&client->control);
	/* Whatever waits from before comes after it. */
	lane_prepend(&client->control, request);
	lane_pump(&client->control);
	return 0;
}

static void come_up(struct bh_client *client, uint64_t run)
{
	struct dial *dial = &client->dial;
	uint64_t now_ms = clock_now_ms();
	uint32_t away_ms = clock_span_ms(dial->lost_at_ms, now_ms);
	bool was_away = dial->is_away;
	char text[96];

	dial->is_other = dial->was_up && (run == 0 || run != dial->run);
	dial->run = run;
	dial->was_up = true;
	dial->is_away = false;
	dial->up_since_ms = now_ms;
	if (!was_away)
		return;
	(void)snprintf(text, sizeof(text), "after %u ms; %s", away_ms,
		       dial->is_other ? "a new daemon, its events count from 1"
				      : "the same daemon as before");
	dial_tell(client, BH_DAEMON_BACK, text);
	if (!client->is_freed)
		resume_back(client, text);
}

int dial_on_hello_ok(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	const Bh__HelloOk *ok = msg;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&client->control, frame->id);

	if (!request)
		return 0;
	if (request->type != BH__TYPE__HELLO)
		return -EBADMSG;
	if (ok->has_version && ok->version != PROTOCOL_VERSION)
		refuse(client, BH_CLASS_INVALID, "the daemon speaks another version");
	lane_answer(&client->control, request, &result);
	if (!client->is_refused)
		come_up(client, ok->run);
	return 0;
}

/* --- again --- */

void bh_stay(struct bh_client *client, bh_daemon_cb news, void *ctx)
{
	client->dial.is_kept = true;
	client->dial.news = news;
	client->dial.ctx = ctx;
}

bool dial_may_again(const struct bh_client *client)
{
	const struct dial *dial = &client->dial;

	if (!dial->is_kept)
		return false;
	/* One that has too many clients now may have room later; one of another version will not.
	 */
	return !client->is_refused || (dial->was_up && client->refused_class != BH_CLASS_INVALID);
}

static void plan(struct bh_client *client, uint64_t now_ms)
{
	struct dial *dial = &client->dial;
	uint32_t dice = (uint32_t)rand_r(&dial->seed);

	dial->at_ms = now_ms;
	if (dial->tries > 0)
		dial->at_ms += pace_ms(PACE_FIRST_MS, dial->tries - 1, PACE_MOST_MS, dice);
	dial->tries++;
	client_expect(client, dial->at_ms);
}

bool dial_lost(struct bh_client *client)
{
	struct dial *dial = &client->dial;
	uint64_t now_ms = clock_now_ms();
	bool was_up = !dial->is_away;

	client->is_refused = false;
	dial->is_away = true;
	if (was_up) {
		dial->lost_at_ms = now_ms;
		dial->losses++;
		if (now_ms >= dial->up_since_ms + STABLE_MS)
			dial->tries = 0;
	}
	plan(client, now_ms);
	return was_up;
}

static void dial(struct bh_client *client, uint64_t now_ms)
{
	int fd = -EBADF;
	int r;

	client->dial.at_ms = DIAL_NEVER;
	r = connect_to(&client->dial.addr, SOCK_NONBLOCK, &fd);
	if (r == 0)
		r = lane_open(&client->control, fd, CHAN_BODY_CONTROL, 0);
	if (r == 0)
		r = resume_dialled(client);
	if (r == 0)
		return;
	lane_close(&client->control);
	plan(client, now_ms);
}

bool dial_tick(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms)
{
	struct dial *it = &client->dial;
	struct bh_result why = request_result(
		BH_CLASS_NO_DAEMON, "the daemon went and did not come back in time", NULL);

	if (!it->is_away || client->is_gone)
		return false;
	if (lock_is_any_held(client)) {
		if (now_ms >= it->lost_at_ms + LOCKS_KEPT_MS) {
			lock_lose_held(client, &why);
			return true;
		}
		if (it->lost_at_ms + LOCKS_KEPT_MS < *next_ms)
			*next_ms = it->lost_at_ms + LOCKS_KEPT_MS;
	}
	if (it->at_ms <= now_ms)
		dial(client, now_ms);
	if (it->at_ms < *next_ms)
		*next_ms = it->at_ms;
	return false;
}

struct bh_result dial_late(const struct bh_client *client)
{
	if (client->dial.is_away)
		return request_result(BH_CLASS_NO_DAEMON,
				      "the daemon went and was not back at the deadline", NULL);
	/* Somebody else may hold its socket open, and starts it only now. */
	if (!client->dial.was_up)
		return request_result(BH_CLASS_NO_DAEMON,
				      "the daemon's socket is there, but it did not answer in time",
				      NULL);
	return request_result(BH_CLASS_DEADLINE, "no answer in time", NULL);
}

void dial_tell(struct bh_client *client, enum bh_daemon_event event, const char *text)
{
	const struct dial *dial = &client->dial;
	const struct bh_daemon_news news = {
		.event = event,
		.away_ms = clock_span_ms(dial->lost_at_ms, clock_now_ms()),
		.is_other = event == BH_DAEMON_BACK && dial->is_other,
		.text = text,
	};

	if (dial->news)
		dial->news(dial->ctx, client, &news);
}
