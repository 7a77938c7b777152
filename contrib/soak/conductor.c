/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/conductor.c - the loop: faults, looks, verdicts, from phase to phase. Nothing in it
 * blocks for longer than a few milliseconds, but for a command to the sim.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "contrib/soak/conductor_state.h"

enum {
	TURN_MS = 50,
	JUDGE_US = 200000,
	TELL_TERMINAL_US = 500000,
	TELL_PIPE_US = 10000000,
	REST_MS = 15000, /* or a tenth of the run */
	/* Of the clients' last requests, twice: their deadlines, and what may be late. */
	LAST_US = 60 * 1000000,
	/* A fault of an adapter, or of whoever serves it, leaves links to be taken down. */
	FAULTY_AFTER_MS = 5000,
	STATUS_BROKEN = 1,
	STATUS_NO_WORLD = 70,
};

/* --- what is told to us --- */

void conductor_violation(struct conductor *c, const struct judge_violation *v)
{
	const struct book_entry *entry = NULL;
	int64_t from_us = v->at_us;
	int64_t to_us = from_us;
	uint64_t address = 0;
	char who[40] = "";
	json_t *request = json_null();

	c->broken[v->promise]++;
	if (json_array_size(c->violations) > 0)
		return;
	if (v->client >= 0)
		entry = book_entry(&c->book->pages[v->client], v->number);
	if (entry) {
		from_us = entry->asked_us;
		request = result_entry(c->book, (uint32_t)v->client, entry, c->began_us);
	}
	if (v->client >= 0 && v->device != BOOK_NOWHERE)
		address = c->book->first + v->device;
	if (v->client >= 0)
		(void)snprintf(who, sizeof(who), "soak %s %d ",
			       book_role_name(book_role_of((uint32_t)v->client)), v->client);
	trace_look(c->trace, c->now_us);
	(void)json_array_append_new(c->violations,
				    json_pack("{s:I, s:s, s:s, s:o, s:o}", "at_ms",
					      (json_int_t)((v->at_us - c->began_us) / 1000),
					      "promise", book_promise_name(v->promise), "text",
					      v->text, "request", request, "trace",
					      trace_collect(c->trace, address, who[0] ? who : NULL,
							    from_us, to_us, c->began_us)));
}

void conductor_on_violation(void *ctx, const struct judge_violation *v)
{
	conductor_violation(ctx, v);
}

void conductor_on_promise(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	struct judge_violation v = { .at_us = at_us, .client = -1, .device = BOOK_NOWHERE };

	if (!book_promise_from_name(promise, &v.promise))
		v.promise = BOOK_HEALTHY;
	(void)snprintf(v.text, sizeof(v.text), "%s", text);
	conductor_violation(ctx, &v);
}

/*
 * Where nothing goes wrong nothing may fail: what was forgotten ends with its deadline, which under
 * faults is nothing odd. Locks are left out: those who want them may be many.
 */
static void judge_calm(struct conductor *c, uint32_t client, const struct book_entry *entry)
{
	struct judge_violation v = { .promise = BOOK_IN_TIME,
				     .at_us = entry->answered_us,
				     .client = (int)client,
				     .number = entry->number,
				     .device = entry->device };

	if (entry->error == BH_CLASS_NONE || entry->kind == BOOK_LOCK)
		return;
	(void)snprintf(
		v.text, sizeof(v.text),
		"client %u (%s): %s, its request %u: %s after %lld ms, and nothing was wrong",
		client, book_role_name(book_role_of(client)),
		book_kind_name((enum book_kind)entry->kind), entry->number,
		bh_class_name((enum bh_class)entry->error),
		(long long)((entry->answered_us - entry->asked_us) / 1000));
	conductor_violation(c, &v);
}

/*
 * The daemon answers some by itself, whatever the radio does. Those that take locks ask for nothing
 * else, and have no adapter: only what concerns all concerns them.
 */
static bool tells_of_recovery(enum book_kind kind)
{
	return kind != BOOK_OPEN && kind != BOOK_DISCONNECT;
}

/* A plan counts adapters as the sim does: one that was unplugged comes back under another number,
 * and is the same one. */
static void plan_name_of(const struct conductor *c, unsigned number, char out[16])
{
	char name[16];

	(void)snprintf(name, sizeof(name), "hci%u", number);
	for (unsigned i = 0; i < PICTURE_ADAPTERS_MAX; i++) {
		if (strcmp(c->names[i], name) != 0)
			continue;
		(void)snprintf(out, 16, "hci%u", i);
		return;
	}
	(void)snprintf(out, 16, "%s", name);
}

const char *conductor_adapter(void *ctx, unsigned index)
{
	const struct conductor *c = ctx;

	return index < PICTURE_ADAPTERS_MAX ? c->names[index] : "";
}

void conductor_on_answer(void *ctx, uint32_t client, const struct book_entry *entry)
{
	struct conductor *c = ctx;
	uint64_t address = entry->device == BOOK_NOWHERE ? 0 : c->book->first + entry->device;
	char adapter[16] = "";

	result_answered(c->result, entry);
	if (c->plan->rule_count == 0)
		judge_calm(c, client, entry);
	if (entry->adapter != BOOK_NO_ADAPTER)
		plan_name_of(c, entry->adapter, adapter);
	recovery_uses(c->recovery, client, address, adapter);
	if (entry->error == BH_CLASS_NONE && tells_of_recovery((enum book_kind)entry->kind))
		recovery_success(c->recovery, client, address, entry->answered_us);
}

void conductor_on_daemon(void *ctx, pid_t daemon)
{
	struct conductor *c = ctx;

	observer_daemon(c->observer, daemon);
	resources_daemon(c->resources, daemon);
}

void conductor_on_daemon_died(void *ctx, int wait_status)
{
	struct conductor *c = ctx;
	char text[96];

	(void)snprintf(text, sizeof(text), "bleherdd ended by itself, wait status 0x%x",
		       (unsigned)wait_status);
	conductor_on_promise(c, book_promise_name(BOOK_HEALTHY), book_now_us(), text);
}

void conductor_on_kill_client(void *ctx, unsigned number)
{
	struct conductor *c = ctx;
	int r;

	crew_kill(c->crew, number);
	if (book_is_locker(number))
		claim_doom(&c->book->claims.rings[book_locker_rank(number)]);
	judge_gone(c->judge, number);
	recovery_gone(c->recovery, number);
	r = crew_start(c->crew, number);
	if (r < 0)
		(void)snprintf(c->failure, sizeof(c->failure), "client %u does not start: %s",
			       number, strerror(-r));
	else
		resources_watch(c->resources, crew_pid(c->crew, number), "clients", true);
}

void conductor_on_fault(void *ctx, const struct recovery_fault *fault)
{
	struct conductor *c = ctx;

	trace_note(c->trace, fault->at_us, "fault: %s", fault->text);
	recovery_fault(c->recovery, fault);
}

void conductor_on_fault_end(void *ctx, uint32_t line, int64_t at_us)
{
	struct conductor *c = ctx;

	trace_note(c->trace, at_us, "fault of line %u ends", line);
	recovery_end(c->recovery, line, at_us);
}

const char *conductor_unwell_client(void *ctx, int64_t since_us)
{
	static char name[40];
	const struct conductor *c = ctx;

	for (uint32_t i = 0; i < c->book->clients; i++) {
		if (judge_success_us(c->judge, i) > since_us)
			continue;
		(void)snprintf(name, sizeof(name), "client %u (%s)", i,
			       book_role_name(book_role_of(i)));
		return name;
	}
	return NULL;
}

const char *conductor_stale_lock(void *ctx)
{
	static char text[160];
	const struct conductor *c = ctx;

	return observer_has_stale(c->observer, text, sizeof(text)) ? text : NULL;
}

/* --- phases --- */

static void enter(struct conductor *c, enum conductor_phase phase)
{
	c->phase = phase;
	c->phase_us = c->now_us;
}

static void rest(struct conductor *c)
{
	const struct health_settings settings = {
		.bound_ms = c->options->is_lab ? HEALTH_LAB_MS : HEALTH_FAKE_MS,
		.client = conductor_unwell_client,
		.lock = conductor_stale_lock,
		.violation = conductor_on_promise,
		.ctx = c,
	};

	if (c->inject)
		inject_rest(c->inject, c->now_us);
	if (simlink_do(&c->sim, "plan rest") < 0)
		(void)snprintf(c->failure, sizeof(c->failure), "the sim does not rest");
	c->now_us = book_now_us();
	trace_note(c->trace, c->now_us, "no more faults");
	health_begin(&c->health, &settings, c->now_us);
	enter(c, PHASE_REST);
}

static void last(struct conductor *c)
{
	if (!c->is_cut)
		resources_judge(c->resources, c->now_us, conductor_on_promise, c);
	atomic_store(&c->book->is_over, 1);
	enter(c, PHASE_LAST);
}

static int64_t rest_us(const struct conductor *c)
{
	int64_t ms = c->options->duration_ms / 10;

	return (ms < REST_MS ? ms : REST_MS) * 1000;
}

static void go_on(struct conductor *c)
{
	int64_t end_us = c->began_us + c->options->duration_ms * 1000;

	switch (c->phase) {
	case PHASE_FAULTS:
		if (c->is_cut || c->now_us >= end_us - rest_us(c))
			rest(c);
		return;
	case PHASE_REST:
		if (c->is_cut || (c->is_well && c->now_us >= end_us))
			last(c);
		return;
	case PHASE_LAST:
		if (crew_running(c->crew) == 0)
			enter(c, PHASE_OVER);
		else if (c->now_us - c->phase_us > LAST_US)
			(void)snprintf(c->failure, sizeof(c->failure), "%u clients do not end",
				       crew_running(c->crew));
		return;
	case PHASE_OVER:
		return;
	}
}

/* --- the loop --- */

/* Lockers name an adapter: one that is there. */
static void tell_adapters(struct conductor *c, const struct picture *picture)
{
	uint32_t n = 0;

	for (size_t i = 0; i < picture->n_adapters && n < BOOK_ADAPTERS_MAX; i++)
		if (picture->adapters[i].is_ready)
			atomic_store(&c->book->adapters[n++],
				     (uint32_t)strtoul(picture->adapters[i].name + strlen("hci"),
						       NULL, 10));
	if (n > 0)
		atomic_store(&c->book->n_adapters, n);
	/* One that is away keeps its name until it has another, or another one has it. */
	for (size_t i = 0; i < picture->n_adapters; i++) {
		const char *name = picture->adapters[i].name;

		for (size_t k = 0; name[0] && k < PICTURE_ADAPTERS_MAX; k++)
			if (strcmp(c->names[k], name) == 0)
				c->names[k][0] = '\0';
		if (name[0])
			memcpy(c->names[i], name, sizeof(c->names[i]));
	}
}

static void look(struct conductor *c)
{
	const struct picture *picture = camera_turn(c->camera, c->now_us);
	int state;

	trace_look(c->trace, c->now_us);
	observer_look(c->observer, c->now_us);
	resources_look(c->resources, c->now_us);
	if (picture) {
		tell_adapters(c, picture);
		links_look(c->links, picture,
			   recovery_is_faulty(c->recovery, c->now_us, FAULTY_AFTER_MS));
	}
	if (c->phase == PHASE_REST) {
		state = health_look(&c->health, picture, c->now_us);
		c->is_well |= state == HEALTH_WELL;
	}
}

static void judge(struct conductor *c)
{
	const struct judge_log log = { simlink_read_writes, &c->sim };
	char why[128];

	if (c->now_us - c->judged_us < JUDGE_US)
		return;
	c->judged_us = c->now_us;
	recovery_read(c->recovery, *c->fault_log ? c->fault_log : NULL);
	judge_look(c->judge, &log, c->now_us);
	if (!crew_reap(c->crew, why) && !c->failure[0])
		(void)snprintf(c->failure, sizeof(c->failure), "%s", why);
}

static void tell(struct conductor *c)
{
	int64_t pause_us = c->is_terminal ? TELL_TERMINAL_US : TELL_PIPE_US;
	struct result_sums sums = result_sums(c->result);

	if (c->now_us - c->told_us < pause_us)
		return;
	c->told_us = c->now_us;
	(void)printf("%s%5lld s  requests %llu  failed %llu  faults %zu  violations %zu%s%s",
		     c->is_terminal ? "\r\033[K" : "",
		     (long long)((c->now_us - c->began_us) / 1000000),
		     (unsigned long long)sums.asked, (unsigned long long)sums.failed,
		     recovery_count(c->recovery), json_array_size(c->violations),
		     c->phase == PHASE_REST && !c->is_well ? "  getting well" : "",
		     c->is_terminal ? "" : "\n");
	(void)fflush(stdout);
}

static void hear(struct conductor *c)
{
	int64_t left_us = c->inject ? inject_next_us(c->inject) - book_now_us() : INT64_MAX;
	struct pollfd fds[] = { { .fd = c->signals, .events = POLLIN },
				{ .fd = c->input, .events = POLLIN },
				{ .fd = bh_fd(c->bh), .events = POLLIN } };
	int timeout_ms = bh_timeout_ms(c->bh);
	struct signalfd_siginfo info;
	char byte[16];

	if (timeout_ms < 0 || timeout_ms > TURN_MS)
		timeout_ms = TURN_MS;
	if (left_us < timeout_ms * INT64_C(1000))
		timeout_ms = left_us > 0 ? (int)(left_us / 1000) : 0;
	(void)poll(fds, ARRAY_LEN(fds), timeout_ms);
	if (fds[0].revents != 0 && read(c->signals, &info, sizeof(info)) > 0)
		c->is_cut = true;
	if (fds[1].revents != 0 && read(c->input, byte, sizeof(byte)) <= 0) {
		c->input = -EBADF;
		c->is_cut = true;
	}
	if (bh_process(c->bh) == -ENOTCONN)
		(void)snprintf(c->failure, sizeof(c->failure), "the daemon is of another version");
}

static void run(struct conductor *c)
{
	while (c->phase != PHASE_OVER && json_array_size(c->violations) == 0 && !c->failure[0]) {
		hear(c);
		c->now_us = book_now_us();
		if (c->inject)
			inject_turn(c->inject, c->now_us);
		look(c);
		judge(c);
		tell(c);
		go_on(c);
	}
	c->judged_us = 0;
	c->now_us = book_now_us();
	judge(c);
}

/* --- the end --- */

static void show(struct conductor *c)
{
	const json_t *v = json_array_get(c->violations, 0), *line;
	char repeat[512];
	size_t i;

	(void)printf("%s%s: %s\n", c->is_terminal ? "\r\033[K" : "",
		     json_string_value(json_object_get(v, "promise")),
		     json_string_value(json_object_get(v, "text")));
	if (json_is_object(json_object_get(v, "request"))) {
		(void)fputs("  request ", stdout);
		(void)json_dumpf(json_object_get(v, "request"), stdout, 0);
		(void)fputs("\n", stdout);
	}
	json_array_foreach(json_object_get(v, "trace"), i, line)(void)
		printf("  %s\n", json_string_value(line));
	conductor_repeat(c, repeat);
	(void)printf("again: %s\n", repeat);
}

static int finish(struct conductor *c)
{
	struct result_sums sums = result_sums(c->result);
	int r = conductor_report(c);

	if (r < 0)
		(void)fprintf(stderr, "bleherd-soak: report.json: %s\n", strerror(-r));
	if (json_array_size(c->violations) > 0) {
		show(c);
		return STATUS_BROKEN;
	}
	if (c->failure[0]) {
		(void)fprintf(stderr, "%sbleherd-soak: %s\n", c->is_terminal ? "\n" : "",
			      c->failure);
		return STATUS_NO_WORLD;
	}
	(void)printf("%sheld: %lld s, %llu requests (%llu failed), %zu faults%s\n",
		     c->is_terminal ? "\r\033[K" : "",
		     (long long)((c->now_us - c->began_us) / 1000000),
		     (unsigned long long)sums.asked, (unsigned long long)sums.failed,
		     recovery_count(c->recovery), c->is_cut ? "; ended early" : "");
	return r < 0 ? STATUS_NO_WORLD : 0;
}

int conductor_main(const struct options *options)
{
	static struct conductor c;
	char repeat[512];
	int status = STATUS_NO_WORLD;

	if (conductor_begin(&c, options) == 0) {
		conductor_repeat(&c, repeat);
		(void)printf("%s\n", repeat);
		(void)fflush(stdout);
		run(&c);
		status = finish(&c);
	}
	(void)fflush(stdout);
	conductor_end(&c);
	return status;
}
