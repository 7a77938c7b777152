/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contrib/soak/judge_register.h"
#include "ipc/bleherd.h"

/* An answer that was taken from the book and is to be judged. */
struct taken {
	uint32_t client;
	struct book_entry entry;
};

struct judge {
	struct judge_settings s;
	struct judge_register *reg;
	struct {
		uint32_t taken[BOOK_RING]; /* numbers */
		int64_t success_us;
		bool is_found;
	} clients[BOOK_CLIENTS_MAX];
	struct taken *batch;
	size_t n, room;
	uint64_t checked[BOOK_PROMISES];
};

int judge_new(struct judge **out, const struct judge_settings *settings)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return -ENOMEM;
	judge->s = *settings;
	if (judge_register_new(&judge->reg) < 0) {
		free(judge);
		return -ENOMEM;
	}
	*out = judge;
	return 0;
}

struct judge *judge_free(struct judge *judge)
{
	if (!judge)
		return NULL;
	judge->reg = judge_register_free(judge->reg);
	free(judge->batch);
	free(judge);
	return NULL;
}

_printf_(5, 6) static void complain(struct judge *judge, enum book_promise promise,
				    const struct taken *of, int64_t at_us, const char *format, ...)
{
	struct judge_violation v = { .promise = promise,
				     .at_us = at_us,
				     .client = (int)of->client,
				     .number = of->entry.number,
				     .device = of->entry.device };
	va_list args;

	va_start(args, format);
	(void)vsnprintf(v.text, sizeof(v.text), format, args);
	va_end(args);
	judge->s.violation(judge->s.ctx, &v);
}

/* "client 3 (poller): write 17" */
static const char *whose(const struct judge *judge, const struct taken *of, char out[96])
{
	(void)snprintf(out, 96, "client %u (%s): %s, its request %u", of->client,
		       book_role_name((enum book_role)judge->s.book->pages[of->client].role),
		       book_kind_name((enum book_kind)of->entry.kind), of->entry.number);
	return out;
}

/* --- the book --- */

static void keep(struct judge *judge, uint32_t client, const struct book_entry *entry,
		 int64_t answered_us)
{
	if (judge->n == judge->room) {
		size_t room = judge->room * 2 + 256;
		struct taken *bigger = reallocarray(judge->batch, room, sizeof(*bigger));

		/* A tool that cannot remember cannot judge. */
		if (!bigger)
			abort();
		judge->batch = bigger;
		judge->room = room;
	}
	judge->batch[judge->n].client = client;
	memcpy(&judge->batch[judge->n].entry, entry, sizeof(*entry));
	judge->batch[judge->n++].entry.answered_us = answered_us;
}

static void too_late(struct judge *judge, uint32_t client, const struct book_entry *entry,
		     int64_t now_us)
{
	struct taken of = { .client = client };
	char text[96];

	memcpy(&of.entry, entry, sizeof(*entry));
	complain(judge, BOOK_IN_TIME, &of, now_us, "%s: no answer after %lld ms of %u",
		 whose(judge, &of, text), (long long)((now_us - entry->asked_us) / 1000),
		 entry->timeout_ms);
}

static void take_page(struct judge *judge, uint32_t client, int64_t now_us)
{
	struct book_page *page = &judge->s.book->pages[client];
	uint32_t asked = atomic_load(&page->asked), judged = atomic_load(&page->judged);
	uint32_t number;

	for (number = judged + 1; number - 1 != asked; number++) {
		const struct book_entry *entry = &page->ring[number % BOOK_RING];
		int64_t answered_us = atomic_load(&entry->answered_us);
		bool was_taken = judge->clients[client].taken[number % BOOK_RING] == number;

		if (was_taken)
			continue;
		if (answered_us != 0) {
			judge->clients[client].taken[number % BOOK_RING] = number;
			keep(judge, client, entry, answered_us);
		} else if (now_us - entry->asked_us >
			   (entry->timeout_ms + judge->s.late_ms) * INT64_C(1000)) {
			too_late(judge, client, entry, now_us);
			judge->clients[client].taken[number % BOOK_RING] = number;
		}
	}
	while (judged != asked &&
	       judge->clients[client].taken[(judged + 1) % BOOK_RING] == judged + 1)
		judged++;
	atomic_store(&page->judged, judged);
}

void judge_gone(struct judge *judge, uint32_t client)
{
	struct book_page *page = &judge->s.book->pages[client];
	uint32_t asked = atomic_load(&page->asked), number;

	for (number = atomic_load(&page->judged) + 1; number - 1 != asked; number++)
		if (atomic_load(&page->ring[number % BOOK_RING].answered_us) == 0)
			judge->clients[client].taken[number % BOOK_RING] = number;
}

static void take_finding(struct judge *judge, uint32_t client)
{
	const struct book_finding *finding = &judge->s.book->pages[client].finding;
	struct judge_violation v = { .client = (int)client };

	if (judge->clients[client].is_found || !atomic_load(&finding->is_there))
		return;
	judge->clients[client].is_found = true;
	v.promise = (enum book_promise)finding->promise;
	v.at_us = finding->at_us;
	v.number = finding->number;
	v.device = finding->device;
	(void)snprintf(v.text, sizeof(v.text), "client %u (%s): %s", client,
		       book_role_name((enum book_role)judge->s.book->pages[client].role),
		       finding->text);
	judge->s.violation(judge->s.ctx, &v);
}

/* --- the write log --- */

static void take_line(struct judge *judge, const char *line, int64_t now_us)
{
	const char *device = strstr(line, "\"device\":\"");
	const char *hex = strstr(line, "\"hex\":\"");
	struct taken of = { .client = 0 };
	uint64_t address;
	uint32_t value;
	char name[18];

	/* Only ours are judged: four bytes. */
	if (!device || !hex || strlen(device) < 27 || strcspn(hex + 7, "\"") != 8)
		return;
	memcpy(name, device + 10, 17);
	name[17] = '\0';
	if (bh_parse_address(name, &address) < 0 ||
	    address - judge->s.book->first >= BOOK_DEVICES_MAX)
		return;
	of.entry.device = (uint16_t)(address - judge->s.book->first);
	value = (uint32_t)strtoul(hex + 7, NULL, 16);
	of.client = value >> 24;
	judge->checked[BOOK_WRITE_ONCE]++;
	if (of.client >= judge->s.book->clients)
		return;
	if (!judge_register_arrived(judge->reg, of.entry.device, value))
		complain(judge, BOOK_WRITE_ONCE, &of, now_us,
			 "client %u: its %u. value has arrived at %s a second time", of.client,
			 value & 0xffffff, name);
}

static void take_log(struct judge *judge, const struct judge_log *log, int64_t now_us)
{
	const char *text;
	size_t len;

	while ((text = log->read(log->ctx, &len)) != NULL) {
		const char *end = text + len;

		while (text < end) {
			const char *line_end = memchr(text, '\n', (size_t)(end - text));
			char line[512];

			if (!line_end)
				break;
			(void)snprintf(line, sizeof(line), "%.*s", (int)(line_end - text), text);
			take_line(judge, line, now_us);
			text = line_end + 1;
		}
	}
}

/* --- verdicts --- */

static void judge_time(struct judge *judge, const struct taken *of)
{
	int64_t took_us = of->entry.answered_us - of->entry.asked_us;
	char text[96];

	judge->checked[BOOK_ANSWERED_ONCE]++;
	judge->checked[BOOK_IN_TIME]++;
	if (took_us > (of->entry.timeout_ms + judge->s.late_ms) * INT64_C(1000))
		complain(judge, BOOK_IN_TIME, of, of->entry.answered_us,
			 "%s: answered after %lld ms of %u", whose(judge, of, text),
			 (long long)(took_us / 1000), of->entry.timeout_ms);
}

static bool has_value(const struct taken *of)
{
	return of->entry.error == BH_CLASS_NONE &&
	       (of->entry.kind == BOOK_READ || of->entry.kind == BOOK_WRITE);
}

static void prove(struct judge *judge, const struct taken *of)
{
	char text[96];

	if (!has_value(of))
		return;
	if (judge_register_has(judge->reg, of->entry.device, of->entry.value)) {
		judge_register_proved(judge->reg, of->entry.device, of->entry.value,
				      of->entry.answered_us);
		return;
	}
	/* A read of what nobody wrote is for judge_read(). */
	if (of->entry.kind == BOOK_WRITE)
		complain(judge, BOOK_WRITE_ONCE, of, of->entry.answered_us,
			 "%s: done, and its value %08x has never arrived", whose(judge, of, text),
			 of->entry.value);
}

static void judge_read(struct judge *judge, const struct taken *of)
{
	uint32_t newer = 0;
	char text[96];

	if (of->entry.kind != BOOK_READ || of->entry.error != BH_CLASS_NONE)
		return;
	judge->checked[BOOK_RIGHT_VALUE]++;
	switch (judge_register_read(judge->reg, of->entry.device, of->entry.value,
				    of->entry.asked_us, of->entry.after, &newer)) {
	case JUDGE_READ_ODD:
		complain(judge, BOOK_RIGHT_VALUE, of, of->entry.answered_us,
			 "%s: got %08x, which nobody wrote there", whose(judge, of, text),
			 of->entry.value);
		break;
	case JUDGE_READ_STALE:
		complain(judge, BOOK_RIGHT_VALUE, of, of->entry.answered_us,
			 "%s: got %08x, but the newer %08x was there before it was asked",
			 whose(judge, of, text), of->entry.value, newer);
		break;
	default:
		break;
	}
}

void judge_look(struct judge *judge, const struct judge_log *log, int64_t now_us)
{
	judge->n = 0;
	judge->checked[BOOK_NOTIFY_ORDER] = 0;
	for (uint32_t i = 0; i < judge->s.book->clients; i++) {
		take_finding(judge, i);
		take_page(judge, i, now_us);
		judge->checked[BOOK_NOTIFY_ORDER] += atomic_load(&judge->s.book->pages[i].notified);
	}
	/* After the book: a write that is said to be done is in the log by now. */
	take_log(judge, log, now_us);
	/* All that was known by now, before the reads that had to know it. */
	for (size_t i = 0; i < judge->n; i++)
		prove(judge, &judge->batch[i]);
	for (size_t i = 0; i < judge->n; i++) {
		const struct taken *of = &judge->batch[i];

		judge_time(judge, of);
		judge_read(judge, of);
		if (of->entry.error == BH_CLASS_NONE)
			judge->clients[of->client].success_us = of->entry.answered_us;
		judge->s.answered(judge->s.ctx, of->client, &of->entry);
	}
}

uint64_t judge_checked(const struct judge *judge, enum book_promise promise)
{
	return judge->checked[promise];
}

int64_t judge_success_us(const struct judge *judge, uint32_t client)
{
	return judge->clients[client].success_us;
}
