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
#	ctl		the kept ssh connection
#	dom0.qcow2	this bed's own copy of the disk with the snapshot
# QEMU runs under `tether`, which ends it when this shell ends, however it ends.

bed_src=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bed_top=$(readlink -f "$bed_src/../..")
bed_out=${OUT:-$bed_top/out}/bed
bed_files=$bed_out
bed_suite=bookworm
bed_dir=

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# bed_tether: print the path of the tether program, building it when needed
bed_tether()
{
	local exe=$bed_out/tether

	if [ ! -x "$exe" ] || [ "$bed_src/tether.c" -nt "$exe" ]; then
		mkdir -p "$bed_out"
		"${CC:-cc}" -O2 -Wall -Wextra -o "$exe.$$" "$bed_src/tether.c" || return 1
		mv "$exe.$$" "$exe"
	fi
	echo "$exe"
}

# bed_qemu DISK [QEMU-OPTION...]: start QEMU in the background, in $bed_dir
# BED_KEEP: seconds that it may live on after this shell (kept beds)
bed_qemu()
{
	local disk=$1 tether cpu
	shift

	tether=$(bed_tether) || return 1
	# Plain "max" crashes the dom0 kernel; see each flag in doc/testing.md
	cpu=max,-pku,-la57,-smap,-smep,-umip,-rdtscp
	rm -f "$bed_dir"/mon.in "$bed_dir"/mon.out
	mkfifo "$bed_dir/mon.in" "$bed_dir/mon.out"
	: > "$bed_dir/serial"
	"$tether" ${BED_KEEP:+-k "$BED_KEEP"} -d "$bed_dir" \
		qemu-system-x86_64 -name xlite-bed -nodefaults -no-user-config \
		-accel tcg,thread=multi,tb-size=512 -cpu "$cpu" \
		-smp 2 -m 4096 -no-reboot -display none \
		-serial "file:$bed_dir/serial" \
		-chardev "pipe,id=mon,path=$bed_dir/mon" -mon chardev=mon \
		-kernel "$bed_files/xen" \
		-append "console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=2 loglvl=warning guest_loglvl=warning" \
		-initrd "$bed_files/vmlinuz console=hvc0 quiet,$bed_files/initramfs" \
		-drive "file=$disk,format=qcow2,if=none,id=disk,cache=unsafe" \
		-device virtio-blk-pci,drive=disk \
		-netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 \
		-device virtio-net-pci,netdev=net \
		"$@" < /dev/null > "$bed_dir/qemu.log" 2>&1 9>&- &
	echo $! > "$bed_dir/pid"
}

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
	ssh_options=(-F none -q -i "$bed_files/key" -o "ControlPath=$bed_dir/ctl"
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
		-n -f -N root@127.0.0.1 > /dev/null 2>&1; do
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

# bed_consoles: the last lines of everything that may say why it hangs
bed_consoles()
{
	local f

	for f in "$bed_dir/qemu.log" "$bed_dir/serial"; do
		[ -s "$f" ] || continue
		echo "# --- last lines of $(basename "$f")"
		tail -n "${BED_TAIL:-30}" "$f" | tr -d '\r' | sed 's/^/# /'
	done
}

# bed_start: a bed from the snapshot, in a fresh directory $bed_dir
bed_start()
{
	[ -n "$bed_dir" ] || bed_dir=$(mktemp -d "${TMPDIR:-/tmp}/xlite-bed.XXXXXX")
	cp --sparse=always --reflink=auto "$bed_out/dom0.qcow2" "$bed_dir/dom0.qcow2"
	bed_qemu "$bed_dir/dom0.qcow2" -loadvm ready
	bed_connect 60
}

# bed_push: the project's programs and tests into dom0, under /xlite
# bin: out/xlite and everything in out/dom0; t, lib.sh, files: from tests/bed
bed_push()
{
	local out=${OUT:-$bed_top/out} list=()

	[ ! -x "$out/xlite" ] || list+=(-C "$out" --transform 's,^xlite$,bin/xlite,' xlite)
	[ ! -d "$out/dom0" ] || list+=(-C "$out" --transform 's,^dom0,bin,' dom0)
	list+=(-C "$bed_src" lib.sh t)
	tar -ch --owner=0 --group=0 "${list[@]}" |
		bed_ssh 'mkdir -p /xlite/bin && tar -C /xlite -x -m'
}

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
