/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
	OPT_DIR = 'd',
	OPT_CONNECT = 'c',
	OPT_SCAN = 's',
	OPT_PARENT = 'p',
	OPT_LEVEL = 'l',
	OPT_SETTLE = 't',
	OPT_AGE = 'a',
};

enum { AGE_STEP_MS = 5000, MS_MAX = 3600000 };

static const char USAGE[] = "bleherd-lockd --dir DIR --connect-slots N --scan-slots N --parent PID "
			    "--log-level error|warn|info|debug [--settle-ms T] [--age-step-ms T]";

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

static int parse_one(int opt, const char *value, struct options *o)
{
	uint32_t number = 0;
	int r;

	switch (opt) {
	case OPT_DIR:
		o->dir = value;
		return value[0] != '\0' ? 0 : -EINVAL;
	case OPT_CONNECT:
		return parse_number(value, 1, RESOURCE_COUNT_MAX, &o->counts.of[RESOURCE_CONNECT]);
	case OPT_SCAN:
		return parse_number(value, 1, RESOURCE_COUNT_MAX, &o->counts.of[RESOURCE_SCAN]);
	case OPT_PARENT:
		r = parse_number(value, 1, INT32_MAX, &number);
		o->parent = (pid_t)number;
		return r;
	case OPT_LEVEL:
		return parse_level(value, &o->level);
	case OPT_SETTLE:
		return parse_number(value, 0, MS_MAX, &o->settle_ms);
	case OPT_AGE:
		return parse_number(value, 0, MS_MAX, &o->age_step_ms);
	default:
		return -EINVAL;
	}
}

int options_parse(int argc, char **argv, struct options *out_options, char out_why[OPTIONS_WHY_LEN])
{
	static const struct option table[] = {
		{ "dir", required_argument, NULL, OPT_DIR },
		{ "connect-slots", required_argument, NULL, OPT_CONNECT },
		{ "scan-slots", required_argument, NULL, OPT_SCAN },
		{ "parent", required_argument, NULL, OPT_PARENT },
		{ "log-level", required_argument, NULL, OPT_LEVEL },
		{ "settle-ms", required_argument, NULL, OPT_SETTLE },
		{ "age-step-ms", required_argument, NULL, OPT_AGE },
		{ 0 },
	};
	struct options o = {
		.counts = { .of = { 1, 1, 1, 1 } },
		.level = LOG_LEVEL_INFO,
		.age_step_ms = AGE_STEP_MS,
	};
	const char *culprit = "--dir is missing";
	int index = 0;
	int opt;

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
