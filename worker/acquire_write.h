/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/acquire_write.h - writes without response past the bus: BlueZ's AcquireWrite, where the
 * rules of the device say so.
 *
 * A socket per characteristic and link; a datagram is a write. bluetoothd reads one at a time and
 * hands it to ATT in the same breath, so a write is issued from its sending until it was read: then
 * it is answered, as one by WriteValue is. The kernel tells when (SO_MEMINFO).
 *
 * While a socket is open WriteValue is refused to everybody, us included. So what it cannot carry
 * (an empty value, which bluetoothd takes for the end; one longer than the MTU allows; a write with
 * response) ends it, and WriteValue does for the rest of the time that the link is used. The same
 * where BlueZ refuses it, or it breaks. When nobody but a keeper wants the link all are closed.
 *
 * A session's requests go by one path at a time, else one of the bus could overtake a datagram or
 * the other way round. Called by gatt.c and where links end; nothing blocks.
 */
#include "worker/gatt_db.h"
#include "worker/link.h"

/* Sent and not read by bluetoothd: a batch. Far less than a socket of the default size takes. */
enum { ACQUIRE_WRITE_SENT_MAX = 16 };

enum acquire_write_way {
	ACQUIRE_WRITE_CALL,   /* WriteValue */
	ACQUIRE_WRITE_SOCKET, /* acquire_write_send() */
	ACQUIRE_WRITE_WAIT,   /* link_review() follows when it can be asked again */
};

/* How a WRITE whose turn it is goes. May begin to acquire the characteristic, or let go of it. */
enum acquire_write_way acquire_write_way(struct link *link, struct request *request,
					 const struct gatt_chrc *chrc);

/**
 * acquire_write_send() - after ACQUIRE_WRITE_SOCKET
 * Errors: -EAGAIN there is no room now, as with ACQUIRE_WRITE_WAIT; others: it was not sent, and
 * the socket is closed: WriteValue.
 */
must_check int acquire_write_send(struct link *link, struct request *request);

/* Whether an earlier request of its session is under way by the path that is not @by_socket. */
bool acquire_write_is_behind(const struct request *request, bool by_socket);

/* "Write acquired", said of what we have just let go of: it will be over in a moment. */
bool acquire_write_is_ours(const struct link *link, const struct bus_result *result);

/* Nobody uses the link for now. */
void acquire_write_let_go(struct link *link);
/* The link is not up any more. */
void acquire_write_drop(struct link *link);
