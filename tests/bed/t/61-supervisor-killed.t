#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The supervisor and its children killed at random moments of a restart: each guest gets one successor,
# which runs and is looked after. Six times; LONG=1: fifty.
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
rm -f /var/log/xen/xlite-*.log
done_testing
