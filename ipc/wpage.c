/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/wpage.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE_LEN = 4096, PAGE_MAGIC = 0x42485701 };

struct crumb {
	_Atomic uint64_t number; /* from 1 on; 0 while it is written */
	uint64_t at_ms;
	char text[WPAGE_CRUMB_LEN];
};

struct frame {
	uint64_t offset;
	char object[WPAGE_OBJECT_LEN];
};

struct wpage {
	uint32_t magic;
	uint32_t len;
	uint64_t incarnation;
	uint64_t window_ms;
	_Atomic uint64_t tick;
	_Atomic uint64_t tick_at_ms;
	_Atomic uint64_t op; /* op << 32 | budget */
	_Atomic uint64_t op_started_at_ms;
	_Atomic uint64_t handling;		   /* session << 32 | id */
	_Atomic uint64_t issued[WPAGE_ISSUED_MAX]; /* session << 32 | id, 0 free */
	uint32_t n_crumbs;			   /* the writer's own */
	_Atomic uint32_t end;
	_Atomic uint32_t n_frames;
	char words[WPAGE_WORDS_LEN];
	struct frame frames[WPAGE_FRAMES_MAX];
	struct crumb crumbs[WPAGE_CRUMBS_MAX];
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

int wpage_create(uint64_t incarnation, uint32_t window_ms, int *out_fd, struct wpage **out_page)
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
	page->window_ms = window_ms;
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

/* --- what is left for people --- */

void wpage_crumb(struct wpage *page, uint64_t now_ms, const char *format, ...)
{
	struct crumb *crumb;
	va_list args;

	if (!page)
		return;
	crumb = &page->crumbs[page->n_crumbs % WPAGE_CRUMBS_MAX];
	atomic_store_explicit(&crumb->number, 0, memory_order_relaxed);
	/* Neither may cross: a crumb that is half written has no number. */
	atomic_thread_fence(memory_order_release);
	crumb->at_ms = now_ms;
	va_start(args, format);
	(void)vsnprintf(crumb->text, sizeof(crumb->text), format, args);
	va_end(args);
	page->n_crumbs++;
	atomic_store_explicit(&crumb->number, page->n_crumbs, memory_order_release);
}

uint32_t wpage_window_ms(const struct wpage *page)
{
	return page ? (uint32_t)page->window_ms : 0;
}

/* strlcpy() by hand: this runs in signal handlers. */
static void put_text(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		out[i] = text[i];
	out[i] = '\0';
}

void wpage_end(struct wpage *page, enum wpage_end end, const char *words)
{
	if (!page || atomic_load_explicit(&page->end, memory_order_relaxed) != WPAGE_END_NONE)
		return;
	if (words)
		put_text(page->words, sizeof(page->words), words);
	atomic_store_explicit(&page->end, (uint32_t)end, memory_order_release);
}

void wpage_frame(struct wpage *page, size_t index, uint64_t offset, const char *object)
{
	if (!page || index >= WPAGE_FRAMES_MAX)
		return;
	page->frames[index].offset = offset;
	put_text(page->frames[index].object, sizeof(page->frames[index].object), object);
	atomic_store_explicit(&page->n_frames, (uint32_t)index + 1, memory_order_release);
}

/* What people will read on a terminal: bytes of a child that may have gone mad. */
static void take_text(char *out, size_t size, const char *text)
{
	size_t i;

	memcpy(out, text, size);
	out[size - 1] = '\0';
	for (i = 0; out[i]; i++)
		if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
}

static void take_crumbs(const struct wpage *page, struct wpage_traces *out)
{
	uint64_t newest = 0;
	uint64_t number;
	size_t i;

	for (i = 0; i < WPAGE_CRUMBS_MAX; i++) {
		number = atomic_load_explicit(&page->crumbs[i].number, memory_order_acquire);
		if (number > newest)
			newest = number;
	}
	for (i = 0; i < WPAGE_CRUMBS_MAX; i++) {
		/* The place after the newest is the oldest. */
		const struct crumb *crumb = &page->crumbs[(newest + i) % WPAGE_CRUMBS_MAX];

		if (atomic_load_explicit(&crumb->number, memory_order_acquire) == 0)
			continue;
		out->crumbs[out->n_crumbs].at_ms = crumb->at_ms;
		take_text(out->crumbs[out->n_crumbs].text, WPAGE_CRUMB_LEN, crumb->text);
		out->n_crumbs++;
	}
}

void wpage_read_traces(const struct wpage *page, struct wpage_traces *out)
{
	uint32_t end = atomic_load_explicit(&page->end, memory_order_acquire);
	uint32_t n_frames = atomic_load_explicit(&page->n_frames, memory_order_acquire);
	size_t i;

	*out = (struct wpage_traces){
		.end = end < WPAGE_END_COUNT ? (enum wpage_end)end : WPAGE_END_NONE,
		.n_frames = n_frames < WPAGE_FRAMES_MAX ? n_frames : WPAGE_FRAMES_MAX,
	};
	take_text(out->words, sizeof(out->words), page->words);
	take_crumbs(page, out);
	for (i = 0; i < out->n_frames; i++) {
		out->frames[i].offset = page->frames[i].offset;
		take_text(out->frames[i].object, WPAGE_OBJECT_LEN, page->frames[i].object);
	}
}
