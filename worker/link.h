/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/link.h - one link per device, shared by the sessions that are about it.
 *
 * What happens when is link_table.c; link.c runs it: events in, actions out. A link belongs to the
 * table of links and is freed on a tick after its last seat left. Whatever changes what somebody
 * wants or what may be issued ends in link_review(), the one place that looks at the whole link.
 */
#include "worker/cure.h"
#include "worker/link_limits.h"
#include "worker/link_table.h"
#include "worker/resume.h"
#include "worker/room.h"
#include "worker/scan.h"
#include "worker/seat.h"

enum { LINK_EVENTS_MAX = 16, LINK_TEXT_LEN = 160 };

struct acquired;
struct sub;

struct link {
	struct link *next; /* in its bucket */
	struct worker *w;
	uint64_t addr;
	bool is_random;
	enum link_state state;
	enum link_event events[LINK_EVENTS_MAX]; /* to be handled: an action may cause more */
	size_t n_events;
	bool is_stepping;
	bool is_reviewing;
	bool is_review_due;
	TAILQ_HEAD(link_seats, seat) seats;
	TAILQ_HEAD(, request) flying;
	TAILQ_HEAD(, sub) subs;
	TAILQ_HEAD(, acquired) acquired; /* acquire_write.h */
	uint64_t acquired_until_ms; /* we held one of its characteristics until then; 0: never */
	struct lock lock;
	struct bus_call *call;	   /* Connect */
	struct bus_call *left;	   /* an earlier one that was never answered */
	struct bus_call *end_call; /* Disconnect */
	struct deadline limit;	   /* of the state */
	struct deadline pump;	   /* BlueZ was busy: look again */
	struct deadline look;	   /* a limit may end it */
	struct deadline tell;	   /* the supervisor whether anybody uses it */
	struct rules rules;
	struct resume resume;
	struct room_place place;
	bool is_room_asked;	 /* of the supervisor, too */
	struct seat *exclusive;	 /* nobody else's requests are served; NULL: everybody's */
	uint64_t used_at_ms;	 /* since it is up; 0: nobody was given it */
	uint64_t unwanted_at_ms; /* nobody wants it since; 0: somebody does */
	struct cure_run cure;
	struct stuck stuck;
	enum diagnosis_peer peer; /* what it last said on this link */
	bool is_clear_due;	  /* the next attempt begins with a diagnosis */
	bool has_forgotten;	  /* in this connecting, for a characteristic that was missing */
	bool is_end_forced;	  /* MGMT did not end it: Device1.Disconnect was called */
	bool has_not_ended;	  /* nor did that */
	bool is_adopted;	  /* somebody else connected it */
	uint64_t adopted_at_ms;
	bool has_answered;	    /* the peripheral, a request */
	uint64_t promised_until_ms; /* the last deadline of those who were told CONNECTED */
	struct op_mark op;
	uint32_t token;	   /* of what was asked of the supervisor */
	uint32_t attempts; /* of this connecting */
	uint64_t attempts_since_ms;
	enum err_class failed; /* why the attempt failed */
	char failed_text[LINK_TEXT_LEN];
	struct link_cause {
		struct errors_cause said; /* by the kernel, at the end of a connect or link */
		uint64_t at_ms;		  /* 0: nothing yet */
		struct deadline wait;	  /* set: @event waits for it */
		enum link_event event;
		enum err_class class;
		char text[LINK_TEXT_LEN];
	} cause;
	struct scan_want seek;
	bool is_silent; /* a Connect did not reach it: the next attempt begins with discovery */
	struct scan_pause pause;
	bool is_told_up; /* the supervisor knows of it */
	bool is_told_idle;
	enum err_class went; /* why, and what was said to its users */
	char went_text[LINK_TEXT_LEN];
	uint64_t since_ms; /* in this state */
	uint64_t began_ms; /* wanting it */
	uint64_t resolving_at_ms;
	uint32_t queue_ms;
	uint32_t connect_ms;
	uint32_t services_ms;
};

struct links {
	struct worker *w;
	struct link *buckets[256];
	struct deadline tell; /* the supervisor how many attempts and links there are */
	size_t n_idle;	      /* without seats: freed on a tick */
	struct room room;
	struct deadline room_look;
	uint32_t last_token;
	struct sub *due; /* has signals that are not passed on; notify.c */
};

must_check int links_new(struct links **out, struct worker *w);
struct links *links_free(struct links *links);
void links_tick(struct links *links);
/* The number of attempts or links has changed. */
void links_tell_soon(struct links *links);

/* --- seats and their requests --- */
/* @rules: NULL: as they are. */
must_check int link_join(struct links *links, struct seat *seat, const Bh__Ctl__DeviceRules *rules);
void link_leave(struct link *link, struct seat *seat);
void link_request(struct request *request);
void link_request_late(struct request *request);
void link_request_cancelled(struct request *request);
/* The session ends, and not because it goes on elsewhere. */
void link_seat_over(const struct seat *seat);

/* Off the list of those that BlueZ works on; its call is abandoned or handed to a sharer. */
void link_unfly(struct request *request);

/* What of the link's making was waited for since then: queue, connect, services. */
void link_timings(const struct link *link, uint64_t since_ms, Bh__Timings *out);
uint32_t link_attempts(const struct link *link);

/* Whether somebody wants it up: holds it, has a request open for it, or is subscribed. */
bool link_is_wanted(const struct link *link);
bool seat_wants_link(const struct seat *seat);
/* Who wants it, and how much. */
enum link_use link_use(const struct link *link);
/* It is up, and nobody but a keeper would miss it. */
bool link_is_idle(const struct link *link);
/* A request was served on it, or a value came. */
void link_used(struct link *link);

/* A grant under which somebody wants it: the one in use while that is one; 0: none. */
uint64_t link_under(const struct link *link);

/* Wanted or not, up or not: does what follows. */
void link_review(struct link *link);
/* The same in @delay_ms. */
void link_review_later(struct link *link, uint32_t delay_ms);

/* --- what happens to links --- */
void link_event(struct link *link, enum link_event event);
/* The same, noting why it fails. */
void link_event_why(struct link *link, enum link_event event, enum err_class class,
		    const char *text);

/*
 * The same for what D-Bus says of many things ("le-connection-abort-by-local"): the kernel's cause
 * makes it precise. Where that is not there yet, the event waits for it, but not for long.
 */
void link_event_vague(struct link *link, enum link_event event, enum err_class class,
		      const char *text);
/* What the kernel said of it lately; "": nothing. */
const char *link_cause_text(const struct link *link);
/* A new attempt: what was said of an earlier one is no cause of its failure. */
void link_cause_forget(struct link *link);

/* The rules of a device have changed; where nobody is about it there is nothing to do. */
void links_rules(struct links *links, const Bh__Ctl__DeviceRules *rules);
void links_device(struct links *links, struct device *device, unsigned changes);
void links_device_gone(struct links *links, struct device *device);
void links_gone(struct links *links, enum err_class class, const char *text);
void links_loaded(struct links *links);
void links_bus_leaving(struct links *links);
void links_quiet(struct links *links);
/* How many links there are, or how many nobody would miss, has changed. */
void links_room_changed(struct links *links);
/* How many links fit on the adapter, from now on; 0: what the controller has. */
void links_set_max(struct links *links, uint32_t max);
void links_room(struct links *links, uint32_t token, const Bh__Ctl__Room *room);
/* @is_lost: nobody asked for it, the link is gone from under BlueZ. */
void links_cut(struct links *links, uint64_t addr, bool is_lost);
void links_next_step(struct links *links, uint32_t token, const Bh__Ctl__NextStep *step);
void links_kernel(struct links *links, uint32_t token, const Bh__Ctl__KernelLink *said);
void links_cause(struct links *links, uint64_t addr, const struct errors_cause *cause);
void links_ended(struct links *links, uint32_t token, const Bh__Ctl__LinkEnded *said);
/* The worker ends, nobody wants them any more; and whether they have ended. */
void links_stop(struct links *links);
bool links_are_down(const struct links *links);
struct link *links_find(const struct links *links, uint64_t addr);

/* --- between link.c, links.c, link_acts.c, link_connect.c and link_wants.c --- */
/* What the link waits for now was asked for under this grant. */
uint64_t link_current_under(const struct link *link);
/* Whether a request may be served: nobody else has the link for itself. May take it for itself. */
bool link_lets_in(struct link *link, const struct request *request);
/* Who had it for itself may have let go: true if so. */
bool link_review_exclusive(struct link *link);
/* It is up: ends it where a limit says so. */
void link_review_up(struct link *link);

#ifdef BLEHERD_PLANT_LEAKED_LINK
bool link_is_leaked(const struct link *link); /* link_wants.c */
#endif
void link_on_look(struct deadline *deadline);
void link_on_tell(struct deadline *deadline);
/* LINK_STATE: once for each change; @text: why it went. */
void link_tell_up(struct link *link);
void link_tell_down(struct link *link, enum err_class class, const char *text);
/* A keeper wanted it, and it was not to be had. */
void link_tell_not_had(const struct link *link, enum err_class class, const char *text);
/* What is true of it now, if it is up. */
void link_tell_again(struct link *link);
/* It wants a place: LINK_EV_ROOM follows, at once where there is one. */
void link_room_join(struct link *link);
void link_room_leave(struct link *link);
/* An idle one ends, for the link to @waits (0: not known). */
void link_room_yield(struct link *link, uint64_t waits);
/* What it waits for, and who has it. */
void link_room_text(const struct link *link, char *out, size_t size);
void links_on_room_look(struct deadline *deadline);
/* Calls @each for every link that there is now; it must not free any. */
void links_each(struct links *links, void (*each)(struct link *link, void *ctx), void *ctx);
void link_on_limit(struct deadline *deadline);
void link_on_pump(struct deadline *deadline);
void link_on_cause_wait(struct deadline *deadline);
/* An event that waits for its cause happens now, if @event would change anything. */
void link_cause_first(struct link *link, enum link_event event);
void link_act(struct link *link, enum link_act act);
/* A method of its Device1, where that is now. */
must_check int link_call(struct link *link, const char *member, uint32_t timeout_ms, bus_done done,
			 struct bus_call **out);
void link_connect(struct link *link);
void link_cancel(struct link *link);
/* Another one begins, or the first of a connecting. */
void link_count_attempt(struct link *link);
/* Its Connect was not answered, not even when asked to end: should it come true, it is ended. */
void link_connect_leave(struct link *link);
/* Whether there is something to connect to; otherwise it is to be sought. */
bool link_is_there(const struct link *link, const struct device *device);
/* That it is down, where that was not told because BlueZ went on showing it. */
void link_tell_gone(struct link *link);
/* Everything that a state may hold and the next one must not. */
void link_release(struct link *link);
/* An event for the supervisor's list. @session: 0 if none. */
void link_tell_event(const struct link *link, const char *kind, uint32_t session,
		     enum err_class class, const char *text);
/* What the answer to a question to the supervisor is known by. */
uint32_t link_new_token(struct link *link);
/* Asks the supervisor: a message about this link, whose answer carries its token. */
void link_tell(struct link *link, uint16_t type);
/* A grant is over: whoever wanted the link under it is told, and does not want it any more. */
void link_fence(struct link *link, uint64_t under);
void link_on_seek_fenced(struct scan_want *want, uint64_t under);
/* MGMT did not end it: Device1.Disconnect. */
void link_end_by_bus(struct link *link);
void link_not_ended(struct link *link);
/* An operation was not answered: if BlueZ does not end the link now, it is dead. */
void link_doubt(struct link *link);
