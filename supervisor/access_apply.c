/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/access_apply.c - rights that change while somebody has them; admission.h. */
#include "supervisor/admission_state.h"
#include "supervisor/lock_peers.h"
#include "supervisor/server.h"
#include "supervisor/sessions.h"
#include "supervisor/streams.h"

static void end_streams(struct client *client)
{
	char text[RIGHTS_DENIAL_LEN];
	size_t i;

	if (client->n_streams == 0 || !admission_denies(client, RIGHT_SEE, 0, 0, text))
		return;
	for (i = 0; i < CLIENT_STREAMS_MAX; i++) {
		uint32_t id = client->streams[i].id;

		if (id == 0)
			continue;
		streams_end(client, &client->streams[i]);
		client_error(client, id, CLASS_DENIED, text);
	}
}

static void review(void *ctx, struct client *client)
{
	char text[RIGHTS_DENIAL_LEN];

	(void)ctx;
	end_streams(client);
	if (client->lock && admission_denies(client, RIGHT_LOCK, 0, 0, text))
		lock_peers_deny(client, text);
}

void access_apply(struct sup *sup, const struct access_world *world)
{
	sup->admission->world = *world;
	server_each(sup->server, review, NULL);
	sessions_access_changed(sup, 0);
}

void access_renamed(struct sup *sup, uint64_t address)
{
	if (access_has_patterns(&sup->config.access))
		sessions_access_changed(sup, address);
}
