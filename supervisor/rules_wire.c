/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/rules_wire.h"

#include "supervisor/keeper.h"

static_assert((int)DEVICE_NOTIFY_ANY == (int)BH__CTL__NOTIFY__NOTIFY_ANY, "as in control.proto");
static_assert((int)DEVICE_NOTIFY_ACQUIRE == (int)BH__CTL__NOTIFY__NOTIFY_ACQUIRE,
	      "as in control.proto");
static_assert((int)DEVICE_NOTIFY_START == (int)BH__CTL__NOTIFY__NOTIFY_START,
	      "as in control.proto");
static_assert((int)DEVICE_WRITE_CALL == (int)BH__CTL__WRITE__WRITE_CALL, "as in control.proto");
static_assert((int)DEVICE_WRITE_ACQUIRE == (int)BH__CTL__WRITE__WRITE_ACQUIRE,
	      "as in control.proto");

void rules_wire_fill(struct rules_wire *out, struct sup *sup, uint64_t address)
{
	Bh__Ctl__DeviceRules *msg = &out->msg;
	size_t i;

	keepers_rule(sup, address, &out->rule);
	bh__ctl__device_rules__init(msg);
	msg->has_address = msg->has_linger_ms = msg->has_idle_ms = 1;
	msg->has_lifetime_ms = msg->has_notify = msg->has_silence_ms = 1;
	msg->has_write = 1;
	msg->address = address;
	msg->linger_ms = out->rule.linger_ms;
	msg->idle_ms = out->rule.idle_ms;
	msg->lifetime_ms = out->rule.lifetime_ms;
	msg->notify = (Bh__Ctl__Notify)out->rule.notify;
	msg->write = (Bh__Ctl__Write)out->rule.write;
	msg->silence_ms = out->rule.silence_ms;
	msg->fixed = out->fixed;
	msg->n_fixed = out->rule.n_fixed;
	for (i = 0; i < out->rule.n_fixed; i++)
		out->fixed[i] = (ProtobufCBinaryData){
			.len = sizeof(out->rule.fixed[i].octets),
			.data = out->rule.fixed[i].octets,
		};
}
