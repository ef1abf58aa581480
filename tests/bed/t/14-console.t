#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The console client: everything down to the last line, the ways out, what it waits for.
. "$XLITE/lib.sh"

has() { grep -aq "$1" "$T/$2"; }
no_lock() { [ ! -e "/var/lock/xenconsole.$id" ]; }

tiny c1
ok "xl creates" xl create -q "$T/c1.cfg"
id=$(xl domid c1)
console_has c1 'tiny: ready'

# A pipe on stdin: goes to the guest, and its end is ours once nothing more comes.
{ echo hello-there; wait_for 20 has 'echo: hello-there' piped; } |
	timeout 30 xlite console c1 > "$T/piped"
is "ends with its input" "${PIPESTATUS[1]}" 0
like "what was there before" "$(tr -d '\r' < "$T/piped")" 'tiny: ready'
like "and the answer" "$(tr -d '\r' < "$T/piped")" 'echo: hello-there'
ok "leaves no lock" no_lock

# /dev/null on stdin is how services start: the console stays (xenconsole stays too).
timeout 60 xlite console "$id" < /dev/null > "$T/whole" &
client=$!
wait_for 20 test -e "/var/lock/xenconsole.$id"
run xlite console c1
like "one at a time" "$rc:$err" "^1:xlite: somebody else is attached to the console of domain $id"
# Neither success nor a time limit.
run_limit 20 /usr/lib/xen-*/bin/xenconsole "$id"
like "xenconsole sees our lock" "$rc" '^([1-9]|[1-9][0-9])$'
run_limit 20 xl console c1 < <(sleep 0.2; echo)
like "and so does xl" "$rc" '^([1-9]|[1-9][0-9])$'
xl shutdown c1 2> "$T/err"
wait $client
is "ends with the domain, in peace" "$?" 0
like "down to its last line" "$(tr -d '\r' < "$T/whole")" 'tiny: shutdown poweroff'
ok "leaves no lock" no_lock
wait_for 20 xen_gone c1

# A guest that says something and dies at once, again and again.
lost=0
for i in 1 2 3 4; do
	tiny "d$i" "extra=\"flood=50 say=the-very-last-line-$i exit=0\""
	xl create -q -p "$T/d$i.cfg"
	timeout 60 xlite console "d$i" < /dev/null > "$T/d$i.out" &
	client=$!
	wait_for 20 eval "test -e /var/lock/xenconsole.$(xl domid "d$i")"
	xlite unpause "d$i"
	wait $client || lost=$((lost + 100))
	has "^the-very-last-line-$i" "d$i.out" || lost=$((lost + 1))
done
is "no last line is lost to a fast end" "$lost" 0

# The key that detaches, on a terminal.
tiny c2
ok "xl creates" xl create -q "$T/c2.cfg"
console_has c2 'tiny: ready'
detach() { { sleep 1; printf '%b' "$1"; sleep 1; } |
	timeout 20 script -qec "xlite console $2 c2; echo left:\$?" /dev/null > "$T/tty"; }
detach 'typed\r\035' ''
like "^] detaches" "$(tr -d '\r' < "$T/tty")" $'left:0'
console_has c2 'echo: typed'
detach '\001' '-e ^a'
like "-e ^a detaches" "$(tr -d '\r' < "$T/tty")" 'left:0'
detach 'q' '-e q'
like "-e q detaches" "$(tr -d '\r' < "$T/tty")" 'left:0'
run xlite console -e abc c2
is "no such key" "$rc:$err" "1:xlite: option -e: 'abc' is neither a character nor ^X"
run xlite console -t pv -n 0 0
is "not dom0's" "$rc:$err" "1:xlite: domain 0 has no console here"
timeout 2 xlite console c2 < /dev/null > "$T/out"
is "SIGTERM ends it" "$?" 124
id=$(xl domid c2)
ok "and leaves no lock" no_lock

# A console that is not there yet: it waits, and says for what.
tty=$(xenstore-read "/local/domain/$id/console/tty")
xenstore-write "/local/domain/$id/console/tty" ''
echo too-early | timeout 30 xlite console c2 > "$T/out" 2> "$T/early.err" &
client=$!
wait_for 20 has 'waiting for its console' early.err
xenstore-write "/local/domain/$id/console/tty" "$tty"
wait $client
is "a pipe's end waits for the console" "$?" 0
console_has c2 'echo: too-early'
xl pause c2
xenstore-write "/local/domain/$id/console/tty" ''
timeout 60 xlite console c2 < /dev/null > "$T/late" 2> "$T/late.err" &
client=$!
within "it says what it waits for" 20 has "waiting for its console: no '/local/domain/$id/console/tty' yet" late.err
xenstore-write "/local/domain/$id/console/tty" "$tty"
xl unpause c2
xl shutdown c2 2> "$T/err"
wait $client
is "and goes on when it is there" "$?" 0
like "to the end" "$(tr -d '\r' < "$T/late")" 'tiny: shutdown poweroff'
wait_for 20 xen_gone c2

# A pty's name that a guest could have written names nothing but terminals.
tiny c3
ok "xl creates" xl create -q "$T/c3.cfg"
id=$(xl domid c3)
console_has c3 'tiny: ready'
echo secret > "$T/secret"
xenstore-write "/local/domain/$id/device/console/1/tty" "$T/secret"
run timeout 10 xlite console -n 1 c3
like "a file is no terminal" "$rc:$err" "^1:.*is no terminal"
xenstore-write "/local/domain/$id/device/console/1/tty" /dev/null
run timeout 10 xlite console -n 1 c3
like "a device is no terminal either" "$rc:$err" "^1:.*is no terminal"
xenstore-rm "/local/domain/$id/device/console/1"
ok "away" xl destroy c3

# create -c that is left: who looked after the guest until then hands it on.
tiny c4 'on_reboot="restart"'
{
	wait_for 60 has 'tiny: ready' tty4
	cp /run/xlite/c4.dom "$T/before"
	printf '\035'
} | timeout 120 script -qfec "xlite create -q -c $T/c4.cfg; echo left:\$?" "$T/tty4" > /dev/null
like "create -c, ^]" "$(tr -d '\r' < "$T/tty4")" 'left:0'
like "meanwhile it is not the supervisor's" "$(< "$T/before")" '^alone '
like "then it is" "$(< /run/xlite/c4.dom)" '^complete '
is "there is one" "$(pgrep -cfx 'xlite supervise')" 1
id=$(xl domid c4)
echo "exit 1" | timeout 20 xlite console c4 > /dev/null
successor() { local now; now=$(xl domid c4 2> /dev/null) && [ "$now" != "$id" ]; }
within "it restarts" 30 successor
lives() { [ "$(grep -ac '^tiny: ready' "$(console_log c4)")" = 2 ]; }
within "and runs" 60 lives
run xlite destroy c4
within "the supervisor goes" 20 eval '! pgrep -fx "xlite supervise"'
# What was done about an end is not done once more.
tiny c5 'on_poweroff="preserve"' 'extra="exit=0"'
shut_down() { [[ $(xl list c5 2> /dev/null) == *---s--* ]] && grep -q '"shutdown","name":"c5"' /var/log/xen/xlite-events.log; }
{
	wait_for 60 shut_down
	printf '\035'
} | timeout 120 script -qfec "xlite create -q -c $T/c5.cfg; echo left:\$?" "$T/tty5" > /dev/null
like "create -c, ended, ^]" "$(tr -d '\r' < "$T/tty5")" 'left:0'
is "it is told once, and nobody's" "$(grep -c '"shutdown","name":"c5"' /var/log/xen/xlite-events.log):$(cut -d ' ' -f 1 /run/xlite/c5.dom)" 1:alone
nok "nor is there a supervisor" pgrep -fx 'xlite supervise'
run xlite destroy c5
# One that has another name by now.
tiny c6
{
	wait_for 60 has 'tiny: ready' tty6
	xlite rename c6 c7
	printf '\035'
} | timeout 120 script -qfec "xlite create -q -c $T/c6.cfg; echo left:\$?" "$T/tty6" > /dev/null
like "create -c, renamed, ^]" "$(tr -d '\r' < "$T/tty6")" 'left:0'
like "it is the supervisor's" "$(< /run/xlite/c7.dom)" '^complete '
run xlite destroy c7
within "which goes with it" 20 eval '! pgrep -fx "xlite supervise"'
rm -f /var/log/xen/xlite-*.log
done_testing
