/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/base.h - the handful of helpers that every file may use: cleanup attributes, hand-over of
 * ownership, must_check. Header only, no state, safe anywhere.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check	__attribute__((warn_unused_result))
#define _printf_(a, b)	__attribute__((format(printf, a, b)))
#define _unused_	__attribute__((unused))
#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_free_	_cleanup_(base_freep)
#define _cleanup_close_ _cleanup_(base_closep)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)                                                            \
	__extension__({                                                                            \
		const __typeof__(((type *)0)->member) *container_member_ = (ptr);                  \
		(type *)(uintptr_t)((const char *)container_member_ - offsetof(type, member));     \
	})

/* Hands the pointer over: evaluates to its value and leaves NULL behind. */
#define TAKE_PTR(p)                                                                                \
	__extension__({                                                                            \
		__typeof__(p) take_ptr_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_ptr_;                                                                         \
	})

static inline void base_freep(void *p)
{
	free(*(void **)p);
}

static inline void base_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* Hands the descriptor over: returns it and leaves -EBADF behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -EBADF;
	return taken;
}

/* Closes if open; always returns -EBADF so that one writes `fd = close_fd(fd)`. */
static inline int close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -EBADF;
}
