/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/names.h"

#include <string.h>

#include "ipc/base.h"
#include "ipc/uuid.h"

/* From the Bluetooth SIG's Assigned Numbers, section 3: what one meets most. Sorted by number. */
static const struct {
	uint16_t number;
	const char *name;
} NAMES[] = {
	{ 0x1800, "Generic Access" },
	{ 0x1801, "Generic Attribute" },
	{ 0x1802, "Immediate Alert" },
	{ 0x1803, "Link Loss" },
	{ 0x1804, "Tx Power" },
	{ 0x1805, "Current Time" },
	{ 0x1808, "Glucose" },
	{ 0x1809, "Health Thermometer" },
	{ 0x180a, "Device Information" },
	{ 0x180d, "Heart Rate" },
	{ 0x180f, "Battery" },
	{ 0x1810, "Blood Pressure" },
	{ 0x1812, "Human Interface Device" },
	{ 0x1814, "Running Speed and Cadence" },
	{ 0x1815, "Automation IO" },
	{ 0x1816, "Cycling Speed and Cadence" },
	{ 0x1818, "Cycling Power" },
	{ 0x1819, "Location and Navigation" },
	{ 0x181a, "Environmental Sensing" },
	{ 0x181b, "Body Composition" },
	{ 0x181c, "User Data" },
	{ 0x181d, "Weight Scale" },
	{ 0x1822, "Pulse Oximeter" },
	{ 0x1826, "Fitness Machine" },
	{ 0x1827, "Mesh Provisioning" },
	{ 0x1828, "Mesh Proxy" },
	{ 0x2a00, "Device Name" },
	{ 0x2a01, "Appearance" },
	{ 0x2a04, "Preferred Connection Parameters" },
	{ 0x2a05, "Service Changed" },
	{ 0x2a06, "Alert Level" },
	{ 0x2a07, "Tx Power Level" },
	{ 0x2a18, "Glucose Measurement" },
	{ 0x2a19, "Battery Level" },
	{ 0x2a1c, "Temperature Measurement" },
	{ 0x2a23, "System ID" },
	{ 0x2a24, "Model Number" },
	{ 0x2a25, "Serial Number" },
	{ 0x2a26, "Firmware Revision" },
	{ 0x2a27, "Hardware Revision" },
	{ 0x2a28, "Software Revision" },
	{ 0x2a29, "Manufacturer Name" },
	{ 0x2a2b, "Current Time" },
	{ 0x2a35, "Blood Pressure Measurement" },
	{ 0x2a37, "Heart Rate Measurement" },
	{ 0x2a38, "Body Sensor Location" },
	{ 0x2a39, "Heart Rate Control Point" },
	{ 0x2a4a, "HID Information" },
	{ 0x2a4b, "Report Map" },
	{ 0x2a4d, "Report" },
	{ 0x2a50, "PnP ID" },
	{ 0x2a5b, "CSC Measurement" },
	{ 0x2a63, "Cycling Power Measurement" },
	{ 0x2a6d, "Pressure" },
	{ 0x2a6e, "Temperature" },
	{ 0x2a6f, "Humidity" },
	{ 0x2a9d, "Weight Measurement" },
	{ 0x2aa6, "Central Address Resolution" },
	{ 0x2b29, "Client Supported Features" },
	{ 0x2b2a, "Database Hash" },
	{ 0x2b3a, "Server Supported Features" },
};

void names_short_uuid(const struct bh_uuid *uuid, char out_text[37])
{
	struct uuid ours;

	static_assert(sizeof(ours.octets) == sizeof(uuid->octets), "the same octets");
	memcpy(ours.octets, uuid->octets, sizeof(ours.octets));
	uuid_format_short(&ours, out_text);
}

const char *names_of_uuid(const struct bh_uuid *uuid)
{
	char text[37];
	uint16_t number;
	size_t i;

	names_short_uuid(uuid, text);
	if (strlen(text) != 4)
		return NULL;
	number = (uint16_t)(uuid->octets[2] << 8 | uuid->octets[3]);
	for (i = 0; i < ARRAY_LEN(NAMES); i++)
		if (NAMES[i].number == number)
			return NAMES[i].name;
	return NULL;
}
