/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/config.c - INI text, line by line, into values; what a whole reading must hold. */
#include "supervisor/config.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/config_state.h"
#include "supervisor/nearest.h"

static const char PROFILE[] = "profile";
static const char DEVICE[] = "device";
static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf";
static const char ACCESS[] = "access";

/* --- what is wrong --- */

uint32_t config_here(const struct parse *parse)
{
	return parse->n_names << 16 | (parse->line & 0xffff);
}

static void print_place(const struct parse *parse, uint32_t where, char *out, size_t size)
{
	const char *name = where >> 16 ? parse->names[(where >> 16) - 1] : "configuration";

	if (where & 0xffff)
		(void)snprintf(out, size, "%.250s:%u", name, where & 0xffff);
	else
		(void)snprintf(out, size, "%.250s", name);
}

/* What does not fit is counted, and told by config_end(). */
static void add_error(struct parse *parse, uint32_t where, const char *text)
{
	char place[280];
	size_t left = CONFIG_ERROR_LEN - parse->error_len;

	parse->n_errors++;
	if (parse->n_errors > CONFIG_ERRORS_MAX ||
	    left < sizeof(place) + CONFIG_ERROR_LINE_LEN + 64)
		return;
	print_place(parse, where, place, sizeof(place));
	parse->error_len += (size_t)snprintf(parse->error + parse->error_len, left, "%s%s: %s",
					     parse->error_len > 0 ? "\n" : "", place, text);
}

static void _printf_(3, 0)
	fail_list(struct parse *parse, uint32_t where, const char *format, va_list args)
{
	char text[CONFIG_ERROR_LINE_LEN];

	parse->is_handled = true;
	(void)vsnprintf(text, sizeof(text), format, args);
	add_error(parse, where, text);
}

int config_fail_at(struct parse *parse, uint32_t where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_list(parse, where, format, args);
	va_end(args);
	return 0;
}

int config_fail(struct parse *parse, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_list(parse, config_here(parse), format, args);
	va_end(args);
	return 0;
}

/* --- names --- */

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
	} NAMED[] = { { PROFILE, "profile NAME" },
		      { DEVICE, "device WHO" },
		      { ACCESS, "access NAME" } };
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

const struct key *config_key_nearest(const char *section, const char *name)
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

/* What follows "profile " or "device "; NULL: it is no section of that kind. */
static const char *name_in(const char *section, const char *kind)
{
	const size_t len = strlen(kind);

	if (strncmp(section, kind, len) != 0 || (section[len] != '\0' && section[len] != ' '))
		return NULL;
	section += len;
	return section + strspn(section, " ");
}

/* --- lines --- */

/* What is wrong with a section is wrong with each of its lines. */
static int fail_once(struct parse *parse, const char *error)
{
	bool is_told = strcmp(error, parse->last) == 0;

	(void)snprintf(parse->last, sizeof(parse->last), "%s", error);
	return is_told ? 0 : config_fail(parse, "%s", error);
}

static int set_profile(struct parse *parse, const char *profile, const char *name,
		       const char *value)
{
	char error[PROFILE_ERROR_LEN];
	char line[CONFIG_PROFILE_LINE_LEN];
	size_t i;

	if (profiles_set(&parse->config->profiles, profile, name, value, error) < 0)
		return fail_once(parse, error);
	(void)snprintf(line, sizeof(line), "%s %s", profile, name);
	for (i = 0; i < parse->n_given; i++)
		if (strcmp(parse->given[i], line) == 0)
			return config_fail(parse, "%s is given twice; keep one", name);
	assert(parse->n_given < CONFIG_PROFILE_LINES_MAX);
	memcpy(parse->given[parse->n_given++], line, sizeof(line));
	return 1;
}

static int set_device(struct parse *parse, const char *who, const char *name, const char *value)
{
	char error[DEVICE_RULES_ERROR_LEN];

	parse->config->devices.mark = config_here(parse);
	if (device_rules_set(&parse->config->devices, who, name, value, error) < 0)
		return fail_once(parse, error);
	return 1;
}

static int set_access(struct parse *parse, const char *rule, const char *name, const char *value)
{
	char error[ACCESS_ERROR_LEN];

	parse->config->access.mark = config_here(parse);
	if (access_set(&parse->config->access, rule, name, value, error) < 0)
		return fail_once(parse, error);
	return 1;
}

static int set_key(struct parse *parse, const char *section, const char *name, const char *value)
{
	const struct key *key = config_key_nearest(section, name);

	if (!key || strcmp(key->name, name) != 0)
		return config_fail(parse, "key %s is not known in [%s]; the nearest is %s", name,
				   section, key ? key->name : "none");
	if (parse->is_given[key - CONFIG_KEYS])
		return config_fail(parse, "%s is given twice; keep one", name);
	parse->is_given[key - CONFIG_KEYS] = true;
	return config_set(parse, key, value);
}

/* inih's handler: 1 goes on, 0 is an error (it reads on). */
static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *parse = user;

	parse->is_handled = true;
	if (parse->is_unknown)
		return 0;
	if (section[0] == '\0')
		return config_fail(parse, "%s stands before any section; begin with [daemon]",
				   name);
	section = parse->section;
	if (name_in(section, PROFILE))
		return set_profile(parse, name_in(section, PROFILE), name, value);
	if (name_in(section, DEVICE))
		return set_device(parse, name_in(section, DEVICE), name, value);
	if (name_in(section, ACCESS))
		return set_access(parse, name_in(section, ACCESS), name, value);
	return set_key(parse, section, name, value);
}

static void note_section(struct parse *parse, const char *line)
{
	const char *end = strchr(line, ']');
	const char *rest;

	if (!end)
		return;
	(void)snprintf(parse->section, sizeof(parse->section), "%.*s", (int)(end - line - 1),
		       line + 1);
	parse->is_handled = true;
	parse->last[0] = '\0';
	rest = end + 1 + strspn(end + 1, " \t\r");
	if (*rest != '\0' && *rest != ';' && *rest != '#')
		(void)config_fail(parse, "something follows the section [%s]; begin a new line",
				  parse->section);
	parse->is_unknown = !is_section(parse->section) && !name_in(parse->section, PROFILE) &&
			    !name_in(parse->section, DEVICE) && !name_in(parse->section, ACCESS);
	if (parse->is_unknown)
		(void)config_fail(parse, "section [%s] is not known; the nearest is [%s]",
				  parse->section, nearest_section(parse->section));
}

/* A carriage return at the end is that of an editor; others would hide what a line says. */
static bool is_text(struct parse *parse, const char *line, size_t len)
{
	size_t i;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	for (i = 0; i < len; i++) {
		if (line[i] == '\t' || !iscntrl((unsigned char)line[i]))
			continue;
		(void)config_fail(parse, "a control character (0x%02x) at byte %zu; delete it",
				  (unsigned char)line[i], i + 1);
		return false;
	}
	return true;
}

/* inih says of a line that it cannot be read only by its number, and of the first alone. */
static void finish_line(struct parse *parse)
{
	if (!parse->is_handled)
		(void)config_fail(parse, "cannot be read; a line is [section] or key = value");
}

static void begin_line(struct parse *parse, const char *line, size_t len, char *out, size_t size)
{
	size_t most = CONFIG_LINE_BYTES - 3;

	if (most > size - 2)
		most = size - 2;
	out[0] = '\0';
	parse->is_handled = true;
	if (len > most) {
		(void)config_fail(parse, "the line has %zu bytes; at most %zu", len, most);
		return;
	}
	if (!is_text(parse, line, len))
		return;
	/* Indented, inih would take it for more of the value before. */
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	memcpy(out, line, len);
	out[len] = '\0';
	parse->is_handled = strchr("#;\r", out[0]) != NULL;
	if (out[0] == '[')
		note_section(parse, out);
}

/* fgets() over the text; counts lines, since Debian's inih does not tell them to the handler. */
static char *next_line(char *line, int size, void *user)
{
	struct parse *parse = user;
	size_t len;

	finish_line(parse);
	if (parse->at[0] == '\0')
		return NULL;
	len = strcspn(parse->at, "\n");
	parse->line++;
	begin_line(parse, parse->at, len, line, (size_t)size);
	parse->at += len;
	if (parse->at[0] == '\n')
		parse->at++;
	return line;
}

/* --- a whole reading --- */

void config_begin(struct parse *out, struct config *config, char error[CONFIG_ERROR_LEN])
{
	memset(out, 0, sizeof(*out));
	out->config = config;
	out->error = error;
	error[0] = '\0';
}

void config_add_name(struct parse *parse, const char *name)
{
	assert(parse->n_names < ARRAY_LEN(parse->names));
	parse->names[parse->n_names++] = name;
	parse->line = 0;
	parse->section[0] = '\0';
	parse->is_unknown = false;
	parse->is_handled = true;
	memset(parse->is_given, 0, sizeof(parse->is_given));
	parse->n_given = 0;
	parse->last[0] = '\0';
	device_rules_next_file(&parse->config->devices);
	access_next_file(&parse->config->access);
}

void config_add(struct parse *parse, const char *name, const char *text)
{
	config_add_name(parse, name);
	parse->at = text;
	if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		parse->at += strlen(BYTE_ORDER_MARK);
	if (ini_parse_stream(next_line, parse, on_value, parse) < 0)
		(void)config_fail(parse, "out of memory; try again");
}

static uint32_t where(const struct parse *parse, const char *section, const char *name)
{
	return parse->where[config_key_nearest(section, name) - CONFIG_KEYS];
}

/* Of two that do not fit together: the later one. */
static uint32_t later(const struct parse *parse, const char *section, const char *a, const char *b)
{
	uint32_t at_a = where(parse, section, a);
	uint32_t at_b = where(parse, section, b);

	return at_a > at_b ? at_a : at_b;
}

static void check_whole(struct parse *parse)
{
	const struct config *c = parse->config;
	char error[DEVICE_RULES_ERROR_LEN];
	uint32_t at;

	if (c->restart_base_ms > c->restart_max_ms)
		(void)config_fail_at(parse,
				     later(parse, "workers", "restart_base_ms", "restart_max_ms"),
				     "restart_base_ms is above restart_max_ms; exchange them");
	if (c->retry_base_ms > c->retry_max_ms)
		(void)config_fail_at(parse, later(parse, "retry", "backoff_ms", "backoff_max_ms"),
				     "backoff_ms is above backoff_max_ms; exchange them");
	if (!profiles_find(&c->profiles, c->profiles.chosen))
		(void)config_fail_at(parse, where(parse, "escalation", "profile"),
				     "profile = %s is not known; add [profile %s]",
				     c->profiles.chosen, c->profiles.chosen);
	if (device_rules_check(&c->devices, &c->profiles, &at, error) < 0)
		(void)config_fail_at(parse, at, "%s", error);
	if (access_check(&c->access, &at, error) < 0)
		(void)config_fail_at(parse, at, "%s", error);
	if (c->rescue_bluetoothd[0] != '/' && strcmp(c->rescue_bluetoothd, "systemd") != 0 &&
	    strcmp(c->rescue_bluetoothd, "never") != 0)
		(void)config_fail_at(
			parse, where(parse, "rescue", "bluetoothd"),
			"bluetoothd = %s is not known; one of systemd, never, /path/to/program",
			c->rescue_bluetoothd);
}

int config_end(struct parse *parse)
{
	uint32_t told;

	/* What follows from single mistakes is not told, too. */
	if (parse->n_errors == 0)
		check_whole(parse);
	if (parse->n_errors == 0)
		return 0;
	told = parse->n_errors > CONFIG_ERRORS_MAX ? CONFIG_ERRORS_MAX : parse->n_errors;
	if (parse->n_errors > told)
		(void)snprintf(parse->error + parse->error_len, CONFIG_ERROR_LEN - parse->error_len,
			       "\nand %u more; mend these first", parse->n_errors - told);
	return -EINVAL;
}

int config_parse(struct config *config, const char *text, const char *name,
		 char out_error[CONFIG_ERROR_LEN])
{
	struct parse parse;

	config_begin(&parse, config, out_error);
	config_add(&parse, name, text);
	return config_end(&parse);
}
