/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/client_lock.c - those that take a radio for themselves: through the library, with
 * `bleherd lock`, and past bleherd by flock(2) on the slot files as Python programs do.
 *
 * A turn is noted in the claims from just after it was had until just before it is given back. Who
 * has it by a process of its own holds it on a line of that process: "held" comes, a line goes.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "contrib/soak/client.h"
#include "contrib/soak/place.h"

enum {
	HOLD_MS = 150,	/* at most */
	PAUSE_MS = 400, /* between turns, at most */
	/* sysexits.h's EX_TEMPFAIL, of `bleherd lock`: not within its time. */
	LOCK_TIMEOUT_STATUS = 75,
};

/* Its ring, and "connect:hci0" for the next turn: of an adapter that is there. */
static struct claim_ring *next_turn(struct client *c, char resource[CLAIMS_RESOURCE_LEN])
{
	uint32_t rank = book_locker_rank(c->number);
	struct claim_ring *ring = &c->book->claims.rings[rank];

	ring->adapter =
		atomic_load(&c->book->adapters[rank / 6 % atomic_load(&c->book->n_adapters)]);
	(void)snprintf(resource, CLAIMS_RESOURCE_LEN, "%.8s:hci%u", ring->resource, ring->adapter);
	return ring;
}

/* --- through the library --- */

struct turn {
	struct bh_lock *lock;
	bool is_lost, is_revoked;
};

static void on_lock_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	struct turn *turn = ((struct call *)ctx)->client->turn;

	(void)lock;
	turn->is_lost |= news->event == BH_LOCK_LOST;
	turn->is_revoked |= news->event == BH_LOCK_REVOKED;
}

static void hold(struct client *c, struct claim_ring *ring, struct call *call)
{
	int64_t end_us = book_now_us() + (1 + client_dice(c, HOLD_MS)) * INT64_C(1000);
	struct turn *turn = c->turn;
	int64_t gave_us;
	uint64_t grant = bh_lock_grant(turn->lock);

	claim_take(ring, book_now_us());
	while (!turn->is_lost && !turn->is_revoked && book_now_us() < end_us)
		client_think(c, 5);
	gave_us = book_now_us();
	/* That it was lost was sent before anybody else was granted it. */
	(void)bh_wait(c->bh, 0);
	claim_give(ring, call->entry->asked_us, gave_us, grant, turn->is_lost);
}

void client_lock(struct client *c)
{
	char resource[CLAIMS_RESOURCE_LEN];
	const char *const resources[] = { resource };
	const struct bh_lock_request request = { .resources = resources,
						 .n_resources = 1,
						 .timeout_ms = CLIENT_WAIT_MS };

	if (!client_dial(c, true))
		return;
	while (!client_is_over(c)) {
		struct claim_ring *ring = next_turn(c, resource);
		struct call *call = client_begin(c, BOOK_LOCK, BOOK_NOWHERE, CLIENT_WAIT_MS);
		static struct turn turn; /* a client is a process */

		turn = (struct turn){ .lock = NULL };
		c->turn = &turn;
		if (client_asked(c, call,
				 bh_lock_acquire(&turn.lock, c->bh, &request, on_lock_news,
						 client_on_answer, call))) {
			client_settle(c);
			if (call->error == BH_CLASS_NONE && !turn.is_lost)
				hold(c, ring, call);
		}
		turn.lock = bh_lock_release(turn.lock);
		client_think(c, 1 + client_dice(c, PAUSE_MS));
	}
}

/* --- by a process of its own --- */

struct helper {
	pid_t pid;
	int in, out;
};

static bool helper_start(struct helper *h, const char *const *argv)
{
	pid_t parent = getpid();
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return false;
	if (pipe2(out, O_CLOEXEC) < 0) {
		(void)close_fd(in[0]);
		(void)close_fd(in[1]);
		return false;
	}
	h->pid = fork();
	if (h->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || dup2(in[0], STDIN_FILENO) < 0 ||
		    dup2(out[1], STDOUT_FILENO) < 0)
			_exit(127);
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close_fd(in[0]);
	(void)close_fd(out[1]);
	h->in = in[1];
	h->out = out[0];
	return h->pid > 0;
}

/* Its exit status; 128 and more: a signal. */
static int helper_end(struct helper *h)
{
	int status = 0;

	h->in = close_fd(h->in);
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	h->out = close_fd(h->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { HELPER_SILENT, HELPER_HELD, HELPER_OTHER, HELPER_GONE };

/* What it says within @timeout_ms, -1 however long that takes. */
static int helper_hear(const struct helper *h, int timeout_ms)
{
	struct pollfd p = { .fd = h->out, .events = POLLIN };
	char line[64];
	ssize_t n;

	if (poll(&p, 1, timeout_ms) != 1)
		return HELPER_SILENT;
	n = read(h->out, line, sizeof(line));
	if (n <= 0)
		return HELPER_GONE;
	return n >= 4 && memcmp(line, "held", 4) == 0 ? HELPER_HELD : HELPER_OTHER;
}

static void helper_say(const struct helper *h, const char *line)
{
	/* One that has gone is noticed by what it does not say. */
	(void)!write(h->in, line, strlen(line));
}

/* It has it until it is to give it back, or goes, which is not its own will. False: it went. */
static bool helper_hold(struct client *c, struct helper *h, struct claim_ring *ring,
			int64_t *out_gave_us)
{
	bool is_there;

	claim_take(ring, book_now_us());
	is_there = helper_hear(h, (int)(1 + client_dice(c, HOLD_MS))) != HELPER_GONE;
	*out_gave_us = book_now_us();
	return is_there;
}

/* It may have lost it in that moment, which it says with its end. */
static void script_hold(struct client *c, struct helper *h, struct claim_ring *ring,
			const struct call *call)
{
	int64_t gave_us;
	bool is_there = helper_hold(c, h, ring, &gave_us);

	if (is_there)
		helper_say(h, "\n");
	claim_give(ring, call->entry->asked_us, gave_us, 0,
		   helper_end(h) == LOCK_TIMEOUT_STATUS || !is_there);
}

static enum bh_class script_class(int status)
{
	return status == LOCK_TIMEOUT_STATUS ? BH_CLASS_LOCK_TIMEOUT : BH_CLASS_NO_DAEMON;
}

void client_script(struct client *c)
{
	char resource[CLAIMS_RESOURCE_LEN], seconds[16];
	struct helper h;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(seconds, sizeof(seconds), "%d", CLIENT_WAIT_MS / 1000);
	while (!client_is_over(c)) {
		struct claim_ring *ring = next_turn(c, resource);
		const char *const argv[] = { "bleherd",
					     "lock",
					     "-t",
					     seconds,
					     strchr(resource, ':') + 1,
					     ring->resource,
					     "--",
					     "sh",
					     "-c",
					     "echo held; read x",
					     NULL };
		struct call *call = client_begin(c, BOOK_LOCK, BOOK_NOWHERE, CLIENT_WAIT_MS);
		bool was_held;

		if (!client_asked(c, call, helper_start(&h, argv) ? 0 : -ENOTCONN))
			return;
		was_held = helper_hear(&h, -1) == HELPER_HELD;
		if (was_held) {
			client_answer(call, BH_CLASS_NONE);
			script_hold(c, &h, ring, call);
		} else {
			client_answer(call, script_class(helper_end(&h)));
		}
		client_think(c, 1 + client_dice(c, PAUSE_MS));
	}
}

static void outside_turn(struct client *c, struct helper *h)
{
	struct call *call = client_begin(c, BOOK_LOCK, BOOK_NOWHERE, CLIENT_WAIT_MS);
	char resource[CLAIMS_RESOURCE_LEN], line[CLAIMS_RESOURCE_LEN + 16];
	struct claim_ring *ring = next_turn(c, resource);
	int64_t gave_us;
	bool is_there;
	int heard;

	(void)client_asked(c, call, 0);
	(void)snprintf(line, sizeof(line), "take %d %s\n", CLIENT_WAIT_MS / 1000, resource);
	helper_say(h, line);
	heard = helper_hear(h, -1);
	if (heard == HELPER_GONE)
		_exit(1);
	client_answer(call, heard == HELPER_HELD ? BH_CLASS_NONE : BH_CLASS_LOCK_TIMEOUT);
	if (heard != HELPER_HELD)
		return;
	is_there = helper_hold(c, h, ring, &gave_us);
	claim_give(ring, call->entry->asked_us, gave_us, 0, !is_there);
	helper_say(h, "drop\n");
	(void)helper_hear(h, -1);
}

void client_outsider(struct client *c)
{
	char program[PLACE_LEN];
	const char *const argv[] = { "python3", program, NULL };
	struct helper h;

	(void)signal(SIGPIPE, SIG_IGN);
	if (place_find("soak/outsider.py", program) < 0 || !helper_start(&h, argv))
		_exit(1);
	while (!client_is_over(c)) {
		outside_turn(c, &h);
		client_think(c, 1 + client_dice(c, PAUSE_MS));
	}
	(void)helper_end(&h);
}
