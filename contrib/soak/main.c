/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/main.c - bleherd-soak: the outer process, the conductor in the world, a client of
 * it, or a tool for reports, as its arguments say. bleherd-soak(1) tells people.
 */
#include "contrib/soak/client.h"
#include "contrib/soak/conductor.h"
#include "contrib/soak/face.h"
#include "contrib/soak/pages.h"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

int main(int argc, char **argv)
{
	struct options options;
	int r = options_parse(&options, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELP ? 0 : STATUS_USAGE;
	switch (options.mode) {
	case OPTIONS_RUN:
		return face_run(&options);
	case OPTIONS_INSIDE:
		return conductor_main(&options);
	case OPTIONS_CLIENT:
		client_main(options.number);
	case OPTIONS_REPORT:
		return pages_write(options.runs[0]) < 0 ? STATUS_FAILED : 0;
	case OPTIONS_COMPARE:
		return pages_compare(&options) < 0 ? STATUS_FAILED : 0;
	case OPTIONS_LIST:
		return face_list_plans() < 0 ? STATUS_FAILED : 0;
	}
	return STATUS_USAGE;
}
