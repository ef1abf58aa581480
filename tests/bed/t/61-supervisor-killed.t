#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The supervisor and its children killed at random moments of a restart: each guest gets one successor,
# which runs and is looked after. Six times; LONG=1: fifty. And the child before each of its calls: every
# 30th; LONG=1: every third.
# time-limit: 1800
. "$XLITE/lib.sh"

rounds=6
[ -z "$LONG" ] || rounds=50
domid_of() { xl domid k 2> /dev/null; }
successor() { local now; now=$(domid_of) && [ "$now" != "$id" ]; }
settled() { [ -z "$(compgen -G '/run/xlite/*.restart')" ] && successor; }
answers() { [ "$(tr -d '\000\r' < "$(console_log k)" | grep -c '^tiny: ready')" = $((round + 1)) ]; }
tell() { echo "$1" | timeout 20 xlite console k > /dev/null; }
no_supervisor() { ! pgrep -f 'xlite supervise' > /dev/null; }

tiny k 'on_reboot="restart"' 'on_crash="preserve"'
run xlite create -q "$T/k.cfg"
is "created" "$rc:$err" "0:"
console_has k 'tiny: ready'
for ((round = 1; round <= rounds; round++)); do
	id=$(domid_of)
	tell "exit 1"
	# The whole of it takes some 300 ms, several times that on a busy machine.
	printf -v pause '0.%03d' $((RANDOM % 600))
	read -r -t "$pause" <> <(:)
	# Every other time the child alone, which the supervisor starts again.
	words='xlite supervise'
	[ $((round % 2)) = 1 ] || words+=' --end'
	pkill -9 -f "$words"
	xlite supervise &
	within "round $round, killed after $pause s: a successor" 60 settled || break
	within "round $round: which runs" 30 answers || break
	is "round $round: alone" "$(xl list | awk 'NR > 2' | wc -l)" 1
	# It lived for less than a minute, which is held against it: not what this is about.
	sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/     0 \1/' /run/xlite/k.dom
done
run xlite destroy k
is "destroyed" "$rc:$err" "0:"
within "and the supervisor goes" 20 no_supervisor

# The child by itself, which the next supervisor follows: killed before its Nth call.
step=30
[ -z "$LONG" ] || step=3
stepped() { [ -z "$(compgen -G '/run/xlite/*.restart')" ] && [ "$(ready_lines)" = 2 ]; }
ready_lines() { tr -d '\000\r' < "$(console_log k-step)" | grep -c '^tiny: ready'; }
shut_down() { [[ $(xl list k-step 2> /dev/null) == *---s* ]]; }
tiny k-step 'on_reboot="restart"'
bad=0
for ((n = 1, code = 137; code == 137 && n < 1000; n += step)); do
	rm -f "$(console_log k-step)"
	xlite create -q "$T/k-step.cfg"
	wait_for 60 eval '[ "$(ready_lines)" = 1 ]'
	read -r _ uuid id _ < /run/xlite/k-step.dom
	pkill -STOP -fx 'xlite supervise'
	echo "exit 1" > "$(xenstore-read "/local/domain/$id/console/tty")"
	wait_for 30 shut_down
	pkill -9 -fx 'xlite supervise'
	{ XLITE_KILL_AT=$n xlite-fault supervise --end k-step "$id" "$uuid" 0 end; } 2> /dev/null
	code=$?
	xlite supervise &
	wait_for 60 stepped && [ "$(xl list | awk 'NR > 2' | wc -l)" = 1 ] ||
		{ bad=$((bad + 1)); diag "killed before call $n: $(xl list; ls /run/xlite)"; }
	xlite destroy k-step
	wait_for 20 no_supervisor
done
is "killed before each ${step}th of $((n - step)) calls: one successor, which runs" "$code:$bad" 0:0
ok "there were some" [ $((n - step)) -gt 60 ]
rm -f /var/log/xen/xlite-*.log
done_testing
