/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_judge.c - what must hold all the time. Keeps books of its own and asks no
 * policy what it thinks; the bounds follow from what bleherd.conf(5) and the tables say.
 */
#include "tests/unit/days/days_judge.h"

#include <stdio.h>

#include "ipc/errors.h"

#define SAY "day %llu %02llu:%02llu:%02llu, device %u: "

void judge_init(struct days *days)
{
	days->judge = calloc(1, sizeof(*days->judge));
	ck_assert_ptr_nonnull(days->judge);
}

void judge_done(struct days *days)
{
	free(days->judge);
	days->judge = NULL;
}

const char *judge_where(const struct days *days, const char *what, unsigned who)
{
	static char text[96];
	uint64_t s = days_at(days) / 1000;

	(void)snprintf(text, sizeof(text), "seed %llu, after %llu:%02llu:%02llu, %s %u",
		       (unsigned long long)days->plan.seed, (unsigned long long)s / 3600,
		       (unsigned long long)s / 60 % 60, (unsigned long long)s % 60, what, who);
	return text;
}

void judge_disturbed(struct days *days, const struct days_device *device)
{
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++)
		if (!device || device->index == i)
			days->judge->devices[i].disturbed_at_ms = days->now_ms;
}

void judge_woke(struct days *days)
{
	unsigned i;

	days->judge->woke_at_ms = days->now_ms;
	days->judge->has_woken = true;
	for (i = 0; i < DAYS_DEVICES; i++)
		days->judge->devices[i].since_waking = 0;
}

/* --- nobody thrashes --- */

/* Forgets what is older than an hour; returns how many there are with this one. */
static unsigned in_hour(struct judge_hour *hour, uint64_t now_ms)
{
	MUST(hour->n < JUDGE_HOUR_MAX, "too many in an hour");
	hour->at_ms[(hour->first + hour->n++) % JUDGE_HOUR_MAX] = now_ms;
	while (now_ms - hour->at_ms[hour->first] >= DAYS_HOUR) {
		hour->first = (hour->first + 1) % JUDGE_HOUR_MAX;
		hour->n--;
	}
	return hour->n;
}

/*
 * A request begins with a poll, a program, or an attempt of the keeper. Polls are an interval apart
 * (half of one where a late one begins anew), programs half a minute. A keeper rests 2 s x 2^n up
 * to 60 s, less a fifth, and begins anew with each link that lasted a minute: six short rests each.
 */
void judge_request(struct days *days, const struct days_device *device)
{
	struct judge_device *book = &days->judge->devices[device->index];
	unsigned most = DAYS_HOUR / 48000 + 6 * (book->lasted.n + 1) + DAYS_HOUR / 30000;

	if (device->interval_ms > 1)
		most += DAYS_HOUR * 2 / device->interval_ms;
	if (book->lasted.n > 0 &&
	    days->now_ms - book->lasted.at_ms[book->lasted.first] >= 2 * DAYS_HOUR)
		book->lasted = (struct judge_hour){ .n = 0 };
	MUST(in_hour(&book->requests, days->now_ms) <= most,
	     "%s: %u requests in an hour, %u are to be expected",
	     judge_where(days, "device", device->index), book->requests.n, most);
}

/* A request has so many attempts; those that fail while the adapter is being reset do not count. */
void judge_attempt(struct days *days, const struct days_device *device)
{
	struct judge_device *book = &days->judge->devices[device->index];
	uint32_t most = days->limits.attempts;

	days->judge->figures.attempts++;
	book->attempted_at_ms = days->now_ms;
	MUST(device->path.tries <= most || device->path.is_excused, "%s: attempt %u of one request",
	     judge_where(days, "device", device->index), device->path.tries);
	book->since_waking++;
	/* A request or two that were under way, what is polled, what a program wants. */
	if (days->judge->has_woken && days->now_ms - days->judge->woke_at_ms < DAYS_MINUTE)
		MUST(book->since_waking <= 4 * days->limits.attempts,
		     "%s: a burst of %u attempts after waking",
		     judge_where(days, "device", device->index), book->since_waking);
}

void judge_step(struct days *days, const struct days_device *device,
		const struct escalation_answer *answer)
{
	struct judge_figures *figures = &days->judge->figures;

	uint32_t first_ms = errors_backoff(device->path.outcome) * days->limits.base_ms;

	MUST(answer->delay_ms <= days->limits.max_ms, "%s: a pause of %u ms",
	     judge_where(days, "device", device->index), answer->delay_ms);
	/* However long the pauses were before. */
	if (answer->attempt == 1 && !device->path.is_excused && !answer->is_reset_due)
		MUST(answer->delay_ms <= first_ms * 12 / 10, "%s: a first pause of %u ms",
		     judge_where(days, "device", device->index), answer->delay_ms);
	MUST(profile_allows(device->profile, answer->step), "%s: a step above its ceiling",
	     judge_where(days, "device", device->index));
	figures->steps[answer->step]++;
}

/* --- resets --- */

void judge_reset(struct days *days, const struct days_adapter *adapter)
{
	struct judge_adapter *book = &days->judge->adapters[adapter->index];
	unsigned recent = 1;
	unsigned i;

	ck_assert_uint_lt(book->n_resets, JUDGE_RESETS_MAX);
	for (i = 0; i < book->n_resets; i++)
		recent += days->now_ms - book->reset_at_ms[i] < days->limits.reset_window_ms;
	MUST(recent <= days->limits.reset_budget, "%s: reset %u in an hour",
	     judge_where(days, "hci", adapter->index), recent);
	if (book->n_resets > 0)
		MUST(days->now_ms - book->reset_at_ms[book->n_resets - 1] >=
			     days->limits.reset_cooldown_ms,
		     "%s: a reset within the cooldown", judge_where(days, "hci", adapter->index));
	/* A stall is no sleep: nothing says that there was one. */
	if (days->judge->has_woken && days->resume.has_slept)
		MUST(days->now_ms - days->resume.at_ms >= RESUME_LENIENT_MS,
		     "%s: a reset for what failed in the sleep",
		     judge_where(days, "hci", adapter->index));
	book->reset_at_ms[book->n_resets++] = days->now_ms;
	days->judge->figures.resets++;
	days->judge->figures.resets_of_sick += adapter->sick > 0;
}

/* --- polls --- */

void judge_poll(struct days *days, const struct days_device *device, uint32_t period_ms)
{
	struct judge_device *book = &days->judge->devices[device->index];
	uint64_t gap_ms = days->now_ms - book->polled_at_ms;

	days->judge->figures.polls++;
	if (book->n_polls == 0)
		book->first_poll_at_ms = days->now_ms;
	else
		MUST(gap_ms >= period_ms / 2, "%s: polled %llu ms after the last time",
		     judge_where(days, "device", device->index), (unsigned long long)gap_ms);
	/* Where nothing is in the way each has its place, however many there were before. */
	if (!days->plan.has_faults) {
		uint64_t due_at_ms =
			book->first_poll_at_ms + (uint64_t)book->n_polls * device->interval_ms;

		MUST(days->now_ms + 2 * days->plan.late_ms >= due_at_ms &&
			     days->now_ms <= due_at_ms + 2 * days->plan.late_ms,
		     "%s: poll %u is %lld ms off its time",
		     judge_where(days, "device", device->index), book->n_polls,
		     (long long)(days->now_ms - due_at_ms));
	}
	/* What was missed is not made up for. */
	MUST(in_hour(&book->polls, days->now_ms) <= DAYS_HOUR / device->interval_ms + 2,
	     "%s: %u polls in an hour", judge_where(days, "device", device->index), book->polls.n);
	book->n_polls++;
	book->polled_at_ms = days->now_ms;
}

void judge_polled(struct days *days, const struct days_device *device, enum err_class class)
{
	struct judge_device *book = &days->judge->devices[device->index];

	bool is_lenient = days->judge->has_woken &&
			  days->now_ms - days->judge->woke_at_ms < RESUME_LENIENT_MS;

	if (class == CLASS_NO_REPLY || class == CLASS_DEADLINE || class == CLASS_NOT_FOUND)
		book->failed_polls += !is_lenient;
	MUST(device->breaker.is_open || book->failed_polls < 5 || class == CLASS_NONE,
	     "%s: %u polls in a row failed, and its circuit is closed",
	     judge_where(days, "device", device->index), book->failed_polls);
	if (class == CLASS_NONE) {
		book->failed_polls = 0;
		book->answered_at_ms = days->now_ms;
		book->n_answers++;
		days->judge->figures.answers++;
	}
}

/* --- keepers --- */

void judge_held(struct days *days, const struct days_device *device, bool is_held)
{
	struct judge_device *book = &days->judge->devices[device->index];

	if (is_held) {
		book->held_at_ms = days->now_ms;
		book->was_held = true;
		return;
	}
	/* A link that lasted begins the delays anew. */
	if (days->now_ms - book->held_at_ms >= KEEPER_HEALTHY_MS) {
		book->losses = 0;
		(void)in_hour(&book->lasted, days->now_ms);
	}
}

void judge_rest(struct days *days, const struct days_device *device, uint32_t rest_ms)
{
	struct judge_device *book = &days->judge->devices[device->index];
	uint32_t middle_ms = book->losses < 5 ? 2000u << book->losses : 60000;

	book->losses++;
	days->judge->figures.rests++;
	MUST(rest_ms >= middle_ms / 10 * 8 && rest_ms <= middle_ms / 10 * 12,
	     "%s: rests %u ms after %u losses", judge_where(days, "device", device->index), rest_ms,
	     book->losses);
}

/* --- workers --- */

static uint32_t grown_ms(const struct days *days, unsigned times)
{
	uint32_t ms = days->backoff.base_ms;

	for (; times > 0 && ms < days->backoff.max_ms; times--)
		ms *= 2;
	return ms < days->backoff.max_ms ? ms : days->backoff.max_ms;
}

void judge_restart(struct days *days, const struct days_adapter *adapter, int verdict,
		   uint32_t delay_ms, uint64_t healthy_ms, bool is_counted)
{
	struct judge_adapter *book = &days->judge->adapters[adapter->index];
	unsigned recent = 0;
	unsigned i;

	if (healthy_ms >= BACKOFF_HEALTHY_MS)
		*book->deaths = (struct judge_deaths){ .n = 0 };
	MUST(is_counted, "a crash that does not count");
	book->deaths->at_ms[book->deaths->n++ % JUDGE_DEATHS_MAX] = days->now_ms;
	for (i = 0; i < book->deaths->n && i < JUDGE_DEATHS_MAX; i++)
		recent += days->now_ms - book->deaths->at_ms[i] <= days->backoff.loop_window_ms;
	book->deaths->is_loop |= recent >= days->backoff.loop_deaths;
	days->judge->figures.restarts++;
	days->judge->figures.loops += verdict == BACKOFF_LOOP;
	MUST((verdict == BACKOFF_LOOP) == book->deaths->is_loop,
	     "%s: %u deaths in the window; a crash loop: %d",
	     judge_where(days, "hci", adapter->index), recent, verdict == BACKOFF_LOOP);
	MUST(delay_ms <= days->backoff.max_ms, "%s: restarted after %u ms",
	     judge_where(days, "hci", adapter->index), delay_ms);
	if (book->deaths->n == 1)
		MUST(delay_ms == 0, "%s: the first death is not free",
		     judge_where(days, "hci", adapter->index));
	if (book->deaths->is_loop)
		MUST(delay_ms == days->backoff.max_ms, "%s: a crash loop is restarted after %u ms",
		     judge_where(days, "hci", adapter->index), delay_ms);
	else if (book->deaths->n > 1)
		MUST(delay_ms >= grown_ms(days, book->deaths->n - 2) / 10 * 8 &&
			     delay_ms <= grown_ms(days, book->deaths->n - 2) / 10 * 12,
		     "%s: death %u, restarted after %u ms",
		     judge_where(days, "hci", adapter->index), book->deaths->n, delay_ms);
}

/* --- locks --- */

void judge_lock(struct days *days, const struct days_locker *locker, uint32_t waited_ms)
{
	days->judge->figures.locks++;
	/*
	 * Whatever the class: after three steps of age it is one of many who came in turn. Before
	 * it are three scanners, or some devices' attempts, and each may forget to give it back.
	 */
	MUST(waited_ms < 300000 || locker->asked_at_ms <= days->judge->woke_at_ms,
	     "%s: waited for %u ms, class %u", judge_where(days, "locker", locker->index),
	     waited_ms, locker->class);
	if (waited_ms != UINT32_MAX && waited_ms > days->judge->figures.worst_wait_ms)
		days->judge->figures.worst_wait_ms = waited_ms;
}
