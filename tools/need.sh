#!/bin/bash
#
# tools/need.sh GROUP...
#
# Installs what the named groups of tools/packages.txt need and is not there yet, and says
# nothing when it is all there. Debian packages come from apt, with sudo when not root; the
# services that packages bring are not started. Python packages go into .venv-GROUP beside
# the sources, where they stay between runs.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly lock=/run/lock/weft-need.lock
readonly policy=/usr/sbin/policy-rc.d
readonly policy_mark='# Put here by tools/need.sh of Weft while it installs packages.'

# wanted GROUP... : the second column of the rows of these groups.
wanted() {
	local groups=" $* "
	local group package rest

	while read -r group package rest; do
		[[ $group != '#'* && $groups == *" $group "* ]] && echo "$package"
	done < tools/packages.txt || true
}

# installed NAME... : those of the names that are installed.
installed() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p'
}

# missing ROW... : the rows of which no alternative is installed.
missing() {
	local have row

	have=" $(installed $(tr '|' ' ' <<< "$*") | tr '\n' ' ') "
	for row in "$@"; do
		local found=no name
		for name in ${row//|/ }; do
			[[ $have == *" $name "* ]] && found=yes
		done
		[[ $found == yes ]] || echo "$row"
	done
}

# offered ROW : the first alternative that apt can install.
offered() {
	local name

	for name in ${1//|/ }; do
		if apt-cache show "$name" > /dev/null 2>&1; then
			echo "$name"
			return
		fi
	done
	return 1
}

choose() {
	local row

	for row in "$@"; do
		offered "$row" || return 1
	done
}

policy_remove() {
	if [[ -f $policy ]] && grep -qxF "$policy_mark" "$policy"; then
		rm -f "$policy"
	fi
}

# Keeps package scripts from starting services, unless this machine has a policy already.
policy_put() {
	policy_remove
	[[ -e $policy ]] && return
	trap policy_remove EXIT
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" > "$policy"
	chmod 755 "$policy"
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@"
}

# Runs as root. Package lists may be absent or stale: when that shows, they are fetched anew.
install_rows() {
	local names log

	log=$(mktemp)
	mkdir -p "$(dirname "$lock")"
	exec 9> "$lock"
	flock 9
	policy_put
	if ! { names=$(choose "$@") && apt_install $names > "$log" 2>&1; }; then
		apt-get update -qq -o DPkg::Lock::Timeout=600
		if ! names=$(choose "$@"); then
			echo "need.sh: apt offers none of these for one of: $*" >&2
			return 1
		fi
		if ! apt_install $names > "$log" 2>&1; then
			cat "$log" >&2
			echo "need.sh: apt-get could not install: $names" >&2
			return 1
		fi
	fi
	rm -f "$log"
}

as_root() {
	if [[ $(id -u) == 0 ]]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		echo "need.sh: not root, and there is no sudo; as root run: $*" >&2
		return 1
	fi
}

need_packages() {
	local rows

	rows=$(missing "$@")
	[[ -n $rows ]] || return 0
	echo "need.sh: installing" $rows
	as_root "$PWD/tools/need.sh" --install $rows
}

make_venv() {
	local dir=$1
	shift

	/usr/bin/python3 -m venv "$dir" && "$dir/bin/pip" install -q "$@"
}

# need_venv GROUP REQUIREMENT... : a virtual environment of the system's Python.
need_venv() {
	local group=$1 dir=.venv-$1 log
	shift

	if [[ -f $dir/complete && $(< "$dir/complete") == "$*" ]]; then
		return
	fi
	echo "need.sh: installing $* into $dir"
	need_packages $(wanted venv)
	log=$(mktemp)
	rm -rf "$dir"
	if ! make_venv "$dir" "$@" > "$log" 2>&1; then
		cat "$log" >&2
		echo "need.sh: pip could not install: $*" >&2
		return 1
	fi
	rm -f "$log"
	echo "$*" > "$dir/complete"
}

main() {
	local group row packages=()

	if [[ ${1:-} == --install ]]; then
		shift
		install_rows "$@"
		return
	fi
	for group in "$@"; do
		local python=()
		for row in $(wanted "$group"); do
			case $row in
			pypi:*) python+=("${row#pypi:}") ;;
			*) packages+=("$row") ;;
			esac
		done
		[[ ${#python[@]} == 0 ]] || need_venv "$group" "${python[@]}"
	done
	[[ ${#packages[@]} == 0 ]] || need_packages "${packages[@]}"
}

main "$@"
