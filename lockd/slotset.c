/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/slotset.h"

#include <fcntl.h>

struct file {
	int fd; /* locked while there are users; else a probe (slotfile.h), or none */
	uint32_t users;
	bool is_kept;	 /* locked, and nobody's: for one that lacks others still */
	bool is_reserve; /* locked only to keep programs outside from it */
	bool is_outside; /* was in other hands when last tried */
};

struct slotset {
	struct slotset_config config;
	uint32_t default_adapter;
	struct file files[RESOURCE_ADAPTERS_MAX][SLOTSET_FILES];
};

/* What is being taken, for whom, and what has been taken so far. */
struct taking {
	struct slotset *s;
	uint32_t adapter;
	const int *fds; /* an adoption: what the holder hands back */
	size_t n_fds;
	bool is_adoption;
	struct slotset_lock lock;
};

int slotset_new(struct slotset **out, const struct slotset_config *config)
{
	struct slotset *s;
	unsigned adapter;
	unsigned i;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	for (adapter = 0; adapter < RESOURCE_ADAPTERS_MAX; adapter++)
		for (i = 0; i < SLOTSET_FILES; i++)
			s->files[adapter][i].fd = -EBADF;
	s->config = *config;
	s->default_adapter = RESOURCE_ADAPTERS_MAX;
	*out = s;
	return 0;
}

struct slotset *slotset_free(struct slotset *s)
{
	unsigned adapter;
	unsigned i;

	for (adapter = 0; s && adapter < RESOURCE_ADAPTERS_MAX; adapter++)
		for (i = 0; i < SLOTSET_FILES; i++)
			(void)close_fd(s->files[adapter][i].fd);
	free(s);
	return NULL;
}

void slotset_set_default(struct slotset *s, uint32_t adapter)
{
	s->default_adapter = adapter;
}

/* --- which files --- */

static bool has_alias(const struct slotset *s, uint32_t adapter)
{
	return adapter == s->default_adapter && s->config.foreign_slots > 0;
}

static uint32_t shared_slots(const struct slotset *s, uint32_t adapter)
{
	return s->config.foreign_slots * (has_alias(s, adapter) ? 2 : 1);
}

/*
 * The slots in the order in which ours take them: those that only we use, if our count is the
 * larger one, then those that programs outside take as well. The reserve comes from the other end.
 */
static size_t slot_order(const struct slotset *s, uint32_t adapter, uint32_t out[SLOTSET_SCAN])
{
	uint32_t ours = s->config.counts.of[RESOURCE_CONNECT];
	uint32_t theirs = s->config.foreign_slots;
	uint32_t shared = shared_slots(s, adapter);
	size_t n = 0;
	uint32_t i;

	for (i = theirs; i + shared < ours + theirs; i++)
		out[n++] = i;
	for (i = 0; i < theirs; i++)
		out[n++] = i;
	for (i = 0; i < theirs && has_alias(s, adapter); i++)
		out[n++] = SLOTSET_ALIAS + i;
	return n;
}

/* How many slots must be kept from programs outside while one of ours connects. */
static uint32_t reserve_size(const struct slotset *s, uint32_t adapter)
{
	uint32_t ours = s->config.counts.of[RESOURCE_CONNECT];
	uint32_t shared = shared_slots(s, adapter);

	return shared > ours ? shared - ours : 0;
}

static void file_name(uint32_t adapter, uint32_t file, char out_name[SLOTFILE_NAME_LEN])
{
	bool is_scan = file >= SLOTSET_SCAN;
	bool is_alias = file == SLOTSET_ALIAS_SCAN || (!is_scan && file >= SLOTSET_ALIAS);

	slotfile_name(is_scan ? RESOURCE_SCAN : RESOURCE_CONNECT,
		      is_alias ? SLOTFILE_DEFAULT : adapter, file % SLOTSET_ALIAS, out_name);
}

/* --- one file --- */

static int adopt_file(const struct taking *t, const char *name, int *out_fd)
{
	int r = SLOTFILE_OTHER;
	size_t i;
	int fd;

	for (i = 0; i < t->n_fds && r == SLOTFILE_OTHER; i++) {
		r = slotfile_adopt(t->s->config.dir_fd, name, t->fds[i]);
		if (r != 0 && t->s->config.own_dir_fd >= 0)
			r = slotfile_adopt(t->s->config.own_dir_fd, name, t->fds[i]);
		if (r != 0)
			continue;
		fd = fcntl(t->fds[i], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
		*out_fd = fd;
	}
	return r;
}

static int lock_file(const struct slotset *s, const char *name, int *fd)
{
	int r = slotfile_probe(s->config.dir_fd, name, fd);

	if (r == SLOTFILE_MISSING && s->config.own_dir_fd >= 0)
		r = slotfile_probe(s->config.own_dir_fd, name, fd);
	return r;
}

/* One that we have locked already is shared. @is_adoption: only if the holder hands it back. */
static int take_file(struct taking *t, uint32_t file, bool is_adoption)
{
	struct file *f = &t->s->files[t->adapter][file];
	char name[SLOTFILE_NAME_LEN];
	int r = 0;

	if (f->users == 0) {
		file_name(t->adapter, file, name);
		if (is_adoption)
			f->fd = close_fd(f->fd);
		r = is_adoption ? adopt_file(t, name, &f->fd) : lock_file(t->s, name, &f->fd);
		f->is_outside = r == SLOTFILE_BUSY;
		f->is_kept = false;
	}
	if (r != 0)
		return r;
	assert(t->lock.n < SLOTSET_REFS_MAX);
	f->users++;
	t->lock.refs[t->lock.n].adapter = (uint16_t)t->adapter;
	t->lock.refs[t->lock.n].file = (uint16_t)file;
	t->lock.n++;
	return 0;
}

static void give(struct slotset *s, struct slotset_lock *lock)
{
	struct file *f;
	uint32_t i;

	for (i = 0; i < lock->n; i++) {
		f = &s->files[lock->refs[i].adapter][lock->refs[i].file];
		if (--f->users > 0)
			continue;
		f->fd = slotfile_unlock(f->fd);
		f->is_reserve = false;
	}
	lock->n = 0;
}

/*
 * For the next try: the descriptors of all, since what is tried again is tried on them, and the
 * locks of what the culprit needs.
 */
static void give_back(struct slotset *s, struct slotset_lock *lock, const struct resource *culprit)
{
	struct file *f;
	uint32_t i;

	for (i = 0; i < lock->n; i++) {
		f = &s->files[lock->refs[i].adapter][lock->refs[i].file];
		if (--f->users > 0)
			continue;
		f->is_reserve = false;
		f->is_kept =
			culprit && lock->refs[i].adapter == culprit->key &&
			(lock->refs[i].file >= SLOTSET_SCAN) == (culprit->kind == RESOURCE_SCAN);
		if (!f->is_kept)
			slotfile_let_go(f->fd);
	}
	lock->n = 0;
}

/* --- sets --- */

/*
 * One more slot of those that nobody of ours has. A bad file is worth telling, unless one that is
 * merely busy may come free.
 */
static int take_slot(struct taking *t, bool is_adoption, bool is_reserve)
{
	struct file *files = t->s->files[t->adapter];
	int outcome = is_adoption ? SLOTFILE_OTHER : SLOTFILE_BUSY;
	uint32_t order[SLOTSET_SCAN];
	size_t n = slot_order(t->s, t->adapter, order);
	bool is_busy = false;
	uint32_t at;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		at = order[is_reserve ? n - 1 - i : i];
		if (files[at].users > 0)
			continue;
		r = take_file(t, at, is_adoption);
		if (r == 0) {
			files[at].is_reserve = is_reserve;
			return 0;
		}
		is_busy |= r == SLOTFILE_BUSY;
		outcome = is_busy ? SLOTFILE_BUSY : r;
	}
	return outcome;
}

/* The reserve: what is there is shared, what is not yet is taken. */
static int take_reserve(struct taking *t)
{
	const struct file *files = t->s->files[t->adapter];
	uint32_t missing = reserve_size(t->s, t->adapter);
	uint32_t i;
	int r = 0;

	for (i = 0; i < SLOTSET_SCAN && r == 0; i++) {
		if (!files[i].is_reserve)
			continue;
		r = take_file(t, i, false);
		missing -= missing > 0 ? 1 : 0;
	}
	for (; missing > 0 && r == 0; missing--) {
		r = take_slot(t, t->is_adoption, true);
		if (r != 0 && t->is_adoption)
			r = take_slot(t, false, true);
	}
	/* A holder that is back holds, whoever else does by now. */
	return t->is_adoption ? 0 : r;
}

static int take_connect(struct taking *t)
{
	int r = take_slot(t, t->is_adoption, false);

	return r == 0 ? take_reserve(t) : r;
}

static int take_scan(struct taking *t)
{
	int r = take_file(t, SLOTSET_SCAN, t->is_adoption);

	if (r != 0 || !has_alias(t->s, t->adapter))
		return r;
	r = take_file(t, SLOTSET_ALIAS_SCAN, t->is_adoption);
	return t->is_adoption ? 0 : r;
}

/* A maintenance may share what its own set holds, and locks what its grant had no room to carry. */
static int take_all(struct taking *t, enum resource_kind *out_kind)
{
	uint32_t order[SLOTSET_SCAN];
	size_t n = slot_order(t->s, t->adapter, order);
	size_t i;
	int r = 0;

	*out_kind = RESOURCE_CONNECT;
	for (i = 0; i < n && r == 0; i++) {
		r = take_file(t, order[i], t->is_adoption);
		if (r == SLOTFILE_OTHER)
			r = take_file(t, order[i], false);
	}
	if (r != 0)
		return r;
	*out_kind = RESOURCE_SCAN;
	r = take_scan(t);
	return r == SLOTFILE_OTHER ? take_file(t, SLOTSET_SCAN, false) : r;
}

static int take(struct taking *t, const struct resource *resource, struct resource *out_culprit)
{
	struct resource culprit = *resource;
	int r = 0;

	t->adapter = (uint32_t)resource->key;
	switch (resource->kind) {
	case RESOURCE_CONNECT:
		r = take_connect(t);
		break;
	case RESOURCE_SCAN:
		r = take_scan(t);
		break;
	case RESOURCE_MAINTENANCE:
		r = take_all(t, &culprit.kind);
		break;
	case RESOURCE_DEVICE:
	case RESOURCE_UNDER:
	case RESOURCE_KINDS:
		break;
	}
	if (r != 0)
		*out_culprit = culprit;
	return r;
}

static int take_set(struct taking *t, const struct resource_set *set, struct slotset_lock *out_lock,
		    struct resource *out_culprit)
{
	size_t i;
	int r = 0;

	for (i = 0; i < set->n && r == 0; i++)
		r = take(t, &set->items[i], out_culprit);
	if (r == 0)
		*out_lock = t->lock;
	else if (t->is_adoption)
		give(t->s, &t->lock);
	else
		give_back(t->s, &t->lock, r == SLOTFILE_BUSY ? out_culprit : NULL);
	return r;
}

int slotset_take(struct slotset *s, const struct resource_set *set, struct slotset_lock *out_lock,
		 struct resource *out_culprit)
{
	struct taking t = { .s = s };

	return take_set(&t, set, out_lock, out_culprit);
}

int slotset_adopt(struct slotset *s, const struct resource_set *set, const int *fds, size_t n_fds,
		  struct slotset_lock *out_lock)
{
	struct taking t = { .s = s, .fds = fds, .n_fds = n_fds, .is_adoption = true };
	struct resource culprit;

	return take_set(&t, set, out_lock, &culprit);
}

void slotset_give(struct slotset *s, struct slotset_lock *lock)
{
	give(s, lock);
}

void slotset_forget(struct slotset *s, const struct resource *resource)
{
	uint32_t first = resource->kind == RESOURCE_SCAN ? SLOTSET_SCAN : 0;
	uint32_t end = resource->kind == RESOURCE_SCAN ? SLOTSET_FILES : SLOTSET_SCAN;
	uint32_t i;

	for (i = first; i < end; i++) {
		struct file *f = &s->files[resource->key][i];

		if (f->users == 0)
			f->fd = slotfile_unlock(f->fd);
		f->is_kept = false;
		f->is_outside = false;
	}
}

/* --- files by their names --- */

uint32_t slotset_adapter(const struct slotset *s, uint32_t named)
{
	return named == SLOTFILE_DEFAULT ? s->default_adapter : named;
}

/* Never for a `default` that nothing is. */
static uint32_t file_at(enum resource_kind kind, uint32_t named, uint32_t slot)
{
	if (kind == RESOURCE_SCAN)
		return named == SLOTFILE_DEFAULT ? SLOTSET_ALIAS_SCAN : SLOTSET_SCAN;
	return named == SLOTFILE_DEFAULT ? SLOTSET_ALIAS + slot : slot;
}

bool slotset_is_ours(const struct slotset *s, enum resource_kind kind, uint32_t adapter,
		     uint32_t slot)
{
	uint32_t at = slotset_adapter(s, adapter);
	const struct file *f;

	if (at >= RESOURCE_ADAPTERS_MAX)
		return false;
	f = &s->files[at][file_at(kind, adapter, slot)];
	return f->users > 0 || f->is_kept;
}

int slotset_appeared(struct slotset *s, enum resource_kind kind, uint32_t adapter, uint32_t slot)
{
	char name[SLOTFILE_NAME_LEN];
	struct file *f;
	int fd = -EBADF;
	int r;

	if (!slotset_is_ours(s, kind, adapter, slot))
		return 0;
	f = &s->files[slotset_adapter(s, adapter)][file_at(kind, adapter, slot)];
	slotfile_name(kind, adapter, slot, name);
	if (slotfile_is_current(s->config.dir_fd, name, f->fd))
		return 0;
	r = slotfile_lock(s->config.dir_fd, name, &fd);
	if (r != 0)
		return r;
	(void)close_fd(f->fd);
	f->fd = fd;
	return 0;
}

size_t slotset_outside(const struct slotset *s, const struct resource *resource,
		       char (*out_names)[SLOTFILE_NAME_LEN], size_t max)
{
	uint32_t first = resource->kind == RESOURCE_SCAN ? SLOTSET_SCAN : 0;
	uint32_t end = resource->kind == RESOURCE_SCAN ? SLOTSET_FILES : SLOTSET_SCAN;
	size_t n = 0;
	uint32_t i;

	for (i = first; i < end && n < max; i++)
		if (s->files[resource->key][i].is_outside)
			file_name((uint32_t)resource->key, i, out_names[n++]);
	return n;
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
		if (lock->refs[i].adapter == resource->key && lock->refs[i].file < SLOTSET_SCAN)
			return lock->refs[i].file % SLOTSET_ALIAS;
	return 0;
}
