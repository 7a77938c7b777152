/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/options.h"

#include <getopt.h>
#include <string.h>

#include "ipc/client/cli/words.h"

enum { ERROR_LEN = 200, LONG_BASE = 256 };

static int set_seconds(uint32_t *out_ms, const char *arg)
{
	uint32_t ms;
	int r;

	r = words_parse_seconds(arg, &ms);
	if (r < 0)
		return r;
	if (ms == 0)
		return -ERANGE;
	*out_ms = ms;
	return 0;
}

static int set_timeout(struct options *opt, const char *arg)
{
	return set_seconds(&opt->timeout_ms, arg);
}

static int set_scan(struct options *opt, const char *arg)
{
	return set_seconds(&opt->scan_ms, arg);
}

static int set_duration(struct options *opt, const char *arg)
{
	return set_seconds(&opt->duration_ms, arg);
}

static int set_hold(struct options *opt, const char *arg)
{
	opt->hold_ms = 0;
	return arg ? set_seconds(&opt->hold_ms, arg) : 0;
}

static int set_socket(struct options *opt, const char *arg)
{
	opt->socket = arg;
	return *arg == '\0' ? -EINVAL : 0;
}

static int set_adapter(struct options *opt, const char *arg)
{
	opt->adapter = arg;
	return words_is_adapter(arg) ? 0 : -EINVAL;
}

static int set_service(struct options *opt, const char *arg)
{
	if (opt->n_uuids == OPTIONS_UUIDS_MAX)
		return -E2BIG;
	return bh_parse_uuid(arg, &opt->uuids[opt->n_uuids++]) < 0 ? -EINVAL : 0;
}

/* "gatt", "char:UUID", "read:UUID". */
static int set_validate(struct options *opt, const char *arg)
{
	static const struct {
		const char *prefix;
		enum bh_check_kind kind;
	} KINDS[] = {
		{ "char:", BH_CHECK_CHARACTERISTIC },
		{ "read:", BH_CHECK_READ },
	};
	struct bh_check *check = &opt->checks[opt->n_checks];
	size_t i;

	if (opt->n_checks == BH_CHECKS_MAX)
		return -E2BIG;
	opt->n_checks++;
	*check = (struct bh_check){ .kind = BH_CHECK_GATT };
	if (strcmp(arg, "gatt") == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		size_t len = strlen(KINDS[i].prefix);

		if (strncmp(arg, KINDS[i].prefix, len) != 0)
			continue;
		check->kind = KINDS[i].kind;
		return bh_parse_uuid(arg + len, &check->uuid) < 0 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int set_rssi(struct options *opt, const char *arg)
{
	long number;
	int r;

	r = words_parse_number(arg, -127, -1, &number);
	if (r < 0)
		return r;
	opt->rssi_min_dbm = (int8_t)number;
	return 0;
}

static int set_text(struct options *opt, const char *arg)
{
	opt->text = arg;
	return 0;
}

static int set_number(uint32_t *out, long min, const char *arg)
{
	long number;
	int r;

	r = words_parse_number(arg, min, INT32_MAX, &number);
	if (r < 0)
		return r;
	*out = (uint32_t)number;
	return 0;
}

static int set_count(struct options *opt, const char *arg)
{
	return set_number(&opt->count, 1, arg);
}

static int set_last(struct options *opt, const char *arg)
{
	return set_number(&opt->last, 0, arg);
}

/* Here 0 has a meaning of its own: now or not at all. */
static int set_patience(struct options *opt, const char *arg)
{
	return words_parse_seconds(arg, &opt->timeout_ms);
}

static int set_class(struct options *opt, const char *arg)
{
	static const struct {
		const char *name;
		enum bh_lock_class class;
	} classes[] = {
		{ "interactive", BH_LOCK_INTERACTIVE },
		{ "connect", BH_LOCK_CONNECT },
		{ "scan", BH_LOCK_SCAN },
		{ "background", BH_LOCK_BACKGROUND_SCAN },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(classes); i++) {
		if (strcmp(arg, classes[i].name) != 0)
			continue;
		opt->lock_class = classes[i].class;
		return 0;
	}
	return -EINVAL;
}

static int set_max_hold(struct options *opt, const char *arg)
{
	return set_seconds(&opt->max_hold_ms, arg);
}

static int set_conflict(struct options *opt, const char *arg)
{
	long number;
	int r;

	r = words_parse_number(arg, 0, 255, &number);
	if (r < 0)
		return r;
	opt->conflict_status = (uint32_t)number;
	return 0;
}

/* 0: none. */
static int set_interval(struct options *opt, const char *arg)
{
	enum { DAY_MS = 86400000 };
	int r = words_parse_seconds(arg, &opt->interval_ms);

	return r == 0 && opt->interval_ms > DAY_MS ? -ERANGE : r;
}

static int set_level(struct options *opt, const char *arg)
{
	opt->level = arg;
	return 0;
}

static const struct {
	const char *name;
	char letter;
	int has_arg;
	const char *arg;     /* what the help calls it */
	const char *expects; /* what an error says that it takes */
	int (*set)(struct options *opt, const char *arg);
	const char *help;
} TABLE[] = {
	[OPTION_JSON] = { "json", 'j', no_argument, NULL, NULL, NULL,
			  "one JSON object, or one a line where it is a stream" },
	[OPTION_TIMEOUT] = { "timeout", 't', required_argument, "S", "seconds, such as 2.5",
			     set_timeout, "give up after S seconds" },
	[OPTION_SOCKET] = { "socket", 's', required_argument, "PATH", "a path", set_socket,
			    "the daemon's socket ($BLEHERD_SOCKET)" },
	[OPTION_HELP] = { "help", 'h', no_argument, NULL, NULL, NULL, "this text" },
	[OPTION_VERSION] = { "version", 'V', no_argument, NULL, NULL, NULL, "print the version" },
	[OPTION_ADAPTER] = { "adapter", 'a', required_argument, "hciN", "a name such as hci0",
			     set_adapter, "only this adapter" },
	[OPTION_SCAN] = { "scan", 0, required_argument, "S", "seconds, such as 2.5", set_scan,
			  "listen for S seconds first (2)" },
	[OPTION_CACHED] = { "cached", 'c', no_argument, NULL, NULL, NULL,
			    "do not listen first, only ask the daemon" },
	[OPTION_DURATION] = { "duration", 'd', required_argument, "S", "seconds, such as 2.5",
			      set_duration, "end after S seconds" },
	[OPTION_SERVICE] = { "service", 'u', required_argument, "UUID",
			     "a UUID such as 180f, up to 16 times", set_service,
			     "only devices that advertise this service; may be repeated" },
	[OPTION_RSSI_MIN] = { "rssi-min", 'r', required_argument, "DBM", "dBm from -127 to -1",
			      set_rssi, "only what is heard at least this loud, such as -80" },
	[OPTION_HOLD] = { "hold", 0, optional_argument, "[S]", "seconds, such as 2.5", set_hold,
			  "keep the link until Ctrl-C, or for S seconds" },
	[OPTION_VALIDATE] = { "validate", 0, required_argument, "CHECK",
			      "gatt, char:UUID or read:UUID, up to 8 times", set_validate,
			      "only a link that passes: gatt, char:UUID, read:UUID" },
	[OPTION_EXCLUSIVE] = { "exclusive", 0, no_argument, NULL, NULL, NULL,
			       "for itself alone: requests of others wait" },
	[OPTION_NO_RESPONSE] = { "no-response", 'n', no_argument, NULL, NULL, NULL,
				 "as a command: nobody confirms that it arrived" },
	[OPTION_TEXT] = { "text", 0, required_argument, "STR", "a text", set_text,
			  "write this text instead of HEX" },
	[OPTION_COUNT] = { "count", 'n', required_argument, "N", "a number from 1", set_count,
			   "end after N values or pictures" },
	[OPTION_RECONNECT] = { "reconnect", 0, no_argument, NULL, NULL, NULL,
			       "when the link is lost, connect and subscribe again" },
	[OPTION_FOLLOW] = { "follow", 'f', no_argument, NULL, NULL, NULL,
			    "go on with what comes, until Ctrl-C" },
	[OPTION_LAST] = { "lines", 'n', required_argument, "N", "a number from 0", set_last,
			  "only the last N of what has been" },
	[OPTION_WATCH] = { "watch", 'w', no_argument, NULL, NULL, NULL,
			   "show it again at each change, until Ctrl-C" },
	[OPTION_PATIENCE] = { "timeout", 't', required_argument, "S", "seconds, such as 2.5 or 0",
			      set_patience, "wait no longer than S seconds; 0: only if free now" },
	[OPTION_CLASS] = { "class", 0, required_argument, "C",
			   "interactive, connect, scan or background", set_class,
			   "place in the queue: interactive, connect, scan, background" },
	[OPTION_MAX_HOLD] = { "max-hold", 0, required_argument, "S", "seconds, such as 2.5",
			      set_max_hold, "end CMD when it has had the lock for S seconds" },
	[OPTION_CONFLICT] = { "conflict-exit-code", 'E', required_argument, "N",
			      "a number from 0 to 255", set_conflict,
			      "status when there is no lock, instead of 75" },
	[OPTION_LEVEL] = { "level", 'l', required_argument, "L", "a level such as usb", set_level,
			   "this step only; all (the default) goes from the mildest on" },
	[OPTION_YES] = { "yes", 'y', no_argument, NULL, NULL, NULL, "do not ask" },
	[OPTION_INTERVAL] = { "interval", 'i', required_argument, "S",
			      "seconds, such as 30, at most a day", set_interval,
			      "poll it every S seconds; 0: not at all" },
	[OPTION_FAIL_FAST] = { "fail-fast", 0, no_argument, NULL, NULL, NULL,
			       "fail at once if the daemon's polls of it fail, too" },
	[OPTION_FRESH] = { "fresh", 0, no_argument, NULL, NULL, NULL,
			   "ask the device, also for what is remembered of it" },
	[OPTION_BLUEZ] = { "bluez", 0, no_argument, NULL, NULL, NULL,
			   "bluetoothd forgets the device, too" },
	[OPTION_BOND] = { "bond", 0, no_argument, NULL, NULL, NULL,
			  "with --bluez: also if it is paired, which ends that" },
};

static_assert(ARRAY_LEN(TABLE) == OPTION_END, "every option has a row");
static_assert(OPTION_END <= 32, "options are bits");

struct getopt_tables {
	struct option longs[OPTION_END + 1];
	char letters[3 * OPTION_END + 3];
};

static void fill_tables(struct getopt_tables *out, uint64_t allowed, bool stop)
{
	struct option *option = out->longs;
	char *letter = out->letters;
	int id;

	if (stop)
		*letter++ = '+';
	*letter++ = ':';
	for (id = 0; id < OPTION_END; id++) {
		if (!(allowed >> id & 1))
			continue;
		*option++ = (struct option){ .name = TABLE[id].name,
					     .has_arg = TABLE[id].has_arg,
					     .val = LONG_BASE + id };
		if (TABLE[id].letter == 0)
			continue;
		*letter++ = TABLE[id].letter;
		if (TABLE[id].has_arg == required_argument)
			*letter++ = ':';
	}
	*letter = '\0';
	*option = (struct option){ .name = NULL };
}

static int id_of_letter(uint64_t allowed, int letter)
{
	int id;

	for (id = 0; id < OPTION_END; id++)
		if (allowed >> id & 1 && TABLE[id].letter == letter)
			return id;
	return -1;
}

static void say_unknown(uint64_t allowed, const char *word, char out_error[ERROR_LEN])
{
	char clean[64];
	const char *names[OPTION_END];
	const char *guess = NULL;
	size_t n = 0;
	int id;

	words_clean(word, clean, sizeof(clean));
	for (id = 0; id < OPTION_END; id++)
		if (allowed >> id & 1)
			names[n++] = TABLE[id].name;
	if (strncmp(clean, "--", 2) == 0) {
		clean[strcspn(clean, "=")] = '\0';
		guess = words_suggest(clean + 2, names, n);
	}
	if (guess)
		(void)snprintf(out_error, ERROR_LEN, "no option %s; did you mean --%s?", clean,
			       guess);
	else
		(void)snprintf(out_error, ERROR_LEN, "no option %s here", clean);
}

static int apply(struct options *opt, int id, const char *arg, char out_error[ERROR_LEN])
{
	char clean[64];

	opt->given[id] = true;
	if (!TABLE[id].set || TABLE[id].set(opt, arg) == 0)
		return 0;
	words_clean(arg, clean, sizeof(clean));
	(void)snprintf(out_error, ERROR_LEN, "--%s takes %s, not '%s'", TABLE[id].name,
		       TABLE[id].expects, clean);
	return -EINVAL;
}

/* getopt takes `--hold=5` only; people write `--hold 5`, and no address reads as seconds. */
static const char *optional_word(int id, const char *arg, int argc, char **argv)
{
	uint32_t ms;

	if (TABLE[id].has_arg != optional_argument || arg || optind >= argc)
		return arg;
	if (words_parse_seconds(argv[optind], &ms) < 0)
		return arg;
	return argv[optind++];
}

static int not_known(uint64_t allowed, int c, char **argv, char out_error[ERROR_LEN])
{
	char letter[] = { '-', (char)optopt, '\0' };
	int id = optopt >= LONG_BASE ? optopt - LONG_BASE : id_of_letter(allowed, optopt);

	if (c == ':' && id >= 0 && id < OPTION_END)
		(void)snprintf(out_error, ERROR_LEN, "--%s wants %s", TABLE[id].name,
			       TABLE[id].expects);
	else if (optopt >= LONG_BASE && id < OPTION_END)
		(void)snprintf(out_error, ERROR_LEN, "--%s takes no value", TABLE[id].name);
	else
		say_unknown(allowed, optopt > 0 ? letter : argv[optind - 1], out_error);
	return -EINVAL;
}

int options_parse(struct options *opt, uint64_t allowed, bool stop, int argc, char **argv,
		  int *out_used, char out_error[ERROR_LEN])
{
	struct getopt_tables tables;
	const char *arg;
	int id;
	int c;
	int r;

	fill_tables(&tables, allowed, stop);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		id = c >= LONG_BASE ? c - LONG_BASE : id_of_letter(allowed, c);
		if (c == '?' || c == ':' || id < 0)
			return not_known(allowed, c, argv, out_error);
		arg = optional_word(id, optarg, argc, argv);
		r = apply(opt, id, arg, out_error);
		if (r < 0)
			return r;
	}
	*out_used = optind;
	return 0;
}

int options_parse_own(struct options *opt, uint64_t allowed, int own_args, int argc, char **argv,
		      int *out_used, char out_error[ERROR_LEN])
{
	int at = 0;
	int words = 0;
	int used = 0;
	int i;
	int r;

	for (;;) {
		r = options_parse(opt, allowed, true, argc - at, argv + at, &used, out_error);
		if (r < 0)
			return r;
		at += used;
		if (words == own_args || at >= argc)
			break;
		/* What is behind us has been read: the words gather there. */
		argv[++words] = argv[at];
	}
	for (i = words; i > 0; i--)
		argv[at - words + i - 1] = argv[i];
	*out_used = at - words;
	return 0;
}

void help_line(FILE *stream, const char *left, const char *right)
{
	enum { WIDTH = 23 };

	if (strlen(left) > WIDTH)
		(void)fprintf(stream, "  %s\n  %*s %s\n", left, WIDTH, "", right);
	else
		(void)fprintf(stream, "  %-*s %s\n", WIDTH, left, right);
}

void options_help(FILE *stream, uint64_t allowed)
{
	char left[32];
	char letter[5];
	int id;

	for (id = 0; id < OPTION_END; id++) {
		if (!(allowed >> id & 1))
			continue;
		(void)snprintf(letter, sizeof(letter), "-%c, ", TABLE[id].letter);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", TABLE[id].letter ? letter : "    ",
			       TABLE[id].name, TABLE[id].arg ? " " : "",
			       TABLE[id].arg ? TABLE[id].arg : "");
		help_line(stream, left, TABLE[id].help);
	}
}

const char *options_name(enum option_id id)
{
	return TABLE[id].name;
}
