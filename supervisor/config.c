/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/config.h"

#include <ctype.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/log.h"
#include "ipc/workarounds.h"
#include "supervisor/config_keys.h"
#include "supervisor/nearest.h"

/* libinih cuts longer lines without a word and reads the rest as another line. */
enum { LINE_MAX_BYTES = 200 };

enum { PROFILE_LINES_MAX = 5 * PROFILES_MAX, PROFILE_LINE_LEN = PROFILE_NAME_LEN + 24 };

static const char PROFILE[] = "profile";
static const char DEVICE[] = "device";

static const char DEFAULT_BUS[] = "unix:path=/run/dbus/system_bus_socket";

static const struct {
	const char *name;
	enum log_level level;
} LEVELS[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

struct parse {
	struct config *config;
	const char *name;
	const char *at; /* the rest of the text */
	unsigned line;
	char section[LINE_MAX_BYTES]; /* inih cuts it at 49 bytes: a UUID is too long for it */
	bool has_failed;
	bool is_given[CONFIG_KEYS_LEN];
	size_t n_given; /* lines of profiles */
	char given[PROFILE_LINES_MAX][PROFILE_LINE_LEN];
	char *error;
};

/* Only the first error is told: the others often follow from it. */
static int _printf_(2, 3) fail(struct parse *parse, const char *format, ...)
{
	va_list args;
	int n;

	if (parse->has_failed)
		return 0;
	parse->has_failed = true;
	n = snprintf(parse->error, CONFIG_ERROR_LEN, "%s:%u: ", parse->name, parse->line);
	if (n < 0 || n >= CONFIG_ERROR_LEN)
		return 0;
	va_start(args, format);
	(void)vsnprintf(parse->error + n, CONFIG_ERROR_LEN - (size_t)n, format, args);
	va_end(args);
	return 0;
}

static bool is_section(const char *name)
{
	size_t i;

	for (i = 0; i < CONFIG_KEYS_LEN; i++)
		if (strcmp(CONFIG_KEYS[i].section, name) == 0)
			return true;
	return false;
}

static const char *nearest_section(const char *section)
{
	static const struct {
		const char *word;
		const char *shown;
	} NAMED[] = { { PROFILE, "profile NAME" }, { DEVICE, "device WHO" } };
	const char *best = CONFIG_KEYS[0].section;
	char word[32];
	unsigned least;
	size_t i;

	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(section, " "), section);
	least = nearest_distance(word, best);
	for (i = 1; i < CONFIG_KEYS_LEN; i++) {
		if (nearest_distance(word, CONFIG_KEYS[i].section) >= least)
			continue;
		best = CONFIG_KEYS[i].section;
		least = nearest_distance(word, best);
	}
	for (i = 0; i < ARRAY_LEN(NAMED); i++) {
		if (nearest_distance(word, NAMED[i].word) >= least)
			continue;
		best = NAMED[i].shown;
		least = nearest_distance(word, NAMED[i].word);
	}
	return best;
}

static const struct key *nearest_key(const char *section, const char *name)
{
	const struct key *best = NULL;
	size_t i;

	for (i = 0; i < CONFIG_KEYS_LEN; i++) {
		if (strcmp(CONFIG_KEYS[i].section, section) != 0)
			continue;
		if (!best || nearest_distance(name, CONFIG_KEYS[i].name) <
				     nearest_distance(name, best->name))
			best = &CONFIG_KEYS[i];
	}
	return best;
}

static bool parse_number(const char *text, int base, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno != 0 || *end != '\0' || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static int set_text(struct parse *parse, const struct key *key, const char *value)
{
	char *to = (char *)parse->config + key->offset;

	if (strlen(value) >= key->max)
		return fail(parse, "%s is too long; at most %u bytes", key->name, key->max - 1);
	if (value[0] == '\0' && key->kind == KIND_PATH_OR_NONE) {
		to[0] = '\0';
		return 1;
	}
	if (value[0] == '\0')
		return fail(parse, "%s is empty; give a value or delete the line", key->name);
	if (key->kind != KIND_TEXT && value[0] != '/')
		return fail(parse, "%s = %s is no absolute path; begin it with /", key->name,
			    value);
	memcpy(to, value, strlen(value) + 1);
	return 1;
}

static int set_level(struct parse *parse, const struct key *key, const char *value)
{
	size_t i;

	(void)key;
	for (i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (strcmp(LEVELS[i].name, value) != 0)
			continue;
		parse->config->log_level = LEVELS[i].level;
		return 1;
	}
	return fail(parse, "log_level = %s is not known; one of error, warn, info, debug", value);
}

static int set_scan_mode(struct parse *parse, const char *value)
{
	bool is_passive = strcmp(value, "passive") == 0;

	if (!is_passive && strcmp(value, "active") != 0)
		return fail(parse, "mode = %s is not known; one of active, passive", value);
	parse->config->is_passive = is_passive;
	return 1;
}

static int set_number(struct parse *parse, const struct key *key, const char *value)
{
	const char *form = key->kind == KIND_MODE ? "an octal mode such as 0660" : "a number";
	uint32_t number;

	if (!parse_number(value, key->kind == KIND_MODE ? 8 : 10, &number))
		return fail(parse, "%s = %s cannot be read; give %s", key->name, value, form);
	if (number < key->min || number > key->max)
		return fail(parse,
			    key->kind == KIND_MODE ? "%s = %s is out of range; from %o to %o"
						   : "%s = %s is out of range; from %u to %u",
			    key->name, value, key->min, key->max);
	memcpy((char *)parse->config + key->offset, &number, sizeof(number));
	return 1;
}

static int set_switch(struct parse *parse, const struct key *key, const char *value)
{
	uint32_t *bits = &parse->config->workarounds;
	bool is_on = strcmp(value, "yes") == 0;

	if (!is_on && strcmp(value, "no") != 0)
		return fail(parse, "%s = %s is neither yes nor no; give one of them", key->name,
			    value);
	*bits = is_on ? *bits | key->min : *bits & ~key->min;
	return 1;
}

static int set_value(struct parse *parse, const struct key *key, const char *value)
{
	switch (key->kind) {
	case KIND_PATH:
	case KIND_PATH_OR_NONE:
	case KIND_TEXT:
		return set_text(parse, key, value);
	case KIND_SWITCH:
		return set_switch(parse, key, value);
	case KIND_LEVEL:
		return set_level(parse, key, value);
	case KIND_SCAN_MODE:
		return set_scan_mode(parse, value);
	case KIND_NUMBER:
	case KIND_MODE:
		return set_number(parse, key, value);
	}
	return 0;
}

/* What follows "profile " or "device "; NULL: it is no section of that kind. */
static const char *name_in(const char *section, const char *kind)
{
	const size_t len = strlen(kind);

	if (strncmp(section, kind, len) != 0 || (section[len] != '\0' && section[len] != ' '))
		return NULL;
	section += len;
	return section + strspn(section, " ");
}

static int set_profile(struct parse *parse, const char *profile, const char *name,
		       const char *value)
{
	char error[PROFILE_ERROR_LEN];
	char line[PROFILE_LINE_LEN];
	size_t i;

	if (profiles_set(&parse->config->profiles, profile, name, value, error) < 0)
		return fail(parse, "%s", error);
	(void)snprintf(line, sizeof(line), "%s %s", profile, name);
	for (i = 0; i < parse->n_given; i++)
		if (strcmp(parse->given[i], line) == 0)
			return fail(parse, "%s is given twice; keep one", name);
	assert(parse->n_given < PROFILE_LINES_MAX);
	memcpy(parse->given[parse->n_given++], line, sizeof(line));
	return 1;
}

static int set_device(struct parse *parse, const char *who, const char *name, const char *value)
{
	char error[DEVICE_RULES_ERROR_LEN];

	if (device_rules_set(&parse->config->devices, who, name, value, error) < 0)
		return fail(parse, "%s", error);
	return 1;
}

/* inih's handler: 1 goes on, 0 is an error (it reads on, but nothing more is told). */
static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *parse = user;
	const struct key *key;

	if (section[0] == '\0')
		return fail(parse, "%s stands before any section; begin with [daemon]", name);
	section = parse->section;
	if (name_in(section, PROFILE))
		return set_profile(parse, name_in(section, PROFILE), name, value);
	if (name_in(section, DEVICE))
		return set_device(parse, name_in(section, DEVICE), name, value);
	if (!is_section(section))
		return fail(parse, "section [%s] is not known; the nearest is [%s]", section,
			    nearest_section(section));
	key = nearest_key(section, name);
	if (!key || strcmp(key->name, name) != 0)
		return fail(parse, "key %s is not known in [%s]; the nearest is %s", name, section,
			    key ? key->name : "none");
	/* Also what inih makes of a continuation line. */
	if (parse->is_given[key - CONFIG_KEYS])
		return fail(parse, "%s is given twice; keep one", name);
	parse->is_given[key - CONFIG_KEYS] = true;
	return set_value(parse, key, value);
}

static void note_section(struct parse *parse, const char *line)
{
	const char *end;

	line += strspn(line, " \t");
	end = line[0] == '[' ? strchr(line, ']') : NULL;
	if (end)
		(void)snprintf(parse->section, sizeof(parse->section), "%.*s",
			       (int)(end - line - 1), line + 1);
}

/* fgets() over the text; counts lines, since Debian's inih does not tell them to the handler. */
static char *next_line(char *line, int size, void *user)
{
	struct parse *parse = user;
	size_t len;

	if (parse->at[0] == '\0' || parse->has_failed)
		return NULL;
	len = strcspn(parse->at, "\n");
	parse->line++;
	if (len > LINE_MAX_BYTES - 3 || len > (size_t)size - 2) {
		(void)fail(parse, "the line has %zu bytes; at most %d", len, LINE_MAX_BYTES - 3);
		return NULL;
	}
	memcpy(line, parse->at, len);
	line[len] = '\0';
	note_section(parse, line);
	parse->at += len;
	if (parse->at[0] == '\n')
		parse->at++;
	return line;
}

static int check_whole(struct parse *parse)
{
	const struct config *c = parse->config;
	char error[DEVICE_RULES_ERROR_LEN];

	if (c->restart_base_ms > c->restart_max_ms)
		(void)fail(parse, "restart_base_ms is above restart_max_ms; exchange them");
	if (c->retry_base_ms > c->retry_max_ms)
		(void)fail(parse, "backoff_ms is above backoff_max_ms; exchange them");
	if (!profiles_find(&c->profiles, c->profiles.chosen))
		(void)fail(parse, "profile = %s is not known; add [profile %s]", c->profiles.chosen,
			   c->profiles.chosen);
	if (device_rules_check(&c->devices, &c->profiles, error) < 0)
		(void)fail(parse, "%s", error);
	if (c->rescue_bluetoothd[0] != '/' && strcmp(c->rescue_bluetoothd, "systemd") != 0 &&
	    strcmp(c->rescue_bluetoothd, "never") != 0)
		(void)fail(parse,
			   "bluetoothd = %s is not known; one of systemd, never, /path/to/program",
			   c->rescue_bluetoothd);
	return parse->has_failed ? -EINVAL : 0;
}

int config_parse(struct config *config, const char *text, const char *name,
		 char out_error[CONFIG_ERROR_LEN])
{
	struct parse parse = { .config = config, .name = name, .at = text, .error = out_error };
	int r;

	r = ini_parse_stream(next_line, &parse, on_value, &parse);
	if (r > 0 && !parse.has_failed) {
		parse.line = (unsigned)r;
		(void)fail(&parse, "cannot be read; a line is [section] or key = value");
	}
	if (r < 0 && !parse.has_failed)
		(void)fail(&parse, "out of memory; try again");
	return check_whole(&parse);
}

static int read_all(const char *path, char *buffer, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, buffer + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
	}
	buffer[len] = '\0';
	return strlen(buffer) == len ? 0 : -EILSEQ;
}

int config_load(struct config *config, const char *path, char out_error[CONFIG_ERROR_LEN])
{
	_cleanup_free_ char *text = malloc(CONFIG_FILE_MAX);
	int r;

	r = text ? read_all(path, text, CONFIG_FILE_MAX) : -ENOMEM;
	if (r < 0) {
		(void)snprintf(out_error, CONFIG_ERROR_LEN,
			       "%s:0: cannot be read: %s; give a readable text file of less than "
			       "%d bytes",
			       path, strerror(-r), CONFIG_FILE_MAX);
		return r;
	}
	return config_parse(config, text, path, out_error);
}

static int override(char *to, size_t size, const char *name, const char *value, char *error)
{
	if (!value || value[0] == '\0')
		return 0;
	if (strlen(value) >= size || value[0] != '/') {
		(void)snprintf(error, CONFIG_ERROR_LEN,
			       "%s: not usable; an absolute path of at most %zu bytes", name,
			       size - 1);
		return -EINVAL;
	}
	memcpy(to, value, strlen(value) + 1);
	return 0;
}

int config_override(struct config *config, const char *socket, const char *lock_dir,
		    const char *bus, char out_error[CONFIG_ERROR_LEN])
{
	int r;

	r = override(config->socket, sizeof(config->socket), "socket path", socket, out_error);
	if (r == 0)
		r = override(config->lock_dir, sizeof(config->lock_dir), "BLEHERD_LOCK_DIR",
			     lock_dir, out_error);
	if (r < 0 || config->bus[0] != '\0')
		return r;
	if (!bus || bus[0] == '\0')
		bus = DEFAULT_BUS;
	if (strlen(bus) >= sizeof(config->bus)) {
		(void)snprintf(out_error, CONFIG_ERROR_LEN,
			       "DBUS_SYSTEM_BUS_ADDRESS: too long; at most %zu bytes",
			       sizeof(config->bus) - 1);
		return -EINVAL;
	}
	memcpy(config->bus, bus, strlen(bus) + 1);
	return 0;
}
