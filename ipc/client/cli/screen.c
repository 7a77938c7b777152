/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/screen.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <termios.h>

/* xterm's control sequences: other screen, no cursor, no wrapped lines; and back. */
static const char ENTER[] = "\033[?1049h\033[?25l\033[?7l\033[H\033[J";
static const char LEAVE[] = "\033[?7h\033[?25h\033[?1049l";

static const int CRASHES[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* For the handler of a crash alone. */
static struct termios crash_old;
static volatile sig_atomic_t crash_has_keys;

static void on_crash(int signal)
{
	(void)!write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1);
	if (crash_has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &crash_old);
	/* SA_RESETHAND: it is the default's turn, with a core if there is to be one. */
	(void)raise(signal);
}

static void guard(bool is_on)
{
	struct sigaction action = { .sa_handler = is_on ? on_crash : SIG_DFL };
	size_t i;

	action.sa_flags = (int)SA_RESETHAND | (int)SA_NODEFER;
	for (i = 0; i < ARRAY_LEN(CRASHES); i++)
		(void)sigaction(CRASHES[i], &action, NULL);
}

/* Without a terminal to read from there are no keys, and Ctrl-C is as good. */
static void take_keys(struct screen *screen)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &crash_old) < 0)
		return;
	raw = crash_old;
	/* Signals stay, but for the one that would leave the shell with our screen. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	screen->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	crash_has_keys = screen->has_keys;
}

static int watch(const struct screen *screen, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(screen->wake_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_fds(struct screen *screen)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	screen->size_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen->size_fd < 0)
		return -errno;
	screen->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	if (screen->wake_fd >= 0 && watch(screen, screen->size_fd) == 0)
		return 0;
	(void)close(screen->size_fd);
	return -errno;
}

int screen_on(struct screen *screen, FILE *stream)
{
	int r = open_fds(screen);

	if (r < 0) {
		screen->wake_fd = 0;
		return r;
	}
	take_keys(screen);
	if (screen->has_keys && watch(screen, STDIN_FILENO) < 0)
		screen->has_keys = false;
	guard(true);
	(void)fputs(ENTER, stream);
	return 0;
}

void screen_off(struct screen *screen, FILE *stream)
{
	if (screen->wake_fd == 0)
		return;
	(void)fputs(LEAVE, stream);
	(void)fflush(stream);
	if (crash_has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &crash_old);
	crash_has_keys = 0;
	guard(false);
	(void)close(screen->wake_fd);
	(void)close(screen->size_fd);
	*screen = SCREEN_INIT;
}

int screen_key(struct screen *screen)
{
	struct signalfd_siginfo info;
	unsigned char key;

	while (read(screen->size_fd, &info, sizeof(info)) > 0)
		;
	if (screen->has_keys && read(STDIN_FILENO, &key, 1) == 1)
		return key;
	return 0;
}

void screen_draw(FILE *stream, const char *text)
{
	const char *end;

	(void)fputs("\033[H", stream);
	/* No newline after the last line: it would scroll. */
	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		(void)fprintf(stream, "%.*s\033[K%s", (int)(end - text), text,
			      *end && end[1] ? "\r\n" : "");
	}
	(void)fputs("\033[J", stream);
}
