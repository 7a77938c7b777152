/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/locktab.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { TRIES = 64 };

static int copy_current(const struct locktab *table, struct locktab_copy *out)
{
	uint64_t before;
	uint32_t index;
	unsigned i;

	/*
	 * While one copy is read lockd may flip twice and overwrite it: its seq tells, which is 0
	 * while that goes on. A lockd that died leaves the current copy alone, so this ends.
	 */
	for (i = 0; i < TRIES; i++) {
		index = __atomic_load_n(&table->current, __ATOMIC_ACQUIRE) & 1u;
		before = __atomic_load_n(&table->copies[index].seq, __ATOMIC_ACQUIRE);
		memcpy(out, &table->copies[index], sizeof(*out));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (before != 0 && out->seq == before &&
		    __atomic_load_n(&table->copies[index].seq, __ATOMIC_ACQUIRE) == before)
			break;
	}
	if (i == TRIES || out->n_rows > LOCKTAB_ROWS_MAX)
		return -EBADMSG;
	for (i = 0; i < out->n_rows; i++) {
		out->rows[i].resource[LOCKTAB_NAME_LEN - 1] = '\0';
		out->rows[i].label[LOCKTAB_LABEL_LEN - 1] = '\0';
		out->rows[i].class[LOCKTAB_CLASS_LEN - 1] = '\0';
	}
	return 0;
}

int locktab_read(int fd, struct locktab_copy *out)
{
	struct locktab *table;
	struct stat st;
	int r = -EBADMSG;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(*table))
		return -EBADMSG;
	table = mmap(NULL, sizeof(*table), PROT_READ, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		return -errno;
	if (table->magic == LOCKTAB_MAGIC && table->len == sizeof(*table))
		r = copy_current(table, out);
	(void)munmap(table, sizeof(*table));
	return r;
}
