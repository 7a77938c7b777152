/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_services.c - `bleherd services`: the GATT table of a device.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/link.h"
#include "ipc/client/cli/names.h"
#include "ipc/client/cli/words.h"

struct listing {
	struct link link;
	struct reply reply;
	json_t *array; /* with --json */
	size_t n;
};

static json_t *uuid_json(const struct bh_uuid *uuid, uint16_t handle)
{
	json_t *object = json_object();
	const char *name = names_of_uuid(uuid);
	char text[37];

	bh_format_uuid(uuid, text);
	(void)json_object_set_new(object, "uuid", json_string(text));
	if (name)
		(void)json_object_set_new(object, "name", json_string(name));
	(void)json_object_set_new(object, "handle", json_integer(handle));
	return object;
}

static json_t *characteristic_json(const struct bh_characteristic *characteristic)
{
	json_t *object = uuid_json(&characteristic->uuid, characteristic->handle);
	json_t *flags = json_array();
	size_t i;

	for (i = 0; characteristic->flags[i]; i++)
		(void)json_array_append_new(flags, out_string(characteristic->flags[i]));
	(void)json_object_set_new(object, "flags", flags);
	return object;
}

static json_t *service_json(const struct bh_service *service)
{
	json_t *object = uuid_json(&service->uuid, service->handle);
	json_t *characteristics = json_array();
	size_t i;

	(void)json_object_set_new(object, "primary", json_boolean(service->primary));
	for (i = 0; i < service->n_characteristics; i++)
		(void)json_array_append_new(characteristics,
					    characteristic_json(&service->characteristics[i]));
	(void)json_object_set_new(object, "characteristics", characteristics);
	return object;
}

static void characteristic_line(FILE *to, const struct bh_characteristic *characteristic)
{
	const char *name = names_of_uuid(&characteristic->uuid);
	char uuid[37];
	char flags[160] = "";
	char clean[160];
	size_t len = 0;
	size_t i;

	names_short_uuid(&characteristic->uuid, uuid);
	for (i = 0; characteristic->flags[i] && len < sizeof(flags) - 1; i++) {
		(void)snprintf(flags + len, sizeof(flags) - len, "%s%s", i ? " " : "",
			       characteristic->flags[i]);
		len = strlen(flags);
	}
	words_clean(flags, clean, sizeof(clean));
	if (name)
		(void)fprintf(to, "  %s  %s  (%s)\n", uuid, name, clean);
	else
		(void)fprintf(to, "  %s  (%s)\n", uuid, clean);
}

static void service_lines(struct cli *cli, const struct bh_service *service)
{
	const char *name = names_of_uuid(&service->uuid);
	char uuid[37];
	size_t i;

	names_short_uuid(&service->uuid, uuid);
	(void)fprintf(cli->out.stream, "%s%s%s%s%s%s\n", out_bold(&cli->out), uuid,
		      name ? "  " : "", name ? name : "", service->primary ? "" : "  (secondary)",
		      out_plain(&cli->out));
	for (i = 0; i < service->n_characteristics; i++)
		characteristic_line(cli->out.stream, &service->characteristics[i]);
}

static void on_service(void *ctx, const struct bh_service *service)
{
	struct listing *listing = ctx;

	listing->n++;
	out_progress_end(&listing->link.cli->out);
	if (listing->array)
		(void)json_array_append_new(listing->array, service_json(service));
	else
		service_lines(listing->link.cli, service);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct listing *)ctx)->reply, result);
}

static int list(struct listing *listing)
{
	struct link *link = &listing->link;
	json_t *object;
	int r;

	r = link_start_on_demand(link, "asking for the services");
	if (r != 0)
		return r;
	r = bh_services_within(link->session, link_timeout_ms(link->cli), on_service, on_done,
			       listing);
	if (r < 0)
		return cli_fail_errno(link->cli, r, "asking for the services");
	r = link_wait(link, &listing->reply);
	if (r != 0)
		return r;
	if (listing->n == 0)
		cli_note(link->cli, "%s has no services", link->cli->address);
	if (listing->reply.timings.is_cached)
		cli_note(link->cli, "(cached) as when %s was connected last; --fresh asks it",
			 link->cli->address);
	if (!listing->array)
		return CLI_DONE;
	object = link_json(link, &listing->reply.timings);
	(void)json_object_set(object, "services", listing->array);
	out_json(&link->cli->out, object);
	return CLI_DONE;
}

int cmd_services(struct cli *cli)
{
	struct listing listing = { .n = 0 };
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	listing.link = LINK_INIT(cli, address);
	if (cli->out.is_json)
		listing.array = json_array();
	r = list(&listing);
	link_end(&listing.link);
	cli_close(cli);
	json_decref(listing.array);
	return r;
}
