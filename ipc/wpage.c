/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/wpage.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE_LEN = 4096, PAGE_MAGIC = 0x42485701 };

struct wpage {
	uint32_t magic;
	uint32_t len;
	uint64_t incarnation;
	_Atomic uint64_t tick;
	_Atomic uint64_t tick_at_ms;
	_Atomic uint64_t op; /* op << 32 | budget */
	_Atomic uint64_t op_started_at_ms;
	_Atomic uint64_t handling;		   /* session << 32 | id */
	_Atomic uint64_t issued[WPAGE_ISSUED_MAX]; /* session << 32 | id, 0 free */
};
static_assert(sizeof(struct wpage) <= PAGE_LEN, "one page");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in a shared page would outlive its owner");

static const char *const OP_NAMES[WPAGE_OP_COUNT] = {
	[WPAGE_OP_NONE] = "none",	    [WPAGE_OP_CONNECT] = "connect",
	[WPAGE_OP_DISCOVERY] = "discovery", [WPAGE_OP_GATT] = "gatt",
	[WPAGE_OP_LOAD] = "load",
};

const char *wpage_op_name(enum wpage_op op)
{
	return op < WPAGE_OP_COUNT ? OP_NAMES[op] : OP_NAMES[WPAGE_OP_NONE];
}

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

/* NULL: errno says why. */
static struct wpage *map_page(int fd)
{
	void *at = mmap(NULL, PAGE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

int wpage_create(uint64_t incarnation, int *out_fd, struct wpage **out_page)
{
	_cleanup_close_ int fd = -EBADF;
	struct wpage *page;

	fd = memfd_create("bleherd-wpage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PAGE_LEN) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	page = map_page(fd);
	if (!page)
		return -errno;
	page->magic = PAGE_MAGIC;
	page->len = sizeof(*page);
	page->incarnation = incarnation;
	*out_fd = take_fd(&fd);
	*out_page = page;
	return 0;
}

int wpage_map(int fd, struct wpage **out_page)
{
	struct wpage *page;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != PAGE_LEN)
		return -EBADMSG;
	page = map_page(fd);
	if (!page)
		return -errno;
	if (page->magic != PAGE_MAGIC || page->len != sizeof(*page)) {
		wpage_unmap(page);
		return -EBADMSG;
	}
	*out_page = page;
	return 0;
}

struct wpage *wpage_unmap(struct wpage *page)
{
	if (page)
		(void)munmap(page, PAGE_LEN);
	return NULL;
}

void wpage_tick(struct wpage *page, uint64_t now_ms)
{
	if (!page)
		return;
	atomic_store_explicit(&page->tick_at_ms, now_ms, memory_order_relaxed);
	atomic_fetch_add_explicit(&page->tick, 1, memory_order_release);
}

void wpage_op_begin(struct wpage *page, enum wpage_op op, uint32_t budget_ms, uint64_t now_ms)
{
	if (!page)
		return;
	atomic_store_explicit(&page->op_started_at_ms, now_ms, memory_order_relaxed);
	atomic_store_explicit(&page->op, pair((uint32_t)op, budget_ms), memory_order_release);
}

void wpage_op_end(struct wpage *page)
{
	if (page)
		atomic_store_explicit(&page->op, 0, memory_order_release);
}

void wpage_handling(struct wpage *page, uint32_t session, uint32_t id)
{
	if (page)
		atomic_store_explicit(&page->handling, pair(session, id), memory_order_release);
}

int wpage_issue(struct wpage *page, uint32_t session, uint32_t id)
{
	size_t i;

	if (!page)
		return 0;
	for (i = 0; i < WPAGE_ISSUED_MAX; i++) {
		if (atomic_load_explicit(&page->issued[i], memory_order_relaxed) != 0)
			continue;
		/* Sequentially consistent: it must be on the page before the call leaves. */
		atomic_store(&page->issued[i], pair(session, id));
		return 0;
	}
	return -ENOBUFS;
}

void wpage_answered(struct wpage *page, uint32_t session, uint32_t id)
{
	size_t i;

	if (!page)
		return;
	for (i = 0; i < WPAGE_ISSUED_MAX; i++) {
		if (atomic_load_explicit(&page->issued[i], memory_order_relaxed) !=
		    pair(session, id))
			continue;
		atomic_store(&page->issued[i], 0);
		return;
	}
}

void wpage_read(const struct wpage *page, struct wpage_view *out_view)
{
	struct wpage_view view = { .incarnation = page->incarnation };
	uint64_t word;
	size_t i;

	view.tick = atomic_load_explicit(&page->tick, memory_order_acquire);
	view.tick_at_ms = atomic_load_explicit(&page->tick_at_ms, memory_order_relaxed);
	word = atomic_load_explicit(&page->op, memory_order_acquire);
	view.op = word >> 32 < WPAGE_OP_COUNT ? (enum wpage_op)(word >> 32) : WPAGE_OP_NONE;
	view.op_budget_ms = (uint32_t)word;
	view.op_started_at_ms = atomic_load_explicit(&page->op_started_at_ms, memory_order_relaxed);
	word = atomic_load_explicit(&page->handling, memory_order_acquire);
	view.handling_session = (uint32_t)(word >> 32);
	view.handling_id = (uint32_t)word;
	for (i = 0; i < WPAGE_ISSUED_MAX; i++) {
		word = atomic_load(&page->issued[i]);
		if (word == 0)
			continue;
		view.issued[view.n_issued].session = (uint32_t)(word >> 32);
		view.issued[view.n_issued].id = (uint32_t)word;
		view.n_issued++;
	}
	*out_view = view;
}
