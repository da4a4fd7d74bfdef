#!/bin/bash
#
# tools/test-fresh.sh [SUITE...]
#
# Proves that a clone needs nothing but git and make: for Debian 12 and 13 it makes a minimal
# system with debootstrap, clones the last commit of this tree into it, and runs `make demo`
# and `make test` there, as root (by sudo where it must). The system lives in mount, process
# and host-name namespaces of its own, which end with the run; its directory is removed. It
# uses the network of this machine, its mirrors, and apt's settings.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly default_suites=(bookworm trixie)
readonly logs=$PWD/build-logs/fresh
readonly path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# mirror WORD DEFAULT : the first address in apt's sources whose last part is WORD.
mirror() {
	local found

	found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
		grep -v '^#' | grep -oE "https?://[^ ]*/$1/?( |$)" | head -n 1 | tr -d ' ' || true)
	echo "${found:-$2}"
}

# What apt on this machine knows about its way out: proxies, mirrors without a valid date.
apt_settings() {
	apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-)' || true
}

make_root() {
	local suite=$1 root=$2 debian security

	debian=$(mirror debian http://deb.debian.org/debian)
	security=$(mirror debian-security http://deb.debian.org/debian-security)
	debootstrap --variant=minbase --include=git,make "$suite" "$root" "$debian"
	cat > "$root/etc/apt/sources.list" <<-END
		deb $debian $suite main
		deb $debian $suite-updates main
		deb $security $suite-security main
	END
	apt_settings > "$root/etc/apt/apt.conf.d/90host"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	mkdir -p "$root/usr/local/share/ca-certificates"
	cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" \
		2>/dev/null || true
	git -c safe.directory='*' bundle create -q "$root/weft.bundle" HEAD
}

# In namespaces of its own: turns ROOT into / and runs the rest there.
enter() {
	local root=$1 old=$1/mnt node

	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	mount -t tmpfs shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	hostname fresh
	pivot_root "$root" "$old"
	cd /
	umount -l /mnt
	exec env -i HOME=/root PATH=$path LANG=C.UTF-8 ${PIP_CERT:+PIP_CERT=$PIP_CERT} \
		bash -euc 'git clone -q /weft.bundle /root/weft
			cd /root/weft
			make demo
			make test
			test ! -e /usr/sbin/policy-rc.d' < /dev/null
}

fresh() {
	local suite=$1 root started=$SECONDS

	root=$(mktemp -d /var/tmp/weft-fresh.XXXXXX)
	chmod 755 "$root" # as a / is: programs that are not root run in it
	trap "rm -rf --one-file-system '$root'" EXIT
	echo "test-fresh: $suite; its output goes to build-logs/fresh/$suite.log"
	if make_root "$suite" "$root" > "$logs/$suite.log" 2>&1 &&
		unshare --mount --uts --ipc --pid --fork --kill-child \
			"$PWD/tools/test-fresh.sh" --enter "$root" >> "$logs/$suite.log" 2>&1; then
		echo "test-fresh: $suite passed in $((SECONDS - started)) s:" \
			"$(tail -n 1 "$logs/$suite.log")"
		return 0
	fi
	tail -n 100 "$logs/$suite.log"
	echo "test-fresh: $suite failed after $((SECONDS - started)) s"
	return 1
}

main() {
	local suite failed=0

	if [[ ${1:-} == --enter ]]; then
		enter "$2"
	fi
	if [[ $(id -u) != 0 ]]; then
		exec sudo "$PWD/tools/test-fresh.sh" "$@"
	fi
	mkdir -p "$logs"
	for suite in "${@:-${default_suites[@]}}"; do
		(fresh "$suite") || failed=1
	done
	exit $failed
}

main "$@"
