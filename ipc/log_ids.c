/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log_ids.h"

#include <string.h>

/* Made once, at random; contrib/systemd/bleherd.catalog has an entry for each. */
const struct log_id_row LOG_IDS[] = {
	{ "adapter-silent", "51f0b6376c394bccbbb0863132f83c85" },
	{ "arbiter-down", "e7b1fd5a79a34ac3a284cc0a564615c9" },
	{ "arbiter-loop", "8f69f55bd5794eb7bf2e36440a3ed7bc" },
	{ "arbiter-parked", "1b254b7e9be342f4aa0611d720638fe6" },
	{ "arbiter-unkillable", "adc2844647fd43eb8b5127839a67b967" },
	{ "bluez-gone", "ecb5d53ad06e470b8b846612111c506c" },
	{ "breaker-open", "17f38a5f44e743f09c834cf23047e887" },
	{ "bus-absent", "5376519292704403ac3e6a4e5d072053" },
	{ "client-dropped", "856ae9d59d2242fc8118626b354ae746" },
	{ "denied", "06bf870d2d784b75ad5e8e33dacb5b8a" },
	{ "device-gone", "202f7b5976a44115bc4f2d9ebad25c7e" },
	{ "device-silent", "6d4f5b65a05f440683050bb7b3f4d3bf" },
	{ "escalated", "e84c1803561346f78fea69bfeca3c258" },
	{ "identity-changed", "fba4c4ac76e94f989c30ba42d1dc640f" },
	{ "le-off", "186734ebdef04cdbb15301a69f7acd11" },
	{ "link-lost", "08ab4cab16b34d08b21e2921ae379b0e" },
	{ "lock-overdue", "f83f3a0d244c48f398e7391621824daf" },
	{ "lock-revoked", "2123f49dec9c44688ab18a695dc22ffa" },
	{ "log-lost", "362b0575cadd46bf84f1d7344b3cff85" },
	{ "log-suppressed", "764cc6dfc10041a7adf6cf53947c7ec6" },
	{ "mgmt-lost", "b324f29ff5a24c1e85d92765fd8ca353" },
	{ "op-overdue", "d2413738463542d298d89e8a87354416" },
	{ "reload-failed", "4992fe7ba06043058b35522fbf5958ca" },
	{ "rescue-stuck", "024a64ca1d22461f8a3234a1d97618a6" },
	{ "reset-failed", "fb4329f2af8a4c8291e34a6315db735f" },
	{ "resetting", "98cac987591646f7b21b68f58e0b747d" },
	{ "scan-external", "2c0b46ae51a34fd38b9936cc0b165b2a" },
	{ "scan-stuck", "d324e449485c4a059cdd10fce266a4a0" },
	{ "stuck", "8f4339f0060b4e66a795408da19f0ca6" },
	{ "worker-died", "cf933d79d2ec451c9b53558bde875cbb" },
	{ "worker-loop", "10929cb983164b70b977fe56d12a26e7" },
	{ "worker-parked", "36d768348ff4413d899d62b841bbd526" },
	{ "worker-unkillable", "713321c97d8543caada21d1cbd6ab069" },
	{ NULL, NULL },
};

const char *log_id(const char *event)
{
	const struct log_id_row *row = LOG_IDS;

	while (row->event && strcmp(row->event, event) != 0)
		row++;
	return row->id;
}
