/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/client.h - a program of the demo: a process with a connection to bleherdd, a loop of
 * its own, and the conductor at the other end of descriptor 3.
 *
 * Each program scans until it has heard all peripherals on all adapters, waits for the word, does
 * what its role is, and ends when it is told to. It knows nothing of the accidents that are staged:
 * what it does about them is what any program would do.
 */
#include "contrib/demo/report.h"

#define CLIENT_FD	  3
#define CLIENT_NEVER	  UINT64_MAX
#define CLIENT_TIMEOUT_MS 5000 /* of any request */

struct client;

struct role {
	const char *name;
	const char *what; /* what it does, for people */
	/* The word was given: begin. Errors: negative errno, the program ends. */
	int (*start)(struct client *client);
	/* client->wake_at_us has come. */
	void (*wake)(struct client *client);
	/* client->stopping was set: finish, then client_done(). */
	void (*stop)(struct client *client);
};

struct client {
	const struct role *role;
	struct bh_client *bh;
	void *state; /* the role's own */
	uint64_t wake_at_us;
	bool stopping;
	bool done;

	struct bh_scan *scan;
	uint64_t scan_from_us;
	uint64_t scan_until_us;
	char adapters[DEMO_ADAPTERS][16]; /* in the order in which they were first heard of */
	uint8_t heard[DEMO_PERIPHERALS];  /* a bit per adapter */
};

extern const struct role role_collector;
extern const struct role role_logger;
extern const struct role role_switch;

const struct role *client_role(enum program program);

/* Runs a program to its end. Returns its exit status. Blocks until it is told to stop. */
int client_main(const struct role *role);

/* Tells the conductor; at_us is filled in. Without a conductor there is no demo: then it exits. */
void client_report(const struct client *client, const struct report *report);

/* Tells that a request has failed, unless that is because the program is about to end. */
void client_report_error(const struct client *client, uint32_t peripheral, enum bh_class class,
			 const char *what, const char *text);

/* The role has finished: the loop ends with this turn. */
void client_done(struct client *client);

/* What bh_parse_uuid() makes of a 16-bit UUID. */
struct bh_uuid client_uuid(const char *text);

void client_wake_in(struct client *client, uint64_t delay_ms);
