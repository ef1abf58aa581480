#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tiny guest itself (tests/guests/README), driven by Debian's xl: the other tests lean on it
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

# state_is NAME PATTERN: of the six letters of xl list
state_is()
{
	local name id mem vcpus state

	while read -r name id mem vcpus state _; do
		# shellcheck disable=SC2053
		[ "$name" != "$1" ] || [[ $state == $2 ]] || return
	done < <(xl list "$1")
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

keep='on_poweroff="preserve"
on_reboot="preserve"
on_crash="preserve"
on_watchdog="preserve"
on_soft_reset="preserve"'

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
	within "$type: it obeys now" 10 xenstore-exists \
		"/local/domain/$(xl domid "$n")/control/feature-reboot"
	run_limit 30 xl shutdown -w "$n"
	like "$type: shutdown" "$rc:$out$err" '^0:.*reason code 0'
	within "$type: gone" 10 xen_gone "$n"
}

# ends TYPE WORDS STATE: the guest with these words gets into that state
ends()
{
	tiny tiny-ends "type=\"$1\"" memory=32 "extra=\"$2\"" "$keep"
	xl create -q "$T/tiny-ends.cfg"
	within "$1: $2" 20 state_is tiny-ends "$3"
	run xl destroy tiny-ends
}

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
	ok "$1: and lives" state_is "$n" '-b----'
	nok "$1: quiet" grep -q ready "$(console_log "$n")"
	xl destroy "$n"
}

life pv
life pvh

ends pv exit=0 '??-s--'
ends pv exit=1 '???sr-'
ends pv exit=2 '???ss-'
ends pv exit=3 '???sc-'
ends pv exit=4 '???sw-'
ends pv exit=5 '???sS-'
ends pv trap '???sc-'
ends pv watchdog=1 '???sw-'
ends pv 'delay=100 exit=3' '???sc-'
ends pvh exit=1 '???sr-'
ends pvh trap '???sc-'
ends pvh 'watchdog=1 spin' '???sw-'
deaf pv
deaf pvh

# Output that comes faster than it is read: the last line arrives before the end.
tiny tiny-flood memory=32 'extra="flood=500 exit=0"' "$keep"
xl create -q "$T/tiny-flood.cfg"
console_has tiny-flood '^flood 500 of 500'
is "every line of it" "$(grep -c '^flood [0-9]* of 500' "$(console_log tiny-flood)")" 500
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
ok "a spinning guest" state_is tiny-idle 'r-----'
xl destroy tiny-idle

# To the toolstack a PVH guest without the callback has no PV drivers.
tiny tiny-nocb 'type="pvh"' memory=32 'extra="nocallback say=up"'
xl create -q "$T/tiny-nocb.cfg"
console_has tiny-nocb '^up'
run xl shutdown tiny-nocb
like "nocallback" "$rc:$err" '^1:.*PV'
xl destroy tiny-nocb

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
