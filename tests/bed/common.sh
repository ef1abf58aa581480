# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# common.sh - starting, reaching and stopping one bed; sourced by the scripts here
#
# A bed is one QEMU (software emulation, no root, no KVM) with Xen and a Debian
# dom0, and one directory $bed_dir:
#	serial		what Xen and dom0 printed
#	mon.in mon.out	QEMU's monitor
#	pid port	tether's process id, sshd's port on 127.0.0.1
#	key ctl		the way in, the kept ssh connection
#	dom0.qcow2	this bed's own copy of the disk with the snapshot
# QEMU runs under `tether`, which ends it when this shell ends, however it ends.

bed_src=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bed_top=$(readlink -f "$bed_src/../..")
bed_out=${OUT:-$bed_top/out}/bed
bed_files=$bed_out
# dom0 is of the same Debian release as this machine where there is one: what is
# built here runs there, with its libc and against its version of Xen.
bed_suite=bookworm
if [ -n "${BED_SUITE-}" ] || grep -q "^VERSION_CODENAME=trixie" /etc/os-release 2> /dev/null; then
	bed_suite=${BED_SUITE:-trixie}
fi
bed_tests=$bed_src/t	# the folder of test files
bed_dir=
bed_owner=		# a folder to remove when this process is killed; bed_dir

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# shellcheck source=tests/bed/qemu.sh
. "$bed_src/qemu.sh"

# bed_on_machine WORD: "server" has an IOMMU, NICs to give away, two memory nodes and a processor
# for the PV shim (qemu.sh); a snapshot loads only into the machine that it was taken of
bed_on_machine()
{
	case $1 in '' | server) ;; *) die "there is no machine '$1'" ;; esac
	bed_machine=$1
	bed_disk=dom0${1:+-$1}.qcow2
}
bed_on_machine "${BED_MACHINE-}"

# bed_alive: is this bed's QEMU there
bed_alive() { kill -0 "$(cat "$bed_dir/pid")" 2> /dev/null; }

# bed_monitor COMMAND: run one monitor command, print its answer
bed_monitor()
{
	local line in out rc=0

	exec {in}<> "$bed_dir/mon.in" {out}<> "$bed_dir/mon.out"
	# The second, unknown command marks the end of the first one's answer.
	printf '%s\nbed-mark\n' "$1" >&"$in"
	while :; do
		IFS= read -r -t 120 -u "$out" line || { rc=1; break; }
		case $line in
		*"unknown command: 'bed-mark'"*) break ;;
		*'(qemu)'*) ;;
		*) printf '%s\n' "${line%$'\r'}" ;;
		esac
	done
	exec {in}>&- {out}>&-
	return $rc
}

# bed_wait_serial REGEX SECONDS: until the serial log has such a line
bed_wait_serial()
{
	local end=$((SECONDS + $2))

	until grep -aq "$1" "$bed_dir/serial"; do
		bed_alive && [ $SECONDS -lt $end ] || { bed_consoles >&2; return 1; }
		sleep 0.2
	done
}

bed_ssh_options()
{
	ssh_options=(-F none -q -i "$bed_dir/key" -o "ControlPath=$bed_dir/ctl"
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
		-o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=10
		-p "$(cat "$bed_dir/port")")
}

# bed_connect SECONDS: open the kept ssh connection
bed_connect()
{
	local end=$((SECONDS + $1)) port ssh_options

	port=$(bed_monitor 'info usernet' | awk '/HOST_FORWARD/ { print $4 }')
	[ -n "$port" ] || { cat "$bed_dir/qemu.log" >&2; return 1; }
	echo "$port" > "$bed_dir/port"
	bed_ssh_options
	until ssh "${ssh_options[@]}" -o ControlMaster=yes -o ControlPersist=yes \
		-n -f -N root@127.0.0.1 > /dev/null 2>&1 9>&-; do
		bed_alive && [ $SECONDS -lt $end ] || { bed_consoles >&2; return 1; }
		sleep 0.2
	done
}

bed_disconnect()
{
	local ssh_options

	[ -S "$bed_dir/ctl" ] || return 0
	bed_ssh_options
	ssh "${ssh_options[@]}" -O exit root@127.0.0.1 2> /dev/null || true
}

# bed_ssh [-t] COMMAND: run a shell command in dom0, with stdin
bed_ssh()
{
	local ssh_options tty=()

	if [ "$1" = -t ]; then tty=(-t); shift; fi
	bed_ssh_options
	ssh "${tty[@]}" "${ssh_options[@]}" root@127.0.0.1 ". /etc/bed/env; $*"
}

# bed_ssh_limit SECONDS COMMAND: the same, but status 124 when it takes too long
bed_ssh_limit()
{
	timeout -k 5 "$1" bash -c '. "$0/common.sh"; bed_dir=$1; bed_ssh "$2"' \
		"$bed_src" "$bed_dir" "$2"
}

# bed_package: begins a script that makes out/bed/ITS-NAME.tgz. Ends it when there is one of this
# recipe (but for its comments); else $tmp is a folder of its own, removed at its end
bed_package()
{
	bed_what=$(basename "$0")
	bed_stamp=$(sed '/^[[:space:]]*#/d' "$0" | sha256sum | cut -c1-16)-$bed_suite
	mkdir -p "$bed_out"
	exec 9> "$bed_out/$bed_what.lock"
	flock 9
	[ "$(cat "$bed_out/$bed_what.stamp" 2> /dev/null)" != "$bed_stamp" ] || exit 0
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/xlite-$bed_what.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT TERM HUP
}

# bed_package_of FOLDER: it is what is in there
bed_package_of()
{
	tar -C "$1" --owner=0 --group=0 -S -czf "$bed_out/$bed_what.new" .
	mv "$bed_out/$bed_what.new" "$bed_out/$bed_what.tgz"
	echo "$bed_stamp" > "$bed_out/$bed_what.stamp"
	say "$bed_what: ready ($(du -h "$bed_out/$bed_what.tgz" | cut -f1))"
}

# bed_consoles: the last lines of everything that may say why it hangs
bed_consoles()
{
	local f

	for f in "$bed_dir/qemu.log" "$bed_dir/serial"; do
		[ -s "$f" ] || continue
		echo "# --- last lines of $(basename "$f")"
		tail -n "${BED_TAIL:-60}" "$f" | tr -d '\r' | sed 's/^/# /'
	done
	[ -S "$bed_dir/ctl" ] || return 0
	bed_ssh_limit 20 '
		for f in /var/log/xen/console/guest-*.log; do
			[ -s $f ] || continue
			echo "# --- last lines of $f"
			tail -n 20 $f | tr -d "\r\000" | sed "s/^/# /"
		done' < /dev/null && return
	echo "# (dom0 does not answer; where the processors are:)"
	bed_monitor 'info registers -a' | grep -aE '^CPU#|^[RE]IP=|HLT=' | sed 's/^/# /'
}

# bed_start: a bed from the snapshot, in a fresh directory $bed_dir
bed_start()
{
	local rc=0

	[ -n "$bed_dir" ] || bed_dir=$(mktemp -d "${TMPDIR:-/tmp}/xlite-bed.XXXXXX")
	# locked, so that a rebuild does not change the image half way
	exec 9< "$bed_out/lock"
	flock -s 9
	cp --sparse=always --reflink=auto "$bed_out/key" "$bed_dir"
	cp --sparse=always --reflink=auto "$bed_out/$bed_disk" "$bed_dir/dom0.qcow2"
	bed_qemu "$bed_dir/dom0.qcow2" -loadvm ready
	bed_connect "${BED_CONNECT:-120}" || rc=$?
	exec 9<&-
	return $rc
}

# bed_tar: the project's programs and tests, as a tar on stdout
# bin: out/xlite (BED_XLITE: another build of it) and everything in out/dom0; guests: out/guests; the rest: from here
bed_tar()
{
	local out=${OUT:-$bed_top/out} list=() xlite

	xlite=$(readlink -f "${BED_XLITE:-$out/xlite}")
	[ ! -x "$xlite" ] || list+=(-C "${xlite%/*}" --transform 's,^xlite$,bin/xlite,' xlite)
	[ ! -x "${xlite%/*}/xlite-boot" ] || list+=(-C "${xlite%/*}" --transform 's,^xlite-boot$,bin/xlite-boot,' xlite-boot)
	[ ! -d "$out/dom0" ] || list+=(-C "$out" --transform 's,^dom0,bin,' dom0)
	[ ! -d "$out/guests" ] || list+=(-C "$out" guests)
	list+=(-C "$bed_src" one lib.sh same.sh demo.dom0 -C "$bed_tests/.." --transform "s,^${bed_tests##*/},t," "${bed_tests##*/}")
	tar -ch --owner=0 --group=0 --exclude='*.[od]' "${list[@]}"
}

# bed_push: the same into dom0, under /xlite
bed_push() { bed_tar | bed_ssh 'tar -C /xlite -x -m'; }

# bed_stop [DIR]: end this bed and remove what it had
bed_stop()
{
	local dir=${1:-$bed_dir} pid

	[ -n "$dir" ] && [ -d "$dir" ] || return 0
	bed_dir=$dir
	bed_disconnect
	pid=$(cat "$dir/pid" 2> /dev/null) || return 0
	kill "$pid" 2> /dev/null || true
	wait "$pid" 2> /dev/null || true
	rm -f "$dir/pid"
}
