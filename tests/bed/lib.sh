# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lib.sh - for the test files t/*.t: bash scripts that run in dom0 and print TAP
#
#	#!/bin/bash
#	# SPDX-License-Identifier: LGPL-2.1-or-later
#	# what this file is about             (optional: "# time-limit: 600", seconds)
#	. "$XLITE/lib.sh"
#	tiny one memory=16                    writes $T/one.cfg
#	run xlite create -q "$T/one.cfg"
#	is "create says nothing" "$rc$out$err" "0"
#	console_has one 'tiny: ready'
#	run xlite destroy one
#	is "destroyed" "$rc" 0
#	done_testing
#
# Each file has dom0 for itself, fresh from the snapshot; what it leaves behind
# (domains, store nodes, processes, loop devices, links, files, memory) fails it.
# A fork costs 20-80 ms there: prefer these functions to $(...) and pipes.
#
# Checks; each prints one TAP line and, when it fails, why; returns 0 when it passed
#	ok WHAT COMMAND...	COMMAND succeeds
#	nok WHAT COMMAND...	COMMAND fails
#	is WHAT GOT WANTED	the same text
#	isnt WHAT GOT OTHER
#	like WHAT GOT REGEX	extended regex, anywhere in GOT
#	unlike WHAT GOT REGEX
#	within WHAT SECONDS COMMAND...	COMMAND succeeds before the time is up
#	pass WHAT, fail WHAT, skip WHAT WHY, diag TEXT
# skip_all WHY			leaves the file: nothing here can be tested
# need_throwaway		skip_all where dom0 is a real one (BED=local)
# done_testing			the plan; without it the file fails
#
# Doing
#	run COMMAND...		sets $rc, $out and $err (less their last newline)
#	run_limit SECONDS COMMAND...	the same; rc 124 when it took too long
#	wait_for SECONDS COMMAND...	until it succeeds; polls, fails when time is up
#	tiny NAME [LINE...]	$T/NAME.cfg for the tiny PV guest, 16 MiB; LINEs
#				(memory=32, 'extra="say=hello"') come after, and win
#	linux NAME [LINE...]	the same for Debian's kernel, 256 MiB, a shell on hvc0; with
#				'root="/dev/xvda"' ("/dev/xvda1 ro") it goes on from that disk
#	root_image FILE		FILE is a root file system for that: ext4, 16 MiB, busybox
#	guest NAME COMMAND	runs a shell line in a Linux guest that is ready; its exit
#				status is guest's and $rc, what it printed $out; 124
#				when it takes longer than ${GUEST_LIMIT:-60} seconds
#	console_log NAME	print the path of the log of its console
#	console_has NAME REGEX [SECONDS]	its log gets such a line (a check; 60 s)
#	xen_gone NAME		no domain of this name (for wait_for, ok)
#
#	create_refused NAME WHAT MESSAGE	$T/NAME.cfg is refused before there is a domain, in
#				just these words (checks)
#	sweep_some STEP WHAT SWEEP WORD...	every STEPth call of `sweep SWEEP WORD...`
#				(tests/fault); LONG: every ${LONG_STEP:-1}th (a check)
#
# Variables: $XLITE (bin guests t lib.sh), $T (a folder of this file, removed
# at its end), $BED (qemu or local). Names of domains: short, of this file only.

T=$(mktemp -d /tmp/bed.XXXXXX) || exit 1
checks_run=0
checks_failed=0
rc=0 out='' err=''
guest_calls=0
# A bridge whose last port leaves gets another address, unless it was given one.
[ "$BED" != qemu ] || ip link set xenbr0 address "$(< /sys/class/net/xenbr0/address)"
trap 'rm -rf "$T"' EXIT
trap 'exit 143' TERM INT HUP

diag() { printf '# %s\n' "${1//$'\n'/$'\n'# }"; }

# check_result STATUS WHAT: one TAP line
check_result()
{
	checks_run=$((checks_run + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' $checks_run "${2//#/}"
	else
		checks_failed=$((checks_failed + 1))
		printf 'not ok %d - %s\n' $checks_run "${2//#/}"
		diag "at ${BASH_SOURCE[2]##*/} line ${BASH_LINENO[1]}"
	fi
	return "$1"
}

pass() { check_result 0 "$1"; }
fail() { check_result 1 "$1"; }

skip()
{
	checks_run=$((checks_run + 1))
	printf 'ok %d - %s # SKIP %s\n' $checks_run "${1//#/}" "$2"
}

ok()
{
	local what=$1
	shift

	if "$@" > /dev/null; then check_result 0 "$what"; return; fi
	check_result 1 "$what"
	diag "failed: $*"
	return 1
}

nok()
{
	local what=$1
	shift

	if ! "$@" > /dev/null; then check_result 0 "$what"; return; fi
	check_result 1 "$what"
	diag "did not fail: $*"
	return 1
}

is()
{
	if [ "$2" = "$3" ]; then check_result 0 "$1"; return; fi
	check_result 1 "$1"
	diag "   got: $2"
	diag "wanted: $3"
	return 1
}

isnt()
{
	if [ "$2" != "$3" ]; then check_result 0 "$1"; return; fi
	check_result 1 "$1"
	diag "got just that: $2"
	return 1
}

like()
{
	if [[ $2 =~ $3 ]]; then check_result 0 "$1"; return; fi
	check_result 1 "$1"
	diag "   got: $2"
	diag "wanted a match of: $3"
	return 1
}

unlike()
{
	if ! [[ $2 =~ $3 ]]; then check_result 0 "$1"; return; fi
	check_result 1 "$1"
	diag "   got: $2"
	diag "wanted no match of: $3"
	return 1
}

within()
{
	local what=$1
	shift

	if wait_for "$@"; then check_result 0 "$what"; return; fi
	check_result 1 "$what"
	diag "not within $1 s: ${*:2}"
	return 1
}

skip_all() { printf '1..0 # SKIP %s\n' "$1"; exit 0; }

need_throwaway() { [ "$BED" = qemu ] || skip_all "needs a dom0 that may be broken"; }

done_testing()
{
	printf '1..%d\n' $checks_run
	[ $checks_failed = 0 ]
	exit
}

run()
{
	rc=0
	"$@" > "$T/.out" 2> "$T/.err" || rc=$?
	IFS= read -r -d '' out < "$T/.out"
	IFS= read -r -d '' err < "$T/.err"
	out=${out%$'\n'}
	err=${err%$'\n'}
}

run_limit() { run timeout -k 5 "$@"; }

wait_for()
{
	local end=$((SECONDS + $1))
	shift

	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# config NAME LINE...: write $T/NAME.cfg
config()
{
	local name=$1
	shift

	printf '%s\n' "name=\"$name\"" "$@" > "$T/$name.cfg"
}

tiny()
{
	local name=$1
	shift

	config "$name" "kernel=\"$XLITE/guests/tiny\"" memory=16 "$@"
}

linux()
{
	local name=$1
	shift

	config "$name" 'kernel="/srv/guests/vmlinuz"' 'ramdisk="/srv/guests/initrd"' \
		memory=256 'extra="console=hvc0 quiet"' "$@"
}

root_image() { cp --sparse=always /srv/guests/root "$1"; }

guest()
{
	local name=$1 log=/var/log/xen/console/guest-$1.log
	# What looks takes from a slow guest what little of a processor there is.
	local limit=${GUEST_LIMIT:-60} pause=0.1 end id size text
	shift

	end=$((SECONDS + limit))
	[ "$limit" -lt 300 ] || pause=1
	guest_calls=$((guest_calls + 1)) rc=255 out='' err=''
	id=$(xlite domid "$name") && size=$(stat -c %s "$log") || return
	# The two marks are not in what is typed, which the guest's terminal echoes.
	printf '{ echo "be""gin-%d"; %s\n}; echo "e""nd-%d-$?"\n' $guest_calls "$*" \
		$guest_calls > "$(xenstore-read "/local/domain/$id/console/tty")" || return
	rc=124
	while [ $SECONDS -lt $end ]; do
		text=$(tail -c +$((size + 1)) "$log" | tr -d '\r\000')
		out=${text#*"begin-$guest_calls"$'\n'}
		if [[ $out =~ (^|$'\n')"end-$guest_calls-"([0-9]+) ]]; then
			rc=${BASH_REMATCH[2]}
			out=${out%%"end-$guest_calls-"*}
			out=${out%$'\n'}
			break
		fi
		sleep $pause
	done
	return "$rc"
}

console_log() { printf '%s\n' "/var/log/xen/console/guest-$1.log"; }

console_has()
{
	local log=/var/log/xen/console/guest-$1.log

	if wait_for "${3:-60}" grep -aqE "$2" "$log"; then
		check_result 0 "console of $1: $2"
		return
	fi
	check_result 1 "console of $1: $2"
	[ ! -e "$log" ] || diag "$(tail -n 20 "$log" | tr -d '\r\000')"
	return 1
}

create_refused()
{
	run xlite create -q -p "$T/$1.cfg"
	err=${err#xlite: }
	isnt "refused: $2" "$rc" 0
	is "in words" "${err#"cannot create '$1': "}" "$3"
	xen_gone "$1" || xl destroy "$1"
}

sweep_some()
{
	local step=$1 what=$2
	shift 2

	[ -z "${LONG-}" ] || step=${LONG_STEP:-1}
	run sweep -k "$step" "$@"
	is "$what (${out##*$'\n'})" "$rc$err" 0 || diag "$out"
}

xen_gone() { ! xl domid "$1" > /dev/null 2>&1; }
