/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What the supervisor passes anyway; for those who start lockd by hand. */
enum {
	AGE_STEP_MS = 5000,
	FOREIGN_SLOTS = 2,	/* bleak-connection-manager's max_slots */
	FOREIGN_YIELD_MS = 300, /* its programs try every 150 ms, for a scan every 250 ms */
	HOLD_MS = 60000,
	SCAN_HOLD_MS = 30000,
	HOLD_TOTAL_MS = 600000,
	GRACE_MS = 2000,
	DIRTY_MS = 2000,
	PER_USER = 256,
	MS_MAX = 3600000,
};

static const char USAGE[] =
	"bleherd-lockd --dir DIR [--own-dir DIR] --connect-slots N --scan-slots N --parent PID "
	"--log-level error|warn|info|debug [--settle-ms T] [--age-step-ms T] [--foreign-slots N] "
	"[--foreign-yield-ms T] [--hold-ms RECOVERY,INTERACTIVE,CONNECT,SCAN,BACKGROUND] "
	"[--hold-total-ms T] [--grace-ms T] [--dirty-ms T] [--per-user N]";

static const struct {
	const char *name;
	const char *number;
	enum log_level level;
} LEVELS[] = {
	{ "error", "3", LOG_LEVEL_ERROR },
	{ "warn", "4", LOG_LEVEL_WARN },
	{ "info", "6", LOG_LEVEL_INFO },
	{ "debug", "7", LOG_LEVEL_DEBUG },
};

static int parse_level(const char *text, enum log_level *out_level)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (strcmp(text, LEVELS[i].name) != 0 && strcmp(text, LEVELS[i].number) != 0)
			continue;
		*out_level = LEVELS[i].level;
		return 0;
	}
	return -EINVAL;
}

static int parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *out_number)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return -EINVAL;
	*out_number = (uint32_t)value;
	return 0;
}

static int parse_text(const char *value, const char **out)
{
	*out = value;
	return value[0] != '\0' ? 0 : -EINVAL;
}

/* A number of each class, in their order. */
static int parse_holds(const char *text, uint32_t out_ms[SLOTQ_CLASSES])
{
	char copy[128];
	char *rest = copy;
	unsigned i;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (i = 0; i < SLOTQ_CLASSES; i++) {
		const char *one = strsep(&rest, ",");

		if (!one || parse_number(one, 1, MS_MAX, &out_ms[i]) < 0)
			return -EINVAL;
	}
	return rest ? -EINVAL : 0;
}

enum {
	OPT_DIR,
	OPT_OWN_DIR,
	OPT_LEVEL,
	OPT_HOLD,
	OPT_PARENT,
	OPT_NUMBERS, /* the rest: a row of NUMBERS */
};

#define NUMBER(option, field, lo, hi)                                                              \
	{                                                                                          \
		option, offsetof(struct options, field), lo, hi                                    \
	}

static const struct {
	const char *name;
	size_t offset;
	uint32_t min;
	uint32_t max;
} NUMBERS[] = {
	NUMBER("connect-slots", counts.of[RESOURCE_CONNECT], 1, RESOURCE_COUNT_MAX),
	NUMBER("scan-slots", counts.of[RESOURCE_SCAN], 1, RESOURCE_COUNT_MAX),
	NUMBER("settle-ms", settle_ms, 0, MS_MAX),
	NUMBER("age-step-ms", limits.age_step_ms, 0, MS_MAX),
	NUMBER("foreign-slots", foreign_slots, 0, RESOURCE_COUNT_MAX),
	NUMBER("foreign-yield-ms", limits.foreign_yield_ms, 0, MS_MAX),
	NUMBER("hold-total-ms", limits.hold_total_ms, 0, MS_MAX),
	NUMBER("grace-ms", limits.grace_ms, 0, MS_MAX),
	NUMBER("dirty-ms", limits.dirty_ms, 0, MS_MAX),
	NUMBER("per-user", limits.per_user, 1, 1024),
};

static int parse_one(int opt, const char *value, struct options *o)
{
	uint32_t number = 0;
	size_t i;
	int r;

	switch (opt) {
	case OPT_DIR:
		return parse_text(value, &o->dir);
	case OPT_OWN_DIR:
		return parse_text(value, &o->own_dir);
	case OPT_LEVEL:
		return parse_level(value, &o->level);
	case OPT_HOLD:
		return parse_holds(value, o->limits.hold_ms);
	case OPT_PARENT:
		r = parse_number(value, 1, INT32_MAX, &number);
		o->parent = (pid_t)number;
		return r;
	default:
		i = (size_t)opt - OPT_NUMBERS;
		return parse_number(value, NUMBERS[i].min, NUMBERS[i].max,
				    (uint32_t *)(void *)((char *)o + NUMBERS[i].offset));
	}
}

enum { OPTIONS_MAX = OPT_NUMBERS + (int)ARRAY_LEN(NUMBERS) };

static void fill_table(struct option table[OPTIONS_MAX + 1])
{
	static const char *const names[OPT_NUMBERS] = {
		[OPT_DIR] = "dir",	[OPT_OWN_DIR] = "own-dir", [OPT_LEVEL] = "log-level",
		[OPT_HOLD] = "hold-ms", [OPT_PARENT] = "parent",
	};
	int i;

	for (i = 0; i < OPTIONS_MAX; i++)
		table[i] = (struct option){
			.name = i < OPT_NUMBERS ? names[i] : NUMBERS[i - OPT_NUMBERS].name,
			.has_arg = required_argument,
			.val = i,
		};
	table[OPTIONS_MAX] = (struct option){ 0 };
}

static const struct options DEFAULTS = {
	.counts = { .of = { [RESOURCE_CONNECT] = 1, [RESOURCE_SCAN] = 1 } },
	.level = LOG_LEVEL_INFO,
	.foreign_slots = FOREIGN_SLOTS,
	.limits.foreign_yield_ms = FOREIGN_YIELD_MS,
	.limits.age_step_ms = AGE_STEP_MS,
	.limits.hold_ms = { HOLD_MS, HOLD_MS, HOLD_MS, SCAN_HOLD_MS, SCAN_HOLD_MS },
	.limits.hold_total_ms = HOLD_TOTAL_MS,
	.limits.grace_ms = GRACE_MS,
	.limits.dirty_ms = DIRTY_MS,
	.limits.per_user = PER_USER,
};

int options_parse(int argc, char **argv, struct options *out_options, char out_why[OPTIONS_WHY_LEN])
{
	struct option table[OPTIONS_MAX + 1];
	struct options o = DEFAULTS;
	const char *culprit = "--dir is missing";
	int index = 0;
	int opt;

	fill_table(table);
	opterr = 0;
	optind = 0;
	for (;;) {
		opt = getopt_long(argc, argv, "", table, &index);
		if (opt == -1)
			break;
		if (opt != '?' && parse_one(opt, optarg, &o) == 0)
			continue;
		if (opt == '?')
			(void)snprintf(out_why, OPTIONS_WHY_LEN, "bad argument %s; right is: %s",
				       argv[optind - 1], USAGE);
		else
			(void)snprintf(out_why, OPTIONS_WHY_LEN, "bad --%s `%s`; right is: %s",
				       table[index].name, optarg, USAGE);
		return -EINVAL;
	}
	if (optind < argc)
		culprit = argv[optind];
	if (optind < argc || !o.dir) {
		(void)snprintf(out_why, OPTIONS_WHY_LEN, "bad arguments, %s; right is: %s", culprit,
			       USAGE);
		return -EINVAL;
	}
	*out_options = o;
	return 0;
}

int options_open_dir(const struct options *options, int *out_fd, char out_why[OPTIONS_WHY_LEN])
{
	int fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) < 0)
		r = -errno;
	if (r == 0) {
		*out_fd = fd;
		return 0;
	}
	(void)close_fd(fd);
	(void)snprintf(out_why, OPTIONS_WHY_LEN,
		       "slot directory %s: %s; it must exist and be readable, in tmpfiles.d: "
		       "`d %s 0775 root bleherd`",
		       options->dir, strerrordesc_np(-r), options->dir);
	return r;
}
