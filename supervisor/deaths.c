/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/deaths.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/symbols.h"

/* A frame's body is 4 KiB: 24 of these and 32 crumbs fit with the rest. */
enum { FRAME_LEN = SYMBOLS_NAME_LEN };

struct death {
	uint64_t number;
	uint64_t at_wall_ms;
	uint64_t at_ms;
	char child[48];
	char adapter[16];
	char how[128];
	uint64_t address;
	struct child_obituary obituary;
	char frames[WPAGE_FRAMES_MAX][FRAME_LEN];
};

struct deaths {
	uint64_t next;
	struct death *ring[DEATHS_KEPT]; /* by number; made when they happen */
};

int deaths_new(struct deaths **out)
{
	struct deaths *deaths = calloc(1, sizeof(*deaths));

	if (!deaths)
		return -ENOMEM;
	deaths->next = 1;
	*out = deaths;
	return 0;
}

struct deaths *deaths_free(struct deaths *deaths)
{
	size_t i;

	for (i = 0; deaths && i < DEATHS_KEPT; i++)
		free(deaths->ring[i]);
	free(deaths);
	return NULL;
}

static void name_frames(const struct sup *sup, enum spawn_role role, struct death *death)
{
	const struct wpage_traces *traces = &death->obituary.traces;
	struct symbols_place places[WPAGE_FRAMES_MAX];
	size_t i;

	for (i = 0; i < traces->n_frames; i++)
		places[i].offset = traces->frames[i].object[0] ? 0 : traces->frames[i].offset;
	symbols_resolve(sup->binaries.fds[role], places, traces->n_frames);
	for (i = 0; i < traces->n_frames; i++) {
		const char *object = traces->frames[i].object;

		if (!object[0] && places[i].name[0])
			(void)snprintf(death->frames[i], FRAME_LEN, "%s", places[i].name);
		else
			(void)snprintf(death->frames[i], FRAME_LEN, "%s+0x%llx",
				       object[0] ? object : spawn_role_name(role),
				       (unsigned long long)traces->frames[i].offset);
	}
}

void deaths_note(struct sup *sup, const struct child *child, enum spawn_role role,
		 const struct child_obituary *obituary, const char *adapter, uint64_t address)
{
	struct deaths *deaths = sup->deaths;
	struct death **slot = &deaths->ring[deaths->next % DEATHS_KEPT];
	struct death *death = *slot ? *slot : calloc(1, sizeof(*death));

	if (!death || obituary->cause == CHILD_CAUSE_ASKED ||
	    child_obituary_weigh(obituary) == CHILD_WEIGHT_NONE) {
		if (!*slot)
			free(death);
		return;
	}
	*slot = death;
	*death = (struct death){
		.number = deaths->next++,
		.at_wall_ms = clock_wall_ms(),
		.at_ms = clock_now_ms(),
		.address = address,
		.obituary = *obituary,
	};
	(void)snprintf(death->child, sizeof(death->child), "%s", child_name(child));
	(void)snprintf(death->adapter, sizeof(death->adapter), "%s", adapter);
	child_obituary_text(obituary, death->how, sizeof(death->how));
	name_frames(sup, role, death);
}

uint64_t deaths_next(const struct deaths *deaths)
{
	return deaths->next;
}

const struct death *deaths_from(const struct deaths *deaths, uint64_t from)
{
	uint64_t oldest = deaths->next > DEATHS_KEPT ? deaths->next - DEATHS_KEPT : 1;

	if (from < oldest)
		from = oldest;
	return from < deaths->next ? deaths->ring[from % DEATHS_KEPT] : NULL;
}

uint64_t death_number(const struct death *death)
{
	return death->number;
}

static void fill_page(const struct death *death, Bh__Death *out)
{
	const struct wpage_view *page = &death->obituary.page;

	if (!death->obituary.has_page)
		return;
	out->has_request = page->handling_id != 0;
	out->request = page->handling_id;
	out->has_session = page->handling_session != 0;
	out->session = page->handling_session;
	if (page->op == WPAGE_OP_NONE)
		return;
	out->op = (char *)(uintptr_t)wpage_op_name(page->op);
	out->has_op_age_ms = out->has_op_budget_ms = 1;
	out->op_age_ms = clock_span_ms(page->op_started_at_ms, death->at_ms);
	out->op_budget_ms = page->op_budget_ms;
}

static void fill_traces(const struct death *death, struct deaths_wire *out)
{
	const struct wpage_traces *traces = &death->obituary.traces;
	size_t i;

	if (traces->words[0])
		out->death.text = (char *)(uintptr_t)traces->words;
	out->death.crumbs = out->crumb_list;
	out->death.n_crumbs = traces->n_crumbs;
	for (i = 0; i < traces->n_crumbs; i++) {
		out->crumb_list[i] = &out->crumbs[i];
		bh__crumb__init(&out->crumbs[i]);
		out->crumbs[i].has_age_ms = 1;
		out->crumbs[i].age_ms = clock_span_ms(traces->crumbs[i].at_ms, death->at_ms);
		out->crumbs[i].text = (char *)(uintptr_t)traces->crumbs[i].text;
	}
	out->death.frames = out->frame_list;
	out->death.n_frames = traces->n_frames;
	for (i = 0; i < traces->n_frames; i++)
		out->frame_list[i] = (char *)(uintptr_t)death->frames[i];
}

void death_fill(const struct death *death, struct deaths_wire *out)
{
	const struct child_obituary *obituary = &death->obituary;
	bool is_exit = !obituary->is_signal && !obituary->exec_error;

	bh__death__init(&out->death);
	out->death.has_number = out->death.has_at_ms = out->death.has_pid = 1;
	out->death.number = death->number;
	out->death.at_ms = death->at_wall_ms;
	out->death.pid = (uint32_t)obituary->pid;
	out->death.child = (char *)(uintptr_t)death->child;
	out->death.adapter = (char *)(uintptr_t)death->adapter;
	out->death.how = (char *)(uintptr_t)death->how;
	out->death.cause = (char *)(uintptr_t)child_cause_name(obituary->cause);
	out->death.has_signal = obituary->is_signal;
	out->death.signal = (uint32_t)obituary->status;
	out->death.has_status = is_exit;
	out->death.status = (uint32_t)obituary->status;
	out->death.has_lived_ms = 1;
	out->death.lived_ms = obituary->lived_ms;
	out->death.has_address = death->address != 0;
	out->death.address = death->address;
	fill_page(death, &out->death);
	fill_traces(death, out);
}
