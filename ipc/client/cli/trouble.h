/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/trouble.h - why nothing is heard: a scan waits for bluetoothd rather than fail, and whoever
 * looks at an empty list wants to know. Asked beside the scan; never waited for.
 */
#include "ipc/client/cli/cli.h"

struct trouble {
	const char *only; /* this adapter; NULL: any */
	unsigned more;	  /* adapters with trouble beside the first */
	char text[200];	  /* "hci0: bluez-gone: bluetoothd is not running"; "": none known */
};

/* Asks the daemon; @trouble is written until cli_close(). Not being told is no failure. */
void trouble_ask(struct trouble *trouble, struct cli *cli, const char *only);
