# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# contrib/lab/bluez.sh - inside the lab: bluetoothd, and waiting for things.
#
# Sourced by world and by fresh, after the runner's spec. Needs $share.
# shellcheck disable=SC2154 # adapters, experimental: from the spec

logs=$share/logs
private=/run/lab/private

# Ends with a reason for the runner to show.
fail() {
	printf '%s' "$*" >"$share/why"
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# Waits until a command succeeds. It is polled: what is waited for has no event that a shell can
# wait on, and takes a few looks.
wait_until() {
	local limit_s=$1 what=$2 end_s=$((SECONDS + $1))

	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end_s ] || fail "$what: not within $limit_s s"
		read -rt 0.05 <> <(:) || true
	done
}

are_adapters_powered() {
	local powered

	powered=$(busctl --system call org.bluez / org.freedesktop.DBus.ObjectManager \
		GetManagedObjects | grep -o '"Powered" b true' | wc -l)
	[ "$powered" -ge "$adapters" ]
}

start_bluetoothd() {
	local -a options=(-n -f "$private/main.conf")

	[ "$experimental" = 0 ] || options+=(-E)
	# Adapters are powered by bluetoothd itself: no client has to.
	printf '[Policy]\nAutoEnable=true\n' >"$private/main.conf"
	/usr/libexec/bluetooth/bluetoothd "${options[@]}" >>"$logs/bluetoothd.log" 2>&1 &
	echo $! >"$private/bluetoothd.pid"
	wait_until 30 "powered adapters (see bluetoothd.log)" are_adapters_powered
}
