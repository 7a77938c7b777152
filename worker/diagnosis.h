/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/diagnosis.h - what is wrong between BlueZ, the kernel and a peripheral: a truth table over
 * what each of the three says. Pure. The facts are in reference/spec-systems.md 4.1-4.2 and
 * reference/lab-facts.md; each state's cure is in worker/cure_STATE.c.
 *
 * Of the kernel only the list of this adapter counts: the same peripheral on another one is that
 * adapter's link and no orphan of ours. Where the kernel cannot be asked, BlueZ is believed.
 */
#include "ipc/class.h"

enum diagnosis {
	DIAGNOSIS_SOUND,    /* not stuck */
	DIAGNOSIS_PHANTOM,  /* BlueZ shows a link that the kernel does not have */
	DIAGNOSIS_INACTIVE, /* both have it, and its services never come */
	DIAGNOSIS_ORPHAN,   /* the kernel has a link that BlueZ does not know */
	DIAGNOSIS_PENDING,  /* somebody's connect that nobody waits for any more */
	DIAGNOSIS_STALE,    /* what BlueZ remembers of the peripheral makes its connects fail */
	DIAGNOSIS_DEAD,	    /* both have it, and the peripheral does not answer */
	DIAGNOSIS_UNKNOWN,  /* cannot tell, or not yet */
	DIAGNOSIS_COUNT
};

enum diagnosis_kernel {
	DIAGNOSIS_KERNEL_UNKNOWN, /* it could not be asked */
	DIAGNOSIS_KERNEL_NONE,
	DIAGNOSIS_KERNEL_CONNECTING,
	DIAGNOSIS_KERNEL_UP,
	DIAGNOSIS_KERNEL_ENDING, /* a disconnect is under way, or never comes to its end */
	DIAGNOSIS_KERNEL_COUNT
};

enum diagnosis_peer {
	DIAGNOSIS_PEER_NOT_ASKED,
	DIAGNOSIS_PEER_ANSWERED, /* a read, or data */
	DIAGNOSIS_PEER_SILENT,
	DIAGNOSIS_PEER_COUNT
};

struct diagnosis_evidence {
	bool has_object;
	bool is_connected; /* D-Bus */
	bool is_resolved;
	bool is_late; /* connected for so long that its services should be there */
	enum diagnosis_kernel kernel;
	enum diagnosis_peer peer;
	enum err_class failed; /* the attempt before; CLASS_NONE: there was none */
};

enum diagnosis diagnosis_of(const struct diagnosis_evidence *evidence);

/* "phantom", ...; for messages and events. */
const char *diagnosis_name(enum diagnosis diagnosis);

/* What a request is told that fails because the state could not be cured. */
enum err_class diagnosis_class(enum diagnosis diagnosis);
