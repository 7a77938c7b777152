/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_lock.c - `bleherd lock`: a command that runs while a radio is ours, in the manner of
 * flock(1).
 *
 * The lock is this process's; CMD has no descriptor of it, and neither has anything that CMD leaves
 * behind. When the lock is revoked CMD is sent SIGTERM, and SIGKILL at the end of the grace or when
 * the lock is lost.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ipc/class.h"
#include "ipc/client/cli/spawn.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum { NAME_LEN = 32 };

struct locking {
	struct cli *cli;
	const char *adapter;
	char names[BH_LOCK_RESOURCES_MAX][NAME_LEN];
	size_t n_names;
	char what[BH_LOCK_RESOURCES_MAX * (NAME_LEN + 2)];
	struct bh_lock *lock;
	struct reply reply;
	struct spawn spawn;
	bool is_over;	     /* the lock, before CMD was */
	uint64_t kill_at_ms; /* 0: not planned */
};

/* --- what is to be locked --- */

static const char *const KINDS[] = { "connect", "scan", "maintenance" };

static int add_name(struct locking *locking, const char *word)
{
	struct cli *cli = locking->cli;
	char *name = locking->names[locking->n_names];
	char address_text[18];
	uint64_t address;
	const char *guess;
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		if (strcmp(word, KINDS[i]) != 0)
			continue;
		(void)snprintf(name, NAME_LEN, "%s:%.8s", KINDS[i], locking->adapter);
		locking->n_names++;
		return 0;
	}
	if (strncmp(word, "device:", strlen("device:")) == 0) {
		if (bh_parse_address(word + strlen("device:"), &address) < 0)
			return cli_usage(cli,
					 "'%.60s' names no device; one looks like "
					 "device:C0:AA:BB:00:00:01",
					 word);
		bh_format_address(address, address_text);
		(void)snprintf(name, NAME_LEN, "device:%s", address_text);
		locking->n_names++;
		return 0;
	}
	guess = words_suggest(word, KINDS, ARRAY_LEN(KINDS));
	if (guess)
		return cli_usage(cli, "no resource '%.60s'; did you mean '%s'?", word, guess);
	return cli_usage(cli,
			 "no resource '%.60s'; there are connect, scan, maintenance and "
			 "device:ADDR",
			 word);
}

/* "connect,device:C0:AA:BB:00:00:01": one set. */
static int parse_resources(struct locking *locking, const char *list)
{
	struct cli *cli = locking->cli;
	char word[64];
	size_t len;
	size_t i;
	int r;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if (locking->n_names == BH_LOCK_RESOURCES_MAX)
			return cli_usage(cli, "at most %d resources at once",
					 BH_LOCK_RESOURCES_MAX);
		(void)snprintf(word, sizeof(word), "%.*s", len < INT_MAX ? (int)len : INT_MAX,
			       list);
		r = add_name(locking, word);
		if (r != 0)
			return r;
		if (list[len] == '\0')
			break;
	}
	for (i = 0; i < locking->n_names; i++) {
		len = strlen(locking->what);
		(void)snprintf(locking->what + len, sizeof(locking->what) - len, "%s%s",
			       i ? ", " : "", locking->names[i]);
	}
	return 0;
}

static int parse(struct locking *locking)
{
	struct cli *cli = locking->cli;

	locking->adapter = cli->args[0];
	if (!words_is_adapter(locking->adapter))
		return cli_usage(cli, "'%.60s' is no adapter; one looks like hci0",
				 locking->adapter);
	return parse_resources(locking, cli->args[1]);
}

/* --- what happens to the lock --- */

static int conflict_status(const struct cli *cli)
{
	return cli->opt.given[OPTION_CONFLICT] ? (int)cli->opt.conflict_status : CLI_LOCK_TIMEOUT;
}

static void say_over(struct locking *locking, const struct bh_lock_news *news)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%.150s ended before its command: %.300s", locking->what,
		       news->text);
	(void)cli_fail(locking->cli, news->error, text, "");
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct locking *)ctx)->reply, result);
}

static void on_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	struct locking *locking = ctx;

	(void)lock;
	if (news->event == BH_LOCK_WANTED)
		return;
	if (!locking->is_over)
		say_over(locking, news);
	locking->is_over = true;
	/* It is ours until this returns, unless the arbiter has taken it. */
	if (news->event == BH_LOCK_LOST) {
		spawn_kill(&locking->spawn);
		return;
	}
	locking->kill_at_ms = clock_now_ms() + news->grace_ms;
	spawn_signal(&locking->spawn, SIGTERM);
	/* A stopped one could not end. */
	spawn_signal(&locking->spawn, SIGCONT);
}

/* --- the loop: signals, the daemon, the child --- */

static int sleep_ms(const struct locking *locking, uint64_t now_ms)
{
	int best = locking->cli->client ? bh_timeout_ms(locking->cli->client) : -1;
	int other = out_progress_timeout(&locking->cli->out, now_ms);
	uint32_t left_ms;

	if (other >= 0 && (best < 0 || other < best))
		best = other;
	if (locking->kill_at_ms == 0)
		return best;
	left_ms = clock_left_ms(locking->kill_at_ms, now_ms);
	return best >= 0 && (uint32_t)best < left_ms ? best : (int)left_ms;
}

/* What came from the terminal went to CMD as well, which is in the same process group. */
static void pass_signal(struct locking *locking)
{
	struct cli *cli = locking->cli;
	int code = cli_take_signal(cli);

	if (locking->spawn.pidfd < 0)
		return;
	if (code != SI_KERNEL)
		spawn_signal(&locking->spawn, cli->signal);
	cli->signal = 0;
}

/* One wake-up. True: the child has ended. */
static bool turn(struct locking *locking)
{
	struct cli *cli = locking->cli;
	struct pollfd fds[] = { { .fd = cli->signal_fd, .events = POLLIN },
				{ .fd = cli->client ? bh_fd(cli->client) : -1, .events = POLLIN },
				{ .fd = locking->spawn.pidfd, .events = POLLIN } };
	uint64_t now_ms = clock_now_ms();

	out_progress_tick(&cli->out, now_ms);
	(void)poll(fds, ARRAY_LEN(fds), sleep_ms(locking, now_ms));
	if (fds[0].revents != 0)
		pass_signal(locking);
	if (fds[2].revents != 0)
		return true;
	/* A daemon that has gone has said so to the lock: there is nothing more to wait for. */
	if (cli->client && bh_process(cli->client) == -ENOTCONN)
		cli_close(cli);
	if (locking->kill_at_ms != 0 && clock_now_ms() >= locking->kill_at_ms) {
		spawn_signal(&locking->spawn, SIGKILL);
		locking->kill_at_ms = 0;
	}
	return false;
}

/* --- CMD --- */

/* SIGQUIT is passed on too, but only once there is somebody to pass it to. */
static void take_quit(struct cli *cli)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return;
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)signalfd(cli->signal_fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * A CMD that was killed or failed may have left a Connect behind in bluetoothd, which goes on with
 * it. Only of a holder that ends without RELEASE the arbiter has that looked after.
 */
static _Noreturn void end_without_a_word(struct cli *cli, int status)
{
	out_flush(&cli->out);
	_exit(status);
}

static int run(struct locking *locking)
{
	struct cli *cli = locking->cli;
	int status;
	int r;

	take_quit(cli);
	/* What came from the terminal until now did not reach CMD. */
	(void)cli_take_signal(cli);
	if (cli->signal != 0)
		return cli_stop_status(cli);
	out_progress_end(&cli->out);
	out_flush(&cli->out);
	r = spawn_start(&locking->spawn, cli, cli->args + 2, bh_lock_grant(locking->lock),
			locking->adapter);
	if (r < 0)
		return cli_fail_errno(cli, r, "running the command");
	while (!turn(locking))
		continue;
	status = spawn_reap(&locking->spawn);
	if (locking->is_over)
		return conflict_status(cli);
	if (status != 0)
		end_without_a_word(cli, status);
	return status;
}

static int acquire(struct locking *locking)
{
	struct cli *cli = locking->cli;
	const char *names[BH_LOCK_RESOURCES_MAX];
	struct bh_lock_request request = {
		.resources = names,
		.n_resources = locking->n_names,
		.lock_class = cli->opt.lock_class,
		.timeout_ms = BH_LOCK_FOR_EVER,
		.max_hold_ms = cli->opt.max_hold_ms,
		.under = cli_grant(),
		.label = cli->args[2],
	};
	struct bh_lock *lock;
	size_t i;
	int r;

	for (i = 0; i < locking->n_names; i++)
		names[i] = locking->names[i];
	if (cli->opt.given[OPTION_PATIENCE] || cli->opt.given[OPTION_TIMEOUT])
		request.timeout_ms = cli->opt.timeout_ms;
	r = bh_lock_acquire(&lock, cli->client, &request, on_news, on_done, locking);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the lock");
	locking->lock = lock;
	out_progress(&cli->out, "waiting for %s", locking->what);
	while (!locking->reply.is_done && cli->signal == 0)
		(void)turn(locking);
	if (cli->signal != 0)
		return cli_stop_status(cli);
	if (locking->reply.error == BH_CLASS_NONE)
		return 0;
	r = reply_fail(cli, &locking->reply);
	return r == CLI_LOCK_TIMEOUT ? conflict_status(cli) : r;
}

int cmd_lock(struct cli *cli)
{
	struct locking locking = { .cli = cli, .spawn = SPAWN_INIT };
	int r;

	r = parse(&locking);
	if (r == 0)
		r = cli_open(cli);
	if (r != 0)
		return r;
	r = acquire(&locking);
	/* Given and taken in one breath. */
	if (r == 0)
		r = locking.is_over ? conflict_status(cli) : run(&locking);
	if (cli->client)
		(void)bh_lock_release(locking.lock);
	cli_close(cli);
	return r;
}
