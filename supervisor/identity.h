/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/identity.h - whether a device still is what it was: its services, and its bond with
 * each adapter. What devices.c knows goes with BlueZ's object; a lost bond is just when that goes.
 * Bounded; the one that was put in first of a few makes room. Pure. Fed by worker_rules.c.
 */
#include "ipc/base.h"

enum { IDENTITIES_MAX = 1024 };

/* Bits: what is another than before. */
enum { IDENTITY_SERVICES = 1, IDENTITY_BOND = 2 };

struct identity_seen {
	uint64_t address;
	uint16_t adapter;
	uint64_t services_hash; /* 0: not known */
	bool has_bond;		/* it is known whether it is bonded there */
	bool is_bonded;
};

struct identities;

must_check int identities_new(struct identities **out);
struct identities *identities_free(struct identities *identities);

/* What it was is forgotten: each change is told once. */
unsigned identities_note(struct identities *identities, const struct identity_seen *seen);
