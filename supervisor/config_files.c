/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/config_files.c - all that a configuration is read from, in its order. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "supervisor/config_state.h"
#include "supervisor/nearest.h"

static const char DEFAULT_PATH[] = "/etc/bleherd/bleherd.conf";
static const char FOLDER[] = "conf.d";
static const char DEFAULT_BUS[] = "unix:path=/run/dbus/system_bus_socket";
static const char PREFIX[] = "BLEHERD_";

/* What looks like one of ours and is for programs: contrib/sim/world gives it to them. */
static const char *const NOT_OURS[] = { "BLEHERD_DAEMON_PID" };

enum { PATH_LEN = 4096, ENV_NAME_LEN = 64 };

struct reading {
	struct parse parse;
	struct config_report *report;
	char *paths[CONFIG_FILES_MAX]; /* of conf.d */
	size_t n_paths;
	char text[CONFIG_FILE_MAX];
};

static void note(struct reading *reading, const char *what)
{
	char *read = reading->report->read;
	size_t len = strlen(read);

	(void)snprintf(read + len, CONFIG_READ_LEN - len, "%s%s", len > 0 ? ", " : "", what);
}

/* --- files --- */

static int read_all(const char *path, char *buffer, size_t size, size_t *out_len)
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
	*out_len = len;
	return 0;
}

static uint32_t lines_before(const char *text, size_t len)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static int add_file(struct reading *reading, const char *path, bool may_lack)
{
	struct parse *parse = &reading->parse;
	size_t len = 0;
	int r = read_all(path, reading->text, sizeof(reading->text), &len);

	if (r == -ENOENT && may_lack)
		return 0;
	if (r < 0) {
		config_add_name(parse, path);
		return config_fail(parse,
				   "cannot be read: %s; give a readable text file of less than "
				   "%d bytes",
				   strerror(-r), CONFIG_FILE_MAX);
	}
	if (strlen(reading->text) < len) {
		config_add_name(parse, path);
		parse->line = 1 + lines_before(reading->text, strlen(reading->text));
		return config_fail(parse, "a byte of zero; give a text file, in UTF-8");
	}
	config_add(parse, path, reading->text);
	note(reading, path);
	return 0;
}

/* --- conf.d --- */

static int is_wanted(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

/* Whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_entries(struct reading *reading, const char *folder, struct dirent **entries,
			size_t n)
{
	size_t i;

	/* The main file and the environment have names, too. */
	if (n > CONFIG_FILES_MAX - 2) {
		config_add_name(&reading->parse, folder);
		(void)config_fail(&reading->parse, "%zu files; at most %d", n,
				  CONFIG_FILES_MAX - 2);
		return;
	}
	for (i = 0; i < n; i++) {
		char **path = &reading->paths[reading->n_paths];

		if (asprintf(path, "%s/%s", folder, entries[i]->d_name) < 0)
			*path = NULL;
		else
			reading->n_paths++;
		(void)add_file(reading, *path ? *path : folder, false);
	}
}

static void add_folder(struct reading *reading, const char *folder)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_wanted, by_name);
	int i;

	if (n < 0 && errno != ENOENT) {
		config_add_name(&reading->parse, folder);
		(void)config_fail(&reading->parse, "cannot be read: %s; make it readable, or away",
				  strerror(errno));
	}
	if (n < 0)
		return;
	add_entries(reading, folder, entries, (size_t)n);
	for (i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

/* --- the environment --- */

static void print_variable(const char *section, const char *name, char out[ENV_NAME_LEN])
{
	char *c;

	(void)snprintf(out, ENV_NAME_LEN, "%s%s_%s", PREFIX, section, name);
	for (c = out; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
}

/* One of ours that does not exist: it begins with a section's name. */
static bool is_meant(const char *name)
{
	char start[ENV_NAME_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(NOT_OURS); i++)
		if (strcmp(NOT_OURS[i], name) == 0)
			return false;
	for (i = 0; i < CONFIG_KEYS_LEN; i++) {
		print_variable(CONFIG_KEYS[i].section, "", start);
		if (strncmp(name, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

/* Without what they all begin with: words are compared up to NEAREST_WORD_MAX. */
static void complain(struct parse *parse, const char *name)
{
	const size_t skip = strlen(PREFIX);
	char best[ENV_NAME_LEN] = "";
	char one[ENV_NAME_LEN];
	size_t i;

	for (i = 0; i < CONFIG_KEYS_LEN; i++) {
		print_variable(CONFIG_KEYS[i].section, CONFIG_KEYS[i].name, one);
		if (best[0] == '\0' || nearest_distance(name + skip, one + skip) <
					       nearest_distance(name + skip, best + skip))
			memcpy(best, one, sizeof(best));
	}
	(void)config_fail(parse, "no such variable; the nearest is %s", best);
}

/* Whether it was one. */
static bool add_variable(struct parse *parse, char *name, const char *value)
{
	char one[ENV_NAME_LEN];
	size_t i;

	parse->names[parse->n_names - 1] = name;
	for (i = 0; i < CONFIG_KEYS_LEN; i++) {
		print_variable(CONFIG_KEYS[i].section, CONFIG_KEYS[i].name, one);
		if (strcmp(name, one) != 0)
			continue;
		(void)config_set(parse, &CONFIG_KEYS[i], value);
		return true;
	}
	if (is_meant(name))
		complain(parse, name);
	return false;
}

/* The older names, and the option: $BLEHERD_SOCKET is also where programs look. */
static bool add_path(struct parse *parse, const char *name, const char *key, const char *value)
{
	const struct key *found;

	if (!value || value[0] == '\0')
		return false;
	parse->names[parse->n_names - 1] = name;
	found = config_key_nearest(strcmp(key, "dir") == 0 ? "locks" : "daemon", key);
	(void)config_set(parse, found, value);
	return true;
}

static const char *variable(char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

static void add_environment(struct reading *reading, const struct config_sources *sources)
{
	struct parse *parse = &reading->parse;
	char *const *environment = sources->environment;
	char *const *entry;
	bool is_used = false;
	char name[ENV_NAME_LEN];

	for (entry = environment; entry && *entry; entry++) {
		size_t len = strcspn(*entry, "=");

		if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0 || len >= sizeof(name) ||
		    (*entry)[len] == '\0')
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, *entry);
		is_used |= add_variable(parse, name, *entry + len + 1);
	}
	is_used |= add_path(parse, "BLEHERD_SOCKET", "socket",
			    variable(environment, "BLEHERD_SOCKET"));
	is_used |= add_path(parse, "BLEHERD_LOCK_DIR", "dir",
			    variable(environment, "BLEHERD_LOCK_DIR"));
	(void)add_path(parse, "--socket", "socket", sources->socket);
	if (is_used)
		note(reading, "environment");
}

/* Only where nothing else says which bus. */
static void add_bus(struct parse *parse, char *const *environment)
{
	const char *bus = variable(environment, "DBUS_SYSTEM_BUS_ADDRESS");

	if (parse->config->bus[0] != '\0')
		return;
	if (!bus || bus[0] == '\0')
		bus = DEFAULT_BUS;
	parse->names[parse->n_names - 1] = "DBUS_SYSTEM_BUS_ADDRESS";
	(void)config_set(parse, config_key_nearest("bluez", "bus"), bus);
}

/* --- the whole --- */

int config_read(const struct config_sources *sources, struct config *out,
		struct config_report *out_report)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	const char *path = sources->path ? sources->path : DEFAULT_PATH;
	const char *slash = strrchr(path, '/');
	char folder[PATH_LEN];
	size_t i;
	int r;

	*out_report = (struct config_report){ .error = "" };
	if (!reading) {
		(void)snprintf(out_report->error, CONFIG_ERROR_LEN, "out of memory; try again");
		return -ENOMEM;
	}
	reading->report = out_report;
	config_defaults(out);
	config_begin(&reading->parse, out, out_report->error);
	(void)add_file(reading, path, !sources->path);
	(void)snprintf(folder, sizeof(folder), "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path,
		       FOLDER);
	add_folder(reading, folder);
	config_add_name(&reading->parse, "environment");
	add_environment(reading, sources);
	add_bus(&reading->parse, sources->environment);
	reading->parse.names[reading->parse.n_names - 1] = "environment";
	r = config_end(&reading->parse);
	for (i = 0; i < reading->n_paths; i++)
		free(reading->paths[i]);
	free(reading);
	return r;
}
