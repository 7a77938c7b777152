/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/sessions.h"

#include <stdio.h>
#include <string.h>

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/attempts.h"
#include "supervisor/client.h"
#include "supervisor/devices.h"
#include "supervisor/keeper.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

enum { TIMEOUT_MAX_MS = 3600000 };

/* What stands in lists where programs have theirs. */
static const char SESSION_OWN_LABEL[] = "bleherd";

struct session *session_find(struct sup *sup, uint32_t id)
{
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (session->id == id)
		return session;
	return NULL;
}

struct event session_event(const struct session *session, enum event_kind kind)
{
	struct event event = {
		.kind = kind,
		.address = session->address,
		.session = session->id,
	};
	const struct adapter *adapter = adapters_find(session->sup->adapters, session->home);

	if (adapter)
		(void)snprintf(event.adapter, sizeof(event.adapter), "%s", adapter->name);
	return event;
}

/* --- ending --- */

static void session_free(struct session *session)
{
	struct sessions *sessions = session->sup->sessions;

	finder_stop_search(session);
	TAILQ_REMOVE(&sessions->all, session, entry);
	if (session->state != SESSION_SERVED)
		TAILQ_REMOVE(&sessions->homeless, session, homeless);
	if (session->client) {
		sessions->n--;
		client_count_session(session->client, -1);
	}
	if (session->keeper)
		keeper_unseated(session->keeper);
	sd_event_source_disable_unref(session->timer);
	free(session->issued);
	free(session);
}

const char *session_label(const struct session *session)
{
	return session->client ? client_label(session->client) : SESSION_OWN_LABEL;
}

pid_t session_pid(const struct session *session)
{
	return session->client ? session->client->pid : getpid();
}

void session_forget(struct session *session)
{
	struct adapter *adapter = adapters_find(session->sup->adapters, session->home);

	if (session->state == SESSION_SERVED && adapter)
		worker_child_detach(adapter, session->id, true);
	session_free(session);
}

static void send_closed(struct session *session, enum err_class class, const char *text)
{
	Bh__SessionClosed closed = BH__SESSION_CLOSED__INIT;

	closed.has_session = closed.has_class_ = 1;
	closed.session = session->id;
	closed.class_ = (Bh__Class) class;
	closed.text = (char *)(uintptr_t)text;
	closed.advice = (char *)(uintptr_t)class_advice(class);
	closed.n_issued = session->n_issued;
	closed.issued = session->issued;
	client_send(session->client, BH__TYPE__SESSION_CLOSED, 0, &closed.base);
}

void session_fail(struct session *session, enum err_class class, const char *text)
{
	struct event event = session_event(session, EVENT_SESSION_CLOSED);

	event.class = class;
	events_add(session->sup->events, &event, "%s", text);
	if (session->state == SESSION_OPENING)
		client_error(session->client, session->request, class, text);
	else if (session->client)
		send_closed(session, class, text);
	session_forget(session);
}

void session_uproot(struct session *session, const char *reason)
{
	assert(session->state == SESSION_SERVED);
	finder_stop_search(session);
	session->state = SESSION_HOMELESS;
	TAILQ_INSERT_TAIL(&session->sup->sessions->homeless, session, homeless);
	session->asked_at_ms = clock_now_ms();
	session->heard_at_ms = 0;
	session->is_cutting = false;
	session->is_cut = false;
	session->is_home_soon = false;
	session->holds_link = false;
	session->subscriptions = 0;
	session->is_rotating = false;
	session->told = CLASS_NONE;
	(void)snprintf(session->reason, sizeof(session->reason), "%s", reason);
	if (session->keeper)
		keeper_uprooted(session->keeper);
}

/* --- opening --- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct session *session = userdata;

	(void)source;
	(void)usec;
	if (session->state == SESSION_SERVED)
		finder_stop_search(session); /* sessions_listen() */
	else
		finder_step(session);
	return 0;
}

/* NULL if it may be opened, else what is wrong, and the class. */
static const char *refusal(const struct sup *sup, const struct client *client,
			   const Bh__SessionOpen *msg, enum err_class *out_class)
{
	*out_class = CLASS_INVALID;
	if (msg->kind != BH__SESSION_KIND__SESSION_DEVICE &&
	    msg->kind != BH__SESSION_KIND__SESSION_SCAN)
		return "the kind of session is missing";
	if (msg->kind == BH__SESSION_KIND__SESSION_SCAN && (!msg->adapter || !msg->adapter[0]))
		return "a scan needs an adapter";
	if (msg->kind == BH__SESSION_KIND__SESSION_DEVICE &&
	    (msg->address == 0 || msg->address >> 48 != 0))
		return "that is no device address";
	*out_class = CLASS_ADAPTER_GONE;
	if (msg->adapter && strlen(msg->adapter) >= ADAPTER_NAME_LEN)
		return "there is no such adapter";
	*out_class = CLASS_LIMIT;
	if (sup->sessions->n >= sup->config.max_sessions)
		return "the daemon has as many sessions as it may";
	if (client_sessions(client) >= sup->config.max_per_client)
		return "the program has as many sessions as it may";
	return NULL;
}

/* It is nobody's and nowhere yet. */
static struct session *make_bare(struct sup *sup, uint64_t address)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	if (sd_event_add_time(sup->event, &session->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000,
			      on_timer, session) < 0) {
		free(session);
		return NULL;
	}
	session->sup = sup;
	session->id = ++sup->sessions->last_id;
	session->address = address;
	session->home = SESSION_NO_ADAPTER;
	session->asked_at_ms = clock_now_ms();
	TAILQ_INSERT_TAIL(&sup->sessions->all, session, entry);
	TAILQ_INSERT_TAIL(&sup->sessions->homeless, session, homeless);
	return session;
}

static struct session *make(struct sup *sup, struct client *client, uint32_t request,
			    const Bh__SessionOpen *msg)
{
	bool is_scan = msg->kind == BH__SESSION_KIND__SESSION_SCAN;
	struct session *session = make_bare(sup, is_scan ? 0 : msg->address);
	uint32_t timeout_ms = msg->timeout_ms;

	if (!session)
		return NULL;
	if (timeout_ms == 0)
		timeout_ms = sup->config.find_timeout_ms;
	if (timeout_ms > TIMEOUT_MAX_MS)
		timeout_ms = TIMEOUT_MAX_MS;
	session->client = client;
	session->request = request;
	session->is_scan = is_scan;
	session->under = msg->under;
	session->deadline_at_ms = session->asked_at_ms + timeout_ms;
	(void)snprintf(session->only, sizeof(session->only), "%s",
		       msg->adapter ? msg->adapter : "");
	sup->sessions->n++;
	client_count_session(client, 1);
	log_debug("event=session-asked session=%u id=%u client=\"%s\" timeout_ms=%u", session->id,
		  request, client_label(client), timeout_ms);
	return session;
}

void sessions_open(struct sup *sup, struct client *client, uint32_t request,
		   const Bh__SessionOpen *msg)
{
	struct session *session;
	enum err_class class;
	const char *text = refusal(sup, client, msg, &class);
	char circuit[EVENT_TEXT_LEN];

	if (text) {
		client_error(client, request, class, text);
		return;
	}
	if (msg->fail_fast && msg->kind == BH__SESSION_KIND__SESSION_DEVICE) {
		class = keepers_circuit(sup, msg->address, circuit, sizeof(circuit));
		if (class != CLASS_NONE) {
			client_error(client, request, class, circuit);
			return;
		}
	}
	session = make(sup, client, request, msg);
	if (!session) {
		client_error(client, request, CLASS_INTERNAL, "out of memory");
		return;
	}
	finder_step(session);
}

/* --- the daemon's own --- */

struct session *sessions_keep(struct sup *sup, struct keeper *keeper, uint64_t address)
{
	struct session *session = make_bare(sup, address);

	if (!session)
		return NULL;
	session->keeper = keeper;
	/* Not opening: that has a deadline, and searches all the time until then. */
	session->state = SESSION_HOMELESS;
	return session;
}

void sessions_let_go(struct session *session)
{
	session->keeper = NULL;
	session_forget(session);
}

struct adapter *session_server(const struct session *session, enum err_class *out_trouble)
{
	*out_trouble = session->told;
	if (session->state != SESSION_SERVED)
		return NULL;
	return adapters_find(session->sup->adapters, session->home);
}

/* --- clients --- */

int sessions_close(struct sup *sup, const struct client *client, uint32_t id)
{
	struct session *session = session_find(sup, id);
	struct event event;

	if (session && (session->client != client || session->state == SESSION_OPENING))
		return SESSIONS_UNKNOWN;
	/* Its worker may have seen the data socket close before we read this. */
	if (!session)
		return id > 0 && id <= sup->sessions->last_id ? 0 : SESSIONS_UNKNOWN;
	event = session_event(session, EVENT_SESSION_CLOSED);
	events_add(sup->events, &event, "by its program");
	session_forget(session);
	return 0;
}

static struct session *find_opening(struct sup *sup, const struct client *client, uint32_t request)
{
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->homeless, homeless)
	if (session->client == client && session->state == SESSION_OPENING &&
	    session->request == request)
		return session;
	return NULL;
}

bool sessions_is_opening(struct sup *sup, const struct client *client, uint32_t request)
{
	return find_opening(sup, client, request) != NULL;
}

bool sessions_cancel(struct sup *sup, const struct client *client, uint32_t request)
{
	struct session *session = find_opening(sup, client, request);

	if (session)
		session_fail(session, CLASS_CANCELLED, "cancelled by its program");
	return session != NULL;
}

void sessions_client_gone(struct sup *sup, const struct client *client)
{
	struct session *session = TAILQ_FIRST(&sup->sessions->all);
	struct session *next;

	for (; session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (session->client == client)
			session_forget(session);
	}
}

void sessions_ended(struct sup *sup, struct adapter *adapter, uint32_t id)
{
	struct session *session = session_find(sup, id);
	struct event event;

	/* Only the one who serves it may say so. */
	if (!session || session->state != SESSION_SERVED || session->home != adapter->index ||
	    session->incarnation != child_incarnation(adapter->child))
		return;
	event = session_event(session, EVENT_SESSION_CLOSED);
	events_add(sup->events, &event, "its program closed the data socket");
	session_free(session);
}

/* --- looking at all that are homeless --- */

static int on_step_all(sd_event_source *source, void *userdata)
{
	struct sessions *sessions = userdata;
	struct session *session = TAILQ_FIRST(&sessions->homeless);
	struct session *next;

	(void)source;
	for (; session; session = next) {
		next = TAILQ_NEXT(session, homeless);
		finder_step(session);
	}
	return 0;
}

void sessions_adapter_changed(struct sup *sup)
{
	if (!TAILQ_EMPTY(&sup->sessions->homeless))
		(void)sd_event_source_set_enabled(sup->sessions->step_all, SD_EVENT_ONESHOT);
}

/* Those of a full adapter: whether another one has heard their device by now. */
static void listeners_hear(struct sup *sup, uint64_t address)
{
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (session->state == SESSION_SERVED && session->is_searching &&
	    session->address == address) {
		struct adapter *adapter = adapters_find(sup->adapters, session->home);
		const struct sighting *sighting =
			device_sighting(devices_find(sup->devices, address), session->home);

		if (!adapter || (sighting && sighting->is_connected))
			finder_stop_search(session);
		else
			attempts_full(adapter, address);
		return;
	}
}

void sessions_seen(struct sup *sup, uint64_t address)
{
	struct session *session = TAILQ_FIRST(&sup->sessions->homeless);
	struct session *next;

	for (; session; session = next) {
		next = TAILQ_NEXT(session, homeless);
		if (session->address == address)
			finder_step(session);
	}
	listeners_hear(sup, address);
}

/* --- the whole --- */

uint32_t sessions_count(const struct sup *sup)
{
	return sup->sessions->n;
}

uint32_t sessions_moved(const struct sup *sup)
{
	return sup->sessions->n_moved;
}

uint32_t sessions_on(const struct sup *sup, uint16_t adapter)
{
	const struct session *session;
	uint32_t n = 0;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	n += session->state == SESSION_SERVED && session->home == adapter;
	return n;
}

int sessions_new(struct sessions **out, struct sup *sup)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	int r;

	if (!sessions)
		return -ENOMEM;
	sessions->sup = sup;
	TAILQ_INIT(&sessions->all);
	TAILQ_INIT(&sessions->homeless);
	r = sd_event_add_defer(sup->event, &sessions->step_all, on_step_all, sessions);
	if (r >= 0)
		r = sd_event_source_set_enabled(sessions->step_all, SD_EVENT_OFF);
	if (r < 0) {
		sd_event_source_disable_unref(sessions->step_all);
		free(sessions);
		return r;
	}
	*out = sessions;
	return 0;
}

struct sessions *sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return NULL;
	/* The server goes first and takes its clients' sessions along. */
	assert(TAILQ_EMPTY(&sessions->all));
	sd_event_source_disable_unref(sessions->step_all);
	free(sessions);
	return NULL;
}
