/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/rescue/hci.c - what the kernel's HCI sockets can do: identity, down and up. */
#include "supervisor/rescue/step.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { DOWN_MS = 500 }; /* after down and after up */

static int open_raw(void)
{
	int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);

	return fd < 0 ? -errno : fd;
}

Bh__Ctl__RescueOutcome step_check(struct step *step)
{
	struct hci_dev_info info = { .dev_id = step->index };
	_cleanup_close_ int fd = open_raw();
	uint64_t address = 0;
	size_t i;

	/* A kernel without Bluetooth has no adapter either. */
	if (fd == -EAFNOSUPPORT || fd == -EPROTONOSUPPORT)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_GONE;
	if (fd < 0)
		return step_failed(step, -fd);
	if (ioctl(fd, HCIGETDEVINFO, &info) < 0)
		return errno == ENODEV ? BH__CTL__RESCUE_OUTCOME__RESCUE_GONE
				       : step_failed(step, errno);
	for (i = sizeof(info.bdaddr.b); i > 0; i--)
		address = address << 8 | info.bdaddr.b[i - 1];
	return address == step->address ? BH__CTL__RESCUE_OUTCOME__RESCUE_OK
					: BH__CTL__RESCUE_OUTCOME__RESCUE_GONE;
}

Bh__Ctl__RescueOutcome step_down_up(struct step *step)
{
	Bh__Ctl__RescueOutcome outcome = step_check(step);
	_cleanup_close_ int fd = -EBADF;

	if (outcome != BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return outcome;
	fd = open_raw();
	if (fd < 0)
		return step_failed(step, -fd);
	/* Up is what counts: one that is down already, or does not go down, may still come up. */
	if (ioctl(fd, HCIDEVDOWN, (unsigned long)step->index) < 0 && errno == EPERM)
		return step_failed(step, errno);
	step_pause(DOWN_MS);
	if (ioctl(fd, HCIDEVUP, (unsigned long)step->index) < 0 && errno != EALREADY)
		return step_failed(step, errno);
	step_pause(DOWN_MS);
	return BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
}
