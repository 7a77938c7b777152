/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/trouble.h"

#include <stdio.h>
#include <string.h>

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	struct trouble *trouble = ctx;

	if (adapter->trouble == BH_CLASS_NONE)
		return;
	if (trouble->only && strcmp(trouble->only, adapter->name) != 0)
		return;
	if (trouble->text[0] != '\0') {
		trouble->more++;
		return;
	}
	(void)snprintf(trouble->text, sizeof(trouble->text), "%s: %s%s%s", adapter->name,
		       bh_class_name(adapter->trouble), *adapter->trouble_text ? ": " : "",
		       adapter->trouble_text);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	struct trouble *trouble = ctx;
	size_t len = strlen(trouble->text);

	(void)result;
	if (trouble->more > 0)
		(void)snprintf(trouble->text + len, sizeof(trouble->text) - len, " (and %u more)",
			       trouble->more);
}

void trouble_ask(struct trouble *trouble, struct cli *cli, const char *only)
{
	*trouble = (struct trouble){ .only = only };
	if (bh_list_adapters(cli->client, on_adapter, on_done, trouble) < 0)
		trouble->text[0] = '\0';
}
