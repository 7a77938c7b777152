/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/deaths.h"

enum { DEATHS_MS = 30000 };

static void fill(const Bh__Death *wire, struct bh_death *out)
{
	*out = (struct bh_death){
		.number = wire->number,
		.at_ms = wire->at_ms,
		.child = request_text(wire->child),
		.adapter = request_text(wire->adapter),
		.pid = wire->pid,
		.how = request_text(wire->how),
		.cause = request_text(wire->cause),
		.signal = wire->has_signal ? wire->signal : 0,
		.status = wire->has_status ? wire->status : 0,
		.lived_ms = wire->lived_ms,
		.op = request_text(wire->op),
		.op_age_ms = wire->op_age_ms,
		.op_budget_ms = wire->op_budget_ms,
		.session = wire->session,
		.request = wire->request,
		.address = wire->address,
		.text = request_text(wire->text),
	};
}

int deaths_on_death(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	struct request *request = lane_find(&client->control, frame->id);
	const Bh__Death *wire = msg;
	struct bh_crumb crumbs[BH_DEATH_CRUMBS_MAX];
	const char *frames[BH_DEATH_FRAMES_MAX];
	struct bh_death death;

	if (!request)
		return 0;
	if (request->type != BH__TYPE__DEATHS_REQUEST)
		return -EBADMSG;
	fill(wire, &death);
	for (; death.n_crumbs < wire->n_crumbs && death.n_crumbs < ARRAY_LEN(crumbs);
	     death.n_crumbs++)
		crumbs[death.n_crumbs] = (struct bh_crumb){
			.age_ms = wire->crumbs[death.n_crumbs]->age_ms,
			.text = request_text(wire->crumbs[death.n_crumbs]->text),
		};
	for (; death.n_frames < wire->n_frames && death.n_frames < ARRAY_LEN(frames);
	     death.n_frames++)
		frames[death.n_frames] = request_text(wire->frames[death.n_frames]);
	death.crumbs = crumbs;
	death.frames = frames;
	request->has_items = true;
	if (request->item.death)
		request->item.death(request->ctx, &death);
	return 0;
}

int bh_list_deaths(struct bh_client *client, uint32_t last,
		   void (*item)(void *ctx, const struct bh_death *death), bh_result_cb done,
		   void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__DEATHS_REQUEST, .timeout_ms = DEATHS_MS, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->number = last;
	request->item.death = item;
	request->id = lane_new_id(&client->control);
	return client_ask(client, request);
}
