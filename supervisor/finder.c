/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/finder.c - finds an adapter for sessions that nobody serves, and gives them to its
 * worker. What to do is decided in seek.c; here it is done.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "supervisor/admission.h"
#include "supervisor/client.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/keeper.h"
#include "supervisor/mgmt.h"
#include "supervisor/rules_wire.h"
#include "supervisor/seek.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

enum {
	BACKLOG_MAX = 64, /* frames that wait for a peer: then sessions wait here */
	BACKLOG_WAIT_MS = 5,
	WARM_UP_MS = 1000, /* a worker starts in some milliseconds */
	NAMES_LEN = 96,
};

/* --- giving it to a worker --- */

static void send_attach(const struct session *session, struct adapter *adapter, int fd)
{
	const struct device *device = devices_find(session->sup->devices, session->address);
	Bh__Ctl__SessionAttach attach = BH__CTL__SESSION_ATTACH__INIT;
	struct rules_wire rules;
	struct admission_wire access;

	attach.has_session = attach.has_epoch = attach.has_kind = 1;
	attach.session = session->id;
	attach.epoch = session->epoch;
	attach.kind = session->is_scan ? BH__SESSION_KIND__SESSION_SCAN
				       : BH__SESSION_KIND__SESSION_DEVICE;
	attach.has_address = attach.has_random = !session->is_scan;
	attach.address = session->address;
	attach.random = device && device->is_random;
	attach.has_under = session->under != 0;
	attach.under = session->under;
	attach.label = (char *)(uintptr_t)session_label(session);
	if (!session->is_scan) {
		rules_wire_fill(&rules, session->sup, session->address);
		attach.rules = &rules.msg;
	}
	admission_fill(&access, session->client, session->id, session->address);
	attach.access = &access.msg;
	port_send_fds(child_port(adapter->child), BH__CTL__TYPE__SESSION_ATTACH, 0, 0, &attach.base,
		      &fd, 1);
}

static void send_opened(const struct session *session, struct adapter *adapter, int fd)
{
	Bh__SessionOpened opened = BH__SESSION_OPENED__INIT;

	opened.has_session = opened.has_epoch = 1;
	opened.session = session->id;
	opened.epoch = session->epoch;
	opened.adapter = adapter->name;
	client_send_fd(session->client, BH__TYPE__SESSION_OPENED, session->request, &opened.base,
		       fd);
}

static void send_moved(struct session *session, struct adapter *adapter, int fd)
{
	Bh__Moved moved = BH__MOVED__INIT;

	moved.has_session = moved.has_epoch = 1;
	moved.session = session->id;
	moved.epoch = session->epoch;
	moved.n_issued = session->n_issued;
	moved.issued = session->issued;
	moved.adapter = adapter->name;
	moved.reason = session->reason;
	client_send_fd(session->client, BH__TYPE__MOVED, 0, &moved.base, fd);
	session->n_issued = 0;
}

static void note_attached(struct session *session, struct adapter *adapter)
{
	bool is_first = session->epoch == 1;
	struct event event;

	finder_stop_search(session);
	TAILQ_REMOVE(&session->sup->sessions->homeless, session, homeless);
	session->state = SESSION_SERVED;
	session->served_at_ms = clock_now_ms();
	(void)sd_event_source_set_enabled(session->timer, SD_EVENT_OFF);
	/* Polls come and go by the minute. */
	if (session->keeper && !keeper_holds(session->keeper))
		return;
	event = session_event(session, is_first ? EVENT_SESSION_OPENED : EVENT_MOVED);
	if (is_first)
		events_add(session->sup->events, &event, "for %s (pid %d), on %s",
			   session_label(session), session_pid(session), adapter->name);
	else
		events_add(session->sup->events, &event, "now on %s", adapter->name);
	session->sup->sessions->n_moved += !is_first;
}

/* Without a program there is nobody to have the other end of a data socket. */
static void attach_kept(struct session *session, struct adapter *adapter)
{
	session->epoch++;
	session->home = adapter->index;
	session->incarnation = child_incarnation(adapter->child);
	note_attached(session, adapter);
	keeper_attached(session->keeper);
}

void finder_attach(struct session *session, struct adapter *adapter)
{
	_cleanup_close_ int workers = -EBADF;
	_cleanup_close_ int clients = -EBADF;
	int ends[2];

	if (session->keeper) {
		attach_kept(session, adapter);
		return;
	}
	/* Its name may be known only now. */
	if (session_end_denied(session))
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		session_fail(session, CLASS_LIMIT, "no descriptors left for a data socket");
		return;
	}
	workers = ends[0];
	clients = ends[1];
	session->epoch++;
	session->home = adapter->index;
	session->incarnation = child_incarnation(adapter->child);
	send_attach(session, adapter, workers);
	if (session->state == SESSION_OPENING)
		send_opened(session, adapter, clients);
	else
		send_moved(session, adapter, clients);
	note_attached(session, adapter);
}

/* --- asking seek.c --- */

bool finder_allows(const struct session *session, const struct adapter *adapter)
{
	if (!session->only[0])
		return true;
	return session->only_address ? adapter->address == session->only_address
				     : strcmp(session->only, adapter->name) == 0;
}

/* The program said a number; what it means is the adapter that has it. */
static void note_only(struct session *session)
{
	const struct adapter *adapter = adapters_find_name(session->sup->adapters, session->only);

	if (adapter && session->only_address == 0)
		session->only_address = adapter->address;
}

static size_t fill_rows(const struct session *session, uint64_t now_ms,
			struct score_row rows[ADAPTERS_MAX])
{
	const struct sup *sup = session->sup;
	const struct device *device = devices_find(sup->devices, session->address);
	const bool is_heard = device_is_heard(device, now_ms);
	const char *text;
	size_t n = 0;
	size_t i;

	for (i = 0; i < sup->adapters->n; i++) {
		const struct adapter *adapter = sup->adapters->list[i];
		const struct sighting *sighting = device_sighting(device, adapter->index);
		bool is_home = adapter->index == session->home;

		if (!adapter->is_present || !finder_allows(session, adapter))
			continue;
		rows[n++] = (struct score_row){
			.adapter = adapter->index,
			.is_suitable = adapter_is_suitable(adapter) &&
				       !(is_home && now_ms < session->barred_until_ms),
			.trouble = adapter_trouble(adapter, &text),
			.is_home = is_home,
			.is_shared = sessions_share(session, adapter->index),
			.is_connected = sighting && sighting->is_connected,
			.is_fresh = sighting && sighting->heard_at_ms != 0 &&
				    now_ms - sighting->heard_at_ms < DEVICES_FRESH_MS,
			/* Where it was served it will be found again. */
			.is_known = sighting != NULL || is_home,
			.rssi_16th_dbm = sighting ? sighting->rssi_16th_dbm : 0,
			.is_bonded = sighting && sighting->is_bonded,
			.links = adapter->state.links,
			.attempts = adapter->state.attempts,
			.failures = escalation_weight(sup->escalation, session->address,
						      adapter->index, is_heard, now_ms),
			.slots = adapter_slots(adapter),
		};
	}
	return n;
}

uint16_t finder_other(const struct session *session)
{
	struct score_row rows[ADAPTERS_MAX];
	size_t n = fill_rows(session, clock_now_ms(), rows);
	size_t i;
	int best;

	for (i = 0; i < n; i++)
		rows[i].is_suitable = rows[i].is_suitable && !rows[i].is_home;
	best = score_best(rows, n, SCORE_KNOWN);
	return best < 0 ? SESSION_NO_ADAPTER : rows[best].adapter;
}

/*
 * A worker that is starting has not read BlueZ's objects yet and would answer that there is no
 * bluetoothd: sessions are given to it the moment it is ready.
 */
static enum seek_home home_of(const struct session *session, uint64_t now_ms)
{
	const struct adapter *adapter = adapters_find(session->sup->adapters, session->home);
	enum child_state state;

	if (!adapter || !adapter->is_present || !finder_allows(session, adapter) ||
	    session->state == SESSION_OPENING || now_ms < session->barred_until_ms)
		return SEEK_HOME_NONE;
	if (adapter_is_suitable(adapter) && child_port(adapter->child))
		return SEEK_HOME_LIVE;
	state = child_state(adapter->child);
	if (session->is_home_soon && (state == CHILD_BACKOFF || state == CHILD_STARTING))
		return SEEK_HOME_SOON;
	return SEEK_HOME_AWAY;
}

static bool is_linked_home(const struct session *session)
{
	const struct adapter *adapter = adapters_find(session->sup->adapters, session->home);
	const struct sighting *sighting;

	if (!adapter || !adapter->is_present || session->is_scan)
		return false;
	sighting = device_sighting(devices_find(session->sup->devices, session->address),
				   session->home);
	return sighting && sighting->is_connected;
}

/* --- doing what it says --- */

static void on_cut(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		   struct mgmt_token token)
{
	struct sup *sup = ctx;
	struct session *session = session_find(sup, token.id);

	(void)data;
	(void)len;
	if (!session || session->state != SESSION_HOMELESS || session->epoch != token.extra)
		return;
	if (status == MGMT_STATUS_SUCCESS || status == MGMT_STATUS_NOT_CONNECTED)
		devices_link(sup->devices, session->address, index, false);
	session->is_cutting = false;
	session->asked_at_ms = clock_now_ms();
	finder_step(session);
}

/* Not to be done twice: if it fails the search goes on without. */
static void cut(struct session *session)
{
	const struct device *device = devices_find(session->sup->devices, session->address);
	struct mgmt_token token = { .id = session->id, .extra = session->epoch };
	struct event event = session_event(session, EVENT_LINK_CUT);

	session->is_cut = true;
	if (mgmt_disconnect(session->sup->mgmt, session->home, session->address,
			    device && device->is_random, on_cut, token) < 0) {
		finder_step(session);
		return;
	}
	session->is_cutting = true;
	events_add(session->sup->events, &event, "so that another adapter can reach it");
}

static void failure_text(const struct session *session, enum err_class class, char *out,
			 size_t size)
{
	const struct adapters *adapters = session->sup->adapters;
	char address[ADDR_TEXT_LEN + 1];
	char heard[DEVICE_LOG_HEARD_LEN];
	char names[NAMES_LEN] = "";
	const char *why = "";
	size_t len = 0;
	size_t i;

	addr_format(session->address, address);
	for (i = 0; i < adapters->n; i++) {
		const struct adapter *adapter = adapters->list[i];

		if (!adapter->is_present || !finder_allows(session, adapter))
			continue;
		if (adapter_trouble(adapter, &why) == CLASS_NONE || class != CLASS_NOT_FOUND)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? ", " : "", adapter->name);
		if (len >= sizeof(names))
			break;
	}
	if (class == CLASS_NOT_FOUND) {
		uint32_t span_ms = clock_span_ms(session->asked_at_ms, session->deadline_at_ms);

		device_log_last_heard(session->sup, session->address, heard);
		(void)snprintf(out, size, "%s was not seen in %u.%u s on %s%s%s", address,
			       span_ms / 1000, span_ms % 1000 / 100, names, heard[0] ? "; " : "",
			       heard);
	} else if (names[0])
		(void)snprintf(out, size, "%s: %s", names, why[0] ? why : class_name(class));
	else
		(void)snprintf(out, size, "there is no adapter%s%s", session->only[0] ? " " : "",
			       session->only);
}

static void send_waits(struct session *session, enum err_class class, const char *text)
{
	Bh__SessionWaits waits = BH__SESSION_WAITS__INIT;
	struct event event = session_event(session, EVENT_WAITING);

	event.class = class;
	events_add(session->sup->events, &event, "%s", text);
	waits.has_session = waits.has_class_ = 1;
	waits.session = session->id;
	waits.class_ = (Bh__Class) class;
	waits.text = (char *)(uintptr_t)text;
	client_send(session->client, BH__TYPE__SESSION_WAITS,
		    session->state == SESSION_OPENING ? session->request : 0, &waits.base);
}

static void arm(struct session *session, uint64_t at_ms)
{
	if (at_ms == UINT64_MAX) {
		(void)sd_event_source_set_enabled(session->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(session->timer, at_ms * 1000);
	(void)sd_event_source_set_enabled(session->timer, SD_EVENT_ONESHOT);
}

static void wait_on(struct session *session, const struct seek_answer *answer, uint64_t now_ms)
{
	uint64_t until_ms = answer->until_ms;
	char text[EVENT_TEXT_LEN];

	/* When its home may be asked again there is something new to decide. */
	if (session->barred_until_ms > now_ms && session->barred_until_ms < until_ms)
		until_ms = session->barred_until_ms;
	arm(session, until_ms);
	if (answer->is_searching)
		finder_search(session);
	else
		finder_stop_search(session);
	if (answer->class == CLASS_NONE || answer->class == session->told)
		return;
	/* To look for a peripheral is what opening is; that there is nobody to look is news. */
	if (session->state == SESSION_OPENING && answer->class == CLASS_NOT_FOUND)
		return;
	session->told = answer->class;
	/* A keeper's state says it. */
	if (session->keeper)
		return;
	failure_text(session, answer->class, text, sizeof(text));
	if (answer->class == CLASS_NOT_FOUND)
		(void)snprintf(text, sizeof(text), "no adapter sees it now");
	send_waits(session, answer->class, text);
}

/* Its peers must have room: each descriptor waits until the one before has arrived. */
static void attach_or_wait(struct session *session, struct adapter *adapter, uint64_t now_ms)
{
	if (port_queued(child_port(adapter->child)) > BACKLOG_MAX ||
	    (session->client && client_queued(session->client) > BACKLOG_MAX)) {
		arm(session, now_ms + BACKLOG_WAIT_MS);
		return;
	}
	finder_attach(session, adapter);
}

static void act(struct session *session, const struct seek_answer *answer,
		const struct score_row *rows, uint64_t now_ms)
{
	char text[EVENT_TEXT_LEN];
	uint16_t index;

	switch (answer->verdict) {
	case SEEK_ATTACH:
		index = answer->row < 0 ? session->home : rows[answer->row].adapter;
		attach_or_wait(session, adapters_find(session->sup->adapters, index), now_ms);
		return;
	case SEEK_WAIT:
		wait_on(session, answer, now_ms);
		return;
	case SEEK_CUT:
		cut(session);
		return;
	case SEEK_FAIL:
		failure_text(session, answer->class, text, sizeof(text));
		session_fail(session, answer->class, text);
		return;
	}
}

static bool is_any(const struct session *session, enum child_state state)
{
	const struct adapters *adapters = session->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (child_state(adapters->list[i]->child) == state)
			return true;
	return false;
}

/* At the daemon's start the first adapter that is ready is not the best one: a keeper has time. */
static bool is_early(const struct session *session)
{
	return is_any(session, CHILD_STARTING) || !session->sup->is_enumerated;
}

/*
 * A program's session waits for a second at most: a worker that has not read BlueZ's objects yet
 * may have the link that the program had before the daemon was restarted. A peripheral with a link
 * is heard by nobody and takes no other one.
 */
static bool is_warming_up(const struct session *session, uint64_t now_ms)
{
	if (session->state != SESSION_OPENING || session->is_scan || session->only[0] ||
	    now_ms >= session->sup->started_at_ms + WARM_UP_MS)
		return false;
	return is_any(session, CHILD_READY) && is_any(session, CHILD_STARTING);
}

void finder_step(struct session *session)
{
	struct score_row rows[ADAPTERS_MAX];
	uint64_t now_ms = clock_now_ms();
	struct seek seek = {
		.is_scan = session->is_scan,
		.is_first = session->state == SESSION_OPENING,
		.is_enumerated = session->sup->is_enumerated,
		.home = home_of(session, now_ms),
		.is_linked_home = is_linked_home(session),
		.is_cut = session->is_cut,
		.asked_at_ms = session->asked_at_ms,
		.deadline_at_ms = session->deadline_at_ms,
		.now_ms = now_ms,
		.rows = rows,
	};
	struct seek_answer answer;

	if (session->state == SESSION_SERVED || session->is_cutting || session->sup->is_stopping)
		return;
	if (session->keeper && is_early(session))
		return;
	if (is_warming_up(session, now_ms)) {
		arm(session, session->sup->started_at_ms + WARM_UP_MS);
		return;
	}
	if (session->is_scan && !seek.is_first &&
	    !adapters_find_name(session->sup->adapters, session->only)) {
		session_fail(session, CLASS_ADAPTER_GONE, "the adapter was unplugged");
		return;
	}
	note_only(session);
	seek.n_rows = fill_rows(session, now_ms, rows);
	/* A keeper is made when the first adapter hears its device: the others get their chance. */
	if ((session->is_searching || session->keeper) && session->heard_at_ms == 0 &&
	    score_count(rows, seek.n_rows, SCORE_FRESH) > 0)
		session->heard_at_ms = now_ms;
	seek.heard_at_ms = session->heard_at_ms;
	answer = seek_decide(&seek);
	act(session, &answer, rows, now_ms);
}
