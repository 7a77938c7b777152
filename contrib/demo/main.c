/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/main.c - bleherd-demo: the conductor, or, with a role as its argument, one of the
 * programs that it starts.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "contrib/demo/client.h"
#include "contrib/demo/conductor.h"

static void usage(FILE *out)
{
	(void)fputs(
		"usage: bleherd-demo [--plain]\n\n"
		"The main job of bleherd on a simulated world; contrib/demo/run makes that world\n"
		"and starts this. Status 0 only if all that it promised has happened.\n\n"
		"  --plain  lines instead of a table on a terminal\n",
		out);
}

/* Descriptor 3 leads to a conductor: nobody starts a role by hand. */
static bool has_conductor(void)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(CLIENT_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	const char *argument = argc == 2 ? argv[1] : "";

	if (argc == 1 || strcmp(argument, "--plain") == 0)
		return conductor_main(argc == 2);
	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	for (unsigned p = 0; p < PROGRAM_COUNT && has_conductor(); p++) {
		const struct role *role = client_role((enum program)p);

		if (strcmp(argument, role->name) == 0)
			return client_main(role);
	}
	usage(stderr);
	return 2;
}
