/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/churn.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PLACES = 256, THINK_MS = 40, LISTEN_MS = 1500, SCAN_MS = 400 };

struct program;

/* A request: its place is used again only long after it was answered, so that a second answer is
 * seen. */
struct place {
	struct program *program;
	struct churn_record record;
	bool is_open, is_value, is_late;
};

struct program {
	struct churn_plan plan;
	struct churn_report *report;
	struct bh_client *bh;
	struct bh_session *session;
	struct place *opening;
	struct bh_uuid echo, counter;
	struct place places[PLACES];
	size_t next, open;
	uint32_t random;
	uint32_t written;  /* what this session wrote last */
	bool is_ended;	   /* the session, or its subscription */
	bool is_disturbed; /* link lost or moved since somebody cleared it */
	bool is_gap;	   /* values may be missing here */
	uint32_t seen;	   /* the peripheral's own count */
	uint64_t seq;
	char said[96]; /* the session's last news */
};

int64_t churn_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift32: the same numbers everywhere. */
uint32_t churn_random(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/* --- requests --- */

static uint32_t value_of(const struct bh_result *result)
{
	const uint8_t *v = result->value;

	if (result->len_bytes == 5 && memcmp(v, "hello", 5) == 0)
		return CHURN_NONE;
	if (result->len_bytes != 4)
		return CHURN_ODD;
	return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
}

static void on_answer(void *ctx, const struct bh_result *result)
{
	struct place *place = ctx;
	struct churn_report *report = place->program->report;
	struct churn_record *record = &place->record;
	uint32_t took_ms;

	if (!place->is_open) {
		report->twice++;
		return;
	}
	place->is_open = false;
	place->program->open--;
	record->ended_us = churn_now_us();
	record->error = (uint8_t)result->error;
	took_ms = (uint32_t)((record->ended_us - record->began_us) / 1000);
	if (took_ms > report->longest_ms)
		report->longest_ms = took_ms;
	if ((unsigned)result->error < CHURN_CLASSES)
		report->classes[result->error]++;
	report->ok += result->error == BH_CLASS_NONE;
	if (result->error != BH_CLASS_NONE && getenv("BLEHERD_DEBUG"))
		(void)fprintf(stderr, "churn: %u: %u ms: %s: %s\n", place->program->plan.number,
			      took_ms, bh_class_name(result->error), result->text);
	if (!place->is_value)
		return;
	if (!record->is_write && result->error == BH_CLASS_NONE)
		record->value = value_of(result);
	if (report->n_records < CHURN_RECORDS_MAX)
		report->records[report->n_records++] = *record;
}

static struct place *begin(struct program *p, bool is_value, uint16_t device)
{
	struct place *place = &p->places[p->next++ % PLACES];

	/* Counted as unanswered already; its answer would have nowhere to go. */
	if (place->is_open)
		_exit(3);
	*place = (struct place){ .program = p, .is_open = true, .is_value = is_value };
	place->record = (struct churn_record){ .began_us = churn_now_us(), .device = device };
	p->open++;
	p->report->asked++;
	return place;
}

/* What could not even be asked was not answered either: -ENOTCONN, the session is over. */
static bool asked(struct program *p, struct place *place, int r)
{
	if (r >= 0)
		return true;
	place->is_open = false;
	p->open--;
	p->report->asked--;
	p->is_ended = true;
	return false;
}

static void turn(struct program *p, int timeout_ms)
{
	int r = bh_wait(p->bh, timeout_ms);

	if (r < 0 && r != -EINTR)
		_exit(2);
}

static void think(struct program *p, uint32_t ms)
{
	int64_t end_us = churn_now_us() + (int64_t)ms * 1000;
	int64_t left_us;

	while ((left_us = end_us - churn_now_us()) > 0)
		turn(p, (int)(left_us / 1000) + 1);
}

/* Until all is answered, or a place is so late that it never will be. */
static void settle(struct program *p)
{
	int64_t end_us = churn_now_us() + (int64_t)CHURN_LATE_MS * 1000;

	while (p->open > 0 && churn_now_us() < end_us)
		turn(p, 100);
	if (p->open == 0)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		if (!p->places[i].is_open || p->places[i].is_late)
			continue;
		p->places[i].is_late = true;
		p->report->unanswered++;
	}
	p->open = 0;
}

static struct place *ask_read(struct program *p, uint16_t device)
{
	struct place *place = begin(p, true, device);

	place->record.after = p->written;
	(void)asked(p, place, bh_read(p->session, &p->echo, CHURN_WAIT_MS, on_answer, place));
	return place;
}

static struct place *ask_write(struct program *p, uint16_t device)
{
	struct place *place = begin(p, true, device);
	uint32_t id = p->plan.number << 24 | ++p->report->numbers;
	uint8_t value[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
			     (uint8_t)id };

	place->record.is_write = 1;
	place->record.value = id;
	if (asked(p, place,
		  bh_write(p->session, &p->echo, value, sizeof(value), false, CHURN_WAIT_MS,
			   on_answer, place)))
		p->written = id;
	return place;
}

static bool connect_link(struct program *p)
{
	struct place *place = begin(p, false, 0);

	if (asked(p, place, bh_connect(p->session, CHURN_WAIT_MS, on_answer, place)))
		settle(p);
	return !place->is_open && !p->is_ended && place->record.error == BH_CLASS_NONE;
}

/* --- what comes by itself --- */

static void on_opened(void *ctx, const struct bh_result *result)
{
	struct program *p = ctx;

	on_answer(p->opening, result);
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct program *p = ctx;

	(void)session;
	(void)snprintf(p->said, sizeof(p->said), "last news %d: %s", (int)news->event, news->text);
	p->is_disturbed = true;
	p->is_gap = true;
	p->report->moves += news->event == BH_SESSION_MOVED;
	p->report->link_losses += news->event == BH_SESSION_LINK_LOST;
	p->report->resumed += news->event == BH_SESSION_LINK_BACK;
	if (news->event == BH_SESSION_CLOSED)
		p->is_ended = true;
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	const struct place *place = ctx;
	struct program *p = place->program;
	uint32_t counter = 0;

	for (size_t i = 0; i < len_bytes && i < 4; i++)
		counter |= (uint32_t)value[i] << (8 * i);
	p->report->notified++;
	p->report->doubled += counter <= p->seen;
	if (seq != p->seq + 1 + lost || (!p->is_gap && counter != p->seen + 1 + lost)) {
		p->report->unannounced++;
		(void)fprintf(stderr,
			      "churn: %u: value %u (number %" PRIu64 ", %u lost) after %u (number "
			      "%" PRIu64 "), %s\n",
			      p->plan.number, counter, seq, lost, p->seen, p->seq, p->said);
	}
	p->seen = counter;
	p->seq = seq;
	p->is_gap = false;
}

static void on_subscription(void *ctx, const struct bh_result *result)
{
	struct place *place = ctx;

	if (place->is_open)
		on_answer(place, result);
	else if (result->error != BH_CLASS_NONE)
		place->record.error = (uint8_t)result->error;
	else
		place->program->report->twice++;
}

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct program *p = ctx;

	(void)advert;
	p->report->adverts++;
}

/* --- episodes: what people do with a peripheral --- */

static void on_demand(struct program *p, uint16_t device)
{
	uint32_t n = 1 + churn_random(&p->random, 3);

	while (n-- > 0 && !p->is_ended) {
		if (churn_random(&p->random, 4) == 0)
			(void)ask_write(p, device);
		(void)ask_read(p, device);
		settle(p);
		think(p, churn_random(&p->random, THINK_MS));
	}
}

static void held(struct program *p, uint16_t device)
{
	uint32_t n = 2 + churn_random(&p->random, 10);
	struct place *end;

	if (!connect_link(p))
		return;
	while (n-- > 0 && !p->is_ended) {
		for (uint32_t i = churn_random(&p->random, 3); i > 0; i--)
			(void)ask_write(p, device);
		(void)ask_read(p, device);
		settle(p);
		think(p, churn_random(&p->random, THINK_MS));
	}
	if (p->is_ended)
		return;
	end = begin(p, false, device);
	(void)asked(p, end, bh_disconnect(p->session, on_answer, end));
	settle(p);
}

/*
 * Listens: with a subscription that resumes, or with one that ends with the link and is made again,
 * three times at most.
 */
static void listen(struct program *p, uint16_t device)
{
	const struct bh_subscribe_options options = { .resumes = churn_random(&p->random, 4) > 0 };
	int64_t end_us = churn_now_us() + (int64_t)churn_random(&p->random, LISTEN_MS) * 1000;

	p->seen = 0;
	for (int i = 0; i < 3 && !p->is_ended && churn_now_us() < end_us; i++) {
		struct place *place = begin(p, false, device);

		p->seq = 0;
		p->is_gap = true;
		if (!asked(p, place,
			   bh_subscribe_with(p->session, &p->counter, CHURN_WAIT_MS, &options,
					     on_value, on_subscription, place, NULL)))
			return;
		settle(p);
		while (place->record.error == BH_CLASS_NONE && !p->is_ended &&
		       churn_now_us() < end_us) {
			(void)ask_read(p, device);
			settle(p);
			think(p, 1 + churn_random(&p->random, 4 * THINK_MS));
		}
	}
}

static void alone(struct program *p, uint16_t device)
{
	struct place *write, *read;

	bh_exclusive(p->session, true);
	if (!connect_link(p))
		return;
	p->is_disturbed = false;
	for (uint32_t n = 1 + churn_random(&p->random, 4); n > 0 && !p->is_ended; n--) {
		write = ask_write(p, device);
		settle(p);
		think(p, churn_random(&p->random, THINK_MS));
		if (p->is_ended)
			return;
		read = ask_read(p, device);
		settle(p);
		if (p->is_disturbed || write->record.error != BH_CLASS_NONE ||
		    read->record.error != BH_CLASS_NONE)
			return;
		p->report->shared += read->record.value != write->record.value;
	}
}

static void look(struct program *p)
{
	struct bh_scan *scan = NULL;

	if (bh_scan_start(&scan, p->bh, NULL, on_advert, NULL, p) < 0)
		_exit(4);
	think(p, churn_random(&p->random, SCAN_MS));
	(void)bh_scan_stop(scan);
}

static void episode(struct program *p)
{
	static void (*const kinds[])(struct program *, uint16_t) = { on_demand, held, listen,
								     alone };
	static const uint32_t shares[] = { 35, 65, 85, 95, 100 };
	uint32_t dice = churn_random(&p->random, 100);
	uint16_t device = (uint16_t)churn_random(&p->random, p->plan.devices);
	size_t kind = 0;

	while (dice >= shares[kind])
		kind++;
	p->report->episodes[kind]++;
	if (kind == 4) {
		look(p);
		return;
	}
	p->is_ended = false;
	p->written = 0;
	p->opening = begin(p, false, device);
	if (bh_session_open(&p->session, p->bh, p->plan.first + device, NULL, CHURN_WAIT_MS,
			    on_news, on_opened, p) < 0)
		_exit(5);
	if (churn_random(&p->random, 2) == 0)
		settle(p);
	kinds[kind](p, device);
	settle(p);
	p->session = bh_session_close(p->session);
}

static void child(const struct churn_plan *plan, struct churn_report *report)
{
	static struct program p;

	p.plan = *plan;
	p.report = report;
	p.random = plan->seed * 2654435761u + plan->number + 1;
	/* The flood is not to starve those whose behaviour is tested, nor the test. */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	if (bh_parse_uuid("fff3", &p.echo) < 0 || bh_parse_uuid("fff4", &p.counter) < 0 ||
	    bh_new(&p.bh, NULL, "churn") < 0)
		_exit(1);
	while (churn_now_us() / 1000 < plan->end_ms) {
		episode(&p);
		think(&p, 1 + churn_random(&p.random, THINK_MS));
	}
	(void)bh_free(p.bh);
	report->is_over = true;
	_exit(0);
}

void churn_need(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	abort();
}

struct churn_report *churn_reports(size_t n)
{
	void *at = mmap(NULL, n * sizeof(struct churn_report), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	churn_need(at != MAP_FAILED, "no memory for reports");
	return at;
}

pid_t churn_start(const struct churn_plan *plan, struct churn_report *report)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	churn_need(pid >= 0, "no process");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			child(plan, report);
		_exit(1);
	}
	return pid;
}
