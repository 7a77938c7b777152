/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cli.c - what every command needs: errors, the connection to the daemon, the loop.
 */
#include "ipc/client/cli/cli.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "ipc/class.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

static const char DEFAULT_SOCKET[] = "/run/bleherd/bleherd.sock";

static int status_of(enum bh_class class)
{
	if (class == BH_CLASS_NO_DAEMON)
		return CLI_NO_DAEMON;
	return class == BH_CLASS_LOCK_TIMEOUT ? CLI_LOCK_TIMEOUT : CLI_FAILED;
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text && *text != '\0')
		(void)json_object_set_new(object, key, out_string(text));
}

static void fail_json(struct cli *cli, const char *class, const char *text, const char *advice)
{
	json_t *object = json_object();
	json_t *error = json_object();

	(void)json_object_set_new(error, "class", out_string(class));
	(void)json_object_set_new(error, "text", out_string(text));
	(void)json_object_set_new(error, "advice", out_string(advice));
	(void)json_object_set_new(object, "error", error);
	set_text(object, "command", cli->command ? cli->command->name : NULL);
	set_text(object, "address", cli->address);
	set_text(object, "uuid", cli->uuid);
	if (cli->has_cost)
		out_timings(object, &cli->cost);
	out_json(&cli->out, object);
	out_flush(&cli->out);
}

/* The one line on stderr; what was printed before it stays before it. */
static void fail_line(struct cli *cli, const char *class, const char *text, const char *advice)
{
	char clean_text[512];
	char clean_advice[256];

	words_clean(text, clean_text, sizeof(clean_text));
	words_clean(advice, clean_advice, sizeof(clean_advice));
	(void)fprintf(stderr, "bleherd: %s%s%s%s%s%s%s\n", cli->command ? cli->command->name : "",
		      cli->command ? ": " : "", class, *class ? ": " : "", clean_text,
		      *clean_advice ? "; " : "", clean_advice);
}

static void say_failure(struct cli *cli, const char *class, const char *text, const char *advice)
{
	out_progress_end(&cli->out);
	out_flush(&cli->out);
	if (cli->out.is_json)
		fail_json(cli, class, text, advice);
	else
		fail_line(cli, class, text, advice);
}

int cli_fail(struct cli *cli, enum bh_class class, const char *text, const char *advice)
{
	say_failure(cli, bh_class_name(class), text && *text ? text : "no reason was given",
		    advice ? advice : "");
	return status_of(class);
}

int cli_usage(struct cli *cli, const char *format, ...)
{
	char text[256];
	char advice[64];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* "did you mean" is advice enough. */
	advice[0] = '\0';
	if (text[0] != '\0' && text[strlen(text) - 1] != '?')
		(void)snprintf(advice, sizeof(advice), "bleherd help%s%s has more",
			       cli->command ? " " : "", cli->command ? cli->command->name : "");
	/* With --json the class says what it is; people see that from the line. */
	say_failure(cli, cli->out.is_json ? "usage" : "", text, advice);
	return CLI_USAGE;
}

int cli_fail_errno(struct cli *cli, int error, const char *what)
{
	char text[160];

	if (error == -ENOTCONN)
		return cli_fail(cli, BH_CLASS_NO_DAEMON, "the daemon has gone",
				class_advice(CLASS_NO_DAEMON));
	(void)snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	return cli_fail(cli, BH_CLASS_INTERNAL, text, "");
}

void cli_note(struct cli *cli, const char *format, ...)
{
	char text[400];
	char clean[400];
	va_list args;

	if (cli->out.is_json)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	words_clean(text, clean, sizeof(clean));
	out_flush(&cli->out);
	out_progress_hide(&cli->out);
	(void)fprintf(stderr, "%s\n", clean);
}

uint64_t cli_grant(void)
{
	const char *text = getenv("BLEHERD_GRANT");
	unsigned long long grant;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	grant = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? grant : 0;
}

void cli_use_adapter(struct cli *cli)
{
	const char *adapter = getenv("BLEHERD_ADAPTER");

	if (!cli->command->uses_radio || cli->opt.adapter || cli_grant() == 0)
		return;
	if (adapter && words_is_adapter(adapter))
		cli->opt.adapter = adapter;
}

int cli_open(struct cli *cli)
{
	const char *path = cli->opt.socket;
	const char *advice = class_advice(CLASS_NO_DAEMON);
	char text[240];
	int r;

	r = bh_new(&cli->client, path, NULL);
	if (r == 0) {
		if (cli->command->uses_radio)
			bh_use_grant(cli->client, cli_grant());
		return 0;
	}
	if (!path)
		path = getenv("BLEHERD_SOCKET");
	if (!path || *path == '\0')
		path = DEFAULT_SOCKET;
	if (r == -EACCES || r == -EPERM)
		advice = "run it as root or as a member of the socket's group";
	if (r == -ENAMETOOLONG)
		advice = "a socket's path holds 107 bytes";
	(void)snprintf(text, sizeof(text), "cannot reach the daemon at %.150s: %s", path,
		       strerror(-r));
	return cli_fail(cli, BH_CLASS_NO_DAEMON, text, advice);
}

static void daemon_json(struct cli *cli, const struct bh_daemon_news *news)
{
	bool is_back = news->event == BH_DAEMON_BACK;
	json_t *object = json_object();

	(void)json_object_set_new(object, "event",
				  json_string(is_back ? "daemon-back" : "daemon-gone"));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)clock_wall_ms()));
	if (is_back)
		(void)json_object_set_new(object, "away_ms", json_integer(news->away_ms));
	set_text(object, "text", news->text);
	out_json(&cli->out, object);
}

static void on_daemon(void *ctx, struct bh_client *client, const struct bh_daemon_news *news)
{
	struct cli *cli = ctx;

	(void)client;
	if (cli->out.is_json)
		daemon_json(cli, news);
	else if (news->event == BH_DAEMON_BACK)
		cli_note(cli, "back after %u ms", news->away_ms);
	else
		cli_note(cli, "the daemon went; waiting");
}

void cli_stay(struct cli *cli)
{
	bh_stay(cli->client, on_daemon, cli);
}

void cli_close(struct cli *cli)
{
	cli->client = bh_free(cli->client);
}

int cli_arg_address(struct cli *cli, const char *text, uint64_t *out_address)
{
	if (bh_parse_address(text, out_address) < 0)
		return cli_usage(cli, "'%.60s' is no address; one looks like C0:AA:BB:00:00:01",
				 text);
	bh_format_address(*out_address, cli->address);
	return 0;
}

int cli_arg_uuid(struct cli *cli, const char *text, struct bh_uuid *out_uuid)
{
	if (bh_parse_uuid(text, out_uuid) < 0)
		return cli_usage(cli,
				 "'%.60s' is no UUID; write 4 or 8 hexadecimal digits or the full "
				 "form with dashes",
				 text);
	bh_format_uuid(out_uuid, cli->uuid);
	return 0;
}

uint32_t cli_timeout_ms(const struct cli *cli, uint32_t default_ms)
{
	return cli->opt.given[OPTION_TIMEOUT] ? cli->opt.timeout_ms : default_ms;
}

static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int sleep_ms(const struct cli *cli, uint64_t until_ms, uint64_t now_ms)
{
	int timeout = out_progress_timeout(&cli->out, now_ms);
	uint32_t left_ms;

	if (cli->client)
		timeout = sooner(timeout, bh_timeout_ms(cli->client));
	if (until_ms == 0)
		return timeout;
	left_ms = clock_left_ms(until_ms, now_ms);
	return sooner(timeout, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
}

int cli_take_signal(struct cli *cli)
{
	struct signalfd_siginfo info = { 0 };

	if (read(cli->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		cli->signal = (int)info.ssi_signo;
	return info.ssi_code;
}

enum cli_wait cli_wait(struct cli *cli, bool (*is_over)(const void *ctx), const void *ctx,
		       uint64_t until_ms)
{
	/* No events are asked of stdout: poll() tells unasked that the reader of a pipe has gone.
	 */
	struct pollfd fds[] = { { .fd = cli->signal_fd, .events = POLLIN },
				{ .fd = STDOUT_FILENO },
				{ .fd = cli->client ? bh_fd(cli->client) : -1, .events = POLLIN },
				{ .fd = cli->wake_fd > 0 ? cli->wake_fd : -1, .events = POLLIN } };
	uint64_t now_ms;
	int r = 0;

	for (;;) {
		out_flush(&cli->out);
		if (cli->signal != 0 || cli->out.error != 0)
			return CLI_WAIT_STOP;
		if (is_over(ctx))
			return CLI_WAIT_OVER;
		if (r == -ENOTCONN)
			return CLI_WAIT_GONE;
		if (fds[3].revents != 0)
			return CLI_WAIT_WOKEN;
		now_ms = clock_now_ms();
		out_progress_tick(&cli->out, now_ms);
		if (until_ms != 0 && now_ms >= until_ms)
			return CLI_WAIT_DEADLINE;
		(void)poll(fds, ARRAY_LEN(fds), sleep_ms(cli, until_ms, now_ms));
		if (fds[0].revents != 0)
			(void)cli_take_signal(cli);
		if (fds[1].revents & (POLLERR | POLLHUP) && cli->out.error == 0)
			cli->out.error = EPIPE;
		r = cli->client ? bh_process(cli->client) : 0;
	}
}

int cli_stop_status(struct cli *cli)
{
	out_progress_end(&cli->out);
	out_frame_end(&cli->out);
	if (cli->signal == 0 && cli->out.error == EINTR)
		(void)cli_take_signal(cli);
	if (cli->signal != 0)
		return 128 + cli->signal;
	/* Whoever closed the pipe knows it: `bleherd events | head`. */
	if (cli->out.error != 0 && cli->out.error != EPIPE)
		fail_line(cli, "cannot write to stdout", strerror(cli->out.error), "");
	return CLI_FAILED;
}

int cli_fail_wait(struct cli *cli, enum cli_wait outcome, const char *what)
{
	char text[160];

	if (outcome == CLI_WAIT_STOP)
		return cli_stop_status(cli);
	if (outcome == CLI_WAIT_GONE)
		return cli_fail_errno(cli, -ENOTCONN, what);
	if (cli->client && !bh_was_answered(cli->client))
		return cli_fail(cli, BH_CLASS_NO_DAEMON,
				"the daemon's socket is there, but it did not answer in time",
				class_advice(CLASS_NO_DAEMON));
	(void)snprintf(text, sizeof(text), "no answer in time: %s", what);
	return cli_fail(cli, BH_CLASS_DEADLINE, text, class_advice(CLASS_DEADLINE));
}
