/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/air.c - when peripherals advertise and who hears it; see air.h.
 *
 * Adverts are only made while a controller listens, so an idle world costs nothing. Their times
 * carry the random delay that the standard asks for: without it an advert and a scan window of the
 * same period could miss each other for ever.
 */
#include "contrib/sim/air.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "contrib/sim/controller.h"

#define ADVERT_MS	100
#define ADVERT_DELAY_MS 10
/* An advert that is later than this was not due: nobody listened in between. */
#define ADVERT_STALE_MS 250
#define LOG_CHARS	200

int air_init(struct air *air, struct model *model, const struct air_settings *settings)
{
	*air = (struct air){ .model = model, .settings = *settings };
	if (settings->links > CONTROLLER_LINKS_MAX || settings->acl_bytes > CONTROLLER_ACL_BYTES)
		return -EINVAL;
	if (air->settings.links == 0)
		air->settings.links = CONTROLLER_LINKS;
	if (air->settings.acl_bytes == 0)
		air->settings.acl_bytes = CONTROLLER_ACL_BYTES;
	/* An LE controller must take 27 bytes at once. */
	if (air->settings.acl_bytes < 27)
		return -EINVAL;
	air->random = model_config(model)->seed * 2 + 1;
	air->devices = calloc((size_t)model_device_count(model) + 1, sizeof(*air->devices));
	return air->devices ? 0 : -ENOMEM;
}

void air_done(struct air *air)
{
	for (size_t i = 0; i < ARRAY_LEN(air->controllers); i++)
		air->controllers[i] = controller_free(air->controllers[i]);
	free(air->devices);
	air->devices = NULL;
}

struct air_device *air_device(const struct air *air, const struct model_device *device)
{
	return &air->devices[device->index];
}

bool air_is_advertising(const struct air *air, const struct model_device *device)
{
	const struct air_device *extra = air_device(air, device);

	return model_is_advertising(device) && !extra->is_caught && !extra->vanished;
}

/* xorshift64: the delays need no better, and the same seed gives the same world. */
static uint64_t next_random(struct air *air, uint64_t below)
{
	air->random ^= air->random << 13;
	air->random ^= air->random >> 7;
	air->random ^= air->random << 17;
	return air->random % below;
}

static bool is_anybody_listening(const struct air *air)
{
	for (size_t i = 0; i < ARRAY_LEN(air->controllers); i++) {
		if (air->controllers[i] && controller_is_listening(air->controllers[i]))
			return true;
	}
	return false;
}

static void advertise(struct air *air, struct model_device *device, uint64_t now_ms)
{
	struct air_device *extra = air_device(air, device);

	if (extra->next_advert_at_ms + ADVERT_STALE_MS < now_ms) {
		extra->next_advert_at_ms = now_ms + next_random(air, ADVERT_MS);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(air->controllers); i++) {
		if (!air->controllers[i])
			continue;
		controller_hear(air->controllers[i], device, now_ms);
		/* Whoever answers first has it. */
		if (!air_is_advertising(air, device))
			break;
	}
	extra->next_advert_at_ms += ADVERT_MS + next_random(air, ADVERT_DELAY_MS + 1);
}

void air_tick(struct air *air, uint64_t now_ms)
{
	const unsigned count = model_device_count(air->model);

	for (size_t i = 0; i < ARRAY_LEN(air->controllers); i++) {
		if (air->controllers[i])
			controller_tick(air->controllers[i], now_ms);
	}
	if (!is_anybody_listening(air))
		return;
	for (unsigned i = 0; i < count; i++) {
		struct model_device *device = model_device(air->model, i);

		if (air_is_advertising(air, device) && air->devices[i].next_advert_at_ms <= now_ms)
			advertise(air, device, now_ms);
	}
}

uint64_t air_next_at_ms(const struct air *air, uint64_t now_ms)
{
	const unsigned count = model_device_count(air->model);
	uint64_t next_at_ms = MODEL_NEVER_MS;

	for (size_t i = 0; i < ARRAY_LEN(air->controllers); i++) {
		uint64_t at_ms = MODEL_NEVER_MS;

		if (air->controllers[i])
			at_ms = controller_next_at_ms(air->controllers[i]);
		if (at_ms < next_at_ms)
			next_at_ms = at_ms;
	}
	for (unsigned i = 0; i < count && is_anybody_listening(air); i++) {
		if (air_is_advertising(air, model_device(air->model, i)) &&
		    air->devices[i].next_advert_at_ms < next_at_ms)
			next_at_ms = air->devices[i].next_advert_at_ms;
	}
	return next_at_ms < now_ms ? now_ms : next_at_ms;
}

void air_log(const char *format, ...)
{
	char line[LOG_CHARS];
	struct timespec now;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)fprintf(stderr, "%lld.%03ld %s\n", (long long)now.tv_sec, now.tv_nsec / 1000000,
		      line);
}
