/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/connect_survive.c - what connect-client does while others are killed.
 */
#include "ipc/bleherd_lock.h"
#include "tests/bench/connect_client.h"

#include <signal.h>

/* When the daemon goes, it waits for the next. */
void do_stay(struct bench *bench, const char *text _unused_)
{
	bh_stay(bench->bh, NULL, NULL);
}

static void take_lock(struct bench *bench)
{
	static const char *const resources[] = { "connect:hci0" };
	const struct bh_lock_request request = { .resources = resources,
						 .n_resources = 1,
						 .timeout_ms = WAIT_MS };
	struct bh_answer answer;
	struct bh_lock *lock;

	if (bh_lock_acquire_sync(&lock, bench->bh, &request, NULL, NULL, &answer) != 0)
		give_up("no lock: %s", answer.text);
	bh_answer_clear(&answer);
	(void)bh_lock_release(lock);
}

/* "PID": the arbiter, which is killed; from there to the grant of a lock that is free. "": no
 * death.
 */
void do_lock(struct bench *bench, const char *text)
{
	const pid_t pid = (pid_t)strtol(text, NULL, 10);
	const uint64_t at_us = now_us();

	if (pid > 1 && kill(pid, SIGKILL) < 0)
		give_up("no arbiter %s", text);
	take_lock(bench);
	bench->samples_us[0] = (uint32_t)(now_us() - at_us);
	bench->n_samples = 1;
}
