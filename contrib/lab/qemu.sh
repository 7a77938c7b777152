# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# contrib/lab/qemu.sh - starts the guest: this machine's root directory, read-only, under a kernel
# of our own.
#
# Sourced by run; uses its variables work, root, lab, alive and kernel.sh's vmlinux, initrd.

# tool:package[:file], see check_tools in run.
qemu_tools=(qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio modprobe:kmod
	xz:xz-utils dpkg:dpkg apt-get:apt)

# A comma ends an option for QEMU unless it is doubled.
qemu_quote() {
	printf '%s' "${1//,/,,}"
}

# /dev/kvm may exist and still hang before the kernel's first line, or lack what -cpu max needs. The
# answer is kept: it changes only with this machine's kernel, its processor or with QEMU.
qemu_accel() {
	local key file probe

	if [ ! -w /dev/kvm ]; then
		printf 'tcg,thread=multi'
		return
	fi
	key=$({ uname -rv; qemu-system-x86_64 --version; grep -m1 'model name' /proc/cpuinfo; } |
		sha256sum | cut -c 1-16)
	file=$(kernel_cache)/kvm-$key
	if [ ! -s "$file" ]; then
		# Without its share the guest's init powers off at once.
		probe=tcg,thread=multi
		if timeout -k 1 8 qemu-system-x86_64 -accel kvm "${qemu_common[@]}" -serial none \
			-append 'quiet panic=-1 lab.probe' </dev/null >/dev/null 2>&1; then
			probe=kvm
		fi
		printf '%s' "$probe" >"$file.tmp.$$" && mv "$file.tmp.$$" "$file"
	fi
	cat "$file"
}

start_qemu() {
	local fs=security_model=none,multidevs=remap accel

	qemu_common=(-M q35 -cpu max -smp 2 -m 1536 -nodefaults -vga none -display none -no-reboot
		-kernel "$vmlinux" -initrd "$initrd")
	accel=$(qemu_accel)
	# The guest's first process runs this file.
	printf 'bash %q %q\n' "$lab/world" /run/lab/share >"$work/start"
	become qemu-system-x86_64 -accel "$accel" "${qemu_common[@]}" \
		-chardev "file,id=c,path=$(qemu_quote "$work/logs/console.log")" -serial chardev:c \
		-append "console=ttyS0 quiet panic=-1 mitigations=off maxcpus=1 lpj=10000000" \
		-fsdev "local,id=r,path=/,readonly=on,$fs" -device virtio-9p-pci,fsdev=r,mount_tag=root \
		-fsdev "local,id=s,path=$(qemu_quote "$work"),$fs" \
		-device virtio-9p-pci,fsdev=s,mount_tag=share \
		</dev/null >"$work/logs/qemu.log" 2>&1 &
	pid=$!
}
