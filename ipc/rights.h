/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/rights.h - what a program may do: a set of bits, with the words of `allow =` in
 * bleherd.conf(5). The supervisor decides them (supervisor/access.h) and enforces what comes to it;
 * a worker enforces what programs ask of it directly (worker/rights.h). Pure.
 */
#include "ipc/base.h"

enum right {
	RIGHT_SEE = 1u << 0,	   /* lists, events, locks, scans */
	RIGHT_READ = 1u << 1,	   /* reads */
	RIGHT_WRITE = 1u << 2,	   /* writes */
	RIGHT_NOTIFY = 1u << 3,	   /* subscriptions */
	RIGHT_LOCK = 1u << 4,	   /* locks, exclusive use of a link */
	RIGHT_RESET = 1u << 5,	   /* resets of adapters */
	RIGHT_CONFIGURE = 1u << 6, /* what changes things for others */
};

enum {
	RIGHTS_COUNT = 7,
	RIGHTS_NONE = 0,
	RIGHTS_ALL = (1 << RIGHTS_COUNT) - 1,
	/* Each of these needs a link: whoever has one of them may connect. */
	RIGHTS_USE = RIGHT_READ | RIGHT_WRITE | RIGHT_NOTIFY,
	RIGHTS_TEXT_LEN = 64,
	RIGHTS_DENIAL_LEN = 240,
};

/* "see", "read", ...; of the lowest bit. */
const char *rights_name(uint32_t rights);

/* "see, read, write"; "all"; "nothing". */
void rights_format(uint32_t rights, char out_text[RIGHTS_TEXT_LEN]);

/**
 * rights_parse() - such words, with commas or blanks between them; `none` is nothing
 * Errors: -EINVAL one is not known, or there is none.
 */
must_check int rights_parse(const char *text, uint32_t *out);

/**
 * rights_denial() - the text of CLASS_DENIED
 * @needs:   one of these rights
 * @address: of the device; 0: none is meant
 * @why:     what says so
 */
void rights_denial(uint32_t uid, uint32_t needs, uint64_t address, const char *why,
		   char out_text[RIGHTS_DENIAL_LEN]);
