/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/validate.h - what a program asked to hold before its link is given out: services are
 * there, a characteristic is there, it can be read.
 *
 * Some chips tell their services seconds after ServicesResolved (spec-systems.md 4.4, states 9 and
 * 17): what is missing is waited for as long as that took at most, and the mirror shows it as soon
 * as BlueZ does. Then the attempt has failed; the first time BlueZ is made to forget what it
 * remembers of the peripheral (cure_stale.c). A link that others use is not ended: only the
 * request fails.
 *
 * A program's own check happens in the program: it has the link, and its next CONNECT rejects it.
 * That belongs to the connecting that the link came from as long as the deadline of that has not
 * passed; later the rejected link is the first attempt of a new one.
 */
#include "ipc/session.pb-c.h"
#include "worker/gatt_db.h"

struct link;
struct request;

enum { VALIDATE_MAX = 8, VALIDATE_READ_MS = 5000 }; /* the latter: spec-systems.md 4.11 */

enum validate_kind { VALIDATE_GATT, VALIDATE_CHARACTERISTIC, VALIDATE_READ };

struct validate_check {
	enum validate_kind kind;
	struct uuid uuid;
};

struct validate {
	size_t n;
	size_t at;	/* the next one */
	uint64_t up_ms; /* since when the link is up on which it is */
	struct validate_check checks[VALIDATE_MAX];
};

enum validate_verdict {
	VALIDATE_PASSED,
	VALIDATE_MISSING, /* out_check is not there */
	VALIDATE_PROBE,	  /* out_chrc is to be read */
};

/**
 * validate_new() - the checks of a request
 * @out: release with free(); NULL where none were asked for
 *
 * Errors: -EINVAL; -ENOMEM.
 */
must_check int validate_new(struct validate **out, const Bh__Connect *connect);

/**
 * validate_look() - goes on until one is not there, or has to be read. Pure.
 * @out_chrc: with VALIDATE_PROBE; when it was read, @validate->at is to be counted up
 */
enum validate_verdict validate_look(struct validate *validate, const struct gatt_db *db,
				    const struct gatt_chrc **out_chrc);

/*
 * A CONNECT on a link that is up: true if it has been answered. One that rejects the link ends it,
 * once, as if it had not passed; what its session asked before comes first.
 */
bool validate_try(struct link *link, struct request *request);

/* The link went: if it was being checked for its only user, the attempt has failed. */
void validate_lost(struct link *link);
