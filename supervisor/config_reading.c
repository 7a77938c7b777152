/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/config_reading.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int config_reading_new(struct config_reading **out)
{
	void *at = mmap(NULL, sizeof(struct config_reading), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = at;
	return 0;
}

struct config_reading *config_reading_free(struct config_reading *reading)
{
	if (reading)
		(void)munmap(reading, sizeof(*reading));
	return NULL;
}

void config_reading_clear(struct config_reading *reading)
{
	/* Where the kernel does not know it, by hand. */
	if (madvise(reading, sizeof(*reading), MADV_REMOVE) < 0)
		memset(reading, 0, sizeof(*reading));
}

static _Noreturn void read_and_exit(struct config_reading *reading,
				    const struct config_sources *sources)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whoever waits for the end of one of our channels does not wait for this process. */
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	reading->result = config_read(sources, &reading->config, &reading->report);
	access_world(&reading->world);
	reading->is_whole = true;
	_exit(EXIT_SUCCESS);
}

pid_t config_reading_begin(struct config_reading *reading, const struct config_sources *sources)
{
	pid_t pid;

	config_reading_clear(reading);
	pid = fork();
	if (pid == 0)
		read_and_exit(reading, sources);
	return pid < 0 ? -errno : pid;
}
