/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is read from memory that another process writes: a worker's status page, lockd's table, a
 * distribution. The first byte says which.
 */
#include "ipc/hist.h"
#include "ipc/locktab.h"
#include "ipc/wpage.h"
#include "tests/fuzz/feed.h"

#include <string.h>
#include <sys/mman.h>

static void read_page(const uint8_t *data, size_t size)
{
	static struct wpage *page;
	static int fd = -EBADF;
	struct wpage_traces traces;
	struct wpage_view view;
	struct wpage *again;
	size_t i;

	if (!page)
		MUST(wpage_create(1, 1000, &fd, &page) == 0);
	memset((void *)page, 0, 4096);
	memcpy((void *)page, data, size < 4096 ? size : 4096);
	wpage_read(page, &view);
	MUST(view.op < WPAGE_OP_COUNT && view.n_issued <= WPAGE_ISSUED_MAX);
	MUST(wpage_op_name(view.op)[0] != '\0');
	wpage_read_traces(page, &traces);
	MUST(traces.end < WPAGE_END_COUNT && memchr(traces.words, '\0', sizeof(traces.words)));
	MUST(traces.n_crumbs <= WPAGE_CRUMBS_MAX && traces.n_frames <= WPAGE_FRAMES_MAX);
	for (i = 0; i < traces.n_crumbs; i++)
		MUST(memchr(traces.crumbs[i].text, '\0', WPAGE_CRUMB_LEN));
	for (i = 0; i < traces.n_frames; i++)
		MUST(memchr(traces.frames[i].object, '\0', WPAGE_OBJECT_LEN));
	if (wpage_map(fd, &again) == 0)
		wpage_unmap(again);
}

static void read_table(const uint8_t *data, size_t size)
{
	static struct locktab_copy copy;
	static struct locktab *table;
	static int fd = -EBADF;
	uint32_t i;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		MUST(fd >= 0 && ftruncate(fd, (off_t)sizeof(*table)) == 0);
		table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		MUST(table != MAP_FAILED);
	}
	table->magic = LOCKTAB_MAGIC;
	table->len = sizeof(*table);
	/* Behind what every table begins with; a longer input reaches the second copy. */
	memcpy(&table->current, data, size < sizeof(*table) - 8 ? size : sizeof(*table) - 8);
	if (locktab_read(fd, &copy) < 0)
		return;
	MUST(copy.n_rows <= LOCKTAB_ROWS_MAX);
	for (i = 0; i < copy.n_rows; i++) {
		MUST(strlen(copy.rows[i].resource) < LOCKTAB_NAME_LEN);
		MUST(strlen(copy.rows[i].label) < LOCKTAB_LABEL_LEN);
		MUST(strlen(copy.rows[i].class) < LOCKTAB_CLASS_LEN);
	}
}

static void read_hist(const uint8_t *data, size_t size)
{
	struct hist sum = { 0 };
	struct hist hist = { 0 };
	unsigned percent;
	uint32_t last = 0;

	memcpy(&hist, data, size < sizeof(hist) ? size : sizeof(hist));
	if (!hist_is_sound(&hist))
		return;
	hist_add(&sum, 7);
	hist_merge(&sum, &hist);
	hist_merge(&sum, &hist);
	MUST(hist_is_sound(&sum));
	for (percent = 1; percent <= 100; percent++) {
		MUST(hist_percentile(&sum, percent) >= last);
		last = hist_percentile(&sum, percent);
	}
	MUST(last <= sum.max_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const READERS[])(const uint8_t *data, size_t size) = { read_page, read_table,
									     read_hist };

	if (size > 0)
		READERS[data[0] % ARRAY_LEN(READERS)](data + 1, size - 1);
	return 0;
}
