/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/main.c - bleherdd: arguments and configuration, then daemon_run(). Never daemonises.
 *
 * Status: 0 asked to stop, 2 usage, 70 internal, 72 a role's binary is missing, 73 the runtime
 * directory or socket cannot be made, 75 another bleherdd is running, 78 configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/log.h"
#include "supervisor/daemon.h"
#include "supervisor/instance.h"
#include "supervisor/nearest.h"
#include "supervisor/privileges.h"
#include "supervisor/slot_dir.h"

enum {
	STATUS_USAGE = 2,
	STATUS_INTERNAL = 70,
	STATUS_NO_BINARY = 72,
	STATUS_NO_RUNTIME = 73,
	STATUS_RUNNING = 75,
	STATUS_CONFIG = 78,
};

static const char USAGE[] =
	"usage: bleherdd [options]\n"
	"\n"
	"Shares the Bluetooth LE adapters of this machine among programs; stays in the foreground.\n"
	"\n"
	"  --config FILE    configuration (/etc/bleherd/bleherd.conf; need not exist)\n"
	"  --check-config   say what is wrong with the configuration, all of it, and end\n"
	"  --socket PATH    public socket, over configuration and $BLEHERD_SOCKET\n"
	"  --version        print the version and end\n"
	"  --help           this\n"
	"\n"
	"Beside FILE, conf.d/*.conf is read. SIGHUP reads all of it anew and keeps the sessions.\n"
	"Environment: BLEHERD_SECTION_KEY for each key (BLEHERD_DAEMON_LOG_LEVEL), over the files;\n"
	"BLEHERD_SOCKET, BLEHERD_LOCK_DIR, DBUS_SYSTEM_BUS_ADDRESS, BLEHERD_LIBEXEC (folder of\n"
	"bleherd-worker and bleherd-lockd).\n"
	"Status: 0 asked to stop, 2 usage, 70 internal error, 72 a binary is missing, 73 runtime\n"
	"directory or socket cannot be made, 75 another bleherdd is running, 78 configuration.\n";

enum { OPT_CONFIG = 'c', OPT_CHECK = 'k', OPT_SOCKET = 's', OPT_VERSION = 'V', OPT_HELP = 'h' };

static const struct option OPTIONS[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

struct options {
	const char *config; /* NULL: the default, which may be absent */
	const char *socket;
	bool is_check;
	bool is_done; /* it was --help or --version */
};

static const char *nearest_option(const char *word)
{
	const size_t n = ARRAY_LEN(OPTIONS) - 1; /* the last one ends them */

	return OPTIONS[nearest_index(word, &OPTIONS[0].name, n, sizeof(OPTIONS[0]))].name;
}

static int usage_error(const char *word, bool lacks_value)
{
	const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : word;

	if (lacks_value)
		(void)fprintf(stderr, "bleherdd: %s needs a value; see --help\n", word);
	else
		(void)fprintf(stderr, "bleherdd: unknown argument %s; did you mean --%s?\n", word,
			      nearest_option(name));
	return STATUS_USAGE;
}

static int parse_options(int argc, char **argv, struct options *out)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", OPTIONS, NULL)) != -1)
		switch (c) {
		case OPT_CONFIG:
			out->config = optarg;
			break;
		case OPT_CHECK:
			out->is_check = true;
			break;
		case OPT_SOCKET:
			out->socket = optarg;
			break;
		case OPT_VERSION:
			(void)printf("bleherdd %s\n", BLEHERD_VERSION);
			out->is_done = true;
			return 0;
		case OPT_HELP:
			(void)fputs(USAGE, stdout);
			out->is_done = true;
			return 0;
		default:
			return usage_error(argv[optind - 1], c == ':');
		}
	return optind < argc ? usage_error(argv[optind], false) : 0;
}

/* 0, or the status to end with. */
static int read_config(struct config_reading *reading, const struct config_sources *sources)
{
	pid_t pid = config_reading_begin(reading, sources);
	char *rest = reading->report.error;
	char *line;

	if (pid < 0 || waitpid(pid, NULL, 0) != pid || !reading->is_whole) {
		(void)fputs("bleherdd: the process that reads the configuration died\n", stderr);
		return STATUS_INTERNAL;
	}
	if (reading->result == 0)
		return 0;
	while ((line = strsep(&rest, "\n")))
		(void)fprintf(stderr, "bleherdd: %s\n", line);
	return STATUS_CONFIG;
}

/* What is ours to read is not our children's. */
static void clean_environment(void)
{
	static const char *const OURS[] = { "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(OURS); i++)
		(void)unsetenv(OURS[i]);
}

static int serve(struct config_reading *reading, const struct config_sources *sources)
{
	static const int STATUS[] = {
		[INSTANCE_RUNNING] = STATUS_RUNNING,
		[INSTANCE_NO_RUNTIME] = STATUS_NO_RUNTIME,
	};
	const struct config *config = &reading->config;
	struct instance instance = INSTANCE_INIT;
	char slots[SLOT_DIR_WHY_LEN];
	char why[INSTANCE_WHY_LEN];
	int r;

	r = instance_open(&instance, config, why);
	if (r != 0) {
		(void)fprintf(stderr, "bleherdd: %s\n", why);
		instance_close(&instance);
		return STATUS[r];
	}
	clean_environment();
	/* No reason to end: workers go on without an arbiter, one attempt at a time each. */
	if (slot_dir_check(config->lock_dir, slots) < 0)
		(void)fprintf(stderr, "bleherdd: no arbiter: %s\n", slots);
	r = privileges_drop();
	if (r < 0)
		(void)fprintf(stderr, "bleherdd: cannot drop privileges: %s\n", strerror(-r));
	else
		r = daemon_run(reading, sources, take_fd(&instance.listen_fd));
	instance_close(&instance);
	if (r == 0)
		return EXIT_SUCCESS;
	return r == -ENOENT ? STATUS_NO_BINARY : STATUS_INTERNAL;
}

int main(int argc, char **argv)
{
	struct options options = { .config = NULL };
	struct config_sources sources;
	struct config_reading *reading;
	int r;

	r = parse_options(argc, argv, &options);
	if (r != 0 || options.is_done)
		return r;
	sources = (struct config_sources){
		.path = options.config,
		.socket = options.socket,
		.environment = environ,
	};
	if (config_reading_new(&reading) < 0)
		return STATUS_INTERNAL;
	r = read_config(reading, &sources);
	if (r != 0)
		return r;
	if (options.is_check) {
		(void)printf("bleherdd: the configuration is right: %s\n",
			     reading->report.read[0] != '\0' ? reading->report.read
							     : "the defaults, no file");
		return EXIT_SUCCESS;
	}
	log_setup("bleherdd", (enum log_level)reading->config.log_level);
	log_join_journal();
	return serve(reading, &sources);
}
