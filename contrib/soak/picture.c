/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/picture.h"

#include "ipc/bleherd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	ANSWER_MAX = 1 << 20,
	SIM_PATIENCE_US = 10000000,
};

/* What the parts of a picture are, as bits. */
enum { PART_SIM = 1, PART_SESSIONS = 2, PART_DEVICES = 4, PART_ADAPTERS = 8, PARTS = 15 };

/* What the daemon says of an adapter, until it is known which one of the sim it is. */
struct told_adapter {
	char name[16], state[24];
	uint64_t address;
};

struct told_device {
	uint64_t address, requests;
	bool is_kept;
};

struct camera {
	struct bh_client *bh;
	char sim_path[108];
	int sim_fd;
	bool is_under_way;
	unsigned open, got; /* parts */
	int64_t asked_us;
	struct picture pictures[2]; /* one is being made, the other is the caller's */
	size_t making;
	size_t n_adapters, n_devices;
	struct told_adapter adapters[PICTURE_ADAPTERS_MAX];
	struct told_device devices[PICTURE_DEVICES_MAX];
	char *answer; /* of ANSWER_MAX bytes */
};

int camera_new(struct camera **out, const char *socket, const char *sim)
{
	struct camera *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->sim_fd = -EBADF;
	c->answer = malloc(ANSWER_MAX);
	sim = sim ? sim : getenv("BLEHERD_SIM_CONTROL");
	(void)snprintf(c->sim_path, sizeof(c->sim_path), "%s", sim ? sim : "");
	r = c->answer ? bh_new(&c->bh, socket, "soak watch") : -ENOMEM;
	if (r < 0) {
		camera_free(c);
		return r;
	}
	bh_stay(c->bh, NULL, NULL);
	*out = c;
	return 0;
}

struct camera *camera_free(struct camera *c)
{
	if (!c)
		return NULL;
	(void)bh_free(c->bh);
	(void)close_fd(c->sim_fd);
	free(c->answer);
	free(c);
	return NULL;
}

/* --- the daemon's word --- */

static void on_session(void *ctx, const struct bh_session_row *row)
{
	struct camera *c = ctx;
	struct picture *picture = &c->pictures[c->making];
	struct picture_session *session = &picture->sessions[picture->n_sessions];

	if (picture->n_sessions == PICTURE_SESSIONS_MAX)
		return;
	picture->n_sessions++;
	*session = (struct picture_session){ .address = row->address,
					     .session = row->session,
					     .pid = row->pid,
					     .is_served = strcmp(row->state, "served") == 0,
					     .is_waiting = strcmp(row->state, "waits") == 0,
					     .holds_link = row->holds_link,
					     .is_own = row->is_own,
					     .state_for_ms = row->state_for_ms,
					     .subscriptions = row->subscriptions };
	(void)snprintf(session->adapter, sizeof(session->adapter), "%s", row->adapter);
	(void)snprintf(session->label, sizeof(session->label), "%s", row->label);
	(void)snprintf(session->text, sizeof(session->text), "%s", row->text);
}

static void on_device(void *ctx, const struct bh_device *device)
{
	struct camera *c = ctx;

	if (c->n_devices == PICTURE_DEVICES_MAX)
		return;
	c->devices[c->n_devices++] = (struct told_device){ .address = device->address,
							   .requests = device->requests,
							   .is_kept = device->keeper[0] != '\0' };
}

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	struct camera *c = ctx;
	struct told_adapter *told = &c->adapters[c->n_adapters];

	if (c->n_adapters == PICTURE_ADAPTERS_MAX)
		return;
	c->n_adapters++;
	told->address = adapter->address;
	(void)snprintf(told->name, sizeof(told->name), "%s", adapter->name);
	(void)snprintf(told->state, sizeof(told->state), "%s", adapter->state);
}

static void on_part(struct camera *c, unsigned part, const struct bh_result *result)
{
	c->open &= ~part;
	if (result->error == BH_CLASS_NONE)
		c->got |= part;
}

static void on_sessions(void *ctx, const struct bh_result *result)
{
	on_part(ctx, PART_SESSIONS, result);
}

static void on_devices(void *ctx, const struct bh_result *result)
{
	on_part(ctx, PART_DEVICES, result);
}

static void on_adapters(void *ctx, const struct bh_result *result)
{
	on_part(ctx, PART_ADAPTERS, result);
}

/* --- the sim's word --- */

static uint64_t address_of(const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "address"));
	uint64_t address = 0;

	return text && bh_parse_address(text, &address) == 0 ? address : 0;
}

static void read_stats(struct picture *picture, const json_t *stats)
{
	const json_t *row, *link;
	size_t i;

	json_array_foreach(json_object_get(stats, "adapters"), i, row)
	{
		if (picture->n_adapters == PICTURE_ADAPTERS_MAX)
			break;
		picture->adapters[picture->n_adapters++] = (struct picture_adapter){
			.address = address_of(row),
			.is_plugged = json_is_true(json_object_get(row, "plugged")),
		};
	}
	json_array_foreach(json_object_get(stats, "devices"), i, row)
	{
		if (picture->n_devices == PICTURE_DEVICES_MAX)
			break;
		link = json_object_get(row, "link");
		picture->devices[picture->n_devices++] = (struct picture_device){
			.address = address_of(row),
			.link = json_is_integer(link) &&
						json_integer_value(link) < PICTURE_ADAPTERS_MAX
					? (int)json_integer_value(link)
					: -1,
		};
	}
}

static int sim_connect(struct camera *c)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	if (c->sim_fd >= 0)
		return 0;
	c->sim_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->sim_fd < 0)
		return -errno;
	memcpy(where.sun_path, c->sim_path, sizeof(c->sim_path));
	if (connect(c->sim_fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return 0;
	c->sim_fd = close_fd(c->sim_fd);
	return -errno;
}

static void sim_failed(struct camera *c)
{
	c->sim_fd = close_fd(c->sim_fd);
	c->open &= ~(unsigned)PART_SIM;
}

static void ask_sim(struct camera *c)
{
	if (sim_connect(c) == 0 && send(c->sim_fd, "stats", 5, MSG_NOSIGNAL) == 5)
		c->open |= PART_SIM;
	else
		sim_failed(c);
}

static void hear_sim(struct camera *c, int64_t now_us)
{
	ssize_t len;
	json_t *stats;

	if (!(c->open & PART_SIM))
		return;
	len = recv(c->sim_fd, c->answer, ANSWER_MAX, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (now_us - c->asked_us > SIM_PATIENCE_US)
			sim_failed(c);
		return;
	}
	stats = len > 0 ? json_loadb(c->answer, (size_t)len, 0, NULL) : NULL;
	if (!stats) {
		sim_failed(c);
		return;
	}
	read_stats(&c->pictures[c->making], stats);
	json_decref(stats);
	c->open &= ~(unsigned)PART_SIM;
	c->got |= PART_SIM;
}

/* --- both --- */

static void begin(struct camera *c, int64_t now_us)
{
	struct picture *picture = &c->pictures[c->making];

	picture->n_adapters = picture->n_devices = picture->n_sessions = 0;
	c->n_adapters = c->n_devices = 0;
	c->asked_us = now_us;
	c->is_under_way = true;
	c->got = 0;
	ask_sim(c);
	if (bh_list_sessions(c->bh, 0, on_session, on_sessions, c) == 0)
		c->open |= PART_SESSIONS;
	if (bh_list_devices(c->bh, on_device, on_devices, c) == 0)
		c->open |= PART_DEVICES;
	if (bh_list_adapters(c->bh, on_adapter, on_adapters, c) == 0)
		c->open |= PART_ADAPTERS;
}

/* The two words about the same adapters and devices become one. */
static void match(struct camera *c, struct picture *picture)
{
	for (size_t i = 0; i < picture->n_adapters; i++) {
		struct picture_adapter *adapter = &picture->adapters[i];

		for (size_t k = 0; k < c->n_adapters; k++) {
			if (c->adapters[k].address != adapter->address)
				continue;
			memcpy(adapter->name, c->adapters[k].name, sizeof(adapter->name));
			memcpy(adapter->state, c->adapters[k].state, sizeof(adapter->state));
			adapter->is_ready = strcmp(adapter->state, "ready") == 0;
		}
	}
	for (size_t i = 0; i < picture->n_devices; i++) {
		struct picture_device *device = &picture->devices[i];

		for (size_t k = 0; k < c->n_devices; k++) {
			if (c->devices[k].address != device->address)
				continue;
			device->requests = c->devices[k].requests;
			device->is_kept = c->devices[k].is_kept;
		}
	}
}

const struct picture *camera_turn(struct camera *c, int64_t now_us)
{
	struct picture *picture = &c->pictures[c->making];

	(void)bh_process(c->bh);
	if (!c->is_under_way && now_us - c->asked_us >= PICTURE_EVERY_US)
		begin(c, now_us);
	hear_sim(c, now_us);
	if (!c->is_under_way || c->open != 0)
		return NULL;
	c->is_under_way = false;
	if (c->got != PARTS)
		return NULL;
	match(c, picture);
	picture->at_us = now_us;
	c->making = 1 - c->making;
	return picture;
}
