/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the supervisor is told of a link, worker/link.h. */
#include "worker/link.h"

static void fill_up(const struct link *link, Bh__Ctl__Link *msg)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	const struct seat *seat;

	msg->has_sessions = msg->has_idle = msg->has_bonded = msg->has_adopted = 1;
	msg->has_queue_ms = msg->has_connect_ms = msg->has_services_ms = 1;
	TAILQ_FOREACH(seat, &link->seats, on_link)
	msg->sessions += seat_wants_link(seat) ? 1 : 0;
	msg->idle = link->is_told_idle;
	msg->has_services_hash = 1;
	msg->services_hash = device ? gatt_db_hash(&device->db) : 0;
	msg->bonded = device && device->is_bonded;
	msg->adopted = link->is_adopted;
	msg->queue_ms = link->queue_ms;
	msg->connect_ms = link->connect_ms;
	msg->services_ms = link->services_ms;
}

static void send_state(const struct link *link, bool is_up, enum err_class class, const char *text)
{
	Bh__Ctl__Link msg = BH__CTL__LINK__INIT;

	msg.has_address = msg.has_random = msg.has_up = msg.has_links = 1;
	msg.links = (uint32_t)link->w->n_links;
	link->w->told_links = link->w->n_links;
	msg.address = link->addr;
	msg.random = link->is_random;
	msg.up = is_up;
	if (is_up)
		fill_up(link, &msg);
	msg.has_class_ = class != CLASS_NONE;
	msg.class_ = (Bh__Class) class;
	msg.text = (char *)(uintptr_t)text;
	port_send(link->w->up, BH__CTL__TYPE__LINK_STATE, 0, 0, &msg.base);
}

void link_tell_up(struct link *link)
{
	link->went = CLASS_NONE;
	link->went_text[0] = '\0';
	if (link->is_told_up)
		return;
	link->is_told_up = true;
	link->is_told_idle = false;
	send_state(link, true, CLASS_NONE, NULL);
}

void link_tell_down(struct link *link, enum err_class class, const char *text)
{
	if (!link->is_told_up)
		return;
	link->is_told_up = false;
	send_state(link, false, class, text);
}

void link_tell_gone(struct link *link)
{
	if (link->state != LINK_UP)
		link_tell_down(link, link->went, link->went_text);
}

void link_tell_not_had(const struct link *link, enum err_class class, const char *text)
{
	send_state(link, false, class, text);
}

void link_tell_again(struct link *link)
{
	if (link->state != LINK_UP)
		return;
	link->is_told_idle = link_is_idle(link);
	send_state(link, true, CLASS_NONE, NULL);
}

void link_on_tell(struct deadline *deadline)
{
	struct link *link = container_of(deadline, struct link, tell);

	if (link->is_told_idle != link_is_idle(link))
		link_tell_again(link);
}
