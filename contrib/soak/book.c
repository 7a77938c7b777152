/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/book.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* clang-format off */
/* Of twenty: 8 pollers, 5 subscribers, 2 scanners, 2 lockers, 1 script, 2 outsiders. */
static const uint8_t DEALT[] = {
	BOOK_POLLER, BOOK_SUBSCRIBER, BOOK_POLLER, BOOK_SCANNER, BOOK_LOCKER,
	BOOK_SCRIPT, BOOK_OUTSIDER, BOOK_SUBSCRIBER, BOOK_POLLER, BOOK_SUBSCRIBER,
	BOOK_POLLER, BOOK_LOCKER, BOOK_POLLER, BOOK_SUBSCRIBER, BOOK_POLLER,
	BOOK_SCANNER, BOOK_POLLER, BOOK_SUBSCRIBER, BOOK_OUTSIDER, BOOK_POLLER,
};
/* clang-format on */

static const char *const ROLES[BOOK_ROLES] = {
	[BOOK_POLLER] = "poller", [BOOK_SUBSCRIBER] = "subscriber", [BOOK_SCANNER] = "scanner",
	[BOOK_LOCKER] = "locker", [BOOK_SCRIPT] = "script",	    [BOOK_OUTSIDER] = "outsider",
};

static const char *const KINDS[BOOK_KINDS] = {
	[BOOK_OPEN] = "open",	[BOOK_CONNECT] = "connect",	[BOOK_READ] = "read",
	[BOOK_WRITE] = "write", [BOOK_SUBSCRIBE] = "subscribe", [BOOK_DISCONNECT] = "disconnect",
	[BOOK_SCAN] = "scan",	[BOOK_LOCK] = "lock",
};

static const struct {
	const char *name, *text;
} PROMISES[BOOK_PROMISES] = {
	[BOOK_ANSWERED_ONCE] = { "answered-once", "Each request is answered exactly once" },
	[BOOK_IN_TIME] = { "in-time", "Each request is answered within its deadline" },
	[BOOK_RIGHT_VALUE] = { "value", "What is read is what was last written" },
	[BOOK_WRITE_ONCE] = { "write-once", "No write is done twice, none that is done is lost" },
	[BOOK_NOTIFY_ORDER] = { "notify-order",
				"Notifications come in order, none twice, losses are announced" },
	[BOOK_HOLDERS] = { "holders", "A lock never has more holders than slots" },
	[BOOK_OWNER] = { "owner", "No link without somebody who wants it" },
	[BOOK_HEALTHY] = { "healthy", "After the last fault everything is well again" },
	[BOOK_FLAT] = { "flat", "Memory, descriptors and processes do not grow" },
};

static int map(struct book **out, int fd)
{
	void *at = mmap(NULL, sizeof(struct book), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = at;
	return 0;
}

int book_new(struct book **out, int *out_fd)
{
	_cleanup_close_ int fd = memfd_create("soak-book", MFD_CLOEXEC);
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(struct book)) < 0)
		return -errno;
	r = map(out, fd);
	if (r == 0)
		*out_fd = take_fd(&fd);
	return r;
}

int book_map(struct book **out, int fd)
{
	return map(out, fd);
}

struct book *book_unmap(struct book *book)
{
	if (book)
		(void)munmap(book, sizeof(*book));
	return NULL;
}

int64_t book_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift32. */
uint32_t book_random(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

enum book_role book_role_of(uint32_t number)
{
	return (enum book_role)DEALT[number % ARRAY_LEN(DEALT)];
}

uint32_t book_rank_of(uint32_t number)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < number; i++)
		n += book_role_of(i) == book_role_of(number);
	return n;
}

bool book_is_locker(uint32_t number)
{
	enum book_role role = book_role_of(number);

	return role == BOOK_LOCKER || role == BOOK_SCRIPT || role == BOOK_OUTSIDER;
}

uint32_t book_locker_rank(uint32_t number)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < number; i++)
		n += book_is_locker(i);
	return n;
}

const char *book_role_name(enum book_role role)
{
	return ROLES[role];
}

const char *book_kind_name(enum book_kind kind)
{
	return KINDS[kind];
}

const char *book_promise_name(enum book_promise promise)
{
	return PROMISES[promise].name;
}

const char *book_promise_text(enum book_promise promise)
{
	return PROMISES[promise].text;
}

bool book_promise_from_name(const char *name, enum book_promise *out)
{
	for (size_t i = 0; i < BOOK_PROMISES; i++) {
		if (strcmp(name, PROMISES[i].name) != 0)
			continue;
		*out = (enum book_promise)i;
		return true;
	}
	return false;
}

const struct book_entry *book_entry(const struct book_page *page, uint32_t number)
{
	const struct book_entry *entry = &page->ring[number % BOOK_RING];

	return number > 0 && entry->number == number ? entry : NULL;
}
