/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/admission.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/admission_state.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/server.h"

enum {
	SAID_EVERY_MS = 60000, /* the same of a user */
	USERS_KEPT = 64,       /* that are not here any more */
};

/* --- users --- */

static struct admission_user *find_user(struct admission *admission, uint32_t uid)
{
	struct admission_user *user;

	TAILQ_FOREACH(user, &admission->users, entry)
	if (user->uid == uid)
		return user;
	return NULL;
}

/* Of those who have gone only the last ones are remembered. */
static void forget_some(struct admission *admission)
{
	struct admission_user *user = TAILQ_FIRST(&admission->users);
	struct admission_user *next;

	for (; user && admission->n_gone > USERS_KEPT; user = next) {
		next = TAILQ_NEXT(user, entry);
		if (user->n_clients > 0)
			continue;
		TAILQ_REMOVE(&admission->users, user, entry);
		admission->n_gone--;
		free(user);
	}
}

static struct admission_user *need_user(struct admission *admission, uint32_t uid)
{
	struct admission_user *user = find_user(admission, uid);

	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	TAILQ_INSERT_TAIL(&admission->users, user, entry);
	admission->n_gone++;
	return user;
}

/* --- coming and going --- */

static int read_groups(struct access_peer *peer, int fd)
{
	socklen_t len = 0;
	int r;

	/* It tells how much there is when it has no room. */
	r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len);
	if (r == 0 || errno != ERANGE)
		return 0;
	peer->groups = malloc(len);
	if (!peer->groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) < 0)
		return 0;
	peer->n_groups = len / sizeof(peer->groups[0]);
	return 0;
}

static void note_crowd(struct admission_user *user)
{
	uint64_t now_ms = clock_now_ms();

	if (user->crowd_at_ms != 0 && now_ms - user->crowd_at_ms < SAID_EVERY_MS)
		return;
	user->crowd_at_ms = now_ms;
	log_warn("client=refused uid=%u clients=%u text=\"no user but root may have more\"",
		 user->uid, user->n_clients);
}

int admission_enter(struct client *client, int fd)
{
	struct admission *admission = client->sup->admission;
	struct admission_user *user = need_user(admission, client->peer.uid);

	if (!user)
		return -ENOMEM;
	if (!access_is_privileged(&admission->world, &client->peer) &&
	    user->n_clients >= SERVER_CLIENTS_MAX / ADMISSION_SHARE) {
		note_crowd(user);
		return -EDQUOT;
	}
	if (read_groups(&client->peer, fd) < 0)
		return -ENOMEM;
	if (user->n_clients++ == 0)
		admission->n_gone--;
	client->user = user;
	return 0;
}

void admission_leave(struct client *client)
{
	struct admission *admission = client->sup->admission;

	free(client->peer.groups);
	client->peer.groups = NULL;
	if (!client->user)
		return;
	if (--client->user->n_clients == 0)
		admission->n_gone++;
	client->user = NULL;
	forget_some(admission);
}

/* --- what they may --- */

void admission_verdict(const struct client *client, uint64_t address, struct access_verdict *out)
{
	const struct sup *sup = client->sup;
	struct pattern_device known = { .address = address };
	const struct device *device;

	if (address == 0) {
		access_of(&sup->config.access, &sup->admission->world, &client->peer, NULL, out);
		return;
	}
	device = devices_find(sup->devices, address);
	if (device) {
		known.name = device->name;
		known.services = device->services;
		known.n_services = device->n_services;
	}
	access_of(&sup->config.access, &sup->admission->world, &client->peer, &known, out);
}

bool admission_sees(const struct client *client, uint64_t address)
{
	struct access_verdict verdict;

	/* Without rules everybody sees everything. */
	if (address == 0 || client->sup->config.access.n == 0)
		return true;
	admission_verdict(client, address, &verdict);
	return verdict.rights & RIGHT_SEE;
}

bool admission_sees_all(const struct client *client)
{
	return access_sees_all(&client->sup->config.access, &client->sup->admission->world,
			       &client->peer);
}

/* --- denials --- */

static void note_denial(struct client *client, uint32_t needs, uint32_t count, uint64_t address,
			uint32_t session, const char *text)
{
	struct admission_user *user = client->user;
	struct event event = {
		.kind = EVENT_DENIED,
		.class = CLASS_DENIED,
		.address = address,
		.session = session,
	};
	unsigned bit = (unsigned)__builtin_ctz(needs | 1u << (RIGHTS_COUNT - 1));
	uint64_t now_ms = clock_now_ms();
	char more[40] = "";

	user->denied += count;
	client->sup->admission->denied += count;
	user->told[bit].untold += count;
	if (user->told[bit].at_ms != 0 && now_ms - user->told[bit].at_ms < SAID_EVERY_MS)
		return;
	if (user->told[bit].untold > 1)
		(void)snprintf(more, sizeof(more), " (%u times)", user->told[bit].untold);
	user->told[bit].at_ms = now_ms;
	user->told[bit].untold = 0;
	events_add(client->sup->events, &event, "%s%s", text, more);
}

bool admission_denies(struct client *client, uint32_t needs, uint64_t address, uint32_t session,
		      char out_text[RIGHTS_DENIAL_LEN])
{
	struct access_verdict verdict;
	char why[ACCESS_WHY_LEN];

	if (needs == 0)
		return false;
	admission_verdict(client, address, &verdict);
	if (verdict.rights & needs)
		return false;
	access_why(&client->sup->admission->world, &client->peer, &verdict, why);
	rights_denial(client->peer.uid, needs, address, why, out_text);
	note_denial(client, needs, 1, address, session, out_text);
	return true;
}

bool admission_may(struct client *client, uint32_t id, uint32_t needs, uint64_t address)
{
	char text[RIGHTS_DENIAL_LEN];

	if (!admission_denies(client, needs, address, 0, text))
		return true;
	client_error(client, id, CLASS_DENIED, text);
	return false;
}

void admission_denied(struct client *client, uint32_t right, uint32_t count, uint64_t address,
		      uint32_t session)
{
	struct access_verdict verdict;
	char why[ACCESS_WHY_LEN];
	char text[RIGHTS_DENIAL_LEN];

	admission_verdict(client, address, &verdict);
	access_why(&client->sup->admission->world, &client->peer, &verdict, why);
	rights_denial(client->peer.uid, right, address, why, text);
	note_denial(client, right, count, address, session, text);
}

/* --- quotas --- */

static struct access_quota quota_of(const struct client *client, const char **out_rule)
{
	const struct access_rules *rules = &client->sup->config.access;
	struct access_verdict verdict;

	admission_verdict(client, 0, &verdict);
	*out_rule = verdict.rule ? verdict.rule->name : "";
	return access_quota(rules, &client->peer);
}

bool admission_in_time(struct client *client, uint32_t id)
{
	const char *rule;
	struct access_quota quota = quota_of(client, &rule);
	char text[128];

	if (bucket_take(&client->user->bucket, quota.requests_per_s, clock_now_ms()))
		return true;
	(void)snprintf(text, sizeof(text),
		       "more than %u requests a second (uid %u, [access %s]): slow down",
		       quota.requests_per_s, client->peer.uid, rule);
	client_error(client, id, CLASS_LIMIT, text);
	return false;
}

static bool is_forgotten(const struct admission_user *user)
{
	return clock_now_ms() - user->death_at_ms > ADMISSION_DEATHS_MS;
}

void admission_blame(struct client *client)
{
	struct admission_user *user = client->user;

	if (is_forgotten(user))
		user->n_deaths = 0;
	user->n_deaths++;
	user->death_at_ms = clock_now_ms();
}

bool admission_is_deadly(const struct client *client)
{
	return client->user->n_deaths >= ADMISSION_DEATHS_MAX && !is_forgotten(client->user) &&
	       !access_is_privileged(&client->sup->admission->world, &client->peer);
}

bool admission_session(struct client *client, uint32_t id)
{
	const char *rule;
	uint32_t max = quota_of(client, &rule).sessions;
	char text[128];

	if (admission_is_deadly(client)) {
		(void)snprintf(text, sizeof(text),
			       "requests of uid %u killed workers %u times: not served until %u "
			       "minutes after the last one",
			       client->peer.uid, client->user->n_deaths,
			       (unsigned)ADMISSION_DEATHS_MS / 60000);
		client_error(client, id, CLASS_DENIED, text);
		return false;
	}
	if (max == 0 && access_is_privileged(&client->sup->admission->world, &client->peer))
		return true;
	if (max == 0) {
		max = (client->sup->config.max_sessions + 1) / ADMISSION_SHARE;
		rule = "";
	}
	if (client->user->n_sessions < max)
		return true;
	(void)snprintf(text, sizeof(text),
		       "uid %u has as many sessions as it may: %u, as %s%s says", client->peer.uid,
		       max, rule[0] ? "access " : "[sessions] max", rule);
	client_error(client, id, CLASS_LIMIT, text);
	return false;
}

/* --- what workers enforce --- */

static void fill_sights(struct admission_wire *out, const struct client *client)
{
	const struct sup *sup = client->sup;
	size_t n = access_sights(&sup->config.access, &sup->admission->world, &client->peer,
				 out->from);
	size_t i;

	for (i = 0; i < n; i++) {
		struct pattern *pattern = &out->from[i].pattern;
		Bh__Ctl__Sight *sight = out->list[i] = &out->sights[i];

		bh__ctl__sight__init(sight);
		sight->has_kind = sight->has_seen = 1;
		sight->kind = (Bh__Ctl__PatternKind)pattern->kind;
		sight->seen = out->from[i].is_seen;
		sight->has_address = pattern->kind == PATTERN_ADDRESS;
		sight->address = pattern->address;
		sight->name = pattern->kind == PATTERN_NAME ? pattern->name : NULL;
		sight->has_service = pattern->kind == PATTERN_SERVICE;
		sight->service.data = pattern->service.octets;
		sight->service.len = sizeof(pattern->service.octets);
	}
	out->msg.n_sights = n;
	out->msg.sights = out->list;
}

void admission_fill(struct admission_wire *out, const struct client *client, uint32_t session,
		    uint64_t address)
{
	Bh__Ctl__Access *msg = &out->msg;
	struct access_verdict verdict;
	const char *rule;
	struct access_quota quota = quota_of(client, &rule);

	admission_verdict(client, address, &verdict);
	access_why(&client->sup->admission->world, &client->peer, &verdict, out->why);
	bh__ctl__access__init(msg);
	msg->has_session = msg->has_uid = msg->has_rights = 1;
	msg->has_requests_per_s = msg->has_queue = msg->has_memory_kib = 1;
	msg->session = session;
	msg->uid = client->peer.uid;
	msg->rights = verdict.rights;
	msg->why = out->why;
	msg->requests_per_s = quota.requests_per_s;
	msg->queue = quota.queue;
	msg->memory_kib = quota.memory_kib;
	if (address == 0)
		fill_sights(out, client);
}

/* --- the whole --- */

void admission_status(const struct sup *sup, Bh__Status *out, struct admission_users *users)
{
	const struct admission_user *user;
	size_t n = 0;

	out->has_denied = 1;
	out->denied = sup->admission->denied;
	TAILQ_FOREACH(user, &sup->admission->users, entry)
	{
		Bh__User *item = &users->users[n];

		if (n == ADMISSION_USERS_TOLD)
			break;
		if (user->n_clients == 0 && user->denied == 0)
			continue;
		bh__user__init(item);
		item->has_uid = item->has_clients = item->has_sessions = item->has_denied = 1;
		item->uid = user->uid;
		item->clients = user->n_clients;
		item->sessions = user->n_sessions;
		item->denied = user->denied;
		users->list[n++] = item;
	}
	out->n_users = n;
	out->users = users->list;
}

int admission_new(struct admission **out, struct sup *sup, const struct access_world *world)
{
	struct admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return -ENOMEM;
	admission->sup = sup;
	TAILQ_INIT(&admission->users);
	admission->world = *world;
	*out = admission;
	return 0;
}

struct admission *admission_free(struct admission *admission)
{
	struct admission_user *user;

	if (!admission)
		return NULL;
	while ((user = TAILQ_FIRST(&admission->users))) {
		TAILQ_REMOVE(&admission->users, user, entry);
		free(user);
	}
	free(admission);
	return NULL;
}
