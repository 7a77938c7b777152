# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of bleherd(1) for bash. Addresses are those that the daemon knows already: it is asked
# for a second at most and nothing is scanned for.

_bleherd_addresses() {
	timeout 1 bleherd devices --cached 2>/dev/null | sed -n '2,$s/ .*//p'
}

_bleherd_adapters() {
	timeout 1 bleherd adapters 2>/dev/null | sed -n 's/^\(hci[0-9]*\) .*/\1/p'
}

_bleherd() {
	local commands='status adapters devices scan connect services read write notify disconnect
		events locks help'
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
	-t | --timeout | -d | --duration | --scan | -u | --service | -r | --rssi-min | --text | \
		--count | --lines) return ;;
	esac
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-s | --socket | -t | --timeout) ((i++)) ;;
		-*) ;;
		*) command=${words[i]}; break ;;
		esac
	done

	case $command in
	'') options="$common --version" ;;
	devices) options="$common --adapter --scan --cached" ;;
	scan) options="$common --adapter --duration --service --rssi-min" ;;
	connect) options="$common --adapter --hold" ;;
	services | read) options="$common --adapter" ;;
	write) options="$common --adapter --no-response --text" ;;
	notify) options="$common --adapter --count --duration --reconnect" ;;
	events) options="$common --adapter --follow --lines" ;;
	locks) options="$common --watch" ;;
	*) options=$common ;;
	esac

	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command in
	'' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
	connect | services | read | write | notify | disconnect)
		[[ $prev == "$command" ]] || return 0
		mapfile -t COMPREPLY < <(compgen -W "$(_bleherd_addresses)" -- "${cur^^}")
		declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "${cur^^}"
		;;
	esac
	return 0
}

complete -F _bleherd bleherd
