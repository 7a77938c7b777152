/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/rescue/step.h - the reset steps that bleherd-rescue can take. Each may block and
 * sleep: the process does nothing else and ends afterwards; its alarm ends it at its deadline.
 *
 * The adapter is known by its number and its address: under that number another one may be by now,
 * and that one is left alone. Facts: bluetooth-auto-recovery 1.5 (sequence and pauses), the
 * kernel's usbdevice_fs.h, rfkill.h, Documentation/ABI/testing/sysfs-class-bluetooth.
 */
#include "ipc/base.h"
#include "ipc/control.pb-c.h"

struct step {
	uint16_t index;
	uint64_t address;
	char name[16];		/* hciN */
	const char *bluetoothd; /* "systemd", "never", or a program */
	const char *hardware;	/* a program that resets the controller; "": none */
	const char *bus;	/* D-Bus address; "": the system's */
	int error;		/* errno of what failed, for the answer */
};

typedef Bh__Ctl__RescueOutcome (*step_function)(struct step *step);

Bh__Ctl__RescueOutcome step_down_up(struct step *step);
Bh__Ctl__RescueOutcome step_usb(struct step *step);
Bh__Ctl__RescueOutcome step_rebind(struct step *step);
Bh__Ctl__RescueOutcome step_rfkill(struct step *step);
Bh__Ctl__RescueOutcome step_bluetoothd(struct step *step);

/* --- for the steps --- */

/* Notes an errno; the outcome that it means. */
Bh__Ctl__RescueOutcome step_failed(struct step *step, int error);

/* Whether that number is that address, in the kernel; else GONE or what went wrong. */
Bh__Ctl__RescueOutcome step_check(struct step *step);

/* Runs a program with the adapter's name and address as arguments until it ends. */
Bh__Ctl__RescueOutcome step_program(struct step *step, const char *path);

/* Pauses of the sequence. */
void step_pause(unsigned ms);
