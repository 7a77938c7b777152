/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/stand_in.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const PROGRAMS[] = { "bleherdd", "bleherd-worker", "bleherd-lockd",
					"bleherd-rescue" };

static const char *binaries(void)
{
	const char *folder = getenv("BLEHERD_BIN");

	return folder ? folder : "build/bin";
}

static void map(struct stand_in *it, const char *real)
{
	char path[sizeof(it->path) + sizeof(DIE_AT_SUFFIX)];
	int fd;

	(void)snprintf(path, sizeof(path), "%s" DIE_AT_SUFFIX, it->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*it->page)), 0);
	it->page = mmap(NULL, sizeof(*it->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(it->page, MAP_FAILED);
	(void)close(fd);
	ck_assert_uint_lt(strlen(real), sizeof(it->page->program));
	memcpy(it->page->program, real, strlen(real) + 1);
}

void stand_in_new(struct stand_in *out, const char *program)
{
	char command[1024];
	char *real;
	size_t i;

	*out = (struct stand_in){ .folder = "/tmp/bhd.XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(out->folder));
	(void)snprintf(out->path, sizeof(out->path), "%s/%s", out->folder, program);
	for (i = 0; i < ARRAY_LEN(PROGRAMS); i++) {
		(void)snprintf(command, sizeof(command), "%s/%s", binaries(), PROGRAMS[i]);
		real = realpath(command, NULL);
		ck_assert_msg(real != NULL, "no %s", command);
		if (strcmp(PROGRAMS[i], program) == 0) {
			map(out, real);
			(void)snprintf(command, sizeof(command), "cp '%s/../tests/die-at' '%s'",
				       binaries(), out->path);
		} else {
			(void)snprintf(command, sizeof(command), "ln -s '%s' '%s/%s'", real,
				       out->folder, PROGRAMS[i]);
		}
		ck_assert_int_eq(system(command), 0);
		free(real);
	}
	ck_assert_int_eq(setenv("BLEHERD_LIBEXEC", out->folder, 1), 0);
}

void stand_in_free(struct stand_in *stand_in)
{
	char command[128];

	(void)munmap(stand_in->page, sizeof(*stand_in->page));
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", stand_in->folder);
	ck_assert_int_eq(system(command), 0);
	(void)unsetenv("BLEHERD_LIBEXEC");
}

void stand_in_arm(struct stand_in *stand_in, uint32_t n, bool at_exit)
{
	struct die_at_page *page = stand_in->page;

	page->die_at = n;
	page->at_exit = at_exit;
	page->calls = 0;
	page->died_pid = 0;
	page->round++;
	__atomic_store_n(&page->is_counting, 1, __ATOMIC_SEQ_CST);
}

bool stand_in_disarm(struct stand_in *stand_in)
{
	__atomic_store_n(&stand_in->page->is_counting, 0, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&stand_in->page->died_pid, __ATOMIC_SEQ_CST) != 0;
}
