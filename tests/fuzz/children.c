/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/children.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* The kernel gives no such numbers: PID_MAX_LIMIT of linux/threads.h is 4 Mi. */
enum { PID_FIRST = 5000000 };

struct fake_child children[CHILDREN_MAX];

static pid_t last_pid;

void children_reset(void)
{
	size_t i;

	for (i = 0; i < CHILDREN_MAX; i++) {
		if (children[i].is_used)
			wire_close(&children[i].wire);
		children[i] = (struct fake_child){ .wire = WIRE_INIT };
	}
	last_pid = PID_FIRST;
}

void children_end(struct fake_child *child, int signal)
{
	wire_close(&child->wire);
	child->signal = signal;
	if (child->source)
		(void)sd_event_source_set_enabled(child->source, SD_EVENT_ONESHOT);
}

/* --- supervisor/spawn.h --- */

const char *spawn_role_name(enum spawn_role role)
{
	static const char *const NAMES[] = { "worker", "lockd", "rescue" };

	return NAMES[role];
}

int spawn_open(struct spawn_binaries *out, char out_missing[SPAWN_PATH_LEN])
{
	(void)out;
	(void)out_missing;
	return 0;
}

void spawn_close(struct spawn_binaries *binaries)
{
	(void)binaries;
}

int spawn_exec_error(int exec_fd)
{
	(void)exec_fd;
	return 0;
}

int spawn_start(const struct spawn_binaries *binaries, enum spawn_role role,
		const char *const argv[], int channel_fd, int page_fd, pid_t *out_pid,
		int *out_exec_fd)
{
	struct fake_child *child = children;
	size_t i;

	(void)binaries;
	(void)page_fd;
	while (child < children + CHILDREN_MAX && child->is_used)
		child++;
	if (child == children + CHILDREN_MAX)
		return -EAGAIN;
	*child = (struct fake_child){
		.is_used = true, .is_new = true, .role = role, .pid = ++last_pid, .wire = WIRE_INIT
	};
	wire_adopt(&child->wire, fcntl(channel_fd, F_DUPFD_CLOEXEC, 3));
	for (i = 0; argv[i]; i++) {
		feed_touch(argv[i], strlen(argv[i]));
		if (strcmp(argv[i], "--incarnation") == 0 && argv[i + 1])
			child->incarnation = strtoull(argv[i + 1], NULL, 10);
	}
	*out_pid = child->pid;
	*out_exec_fd = -EBADF;
	return 0;
}

/* --- sd-event --- */

static struct fake_child *find(const sd_event_source *source)
{
	size_t i;

	for (i = 0; i < CHILDREN_MAX; i++)
		if (children[i].is_used && children[i].source == source)
			return &children[i];
	return NULL;
}

static int on_end(sd_event_source *source, void *userdata)
{
	struct fake_child child = *(struct fake_child *)userdata;
	siginfo_t info = { .si_signo = SIGCHLD };

	info.si_pid = child.pid;
	info.si_code = child.signal ? CLD_KILLED : CLD_EXITED;
	info.si_status = child.signal;
	*(struct fake_child *)userdata = (struct fake_child){ .wire = WIRE_INIT };
	return child.handler(source, &info, child.ctx);
}

__attribute__((visibility("default"))) int
sd_event_add_child(sd_event *event, sd_event_source **out, pid_t pid, int options,
		   sd_event_child_handler_t handler, void *ctx)
{
	struct fake_child *child = children;
	int r;

	(void)options;
	while (child->pid != pid)
		MUST(++child < children + CHILDREN_MAX);
	r = sd_event_add_defer(event, &child->source, on_end, child);
	MUST(r >= 0 && sd_event_source_set_enabled(child->source, SD_EVENT_OFF) >= 0);
	child->handler = handler;
	child->ctx = ctx;
	*out = child->source;
	return 0;
}

__attribute__((visibility("default"))) int
sd_event_source_send_child_signal(sd_event_source *source, int signal, const siginfo_t *info,
				  unsigned flags)
{
	struct fake_child *child = find(source);

	(void)info;
	(void)flags;
	if (child)
		children_end(child, signal);
	return 0;
}

/* Always ready: nobody has to wait for the end of one. */
__attribute__((visibility("default"))) int sd_event_source_get_child_pidfd(sd_event_source *source)
{
	static int fd = -EBADF;

	(void)source;
	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd;
}
