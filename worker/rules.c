/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/rules.h"

#include <string.h>

void rules_take(struct rules *out, const Bh__Ctl__DeviceRules *said)
{
	size_t i;

	if (!said)
		return;
	*out = (struct rules){
		.linger_ms = said->linger_ms,
		.idle_ms = said->idle_ms,
		.lifetime_ms = said->lifetime_ms,
		.notify = said->notify,
		.write = said->write,
		.silence_ms = said->silence_ms,
	};
	for (i = 0; i < said->n_fixed && out->n_fixed < RULES_FIXED_MAX; i++)
		if (said->fixed[i].len == sizeof(struct uuid))
			memcpy(out->fixed[out->n_fixed++].octets, said->fixed[i].data,
			       sizeof(struct uuid));
}
