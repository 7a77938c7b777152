/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/wire.h"

#include "ipc/lock.pb-c.h"

static const struct chan_rule LOCK_RULES[] = {
	{ BH__LOCK__TYPE__GRANTED, 1, 4, &bh__lock__granted__descriptor, NULL },
	{ BH__LOCK__TYPE__TIMED_OUT, 0, 0, &bh__lock__empty__descriptor, NULL },
	{ BH__LOCK__TYPE__CANCELLED, 0, 0, &bh__lock__empty__descriptor, NULL },
	{ BH__LOCK__TYPE__REFUSED, 0, 0, &bh__lock__refused__descriptor, NULL },
	{ BH__LOCK__TYPE__REVOKED, 0, 0, &bh__lock__revoked__descriptor, NULL },
	{ BH__LOCK__TYPE__RENEWED, 0, 0, &bh__lock__renewed__descriptor, NULL },
	{ BH__LOCK__TYPE__HELLO_OK, 0, 0, &bh__lock__hello_ok__descriptor, NULL },
};
const struct wire_rules WIRE_LOCK = { LOCK_RULES, ARRAY_LEN(LOCK_RULES) };
