/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/slotset.h"

#include <fcntl.h>

enum { SCAN_FILE = RESOURCE_COUNT_MAX };

struct file {
	int fd; /* valid while there are users */
	uint32_t users;
};

struct slotset {
	int dir_fd;
	struct resource_counts counts;
	struct file files[RESOURCE_ADAPTERS_MAX][SLOTSET_FILES];
};

/* The descriptors that a holder hands back; n 0: lock afresh. */
struct offer {
	const int *fds;
	size_t n;
	bool is_adoption;
};

int slotset_new(struct slotset **out, int dir_fd, const struct resource_counts *counts)
{
	struct slotset *s;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->dir_fd = dir_fd;
	s->counts = *counts;
	*out = s;
	return 0;
}

struct slotset *slotset_free(struct slotset *s)
{
	unsigned adapter;
	unsigned i;

	for (adapter = 0; s && adapter < RESOURCE_ADAPTERS_MAX; adapter++)
		for (i = 0; i < SLOTSET_FILES; i++)
			if (s->files[adapter][i].users > 0)
				(void)close_fd(s->files[adapter][i].fd);
	free(s);
	return NULL;
}

static int adopt_one(const struct slotset *s, const char *name, const struct offer *offer,
		     int *out_fd)
{
	int r = SLOTFILE_OTHER;
	size_t i;
	int fd;

	for (i = 0; i < offer->n && r == SLOTFILE_OTHER; i++) {
		r = slotfile_adopt(s->dir_fd, name, offer->fds[i]);
		if (r != 0)
			continue;
		fd = fcntl(offer->fds[i], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
		*out_fd = fd;
	}
	return r;
}

/* Takes one file; one that we have locked already is shared. */
static int take_file(struct slotset *s, uint32_t adapter, uint32_t file, const struct offer *offer,
		     struct slotset_lock *lock)
{
	struct file *f = &s->files[adapter][file];
	char name[SLOTFILE_NAME_LEN];
	int r = 0;

	if (f->users == 0) {
		slotfile_name(file == SCAN_FILE ? RESOURCE_SCAN : RESOURCE_CONNECT, adapter, file,
			      name);
		r = offer->is_adoption ? adopt_one(s, name, offer, &f->fd)
				       : slotfile_lock(s->dir_fd, name, &f->fd);
	}
	if (r != 0)
		return r;
	assert(lock->n < SLOTSET_REFS_MAX);
	f->users++;
	lock->refs[lock->n].adapter = (uint16_t)adapter;
	lock->refs[lock->n].file = (uint16_t)file;
	lock->n++;
	return 0;
}

/* Any slot that none of ours has; the lowest that nobody outside has either. */
static int take_slot(struct slotset *s, uint32_t adapter, const struct offer *offer,
		     struct slotset_lock *lock)
{
	int outcome = SLOTFILE_BUSY;
	uint32_t i;
	int r;

	for (i = 0; i < s->counts.of[RESOURCE_CONNECT]; i++) {
		if (s->files[adapter][i].users > 0)
			continue;
		r = take_file(s, adapter, i, offer, lock);
		if (r == 0)
			return 0;
		/* A bad file is worth telling, unless a slot that is merely busy may come free. */
		if (i == 0 || r == SLOTFILE_BUSY)
			outcome = r;
	}
	return outcome;
}

/* A maintenance may share what its own set holds, and locks what its grant had no room to carry. */
static int take_all(struct slotset *s, uint32_t adapter, const struct offer *offer,
		    struct slotset_lock *lock, enum resource_kind *out_kind)
{
	static const struct offer none = { .n = 0 };
	uint32_t i;
	int r = 0;

	for (i = 0; i < SLOTSET_FILES && r == 0; i++) {
		if (i != SCAN_FILE && i >= s->counts.of[RESOURCE_CONNECT])
			continue;
		*out_kind = i == SCAN_FILE ? RESOURCE_SCAN : RESOURCE_CONNECT;
		r = take_file(s, adapter, i, offer, lock);
		if (r == SLOTFILE_OTHER)
			r = take_file(s, adapter, i, &none, lock);
	}
	return r;
}

static int take(struct slotset *s, const struct resource *resource, const struct offer *offer,
		struct slotset_lock *lock, struct resource *out_culprit)
{
	uint32_t adapter = (uint32_t)resource->key;
	struct resource culprit = *resource;
	int r = 0;

	switch (resource->kind) {
	case RESOURCE_CONNECT:
		r = take_slot(s, adapter, offer, lock);
		break;
	case RESOURCE_SCAN:
		r = take_file(s, adapter, SCAN_FILE, offer, lock);
		break;
	case RESOURCE_MAINTENANCE:
		r = take_all(s, adapter, offer, lock, &culprit.kind);
		break;
	case RESOURCE_DEVICE:
	case RESOURCE_KINDS:
		break;
	}
	if (r != 0)
		*out_culprit = culprit;
	return r;
}

static int take_set(struct slotset *s, const struct resource_set *set, const struct offer *offer,
		    struct slotset_lock *out_lock, struct resource *out_culprit)
{
	struct slotset_lock lock = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; i < set->n && r == 0; i++)
		r = take(s, &set->items[i], offer, &lock, out_culprit);
	if (r != 0)
		slotset_give(s, &lock);
	else
		*out_lock = lock;
	return r;
}

int slotset_take(struct slotset *s, const struct resource_set *set, struct slotset_lock *out_lock,
		 struct resource *out_culprit)
{
	const struct offer none = { .n = 0 };

	return take_set(s, set, &none, out_lock, out_culprit);
}

int slotset_adopt(struct slotset *s, const struct resource_set *set, const int *fds, size_t n_fds,
		  struct slotset_lock *out_lock)
{
	const struct offer offer = { .fds = fds, .n = n_fds, .is_adoption = true };
	struct resource culprit;

	return take_set(s, set, &offer, out_lock, &culprit);
}

void slotset_give(struct slotset *s, struct slotset_lock *lock)
{
	struct file *f;
	uint32_t i;

	for (i = 0; i < lock->n; i++) {
		f = &s->files[lock->refs[i].adapter][lock->refs[i].file];
		if (--f->users == 0)
			f->fd = slotfile_unlock(f->fd);
	}
	lock->n = 0;
}

size_t slotset_fds(const struct slotset *s, const struct slotset_lock *lock, int *out_fds,
		   size_t max)
{
	size_t i;

	for (i = 0; i < lock->n && i < max; i++)
		out_fds[i] = s->files[lock->refs[i].adapter][lock->refs[i].file].fd;
	return i;
}

uint32_t slotset_slot(const struct slotset_lock *lock, const struct resource *resource)
{
	uint32_t i;

	if (resource->kind != RESOURCE_CONNECT)
		return 0;
	for (i = 0; i < lock->n; i++)
		if (lock->refs[i].adapter == resource->key && lock->refs[i].file != SCAN_FILE)
			return lock->refs[i].file;
	return 0;
}
