/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/bench/connect_client.h - what the parts of connect-client share: the program of
 * bench-connect that uses libbleherd, as connect_bleak.py is the one that uses bleak.
 *
 * connect.py gives it a command per line and gets one line of JSON back; between the two nothing
 * but the work happens, so that CPU time can be read before and after. It ends with its input, and
 * with its parent.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"

enum { PERIPHERALS_MAX = 1100, WAIT_MS = 20000, SAMPLES_MAX = 4096 };

struct peripheral {
	uint64_t address;
	bool is_seen;
	struct bh_session *session;
	uint32_t subscription;
	uint64_t values;  /* notifications so far */
	uint64_t lost;	  /* since it subscribed, as values */
	uint32_t counter; /* what the last one said; 0: none yet */
	struct bench *bench;
	uint64_t answered_us;
};

struct bench {
	struct bh_client *bh;
	struct bh_uuid echo;
	size_t n;
	size_t open;	  /* answers that are still to come */
	bool is_settling; /* what comes may be doubled, as it is while two have StartNotify */
	int sim_fd;
	size_t n_samples;
	uint32_t samples_us[SAMPLES_MAX];
	struct peripheral peripherals[PERIPHERALS_MAX];
};

__attribute__((noreturn)) void give_up(const char *format, ...) _printf_(1, 2);
uint64_t now_us(void);

/* Until @bench->open is 0. */
void await_open(struct bench *bench);

/* Commands; @text is what follows the command's name. They fill samples_us, or not. */
void do_find(struct bench *bench, const char *text);
void do_open(struct bench *bench, const char *text);
void do_close(struct bench *bench, const char *text);
void do_cycle(struct bench *bench, const char *text);
void do_fresh(struct bench *bench, const char *text);
void do_read(struct bench *bench, const char *text);
void do_write(struct bench *bench, const char *text);
void do_kill(struct bench *bench, const char *text);
void do_subscribe(struct bench *bench, const char *text);
void do_unsubscribe(struct bench *bench, const char *text);
void do_receive(struct bench *bench, const char *text);
void do_settle(struct bench *bench, const char *text);
void do_reach(struct bench *bench, const char *text);
void do_burst(struct bench *bench, const char *text);
void do_stay(struct bench *bench, const char *text);
void do_lock(struct bench *bench, const char *text);

/* Its own programs: from nothing to the first value; and the stop-watch for such programs. */
int first_value(const char *address);
int start_and_time(char *const argv[]);
