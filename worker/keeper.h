/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/keeper.h - sessions of the daemon itself: KEEP and CHECK of control.proto.
 *
 * A keeper is a seat without a port. To hold the link it has a CONNECT open like any program, and
 * what CHECK asks is a request like any other; so it waits its turn, has a deadline, and is part of
 * a rotation. What a program would read on its data socket the supervisor is told: of a check
 * CHECKED, of the link LINK_STATE. A hold that ends, with the link or without one, is over until
 * KEEP says so again.
 */
#include "ipc/control.pb-c.h"
#include "worker/request.h"

struct seats;

/* Makes it, or changes it. */
void keeper_keep(struct seats *seats, const Bh__Ctl__Keep *keep);
void keeper_check(struct seats *seats, uint32_t token, const Bh__Ctl__Check *check);

/* The answer to one of its requests. */
void keeper_answer(const struct request *request, uint16_t type, const ProtobufCMessage *msg);
