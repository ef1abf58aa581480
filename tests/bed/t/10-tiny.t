#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tiny guest itself (tests/guests/README), driven by Debian's xl: the other tests lean on it
# time-limit: 600
. "$XLITE/lib.sh"

# typed NAME LINE...: as if written at its console
typed()
{
	local name=$1 tty

	shift
	run xl domid "$name"
	wait_for 10 xenstore-read "/local/domain/$out/console/tty" || return
	tty=$(xenstore-read "/local/domain/$out/console/tty")
	printf '%s\n' "$@" > "$tty"
}

# states: $state[NAME], the six letters of xl list, of all guests
declare -A state
states()
{
	local name letters _

	while read -r name _ _ _ letters _; do
		state[$name]=$letters
	done < <(xl list)
}

# state_is NAME PATTERN, at this moment
state_is()
{
	states
	# shellcheck disable=SC2053
	[[ ${state[$1]} == $2 ]]
}

# node_is NODE VALUE: below the domain $id
node_is() { [ "$(xenstore-read "/local/domain/$id/$1")" = "$2" ]; }

# cpu_time NAME: in tenths of a second
cpu_time()
{
	local line

	line=$(xl list "$1" | tail -n 1)
	line=${line##* }
	printf '%s\n' "${line/./}"
}

# A guest's life: console, store, balloon, reboot, shutdown
life()
{
	local type=$1 n=tiny-$1 id pages

	tiny "$n" "type=\"$type\"" memory=64 'extra="say=hello there"'
	run xl create -q "$T/$n.cfg"
	is "$type: create" "$rc" 0
	console_has "$n" "^tiny: $type, 64 MiB, cmdline 'say=hello there'.?\$"
	console_has "$n" '^tiny: ready'
	console_has "$n" '^hello'
	id=$(xl domid "$n")
	ok "$type: it can be powered off" node_is control/feature-poweroff 1
	ok "$type: and rebooted" node_is control/feature-reboot 1

	typed "$n" mem 'read domid' 'write data/a b c' 'write /tool/x y' 'unknown words'
	console_has "$n" '^tiny: mem 65536 KiB'
	console_has "$n" "^tiny: read domid = $id.?\$"
	console_has "$n" '^tiny: write data/a done'
	ok "$type: it wrote that" node_is data/a 'b c'
	console_has "$n" '^tiny: write /tool/x failed: EACCES'
	console_has "$n" '^echo: unknown words'

	typed "$n" fill check
	console_has "$n" '^tiny: filled (6[0-9]{4}) KiB'
	console_has "$n" '^tiny: check: 0 pages differ'
	ok "$type: mem-set down" xl mem-set "$n" 40
	console_has "$n" '^tiny: balloon 40960 KiB'
	run xl list "$n"
	like "$type: Xen has the pages back" "$out" " 40 +1 "
	ok "$type: mem-set up" xl mem-set "$n" 64
	console_has "$n" '^tiny: balloon 65536 KiB'
	run xl list "$n"
	like "$type: the pages are there again" "$out" " 64 +1 "
	: > "$(console_log "$n")"
	typed "$n" check fill check mem
	console_has "$n" '^tiny: mem 65536 KiB'
	is "$type: memory holds what it should" \
		"$(grep -c '^tiny: check: 0 pages differ' "$(console_log "$n")")" 2

	ok "$type: reboot" xl reboot "$n"
	wait_for 20 eval "[ -n \"\$(xl domid $n)\" ] && [ \"\$(xl domid $n)\" != $id ]"
	console_has "$n" '^tiny: shutdown reboot'
	console_has "$n" '^tiny: ready'
	run_limit 30 xl shutdown -w "$n"
	like "$type: shutdown" "$rc:$out$err" '^0:.*reason code 0'
	within "$type: gone" 10 xen_gone "$n"
}

# ends COUNT TYPE WORDS STATE: a guest with these words gets into that state, see below
ends()
{
	tiny "tiny-end$1" "type=\"$2\"" memory=32 "extra=\"$3\""
	xl create -q -e "$T/tiny-end$1.cfg"
}

ended() { within "$2: $3" 20 state_is "tiny-end$1" "$4"; }

each_end()
{
	"$1" 0 pv 'delay=100 exit=4' '???sw-'
	"$1" 1 pv exit=5 '???sS-'
	"$1" 2 pv trap '???sc-'
	"$1" 3 pv watchdog=1 '???sw-'
	"$1" 4 pvh exit=3 '???sc-'
	"$1" 5 pvh trap '???sc-'
	"$1" 6 pvh 'watchdog=1 spin' '???sw-'
}

destroyed() { xl destroy "tiny-end$1"; }

deaf()
{
	local n=tiny-deaf-$1 id

	tiny "$n" "type=\"$1\"" memory=32 'extra="noack noballoon quiet say=up"'
	xl create -q "$T/$n.cfg"
	id=$(xl domid "$n")
	console_has "$n" '^up'
	# xl gives up after a minute, as nobody answers: that is not waited for
	timeout 2 xl shutdown "$n"
	xl mem-set "$n" 28
	typed "$n" mem
	console_has "$n" '^tiny: mem 32768 KiB'
	ok "$1: noack leaves the request" node_is control/shutdown poweroff
	ok "$1: and claims nothing" node_is control/feature-poweroff ''
	within "$1: and lives" 20 state_is "$n" '-b----'
	nok "$1: quiet" grep -q ready "$(console_log "$n")"
	xl destroy "$n"
}

life pv
life pvh

# With -e no xl stays to clean up after them.
each_end ends
each_end ended
each_end destroyed
deaf pv

# Output that comes faster than it is read: the last line arrives before the end.
tiny tiny-flood memory=32 'extra="flood=500 exit=0"'
xl create -q -e "$T/tiny-flood.cfg"
console_has tiny-flood '^flood 500 of 500'
is "and every other" "$(grep -c '^flood [0-9]* of 500' "$(console_log tiny-flood)")" 500
xl destroy tiny-flood

# An idle guest takes no CPU, a spinning one does.
tiny tiny-idle memory=32 'extra="say=up"'
xl create -q "$T/tiny-idle.cfg"
console_has tiny-idle '^up'
idle=$(cpu_time tiny-idle)
sleep 2
is "idle" "$(($(cpu_time tiny-idle) - idle))" 0
typed tiny-idle spin
within "spinning" 20 eval '[ $(cpu_time tiny-idle) -gt $((idle + 3)) ]'
within "a spinning guest" 20 state_is tiny-idle 'r-----'
xl destroy tiny-idle

# More memory than it was born with.
tiny tiny-grow memory=16 maxmem=300 'extra="say=up"'
xl create -q "$T/tiny-grow.cfg"
console_has tiny-grow '^up'
xl mem-set tiny-grow 300
console_has tiny-grow '^tiny: balloon 307200 KiB'
typed tiny-grow fill check
console_has tiny-grow '^tiny: check: 0 pages differ'
xl destroy tiny-grow
done_testing
