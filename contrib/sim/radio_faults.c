/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/radio_faults.c - the faults that only a radio can have; see faults.h for the
 * language.
 *
 * Each is something that was seen on real adapters and peripherals. A row sets a state that the
 * controllers look at, or does at once what the air or the peripheral would do.
 */
#include <stdio.h>
#include <string.h>

#include "contrib/sim/controller.h"
#include "contrib/sim/faults.h"
#include "contrib/sim/hci.h"
#include "contrib/sim/link.h"
#include "contrib/sim/radio.h"
#include "contrib/sim/radio_state.h"

#define BURST_UUID 0xfff4

static struct link *link_of(const struct radio_face *face, const struct model_device *device)
{
	const struct controller *controller;

	if (device->link == MODEL_NO_ADAPTER)
		return NULL;
	controller = face->air.controllers[device->link];
	return controller ? controller_link_to(controller, device) : NULL;
}

static struct air_device *air_of(const struct radio_face *face, const struct fault_args *args)
{
	return air_device(&face->air, args->device);
}

/* A status or reason byte from the line's numbers. */
static int byte_argument(const struct fault_args *args, size_t index, uint8_t fallback,
			 uint8_t *out)
{
	if (!args->has_number[index]) {
		*out = fallback;
		return 0;
	}
	if (args->numbers[index] == 0 || args->numbers[index] > UINT8_MAX)
		return -ERANGE;
	*out = (uint8_t)args->numbers[index];
	return 0;
}

static int count_argument(const struct fault_args *args, size_t index, unsigned *out)
{
	if (args->numbers[index] > UINT16_MAX)
		return -ERANGE;
	*out = (unsigned)args->numbers[index];
	return 0;
}

/* The peripheral's end, or the air, ends the link: the host is told. */
static int run_drop(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);
	uint8_t reason;
	int r;

	r = byte_argument(args, 0, HCI_CONNECTION_TIMEOUT, &reason);
	if (r < 0)
		return r;
	if (!link)
		return -ENOTCONN;
	controller_end_link(link->controller, link, reason);
	radio_wake(face);
	return 0;
}

/* The controller lost the link and told nobody: HCI Disconnect is answered with 0x02. */
static int run_forget(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);

	if (!link)
		return -ENOTCONN;
	controller_forget_link(link->controller, link);
	radio_wake(face);
	return 0;
}

/*
 * The fake face's name for two kinds of dead but listed link: forgotten by the controller, or stuck
 * in it: HCI Disconnect is taken and never completes.
 */
static int run_lose(void *data, const struct fault_args *args, struct fault_reply *reply)
{
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);

	if (!args->words[0][0] || strcmp(args->words[0], "forgotten") == 0)
		return run_forget(data, args, reply);
	if (strcmp(args->words[0], "stuck") != 0) {
		fault_reply_set(reply, "usage: lose ADDR [forgotten|stuck]");
		return -EINVAL;
	}
	if (!link)
		return -ENOTCONN;
	link_make_ghost(link);
	radio_wake(face);
	return 0;
}

static int run_burst(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	const struct model_kind *kind = args->device->kind;
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);
	unsigned count;
	int r;

	r = count_argument(args, 0, &count);
	if (r < 0)
		return r;
	if (!link)
		return -ENOTCONN;
	for (size_t i = 0; i < kind->attr_count; i++) {
		if (kind->attrs[i].type == BURST_UUID)
			link_burst(link, kind->attrs[i].handle, count, radio_now_ms());
	}
	radio_wake(face);
	return 0;
}

static int run_silent(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;

	args->device->silent = args->on;
	radio_wake(face);
	return 0;
}

static int run_vanish(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);

	air_of(face, args)->vanished = args->on;
	if (link)
		link_set_vanished(link, args->on, radio_now_ms());
	radio_wake(face);
	return 0;
}

static int run_deaf(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;

	air_of(face, args)->deaf = args->on;
	return 0;
}

static int run_refuse(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	uint8_t status;
	unsigned count;
	int r;

	r = count_argument(args, 0, &count);
	if (r >= 0)
		r = byte_argument(args, 1, HCI_REJECTED_RESOURCES, &status);
	if (r < 0)
		return r;
	args->device->refuse = count;
	air_of(face, args)->refuse_status = status;
	return 0;
}

static int run_lie(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct air_device *extra = air_of(face, args);
	int r;

	r = count_argument(args, 0, &extra->lie);
	if (r >= 0)
		r = byte_argument(args, 1, HCI_NOT_ESTABLISHED, &extra->lie_status);
	return r;
}

static int run_early_drop(void *data, const struct fault_args *args,
			  struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct air_device *extra = air_of(face, args);
	int r;

	r = count_argument(args, 0, &extra->early_drop);
	if (r >= 0)
		r = byte_argument(args, 1, HCI_NOT_ESTABLISHED, &extra->early_reason);
	return r;
}

static int run_parameters(void *data, const struct fault_args *args,
			  struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct link *link = link_of(face, args->device);

	if (args->numbers[0] > UINT16_MAX || args->numbers[1] > UINT16_MAX)
		return -ERANGE;
	if (!link)
		return -ENOTCONN;
	link_ask_parameters(link, (uint16_t)args->numbers[0], (uint16_t)args->numbers[1]);
	return 0;
}

/* The adapter's controller, or NULL while it is not plugged in. */
static struct controller *controller_of(const struct radio_face *face,
					const struct fault_args *args)
{
	return face->air.controllers[args->adapter->index];
}

static int run_hang(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct controller *controller = controller_of(face, args);

	if (!controller)
		return -ENODEV;
	controller->hung = args->on;
	radio_wake(face);
	return 0;
}

static int run_connect_hang(void *data, const struct fault_args *args,
			    struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct controller *controller = controller_of(face, args);

	if (!controller)
		return -ENODEV;
	controller->connect_hang = args->on;
	return 0;
}

static int run_lost_disconnect(void *data, const struct fault_args *args,
			       struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;
	struct controller *controller = controller_of(face, args);

	if (!controller)
		return -ENODEV;
	controller->lost_disconnect = args->on;
	return 0;
}

static int run_deaf_adapter(void *data, const struct fault_args *args,
			    struct fault_reply *reply _unused_)
{
	struct controller *controller = controller_of(data, args);

	if (!controller)
		return -ENODEV;
	controller->deaf = args->on;
	return 0;
}

/* Whoever the device is: this controller takes no connect, for now or for want of room. */
static int run_refuse_adapter(void *data, const struct fault_args *args, struct fault_reply *reply)
{
	struct controller *controller = controller_of(data, args);
	const bool is_full = strcmp(args->words[0], "full") == 0;

	if (args->words[0][0] && !is_full) {
		fault_reply_set(reply, "usage: refuse-adapter N COUNT [full]");
		return -EINVAL;
	}
	if (!controller)
		return -ENODEV;
	controller->refuse_status = is_full ? HCI_CONNECTION_LIMIT : HCI_REJECTED_RESOURCES;
	return count_argument(args, 0, &controller->refuse);
}

static int run_unplug(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;

	if (!controller_of(face, args))
		return -ENODEV;
	radio_unplug(face, args->adapter->index);
	radio_wake(face);
	return 0;
}

static int run_plug(void *data, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	struct radio_face *face = data;

	return radio_plug(face, args->adapter->index);
}

static void print_controller(FILE *f, const struct radio_port *port,
			     const struct controller *controller)
{
	const char *separator = "";

	(void)fprintf(f,
		      "{\"adapter\":%u,\"hci\":%d,\"scanning\":%s,\"active\":%s,\"pending\":%s,"
		      "\"accept_list\":%zu,\"hung\":%s,\"links\":[",
		      port->adapter, port->hci, controller->scan.enabled ? "true" : "false",
		      controller->scan.active ? "true" : "false",
		      controller->create.active ? "true" : "false", controller->accepted_count,
		      controller->hung ? "true" : "false");
	for (size_t i = 0; i < controller->link_count; i++) {
		const struct link *link = controller->links[i];

		(void)fprintf(f, "%s{\"handle\":%u,\"device\":%d,\"mtu\":%zu,\"interval\":%u}",
			      separator, link->handle, link->device ? (int)link->device->index : -1,
			      link->att.mtu, link->interval);
		separator = ",";
	}
	(void)fputs("]}", f);
}

/* What the controllers believe, beside what the model counts (stats). */
static int run_radio(void *data, const struct fault_args *args _unused_, struct fault_reply *reply)
{
	const struct radio_face *face = data;
	const char *separator = "";
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	(void)fputc('[', f);
	for (size_t i = 0; i < ARRAY_LEN(face->ports); i++) {
		if (!face->air.controllers[i])
			continue;
		(void)fputs(separator, f);
		print_controller(f, &face->ports[i], face->air.controllers[i]);
		separator = ",";
	}
	(void)fputc(']', f);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	free(reply->text);
	reply->text = text;
	return 0;
}

const struct fault_command radio_fault_table[] = {
	{ "drop", "d?n", "ADDR [REASON]", run_drop },
	{ "forget", "d", "ADDR", run_forget },
	{ "lose", "d?w", "ADDR [forgotten|stuck]", run_lose },
	{ "burst", "dn", "ADDR N", run_burst },
	{ "silent", "db", "ADDR on|off", run_silent },
	{ "vanish", "db", "ADDR on|off", run_vanish },
	{ "deaf", "db", "ADDR on|off", run_deaf },
	{ "refuse", "dn?n", "ADDR N [STATUS]", run_refuse },
	{ "lie", "dn?n", "ADDR N [STATUS]", run_lie },
	{ "early-drop", "dn?n", "ADDR N [REASON]", run_early_drop },
	{ "parameters", "dnn", "ADDR INTERVAL TIMEOUT", run_parameters },
	{ "hang-adapter", "ab", "N on|off", run_hang },
	{ "deaf-adapter", "ab", "N on|off", run_deaf_adapter },
	{ "refuse-adapter", "an?w", "N COUNT [full]", run_refuse_adapter },
	{ "connect-hang", "ab", "N on|off", run_connect_hang },
	{ "lost-disconnect", "ab", "N on|off", run_lost_disconnect },
	{ "unplug", "a", "N", run_unplug },
	{ "plug", "a", "N", run_plug },
	{ "radio", "", "", run_radio },
};
const size_t radio_fault_count = ARRAY_LEN(radio_fault_table);
