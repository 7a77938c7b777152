/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/publish.h"

#include <fcntl.h>
#include <sys/mman.h>

struct publish {
	int fd;
	struct locktab *table;
	struct locktab_copy *copy; /* being written */
	uint64_t seq;
};

static int make_table(struct publish *p)
{
	void *at;

	p->fd = memfd_create("bleherd-locks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->fd < 0 || ftruncate(p->fd, sizeof(struct locktab)) < 0)
		return -errno;
	at = mmap(NULL, sizeof(struct locktab), PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	p->table = at;
	/* After mapping: ours stays writable, any later one is refused. */
	if (fcntl(p->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

int publish_new(struct publish **out, uint64_t now_ms)
{
	struct publish *p;
	int r;

	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->fd = -EBADF;
	r = make_table(p);
	if (r < 0 || !p->table) {
		publish_free(p);
		return r;
	}
	publish_begin(p);
	publish_end(p, now_ms);
	p->table->len = sizeof(struct locktab);
	p->table->magic = LOCKTAB_MAGIC;
	*out = p;
	return 0;
}

struct publish *publish_free(struct publish *p)
{
	if (!p)
		return NULL;
	if (p->table)
		(void)munmap(p->table, sizeof(struct locktab));
	(void)close_fd(p->fd);
	free(p);
	return NULL;
}

int publish_fd(const struct publish *p)
{
	return p->fd;
}

void publish_begin(struct publish *p)
{
	uint32_t current = __atomic_load_n(&p->table->current, __ATOMIC_RELAXED);
	struct locktab_copy *copy = &p->table->copies[current ^ 1u];

	p->copy = copy;
	/*
	 * A reader that was slow may still be in this copy, which was current before the last flip:
	 * 0 tells it to start again, whether it looks before or after its own copying.
	 */
	__atomic_store_n(&copy->seq, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	copy->n_rows = 0;
	copy->n_left_out = 0;
}

void publish_row(struct publish *p, const struct locktab_row *row)
{
	assert(p->copy != NULL);
	if (p->copy->n_rows == LOCKTAB_ROWS_MAX)
		p->copy->n_left_out++;
	else
		p->copy->rows[p->copy->n_rows++] = *row;
}

void publish_end(struct publish *p, uint64_t now_ms)
{
	uint32_t index = (uint32_t)(p->copy - p->table->copies);

	p->copy->written_at_ms = now_ms;
	__atomic_store_n(&p->copy->seq, ++p->seq, __ATOMIC_RELEASE);
	__atomic_store_n(&p->table->current, index, __ATOMIC_RELEASE);
}
