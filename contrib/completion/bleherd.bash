# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of bleherd(1) for bash. Addresses are those that the daemon knows already: it is asked
# for a second at most and nothing is scanned for.

_bleherd_addresses() {
	timeout 1 bleherd devices --cached 2>/dev/null | sed -n '2,$s/ .*//p'
}

_bleherd_adapters() {
	timeout 1 bleherd adapters 2>/dev/null | sed -n 's/^\(hci[0-9]*\) .*/\1/p'
}

# `lock ADAPTER RESOURCE [OPTIONS] CMD...`: $1 is where `lock` stands. After its two words, what is
# no option is another command line. Uses cur, cword and words of its caller.
_bleherd_lock() {
	local i places=()
	for ((i = $1 + 1; i < cword && ${#places[@]} < 3; i++)); do
		case ${words[i]} in
		-s | --socket | -t | --timeout | --class | --max-hold | -E | --conflict-exit-code) ((i++)) ;;
		--) ((${#places[@]} == 2 && i + 1 < cword)) && places+=("$((i + 1))") ;;
		-*) ;;
		*) places+=("$i") ;;
		esac
	done
	if ((${#places[@]} == 3)); then
		_command_offset "${places[2]}" 2>/dev/null || compopt -o default
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--json --timeout --socket --help --class --max-hold
			--conflict-exit-code' -- "$cur")
	elif ((${#places[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_bleherd_adapters)" -- "$cur")
	elif ((${#places[@]} == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'connect scan maintenance device:' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	fi
}

_bleherd() {
	local commands='status adapters devices scan connect services read write notify disconnect
		events lock locks reset strategy clear-cache device mark sessions deaths top doctor help'
	local common='--json --timeout --socket --help'
	local words=() cword cur prev command='' i options
	COMPREPLY=()

	# Addresses have colons: without this each part of one would be a word.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n : cur prev words cword
	else
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
		cur=${words[cword]} prev=${words[cword - 1]}
	fi

	case $prev in
	-s | --socket) compopt -o default; return ;;
	-a | --adapter) mapfile -t COMPREPLY < <(compgen -W "$(_bleherd_adapters)" -- "$cur"); return ;;
	-l | --level) mapfile -t COMPREPLY < <(compgen -W \
		'all power down-up usb rebind rfkill bluetoothd' -- "$cur"); return ;;
	-t | --timeout | -d | --duration | -i | --interval | --scan | -u | --service | -r | --rssi-min | --text | \
		--count | --lines | --max-hold | -E | --conflict-exit-code) return ;;
	--class)
		mapfile -t COMPREPLY < <(compgen -W 'interactive connect scan background' -- "$cur")
		return
		;;
	esac
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-s | --socket | -t | --timeout) ((i++)) ;;
		-*) ;;
		*) command=${words[i]}; break ;;
		esac
	done

	if [[ $command == lock ]]; then
		_bleherd_lock "$i"
		return
	fi

	case $command in
	'') options="$common --version" ;;
	devices) options="$common --adapter --scan --cached" ;;
	scan) options="$common --adapter --duration --service --rssi-min" ;;
	connect) options="$common --adapter --hold --validate --exclusive --fail-fast" ;;
	services | read) options="$common --adapter --fresh --fail-fast" ;;
	write) options="$common --adapter --no-response --text --fail-fast" ;;
	notify) options="$common --adapter --count --duration --reconnect --fail-fast" ;;
	events) options="$common --adapter --follow --lines" ;;
	locks) options="$common --watch" ;;
	reset) options="$common --level --yes" ;;
	strategy) options="$common --interval" ;;
	clear-cache) options="$common --bluez --bond" ;;
	device) options="$common --lines" ;;
	top) options="$common --count" ;;
	*) options=$common ;;
	esac

	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command in
	'' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
	reset)
		[[ $prev == "$command" ]] || return 0
		mapfile -t COMPREPLY < <(compgen -W "$(_bleherd_adapters)" -- "$cur")
		;;
	strategy)
		if [[ $prev != "$command" ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'on-demand persistent' -- "$cur")
			return
		fi
		;;&
	mark)
		if [[ $prev != "$command" ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'healthy unhealthy unknown' -- "$cur")
			return
		fi
		;;&
	connect | services | read | write | notify | disconnect | strategy | clear-cache | device | mark | sessions)
		[[ $prev == "$command" ]] || return 0
		mapfile -t COMPREPLY < <(compgen -W "$(_bleherd_addresses)" -- "${cur^^}")
		declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "${cur^^}"
		;;
	esac
	return 0
}

complete -F _bleherd bleherd
