/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/options.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

_printf_(1, 2) static int complain(const char *format, ...)
{
	va_list ap;

	(void)fputs("bleherd-soak: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputs("; see --help\n", stderr);
	return -EINVAL;
}

static int help(void)
{
	(void)puts(
		"usage: bleherd-soak [options]\n"
		"       bleherd-soak report DIR\n"
		"       bleherd-soak compare DIR DIR... [-o FILE]\n"
		"       bleherd-soak --list\n"
		"\n"
		"Lets clients of every kind use bleherd while faults happen, and judges all the\n"
		"time whether it keeps its promises. Needs no Bluetooth.\n"
		"\n"
		"  --face F       fake: a fake bluetoothd (default); lab: the real kernel and\n"
		"                 bluetoothd on virtual radios (contrib/lab/README.md)\n"
		"  --plan P       the faults: a name from --list (everything), or a file\n"
		"  --clients N    1 to 100 (20); all kinds are there from 8 on\n"
		"  --duration T   such as 30s, 2min, 1h (2min)\n"
		"  --seed S       repeats the faults of a run (random)\n"
		"  --report DIR   report.html and report.json go there (soak-report)\n"
		"  --before CMD   sh runs CMD in the world first; if it fails, no more\n"
		"  --list         the plans\n"
		"  --help         this text\n"
		"\n"
		"  report DIR     make DIR/report.html again from DIR/report.json\n"
		"  compare A B    up to four runs side by side: a table, or with -o FILE a page\n"
		"\n"
		"Status: 0 all promises held; 1 one was broken (the run stops, and says which);\n"
		"2 usage; 70 the world could not be built.");
	return OPTIONS_HELP;
}

static int parse_number(const char *name, const char *text, uint32_t max, uint32_t *out)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || value > max)
		return complain("%s wants a number up to %u, not '%.40s'", name, max, text);
	*out = (uint32_t)value;
	return 0;
}

static int parse_duration(const char *text, int64_t *out_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} UNITS[] = { { "s", 1000 },	{ "", 1000 },	{ "ms", 1 },
		      { "min", 60000 }, { "m", 60000 }, { "h", 3600000 } };
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	for (size_t i = 0; isdigit((unsigned char)text[0]) && !errno && i < ARRAY_LEN(UNITS); i++) {
		if (strcmp(end, UNITS[i].unit) != 0 || value > 1000000)
			continue;
		*out_ms = (int64_t)value * UNITS[i].ms;
		/* A run that is over before anybody had time for a request says nothing. */
		if (*out_ms >= 5000 && *out_ms <= INT64_C(86400000))
			return 0;
	}
	return complain("--duration wants 5s to 24h, such as 90s or 2min, not '%.40s'", text);
}

static int parse_face(const char *text, bool *out_is_lab)
{
	if (strcmp(text, "fake") != 0 && strcmp(text, "lab") != 0)
		return complain("--face is fake or lab, not '%.40s'", text);
	*out_is_lab = text[0] == 'l';
	return 0;
}

static int parse_value(struct options *o, const char *name, const char *value)
{
	int r;

	if (strcmp(name, "--face") == 0)
		return parse_face(value, &o->is_lab);
	if (strcmp(name, "--plan") == 0 || strcmp(name, "--report") == 0) {
		*(name[2] == 'p' ? &o->plan : &o->dir) = value;
		return *value ? 0 : complain("%s wants a name", name);
	}
	if (strcmp(name, "--before") == 0) {
		o->before = value;
		return *value ? 0 : complain("--before wants a command");
	}
	if (strcmp(name, "--duration") == 0)
		return parse_duration(value, &o->duration_ms);
	if (strcmp(name, "--seed") == 0)
		return parse_number(name, value, UINT32_MAX, &o->seed);
	if (strcmp(name, "--client") == 0) {
		o->mode = OPTIONS_CLIENT;
		return parse_number(name, value, OPTIONS_CLIENTS_MAX, &o->number);
	}
	r = parse_number(name, value, OPTIONS_CLIENTS_MAX, &o->clients);
	if (r == 0 && o->clients == 0)
		return complain("--clients wants at least one");
	return r;
}

static bool takes_value(const char *name)
{
	static const char *const NAMES[] = { "--face", "--plan",   "--clients", "--duration",
					     "--seed", "--report", "--client",	"--before" };

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (strcmp(name, NAMES[i]) == 0)
			return true;
	return false;
}

/* report DIR; compare DIR DIR... [-o FILE] */
static int parse_verb(struct options *o, int argc, char **argv)
{
	bool is_report = strcmp(argv[1], "report") == 0;

	o->mode = is_report ? OPTIONS_REPORT : OPTIONS_COMPARE;
	for (int i = 2; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
			return help();
		if (!is_report && strcmp(word, "-o") == 0 && i + 1 < argc)
			o->out = argv[++i];
		else if (word[0] == '-')
			return complain("%s has no such option: %.60s", argv[1], word);
		else if (o->n_runs == OPTIONS_RUNS_MAX)
			return complain("%s takes at most %d runs; '%.60s' is one more", argv[1],
					OPTIONS_RUNS_MAX, word);
		else
			o->runs[o->n_runs++] = word;
	}
	if (is_report && o->n_runs != 1)
		return complain("report wants one DIR");
	if (!is_report && o->n_runs < 2)
		return complain("compare wants 2 to %d DIRs", OPTIONS_RUNS_MAX);
	return 0;
}

static int parse_one(struct options *o, char **argv, int *at)
{
	const char *name = argv[*at], *equals = strchr(name, '=');
	_cleanup_free_ char *copy = NULL;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help();
	if (strcmp(name, "--list") == 0 || strcmp(name, "--inside") == 0) {
		o->mode = name[2] == 'l' ? OPTIONS_LIST : OPTIONS_INSIDE;
		return 0;
	}
	copy = strndup(name, equals ? (size_t)(equals - name) : strlen(name));
	if (!copy)
		return -ENOMEM;
	if (!takes_value(copy))
		return complain(name[0] == '-' ? "no such option: %.60s"
					       : "'%.60s' is no option, nor report or compare",
				name);
	if (equals)
		return parse_value(o, copy, equals + 1);
	if (!argv[*at + 1])
		return complain("%s needs a value", name);
	(*at)++;
	return parse_value(o, copy, argv[*at]);
}

int options_parse(struct options *out, int argc, char **argv)
{
	struct options o = { .mode = OPTIONS_RUN,
			     .plan = "everything",
			     .clients = OPTIONS_CLIENTS,
			     .duration_ms = OPTIONS_DURATION_MS,
			     .dir = "soak-report" };

	if (getrandom(&o.seed, sizeof(o.seed), 0) != (ssize_t)sizeof(o.seed))
		return -EIO;
	/* Short enough to be typed again. */
	o.seed %= 1000000;
	if (argc > 1 && (strcmp(argv[1], "report") == 0 || strcmp(argv[1], "compare") == 0)) {
		int r = parse_verb(&o, argc, argv);

		if (r == 0)
			*out = o;
		return r;
	}
	for (int i = 1; i < argc; i++) {
		int r = parse_one(&o, argv, &i);

		if (r != 0)
			return r;
	}
	*out = o;
	return 0;
}
