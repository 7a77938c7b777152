/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/recovery.h"

#include "contrib/soak/recovery_state.h"
#include "ipc/bleherd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int recovery_new(struct recovery **out)
{
	struct recovery *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*out = r;
	return 0;
}

struct recovery *recovery_free(struct recovery *r)
{
	if (r)
		free(r->buffer);
	free(r);
	return NULL;
}

/* --- whom a fault touches --- */

static bool is_waited_for(const struct record *record, uint32_t client)
{
	return record->waiting[client / 64] >> (client % 64) & 1;
}

static void wait_for(struct record *record, uint32_t client)
{
	record->n_waiting += !is_waited_for(record, client);
	record->waiting[client / 64] |= UINT64_C(1) << (client % 64);
	record->has_touched = true;
}

static void no_more(struct record *record, uint32_t client)
{
	record->n_waiting -= is_waited_for(record, client);
	record->waiting[client / 64] &= ~(UINT64_C(1) << (client % 64));
}

static bool is_touched(const struct record *record, const struct user *user)
{
	if (!user->is_there)
		return false;
	if (record->address != 0)
		return user->address == record->address;
	if (record->fault.where[0] != '\0')
		return strcmp(user->adapter, record->fault.where) == 0;
	return true;
}

static bool has_ended(const struct record *record, int64_t at_us)
{
	return record->end_us <= at_us;
}

/* --- active faults: those that last, or that somebody is waited for --- */

static void settle(struct recovery *r, int64_t at_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_active; i++) {
		struct record *record = &r->records[r->active[i]];

		if (record->n_waiting == 0 && has_ended(record, at_us))
			record->is_recovered = true;
		else
			r->active[kept++] = r->active[i];
	}
	r->n_active = kept;
}

void recovery_uses(struct recovery *r, uint32_t client, uint64_t address, const char *adapter)
{
	struct user *user = &r->users[client];

	assert(client < RECOVERY_CLIENTS_MAX);
	user->is_there = true;
	user->address = address;
	(void)snprintf(user->adapter, sizeof(user->adapter), "%s", adapter);
	for (size_t i = 0; i < r->n_active; i++) {
		struct record *record = &r->records[r->active[i]];

		if (record->address != 0 && record->address != address)
			no_more(record, client);
		else if (!has_ended(record, r->now_us) && is_touched(record, user))
			wait_for(record, client);
	}
}

void recovery_gone(struct recovery *r, uint32_t client)
{
	assert(client < RECOVERY_CLIENTS_MAX);
	r->users[client].is_there = false;
	for (size_t i = 0; i < r->n_active; i++)
		no_more(&r->records[r->active[i]], client);
}

void recovery_success(struct recovery *r, uint32_t client, uint64_t address, int64_t at_us)
{
	assert(client < RECOVERY_CLIENTS_MAX);
	if (at_us > r->now_us)
		r->now_us = at_us;
	for (size_t i = 0; i < r->n_active; i++) {
		struct record *record = &r->records[r->active[i]];

		if (!is_waited_for(record, client) || at_us <= record->end_us ||
		    (record->address != 0 && record->address != address))
			continue;
		no_more(record, client);
		record->has_time = true;
		if (at_us > record->last_us)
			record->last_us = at_us;
	}
	settle(r, r->now_us);
}

void recovery_fault(struct recovery *r, const struct recovery_fault *fault)
{
	struct record *record = &r->records[r->n];

	if (r->n == RECOVERY_FAULTS_MAX)
		return;
	*record = (struct record){ .fault = *fault };
	if (bh_parse_address(fault->where, &record->address) < 0)
		record->address = 0;
	record->end_us = fault->for_ms == RECOVERY_FOR_EVER ? INT64_MAX
							    : fault->at_us + fault->for_ms * 1000;
	if (fault->at_us > r->now_us)
		r->now_us = fault->at_us;
	for (uint32_t i = 0; i < RECOVERY_CLIENTS_MAX; i++)
		if (is_touched(record, &r->users[i]))
			wait_for(record, i);
	r->active[r->n_active++] = (uint32_t)r->n++;
}

void recovery_end(struct recovery *r, uint32_t line, int64_t at_us)
{
	if (at_us > r->now_us)
		r->now_us = at_us;
	for (size_t i = r->n; i-- > 0;) {
		struct record *record = &r->records[i];

		if (record->fault.line != line || record->is_end_told || record->fault.for_ms == 0)
			continue;
		record->is_end_told = true;
		record->end_us = at_us;
		break;
	}
	settle(r, r->now_us);
}

bool recovery_is_faulty(const struct recovery *r, int64_t now_us, int64_t after_ms)
{
	for (size_t i = r->n; i-- > 0;) {
		const struct record *record = &r->records[i];

		if (record->address == 0 &&
		    (record->end_us == INT64_MAX || record->end_us + after_ms * 1000 > now_us))
			return true;
	}
	return false;
}

size_t recovery_count(const struct recovery *r)
{
	return r->n;
}

/* --- the sim's log --- */

static void copy_text(const json_t *line, const char *key, char *out, size_t len)
{
	const char *text = json_string_value(json_object_get(line, key));

	(void)snprintf(out, len, "%s", text ? text : "");
}

static void read_line(struct recovery *r, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	struct recovery_fault fault = { 0 };
	const char *reply;

	if (!line)
		return;
	fault.at_us = json_integer_value(json_object_get(line, "us"));
	fault.line = (uint32_t)json_integer_value(json_object_get(line, "line"));
	fault.for_ms = json_integer_value(json_object_get(line, "for_ms"));
	copy_text(line, "kind", fault.kind, sizeof(fault.kind));
	copy_text(line, "where", fault.where, sizeof(fault.where));
	copy_text(line, "text", fault.text, sizeof(fault.text));
	reply = json_string_value(json_object_get(line, "reply"));
	if (json_is_true(json_object_get(line, "end")))
		recovery_end(r, fault.line, fault.at_us);
	else if (fault.kind[0] != '\0' && (!reply || strncmp(reply, "error", 5) != 0))
		recovery_fault(r, &fault);
	json_decref(line);
}

/* Whole lines; what is not whole yet stays. */
static void read_lines(struct recovery *r)
{
	const char *at = r->buffer, *end;
	size_t left = r->n_buffer;

	while ((end = memchr(at, '\n', left)) != NULL) {
		read_line(r, at, (size_t)(end - at));
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	/* A line that is longer than all lines is none. */
	if (left == RECOVERY_BUFFER)
		left = 0;
	memmove(r->buffer, at, left);
	r->n_buffer = left;
}

void recovery_read(struct recovery *r, const char *path)
{
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t len;

	if (!r->buffer)
		r->buffer = malloc(RECOVERY_BUFFER);
	if (fd < 0 || !r->buffer)
		return;
	while ((len = pread(fd, r->buffer + r->n_buffer, RECOVERY_BUFFER - r->n_buffer,
			    r->offset)) > 0) {
		r->offset += len;
		r->n_buffer += (size_t)len;
		read_lines(r);
	}
}
