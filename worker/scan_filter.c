/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which adverts a program that scans wants to hear; worker/scan.h. Pure. */
#include "worker/scan.h"

#include "ipc/uuid.h"
#include "worker/mirror.h"
#include "worker/request.h"

static bool has_any_uuid(const struct request *filter, const struct device *device)
{
	size_t i;
	size_t j;

	for (i = 0; i < filter->n_uuids; i++)
		for (j = 0; j < device->n_uuids; j++)
			if (uuid_equal(&filter->uuids[i], &device->uuids[j]))
				return true;
	return false;
}

bool scan_passes(const struct request *filter, const struct device *device)
{
	if (filter->address != 0 && filter->address != device->addr)
		return false;
	if (device->has_rssi && device->rssi_dbm < filter->rssi_min_dbm)
		return false;
	return filter->n_uuids == 0 || has_any_uuid(filter, device);
}
