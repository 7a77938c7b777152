/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_model.c - the device model: addresses, tables, values, links, notifications.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/model.h"

#define NOW_MS 1000000

static struct model *model;

static struct model *make(unsigned adapters, unsigned devices, uint64_t seed)
{
	const struct model_config config = {
		.adapters = adapters,
		.devices = devices,
		.seed = seed,
		.notify_ms = 200,
		.manufacturer_data = true,
	};
	struct model *made = NULL;

	ck_assert_int_eq(model_new(&made, &config), 0);
	return made;
}

static void setup(void)
{
	model = make(2, 3, 1);
}

static void teardown(void)
{
	model = model_free(model);
}

static size_t read_all(struct model_device *device, uint16_t handle, size_t offset, uint8_t *out)
{
	size_t len = 0;

	ck_assert_int_eq(model_read(device, handle, offset, out, MODEL_VALUE_BYTES, &len), 0);
	return len;
}

static int write_text(struct model_device *device, uint16_t handle, const char *text)
{
	return model_write(device, handle, 0, text, strlen(text), MODEL_WRITE_REQUEST, NOW_MS);
}

static int subscribe(struct model_device *device, uint16_t cccd, uint8_t bits)
{
	const uint8_t data[2] = { bits, 0 };

	return model_write(device, cccd, 0, data, sizeof(data), MODEL_WRITE_REQUEST, NOW_MS);
}

START_TEST(test_config_is_checked)
{
	const struct model_config bad[] = {
		{ .adapters = MODEL_ADAPTERS_MAX + 1, .devices = 1, .notify_ms = 1 },
		{ .adapters = 1, .devices = MODEL_DEVICES_MAX + 1, .notify_ms = 1 },
		{ .adapters = 1, .devices = 1, .notify_ms = 0 },
	};
	struct model *made = NULL;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(model_new(&made, &bad[i]), -EINVAL);
	ck_assert_ptr_null(made);
	ck_assert_ptr_null(model_free(NULL));
}
END_TEST

START_TEST(test_addresses)
{
	uint8_t address[MODEL_ADDRESS_BYTES], swapped[MODEL_ADDRESS_BYTES];
	static const char *const bad[] = { "",
					   "C0:AA:BB:00:00",
					   "C0:AA:BB:00:00:0",
					   "C0:AA:BB:00:00:0g",
					   "C0-AA-BB-00-00-00",
					   "C0:AA:BB:00:00:00:00" };
	char text[MODEL_ADDRESS_CHARS];

	ck_assert_int_eq(model_address_parse("c0:aa:BB:00:00:02", address), 0);
	ck_assert_ptr_eq(model_device_by_address(model, address), model_device(model, 2));
	model_address_format(address, text);
	ck_assert_str_eq(text, "C0:AA:BB:00:00:02");
	model_address_swap(address, swapped);
	ck_assert_uint_eq(swapped[0], 0x02);
	ck_assert_uint_eq(swapped[5], 0xc0);
	address[5] = 3;
	ck_assert_ptr_null(model_device_by_address(model, address));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(model_address_parse(bad[i], address), -EINVAL);
	model_address_format(model_adapter(model, 1)->address, text);
	ck_assert_str_eq(text, "AA:BB:CC:00:00:01");
	ck_assert_ptr_null(model_adapter(model, 2));
	ck_assert_ptr_null(model_device(model, 3));
}
END_TEST

START_TEST(test_many_devices_have_their_addresses)
{
	struct model *many = make(1, 70 * 256, 1);

	for (unsigned i = 0; i < 70 * 256; i += 77) {
		struct model_device *device = model_device(many, i);

		ck_assert_ptr_eq(model_device_by_address(many, device->address), device);
	}
	ck_assert_str_eq(model_device(many, 12345)->name, "BM6-12345");
	model_free(many);
}
END_TEST

START_TEST(test_rssi)
{
	struct model *same = make(2, 3, 1), *other = make(2, 3, 2);
	unsigned differ = 0, best[2] = { 0, 0 }, moved = 0;

	for (unsigned d = 0; d < 3; d++) {
		for (unsigned a = 0; a < 2; a++) {
			struct model_device *device = model_device(model, d);
			int8_t rssi = model_rssi_dbm(model, a, device, NOW_MS);

			ck_assert_int_eq(rssi,
					 model_rssi_dbm(same, a, model_device(same, d), NOW_MS));
			differ += rssi != model_rssi_dbm(other, a, model_device(other, d), NOW_MS);
			ck_assert(rssi >= -90 && rssi <= -35);
		}
	}
	ck_assert_uint_gt(differ, 3);
	model_free(same);
	model_free(other);

	same = make(2, 200, 7);
	for (unsigned d = 0; d < 200; d++) {
		struct model_device *device = model_device(same, d);
		int8_t near = model_rssi_dbm(same, 0, device, NOW_MS);
		int change = model_rssi_dbm(same, 0, device, NOW_MS + 60000) - near;

		best[near > model_rssi_dbm(same, 1, device, NOW_MS)]++;
		moved += change != 0;
		ck_assert_int_le(abs(change), 4);
	}
	/* Which adapter is better depends on the device, and it jitters. */
	ck_assert_uint_gt(best[0], 50);
	ck_assert_uint_gt(best[1], 50);
	ck_assert_uint_gt(moved, 50);
	model_free(same);
}
END_TEST

START_TEST(test_advert)
{
	uint8_t data[MODEL_ADVERT_BYTES];
	size_t len = model_advert(model_device(model, 1), data), at = 0;
	bool uuid = false, name = false, manufacturer = false;

	while (at < len) {
		const uint8_t *ad = data + at;

		uuid |= ad[1] == 0x03 && ad[2] == 0xf0 && ad[3] == 0xff;
		name |= ad[1] == 0x09 && memcmp(ad + 2, "BM6-1", 5) == 0;
		manufacturer |= ad[1] == 0xff && ad[4] == 1;
		at += (size_t)ad[0] + 1;
	}
	ck_assert_uint_eq(at, len);
	ck_assert(uuid && name && manufacturer);
}
END_TEST

/* What both faces rely on without asking. */
START_TEST(test_table_is_well_formed)
{
	const struct model_device *device = model_device(model, 0);
	const struct model_kind *kind = device->kind;
	uint16_t last = 0, end = 0;

	for (size_t i = 0; i < kind->attr_count; i++) {
		const struct model_attr *attr = &kind->attrs[i];

		ck_assert_uint_gt(attr->handle, last);
		last = attr->handle;
		ck_assert_ptr_eq(model_attr(device, attr->handle), attr);
		if (attr->type == MODEL_TYPE_SERVICE) {
			ck_assert_uint_gt(attr->handle, end);
			end = attr->end;
		}
		ck_assert_uint_le(attr->handle, end);
		if (attr->type == MODEL_TYPE_CHARACTERISTIC) {
			ck_assert_uint_eq(attr[1].handle, attr->handle + 1);
			ck_assert_uint_eq(attr[1].type, attr->uuid);
			ck_assert_uint_eq(attr[1].props, attr->props);
		}
		/* A CCCD follows its value at once and shares its slot. */
		if (attr->type == MODEL_TYPE_CCCD) {
			ck_assert_uint_eq(attr[-1].handle, attr->handle - 1);
			ck_assert_uint_eq(attr[-1].slot, attr->slot);
			ck_assert(attr[-1].emit != NULL);
		}
		ck_assert_uint_lt(attr->slot, MODEL_SLOTS);
	}
	ck_assert_ptr_null(model_attr(device, 0));
	ck_assert_ptr_null(model_attr(device, 0x000f));
	ck_assert_ptr_null(model_attr(device, 0xffff));
}
END_TEST

START_TEST(test_reads)
{
	struct model_device *device = model_device(model, 2);
	uint8_t value[MODEL_VALUE_BYTES], blob[MODEL_VALUE_BYTES];
	size_t len;

	len = read_all(device, 0x0003, 0, value);
	ck_assert_uint_eq(len, 5);
	ck_assert_mem_eq(value, "BM6-2", 5);
	/* Declarations are attributes too: service UUID; properties, value handle, UUID. */
	ck_assert_uint_eq(read_all(device, 0x0010, 0, value), 2);
	ck_assert_mem_eq(value, "\xf0\xff", 2);
	ck_assert_uint_eq(read_all(device, 0x0011, 0, value), 5);
	ck_assert_mem_eq(value, "\x0e\x12\x00\xf3\xff", 5);
	ck_assert_uint_eq(read_all(device, 0x0013, 0, value), 4);

	len = read_all(device, 0x001b, 0, value);
	ck_assert_uint_eq(len, 300);
	ck_assert_uint_eq(read_all(device, 0x001b, 299, blob), 1);
	ck_assert_uint_eq(blob[0], value[299]);
	ck_assert_uint_eq(read_all(device, 0x001b, 300, blob), 0);
	ck_assert_int_eq(model_read(device, 0x001b, 301, blob, sizeof(blob), &len),
			 MODEL_ATT_INVALID_OFFSET);
	ck_assert_int_eq(model_read(device, 0x001b, 0, blob, 22, &len), 0);
	ck_assert_uint_eq(len, 22);
	ck_assert_int_eq(model_read(device, 0x0015, 0, blob, sizeof(blob), &len),
			 MODEL_ATT_READ_NOT_PERMITTED);
	ck_assert_int_eq(model_read(device, 0x000f, 0, blob, sizeof(blob), &len),
			 MODEL_ATT_INVALID_HANDLE);
	/* Name, the long value twice from its start: values only, and not their blobs. */
	ck_assert_uint_eq(device->counters.reads, 3);
}
END_TEST

static struct model_write_record seen;
static char seen_data[MODEL_VALUE_BYTES];
static unsigned seen_count;

static void observe(const struct model_write_record *record, void *data)
{
	ck_assert_ptr_eq(data, &seen);
	seen = *record;
	memcpy(seen_data, record->data, record->len_bytes);
	seen_count++;
}

START_TEST(test_writes)
{
	struct model_device *device = model_device(model, 0);
	uint8_t value[MODEL_VALUE_BYTES] = { 0 };

	model_set_write_observer(model, observe, &seen);
	ck_assert_int_eq(write_text(device, 0x0012, "twelve"), 0);
	ck_assert_uint_eq(read_all(device, 0x0012, 0, value), 6);
	ck_assert_mem_eq(value, "twelve", 6);
	ck_assert_uint_eq(seen_count, 1);
	ck_assert_mem_eq(seen_data, "twelve", 6);
	ck_assert_uint_eq(seen.attr->type, 0xfff3);
	ck_assert_uint_eq(seen.at_ms, NOW_MS);
	ck_assert_int_eq(model_write(device, 0x0012, 0, "x", 1, MODEL_WRITE_COMMAND, NOW_MS), 0);
	ck_assert_int_eq(seen.kind, MODEL_WRITE_COMMAND);
	/* A prepared write keeps what stands before its offset. */
	ck_assert_int_eq(model_write(device, 0x001b, 298, "end", 3, MODEL_WRITE_REQUEST, NOW_MS),
			 0);
	ck_assert_uint_eq(read_all(device, 0x001b, 0, value), 301);
	ck_assert_mem_eq(value + 298, "end", 3);
	ck_assert_uint_eq(seen_count, 3);

	ck_assert_int_eq(write_text(device, 0x0003, "name"), MODEL_ATT_WRITE_NOT_PERMITTED);
	ck_assert_int_eq(write_text(device, 0x0013, "text"), MODEL_ATT_WRITE_NOT_PERMITTED);
	ck_assert_int_eq(write_text(device, 0x000f, "none"), MODEL_ATT_INVALID_HANDLE);
	ck_assert_int_eq(model_write(device, 0x001b, 0, "c", 1, MODEL_WRITE_COMMAND, NOW_MS),
			 MODEL_ATT_WRITE_NOT_PERMITTED);
	ck_assert_int_eq(model_write(device, 0x0012, 3, "y", 1, MODEL_WRITE_REQUEST, NOW_MS),
			 MODEL_ATT_INVALID_OFFSET);
	ck_assert_int_eq(
		model_write(device, 0x0012, 0, value, sizeof(value), MODEL_WRITE_REQUEST, NOW_MS),
		0);
	ck_assert_int_eq(
		model_write(device, 0x0012, 1, value, sizeof(value), MODEL_WRITE_REQUEST, NOW_MS),
		MODEL_ATT_INVALID_LENGTH);
	ck_assert_uint_eq(device->counters.writes, 3);
	ck_assert_uint_eq(device->counters.commands, 1);
	ck_assert_uint_eq(seen_count, 4);
}
END_TEST

START_TEST(test_one_link_at_a_time)
{
	struct model_device *device = model_device(model, 0);

	ck_assert(model_is_advertising(device));
	ck_assert_int_eq(model_link_up(device, 2), -ENODEV);
	ck_assert_int_eq(model_link_up(device, 1), 0);
	ck_assert(!model_is_advertising(device));
	ck_assert_int_eq(model_link_up(device, 0), -EBUSY);
	ck_assert_uint_eq(model_adapter(model, 1)->links, 1);
	model_link_down(device);
	model_link_down(device);
	ck_assert_uint_eq(device->counters.disconnects, 1);
	ck_assert_uint_eq(model_adapter(model, 1)->links, 0);
	ck_assert_uint_eq(model_adapter(model, 1)->links_max, 1);

	device->silent = true;
	ck_assert(!model_is_advertising(device));
	ck_assert_int_eq(model_link_up(device, 0), -EHOSTUNREACH);
	device->silent = false;
	model_adapter(model, 0)->plugged = false;
	ck_assert_int_eq(model_link_up(device, 0), -ENODEV);
}
END_TEST

START_TEST(test_connecting_maximum)
{
	struct model_adapter *adapter = model_adapter(model, 0);

	model_connecting(adapter, +1);
	model_connecting(adapter, +1);
	model_connecting(adapter, -1);
	model_connecting(adapter, +1);
	ck_assert_uint_eq(adapter->connecting, 2);
	ck_assert_uint_eq(adapter->connecting_max, 2);
}
END_TEST

START_TEST(test_notifications)
{
	struct model_device *device = model_device(model, 0);
	struct model_emission emission;
	uint32_t expected = 0;

	/* Not without a link, not without a subscription, and not before their time. */
	ck_assert_int_eq(subscribe(device, 0x0016, 1), 0);
	ck_assert_uint_eq(model_next_emit_at_ms(device), MODEL_NEVER_MS);
	ck_assert_int_eq(model_link_up(device, 0), 0);
	ck_assert_int_eq(subscribe(device, 0x0016, 2), 0);
	ck_assert_uint_eq(device->cccd[1], 0);
	ck_assert_int_eq(subscribe(device, 0x0016, 1), 0);
	ck_assert_uint_eq(model_next_emit_at_ms(device), NOW_MS + 200);
	ck_assert_int_eq(model_emit(device, NOW_MS + 199, &emission), 0);

	for (uint64_t at_ms = NOW_MS; at_ms <= NOW_MS + 1000; at_ms += 10) {
		while (model_emit(device, at_ms, &emission) > 0) {
			expected++;
			ck_assert_uint_eq(emission.attr->type, 0xfff4);
			ck_assert_uint_eq(emission.len_bytes, 4);
			ck_assert_uint_eq(emission.data[0], expected);
			ck_assert(!emission.indicate);
		}
	}
	ck_assert_uint_eq(expected, 5);
	/* The counter outlives the link, the subscription does not. */
	model_link_down(device);
	ck_assert_int_eq(model_link_up(device, 1), 0);
	ck_assert_int_eq(model_emit(device, NOW_MS + 5000, &emission), 0);
	ck_assert_int_eq(model_emit_now(device, 0x0015, &emission), 0);
	ck_assert_int_eq(subscribe(device, 0x0016, 1), 0);
	ck_assert_int_eq(model_emit_now(device, 0x0015, &emission), 1);
	ck_assert_uint_eq(emission.data[0], 6);
	ck_assert_uint_eq(device->counters.notifications, 6);
}
END_TEST

START_TEST(test_late_timer)
{
	struct model_device *device = model_device(model, 0);
	struct model_emission emission;
	unsigned count = 0;

	ck_assert_int_eq(model_link_up(device, 0), 0);
	ck_assert_int_eq(subscribe(device, 0x0016, 1), 0);
	/* A little late: made up for. Very late: not. */
	while (model_emit(device, NOW_MS + 1000, &emission) > 0)
		count++;
	ck_assert_uint_eq(count, 5);
	while (model_emit(device, NOW_MS + 100000, &emission) > 0)
		count++;
	ck_assert_uint_eq(count, 6);
	ck_assert_uint_eq(model_next_emit_at_ms(device), NOW_MS + 100200);
}
END_TEST

START_TEST(test_indications)
{
	struct model_device *device = model_device(model, 0);
	struct model_emission emission;

	ck_assert_int_eq(model_link_up(device, 0), 0);
	ck_assert_int_eq(subscribe(device, 0x0019, 2), 0);
	ck_assert_uint_eq(model_next_emit_at_ms(device), NOW_MS + 1000);
	ck_assert_int_eq(model_emit(device, NOW_MS + 1000, &emission), 1);
	ck_assert(emission.indicate);
	/* Service changed is sent on demand only. */
	ck_assert_int_eq(subscribe(device, 0x0019, 0), 0);
	ck_assert_int_eq(subscribe(device, 0x0007, 2), 0);
	ck_assert_uint_eq(model_next_emit_at_ms(device), MODEL_NEVER_MS);
	ck_assert_int_eq(model_emit_now(device, 0x0006, &emission), 1);
	ck_assert_mem_eq(emission.data, "\x01\x00\xff\xff", 4);
	ck_assert_int_eq(model_write(device, 0x0007, 0, "x", 1, MODEL_WRITE_REQUEST, NOW_MS),
			 MODEL_ATT_INVALID_LENGTH);
}
END_TEST

Suite *suite_model(void);

Suite *suite_model(void)
{
	Suite *suite = suite_create("model");
	TCase *tc = tcase_create("model");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_config_is_checked);
	tcase_add_test(tc, test_addresses);
	tcase_add_test(tc, test_many_devices_have_their_addresses);
	tcase_add_test(tc, test_rssi);
	tcase_add_test(tc, test_advert);
	tcase_add_test(tc, test_table_is_well_formed);
	tcase_add_test(tc, test_reads);
	tcase_add_test(tc, test_writes);
	tcase_add_test(tc, test_one_link_at_a_time);
	tcase_add_test(tc, test_connecting_maximum);
	tcase_add_test(tc, test_notifications);
	tcase_add_test(tc, test_late_timer);
	tcase_add_test(tc, test_indications);
	suite_add_tcase(suite, tc);
	return suite;
}
