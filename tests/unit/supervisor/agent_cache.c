/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/agent_cache.c - the fake worker and CACHE_CLEAR: answered as the address
 * says, rig.h's RIG_CACHE_*; one that is not to be answered is told as an event of the kind
 * "connecting", "forget".
 */
#include <signal.h>
#include <string.h>

#include "ipc/control.pb-c.h"
#include "tests/unit/supervisor/rig.h"

void agent_on_cache(struct chan *up, const char *adapter, struct chan_frame *frame)
{
	Bh__Ctl__CacheCleared cleared = BH__CTL__CACHE_CLEARED__INIT;
	bool is_last = strcmp(adapter, "hci1") == 0;
	Bh__Event event = BH__EVENT__INIT;
	const Bh__Ctl__CacheClear *msg;

	if (frame->type != BH__CTL__TYPE__CACHE_CLEAR)
		return;
	msg = chan_unpack(up, frame, &bh__ctl__cache_clear__descriptor);
	if (frame->id == 0) {
		event.kind = (char *)(uintptr_t) "connecting";
		event.text = (char *)(uintptr_t) "forget";
		(void)!chan_send(up, BH__CTL__TYPE__EVENT, 0, 0, &event.base, NULL, 0);
		return;
	}
	if (msg->address == RIG_CACHE_DIES && is_last)
		(void)raise(SIGKILL);
	cleared.has_class_ = cleared.has_removed = 1;
	cleared.removed = msg->bluez && msg->bond;
	if (msg->address == RIG_CACHE_REFUSED && is_last) {
		cleared.removed = 0;
		cleared.class_ = BH__CLASS__CLASS_INVALID;
		cleared.text = (char *)(uintptr_t) "it is paired";
	}
	(void)!chan_send(up, BH__CTL__TYPE__CACHE_CLEARED, frame->id, 0, &cleared.base, NULL, 0);
}
