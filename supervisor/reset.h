/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reset.h - resets of adapters, as escalation asks for them.
 */
#include "supervisor/adapters.h"

/**
 * reset_adapter_request() - begin to reset an adapter
 * @why: the evidence against it, for the event
 *
 * Returns at once; whoever resets says escalation_reset_ended() when it is over.
 * Errors: -EOPNOTSUPP it cannot be done here. Nothing has happened then.
 */
must_check int reset_adapter_request(struct sup *sup, struct adapter *adapter, const char *why);
