/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/link.h - one session and its link, as connect, services, read, write and notify use it.
 *
 * Session, connect and what follows are sent at once, in order: a program that runs for one read
 * has no time for three round trips. The first answer with a class is the one that is reported.
 */
#include "ipc/client/cli/cli.h"

struct link {
	struct cli *cli;
	struct bh_session *session;
	struct reply opened;
	struct reply connected;
	const struct reply *last; /* what is waited for */
	bool shows_events;	  /* as lines or objects */
	bool is_lost;		  /* the link; why_class, why_text */
	bool is_closed;		  /* the session */
	bool is_waiting;	  /* nobody serves it */
	bool is_on_demand;	  /* no link is asked for */
	enum bh_class why_class;
	char why_text[256];
	char what[80]; /* "reading fff3": for progress and errors */
	uint64_t address;
};

#define LINK_INIT(c, a) ((struct link){ .cli = (c), .address = (a) })

/**
 * link_start() - ask for a session and a link
 * @what: what is done once it is there: "reading fff3"
 *
 * Outcomes: 0; else the exit status, told.  The answers are waited for by link_wait().
 */
must_check int link_start(struct link *link, const char *what);

/* The same without asking for a link: the request gets one if it needs one. */
must_check int link_start_on_demand(struct link *link, const char *what);

/* The time that a request gets: --timeout, or the default of the commands that need a link. */
uint32_t link_timeout_ms(const struct cli *cli);

/**
 * link_wait() - wait for @last, or for what comes before it to fail
 * Outcomes: 0 it is done without a class; else the exit status, told.
 */
must_check int link_wait(struct link *link, const struct reply *last);

/* The same in two steps, for who tries again: 0, or 1 and link_report() says why. */
must_check int link_try(struct link *link, const struct reply *last, enum cli_wait *out_wait);
int link_report(struct link *link, enum cli_wait outcome);

/* The answer that went wrong; NULL if none did. */
const struct reply *link_failure(const struct link *link);

/* A line on stderr, or an object with --json. Texts may be NULL. */
void link_event(struct cli *cli, const char *event, const char *adapter, enum bh_class class,
		const char *text);

/* Lets go; nothing points into @link afterwards. */
void link_end(struct link *link);

/* {"address", "adapter", timings}, with the connect's own where there is no other. */
json_t *link_json(const struct link *link, const struct bh_timings *timings);
