/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/rescue/main.c - bleherd-rescue: one reset step that needs root or may block, under a
 * deadline, and gone. Descriptor 3 is a channel: RESCUE_STEP comes, RESCUE_DONE goes
 * (control.proto).
 *
 * Started by the supervisor, or by systemd per connection to bleherd-rescue.socket. What a step may
 * use (programs, the bus) stands in the arguments, which are the unit's or the configuration's; the
 * message holds numbers only.
 *
 * Status: 0 a step was taken, well or not; 2 usage; 69 nobody is at descriptor 3; 70 internal.
 */
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipc/addr.h"
#include "ipc/chan.h"
#include "supervisor/rescue/step.h"

enum { STATUS_USAGE = 2, STATUS_UNAVAILABLE = 69, STATUS_INTERNAL = 70 };
enum { CHANNEL_FD = 3, ASK_MS = 5000, TIMEOUT_MIN_MS = 100, TIMEOUT_MAX_MS = 120000 };

static const char USAGE[] =
	"usage: bleherd-rescue [options]\n"
	"\n"
	"Takes one reset step for bleherdd, which is at descriptor 3, and ends.\n"
	"\n"
	"  --bluetoothd HOW   systemd, never, or a program that restarts it (systemd)\n"
	"  --hardware PROG    resets a controller, in place of a USB reset (none)\n"
	"  --bus ADDRESS      D-Bus where systemd is (the system's)\n"
	"  --version, --help\n";

static const struct option OPTIONS[] = {
	{ "bluetoothd", required_argument, NULL, 'b' },
	{ "hardware", required_argument, NULL, 'w' },
	{ "bus", required_argument, NULL, 'u' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const step_function STEPS[] = {
	[BH__CTL__RESCUE_KIND__RESCUE_DOWN_UP] = step_down_up,
	[BH__CTL__RESCUE_KIND__RESCUE_USB] = step_usb,
	[BH__CTL__RESCUE_KIND__RESCUE_REBIND] = step_rebind,
	[BH__CTL__RESCUE_KIND__RESCUE_RFKILL] = step_rfkill,
	[BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD] = step_bluetoothd,
};

/* --- for the steps --- */

Bh__Ctl__RescueOutcome step_failed(struct step *step, int error)
{
	step->error = error;
	if (error == EPERM || error == EACCES || error == EROFS)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_PERMITTED;
	if (error == ERFKILL)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_BLOCKED;
	return error == ETIMEDOUT ? BH__CTL__RESCUE_OUTCOME__RESCUE_TIMED_OUT
				  : BH__CTL__RESCUE_OUTCOME__RESCUE_FAILED;
}

void step_pause(unsigned ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

static _Noreturn void become(char *const argv[], pid_t parent)
{
	/* What it starts lives on; it itself ends with us, and we with the deadline. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	(void)execv(argv[0], argv);
	_exit(127);
}

Bh__Ctl__RescueOutcome step_program(struct step *step, const char *path)
{
	char program[512];
	char address[ADDR_TEXT_LEN + 1];
	char *const argv[] = { program, step->name, address, NULL };
	pid_t parent = getpid();
	int status = 0;
	pid_t pid;

	(void)snprintf(program, sizeof(program), "%s", path);
	addr_format(step->address, address);
	if (access(program, X_OK) < 0)
		return step_failed(step, errno);
	pid = fork();
	if (pid < 0)
		return step_failed(step, errno);
	if (pid == 0)
		become(argv, parent);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
	return step_failed(step, EIO);
}

/* --- one step --- */

/* The deadline is the process's: what blocks in a call is ended by it, if by anything. */
static void set_deadline(uint32_t timeout_ms)
{
	struct itimerspec at = { .it_value = { .tv_sec = timeout_ms / 1000,
					       .tv_nsec = (long)(timeout_ms % 1000) * 1000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
	    timer_settime(timer, 0, &at, NULL) < 0)
		(void)alarm(timeout_ms / 1000 + 1);
}

static bool is_sane(const Bh__Ctl__RescueStep *asked)
{
	return asked->kind > 0 && (size_t)asked->kind < ARRAY_LEN(STEPS) && STEPS[asked->kind] &&
	       asked->index <= UINT16_MAX && asked->address >> 48 == 0 &&
	       asked->timeout_ms >= TIMEOUT_MIN_MS && asked->timeout_ms <= TIMEOUT_MAX_MS;
}

static int answer(struct chan *chan, const struct step *step, Bh__Ctl__RescueOutcome outcome)
{
	Bh__Ctl__RescueDone done = BH__CTL__RESCUE_DONE__INIT;

	done.has_outcome = 1;
	done.outcome = outcome;
	done.has_error = step->error != 0;
	done.error = (uint32_t)step->error;
	return chan_send(chan, BH__CTL__TYPE__RESCUE_DONE, 0, 0, &done.base, NULL, 0);
}

static int take_step(struct chan *chan, struct chan_frame *frame, struct step *step)
{
	const Bh__Ctl__RescueStep *asked;

	asked = frame->type == BH__CTL__TYPE__RESCUE_STEP
			? chan_unpack(chan, frame, &bh__ctl__rescue_step__descriptor)
			: NULL;
	if (!asked || !is_sane(asked))
		return -EBADMSG;
	step->index = (uint16_t)asked->index;
	step->address = asked->address;
	(void)snprintf(step->name, sizeof(step->name), "hci%u", step->index);
	set_deadline(asked->timeout_ms);
	return answer(chan, step, STEPS[asked->kind](step));
}

static int hear(struct chan *chan, struct step *step)
{
	struct chan_frame frame;
	int r = chan_recv(chan, &frame);

	if (r != CHAN_FRAME)
		return r < 0 ? r : -ENOTCONN;
	r = take_step(chan, &frame, step);
	chan_frame_done(&frame);
	return r;
}

static int serve(struct step *step)
{
	struct pollfd asked = { .fd = CHANNEL_FD, .events = POLLIN };
	struct chan_buf *buf = NULL;
	struct chan *chan = NULL;
	int r;

	/* A program that a step runs, and the bluetoothd that it starts, are not to keep it open.
	 */
	if (fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	r = chan_buf_new(&buf, CHAN_BODY_CONTROL);
	if (r == 0)
		r = chan_new(&chan, CHANNEL_FD, buf, CHAN_BODY_CONTROL);
	if (r == 0 && poll(&asked, 1, ASK_MS) <= 0)
		r = -ETIMEDOUT;
	if (r == 0)
		r = hear(chan, step);
	chan_free(chan);
	chan_buf_free(buf);
	return r;
}

int main(int argc, char **argv)
{
	struct step step = { .bluetoothd = "systemd", .hardware = "", .bus = "" };
	int c;
	int r;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
		switch (c) {
		case 'b':
			step.bluetoothd = optarg;
			break;
		case 'w':
			step.hardware = optarg;
			break;
		case 'u':
			step.bus = optarg;
			break;
		case 'V':
			(void)printf("bleherd-rescue %s\n", BLEHERD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			(void)fputs(USAGE, stdout);
			return EXIT_SUCCESS;
		default:
			return STATUS_USAGE;
		}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0);
	r = serve(&step);
	if (r == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "bleherd-rescue: no step: %s\n", strerror(-r));
	return r == -ENOTCONN || r == -EBADF || r == -ENOTSOCK || r == -ETIMEDOUT
		       ? STATUS_UNAVAILABLE
		       : STATUS_INTERNAL;
}
