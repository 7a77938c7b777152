# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# contrib/lab/kernel.sh - the guest's kernel and initial RAM disk, made once and kept in a cache.
#
# Sourced by run. kernel_prepare sets vmlinux and initrd. Everything new is made under a name of its
# own and renamed into place under a lock, so two runs at once share one download and an interrupted
# one leaves nothing that is taken for whole.

kernel_modules=(virtio_pci 9pnet_virtio 9p overlay bluetooth hci_vhci ecdh_generic ccm cmac
	algif_hash algif_skcipher ecb)

kernel_cache() {
	printf '%s' "${BLEHERD_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bleherd-lab}"
}

# The newest 6.12, else a 6.1 that was seen to work. 6.1.0-56 breaks under a link that drops early
# (list_del corruption under hci_chan_del) and takes bluetoothd with it.
kernel_package() {
	local package

	package=$(apt-cache search --names-only '^linux-image-6\.12\..*deb12-amd64$' |
		awk '{ print $1 }' | sort -V | tail -1)
	for package in $package linux-image-6.1.0-50-amd64 linux-image-6.1.0-47-amd64; do
		if apt-cache show --no-all-versions "$package" >/dev/null 2>&1; then
			printf '%s' "$package"
			return 0
		fi
	done
	return 1
}

# QEMU starts an uncompressed kernel by its PVH entry: that saves a second of emulated unpacking.
# The boot protocol's header says where the payload is: offset and length at 0x248 in 4 + 4 bytes,
# counted from the end of the setup sectors (their number at 0x1f1).
kernel_unpack_image() {
	local image=$1 sectors offset length start unpack

	sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
	read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$image")
	start=$(((sectors + 1) * 512 + offset))
	case $(od -An -tx4 -j $start -N 4 "$image") in
	*fd2fb528) unpack=zstd ;;
	*587a37fd) unpack=xz ;;
	*) return 1 ;;
	esac
	# The last four bytes are the unpacked size; both tools would take them for garbage.
	head -c $((start + length - 4)) "$image" | tail -c +$((start + 1)) | $unpack -dcq
}

kernel_download() {
	local cache=$1 package tmp=$1/tmp.$$

	package=$(kernel_package) || die 1 "no fitting kernel package known: run apt-get update"
	say "getting the guest's kernel: $package"
	mkdir "$tmp"
	# apt says so when its sandbox user cannot write here; it is no error.
	(cd "$tmp" && setpriv --pdeathsig TERM apt-get download "$package" \
		>/dev/null 2>"$tmp/apt.err" && setpriv --pdeathsig TERM dpkg -x ./*.deb tree) ||
		die 1 "cannot get $package: $(tail -1 "$tmp/apt.err" 2>/dev/null)"
	mkdir "$tmp/new"
	mv "$tmp/tree/lib" "$tmp/new/lib"
	ls "$tmp/new/lib/modules" >"$tmp/new/release"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$tmp/new" "$(cat "$tmp/new/release")"
	# A kernel that cannot be unpacked boots too, only slower.
	kernel_unpack_image "$tmp"/tree/boot/vmlinuz-* >"$tmp/new/vmlinux" 2>/dev/null ||
		cp "$tmp"/tree/boot/vmlinuz-* "$tmp/new/vmlinux"
	mv -T "$tmp/new" "$cache/kernel-$package"
	rm -rf "$tmp"
}

# Prints the modules' files in the order in which they must be loaded.
kernel_module_files() {
	local base=$1 release=$2 module

	for module in "${kernel_modules[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$base" -S "$release" --show-depends \
			"$module" 2>/dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

kernel_make_initrd() {
	local base=$1 out=$2 tmp=$2.tmp.$$ release file name

	release=$(cat "$base/release")
	mkdir -p "$tmp"/{bin,proc,sys,dev,mnt,modules}
	cp "$(type -P busybox)" "$tmp/bin/busybox"
	install -m 755 "$lab/init" "$tmp/init"
	while read -r file; do
		name=${file##*/}
		xz -dcf "$file" >"$tmp/modules/${name%.xz}"
		printf '%s\n' "${name%.xz}"
	done < <(kernel_module_files "$base" "$release") >"$tmp/modules/order"
	(cd "$tmp" && find . | cpio -o -H newc --quiet) >"$tmp.cpio"
	mv "$tmp.cpio" "$out"
	rm -rf "$tmp"
}

kernel_prepare() {
	local cache base hash lock

	cache=$(kernel_cache)
	mkdir -p -- "$cache" || die 1 "cannot make $cache"
	exec {lock}>"$cache/lock"
	flock "$lock"
	# Whoever left these behind is dead, or it would hold the lock.
	rm -rf -- "$cache"/tmp.* "$cache"/*.tmp.*
	[ -d "$(kernel_newest "$cache")" ] || kernel_download "$cache"
	base=$(kernel_newest "$cache")
	hash=$({ cat "$lab/init" "$base/release" "$(type -P busybox)"
		printf '%s\n' "${kernel_modules[@]}"; } | sha256sum | cut -c 1-16)
	initrd=$cache/initrd-$hash
	if [ ! -s "$initrd" ]; then
		kernel_make_initrd "$base" "$initrd"
		# Older ones may be in use by a run that is just starting: QEMU reads them at once.
		find "$cache" -maxdepth 1 -name 'initrd-*' ! -path "$initrd" -mmin +60 -delete
	fi
	vmlinux=$base/vmlinux
	exec {lock}>&-
}

kernel_newest() {
	local -a found

	mapfile -t found < <(printf '%s\n' "$1"/kernel-* | sort -V)
	printf '%s' "${found[-1]}"
}

# Says so if the kernel complained about itself: such a run proves nothing, whatever its status is.
kernel_bugs() {
	grep -ahoE 'kernel BUG.*|BUG: .*|list_(add|del) corruption.*|Oops: .*|general protection.*' \
		"$1"/kernel.log "$1"/console.log 2>/dev/null | sort -u | head -3 | while read -r line; do
		say "KERNEL: ${line//$'\r'/}"
	done || true
}
