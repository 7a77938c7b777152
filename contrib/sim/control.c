/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/control.c - the control socket; see control.h. What the commands mean is
 * faults.c's affair and that of the tables registered there.
 */
#include "contrib/sim/control.h"

#include <string.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/seqpacket.h"

struct control {
	struct seqpacket *server;
	struct faults *faults;
};

static void on_line(struct seqpacket_peer *peer, const uint8_t *data, size_t len, void *userdata)
{
	struct control *control = userdata;
	_cleanup_free_ char *line = strndup((const char *)data, len);
	_cleanup_free_ char *reply = line ? faults_run(control->faults, line) : NULL;

	if (!reply) {
		seqpacket_send(peer, "error: out of memory", strlen("error: out of memory"));
		return;
	}
	seqpacket_send(peer, reply, strlen(reply));
}

int control_new(struct control **out, sd_event *event, const char *path, struct faults *faults)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->faults = faults;
	r = seqpacket_new(&control->server, event, path, on_line, control);
	if (r < 0) {
		control_free(control);
		return r;
	}
	*out = control;
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	seqpacket_free(control->server);
	free(control);
	return NULL;
}
