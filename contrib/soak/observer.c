/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/observer.c - see observer.h. The kernel's view is slotview.c's, turns that overlap
 * are overlap.c's affair; what is here is when to look, and when to believe it.
 */
#include "contrib/soak/observer.h"

#include "contrib/soak/overlap.h"
#include "contrib/soak/slotview.h"
#include "ipc/hist.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
	/*
	 * What is read of /proc one after the other is no moment: a lock may have gone from one to
	 * another meanwhile. Nobody does that so often in a row.
	 */
	CONFIRMATIONS = 4,
	/*
	 * lockd keeps the slot of a holder that died while it connected for 2 s ([locks] dirty_ms);
	 * the rest is a machine that is busy and a lockd that was stopped for 3 s.
	 */
	STALE_US = 15000000,
};

struct observer {
	struct observer_settings settings;
	char lock_dir[108], own_dir[108];
	pid_t daemon;
	struct slotview view;
	struct {
		uint64_t inode; /* of which file this is: the list may be read anew */
		int64_t since_us;
	} stale_since[SLOTVIEW_FILES_MAX];
	char stale[160];
	struct overlap overlap;
	uint64_t seen[CLAIMS_RINGS_MAX]; /* turns of each ring */
	struct hist waits[CLAIMS_RINGS_MAX];
	uint64_t looks, turns, broken;
};

int observer_new(struct observer **out, const struct observer_settings *settings)
{
	struct observer *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->settings = *settings;
	if (o->settings.connect_slots == 0)
		o->settings.connect_slots = 1;
	if (o->settings.scan_slots == 0)
		o->settings.scan_slots = 1;
	if (access(settings->lock_dir, R_OK | X_OK) < 0) {
		int r = -errno;

		free(o);
		return r;
	}
	(void)snprintf(o->lock_dir, sizeof(o->lock_dir), "%s", settings->lock_dir);
	(void)snprintf(o->own_dir, sizeof(o->own_dir), "%s",
		       settings->own_dir ? settings->own_dir : "");
	o->view.dirs[0] = o->lock_dir;
	o->view.dirs[1] = settings->own_dir ? o->own_dir : NULL;
	*out = o;
	return 0;
}

struct observer *observer_free(struct observer *o)
{
	free(o);
	return NULL;
}

void observer_daemon(struct observer *o, pid_t daemon)
{
	o->daemon = daemon;
}

static void complain(struct observer *o, int64_t now_us, const char *text)
{
	o->broken++;
	o->settings.violation(o->settings.ctx, "holders", now_us, text);
}

/* --- the kernel's word --- */

static uint32_t units_of(const struct observer *o, const struct slotview_file *file)
{
	return file->is_scan ? o->settings.scan_slots : o->settings.connect_slots;
}

static void look_at_kernel(struct observer *o)
{
	struct claims *claims = o->settings.claims;
	pid_t roots[CLAIMS_RINGS_MAX];
	size_t n = 0;

	for (size_t i = 0; claims && i < CLAIMS_RINGS_MAX; i++) {
		const struct claim_ring *ring = &claims->rings[i];
		pid_t pid = ring->pid;

		if (ring->is_used && ring->kind != CLAIM_OUTSIDER && pid > 0)
			roots[n++] = pid;
	}
	slotview_look(&o->view, o->daemon, roots, n);
}

/* The first file that is crowded; SLOTVIEW_FILES_MAX: none. */
static size_t find_crowded(const struct observer *o)
{
	for (size_t i = 0; i < o->view.n_files; i++)
		if (slotview_is_crowded(&o->view, &o->view.files[i],
					units_of(o, &o->view.files[i])))
			return i;
	return SLOTVIEW_FILES_MAX;
}

static void judge_crowds(struct observer *o, int64_t now_us)
{
	size_t at = find_crowded(o);
	struct slotview_file file;
	char text[160];

	if (at == SLOTVIEW_FILES_MAX)
		return;
	file = o->view.files[at];
	for (int i = 0; i < CONFIRMATIONS; i++) {
		look_at_kernel(o);
		if (!slotview_is_crowded(&o->view, &file, units_of(o, &file)))
			return;
	}
	(void)snprintf(text, sizeof(text),
		       "%s:%s is held by %u of ours and %u programs outside at once, of %u",
		       file.is_scan ? "scan" : "connect", file.adapter,
		       slotview_ours(&o->view, &file), slotview_outside(&o->view, &file),
		       units_of(o, &file));
	complain(o, now_us, text);
}

static void judge_stale(struct observer *o, int64_t now_us)
{
	o->stale[0] = '\0';
	for (size_t i = 0; i < o->view.n_files; i++) {
		const struct slotview_file *file = &o->view.files[i];
		int64_t *since_us = &o->stale_since[i].since_us;

		if (!slotview_is_stale(&o->view, file) || o->stale_since[i].inode != file->inode) {
			o->stale_since[i].inode = file->inode;
			*since_us = 0;
			continue;
		}
		if (*since_us == 0)
			*since_us = now_us;
		if (now_us - *since_us < STALE_US)
			continue;
		(void)snprintf(o->stale, sizeof(o->stale),
			       "%s:%s has been locked by process %d for %" PRId64
			       " s, and nobody holds it",
			       file->is_scan ? "scan" : "connect", file->adapter, file->pid,
			       (now_us - *since_us) / 1000000);
		complain(o, now_us, o->stale);
		*since_us = now_us;
	}
}

/* --- the lockers' word --- */

static uint32_t units_of_resource(const struct observer *o, const char *resource)
{
	if (strncmp(resource, "connect:", 8) == 0)
		return o->settings.connect_slots;
	return strncmp(resource, "scan:", 5) == 0 ? o->settings.scan_slots : 1;
}

static void judge_turn(struct observer *o, size_t at, const struct claim_turn *turn, int64_t now_us)
{
	const struct claim_ring *ring = &o->settings.claims->rings[at];
	const struct overlap_turn one = { .took_us = turn->took_us,
					  .gave_us = turn->gave_us,
					  .grant = turn->grant,
					  .who = ring->who,
					  .is_outsider = ring->kind == CLAIM_OUTSIDER };
	int64_t waited_ms = (turn->took_us - turn->asked_us) / 1000;
	char text[OVERLAP_TEXT_LEN], resource[CLAIMS_RESOURCE_LEN + 16];

	o->turns++;
	hist_add(&o->waits[at], waited_ms > 0 ? (uint32_t)waited_ms : 0);
	(void)snprintf(resource, sizeof(resource), "%s", ring->resource);
	if (!strchr(resource, ':'))
		(void)snprintf(resource, sizeof(resource), "%s:hci%u", ring->resource,
			       turn->adapter);
	if (!turn->is_lost &&
	    overlap_add(&o->overlap, resource, units_of_resource(o, resource), &one, text))
		complain(o, now_us, text);
}

static void judge_turns(struct observer *o, int64_t now_us)
{
	for (size_t i = 0; o->settings.claims && i < CLAIMS_RINGS_MAX; i++) {
		struct claim_ring *ring = &o->settings.claims->rings[i];
		uint64_t n = atomic_load_explicit(&ring->n, memory_order_acquire);

		/* What was written over was not seen: the last ones are still whole. */
		if (n - o->seen[i] >= CLAIMS_RING)
			o->seen[i] = n - CLAIMS_RING / 2;
		while (o->seen[i] < n) {
			const struct claim_turn turn = ring->turns[o->seen[i]++ % CLAIMS_RING];

			judge_turn(o, i, &turn, now_us);
		}
	}
}

void observer_look(struct observer *o, int64_t now_us)
{
	o->looks++;
	judge_turns(o, now_us);
	look_at_kernel(o);
	/* Daemons that gave up their rights let root alone see what they have. */
	if (!o->view.is_blind)
		judge_stale(o, now_us);
	judge_crowds(o, now_us);
}

bool observer_has_stale(const struct observer *o, char *out, size_t len)
{
	(void)snprintf(out, len, "%s", o->stale);
	return o->stale[0] != '\0';
}

uint64_t observer_checked(const struct observer *o)
{
	return o->looks + o->turns;
}

uint64_t observer_broken(const struct observer *o)
{
	return o->broken;
}

/* --- the report --- */

static json_t *client_row(const struct observer *o, size_t at)
{
	static const char *const kinds[CLAIM_KINDS] = { "library", "script", "outsider" };
	const struct claim_ring *ring = &o->settings.claims->rings[at];
	const struct hist *waits = &o->waits[at];

	return json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:i}", "who", ring->who, "kind",
			 kinds[ring->kind], "resource", ring->resource, "grants",
			 (json_int_t)waits->count, "wait_p50_ms", (int)hist_percentile(waits, 50),
			 "wait_p95_ms", (int)hist_percentile(waits, 95), "worst_ms",
			 (int)waits->max_ms);
}

/* Of those of one kind that want the same: most grants against fewest. */
static double fairness_with(const struct observer *o, size_t at)
{
	const struct claim_ring *rings = o->settings.claims->rings;
	uint32_t most = o->waits[at].count, fewest = most;

	for (size_t i = 0; i < CLAIMS_RINGS_MAX; i++) {
		if (!rings[i].is_used || rings[i].kind != rings[at].kind ||
		    strcmp(rings[i].resource, rings[at].resource) != 0)
			continue;
		most = o->waits[i].count > most ? o->waits[i].count : most;
		fewest = o->waits[i].count < fewest ? o->waits[i].count : fewest;
	}
	return most == 0 ? 1.0 : (double)most / (fewest > 0 ? fewest : 1);
}

json_t *observer_report(const struct observer *o)
{
	json_t *clients = json_array();
	double fairness = 1.0;

	for (size_t i = 0; o->settings.claims && i < CLAIMS_RINGS_MAX; i++) {
		double with = 0;

		if (!o->settings.claims->rings[i].is_used)
			continue;
		with = fairness_with(o, i);
		fairness = with > fairness ? with : fairness;
		(void)json_array_append_new(clients, client_row(o, i));
	}
	return json_pack("{s:I, s:I, s:f, s:o}", "grants", (json_int_t)o->turns, "two_holders",
			 (json_int_t)o->broken, "fairness", fairness, "clients", clients);
}
