/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/options.c - see options.h. One row per option: name, value, help and where it goes.
 */
#include "contrib/sim/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum kind { KIND_NUMBER, KIND_SEED, KIND_TEXT, KIND_FLAG, KIND_SWITCH };

struct row {
	const char *name;
	const char *value; /* what people are to put there; NULL: a flag */
	const char *help;
	enum kind kind;
	size_t offset;
};

#define AT(field) offsetof(struct options, field)

static const struct row rows[] = {
	{ "adapters", "N", "adapters AA:BB:CC:00:00:00 upward (1)", KIND_NUMBER,
	  AT(model.adapters) },
	{ "devices", "M", "peripherals C0:AA:BB:00:00:00 upward (1)", KIND_NUMBER,
	  AT(model.devices) },
	{ "seed", "S", "of everything that looks random (1)", KIND_SEED, AT(model.seed) },
	{ "notify-ms", "T", "between notifications (200)", KIND_NUMBER, AT(model.notify_ms) },
	{ "manufacturer-data", NULL, "in the adverts", KIND_FLAG, AT(model.manufacturer_data) },
	{ "dbus", "ADDRESS", "the fake org.bluez, on this bus", KIND_TEXT, AT(fake.bus_address) },
	{ "mgmt", "PATH", "the fake MGMT, a SOCK_SEQPACKET socket", KIND_TEXT, AT(fake.mgmt_path) },
	{ "vhci", NULL, "instead: LE controllers on /dev/vhci", KIND_FLAG, AT(vhci) },
	{ "control", "PATH", "fault commands, a SOCK_SEQPACKET socket", KIND_TEXT, AT(control) },
	{ "faults", "FILE", "a fault plan: bleherd-faults(5)", KIND_TEXT, AT(faults) },
	{ "faults-wait", NULL, "it begins when told to: `plan begin`", KIND_FLAG, AT(faults_wait) },
	{ "fault-log", "FILE", "a line of JSON per fault of the plan", KIND_TEXT, AT(fault_log) },
	{ "write-log", "FILE", "a line of JSON per write that arrived", KIND_TEXT, AT(write_log) },
	{ "ready-fd", "N", "gets a newline when everything serves", KIND_NUMBER, AT(ready_fd) },
	{ "die-with-parent", NULL, "end when the parent process ends", KIND_FLAG,
	  AT(die_with_parent) },
	{ "connect-ms", "T", "of a connect (0)", KIND_NUMBER, AT(fake.connect_ms) },
	{ "links", "N", "links per adapter (fake: no limit, vhci: 5)", KIND_NUMBER,
	  AT(fake.links) },
	{ "event-ms", "T", "vhci: connection interval (0)", KIND_NUMBER, AT(radio.event_ms) },
	{ "acl-bytes", "N", "vhci: longest ACL fragment (251)", KIND_NUMBER, AT(radio.acl_bytes) },
	{ "trace", NULL, "vhci: what the kernel sends, on standard error", KIND_FLAG,
	  AT(radio.trace) },
	{ "real-times", NULL, "fake: connect, resolve, GATT as slow as measured", KIND_FLAG, 0 },
	{ "connect-while-scanning-ms", "T", "fake: more, during discovery (0)", KIND_NUMBER,
	  AT(fake.connect_while_scanning_ms) },
	{ "connect-timeout-ms", "T", "fake: the kernel gives up (40000)", KIND_NUMBER,
	  AT(fake.connect_timeout_ms) },
	{ "resolve-ms", "T", "fake: link to ServicesResolved (0)", KIND_NUMBER,
	  AT(fake.resolve_ms) },
	{ "disconnect-ms", "T", "fake: Device1.Disconnect (2000)", KIND_NUMBER,
	  AT(fake.disconnect_ms) },
	{ "mgmt-lag-ms", "T", "fake: MGMT's end of a link to D-Bus's (27)", KIND_NUMBER,
	  AT(fake.mgmt_lag_ms) },
	{ "gatt-ms", "T", "fake: an ATT request (0)", KIND_NUMBER, AT(fake.gatt_ms) },
	{ "att-timeout-ms", "T", "fake: one without an answer (30000)", KIND_NUMBER,
	  AT(fake.att_timeout_ms) },
	{ "temporary-ms", "T", "fake: until unused devices vanish (30000)", KIND_NUMBER,
	  AT(fake.temporary_ms) },
	{ "rescan-ms", "T", "fake: between two reports of a device (10240)", KIND_NUMBER,
	  AT(fake.rescan_ms) },
	{ "advert-ms", "T", "fake: between adverts (100)", KIND_NUMBER, AT(fake.advert_ms) },
	{ "start-race", "on|off", "fake: two first StartDiscovery are lost (on)", KIND_SWITCH,
	  AT(fake.start_race) },
	{ "experimental", NULL, "fake: what bluetoothd -E has", KIND_FLAG, AT(fake.experimental) },
	{ "device-found", NULL, "fake: MGMT Device Found events", KIND_FLAG,
	  AT(fake.device_found) },
	{ "help", NULL, "this text", KIND_FLAG, 0 },
	{ "version", NULL, "the version", KIND_FLAG, 0 },
};

_printf_(1, 2) static int complain(const char *format, ...)
{
	va_list ap;

	(void)fputs("bleherd-sim: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputs("; see --help\n", stderr);
	return -EINVAL;
}

static int help(void)
{
	(void)puts(
		"usage: bleherd-sim --dbus ADDRESS [--mgmt PATH] [options]\n"
		"       bleherd-sim --vhci [options]\n\n"
		"Simulated Bluetooth LE adapters and peripherals: as a fake bluetoothd and MGMT,\n"
		"or as controllers for the real ones.\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char left[48];

		(void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
			       rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		(void)printf("  %-30s %s\n", left, rows[i].help);
	}
	return OPTIONS_HELP;
}

static int parse_number(const struct row *row, const char *text, uint64_t max, uint64_t *out)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end || errno || value > max)
		return complain("--%s wants a number up to %llu, not '%s'", row->name,
				(unsigned long long)max, text);
	*out = value;
	return 0;
}

static int apply(struct options *options, const struct row *row, const char *text)
{
	void *at = (char *)options + row->offset;
	uint64_t number = 0;
	int r;

	switch (row->kind) {
	case KIND_NUMBER:
		/* Milliseconds, mostly: a day and more is a mistake. */
		r = parse_number(row, text, 1000000000, &number);
		if (r == 0)
			*(unsigned *)at = (unsigned)number;
		return r;
	case KIND_SEED:
		return parse_number(row, text, UINT64_MAX, at);
	case KIND_TEXT:
		*(const char **)at = text;
		return 0;
	case KIND_FLAG:
		*(bool *)at = true;
		return 0;
	case KIND_SWITCH:
		if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
			return complain("--%s wants on or off, not '%s'", row->name, text);
		*(bool *)at = text[1] == 'n';
		return 0;
	}
	return -EINVAL;
}

/* Rows without a place in the options. Outcomes as of options_parse(). */
static int apply_special(struct options *options _unused_, const struct row *row)
{
	if (strcmp(row->name, "help") == 0)
		return help();
	if (strcmp(row->name, "version") == 0) {
		(void)puts("bleherd-sim " BLEHERD_VERSION);
		return OPTIONS_HELP;
	}
	return 0; /* real-times: see options_parse() */
}

static int apply_all(struct options *options, int argc, char **argv)
{
	struct option table[ARRAY_LEN(rows) + 1] = { 0 };
	int index = -1, c, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		table[i].name = rows[i].name;
		table[i].has_arg = rows[i].value ? required_argument : no_argument;
		table[i].val = 1;
	}
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, ":", table, &index)) != -1) {
		if (c == ':')
			return complain("%s wants a value", argv[optind - 1]);
		if (c == '?')
			return complain("unknown option '%s'", argv[optind - 1]);
		r = rows[index].offset || rows[index].kind != KIND_FLAG
			    ? apply(options, &rows[index], optarg)
			    : apply_special(options, &rows[index]);
	}
	if (r == 0 && optind < argc)
		return complain("unexpected '%s'", argv[optind]);
	return r;
}

static int check(const struct options *options)
{
	if (!options->fake.bus_address && !options->vhci)
		return complain("nothing to do: --dbus ADDRESS or --vhci");
	if (options->fake.bus_address && options->vhci)
		return complain("--dbus and --vhci exclude one another");
	if (options->fake.mgmt_path && !options->fake.bus_address)
		return complain("--mgmt needs --dbus");
	if ((options->faults_wait || options->fault_log) && !options->faults)
		return complain("--faults-wait and --fault-log need --faults");
	if (options->model.adapters > MODEL_ADAPTERS_MAX)
		return complain("--adapters wants 0 to %d", MODEL_ADAPTERS_MAX);
	if (options->model.devices > MODEL_DEVICES_MAX)
		return complain("--devices wants 0 to %d", MODEL_DEVICES_MAX);
	if (options->model.notify_ms < 1 || options->fake.advert_ms < 1)
		return complain("--notify-ms and --advert-ms want 1 or more");
	return 0;
}

int options_parse(struct options *out, int argc, char **argv)
{
	struct options options = {
		.model = { .adapters = 1, .devices = 1, .seed = 1, .notify_ms = 200 },
		.fake = fake_options_fast,
	};
	int r;

	/* Found first, so that what is said besides changes it wherever it stands. */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--real-times") == 0)
			options.fake = fake_options_real;
	}
	r = apply_all(&options, argc, argv);
	if (r == 0)
		r = check(&options);
	if (r != 0)
		return r;
	options.radio.connect_ms = options.fake.connect_ms;
	options.radio.links = options.fake.links;
	*out = options;
	return 0;
}
