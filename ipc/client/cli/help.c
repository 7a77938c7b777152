/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/help.c - the table of commands and the help that is made from it. Pure but for cmd_help().
 */
#include "ipc/client/cli/cli.h"

#include <limits.h>
#include <string.h>

#include "ipc/client/cli/words.h"

const struct cli_command CLI_COMMANDS[] = {
	{ .name = "status",
	  .usage = "",
	  .help = "is the daemon there, and what does it serve",
	  .example = "bleherd status --json",
	  .run = cmd_status },
	{ .name = "adapters",
	  .usage = "",
	  .help = "adapters, their workers and what troubles them",
	  .example = "bleherd adapters",
	  .run = cmd_adapters },
	{ .name = "devices",
	  .usage = "",
	  .help = "devices, and how loud each adapter hears them",
	  .more = "It listens first, so that a daemon that has just started has something to show.",
	  .example = "bleherd devices --cached --json",
	  .options = OPTION_BIT(SCAN) | OPTION_BIT(CACHED) | OPTION_BIT(ADAPTER),
	  .run = cmd_devices },
	{ .name = "scan",
	  .usage = "",
	  .help = "adverts as they are heard",
	  .more = "On a terminal a table that is kept up to date, until Ctrl-C; elsewhere one line\n"
		  "an advert, for 10 s unless --duration says otherwise.",
	  .example = "bleherd scan --service 180f --rssi-min -80 --duration 5 --json",
	  .options = OPTION_BIT(DURATION) | OPTION_BIT(SERVICE) | OPTION_BIT(RSSI_MIN) |
		     OPTION_BIT(ADAPTER),
	  .uses_radio = true,
	  .run = cmd_scan },
	{ .name = "connect",
	  .usage = "ADDR",
	  .help = "connect, and say how long each part took",
	  .more = "A link lasts as long as a session uses it: it ends soon after this command does, "
		  "unless\nanother program uses it too. --hold stays.",
	  .example = "bleherd connect C0:AA:BB:00:00:01 --hold 60",
	  .options = OPTION_BIT(HOLD) | OPTION_BIT(VALIDATE) | OPTION_BIT(EXCLUSIVE) |
		     OPTION_BIT(ADAPTER) | OPTION_BIT(FAIL_FAST),
	  .min_args = 1,
	  .max_args = 1,
	  .uses_radio = true,
	  .run = cmd_connect },
	{ .name = "services",
	  .usage = "ADDR",
	  .help = "services and characteristics of a device",
	  .more = "Without a link they come from memory, if the device was connected before:\n"
		  "(cached). --fresh connects.",
	  .example = "bleherd services C0:AA:BB:00:00:01",
	  .options = OPTION_BIT(FRESH) | OPTION_BIT(ADAPTER) | OPTION_BIT(FAIL_FAST),
	  .min_args = 1,
	  .max_args = 1,
	  .uses_radio = true,
	  .run = cmd_services },
	{ .name = "read",
	  .usage = "ADDR UUID",
	  .help = "read a characteristic",
	  .more = "What bleherd.conf(5) calls fixed is read once, and comes from memory then.",
	  .example = "bleherd read C0:AA:BB:00:00:01 2a19",
	  .options = OPTION_BIT(FRESH) | OPTION_BIT(ADAPTER) | OPTION_BIT(FAIL_FAST),
	  .min_args = 2,
	  .max_args = 2,
	  .uses_radio = true,
	  .run = cmd_read },
	{ .name = "write",
	  .usage = "ADDR UUID HEX...",
	  .help = "write a characteristic",
	  .more = "HEX may have blanks or colons between the octets; --text STR stands in for it.",
	  .example = "bleherd write C0:AA:BB:00:00:01 fff3 01:02:ff",
	  .options = OPTION_BIT(NO_RESPONSE) | OPTION_BIT(TEXT) | OPTION_BIT(ADAPTER) |
		     OPTION_BIT(FAIL_FAST),
	  .min_args = 2,
	  .max_args = 2 + 512,
	  .uses_radio = true,
	  .run = cmd_write },
	{ .name = "notify",
	  .usage = "ADDR UUID",
	  .help = "print what a characteristic notifies, one line a value",
	  .more = "Ends with status 1 when the link is lost, unless --reconnect is given. --timeout\n"
		  "is for the time until it is subscribed.",
	  .example = "bleherd notify C0:AA:BB:00:00:01 fff4 --count 10",
	  .options = OPTION_BIT(COUNT) | OPTION_BIT(DURATION) | OPTION_BIT(RECONNECT) |
		     OPTION_BIT(ADAPTER) | OPTION_BIT(FAIL_FAST),
	  .min_args = 2,
	  .max_args = 2,
	  .uses_radio = true,
	  .run = cmd_notify },
	{ .name = "disconnect",
	  .usage = "ADDR",
	  .help = "end a device's link, whoever uses it",
	  .example = "bleherd disconnect C0:AA:BB:00:00:01",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_disconnect },
	{ .name = "events",
	  .usage = "",
	  .help = "what the daemon decided and why",
	  .example = "bleherd events --follow -n 20",
	  .options = OPTION_BIT(FOLLOW) | OPTION_BIT(LAST) | OPTION_BIT(ADAPTER),
	  .run = cmd_events },
	{ .name = "lock",
	  .usage = "ADAPTER RESOURCE [OPTIONS] [--] CMD...",
	  .help = "run a command while no other program uses a radio",
	  .more = "RESOURCE is connect, scan, maintenance or device:ADDR, or several with commas "
		  "between.\nIt waits as long as it takes, unless --timeout says otherwise. The "
		  "lock ends with CMD,\nand CMD with the lock. `bleherd connect` and the like in CMD "
		  "use that lock.\n\nExit status: CMD's, 126 and 127 as a shell's; 75, or N with -E, "
		  "if the lock was\nnot free in time or ended before CMD did.",
	  .example = "bleherd lock hci0 scan --timeout 10 btmon -w scan.log",
	  .options = OPTION_BIT(PATIENCE) | OPTION_BIT(CLASS) | OPTION_BIT(MAX_HOLD) |
		     OPTION_BIT(CONFLICT),
	  .min_args = 3,
	  .max_args = INT_MAX,
	  .own_args = 2,
	  .run = cmd_lock },
	{ .name = "locks",
	  .usage = "",
	  .help = "who holds what, and who waits for it",
	  .example = "bleherd locks --watch",
	  .options = OPTION_BIT(WATCH),
	  .run = cmd_locks },
	{ .name = "doctor",
	  .usage = "",
	  .help = "what is wrong with Bluetooth here, and how to mend it",
	  .more = "It looks at the kernel, bluetoothd, the bus and the daemon, whichever of them are\n"
		  "there, and changes nothing. As root it sees more. Status 0 if nothing failed.",
	  .example = "bleherd doctor",
	  .run = cmd_doctor },
	{ .name = "reset",
	  .usage = "ADAPTER",
	  .help = "reset an adapter that is stuck",
	  .more = "It says whose links and sessions suffer, and asks. Sessions are served again\n"
		  "afterwards, by another adapter meanwhile where one can. Levels, from the mildest\n"
		  "on: power, down-up, usb, rebind; rfkill and bluetoothd where they are the cause.",
	  .example = "bleherd reset hci0 --level usb --yes",
	  .options = OPTION_BIT(LEVEL) | OPTION_BIT(YES),
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_reset },
	{ .name = "strategy",
	  .usage = "ADDR [on-demand|persistent]",
	  .help = "when the daemon keeps a link to a device, or choose it",
	  .more = "on-demand: while a program uses it. persistent: always. What is chosen here holds\n"
		  "until the daemon ends; bleherd.conf(5) says what holds then.",
	  .example = "bleherd strategy C0:AA:BB:00:00:01 persistent --interval 30",
	  .options = OPTION_BIT(INTERVAL),
	  .min_args = 1,
	  .max_args = 2,
	  .run = cmd_strategy },
	{ .name = "clear-cache",
	  .usage = "ADDR",
	  .help = "forget a device's services and fixed values",
	  .more = "They are asked for again when they are wanted next. bluetoothd has a memory of its\n"
		  "own: --bluez removes the device there, unless it is connected or paired.",
	  .example = "bleherd clear-cache C0:AA:BB:00:00:01",
	  .options = OPTION_BIT(BLUEZ) | OPTION_BIT(BOND),
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_clear_cache },
	{ .name = "device",
	  .usage = "ADDR",
	  .help = "how a device is and has been, and who uses it",
	  .more = "State, health, who hears it, sessions, how long things took, and the last changes\n"
		  "of state.",
	  .example = "bleherd device C0:AA:BB:00:00:01 -n 30",
	  .options = OPTION_BIT(LAST),
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_device },
	{ .name = "mark",
	  .usage = "ADDR healthy|unhealthy|unknown",
	  .help = "say how healthy a device is",
	  .more = "It holds until connects and polls show otherwise: three in a row that work make it\n"
		  "healthy, two that fail degraded, five unhealthy.",
	  .example = "bleherd mark C0:AA:BB:00:00:01 unknown",
	  .min_args = 2,
	  .max_args = 2,
	  .run = cmd_mark },
	{ .name = "sessions",
	  .usage = "[ADDR]",
	  .help = "which program has which device, or this one",
	  .example = "bleherd sessions",
	  .max_args = 1,
	  .run = cmd_sessions },
	{ .name = "deaths",
	  .usage = "[N]",
	  .help = "which processes of the daemon died, of what, and what they were doing",
	  .more = "The last 32 at most, or the last N, since the daemon started; those that it had\n"
		  "asked to stop are none.",
	  .example = "bleherd deaths 1",
	  .max_args = 1,
	  .run = cmd_deaths },
	{ .name = "top",
	  .usage = "",
	  .help = "adapters, devices and sessions as they work, until q or Ctrl-C",
	  .more = "Each second a new picture; s sorts the devices otherwise. Without a terminal it is\n"
		  "one picture; with --json one object a second, --count N of them.",
	  .example = "bleherd top --json --count 5",
	  .options = OPTION_BIT(COUNT),
	  .run = cmd_top },
	{ .name = "help",
	  .usage = "[COMMAND]",
	  .help = "how to use a command",
	  .example = "bleherd help notify",
	  .max_args = 1,
	  .run = cmd_help },
	{ .name = NULL },
};

int cli_unknown_command(struct cli *cli, const char *word)
{
	const char *names[ARRAY_LEN(CLI_COMMANDS)];
	const char *guess;
	size_t n;
	char clean[64];

	for (n = 0; CLI_COMMANDS[n].name; n++)
		names[n] = CLI_COMMANDS[n].name;
	words_clean(word, clean, sizeof(clean));
	guess = words_suggest(clean, names, n);
	/* `bleherd help sacn` is a mistake of bleherd's argument, not of help's usage. */
	cli->command = NULL;
	if (guess)
		return cli_usage(cli, "no command '%s'; did you mean '%s'?", clean, guess);
	return cli_usage(cli, "no command '%s'", clean);
}

uint64_t cli_options_of(const struct cli_command *command)
{
	uint64_t common = OPTIONS_COMMON;

	if (command->options & OPTION_BIT(PATIENCE))
		common &= ~OPTION_BIT(TIMEOUT);
	return common | command->options;
}

const struct cli_command *cli_find_command(const char *name)
{
	const struct cli_command *command;

	for (command = CLI_COMMANDS; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

void help_overview(FILE *stream)
{
	const struct cli_command *command;
	char left[64];

	(void)fputs("Usage: bleherd COMMAND [ARGUMENTS] [OPTIONS]\n"
		    "Share this machine's Bluetooth LE adapters with other programs.\n\n",
		    stream);
	for (command = CLI_COMMANDS; command->name; command++) {
		(void)snprintf(left, sizeof(left), "%s %s", command->name, command->usage);
		help_line(stream, left, command->help);
	}
	(void)fputs("\nOptions of every command:\n", stream);
	options_help(stream, OPTIONS_COMMON | OPTION_BIT(VERSION));
	(void)fputs(
		"\n`bleherd help COMMAND` has the rest and an example.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage, 69 no daemon, 75 a lock was not\n"
		"free in time, 130 Ctrl-C.\n",
		stream);
}

void help_command(FILE *stream, const struct cli_command *command)
{
	(void)fprintf(stream, "Usage: bleherd %s%s%s%s\n%c%s.\n", command->name,
		      *command->usage ? " " : "", command->usage,
		      command->own_args > 0 ? "" : " [OPTIONS]",
		      command->help[0] >= 'a' ? command->help[0] - 'a' + 'A' : command->help[0],
		      command->help + 1);
	if (command->more)
		(void)fprintf(stream, "\n%s\n", command->more);
	(void)fputs("\nOptions:\n", stream);
	options_help(stream, cli_options_of(command));
	(void)fprintf(stream, "\nExample: %s\n", command->example);
}

int cmd_help(struct cli *cli)
{
	const struct cli_command *command;

	if (cli->n_args == 0) {
		help_overview(cli->out.stream);
		return CLI_DONE;
	}
	command = cli_find_command(cli->args[0]);
	if (!command)
		return cli_unknown_command(cli, cli->args[0]);
	help_command(cli->out.stream, command);
	return CLI_DONE;
}
