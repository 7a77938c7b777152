/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/main.c - bleherd(1): parses the command line, runs one command, makes its end an exit status.
 */
#include "ipc/client/cli/cli.h"

#include <fcntl.h>
#include <locale.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "ipc/clock.h"

/*
 * With stdout closed the socket to the daemon would become descriptor 1 and be sent our tables.
 * Read-only: a write to it fails and is reported as for any other stdout.
 */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static void set_locale(void)
{
	(void)setlocale(LC_CTYPE, "");
	/* Under cron and in containers nobody chose ASCII; names of devices are UTF-8. */
	if (strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

static int open_signals(struct cli *cli)
{
	sigset_t set;

	cli->was_pipe_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &cli->old_mask) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A mistake is reported as --json wants it also where it comes before that word. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

static int check_arguments(struct cli *cli)
{
	const struct cli_command *command = cli->command;

	if (cli->n_args < command->min_args)
		return cli_usage(cli, "it takes %s", command->usage);
	if (cli->n_args > command->max_args)
		return cli_usage(cli, "'%.60s' is one argument too many",
				 cli->args[command->max_args]);
	return 0;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	char error[200];
	int used;
	int r;

	if (cli->command->own_args > 0)
		r = options_parse_own(&cli->opt, cli_options_of(cli->command),
				      cli->command->own_args, argc, argv, &used, error);
	else
		r = options_parse(&cli->opt, cli_options_of(cli->command), false, argc, argv, &used,
				  error);
	if (r < 0)
		return cli_usage(cli, "%s", error);
	cli->out.is_json = cli->opt.given[OPTION_JSON];
	if (cli->opt.given[OPTION_HELP]) {
		help_command(cli->out.stream, cli->command);
		return CLI_DONE;
	}
	cli->args = argv + used;
	cli->n_args = argc - used;
	r = check_arguments(cli);
	if (r != 0)
		return r;
	cli_use_adapter(cli);
	return cli->command->run(cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
	char error[200];
	int used;
	int r;

	cli->out.is_json = wants_json(argc, argv);
	r = options_parse(&cli->opt, OPTIONS_COMMON | OPTION_BIT(VERSION), true, argc, argv, &used,
			  error);
	if (r < 0)
		return cli_usage(cli, "%s", error);
	if (cli->opt.given[OPTION_VERSION]) {
		(void)fputs("bleherd " BLEHERD_VERSION "\n", cli->out.stream);
		return CLI_DONE;
	}
	if (cli->opt.given[OPTION_HELP]) {
		help_overview(cli->out.stream);
		return CLI_DONE;
	}
	if (used == argc && cli->out.is_json)
		return cli_usage(cli, "a command is wanted");
	if (used == argc) {
		help_overview(stderr);
		return CLI_USAGE;
	}
	cli->command = cli_find_command(argv[used]);
	if (!cli->command)
		return cli_unknown_command(cli, argv[used]);
	return run_command(cli, argc - used, argv + used);
}

int main(int argc, char **argv)
{
	struct cli cli = { .start_at_ms = clock_now_ms() };
	int status;

	fill_standard_fds();
	set_locale();
	cli.signal_fd = open_signals(&cli);
	if (cli.signal_fd < 0 || out_init(&cli.out, cli.signal_fd) < 0) {
		(void)fprintf(stderr, "bleherd: cannot start: %s\n", strerror(errno));
		return CLI_FAILED;
	}
	status = run(&cli, argc, argv);
	cli_close(&cli);
	out_progress_end(&cli.out);
	out_flush(&cli.out);
	if (cli.out.error != 0 && status == CLI_DONE)
		status = cli_stop_status(&cli);
	out_clear(&cli.out);
	(void)close(cli.signal_fd);
	return status;
}
