/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/bench.c - see bench.h.
 */
#include "tests/unit/sim/bench.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/sim/wire.h"

#define PACKETS_MAX 512
#define HEX_CHARS   (2 * CONTROLLER_PACKET_BYTES + 1)
#define KEPT_CHARS  128
#define START_MS    1000000

struct model *bench_model;
struct air bench_air;
struct controller *bench_hci[BENCH_ADAPTERS];
uint64_t bench_now_ms;

static struct outbox {
	size_t count;
	char packets[PACKETS_MAX][KEPT_CHARS];
} outboxes[BENCH_ADAPTERS];

static void keep(void *data, const uint8_t *packet, size_t len_bytes)
{
	struct outbox *outbox = data;
	char hex[HEX_CHARS];

	wire_to_hex(packet, len_bytes, hex);
	ck_assert_uint_lt(outbox->count, PACKETS_MAX);
	/* Long ones are cut: no test looks that far. */
	hex[KEPT_CHARS - 1] = '\0';
	memcpy(outbox->packets[outbox->count++], hex, strlen(hex) + 1);
}

void bench_start(unsigned links, unsigned event_ms)
{
	const struct model_config config = {
		.adapters = BENCH_ADAPTERS,
		.devices = BENCH_DEVICES,
		.seed = 1,
		.notify_ms = 100,
	};
	const struct air_settings settings = { .links = links, .event_ms = event_ms };

	bench_now_ms = START_MS;
	ck_assert_int_eq(model_new(&bench_model, &config), 0);
	ck_assert_int_eq(air_init(&bench_air, bench_model, &settings), 0);
	for (unsigned i = 0; i < BENCH_ADAPTERS; i++) {
		ck_assert_int_eq(controller_new(&bench_hci[i], &bench_air,
						model_adapter(bench_model, i), keep, &outboxes[i]),
				 0);
		bench_air.controllers[i] = bench_hci[i];
	}
	bench_clear();
}

void bench_stop(void)
{
	air_done(&bench_air);
	bench_model = model_free(bench_model);
}

void bench_run_ms(unsigned duration_ms)
{
	const uint64_t end_ms = bench_now_ms + duration_ms;

	for (;;) {
		const uint64_t next_ms = air_next_at_ms(&bench_air, bench_now_ms);

		if (next_ms > end_ms)
			break;
		/* A loop that finds something due that stays due would turn for ever. */
		bench_now_ms = next_ms > bench_now_ms ? next_ms : bench_now_ms + 1;
		air_tick(&bench_air, bench_now_ms);
	}
	bench_now_ms = end_ms;
}

void bench_send(unsigned adapter, const char *hex)
{
	uint8_t packet[CONTROLLER_PACKET_BYTES];

	controller_receive(bench_hci[adapter], packet, wire_from_hex(hex, packet), bench_now_ms);
}

void bench_create(unsigned adapter, unsigned device)
{
	char hex[128];

	bench_clear();
	(void)snprintf(hex, sizeof(hex),
		       "010d2019 60006000 00 01 %02x0000bbaac0 00 180028000000 2a00 00000000",
		       device);
	bench_send(adapter, hex);
}

unsigned bench_link_up(unsigned adapter, unsigned device)
{
	unsigned handle = 0, low, high;

	bench_create(adapter, device);
	bench_run_ms(1000);
	for (size_t i = 0; i < outboxes[adapter].count; i++) {
		if (sscanf(outboxes[adapter].packets[i], "043e130100%2x%2x", &low, &high) == 2)
			handle = low | high << 8;
	}
	bench_clear();
	return handle;
}

void bench_clear(void)
{
	for (unsigned i = 0; i < BENCH_ADAPTERS; i++)
		outboxes[i].count = 0;
}

size_t bench_sent(unsigned adapter)
{
	return outboxes[adapter].count;
}

const char *bench_packet(unsigned adapter, size_t index)
{
	ck_assert_uint_lt(index, outboxes[adapter].count);
	return outboxes[adapter].packets[index];
}

unsigned bench_count(unsigned adapter, const char *prefix)
{
	char hex[HEX_CHARS];
	unsigned found = 0;

	wire_squeeze(prefix, hex);
	for (size_t i = 0; i < outboxes[adapter].count; i++)
		found += strncmp(outboxes[adapter].packets[i], hex, strlen(hex)) == 0;
	return found;
}

void bench_expect(unsigned adapter, const char *const *packets)
{
	char hex[HEX_CHARS];
	size_t i = 0;

	for (; packets[i]; i++) {
		wire_squeeze(packets[i], hex);
		ck_assert_str_eq(bench_packet(adapter, i), hex);
	}
	ck_assert_uint_eq(outboxes[adapter].count, i);
}
