/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reset.h"

int reset_adapter_request(struct sup *sup, struct adapter *adapter, const char *why)
{
	(void)sup;
	(void)adapter;
	(void)why;
	return -EOPNOTSUPP;
}
