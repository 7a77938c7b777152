/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/rescue/sysfs.c - what goes through /sys and /dev: USB reset, driver, rfkill. */
#include "supervisor/rescue/step.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/rfkill.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	REBIND_MS = 500,
	RFKILL_POLL_MS = 100,
	RFKILL_POLLS = 30, /* 3 s, as bluetooth-auto-recovery waits */
};

/* /sys/class/bluetooth/hciN/device: the USB interface, UART or SDIO function behind it. */
static int find_device(const struct step *step, char out[PATH_MAX])
{
	char link[64];

	(void)snprintf(link, sizeof(link), "/sys/class/bluetooth/%s/device", step->name);
	return realpath(link, out) ? 0 : -errno;
}

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
}

static int read_number(const char *folder, const char *file, unsigned *out)
{
	char path[PATH_MAX + 16];
	char text[16] = "";
	_cleanup_close_ int fd = -EBADF;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	return sscanf(text, "%u", out) == 1 ? 0 : -EBADMSG;
}

/* An adapter that has no device in sysfs is virtual, or behind a line discipline. */
static Bh__Ctl__RescueOutcome need_device(struct step *step, char out[PATH_MAX])
{
	Bh__Ctl__RescueOutcome outcome = step_check(step);
	int r;

	if (outcome != BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return outcome;
	r = find_device(step, out);
	if (r == -ENOENT)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE;
	return r < 0 ? step_failed(step, -r) : BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
}

Bh__Ctl__RescueOutcome step_usb(struct step *step)
{
	char device[PATH_MAX] = "";
	char node[64];
	Bh__Ctl__RescueOutcome outcome;
	_cleanup_close_ int fd = -EBADF;
	unsigned bus = 0;
	unsigned number = 0;

	if (step->hardware[0])
		return step_program(step, step->hardware);
	outcome = need_device(step, device);
	if (outcome != BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return outcome;
	/* The interface's parent is the device, whose numbers name its node. */
	(void)dirname(device);
	if (read_number(device, "busnum", &bus) < 0 || read_number(device, "devnum", &number) < 0)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE;
	(void)snprintf(node, sizeof(node), "/dev/bus/usb/%03u/%03u", bus, number);
	fd = open(node, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return step_failed(step, errno);
	/* ENODEV: it was reset and came back as another device. */
	if (ioctl(fd, USBDEVFS_RESET, 0) < 0 && errno != ENODEV)
		return step_failed(step, errno);
	return BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
}

Bh__Ctl__RescueOutcome step_rebind(struct step *step)
{
	char device[PATH_MAX] = "";
	char link[PATH_MAX + 16];
	char driver[PATH_MAX];
	char file[PATH_MAX + 16];
	Bh__Ctl__RescueOutcome outcome = need_device(step, device);
	const char *name;
	int r;

	if (outcome != BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return outcome;
	(void)snprintf(link, sizeof(link), "%s/driver", device);
	if (!realpath(link, driver))
		return errno == ENOENT ? BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE
				       : step_failed(step, errno);
	name = basename(device);
	(void)snprintf(file, sizeof(file), "%s/unbind", driver);
	r = write_text(file, name);
	if (r < 0)
		return r == -ENOENT ? BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE
				    : step_failed(step, -r);
	step_pause(REBIND_MS);
	(void)snprintf(file, sizeof(file), "%s/bind", driver);
	r = write_text(file, name);
	return r < 0 ? step_failed(step, -r) : BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
}

/* --- rfkill --- */

/* The rfkill switch of the adapter is a folder below it. */
static int find_switch(const struct step *step, unsigned *out)
{
	char folder[64];
	struct dirent *entry;
	int r = -ENOENT;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "/sys/class/bluetooth/%s", step->name);
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while (r != 0 && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "rfkill%u", out) == 1)
			r = 0;
	(void)closedir(dir);
	return r;
}

static int unblock(unsigned number)
{
	const struct rfkill_event event = {
		.idx = number,
		.type = RFKILL_TYPE_ALL,
		.op = RFKILL_OP_CHANGE,
	};
	_cleanup_close_ int fd = open("/dev/rfkill", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, &event, RFKILL_EVENT_SIZE_V1) < 0 ? -errno : 0;
}

Bh__Ctl__RescueOutcome step_rfkill(struct step *step)
{
	Bh__Ctl__RescueOutcome outcome = step_check(step);
	char folder[64];
	unsigned number = 0;
	unsigned hard = 0;
	unsigned soft = 1;
	unsigned i;
	int r;

	if (outcome != BH__CTL__RESCUE_OUTCOME__RESCUE_OK)
		return outcome;
	r = find_switch(step, &number);
	if (r == -ENOENT)
		return BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE;
	if (r == 0)
		r = unblock(number);
	if (r < 0)
		return step_failed(step, -r);
	(void)snprintf(folder, sizeof(folder), "/sys/class/rfkill/rfkill%u", number);
	for (i = 0; i < RFKILL_POLLS; i++) {
		r = read_number(folder, "hard", &hard);
		if (r == 0)
			r = read_number(folder, "soft", &soft);
		if (r < 0)
			return step_failed(step, -r);
		if (hard == 0 && soft == 0)
			return BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
		if (hard != 0)
			return BH__CTL__RESCUE_OUTCOME__RESCUE_BLOCKED;
		step_pause(RFKILL_POLL_MS);
	}
	return step_failed(step, ETIMEDOUT);
}
